"""The lines of a file with the lessons and traces behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId
from gitskill.lesson import TraceRef
from gitskill.node import Kind
from gitskill.store.blame import BlamedLine, blame
from gitskill.store.nodes import NodeStore
from gitskill.store.tags import releases


@dataclass(frozen=True, slots=True)
class SourcedLine:
    """One line, who wrote it, and the traces that taught it."""

    line: BlamedLine
    traces: tuple[TraceRef, ...]
    analysts: tuple[str, ...] = ()
    """The kinds of analyst that taught it: `error`, `success`, `offline`, `person`."""
    made: str = ""
    """What wrote it, where that is no lesson: a version (`v1.0.0`), a resolution (`m1-03.1`), a commit's short id."""

    @property
    def support(self) -> int:
        """Distinct traces behind the line."""
        return len({ref.trace for ref in self.traces})

    @property
    def share(self) -> str:
        """The support as people see it: `37/105`, or the traces alone where nobody counted the others."""
        if not self.support:
            return ""
        return f"{self.support}/{self.line.of}" if self.line.of else str(self.support)


def sourced(nodes: NodeStore, path: str, rev: CommitId) -> list[SourcedLine]:
    """Blame every line of the skill's file `path` in `rev`, down to the traces."""
    lines = blame(nodes, path, rev)
    lessons = {commit: nodes.lesson(commit).lesson for line in lines for _, commit in line.sources}
    made = _namer(nodes)
    return [
        SourcedLine(
            line,
            tuple(dict.fromkeys(ref for _, commit in line.sources for ref in lessons[commit].traces)),
            tuple(sorted({lessons[commit].analyst.partition(" ")[0] for _, commit in line.sources})),
            made(line.commit, line.kind),
        )
        for line in lines
    ]


def _namer(nodes: NodeStore) -> Callable[[CommitId, Kind], str]:
    """Give how to name a commit that is no lesson."""
    repository = nodes.reader.repository
    versions = releases(repository, nodes.reader.folder)

    @cache
    def name(commit: CommitId, kind: Kind) -> str:
        if kind is Kind.BASE:
            tags = (version.tag for version in versions if repository.descends(version.commit, commit))
            return next(tags, commit[:8])
        if kind in (Kind.RESOLUTION, Kind.PLACING):
            try:
                settled = nodes.settled(commit)
            except InvalidInput:
                return commit[:8]
            return f"{settled.node.short}.{settled.number}"
        return commit[:8]

    return name
