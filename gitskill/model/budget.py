"""Hard stops: before a call its worst case is set aside, so that many calls at once cannot overshoot."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from gitskill.errors import InvalidInput
from gitskill.model.failures import BudgetSpent
from gitskill.model.prices import Prices
from gitskill.model.request import Answer, Model, Question, Usage
from gitskill.model.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be spent; None is no limit."""

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None


_N = TypeVar("_N", int, float)
_NARROWING = ("max_calls", "max_tokens", "max_usd")
_REDIRECTING = {
    "base_url": "it would say where your key and your traces go",
    "key": "a key in a repository is a leak",
    "headers": "they would go out with your key",
    "model": "it would spend your money on another model",
    "proxy": "it would say what your traces pass through",
    "prices": "they would lift your budget",
    "deadline": "it would change how your endpoint is used",
}


def narrowed(limits: Limits, repository: Mapping[str, Any]) -> Limits:
    """Tighten `limits` by what a repository asks for; whatever else it says is an error that names the key."""
    for key, value in repository.items():
        if key not in _NARROWING:
            why = _REDIRECTING.get(key, f"it may hold {', '.join(_NARROWING)}")
            raise InvalidInput(f"a repository may not set {key}: {why}", hint="set it in your own configuration")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise InvalidInput(f"{key} in the repository's configuration is not a number from 0 on")
    asked = Limits(*(repository.get(key) for key in _NARROWING))
    return Limits(
        calls=_lower(limits.calls, asked.calls),
        tokens=_lower(limits.tokens, asked.tokens),
        usd=_lower(limits.usd, asked.usd),
    )


def _lower(ours: _N | None, theirs: _N | None) -> _N | None:
    return min((each for each in (ours, theirs) if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Cost:
    """What was spent, or set aside."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.calls + other.calls, self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.calls - other.calls, self.tokens - other.tokens, self.usd - other.usd)

    def beyond(self, limits: Limits) -> str:
        """Name the first limit that this is over, as in `Limits`; empty if it is within all."""
        for each in fields(limits):
            limit = getattr(limits, each.name)
            if limit is not None and getattr(self, each.name) > limit:
                return each.name
        return ""


class Budgeted:
    """Lets a question through only if the budget holds even in its worst case. Stands inside the ledger."""

    def __init__(self, inner: Model, limits: Limits, prices: Prices, spent: Cost | None = None) -> None:
        self._inner = inner
        self._limits = limits
        self._prices = prices
        self._spent = spent or Cost()
        self._aside = Cost()
        self._released = asyncio.Event()
        self.sizes = Sizes()

    @property
    def spent(self) -> Cost:
        """What was spent so far; dollars only where the price is known."""
        return self._spent

    async def ask(self, question: Question) -> Answer:
        """Pass the question on, or raise BudgetSpent before anything is sent."""
        worst = self._worst(question)
        await self._set_aside(worst)
        # What breaks off midway may be billed: it counts as a call, of a size that nobody told us.
        paid = Cost(calls=1)
        try:
            answer = await self._inner.ask(question)
            paid = self._paid(question, answer)
        finally:
            self._aside -= worst
            self._spent += paid
            self._released.set()
        return answer

    async def _set_aside(self, worst: Cost) -> None:
        """Take `worst` out of what is left; wait for calls under way, which mostly cost less than was set aside."""
        while over := (self._spent + self._aside + worst).beyond(self._limits):
            if self._aside.calls == 0:
                raise BudgetSpent(
                    self._spent_up(over),
                    hint="allow more; the same command goes on where it stood",
                )
            self._released.clear()
            await self._released.wait()
        self._aside += worst

    def _spent_up(self, name: str) -> str:
        """Say that a limit is reached, and what is left of it: too little for another question."""
        limit = getattr(self._limits, name)
        left = limit - getattr(self._spent, name)
        rest = f", but for {_counted(left, name)}" if round(left, 6) > 0 else ""
        return f"the budget of {_counted(limit, name)} is spent{rest}"

    def _worst(self, question: Question) -> Cost:
        tokens = self.sizes.most(question)
        usd = self._prices.usd(question.model, Usage(tokens - question.max_tokens, question.max_tokens))
        if usd is None and self._limits.usd is not None:
            raise InvalidInput(
                f"a budget in dollars cannot be kept: the price of {question.model} is not known",
                hint="give its price in your configuration, or a budget in tokens",
            )
        return Cost(1, tokens, usd or 0.0)

    def _paid(self, question: Question, answer: Answer) -> Cost:
        usage = answer.usage
        if usage == Usage():  # some endpoints do not count
            usage = Usage(self.sizes.likely(question.model, question.size()), len(answer.text) // 2)
        else:
            self.sizes.saw(question, usage.input)
        return Cost(1 + answer.maybe_paid, usage.input + usage.output, self._prices.usd(question.model, usage) or 0.0)


def _counted(number: float, name: str) -> str:
    """Write `1 call`, `2 calls`, `$0.5`."""
    if name == "usd":
        return f"${number:.6f}".rstrip("0").rstrip(".")
    return f"{number} {name.removesuffix('s') if number == 1 else name}"
