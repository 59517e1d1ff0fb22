"""Annotated tags: releases that never move."""

from collections.abc import Iterator
from dataclasses import dataclass

import pygit2

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId
from gitskill.store.history import peeled
from gitskill.store.objects import Batch
from gitskill.store.refs import Move
from gitskill.store.repository import Repository, Who
from gitskill.version import Version

TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a skill, as its tag has it."""

    version: Version
    tag: str
    commit: CommitId
    when: int
    """When it was tagged, in seconds since 1970."""
    message: str
    """The tag's own text; empty for a lightweight tag."""


def tag_name(folder: str, version: Version) -> str:
    """Name the tag of a version: `v1.2.0` where the skill is the root, `<skill>/v1.2.0` where it is a folder."""
    return f"{folder.rpartition('/')[2]}/{version}" if folder else str(version)


def is_valid(name: str) -> bool:
    """Tell whether git allows a tag of this name."""
    return pygit2.reference_is_valid_name(TAGS + name)


def add(batch: Batch, repository: Repository, name: str, commit: CommitId, message: str, who: Who) -> Move:
    """Put an annotated tag into `batch` and return the ref to create, or raise: an existing tag is never moved."""
    ref = TAGS + name
    if ref in repository.git.references:
        raise InvalidInput(f"tag {name} exists already", hint="tags never move: choose the next version")
    return Move(ref, None, batch.tag(name, commit, message, who))


def releases(repository: Repository, folder: str) -> list[Release]:
    """List the versions of the skill in `folder`, lowest first. A tag that is no version is not one."""
    return sorted(_releases(repository, folder), key=lambda release: release.version)


def _releases(repository: Repository, folder: str) -> Iterator[Release]:
    above = TAGS + tag_name(folder, Version(0, 0, 0)).removesuffix("v0.0.0")
    for ref in repository.git.references:
        version = Version.read(ref.removeprefix(above)) if ref.startswith(above) else None
        commit = peeled(repository, ref) if version else None
        if version is None or commit is None:
            continue
        tag = repository.git[repository.git.references[ref].target]
        when, text = repository.read_commit(commit).commit_time, ""
        if isinstance(tag, pygit2.Tag):
            when, text = getattr(tag.tagger, "time", when), tag.message
        yield Release(version, ref.removeprefix(TAGS), commit, when, text)
