"""A skill's past as it counts now: what was rolled back does not, and a merge that redoes another stands for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, NodeId
from gitskill.lesson import distinct
from gitskill.node import Node, Octopus, Support
from gitskill.skill.carry import Followed
from gitskill.skill.compose import apply_parts
from gitskill.skill.diff import former_name, matching_lines
from gitskill.skill.snapshot import Skill
from gitskill.store.nodes import NodeStore, parts


class Past:
    """The past of one commit."""

    def __init__(self, nodes: NodeStore, start: CommitId) -> None:
        self.nodes = nodes
        self.start = start
        self._git = nodes.reader.repository
        self.node = cache(self._node)
        """Read the octopus that a commit is, once; None where it is none."""

    def before(self, commit: CommitId) -> list[CommitId]:
        """Give what a commit goes on from: its parents, or the earlier version that it brought back."""
        parents = self._git.parents(commit)
        if len(parents) == 1 and commit in self._chain and commit in (back := self._rollbacks):
            return [back[commit]]
        return parents

    @cached_property
    def _chain(self) -> Mapping[CommitId, int]:
        """Number the commits from the start along first parents."""
        found: dict[CommitId, int] = {}
        at = [self.start]
        while at and at[0] not in found:
            found[at[0]] = len(found)
            at = self._git.parents(at[0])[:1]
        return found

    @cached_property
    def _rollbacks(self) -> Mapping[CommitId, CommitId]:
        """Find the commits that made the skill what it was before: whoever did it, and whatever they called it."""
        commits = list(self._chain)
        versions = [self.nodes.reader.folder_id(commit) for commit in commits]
        last: dict[str, int] = {}
        found: dict[CommitId, CommitId] = {}
        for number in range(len(commits) - 1, -1, -1):
            version = versions[number]
            if version in last and last[version] != number + 1:
                found[commits[number]] = commits[last[version]]
            last[version] = number
        return found

    @cached_property
    def carried(self) -> tuple[Node, ...]:
        """Give the merges of lessons that count, and lessons that somebody took by themselves as merges of one."""
        found: dict[CommitId, Node] = {}
        redone: set[CommitId] = set()
        todo, seen = [self.start], set()
        while todo:
            commit = todo.pop()
            if commit in seen:
                continue
            seen.add(commit)
            if node := self.node(commit) or self._alone(commit):
                found[commit] = node
                redone |= set(self._below(commit))
                todo.append(node.base)
            else:
                todo += self.before(commit)
        return tuple(node for commit, node in found.items() if commit not in redone)

    def _below(self, octopus: CommitId) -> Iterator[CommitId]:
        """Give what an octopus joins, down to the lessons."""
        todo = [octopus] if self.node(octopus) else []
        while todo:
            joined = self._git.parents(todo.pop())[1:]
            yield from joined
            todo += [commit for commit in joined if self.node(commit)]

    def redoes(self, node: Node, commit: CommitId) -> bool:
        """Tell whether a merge of lessons redoes one that is in the history of `commit`: a drop makes such."""
        return any(self._git.descends(commit, below) for below in self._git.parents(node.commit)[1:])

    def _node(self, commit: CommitId) -> Node | None:
        if b"\nLevel: " not in self._git.read_commit(commit).raw_message:
            return None
        try:
            return self.nodes.read(commit)
        except InvalidInput:
            return None

    def _alone(self, commit: CommitId) -> Node | None:
        """Read a lesson that no octopus carries: a person may have taken one by itself."""
        if b"\nLesson: " not in self._git.read_commit(commit).raw_message:
            return None
        try:
            lesson = self.nodes.lesson(commit)
        except InvalidInput:
            return None
        traces, tasks = distinct(lesson.lesson.traces)
        says = Octopus(NodeId(lesson.lesson.id.run, 1, 0), ((lesson.lesson.id, Support(traces, traces, tasks)),))
        return Node(commit, lesson.base, says, (self.nodes.live(commit, lesson.base),))

    def follow(self, node: Node) -> Callable[[str], Followed | None]:
        """Give how to find the files that `node` made in the start's skill, through all that came after."""
        made = apply_parts(self.nodes.reader.read(node.base), parts(node.live))
        after = self._after(node.commit)
        return lambda path: self._followed(made, after, path)

    def _followed(self, made: Skill, after: Mapping[CommitId, Sequence[CommitId]], path: str) -> Followed | None:
        reader = self.nodes.reader
        found: dict[CommitId, Followed | None] = {}
        for commit, parents in after.items():
            if not parents:
                whole = Followed(path, {line: line for line in range(len(made.text(path).lines))})
                found[commit] = _step(whole, made, reader.read(commit))
                continue
            ways = []
            for parent in parents:
                way = found[parent]
                if way and reader.file_id(commit, way.path) != reader.file_id(parent, way.path):
                    way = _step(way, reader.read(parent), reader.read(commit))
                ways.append(way)
            found[commit] = _union([way for way in ways if way])
        return found[self.start]

    def _after(self, first: CommitId) -> dict[CommitId, list[CommitId]]:
        """Give the commits from `first` on to the start, parents before children, each with those it goes on from."""
        order: dict[CommitId, list[CommitId]] = {}
        todo = [(self.start, False)]
        while todo:
            commit, is_ready = todo.pop()
            if is_ready:
                order[commit] = [] if commit == first else self._lines_from(commit)
            elif commit not in order:
                todo.append((commit, True))
                todo += [(parent, False) for parent in ([] if commit == first else self._lines_from(commit))]
        found: dict[CommitId, list[CommitId]] = {}
        for commit, parents in order.items():
            known = [parent for parent in parents if parent in found]
            if known or commit == first:
                found[commit] = known
        return found

    def _lines_from(self, commit: CommitId) -> list[CommitId]:
        """Give where the lines of a commit are from, but for those that its own lessons taught."""
        node = self.node(commit)
        return [node.base] if node else self.before(commit)


def _step(way: Followed, before: Skill, after: Skill) -> Followed | None:
    """Follow a file one commit further; None where it is gone."""
    name = way.path if way.path in after.files else _new_name(before, after, way.path)
    if name is None:
        return None
    if before.files.get(way.path) == after.files[name]:
        return Followed(name, way.pairs)
    step = dict(matching_lines(before.text(way.path).lines, after.text(name).lines))
    return Followed(name, {line: step[at] for line, at in way.pairs.items() if at in step})


def _union(ways: Sequence[Followed]) -> Followed | None:
    """Join what the parents of a merge know of a file. Where they cross, the first one is right."""
    if not ways:
        return None
    pairs = dict(ways[0].pairs)
    for way in ways[1:]:
        for line, at in way.pairs.items() if way.path == ways[0].path else ():
            if line not in pairs and all((line < one) == (at < other) and at != other for one, other in pairs.items()):
                pairs[line] = at
    return Followed(ways[0].path, dict(sorted(pairs.items())))


def _new_name(before: Skill, after: Skill, path: str) -> str | None:
    """Find the file that `path` became."""
    new = sorted(after.files.keys() - before.files.keys())
    return next((name for name in new if former_name(before, after, name) == path), None)
