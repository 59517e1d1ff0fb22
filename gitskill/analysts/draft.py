"""What an analyst is given, and what it proposes before that becomes edits to a skill."""

from dataclasses import dataclass

from gitskill.lesson import Evidence
from gitskill.outcome import Outcome
from gitskill.trace import Trace

HERE = "this environment"
"""The scope of a draft that rests on how one harness behaves."""


@dataclass(frozen=True, slots=True)
class Studied:
    """One run, as an analyst gets it."""

    id: str
    trace: Trace
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Draft:
    """A lesson without its edits. The same finding in several runs has the same title and the same rule."""

    title: str
    cause: str
    """What happened in this one run: it differs from run to run."""
    rule: str
    """The text of a Markdown bullet, without its mark."""
    evidence: tuple[Evidence, ...]
    section: str
    """The heading that it belongs under."""
    scope: str = ""
    """Where it holds, if not everywhere."""


@dataclass(frozen=True, slots=True)
class NoLesson:
    """Why a run taught nothing."""

    trace: str
    reason: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A fact about the harness or the labels. It is reported to a person, and never becomes a lesson."""

    what: str
    evidence: tuple[Evidence, ...] = ()
    figures: tuple[tuple[str, float], ...] = ()
    tags: frozenset[str] = frozenset()
    """What of it bears on lessons, by names that the miners know."""
