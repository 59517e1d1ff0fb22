"""What a line rests on: for each lesson that taught it the quotes, where they stand in traces that are stored here."""

from collections.abc import Iterator
from dataclasses import dataclass

from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import CommitId, LessonId
from gitskill.lesson import Evidence, Lesson, TraceRef
from gitskill.report.sources import SourcedLine
from gitskill.store.nodes import NodeStore
from gitskill.store.repository import Repository
from gitskill.store.traces import read
from gitskill.trace import Origin, Trace


@dataclass(frozen=True, slots=True)
class Passage:
    """A quote where it stands: the lines around it, and who wrote them."""

    origin: Origin
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """One quote of a lesson."""

    evidence: Evidence
    ref: TraceRef | None
    """The trace as the lesson names it."""
    passage: Passage | None
    missing: str = ""
    """Why the passage cannot be shown."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """One lesson behind a line, with its quotes."""

    id: LessonId
    commit: CommitId
    lesson: Lesson
    pieces: tuple[Piece, ...]


def grounds(nodes: NodeStore, line: SourcedLine, context: int) -> Iterator[Grounds]:
    """Give the lessons behind a line with their quotes, each with `context` lines before and after it."""
    traces: dict[str, Trace | str] = {}
    for lesson, commit in line.line.sources:
        found = nodes.lesson(commit).lesson
        refs = {ref.trace: ref for ref in found.traces}
        pieces = []
        for item in found.evidence:
            if item.trace not in traces:
                traces[item.trace] = stored(nodes.reader.repository, item.trace)
            pieces.append(_piece(item, refs.get(item.trace), traces[item.trace], context))
        yield Grounds(lesson, commit, found, tuple(pieces))


def stored(repository: Repository, trace: str) -> Trace | str:
    """Read a trace, or say why it cannot be."""
    try:
        return read(repository, trace)
    except NotFound:
        return "its trace is not stored here"
    except InvalidInput as error:
        return str(error)


def _piece(item: Evidence, ref: TraceRef | None, trace: Trace | str, context: int) -> Piece:
    if isinstance(trace, str):
        return Piece(item, ref, None, trace)
    steps = trace.steps[item.step - 1 : item.step] if item.step else ()
    for origin, text in (each for step in steps for each in step.texts()):
        start = text.find(item.quote)
        if item.quote and start >= 0:
            before = text[:start].split("\n")[:-1]
            after = text[start + len(item.quote) :].split("\n")[1:]
            kept = tuple(before[max(len(before) - context, 0) :]), tuple(after[:context])
            return Piece(item, ref, Passage(origin, *kept))
    return Piece(item, ref, None, "the trace does not hold it there")
