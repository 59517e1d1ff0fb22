"""What can go wrong with a model, as exceptions that say what to do next.

Three kinds, because three different things must happen: `NoAnswer` is the fate
of one question, `ModelUnusable` stops the run until somebody mends something,
`Paused` stops it until there is time or money.
"""

from enum import StrEnum
from typing import ClassVar

from gitskill.errors import GitskillError


class Failed(GitskillError):
    """A question that came to nothing. `maybe_paid` counts its requests that the endpoint may bill all the same."""

    maybe_paid: int = 0


class ModelUnusable(Failed):
    """The endpoint cannot be reached, refuses us, or is no model endpoint; asking it more would not help."""

    exit_code: ClassVar[int] = 6


class Paused(Failed):
    """A budget is spent or a limit is reached; the same command goes on later where it stood."""

    exit_code: ClassVar[int] = 75


class BudgetSpent(Paused):
    """A budget of the person's own is spent: going on takes a larger one."""


class LedgerUnusable(GitskillError):
    """The ledger is damaged, in the way of another process, or not ours."""


class Why(StrEnum):
    """Why a question has no answer that can be used."""

    REFUSED = "refused"
    FILTERED = "filtered"
    CUT = "cut"
    TOO_LONG = "too long"
    EMPTY = "empty"
    INVALID = "invalid"
    GARBLED = "garbled"
    TOO_LARGE = "too large"
    REJECTED = "rejected"


_SAID: dict[Why, tuple[str, str]] = {
    Why.REFUSED: ("the model refuses to answer", "leave this input out, or choose another model"),
    Why.FILTERED: ("the endpoint's content filter stopped the answer", "leave this input out, or choose another model"),
    Why.CUT: ("the answer was cut off at its largest size", "allow more tokens for an answer"),
    Why.TOO_LONG: ("the question is longer than the model can read", "choose a model with a longer context"),
    Why.EMPTY: ("the answer is empty", ""),
    Why.INVALID: ("the answer broke its format twice", "choose a stronger model if this happens often"),
    Why.GARBLED: ("what came back is not a chat completion", "see whether the base URL is right"),
    Why.TOO_LARGE: ("the answer is larger than any that can be used", "see whether the base URL is right"),
    Why.REJECTED: ("the endpoint rejects the question", ""),
}


class NoAnswer(Failed):
    """One question that got no usable answer; the others are not affected."""

    exit_code: ClassVar[int] = 6

    def __init__(self, why: Why, detail: str = "") -> None:
        message, hint = _SAID[why]
        super().__init__(f"{message}: {detail}" if detail else message, hint=hint)
        self.why = why
        self.detail = detail
