"""The versions of a skill so far, and what each brought."""

from dataclasses import dataclass

from gitskill.ids import CommitId, LessonId, RunId
from gitskill.store.history import octopuses
from gitskill.store.nodes import NodeStore
from gitskill.store.tags import Release, releases


@dataclass(frozen=True, slots=True)
class VersionReport:
    """One version."""

    release: Release
    previous: str
    """The tag of the version before it in its history; empty for the first."""
    runs: tuple[RunId, ...]
    lessons: tuple[LessonId, ...]
    """The lessons that it brought, those folded into others too."""
    traces: int
    """Distinct traces behind them."""


def versions(nodes: NodeStore) -> list[VersionReport]:
    """List the versions that lead to HEAD, newest first."""
    repository = nodes.reader.repository
    head = repository.head()
    past = [found for found in releases(repository, nodes.reader.folder) if repository.descends(head, found.commit)]
    return [_report(nodes, release, past[:number]) for number, release in enumerate(past)][::-1]


def _report(nodes: NodeStore, release: Release, earlier: list[Release]) -> VersionReport:
    known = {lesson for before in earlier for lesson in _taught(nodes, before.commit)}
    taught = {lesson: commit for lesson, commit in _taught(nodes, release.commit).items() if lesson not in known}
    traces = {ref.trace for commit in taught.values() for ref in nodes.lesson(commit).lesson.traces}
    return VersionReport(
        release=release,
        previous=earlier[-1].tag if earlier else "",
        runs=tuple(sorted({lesson.run for lesson in taught})),
        lessons=tuple(sorted(taught)),
        traces=len(traces),
    )


def _taught(nodes: NodeStore, start: CommitId) -> dict[LessonId, CommitId]:
    """Map every lesson that the merges in the history of `start` carry to its commit."""
    found: dict[LessonId, CommitId] = {}
    below: set[CommitId] = set()
    for commit, _ in octopuses(nodes.reader.repository, start):
        if commit not in below:
            found |= {lesson: source for live in nodes.read(commit).live for lesson, source in live.sources}
        below.update(nodes.reader.repository.parents(commit))  # a merge above speaks for those below it
    return found
