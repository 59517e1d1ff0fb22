"""An octopus of lessons by rule: nothing is decided here that a person could see differently."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.checks.hidden import hidden_names
from gitskill.checks.reach import reach_findings
from gitskill.consolidate.clashes import Clashing
from gitskill.consolidate.group import Ground, merge_group
from gitskill.consolidate.settle import Group, Settlement
from gitskill.errors import InvalidInput, NeedsPerson
from gitskill.ids import CommitId, LessonId, NodeId, RunId
from gitskill.lesson import PERSON, distinct
from gitskill.node import Kind, Node
from gitskill.store import names
from gitskill.store.history import octopuses
from gitskill.store.lessons import Recorded
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import Move
from gitskill.store.repository import Repository, Who
from gitskill.store.runs import recorded as recorded_runs
from gitskill.store.verdicts import verdicts


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
    place = NodeId(run, 1, next_group(nodes.reader.repository, run))
    taught = {item.lesson.id: item.lesson.traces for item in lessons}
    of = distinct(ref for refs in taught.values() for ref in refs)[0]
    ground = Ground(nodes, batch, base, taught, of, who)
    live = [nodes.live(item.commit, item.base) for item in lessons]
    node = asyncio.run(merge_group(ground, place, live, (), _Refusing()))
    _refuse_broken(node)
    ref = names.node_ref(nodes.reader.repository, place)
    count = f"{len(lessons)} lesson{'s' * (len(lessons) != 1)}"
    operation = Operation(f"merge {count} of {run} into {place.short}", (Move(ref, None, node.commit),))
    record(nodes.reader.repository, batch, operation, who)
    made = {
        kind: tuple(item.lessons for item in node.live if item.kind is kind) for kind in (Kind.FOLD, Kind.RESOLUTION)
    }
    return Merged(node, ref.removeprefix("refs/heads/"), made[Kind.FOLD], made[Kind.RESOLUTION])


def _refuse_broken(node: Node) -> None:
    """Refuse what does not overlap but breaks the skill together: which of them goes, a person must choose."""
    for lesson, reason in node.says.dropped:
        raise NeedsPerson(f"{lesson}: {reason}", hint=f"merge without {lesson.short}, or without what it breaks with")


class _Refusing:
    """Decides nothing: a person asked for these lessons, and a person must choose between them."""

    async def settle(self, group: Group) -> Settlement:
        if group.clashes:
            raise Clashing(group.clashes)
        return Settlement()


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
    run = next((each for each in recorded_runs(nodes.reader.repository) if each.id == lessons[0].lesson.id.run), None)
    decided = verdicts(nodes.reader.repository, run) if run else {}
    for item in lessons:
        verdict = decided.get(item.lesson.id.short)
        if names := hidden_names(f"{item.lesson.title} {item.lesson.cause}".replace("\n", " ")):
            raise InvalidInput(f"{item.lesson.id}: its message hides {names}")
        base, skill = nodes.reader.read(item.base), nodes.reader.read(item.commit)
        findings = (*check_change(base, skill), *(reach_findings(base, skill) if item.lesson.analyst != PERSON else ()))
        if broken := [finding for finding in findings if finding.level is Level.INVALID]:
            raise InvalidInput(f"{item.lesson.id}: {broken[0].path}: {broken[0].message}")
        is_accepted = verdict is not None and verdict.is_accepted(item.commit)
        if not is_accepted and (held := [finding for finding in findings if finding.level is Level.HELD]):
            raise NeedsPerson(
                f"{item.lesson.id} is held: {held[0].message}",
                hint=f"look at it: gitskill show {item.lesson.id}; then gitskill review --accept {item.lesson.id}",
            )


def next_group(repository: Repository, run: RunId, level: int = 1) -> int:
    """Give the number after the highest that any merge of `run` at this level has."""
    place = f"{run}/m{level}-"
    named = [name.rpartition(place)[2] for name in repository.git.references if place in name]
    taken = [int(number) for number in named if number.isdecimal()]
    taken += [says.id.group for _, says in octopuses(repository) if (says.id.run, says.id.level) == (run, level)]
    return max(taken, default=0) + 1
