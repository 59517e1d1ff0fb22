"""A suggestion held against every check: what it becomes is decided here, in code, and for every analyst alike."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from gitskill.analysts.draft import Studied
from gitskill.analysts.suggestion import Suggestion
from gitskill.checks.finding import Finding, Level
from gitskill.checks.leak import Source
from gitskill.checks.lesson import Words, check_lesson, judgement
from gitskill.errors import InvalidInput
from gitskill.fate import LessonFate, Rejection, State
from gitskill.ids import LessonId
from gitskill.lesson import Lesson, TraceRef
from gitskill.message import one_line
from gitskill.outcome import Status
from gitskill.redact.redactor import Redactor
from gitskill.skill.diff import changes_between
from gitskill.skill.edits import apply_edits
from gitskill.skill.snapshot import SKILL_FILE, Skill
from gitskill.store.analyses import Ready
from gitskill.store.rejections import name_of

_KEPT = 300
"""Characters of what a rejected lesson said."""


_Held = tuple[Skill | None, Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What every lesson of a run is held against."""

    base: Skill
    redactor: Redactor
    calm: Callable[[], Awaitable[None]] = field(default=partial(asyncio.sleep, 0), compare=False, repr=False)
    """Waits until computing holds up no question that can be sent."""
    turned_down: Mapping[str, Rejection] = field(default_factory=dict, compare=False, repr=False)
    """What people rejected in earlier runs, by content."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False, repr=False)
    """Whoever has it may compute for a while."""


@dataclass(frozen=True, slots=True)
class Case:
    """The traces that an analyst had before it, with their tasks."""

    runs: tuple[Studied, ...]
    tasks: Mapping[str, str]
    analyst: str
    """As it stands on a commit: `error qwen3.5-35b prompts:5e1c22ab`."""
    seen: dict[Suggestion, _Held] = field(default_factory=dict, compare=False, repr=False)
    """What the checks said of a suggestion: an analyst is told first, and the verdict is the same."""

    def cited(self, suggestion: Suggestion) -> tuple[TraceRef, ...]:
        """Give the traces that a suggestion quotes; all of them where it quotes none."""
        quoted = {item.trace for item in suggestion.evidence}
        named = [run for run in self.runs if run.id in quoted] or list(self.runs)
        return tuple(TraceRef(run.id, self.tasks[run.id], str(run.outcome.status)) for run in named)


async def problem(bench: Bench, case: Case, suggestion: Suggestion) -> str:
    """Say why a suggestion would be rejected, for its analyst to mend; empty if it would not be.

    One suggestion at a time, and questions that can be sent are sent before:
    many answers that come at once must not hold up the next questions.
    """
    async with bench.turn:
        await bench.calm()
        _, findings = _held_against(bench, case, suggestion)
    wrong = [each for each in findings if each.level is Level.INVALID]
    return "; ".join(f"{each.path}: {each.message}" if each.path else each.message for each in wrong)


def examine(bench: Bench, case: Case, suggestion: Suggestion, lesson: LessonId) -> tuple[LessonFate, Ready | None]:
    """Decide what becomes of a suggestion. One that is rejected leaves only its fate."""
    skill, findings = _held_against(bench, case, suggestion)
    found = judgement(findings)
    title = " ".join(_clean(bench, suggestion.title).replace("\0", " ").split()) or "(no title)"
    if skill is None or found.state is State.REJECTED:
        rule = _clean(bench, suggestion.rule)[:_KEPT]
        return LessonFate(lesson.short, title[:_KEPT], State.REJECTED, "", found.by, found.reason, rule), None
    made = Lesson(
        lesson,
        suggestion.title,
        suggestion.cause,
        case.analyst,
        case.cited(suggestion),
        suggestion.evidence,
        suggestion.verified,
        suggestion.critical,
    )
    fate = LessonFate(lesson.short, made.title, found.state, "", found.by, found.reason)
    if known := _turned_down(bench, skill):
        # It is committed all the same: a person may think better of it.
        fate = LessonFate(lesson.short, made.title, State.REJECTED, "", "person", known.told)
    return fate, Ready(made, skill, fate)


def _turned_down(bench: Bench, skill: Skill) -> Rejection | None:
    """Find what a person said of the same lesson before."""
    if not bench.turned_down:
        return None
    return bench.turned_down.get(name_of(bench.base, changes_between(bench.base, skill)))


def _held_against(bench: Bench, case: Case, suggestion: Suggestion) -> _Held:
    """Place the edits and run every check; no skill where they cannot be placed."""
    if suggestion not in case.seen:
        case.seen[suggestion] = _checked(bench, case, suggestion)
    return case.seen[suggestion]


def _checked(bench: Bench, case: Case, suggestion: Suggestion) -> _Held:
    if suggestion.problem:
        return None, (_refused("format", suggestion.problem),)
    try:
        skill = apply_edits(bench.base, suggestion.edits)
    except InvalidInput as error:
        return None, (_refused("anchor", str(error)),)
    words = Words(suggestion.title, suggestion.cause, suggestion.rule, suggestion.verified)
    sources = {run.id: Source(run.trace, case.tasks[run.id], run.outcome.status is Status.SUCCESS) for run in case.runs}
    return skill, check_lesson(bench.base, skill, words, suggestion.evidence, sources, bench.redactor)


def _refused(check: str, reason: str) -> Finding:
    return Finding(check, Level.INVALID, SKILL_FILE if check == "anchor" else "", None, one_line(reason))


def _clean(bench: Bench, text: str) -> str:
    return bench.redactor.session().text(text)
