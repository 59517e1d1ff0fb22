"""Whether a run did its task, and who says so."""

from dataclasses import dataclass
from enum import StrEnum

NEARLY = 1e-6
"""Rewards are sums of floats: 0.9999999 is 1."""


class Status(StrEnum):
    """How a run ended. Only the first two say something about the agent."""

    SUCCESS = "success"
    FAILURE = "failure"
    INFRA_ERROR = "infra_error"
    UNLABELLED = "unlabelled"


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
    def broken(cls, reason: str, source: str, *, reward: float | None = None) -> "Outcome":
        """Label a run that failed outside the agent."""
        return cls(Status.INFRA_ERROR, reward, source=source, note=reason)


UNLABELLED = Outcome()
"""Of a run about which nobody has said anything."""
