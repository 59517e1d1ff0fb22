"""Which commit taught each line: through octopus merges by their live sets, elsewhere by diffs.

`git blame` ends at the same commits wherever text is unchanged. Here two things
are exact beyond that: a line of an octopus is credited by what the octopus
carries, not by a diff, and a line that a resolution kept word for word goes to
the lesson that wrote it, in whatever file it then stood. A rollback teaches
nothing: its lines go where they went before.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import CommitId, LessonId
from gitskill.message import Message
from gitskill.node import Kind, Live, Node
from gitskill.skill.compose import Line, compose
from gitskill.skill.diff import former_name, matching_lines
from gitskill.skill.hunks import Hunk
from gitskill.skill.snapshot import is_binary
from gitskill.store.history import since_lessons
from gitskill.store.nodes import NodeStore, parts
from gitskill.store.past import Past


@dataclass(frozen=True, slots=True)
class BlamedLine:
    """One line and its source."""

    number: int
    """Counted from 1."""
    text: str
    commit: CommitId
    kind: Kind
    sources: tuple[tuple[LessonId, CommitId], ...] = ()
    """The lessons that taught it, each with its commit."""
    of: int = 0
    """How many traces were studied when they were merged; 0 where nobody counted."""

    @property
    def lessons(self) -> tuple[LessonId, ...]:
        """The ids of those lessons."""
        return tuple(lesson for lesson, _ in self.sources)


@dataclass(frozen=True, slots=True)
class _Credit:
    commit: CommitId
    kind: Kind
    sources: tuple[tuple[LessonId, CommitId], ...] = ()
    of: int = 0


_Wanted = dict[int, int]
"""Line in a version of the file, to its line in the version that is being blamed."""


def blame(nodes: NodeStore, path: str, start: CommitId) -> list[BlamedLine]:
    """Blame every line of the skill's file `path` as it stands in `start`."""
    files = nodes.reader.read(start).files
    if path not in files:
        raise NotFound(f"{path} is not a file of the skill in {start[:10]}")
    if is_binary(files[path]):
        raise InvalidInput(f"{path} is a binary file: it has no lines")
    walk = _Walk(nodes, start)
    lines = walk.lines(start, path)
    credits_ = walk.credit(path, len(lines))
    return [
        BlamedLine(number + 1, text, found.commit, found.kind, found.sources, found.of)
        for number, text in enumerate(lines)
        for found in (credits_[number],)
    ]


class _Walk:
    """Pushes lines from a commit to its parents until each has found its source."""

    def __init__(self, nodes: NodeStore, start: CommitId) -> None:
        self.nodes = nodes
        self.git = nodes.reader.repository
        self.start = start
        self.past = Past(nodes, start)
        self.skill = cache(nodes.reader.read)
        self.file = nodes.reader.file_id
        self._composed = cache(self._compose)
        self.makers: dict[CommitId, dict[LessonId, Live]] = {}
        self.settled: dict[int, tuple[Live, Mapping[str, Sequence[Live]]]] = {}
        self._written_in = cache(self._writer)
        self.since = cache(lambda: since_lessons(self.git, start))
        self.pending: dict[tuple[CommitId, str], _Wanted] = {}
        self.queue: list[tuple[int, int, CommitId, str]] = []
        self.found: dict[int, _Credit] = {}

    def lines(self, commit: CommitId, path: str) -> tuple[str, ...]:
        """Give the lines of `path` in `commit`."""
        return self.skill(commit).text(path).lines

    def credit(self, path: str, count: int) -> Mapping[int, _Credit]:
        """Find the source of each of the first `count` lines."""
        self._ask(self.start, path, {number: number for number in range(count)})
        while self.queue:
            _, _, commit, at = heapq.heappop(self.queue)
            wanted = self.pending.pop((commit, at), {})
            if wanted and not self._through_octopus(commit, at, wanted):
                self._through_parents(commit, at, wanted)
        return self.found

    def _ask(self, commit: CommitId, path: str, wanted: _Wanted) -> None:
        """Look at `commit` later, youngest first, so that a commit with several children is looked at once."""
        if not wanted:
            return
        known = self.pending.setdefault((commit, path), {})
        known.update(wanted)
        heapq.heappush(self.queue, (-self.git.read_commit(commit).commit_time, -len(self.pending), commit, path))

    def _through_octopus(self, commit: CommitId, path: str, wanted: _Wanted) -> bool:
        """Credit lines by the live set. False where `commit` is no octopus, or its tree is not what it carries."""
        node = self.past.node(commit)
        composed = self._composed(commit, path)
        if node is None or composed is None:
            return False
        below: _Wanted = {}
        for number, final in wanted.items():
            base = composed[number].base
            if base is None:
                self.found[final] = self._taught(node, composed[number])
            else:
                below[base] = final
        self._ask(node.base, path, below)
        return True

    def _compose(self, commit: CommitId, path: str) -> list[Line[LessonId]] | None:
        """Give the lines of an octopus with who wrote them; None where its tree is not what it carries."""
        node = self.past.node(commit)
        if node is None:
            return None
        composed = compose(self.skill(node.base).text(path), path, parts(node.live))
        return composed if tuple(line.text for line in composed) == self.lines(commit, path) else None

    def _taught(self, node: Node, line: Line[LessonId]) -> _Credit:
        by_key = self.makers.setdefault(node.commit, {}) or {live.key: live for live in node.live}
        self.makers[node.commit] = by_key
        found = self._source(line, [by_key[key] for key in line.keys], node.base)
        return replace(found, of=max((support.of for _, support in node.says.support), default=0))

    def _source(self, line: Line[LessonId], makers: Sequence[Live], base: CommitId) -> _Credit:
        if len(makers) == 1:
            return self._kept(line.text, makers[0], base)
        sources = tuple(source for live in makers for source in live.sources)
        return _Credit(makers[0].commit, makers[0].kind, sources)

    def _kept(self, text: str, live: Live, base: CommitId) -> _Credit:
        """Credit a line that a resolution kept word for word to what it settled; any other line to itself."""
        if live.kind in (Kind.LESSON, Kind.FOLD) or not text.strip():
            return _Credit(live.commit, live.kind, live.sources)
        writers = [self._kept(text, source, base) for source in self._writers(live, base).get(text, ())]
        if not writers:
            return _Credit(live.commit, live.kind, live.sources)
        sources = tuple(dict.fromkeys(source for credit in writers for source in credit.sources))
        return _Credit(writers[0].commit, writers[0].kind, sources)

    def _writers(self, live: Live, base: CommitId) -> Mapping[str, Sequence[Live]]:
        """Give what a resolution settled by the lines that it wrote, found out once: it may be of ten thousand."""
        if id(live) not in self.settled:
            by_text: defaultdict[str, list[Live]] = defaultdict(list)
            for source in self.nodes.members(live, base):
                for text in dict.fromkeys(_written(source)):
                    by_text[text].append(source)
            self.settled[id(live)] = live, by_text  # as long as it is kept, nothing else has its id
        return self.settled[id(live)][1]

    def _through_parents(self, commit: CommitId, path: str, wanted: _Wanted) -> None:
        """Hand unchanged lines to the first parent that has them; what is left was written here."""
        parents = self.git.parents(commit)
        wanted = self._redone(parents, path, self.lines(commit, path), wanted) if len(parents) > 1 else wanted
        file = self.file(commit, path)
        same = next((parent for parent in parents if self.file(parent, path) == file), None)
        if same is None:
            parents = self.past.before(commit)
            same = next((parent for parent in parents if self.file(parent, path) == file), None)
        if same is not None:
            self._ask(same, path, wanted)
            return
        lines = self.lines(commit, path)
        for parent in parents:
            before = former_name(self.skill(parent), self.skill(commit), path)
            if before is None:
                continue
            pairs = {new: old for old, new in matching_lines(self.lines(parent, before), lines)}
            self._ask(parent, before, {pairs[n]: final for n, final in wanted.items() if n in pairs})
            wanted = {n: final for n, final in wanted.items() if n not in pairs}
        for final in wanted.values():
            self.found[final] = self._written_in(commit)

    def _redone(self, parents: Sequence[CommitId], path: str, lines: Sequence[str], wanted: _Wanted) -> _Wanted:
        """Credit what a merge of lessons teaches that redoes an earlier one, and give the lines that are left.

        Its lines stand in the first parent too, with the lessons that it left out.
        """
        for parent in parents[1:]:
            node = self.past.node(parent)
            if node is None or not self.past.redoes(node, parents[0]) or not (composed := self._composed(parent, path)):
                continue
            pairs = {new: old for old, new in matching_lines([line.text for line in composed], lines)}
            taught = {n for n in wanted if n in pairs and composed[pairs[n]].base is None}
            self.found |= {wanted[n]: self._taught(node, composed[pairs[n]]) for n in taught}
            wanted = {n: final for n, final in wanted.items() if n not in taught}
        return wanted

    def _writer(self, commit: CommitId) -> _Credit:
        lesson = self._lesson(commit)
        if lesson:
            return _Credit(commit, Kind.LESSON, ((lesson, commit),))
        return _Credit(commit, Kind.PERSON if commit in self.since() else Kind.BASE)

    def _lesson(self, commit: CommitId) -> LessonId | None:
        """Tell which lesson a commit outside any octopus is: a person may have taken one by itself."""
        if Message.parse(self.git.read_commit(commit).message).one("Lesson") is None:
            return None
        try:
            return self.nodes.lesson(commit).lesson.id
        except InvalidInput:
            return None


def _written(live: Live) -> Iterator[str]:
    return (line for change in live.changes if isinstance(change, Hunk) for line in change.lines)
