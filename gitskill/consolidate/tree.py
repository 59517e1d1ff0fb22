"""The tree of a run: its groups joined level by level, and at the root what stands where."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitskill.consolidate.gather import Gathered
from gitskill.consolidate.group import Ground, merge_group
from gitskill.consolidate.place import Budget, Exempt, place
from gitskill.consolidate.rules import BySupport
from gitskill.consolidate.settle import Settler
from gitskill.ids import LessonId, NodeId, RunId
from gitskill.node import Live, Node, Octopus

Levels = Sequence[Sequence[Sequence[int]]]
"""The groups of each level, as a plan has them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who decides between lessons that clash, and what has a place in SKILL.md."""

    settler: Settler
    budget: Budget = Budget()  # noqa: RUF009 - frozen


async def grow(
    ground: Ground, run: RunId, levels: Levels, live: Mapping[LessonId, Live], settler: Settler
) -> tuple[Node, ...]:
    """Join the lessons of a run along its tree: every octopus, the root last; none where there is nothing to join.

    A group begins as soon as those below it are done: no level waits for its slowest.
    """
    homes = _homes(levels, live)
    made: dict[NodeId, Node] = {}

    async def node(level: int, number: int) -> Node | None:
        place = NodeId(run, level, number)
        if level == 1:
            if not homes[number]:
                return None
            found = await merge_group(ground, place, homes[number], (), settler)
        else:
            members = levels[level - 1][number - 1]
            below = [each for each in await gather(*(node(level - 1, member) for member in members)) if each]
            if len(below) < 2:
                return below[0] if below else None  # one alone goes up as it is
            found = await merge_group(ground, place, [item for each in below for item in each.live], below, settler)
        made[place] = found
        return found

    root = await node(max(len(levels), 1), 1)
    others = [made[place] for place in sorted(made) if made[place] is not root]
    return (*others, root) if root else ()


def _homes(levels: Levels, live: Mapping[LessonId, Live]) -> dict[int, list[Live]]:
    """Give the lessons of each group of traces. Those of a person come after the plan's, in the last group."""
    groups = levels[0] if levels else [[]]
    home = {number: group for group, members in enumerate(groups, start=1) for number in members}
    gathered: dict[int, list[Live]] = {number: [] for number in range(1, len(groups) + 1)}
    for lesson in sorted(live):
        gathered[home.get(lesson.trace, len(groups))].append(live[lesson])
    return gathered


async def placed(ground: Ground, root: Node, gathered: Gathered, policy: Policy) -> Node | None:
    """Put the lessons of the root where they belong: the candidate.

    It is the root itself where all stands well, and None where nothing is left to stand.
    """
    above = NodeId(root.says.id.run, root.says.id.level + 1, 1)
    exempt = Exempt(gathered.by_person, gathered.critical)
    found = place(ground, above, root.live, exempt, policy.budget)
    if not found.standing:
        return None
    before = {one.commit for item in root.live for one in ground.apart(item)}
    if {item.commit for item in found.standing} == before:
        return root
    # All that clashed was settled below; what is placed only inserts.
    made = await merge_group(ground, above, found.standing, (root,), BySupport())
    dropped = dict(made.says.dropped) | dict(found.held)
    says = Octopus(above, made.says.support, tuple(sorted(dropped.items())))
    carried = {item.commit for item in root.live}
    parents = [root.commit, *(item.commit for item in made.live if item.commit not in carried)]
    return ground.nodes.join(ground.batch, ground.base, says, made.live, parents, ground.who)
