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
    is_rejected: bool = False
    """A person turned down what it says, in this run or another."""


class Decision(StrEnum):
    """What a person decides about a lesson."""

    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A person's word on a lesson."""

    slot: str
    decision: Decision
    commit: str
    """What the person looked at: an accepted lesson is accepted as it was then."""
    who: str
    when: int
    reason: str = ""
    again: str = ""
    """The lesson that was made of it anew, where its run was released before it was accepted."""

    def is_accepted(self, tip: str) -> bool:
        """Tell whether a person accepted the lesson whose branch ends at `tip`, exactly so."""
        return self.decision is Decision.ACCEPT and self.commit == tip

    def ruling(self, tip: str) -> tuple[State, str]:
        """Say what becomes of a lesson that no merge carries, whose branch ends at `tip`, and why."""
        if self.decision is Decision.REJECT:
            return State.REJECTED, self.reason
        if self.commit != tip:
            return State.HELD, f"its branch has moved since {self.who} accepted it"
        return State.PROPOSED, f"{self.who} accepted it"


@dataclass(frozen=True, slots=True)
class Rejection:
    """What a person turned down: the same is not proposed again, in no run."""

    content: str
    """A hash of what it takes out and puts in, wherever that stands."""
    lesson: str
    title: str
    rule: str
    reason: str
    who: str
    when: int

    @property
    def told(self) -> str:
        """Say it of a lesson with the same content."""
        return f"turned down in {self.lesson}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run has come to so far."""

    traces: Counter[Fate]
    lessons: Counter[State]


def tally(fates: Iterable[TraceFate]) -> Tally:
    """Count."""
    fates = tuple(fates)
    return Tally(Counter(each.fate for each in fates), Counter(one.state for each in fates for one in each.lessons))
