"""What a report is about: a run, or the runs that came with a release."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gitskill.errors import NotFound
from gitskill.ids import CommitId, RunId
from gitskill.report.versions import versions
from gitskill.store.history import octopuses
from gitskill.store.lookup import candidate
from gitskill.store.nodes import NodeStore
from gitskill.store.releases import record_of
from gitskill.store.runs import Run, recorded
from gitskill.store.tags import TAGS, Release, releases

_RUN = re.compile(r"r\d{4,9}")


@dataclass(frozen=True, slots=True)
class Story:
    """One run, as far as this repository tells."""

    id: RunId
    base: CommitId
    roots: tuple[CommitId, ...]
    """Its merges that no other merge of it stands above."""
    run: Run | None
    """Its record; None in a clone that has only history."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the page is called and about."""

    name: str
    stories: tuple[Story, ...]
    base: CommitId
    shown: CommitId
    """The version of the skill that is shown line by line."""
    release: Release | None = None


def subject(nodes: NodeStore, name: str = "") -> Subject:
    """Find what `name` means: a run, a version's tag, or, where it is empty, the newest run. Raises NotFound."""
    wanted = name or _newest(nodes)
    if _RUN.fullmatch(wanted):
        return _of_run(nodes, RunId.parse(wanted))
    tag = wanted.removeprefix(TAGS)
    known = releases(nodes.reader.repository, nodes.reader.folder)
    found = next((each for each in known if each.tag == tag), None)
    if found is None:
        raise NotFound(f"{wanted!r} is neither a run nor a version of this skill", hint="gitskill log names versions")
    return _of_release(nodes, found, known)


def _newest(nodes: NodeStore) -> str:
    repository = nodes.reader.repository
    found = [run.id for run in recorded(repository) if run.folder == nodes.reader.folder]
    if not found and not repository.git.head_is_unborn:
        found = [says.id.run for _, says in octopuses(repository, repository.head())]
    if not found:
        raise NotFound("there is no run yet", hint="gitskill evolve --traces PATH makes one")
    return str(max(found))


def _of_run(nodes: NodeStore, run: RunId) -> Subject:
    repository = nodes.reader.repository
    record = next((each for each in recorded(repository) if each.id == run), None)
    if record and record.folder != nodes.reader.folder:
        raise NotFound(f"{run} is a run of another skill", hint=f"gitskill --skill {record.folder or '.'} report {run}")
    tip = _tip(nodes, run)
    if tip is None and record is None:
        raise NotFound(f"there is no run {run} of this skill here", hint="gitskill log names released runs")
    roots = _roots(nodes, run, tip, ()) if tip else ()
    # An octopus has its base as first parent, and the first of several stands on that of the run.
    base = record.base if record else repository.parents(roots[-1])[0]
    return Subject(str(run), (Story(run, base, roots, record),), base, tip or base)


def _tip(nodes: NodeStore, run: RunId) -> CommitId | None:
    """Give the candidate, else the highest merge of the run on any branch: of lessons by hand there is no other."""
    try:
        return candidate(nodes.reader.repository, run)
    except NotFound:
        found = octopuses(nodes.reader.repository)
        ours = [(says.id.level, says.id.group, commit) for commit, says in found if says.id.run == run]
        return max(ours)[2] if ours else None


def _of_release(nodes: NodeStore, release: Release, known: list[Release]) -> Subject:
    repository = nodes.reader.repository
    past = [each for each in known if each.commit != release.commit]
    earlier = [each for each in past if repository.descends(release.commit, each.commit)]
    stop = [each.commit for each in earlier]
    records = {each.id: each for each in recorded(repository) if each.folder == nodes.reader.folder}
    found = ((run, _roots(nodes, run, release.commit, stop)) for run in _runs(nodes, release, stop))
    stories = [Story(run, repository.parents(roots[-1])[0], roots, records.get(run)) for run, roots in found if roots]
    if not stories:
        raise NotFound(f"no run was released with {release.tag}", hint=f"gitskill blame --rev {release.tag}")
    before = max(earlier, key=lambda each: each.version).commit if earlier else stories[0].base
    return Subject(release.tag, tuple(stories), before, release.commit, release)


def _runs(nodes: NodeStore, release: Release, stop: Sequence[CommitId]) -> Sequence[RunId]:
    """Give the runs that a version brought: as `log` has them, or, where HEAD has it not, by its merges.

    A merge that was made anew, for a lesson was dropped, brings nothing new.
    """
    if (record := record_of(release)) and record.rollback:
        raise NotFound(f"{release.tag} is a rollback to {record.rollback}: no run was released with it")
    if told := next((each for each in versions(nodes) if each.release.tag == release.tag), None):
        return told.runs
    repository = nodes.reader.repository
    merges = octopuses(repository, release.commit)
    new = {says.id.run for commit, says in merges if not any(repository.descends(old, commit) for old in stop)}
    return sorted(new)


def _roots(nodes: NodeStore, run: RunId, tip: CommitId, stop: Sequence[CommitId]) -> tuple[CommitId, ...]:
    """Give the merges of a run in the history of `tip` that stand under no other, the newest first."""
    repository = nodes.reader.repository
    below: set[CommitId] = set()
    found = []
    for commit, says in octopuses(repository, tip):
        if says.id.run != run or any(repository.descends(old, commit) for old in stop):
            continue
        if commit not in below:
            found.append(commit)
        below.update(repository.parents(commit)[1:])  # the first is its base: of a later round the merge before
    return tuple(found)
