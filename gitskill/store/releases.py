"""The versions of a skill in their order, and what the next one is called."""

from collections.abc import Sequence
from typing import TypedDict

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId
from gitskill.record import Record
from gitskill.skill.bump import Bump, bump
from gitskill.skill.snapshot import Skill
from gitskill.store.lookup import find_candidate
from gitskill.store.repository import Repository
from gitskill.store.runs import Run
from gitskill.store.skills import SkillReader
from gitskill.store.tags import Release, read_tag, releases, used
from gitskill.version import FIRST, Version


def record_of(release: Release) -> Record | None:
    """Read the record of a version; None where it has none that can be read. `verify` says what is wrong with it."""
    try:
        return Record.read(release.message)
    except InvalidInput:
        return None


def previous(repository: Repository, folder: str, commit: CommitId) -> Release | None:
    """Give the highest version in the history of `commit`."""
    past = (release for release in reversed(releases(repository, folder)))
    return next((release for release in past if repository.descends(commit, release.commit)), None)


def released_as(repository: Repository, run: Run, among: Sequence[Release] | None = None) -> Release | None:
    """Give the version that a run was released as: its record says so, or it holds the run's candidate.

    `among` are the versions of the run's skill, where they are read already.
    """
    candidate = find_candidate(repository, run.id)
    if candidate and repository.descends(run.base, candidate):
        candidate = None  # made to point to where the run began: that is nothing of the run's
    for release in releases(repository, run.folder) if among is None else among:
        record = record_of(release)
        if record and run.id in record.runs:
            return release
        if candidate and repository.descends(release.commit, candidate):
            return release
    return None


def following(reader: SkillReader, before: CommitId, skill: Skill, wanted: Bump | None = None) -> Version:
    """Name the version after the highest that was ever used, as far above it as `skill` is from that in `before`."""
    known = used(reader.repository, reader.folder)
    if not known:
        return FIRST
    step = wanted or bump(reader.read(before), skill)
    found = max(known).after(Bump.PATCH if step is Bump.NONE else step)
    if Version.read(str(found)) is None:
        raise InvalidInput(f"no version can follow {max(known)}: its numbers have nine digits at most")
    return found


class Link(TypedDict):
    """The part of a record that chains it to the one before."""

    previous_tag: str
    previous: str


def chained(repository: Repository, before: Release | None) -> Link:
    """Give what a record says of the version before it."""
    said = read_tag(repository, before.oid) if before else None
    return {"previous_tag": before.tag if before else "", "previous": said.digest if said else ""}
