"""Everything that git knows of one lesson."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from gitskill.checks.change import check_change
from gitskill.checks.evidence import evidence_findings
from gitskill.checks.finding import Finding
from gitskill.checks.reach import reach_findings
from gitskill.errors import InvalidInput, NotFound
from gitskill.fate import Aside, Decision, LessonFate, Verdict
from gitskill.ids import CommitId, LessonId, RunId
from gitskill.lesson import PERSON, Lesson
from gitskill.node import Kind, Live, Octopus, Support
from gitskill.report.again import taught_again
from gitskill.skill.snapshot import Skill
from gitskill.store.analyses import aside, fates
from gitskill.store.history import octopuses
from gitskill.store.lessons import Found, Recorded, listed
from gitskill.store.nodes import NodeStore
from gitskill.store.repository import Repository
from gitskill.store.runs import recorded
from gitskill.store.tags import Release, releases
from gitskill.store.traces import read
from gitskill.store.verdicts import verdicts
from gitskill.trace import Trace


class State(StrEnum):
    """Where a lesson stands."""

    PROPOSED = "proposed"
    MERGED = "merged"
    FOLDED = "folded"
    DROPPED = "dropped"
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Standing:
    """A lesson's state, as the highest merge that names it says."""

    state: State
    by: str = ""
    """The merge that says so, or the check."""
    reason: str = ""
    released: str = ""
    """The first version that has it."""
    support: Support | None = None
    """What that merge counted; None where there is none."""
    first: LessonId | None = None
    """The lesson that speaks for it where it is folded, itself where it is merged; None where it does not stand."""


@dataclass(frozen=True, slots=True)
class LessonReport:
    """A lesson with its state and what the checks say of it."""

    found: Found
    recorded: Recorded
    standing: Standing
    support: int
    """Distinct traces that teach it."""
    files: tuple[str, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict | None = None
    """What a person decided; None where nobody did."""
    again: Mapping[RunId, int] = field(default_factory=dict)
    """How many further traces taught it in each later run, after the skill said it."""


def report_lesson(nodes: NodeStore, found: Found) -> LessonReport:
    """Gather what `show` shows."""
    recorded = nodes.lesson(found.commit)
    standings = Standings(nodes)
    return LessonReport(
        found=found,
        recorded=recorded,
        standing=standings.of(found.id),
        support=len({ref.trace for ref in recorded.lesson.traces}),
        files=tuple(sorted({change.path for change in recorded.changes})),
        findings=findings(nodes, recorded),
        verdict=standings.verdicts(found.id.run).get(found.id.short),
        again=taught_again(nodes, found.id),
    )


def findings(nodes: NodeStore, recorded: Recorded) -> tuple[Finding, ...]:
    """Run every check on a lesson as it is now."""
    before, after = nodes.reader.read(recorded.base), nodes.reader.read(recorded.commit)
    return (*check_change(before, after), *_of_analysts(nodes.reader.repository, recorded.lesson, before, after))


def _of_analysts(repository: Repository, lesson: Lesson, before: Skill, after: Skill) -> Iterator[Finding]:
    """Check what only an analyst's lesson must pass: its reach, and its quotes where the traces are here."""
    if lesson.analyst == PERSON:
        return
    yield from reach_findings(before, after)
    traces: dict[str, Trace] = {}
    for trace in sorted({item.trace for item in lesson.evidence}):
        with suppress(NotFound):  # a clone may have the lessons without the traces
            traces[trace] = read(repository, trace)
    yield from evidence_findings((item for item in lesson.evidence if item.trace in traces), traces)


def rejected(nodes: NodeStore, name: str) -> tuple[LessonId, LessonFate] | None:
    """Find a rejected lesson by its full id, or its short one where that is unique: only its run's record has it."""
    run, _, slot = name.rpartition("/")
    found = [
        (LessonId.parse(f"{each.id}/{one.slot}"), one)
        for each in recorded(nodes.reader.repository)
        if run in ("", str(each.id))
        for fate in fates(nodes.reader.repository, each).values()
        for one in fate.lessons
        if one.slot == slot and not one.commit
    ]
    return found[0] if len(found) == 1 else None


class Standings:
    """Where lessons stand: what the highest octopus that names one says, the newest of equals; else its run's record.

    A merge in the history of HEAD outranks all others: anybody may push a
    branch whose commits claim what they like.
    """

    def __init__(self, nodes: NodeStore) -> None:
        self._nodes = nodes
        # Thousands of lessons ask for the same few merges, and every tag is looked at to answer.
        self._verdicts: dict[CommitId, Mapping[LessonId, Standing] | None] = {}
        self._fates: dict[RunId, dict[str, LessonFate]] = {}
        self._there: dict[RunId, Mapping[LessonId, Found]] = {}
        self._back: dict[RunId, Mapping[str, Aside]] = {}
        self._version = lru_cache(maxsize=None)(lambda commit: _released(nodes, commit))
        self._carrying: defaultdict[LessonId, list[CommitId]] = defaultdict(list)
        self._said: dict[RunId, Mapping[str, Verdict]] = {}
        self._named: defaultdict[LessonId, list[_Naming]] = defaultdict(list)
        repository = nodes.reader.repository
        for commit, says in octopuses(repository):
            rank = repository.descends(repository.head(), commit), says.id.level, says.id.group
            for lesson, _ in says.support:
                self._carrying[lesson].append(commit)
            for lesson in {*dict(says.support), *dict(says.dropped)}:
                self._named[lesson].append((rank, commit, says))

    def of(self, lesson: LessonId) -> Standing:
        """Tell what became of a lesson. What a person decided since counts where no merge carries it."""
        found = self._merged(lesson)
        if found is None:
            return self._recorded(lesson)
        verdict = self.verdicts(lesson.run).get(lesson.short)
        is_open = found.state is State.HELD or (found.state is State.DROPPED and _turns_down(verdict))
        return self._ruled(lesson, verdict) if verdict and is_open else found

    def _merged(self, lesson: LessonId) -> Standing | None:
        """Tell what the highest merge that names a lesson says; None where none does."""
        ranked = sorted(self._named[lesson], key=lambda item: item[0], reverse=True)
        true = (told for _, commit, says in ranked if (told := self._told(commit, says)) is not None)
        told = next(true, None)
        if told is None:
            return None
        having = [found for at in self._carrying[lesson] if (found := self._version(at))]
        # A drop makes the merge of the other lessons anew: they were released before.
        first = min(having, key=lambda release: release.version).tag if having and told[lesson].support else ""
        return replace(told[lesson], released=first)

    def _told(self, commit: CommitId, says: Octopus) -> Mapping[LessonId, Standing] | None:
        """Give where an octopus leaves each lesson that it names; None where it does not carry what it says."""
        if commit not in self._verdicts:
            self._verdicts[commit] = self._verdict(commit, says) if _is_true(self._nodes, commit) else None
        return self._verdicts[commit]

    def _verdict(self, commit: CommitId, says: Octopus) -> Mapping[LessonId, Standing]:
        node, support = self._nodes.read(commit), dict(says.support)
        told: dict[LessonId, Standing] = {}
        for lesson, first in (
            pair for live in node.live for pair in self._speakers(live, node.base, support.keys()).items()
        ):
            state, reason = (State.MERGED, "") if first == lesson else (State.FOLDED, f"says the same as {first}")
            told[lesson] = Standing(state, str(says.id), reason, "", support.get(lesson), first)
        for lesson, reason in says.dropped:
            state = State.HELD if reason.startswith("held: ") else State.DROPPED
            told[lesson] = Standing(state, str(says.id), reason.removeprefix("held: "))
        return told

    def _speakers(self, carrier: Live, base: CommitId, there: AbstractSet[LessonId]) -> Mapping[LessonId, LessonId]:
        """Give the lesson that speaks for each one of a part: the first of its fold that is still there, else itself.

        What was dropped since is in a fold and no longer counted.
        """
        if carrier.kind in {Kind.LESSON, Kind.FOLD}:
            return dict.fromkeys(
                carrier.lessons, next((each for each in carrier.lessons if each in there), carrier.key)
            )
        found: dict[LessonId, LessonId] = {}
        for live in self._nodes.members(carrier, base):
            for lesson, first in self._speakers(live, base, there).items():
                found.setdefault(lesson, first)
        return found

    def _recorded(self, lesson: LessonId) -> Standing:
        """Say what the checks, or people, made of a lesson that nobody has merged."""
        fate = self.fates(lesson.run).get(lesson.short)
        verdict = self.verdicts(lesson.run).get(lesson.short)
        ruled = self._ruled(lesson, verdict) if verdict else None
        if ruled and ruled.state is not State.PROPOSED:
            return ruled
        back = self._aside(lesson.run).get(lesson.short)
        if back and not (ruled and _waits(back)):
            state = State.FOLDED if back.is_said else State.REJECTED if back.is_rejected else State.DROPPED
            state = State.HELD if _is_held(back) else state
            return Standing(state, back.by, back.reason.removeprefix("held: "))
        if fate and fate.commit and lesson not in self._branches(lesson.run):
            return Standing(State.DROPPED, "person", f"its branch was deleted; it was {fate.commit}")
        if ruled and lesson in self._branches(lesson.run):
            return ruled
        return Standing(State(fate.state), fate.by, fate.reason) if fate else Standing(State.PROPOSED)

    def _ruled(self, lesson: LessonId, verdict: Verdict) -> Standing:
        """Say what a person made of a lesson that no merge carries."""
        if verdict.again:
            return Standing(State.FOLDED, verdict.again, f"{verdict.who} accepted it as {verdict.again}")
        found = self._branches(lesson.run).get(lesson)
        state, reason = verdict.ruling(found.commit if found else verdict.commit)
        return Standing(State(state), "person", reason)

    def verdicts(self, run: RunId) -> Mapping[str, Verdict]:
        """Give what people decided about the lessons of a run, by their short ids."""
        if run not in self._said:
            repository = self._nodes.reader.repository
            found = next((each for each in recorded(repository) if each.id == run), None)
            self._said[run] = verdicts(repository, found) if found else {}
        return self._said[run]

    def _aside(self, run: RunId) -> Mapping[str, Aside]:
        if run not in self._back:
            repository = self._nodes.reader.repository
            found = next((each for each in recorded(repository) if each.id == run), None)
            self._back[run] = aside(repository, found) if found else {}
        return self._back[run]

    def _branches(self, run: RunId) -> Mapping[LessonId, Found]:
        if run not in self._there:
            self._there[run] = {found.id: found for found in listed(self._nodes.reader.repository, run)}
        return self._there[run]

    def fates(self, run: RunId) -> Mapping[str, LessonFate]:
        """Give what the record of a run says of its lessons, by their short ids."""
        if run not in self._fates:
            repository = self._nodes.reader.repository
            found = next((each for each in recorded(repository) if each.id == run), None)
            every = fates(repository, found).values() if found else ()
            self._fates[run] = {one.slot: one for each in every for one in each.lessons}
        return self._fates[run]


def _turns_down(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.decision is Decision.REJECT


def _is_held(back: Aside) -> bool:
    return back.reason.startswith("held: ")


def _waits(back: Aside) -> bool:
    """Tell whether a lesson stood back until a person decided."""
    return back.is_rejected or _is_held(back)


_Naming = tuple[tuple[bool, int, int], CommitId, Octopus]


def _is_true(nodes: NodeStore, commit: CommitId) -> bool:
    """Tell whether an octopus carries what it says."""
    try:
        nodes.read(commit)
    except InvalidInput:
        return False
    return True


def _released(nodes: NodeStore, commit: CommitId) -> Release | None:
    """Find the first version that has a commit."""
    repository, folder = nodes.reader.repository, nodes.reader.folder
    return next((each for each in releases(repository, folder) if repository.descends(each.commit, commit)), None)
