"""One group of the tree: what is common is folded, what clashes is settled, the rest stands together."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from gitskill.consolidate.clashes import find_clashes
from gitskill.consolidate.join import find_joins
from gitskill.consolidate.settle import Group, Settler
from gitskill.consolidate.whole import stand_together
from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, LessonId, NodeId
from gitskill.lesson import TraceRef, distinct
from gitskill.node import Kind, Live, Node, Octopus, Settled, Support
from gitskill.skill.compose import apply_parts
from gitskill.skill.hunks import Changes
from gitskill.store.nodes import NodeStore, parts
from gitskill.store.objects import Batch
from gitskill.store.repository import Who


@dataclass(frozen=True, slots=True)
class Ground:
    """What all groups of a run stand on."""

    nodes: NodeStore
    batch: Batch
    base: CommitId
    taught: Mapping[LessonId, tuple[TraceRef, ...]]
    """The traces behind every lesson of the run."""
    of: int
    """How many traces the run has studied: what support is out of."""
    who: Who
    members: dict[CommitId, tuple[Live, ...]] = field(default_factory=dict, compare=False)
    """What each join and placing that was made here holds: side by side, each part with a support of its own."""

    def support(self, live: Live) -> Support:
        """Count the distinct traces and tasks behind all lessons of a part."""
        traces, tasks = distinct(ref for lesson in live.lessons for ref in self.taught[lesson])
        return Support(traces, self.of, tasks)

    def apart(self, live: Live) -> list[Live]:
        """Give the parts that merely stand side by side in `live`; itself, where it says one thing."""
        return [part for member in self.members.get(live.commit, ()) for part in self.apart(member)] or [live]


async def merge_group(
    ground: Ground, place: NodeId, live: Sequence[Live], below: Sequence[Node], settler: Settler
) -> Node:
    """Join `live`, which `below` carries where there are nodes below, in one octopus at `place`."""
    # What a join below put side by side may say the same as something in another group.
    loose = [part for item in live for part in ([item] if item.kind is Kind.PLACING else ground.apart(item))]
    numbers = count(1)
    standing, dropped = await _settled(ground, place, folded(ground, place, loose, numbers), settler, numbers)
    whole = stand_together(ground.nodes.reader.read(ground.base), _ranked(ground, standing))
    order = _ranked(ground, _joined(ground, place, whole.standing, numbers))
    dropped |= whole.dropped
    # A node that carries nothing joins nothing, and is no octopus: what it dropped is said here.
    dropped |= {lesson: reason for node in below if not node.live for lesson, reason in node.says.dropped}
    counted = tuple(
        (lesson, ground.support(part)) for item in order for part in ground.apart(item) for lesson in part.lessons
    )
    says = Octopus(place, counted, tuple(sorted(dropped.items())))
    # What a node below carries is reached through it; what was made here is a parent itself.
    carried = {item.commit for node in below for item in node.live}
    parents = [node.commit for node in below if node.live] + [
        item.commit for item in order if item.commit not in carried
    ]
    return ground.nodes.join(ground.batch, ground.base, says, order, parents, ground.who)


async def _settled(
    ground: Ground, place: NodeId, live: Sequence[Live], settler: Settler, numbers: Iterator[int]
) -> tuple[list[Live], dict[LessonId, str]]:
    """Have decided what cannot stand side by side, and make the resolutions."""
    base = ground.nodes.reader.read(ground.base)
    group = Group(
        place, tuple(live), tuple(find_clashes(live, base)), {item.key: ground.support(item) for item in live}
    )
    decided = await settler.settle(group)
    standing = [item for item in live if not decided.dropped.keys() >= set(item.lessons)]
    for each in decided.rewritten:
        sources = tuple(source for item in each.of for source in item.sources)
        settled = Settled(place, next(numbers), each.clash, decided.by, sources)
        standing = [item for item in standing if item not in each.of]
        standing.append(ground.nodes.settle(ground.batch, ground.base, settled, each.of, each.skill, ground.who))
    return standing, dict(decided.dropped)


def _ranked(ground: Ground, live: Sequence[Live]) -> list[Live]:
    """Put first what says the best supported thing."""

    def weight(item: Live) -> tuple[int, int]:
        best = max(map(ground.support, ground.apart(item)))
        return -best.traces, -best.tasks

    return sorted(live, key=lambda item: (*weight(item), item.key))


def folded(ground: Ground, place: NodeId, live: Sequence[Live], numbers: Iterator[int]) -> list[Live]:
    """Make one fold of all parts with the same changes; a part of its own stays as it is."""
    same: defaultdict[Changes, list[Live]] = defaultdict(list)
    for item in live:
        if not item.changes:
            raise InvalidInput(f"{item.key} changes nothing", hint="leave it out of the merge")
        same[item.changes].append(item)
    found: list[Live] = []
    for changes, group in same.items():
        if len(group) == 1:
            found += group
            continue
        group = sorted(group, key=lambda item: item.key)  # noqa: PLW2901 - the same parts in their order
        sources = tuple(source for item in group for source in item.sources)
        settled = Settled(place, next(numbers), f"same {changes[0].path}", "rule:same", sources)
        skill = apply_parts(ground.nodes.reader.read(ground.base), parts(group[:1]))
        found.append(ground.nodes.settle(ground.batch, ground.base, settled, group, skill, ground.who))
    return found


def _joined(ground: Ground, place: NodeId, live: Sequence[Live], numbers: Iterator[int]) -> list[Live]:
    """Settle by rule what opens the same heading, or begins a list, at one point."""
    result = list(live)
    base = ground.nodes.reader.read(ground.base)
    for join in find_joins(live):
        sources = tuple(source for item in join.of for source in item.sources)
        settled = Settled(place, next(numbers), f"join {join.heading}", "rule:join", sources)
        skill = apply_parts(base, join.parts)
        result = [item for item in result if item not in join.of]
        made = ground.nodes.settle(ground.batch, ground.base, settled, join.of, skill, ground.who)
        ground.members[made.commit] = join.of
        result.append(made)
    return result
