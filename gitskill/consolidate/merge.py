"""An octopus of lessons by rule: nothing is decided here that a person could see differently."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.checks.hidden import hidden_names
from gitskill.checks.reach import reach_findings
from gitskill.consolidate.clashes import Clashing, find_clashes
from gitskill.consolidate.join import find_joins
from gitskill.errors import InvalidInput, NeedsPerson
from gitskill.ids import CommitId, LessonId, NodeId, RunId
from gitskill.lesson import PERSON, TraceRef, distinct
from gitskill.node import Kind, Live, Node, Octopus, Settled, Support
from gitskill.skill.compose import apply_parts
from gitskill.skill.hunks import Changes
from gitskill.store import names
from gitskill.store.history import octopuses
from gitskill.store.lessons import Recorded
from gitskill.store.nodes import NodeStore, parts
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import Move
from gitskill.store.repository import Repository, Who


@dataclass(frozen=True, slots=True)
class Merged:
    """What `merge` made."""

    node: Node
    branch: str
    folded: tuple[tuple[LessonId, ...], ...]
    """Lessons that say the same to the letter; the representative first."""
    joined: tuple[tuple[LessonId, ...], ...]
    """Lessons that open the same heading or begin a list at one point."""

    @property
    def lessons(self) -> tuple[str, ...]:
        """Every lesson that the merge carries, by its full id."""
        return tuple(sorted(str(lesson) for live in self.node.live for lesson in live.lessons))


def merge(nodes: NodeStore, recorded: Sequence[Recorded], who: Who) -> Merged:
    """Join lessons in one octopus on a branch of its own.

    Raises Clashing where two of them change the same lines, and makes nothing.
    """
    lessons = sorted({item.lesson.id: item for item in recorded}.values(), key=lambda item: item.lesson.id)
    run, base = _common_ground(lessons)
    _refuse_invalid(nodes, lessons)
    batch = Batch(nodes.reader.repository)
    place = NodeId(run, 1, _next_group(nodes.reader.repository, run))
    live = _folded(nodes, batch, place, lessons, who)
    if clashes := find_clashes(live, nodes.reader.read(base)):
        raise Clashing(clashes)
    live = _joined(nodes, batch, place, live, who)
    _refuse_broken(nodes, base, live)
    support = _support(lessons, live)
    order = sorted(live, key=lambda item: (-support[item.key].traces, item.key))
    says = Octopus(place, tuple((lesson, support[item.key]) for item in order for lesson in item.lessons))
    node = nodes.join(batch, base, says, order, [item.commit for item in order], who)
    ref = names.node_ref(nodes.reader.repository, place)
    count = f"{len(lessons)} lesson{'s' * (len(lessons) != 1)}"
    operation = Operation(f"merge {count} of {run} into {place.short}", (Move(ref, None, node.commit),))
    record(nodes.reader.repository, batch, operation, who)
    made = {kind: tuple(item.lessons for item in order if item.kind is kind) for kind in (Kind.FOLD, Kind.RESOLUTION)}
    return Merged(node, ref.removeprefix("refs/heads/"), made[Kind.FOLD], made[Kind.RESOLUTION])


def _common_ground(lessons: Sequence[Recorded]) -> tuple[RunId, CommitId]:
    if not lessons:
        raise InvalidInput("there is no lesson to merge")
    if len({(item.lesson.id.run, item.base) for item in lessons}) > 1:
        stand = ", ".join(f"{item.lesson.id} on {item.base[:10]}" for item in lessons)
        raise InvalidInput(
            f"these lessons do not stand on one base: {stand}", hint="merge the lessons of one run at a time"
        )
    return lessons[0].lesson.id.run, lessons[0].base


def _refuse_invalid(nodes: NodeStore, lessons: Sequence[Recorded]) -> None:
    """Check each lesson as its branch has it now: a person may have changed it since it was proposed."""
    for item in lessons:
        if names := hidden_names(f"{item.lesson.title} {item.lesson.cause}".replace("\n", " ")):
            raise InvalidInput(f"{item.lesson.id}: its message hides {names}")
        base, skill = nodes.reader.read(item.base), nodes.reader.read(item.commit)
        findings = (*check_change(base, skill), *(reach_findings(base, skill) if item.lesson.analyst != PERSON else ()))
        if broken := [finding for finding in findings if finding.level is Level.INVALID]:
            raise InvalidInput(f"{item.lesson.id}: {broken[0].path}: {broken[0].message}")
        if held := [finding for finding in findings if finding.level is Level.HELD]:
            raise NeedsPerson(
                f"{item.lesson.id} is held: {held[0].message}",
                hint=f"look at it: gitskill show {item.lesson.id}; what you want of it, add in your own name",
            )


def _next_group(repository: Repository, run: RunId) -> int:
    place = f"{run}/m1-"
    named = [name.rpartition(place)[2] for name in repository.git.references if place in name]
    taken = [int(number) for number in named if number.isdecimal()]
    taken += [says.id.group for _, says in octopuses(repository) if (says.id.run, says.id.level) == (run, 1)]
    return max(taken, default=0) + 1


def _folded(nodes: NodeStore, batch: Batch, place: NodeId, lessons: Sequence[Recorded], who: Who) -> list[Live]:
    """Make one fold of all lessons with the same changes; a lesson of its own stays as it is."""
    same: defaultdict[Changes, list[Recorded]] = defaultdict(list)
    for item in lessons:
        same[item.changes].append(item)
    live: list[Live] = []
    folds = 0
    for changes, group in same.items():
        if not changes:
            raise InvalidInput(f"{group[0].lesson.id} changes nothing", hint="leave it out of the merge")
        single = [nodes.live(item.commit, item.base) for item in group]
        if len(group) == 1:
            live += single
            continue
        folds += 1
        sources = tuple(source for item in single for source in item.sources)
        settled = Settled(place, folds, f"same {changes[0].path}", "rule:same", sources)
        skill = nodes.reader.read(group[0].commit)
        live.append(nodes.settle(batch, group[0].base, settled, single, skill, who))
    return live


def _joined(nodes: NodeStore, batch: Batch, place: NodeId, live: Sequence[Live], who: Who) -> list[Live]:
    """Settle by rule what opens the same heading, or begins a list, at one point."""
    result = list(live)
    folds = sum(item.kind is Kind.FOLD for item in live)
    for number, join in enumerate(find_joins(live), folds + 1):
        base = nodes.lesson(join.of[0].sources[0][1]).base
        sources = tuple(source for item in join.of for source in item.sources)
        settled = Settled(place, number, f"join {join.heading}", "rule:join", sources)
        skill = apply_parts(nodes.reader.read(base), join.parts)
        result = [item for item in result if item not in join.of]
        result.append(nodes.settle(batch, base, settled, join.of, skill, who))
    return result


def _refuse_broken(nodes: NodeStore, base: CommitId, live: Sequence[Live]) -> None:
    """Refuse a merge whose skill is worse formed than its base, though no two lessons overlap."""
    before = nodes.reader.read(base)
    findings = check_change(before, apply_parts(before, parts(live)))
    if broken := [item for item in findings if item.level is Level.INVALID]:
        raise NeedsPerson(
            f"together these lessons break the skill: {broken[0].path}: {broken[0].message}",
            hint="merge fewer of them to find the one that breaks it",
        )


def _support(lessons: Sequence[Recorded], live: Sequence[Live]) -> dict[LessonId, Support]:
    """Count, for each part of the live set, the distinct traces and tasks behind all its lessons."""
    taught: dict[LessonId, tuple[TraceRef, ...]] = {item.lesson.id: item.lesson.traces for item in lessons}
    of = distinct(ref for refs in taught.values() for ref in refs)[0]
    counted: dict[LessonId, Support] = {}
    for item in live:
        traces, tasks = distinct(ref for lesson in item.lessons for ref in taught[lesson])
        counted[item.key] = Support(traces, of, tasks)
    return counted
