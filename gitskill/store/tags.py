"""Annotated tags: releases that never move."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pygit2
from pygit2.enums import ObjectType

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId
from gitskill.store.history import commits_with, peeled
from gitskill.store.objects import Batch, Signer
from gitskill.store.oplog import operations
from gitskill.store.refs import Move, target
from gitskill.store.repository import Repository, Who
from gitskill.version import Version

TAGS = "refs/tags/"
VERSION = "Skill-Version"
"""The trailer by which a release's commit names its tag."""

_SIGNATURE = re.compile(rb"^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TagText:
    """What an annotated tag says."""

    name: str
    """Its own name, which is not that of a ref that was made to point to it."""
    object: str
    when: int
    message: str
    """Its text without the signature."""
    digest: str
    """The SHA-256 of that text: by it the next release's record names this one."""
    payload: bytes
    """What a signature signs."""
    signature: bytes
    """Empty where it has none."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a skill, as its tag has it."""

    version: Version
    tag: str
    commit: CommitId
    when: int
    """When it was tagged, in seconds since 1970."""
    message: str
    """The tag's own text without its signature; empty for a lightweight tag."""
    oid: str = ""
    """The id of the tag itself; of a lightweight tag, that of its commit."""
    is_signed: bool = False
    """It has a signature; whether that is good is for `verify` to say."""


def prefix(folder: str) -> str:
    """Give what stands before the version in the tags of the skill in `folder`."""
    return f"{folder.rpartition('/')[2]}/" if folder else ""


def tag_name(folder: str, version: Version) -> str:
    """Name the tag of a version: `v1.2.0` where the skill is the root, `<skill>/v1.2.0` where it is a folder."""
    return f"{prefix(folder)}{version}"


def is_valid(name: str) -> bool:
    """Tell whether git allows a tag of this name."""
    return pygit2.reference_is_valid_name(TAGS + name)


def add(batch: Batch, name: str, commit: CommitId, message: str, who: Who, sign: Signer | None = None) -> Move:
    """Put an annotated tag into `batch` and return the ref to create, or raise: an existing tag is never moved."""
    ref = TAGS + name
    if ref in batch.repository.git.references:
        raise InvalidInput(f"tag {name} exists already", hint="tags never move: choose the next version")
    return Move(ref, None, batch.tag(name, commit, message, who, sign))


def releases(repository: Repository, folder: str) -> list[Release]:
    """List the versions of the skill in `folder`, lowest first. A tag that is no version is not one."""
    return sorted(_releases(repository, folder), key=lambda release: release.version)


def _releases(repository: Repository, folder: str) -> Iterator[Release]:
    above = TAGS + prefix(folder)
    for ref in repository.git.references:
        version = Version.read(ref.removeprefix(above)) if ref.startswith(above) else None
        commit = peeled(repository, ref) if version else None
        if version is None or commit is None:
            continue
        oid = target(repository, ref) or ""
        said = read_tag(repository, oid)
        name = ref.removeprefix(TAGS)
        if said is None:
            yield Release(version, name, commit, repository.read_commit(commit).commit_time, "", oid)
        else:
            yield Release(version, name, commit, said.when, said.message, oid, bool(said.signature))


def read_tag(repository: Repository, oid: str) -> TagText | None:
    """Read an annotated tag by its id; None where that is something else."""
    found = repository.git.get(oid) if re.fullmatch(r"[0-9a-f]{40}", oid) else None
    if found is None or found.type != ObjectType.TAG:
        return None
    data = repository.read_object(oid)
    starts = [match.start() for match in _SIGNATURE.finditer(data)]
    at = starts[-1] if starts else len(data)  # as git: the last line that begins a signature
    head, _, message = data[:at].partition(b"\n\n")
    says = dict(line.partition(b" ")[::2] for line in reversed(head.split(b"\n")))
    stamp = re.search(rb"> (\d{1,15})(?: |$)", says.get(b"tagger", b""))
    return TagText(
        name=says.get(b"tag", b"").decode("utf-8", "surrogateescape"),
        object=says.get(b"object", b"").decode("ascii", "replace"),
        when=int(stamp[1]) if stamp else 0,
        message=message.decode("utf-8", "replace"),
        digest=hashlib.sha256(message).hexdigest(),
        payload=data[:at],
        signature=data[at:],
    )


def used(repository: Repository, folder: str) -> set[Version]:
    """Give every version that was ever given here: by a tag, the log of operations or a release's commit.

    Numbers are burnt: one that was taken back may have been seen by somebody.
    """
    told = list(repository.git.references)
    told += [step.ref for operation in operations(repository) for step in operation.moves]
    told += [TAGS + (message.one(VERSION) or "") for _, message in commits_with(repository, VERSION)]
    above = TAGS + prefix(folder)
    found = (Version.read(ref.removeprefix(above)) for ref in told if ref.startswith(above))
    return {version for version in found if version}
