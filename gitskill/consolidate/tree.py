"""The tree of a run: its groups joined level by level, and at the root what stands where."""

from asyncio import gather
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
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

Leaves = Callable[[int], Awaitable[Sequence[Live]]]
"""Gives the lessons of a group of the first level, once they are known."""

Held = tuple[tuple[LessonId, str], ...]
"""Lessons that wait for a person, each with the reason."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who decides between lessons that clash, and what has a place in SKILL.md."""

    settler: Settler
    budget: Budget = Budget()  # noqa: RUF009 - frozen


async def grow(ground: Ground, run: RunId, levels: Levels, leaves: Leaves, settler: Settler) -> tuple[Node, ...]:
    """Join the lessons of a run along its tree: every octopus, the root last; none where there is nothing to join.

    A group begins as soon as those below it are done: no level waits for its
    slowest. Where one fails, the others still come to their end: what they ask
    is paid for.
    """
    made: dict[NodeId, Node] = {}

    async def node(level: int, number: int) -> Node | None:
        place = NodeId(run, level, number)
        if level == 1:
            lessons = await leaves(number)
            if not lessons:
                return None
            found = await merge_group(ground, place, lessons, (), settler)
        else:
            members = levels[level - 1][number - 1]
            ended = await gather(*(node(level - 1, member) for member in members), return_exceptions=True)
            below = [each for each in map(_unless_failed, ended) if each]
            if len(below) < 2:
                return below[0] if below else None  # one alone goes up as it is
            found = await merge_group(ground, place, [item for each in below for item in each.live], below, settler)
        made[place] = found
        return found

    root = await node(max(len(levels), 1), 1)
    others = [made[place] for place in sorted(made) if made[place] is not root]
    return (*others, root) if root else ()


def _unless_failed(ended: Node | BaseException | None) -> Node | None:
    if isinstance(ended, BaseException):
        raise ended
    return ended


def leaves_of(levels: Levels, live: Mapping[LessonId, Live]) -> Leaves:
    """Give the lessons of each group of traces, all of which are known."""
    home = homes(levels)
    gathered: defaultdict[int, list[Live]] = defaultdict(list)
    for lesson in sorted(live):
        gathered[home(lesson)].append(live[lesson])

    async def leaves(number: int) -> Sequence[Live]:
        return gathered[number]

    return leaves


def homes(levels: Levels) -> Callable[[LessonId], int]:
    """Give the group of each lesson. Those of a person come after the plan's, in the last one."""
    groups = levels[0] if levels else [[]]
    home = {number: group for group, members in enumerate(groups, start=1) for number in members}
    return lambda lesson: home.get(lesson.trace, len(groups))


async def placed(ground: Ground, root: Node, gathered: Gathered, policy: Policy) -> Node | Held:
    """Put the lessons of the root where they belong: the candidate.

    It is the root itself where all stands well; where nothing is left to stand, there are only the reasons.
    """
    above = NodeId(root.says.id.run, root.says.id.level + 1, 1)
    exempt = Exempt(gathered.by_person, gathered.critical)
    found = place(ground, above, root.live, exempt, policy.budget)
    if not found.standing:
        return found.held
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
