"""The lines of a file with the lessons and traces behind them."""

from dataclasses import dataclass

from gitskill.ids import CommitId
from gitskill.lesson import TraceRef
from gitskill.store.blame import BlamedLine, blame
from gitskill.store.nodes import NodeStore


@dataclass(frozen=True, slots=True)
class SourcedLine:
    """One line, who wrote it, and the traces that taught it."""

    line: BlamedLine
    traces: tuple[TraceRef, ...]

    @property
    def support(self) -> int:
        """Distinct traces behind the line."""
        return len({ref.trace for ref in self.traces})


def sourced(nodes: NodeStore, path: str, rev: CommitId) -> list[SourcedLine]:
    """Blame every line of the skill's file `path` in `rev`, down to the traces."""
    lines = blame(nodes, path, rev)
    traces = {commit: nodes.lesson(commit).lesson.traces for line in lines for _, commit in line.sources}
    return [
        SourcedLine(line, tuple(dict.fromkeys(ref for _, commit in line.sources for ref in traces[commit])))
        for line in lines
    ]
