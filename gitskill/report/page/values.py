"""What stands on the report page. Texts are as they came: the page makes them harmless when it is written."""

from dataclasses import dataclass

from gitskill.ids import LessonId
from gitskill.node import Support
from gitskill.report.lesson import Standing
from gitskill.skill.words import Mark, Piece


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the four numbers at the top."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line that came or went, as its pieces."""

    mark: Mark
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One change to one place of a file."""

    path: str
    section: str
    lines: tuple[Line, ...] = ()
    note: str = ""
    """What is to be said where no line changed: `the file is removed`."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Evidence in its step."""

    trace: str
    step: int
    text: str
    task: str = ""
    outcome: str = ""
    who: str = ""
    """Whose text it is: `tool`, `agent`; empty where the trace is not here."""
    call: str = ""
    """What the tool was called with."""
    before: str = ""
    after: str = ""
    problem: str = ""
    """Why nothing stands around it."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A lesson that says the same as another."""

    lesson: LessonId
    title: str
    analyst: str
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """A lesson that stood against another."""

    lesson: LessonId
    title: str
    standing: Standing
    changes: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Clash:
    """What could not stand side by side, and how that ended."""

    what: str
    by: str
    """Who settled it; empty where a lesson was dropped and no resolution made."""
    others: tuple[Side, ...]
    more: int = 0
    """Further lessons on the other side that are not shown here."""
    settled: tuple[Shown, ...] = ()
    """What stands instead."""


@dataclass(frozen=True, slots=True)
class Card:
    """One lesson."""

    lesson: LessonId
    title: str
    standing: Standing
    support: Support
    cause: str = ""
    analyst: str = ""
    verified: str = ""
    said: str = ""
    """What a rejected lesson said: nothing else is kept of it."""
    places: tuple[str, ...] = ()
    """Where it changes the skill: `SKILL.md: Writing`."""
    tasks: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    changes: tuple[Shown, ...] = ()
    folded: tuple[Folded, ...] = ()
    more: int = 0
    """Further lessons that were folded into it and are not named here."""
    clashes: tuple[Clash, ...] = ()
    cost: str = ""
    problem: str = ""
    """Why it cannot be read."""

    @property
    def anchor(self) -> str:
        """Its name inside the page."""
        return str(self.lesson).replace("/", "-")


@dataclass(frozen=True, slots=True)
class Branch:
    """A commit of the consolidation: a merge, a fold, a resolution or a lesson."""

    name: str
    what: str
    title: str
    support: int
    share: float
    """Its part of the root's support, from 0 to 100."""
    anchor: str = ""
    """The lesson's name inside the page."""
    of: tuple[str, ...] = ()
    """The lessons that a fold or resolution joins and that stand in other branches of the tree."""
    dropped: tuple[tuple[str, str], ...] = ()
    """The lessons that this merge left out, with the reason."""
    below: tuple["Branch", ...] = ()


@dataclass(frozen=True, slots=True)
class Credited:
    """A line of the skill with its source."""

    number: int
    text: str
    kind: str
    source: str
    anchor: str
    more: int
    support: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of the skill."""

    path: str
    lines: tuple[Credited, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the bill."""

    name: str
    calls: int
    input: int
    output: int
    usd: str


@dataclass(frozen=True, slots=True)
class Remark:
    """An anomaly, or what an analyst remarked."""

    what: str
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """All of it."""

    name: str
    skill: str
    several: bool
    """It is about several runs, so that short ids do not tell lessons apart."""
    sentence: str
    figures: tuple[Figure, ...]
    meaning: tuple[tuple[str, str], ...]
    """What the change amounts to: lines, tokens, reach, version."""
    trees: tuple[Branch, ...]
    lessons: tuple[Card, ...]
    waiting: tuple[tuple[str, str, tuple[Card, ...]], ...]
    """What does not stand: the state, what it means, and the lessons."""
    traces: tuple[tuple[int, str, str], ...]
    """What became of the traces: how many, how they ended, why."""
    files: tuple[File, ...]
    stages: tuple[Row, ...]
    slots: tuple[Row, ...]
    bill: str
    """What is to be said of the cost in one sentence."""
    remarks: tuple[Remark, ...]
