"""A merge made anew without some of its lessons: what they alone said is gone, what others say too stays.

Only what such a lesson has a part in is made anew. A fold loses a source, a
join or a placing loses a text, and a resolution is settled again between the
lessons that are left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from gitskill.consolidate.group import Ground, folded, merge_group
from gitskill.consolidate.merge import next_group
from gitskill.consolidate.place import placings
from gitskill.consolidate.settle import Group, Settlement, Settler
from gitskill.ids import LessonId, NodeId
from gitskill.node import Kind, Live, Node, Octopus


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a live set."""

    standing: tuple[Live, ...]
    """In SKILL.md or wherever the lessons themselves put it."""
    moved: tuple[Live, ...] = ()
    """To be put into references again."""
    unsettled: frozenset[LessonId] = frozenset()
    """Parts of resolutions that are undone: who decided between them must decide again."""

    def __add__(self, other: "Rest") -> "Rest":
        return Rest(self.standing + other.standing, self.moved + other.moved, self.unsettled.union(other.unsettled))


def rest_of(ground: Ground, item: Live, gone: frozenset[LessonId]) -> Rest:
    """Take a part of a live set apart as far as lessons of `gone` have a hand in it, and leave these out."""
    if gone.isdisjoint(item.lessons):
        return Rest((item,))
    if gone.issuperset(item.lessons):
        return Rest(())
    if item.kind is Kind.FOLD:
        return Rest((item.without(gone),))
    found = Rest(())
    for member in ground.nodes.members(item, ground.base):
        found += rest_of(ground, member, gone)
    if item.kind is Kind.PLACING:
        return Rest((), found.standing + found.moved, found.unsettled)
    if item.kind is Kind.RESOLUTION and not _is_join(ground, item) and len(found.standing) > 1:
        return replace(found, unsettled=found.unsettled.union(each.key for each in found.standing))
    return found


def _is_join(ground: Ground, item: Live) -> bool:
    return ground.nodes.settled(item.commit).resolved_by == "rule:join"


async def without(ground: Ground, node: Node, gone: Mapping[LessonId, str], settler: Settler) -> Node:
    """Make `node` anew without the lessons of `gone`, each with the reason, above it and on the same base."""
    left = Rest(())
    for item in node.live:
        left += rest_of(ground, item, frozenset(gone))
    run, level = node.says.id.run, node.says.id.level
    place = NodeId(run, level, next_group(ground.nodes.reader.repository, run, level))
    # What merge_group makes is numbered from 1 on, placings from 1001 on.
    moved = folded(ground, place, left.moved, count(2001))
    placed = tuple(placings(ground, place, moved, {item.key for item in moved}))
    again = _Again(settler, left.unsettled)
    made = await merge_group(ground, place, (*left.standing, *placed), (node,), again)
    known = {item.commit: item.lessons for item in node.live}
    anew = {lesson for item in made.live if known.get(item.commit) != item.lessons for lesson in item.lessons}
    before = dict(node.says.support)
    support = tuple((one, counted if one in anew else before[one]) for one, counted in made.says.support)
    dropped = dict(node.says.dropped) | dict(made.says.dropped) | dict(gone)
    live = _in_place(node, made.live)
    places = tuple((min(item.lessons), item.place) for item in live if item.place)
    says = Octopus(place, support, tuple(sorted(dropped.items())), tuple(sorted(places)))
    parents = [node.commit, *(item.commit for item in live if item.commit not in known)]
    return ground.nodes.join(ground.batch, ground.base, says, live, parents, ground.who)


def _in_place(node: Node, live: Sequence[Live]) -> list[Live]:
    """Let what is left of each part of `node` stand where that stood: a lesson that goes must not move others."""
    heirs: dict[LessonId, LessonId] = {}
    for before in node.live:
        left = [item for item in live if not set(item.lessons).isdisjoint(before.lessons)]
        if left:
            heir = min(left, key=lambda item: min(item.lessons))
            first = min(heir.lessons)
            heirs[first] = min(before.key, heirs.get(first, before.key))
    found = []
    for item in live:
        place = heirs.get(min(item.lessons), item.key)
        found.append(replace(item, place=None if place == min(item.lessons) else place))
    return found


class _Again:
    """Has decided again what was decided before between lessons of which one is gone, and nothing else."""

    def __init__(self, settler: Settler, unsettled: frozenset[LessonId]) -> None:
        self._settler = settler
        self._unsettled = unsettled

    async def settle(self, group: Group) -> Settlement:
        clashing = {key for clash in group.clashes for key in (clash.first, clash.second)}
        open_ = tuple(item for item in group.live if item.key in self._unsettled | clashing)
        return await self._settler.settle(replace(group, live=open_)) if open_ else Settlement()
