"""The tree of a run: its groups joined level by level, and at the root what stands where."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitskill.consolidate.gather import Gathered
from gitskill.consolidate.group import Ground, Settle, merge_group
from gitskill.consolidate.place import Budget, place
from gitskill.ids import LessonId, NodeId, RunId
from gitskill.node import Live, Node, Octopus

Levels = Sequence[Sequence[Sequence[int]]]
"""The groups of each level, as a plan has them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who decides between lessons that clash, and what has a place in SKILL.md."""

    settle: Settle
    budget: Budget = Budget()  # noqa: RUF009 - frozen


def grow(ground: Ground, run: RunId, levels: Levels, live: Mapping[LessonId, Live], settle: Settle) -> tuple[Node, ...]:
    """Join the lessons of a run along its tree: every octopus, the root last; none where there is nothing to join."""
    below = _leaves(ground, run, levels, live, settle)
    made = [node for node in below.values() if node]
    for level, groups in enumerate(levels[1:], start=2):
        above: dict[int, Node | None] = {}
        for number, members in enumerate(groups, start=1):
            nodes = [node for member in members if (node := below.get(member))]
            above[number] = _joined(ground, NodeId(run, level, number), nodes, settle)
        made += [node for node in above.values() if node and node not in made]
        below = above
    return tuple(made)


def _leaves(
    ground: Ground, run: RunId, levels: Levels, live: Mapping[LessonId, Live], settle: Settle
) -> dict[int, Node | None]:
    """Join the lessons of each group of traces. Those of a person come after the plan's, in the last group."""
    groups = levels[0] if levels else [[]]
    home = {number: group for group, members in enumerate(groups, start=1) for number in members}
    gathered: defaultdict[int, list[Live]] = defaultdict(list)
    for lesson in sorted(live):
        gathered[home.get(lesson.trace, len(groups))].append(live[lesson])
    return {
        number: merge_group(ground, NodeId(run, 1, number), gathered[number], (), settle) if gathered[number] else None
        for number in range(1, len(groups) + 1)
    }


def _joined(ground: Ground, place_: NodeId, nodes: Sequence[Node], settle: Settle) -> Node | None:
    """Join nodes; one alone goes up as it is."""
    if len(nodes) < 2:
        return nodes[0] if nodes else None
    return merge_group(ground, place_, [item for node in nodes for item in node.live], nodes, settle)


def placed(ground: Ground, root: Node, gathered: Gathered, policy: Policy) -> Node | None:
    """Put the lessons of the root where they belong: the candidate.

    It is the root itself where all stands well, and None where nothing is left to stand.
    """
    above = NodeId(root.says.id.run, root.says.id.level + 1, 1)
    found = place(ground, above, root.live, gathered.by_person, policy.budget)
    if not found.standing:
        return None
    before = {one.commit for item in root.live for one in ground.apart(item)}
    if {item.commit for item in found.standing} == before and not gathered.left_out:
        return root
    made = merge_group(ground, above, found.standing, (root,), policy.settle)
    dropped = dict(made.says.dropped) | dict(found.held) | dict(gathered.left_out)
    says = Octopus(above, made.says.support, tuple(sorted(dropped.items())))
    carried = {item.commit for item in root.live}
    parents = [root.commit, *(item.commit for item in made.live if item.commit not in carried)]
    return ground.nodes.join(ground.batch, ground.base, says, made.live, parents, ground.who)
