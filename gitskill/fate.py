"""What became of every trace and every lesson of a run: the accounts that must add up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gitskill.lesson import Evidence


class Fate(StrEnum):
    """How a trace ended."""

    LESSONS = "lessons"
    NO_LESSON = "no_lesson"
    FAILED = "failed"


class State(StrEnum):
    """Where a lesson stands before it is merged."""

    PROPOSED = "proposed"
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class LessonFate:
    """What the checks made of a lesson."""

    slot: str
    """Its id within the run: `l0042a`."""
    title: str
    state: State
    commit: str = ""
    """Its commit; a rejected lesson has none."""
    by: str = ""
    """The check that held or rejected it."""
    reason: str = ""
    rule: str = ""
    """What a rejected lesson said: nothing else keeps it."""


@dataclass(frozen=True, slots=True)
class TraceFate:
    """What came of studying a trace."""

    number: int
    """Its place in the plan."""
    fate: Fate
    reason: str = ""
    """Why it taught nothing, or could not be studied; of one with lessons, what its analyst remarked."""
    lessons: tuple[LessonFate, ...] = ()
    suspects: tuple[int, ...] = ()
    """Steps to look at first for what went wrong, ranked, where an analyst names any."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A fact about the harness or the labels that an analyst noticed. It is told to a person; it is no lesson."""

    what: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Aside:
    """A lesson that took no part in the consolidation of its run."""

    slot: str
    is_said: bool
    """The skill says it already; else it stands back."""
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run has come to so far."""

    traces: Counter[Fate]
    lessons: Counter[State]


def tally(fates: Iterable[TraceFate]) -> Tally:
    """Count."""
    fates = tuple(fates)
    return Tally(Counter(each.fate for each in fates), Counter(one.state for each in fates for one in each.lessons))
