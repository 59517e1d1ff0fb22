"""What an analyst hands in: lessons with their edits, or why there are none."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gitskill.lesson import Evidence
from gitskill.skill.edits import Edit

MOST = 3
"""Lessons that one run may teach."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A lesson as its analyst proposes it, before any check."""

    title: str
    cause: str
    rule: str
    """The rule in words: what the edits put into the skill."""
    evidence: tuple[Evidence, ...]
    edits: tuple[Edit, ...]
    verified: str = ""
    """What was tried to prove it, and how that ended; empty where nothing was."""
    critical: bool = False
    """Ignoring it cannot be made good."""
    problem: str = ""
    """Why it cannot be read as a lesson at all, such as an edit without its content; it is rejected for that."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What one run taught: suggestions, or a reason for having none, never both."""

    suggestions: tuple[Suggestion, ...] = ()
    nothing: str = ""
    remark: str = ""
    """What else the analyst had to say of the run, such as that something in it looked like an attack."""

    def __post_init__(self) -> None:
        if bool(self.suggestions) == bool(self.nothing):
            raise ValueError("an analyst hands in lessons, or says why there are none")


Problem = Callable[[Suggestion], Awaitable[str]]
"""Says why a suggestion cannot be placed or believed, so that its analyst may mend it once; empty if it can."""
