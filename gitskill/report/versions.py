"""The versions of a skill so far, and what each brought."""

from collections.abc import Iterator
from dataclasses import dataclass

from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import CommitId, LessonId, RunId
from gitskill.message import Message
from gitskill.node import Support
from gitskill.record import Record
from gitskill.store.history import octopuses
from gitskill.store.nodes import NodeStore
from gitskill.store.releases import record_of
from gitskill.store.tags import Release, releases


@dataclass(frozen=True, slots=True)
class Teaching:
    """A lesson that a version brought."""

    lesson: LessonId
    commit: CommitId
    support: Support | None
    """What the merge that carries it counted."""


@dataclass(frozen=True, slots=True)
class VersionReport:
    """One version."""

    release: Release
    previous: str
    """The tag of the version before it in its history; empty for the first."""
    record: Record | None
    """What its tag says of it; None for a tag that gitskill did not make."""
    taught: tuple[Teaching, ...]
    """The lessons that it brought, those folded into others too."""
    traces: int
    """The traces that were studied for it; without a record, those behind its lessons."""
    dropped: tuple[Teaching, ...] = ()
    """The lessons that a person took out in it."""

    @property
    def lessons(self) -> tuple[LessonId, ...]:
        """The ids of those lessons."""
        return tuple(each.lesson for each in self.taught)

    @property
    def count(self) -> int:
        """How many of them stand for themselves, as far as the record tells: the others are folded into those."""
        return self.record.counts.merged if self.record and self.record.runs else len(self.taught)

    @property
    def runs(self) -> tuple[RunId, ...]:
        """The runs that they are of."""
        told = self.record.runs if self.record else ()
        return tuple(sorted({*told, *(lesson.run for lesson in self.lessons)}))

    @property
    def rollback(self) -> str:
        """The tag whose text it brought back; empty where it is no rollback."""
        return self.record.rollback if self.record else ""


def versions(nodes: NodeStore) -> list[VersionReport]:
    """List the versions that lead to HEAD, newest first."""
    repository = nodes.reader.repository
    head = repository.head()
    past = [found for found in releases(repository, nodes.reader.folder) if repository.descends(head, found.commit)]
    known: set[LessonId] = set()
    reports: list[VersionReport] = []
    for number, release in enumerate(past):
        taught = {lesson: each for lesson, each in _taught(nodes, release.commit).items() if lesson not in known}
        known |= taught.keys()
        reports.append(_report(nodes, release, past[number - 1].tag if number else "", taught))
    return reports[::-1]


def _report(nodes: NodeStore, release: Release, before: str, taught: dict[LessonId, Teaching]) -> VersionReport:
    record = record_of(release)
    behind = {ref.trace for each in taught.values() for ref in nodes.lesson(each.commit).lesson.traces}
    traces = record.counts.traces if record and record.runs else len(behind)
    found = tuple(taught[lesson] for lesson in sorted(taught))
    return VersionReport(release, before, record, found, traces, tuple(_dropped(nodes, release.commit)))


def _dropped(nodes: NodeStore, commit: CommitId) -> Iterator[Teaching]:
    """Read which lessons a version's commit says it took out. What it says of others is not believed."""
    for value in Message.parse(nodes.reader.repository.read_commit(commit).message).values("Dropped-Lesson"):
        name, _, at = value.partition(" ")
        try:
            lesson = nodes.lesson(nodes.reader.repository.commit(at)).lesson.id
        except (InvalidInput, NotFound):
            continue
        if str(lesson) == name:
            yield Teaching(lesson, CommitId(at), None)


def _taught(nodes: NodeStore, start: CommitId) -> dict[LessonId, Teaching]:
    """Give every lesson that the merges in the history of `start` carry."""
    found: dict[LessonId, Teaching] = {}
    below: set[CommitId] = set()
    for commit, says in octopuses(nodes.reader.repository, start):
        if commit not in below:
            counted = dict(says.support)
            for live in nodes.read(commit).live:
                found |= {lesson: Teaching(lesson, at, counted.get(lesson)) for lesson, at in live.sources}
        below.update(nodes.reader.repository.parents(commit)[1:])  # a merge above speaks for those that it joins
    return found
