"""When to ask again: how often, after how long, and when it is no use."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from gitskill.model.failures import ModelUnusable

RETRIED = frozenset({429, 500, 502, 503, 504, 529})
"""Statuses that may be another one next time."""

_ENOUGH = 3
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long we wait: exponentially, with full jitter from a generator that is handed in."""

    draw: random.Random = field(default_factory=random.Random)
    tries: int = 5
    first: float = 0.5
    most: float = 8.0
    longest: float = 120.0
    """The longest wait that an endpoint may ask for; what is longer pauses the run."""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    now: Callable[[], float] = time.time

    def delay(self, failed: int, asked: float | None) -> float:
        """Give the wait after `failed` tries. What the endpoint asks for is waited for, and a little more.

        The jitter goes on top of it, so that workers that were sent away together do not return together.
        """
        jitter = self.draw.uniform(0, min(self.most, self.first * 2 ** (failed - 1)))
        return jitter if asked is None else asked + jitter

    def asked(self, headers: Mapping[str, str]) -> float | None:
        """Read Retry-After: seconds or a date. Garbage, a negative number or a past date is no wish."""
        text = headers.get("retry-after", "").strip()
        if _SECONDS.fullmatch(text):
            return float(text)
        try:
            left = parsedate_to_datetime(text).timestamp() - self.now()
        except (ValueError, OverflowError):
            return None
        return left if left > 0 else None


@dataclass(slots=True)
class Breaker:
    """Notices an endpoint that is down for all, so that no further question has to find out for itself.

    It opens when `failures` tries in a row got no response and one question has
    failed three times, or when `strange` questions in a row got no chat
    completion. A burst of broken connections alone does not open it.
    """

    failures: int = 10
    strange: int = 5
    _failed: int = 0
    _strange: int = 0
    _open: ModelUnusable | None = None

    def check(self) -> None:
        """Raise the reason if the endpoint is known to be down."""
        if self._open:
            raise ModelUnusable(str(self._open), hint=self._open.hint)

    def answered(self) -> None:
        """Note that somebody got an answer."""
        self._failed = self._strange = 0

    def failed(self, tried: int, reason: ModelUnusable) -> None:
        """Note that a question's try number `tried` got no response."""
        self._failed += 1
        if self._failed >= self.failures and tried >= _ENOUGH:
            self._open = reason

    def got_strange(self, reason: ModelUnusable) -> None:
        """Note that a question got something that is no answer."""
        self._strange += 1
        if self._strange >= self.strange:
            self._open = reason
