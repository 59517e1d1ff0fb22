"""Whether a run did its task, and who says so."""

import sys
from dataclasses import dataclass
from enum import StrEnum

NEARLY = 1e-6
"""Rewards are sums of floats: 0.9999999 is 1."""


BY_HAND = "person"
"""The source of an outcome that somebody gave to one run."""


class Status(StrEnum):
    """How a run ended. Only the first two say something about the agent."""

    SUCCESS = "success"
    FAILURE = "failure"
    INFRA_ERROR = "infra_error"
    UNLABELLED = "unlabelled"


_WORDS = {
    **dict.fromkeys(("success", "successful", "succeeded", "pass", "passed", "true", "yes", "ok"), Status.SUCCESS),
    **dict.fromkeys(("resolved", "solved", "correct", "good"), Status.SUCCESS),
    **dict.fromkeys(("failure", "fail", "failed", "false", "no", "unresolved", "incorrect", "bad"), Status.FAILURE),
    **dict.fromkeys(("infra_error", "infra", "infrastructure_error", "error"), Status.INFRA_ERROR),
    **dict.fromkeys(("unlabelled", "unlabeled", "unknown", "none", "null"), Status.UNLABELLED),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The label of a trace: kept beside it, so that a person can change it."""

    status: Status = Status.UNLABELLED
    reward: float | None = None
    threshold: float | None = None
    """What the reward had to reach."""
    source: str = ""
    """Where the label stood: a field, a file beside the trace, a command."""
    who: str = ""
    """The person who gave it; empty where it was read."""
    note: str = ""

    @classmethod
    def scored(cls, reward: float, source: str, *, threshold: float = 1.0) -> "Outcome":
        """Label by a reward: success from the threshold on."""
        status = Status.SUCCESS if reward >= threshold - NEARLY else Status.FAILURE
        return cls(status, reward, threshold, source)

    @classmethod
    def judged(cls, good: bool, source: str) -> "Outcome":
        """Label by a verdict."""
        return cls(Status.SUCCESS if good else Status.FAILURE, source=source)

    @classmethod
    def told(cls, value: object, source: str, *, threshold: float = 1.0) -> "Outcome | None":
        """Label by a word, a truth value or a reward, as people and harnesses write them; None where it is none."""
        if isinstance(value, bool):
            return cls.judged(value, source)
        if isinstance(value, int | float):
            is_reward = (
                abs(value) <= sys.float_info.max
            )  # also false for what is no number, and for integers beyond all floats
            return cls.scored(float(value), source, threshold=threshold) if is_reward else None
        if not isinstance(value, str):
            return None
        if status := _WORDS.get(value.strip().lower().replace("-", "_").replace(" ", "_")):
            return cls(status, source=source)
        try:
            return cls.told(float(value), source, threshold=threshold)
        except ValueError:
            return None

    @classmethod
    def broken(cls, reason: str, source: str, *, reward: float | None = None) -> "Outcome":
        """Label a run that failed outside the agent."""
        return cls(Status.INFRA_ERROR, reward, source=source, note=reason)

    def followed_by(self, newer: "Outcome") -> "Outcome":
        """Choose between this outcome and one that is read later: what a person said of this very run stands.

        Next comes what somebody's labels say, then what the log says, then nothing.
        """
        return newer if newer.weight >= self.weight else self

    @property
    def weight(self) -> int:
        """Say how much the outcome counts against another one of the same run."""
        if self.source == BY_HAND:
            return 3
        return 0 if self.status is Status.UNLABELLED else 2 if self.who else 1


UNLABELLED = Outcome()
"""Of a run about which nobody has said anything."""
