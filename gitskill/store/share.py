"""How a ref of ours stands to the same ref of a remote, and what was seen there last.

A record of a run has no line of states: each has the first one as its parent.
So which of two is newer is told by what both sides had when they last met, by
ancestry, or by one having all that the other has.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from gitskill import codec
from gitskill.errors import GitRefused, InvalidInput
from gitskill.ids import CommitId
from gitskill.store.objects import TREE, tree_entries
from gitskill.store.repository import Repository

_DIGITS = 16
_MAX_FILES = 200_000
_MAX_STATES = 10_000
_LASTING = ("run.json", "plan.json", "fates/")


class Relation(StrEnum):
    """What a remote's ref is to ours."""

    SAME = "same"
    AHEAD = "ahead"
    """Ours has more."""
    BEHIND = "behind"
    """Theirs has more."""
    REMOVED = "removed"
    """It was here, and was taken away."""
    DIFFERS = "differs"
    """Both went on from one beginning."""
    ANOTHER = "another"
    """They have no beginning in common: two runs that got one number."""


@dataclass(frozen=True, slots=True)
class SeenRef:
    """Where a remote's ref stood when we last met."""

    ref: str
    oid: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one remote."""

    remote: str
    refs: tuple[SeenRef, ...] = ()
    documents: tuple[str, ...] = ()
    """Digests of the names of its documents: what is gone here since stays gone, and no name is kept."""

    def at(self, ref: str) -> str:
        """Give where a ref stood; empty where it was not there."""
        return next((each.oid for each in self.refs if each.ref == ref), "")

    def had(self, document: str) -> bool:
        """Tell whether the remote had a document."""
        return _digest(document) in self.documents

    def with_refs(self, now: Iterable[tuple[str, str]]) -> "Seen":
        """Return this with refs where they stand now."""
        refs = {each.ref: each.oid for each in self.refs} | dict(now)
        return replace(self, refs=tuple(SeenRef(ref, oid) for ref, oid in sorted(refs.items())))

    def with_documents(self, names: Collection[str]) -> "Seen":
        """Return this with further documents."""
        return replace(self, documents=tuple(sorted({*self.documents, *map(_digest, names)})))


@dataclass(frozen=True, slots=True)
class _Remotes:
    remotes: tuple[Seen, ...] = ()


def seen(repository: Repository, remote: str) -> Seen:
    """Read what was seen of `remote`. A file that cannot be read is as good as none: then less is known."""
    return next((each for each in _all(repository) if each.remote == remote), Seen(remote))


def remember(repository: Repository, now: Seen) -> None:
    """Write down what was seen of a remote."""
    others = tuple(each for each in _all(repository) if each.remote != now.remote)
    if now in _all(repository):
        return
    data = codec.canonical(codec.dump(_Remotes((*others, now))))
    place = _file(repository)
    try:
        place.parent.mkdir(exist_ok=True)
        number, name = tempfile.mkstemp(dir=place.parent, prefix="synced-")
        with os.fdopen(number, "wb") as file:
            file.write(data)
        Path(name).replace(place)
    except OSError as error:
        raise GitRefused(f"{place} cannot be written: {error.strerror}") from error


def _all(repository: Repository) -> tuple[Seen, ...]:
    try:
        found: _Remotes = codec.load(_Remotes, json.loads(_file(repository).read_bytes()))
    except (OSError, ValueError, RecursionError, InvalidInput):
        return ()
    return found.remotes


def _file(repository: Repository) -> Path:
    return repository.common_dir / "gitskill" / "synced.json"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]


def relation(repository: Repository, ours: str | None, theirs: str, last: str) -> Relation:
    """Say what `theirs`, which is here as an object, is to `ours`; `last` is where theirs stood before."""
    if ours is None:
        return Relation.REMOVED if theirs == last else Relation.BEHIND
    if ours == theirs:
        return Relation.SAME
    if theirs == last or continues(repository, ours, theirs):
        return Relation.AHEAD
    if ours == last or continues(repository, theirs, ours):
        return Relation.BEHIND
    return Relation.DIFFERS if _origin(repository, ours) == _origin(repository, theirs) else Relation.ANOTHER


def continues(repository: Repository, new: str, old: str) -> bool:
    """Tell whether `new` goes on from `old`: it stands on it, or on its beginning and has all its files."""
    if repository.descends(CommitId(new), CommitId(old)):
        return True
    if _origin(repository, new) != _origin(repository, old):
        return False
    return files_of(repository, old).items() <= files_of(repository, new).items()


def keeps(repository: Repository, new: str, old: str) -> bool:
    """Tell whether `new` loses nothing of `old` that a run cannot do without: its plan, and what became of each trace.

    What was decided on may change with every state, and so may what takes no part.
    """
    if repository.descends(CommitId(new), CommitId(old)):
        return True
    if _origin(repository, new) != _origin(repository, old):
        return False
    there = files_of(repository, new)
    return all(path in there for path in files_of(repository, old) if path.startswith(_LASTING))


def _origin(repository: Repository, state: str) -> str:
    """Give the first state that a state goes back to."""
    for _ in range(_MAX_STATES):
        parents = repository.parents(CommitId(state))
        if not parents:
            return state
        state = parents[0]
    raise InvalidInput(f"{state[:10]} has more than {_MAX_STATES:,} states before it")


def files_of(repository: Repository, state: str) -> dict[str, str]:
    """Give every file of a state with the id of its content."""
    found: dict[str, str] = {}
    todo = [("", str(repository.read_commit(CommitId(state)).tree_id), 0)]
    while todo:
        above, tree, depth = todo.pop()
        for name, (mode, oid) in tree_entries(repository, tree).items():
            if mode == TREE and depth < 4:
                todo.append((f"{above}{name}/", oid, depth + 1))
            elif mode != TREE:
                found[above + name] = oid
        if len(found) + len(todo) > _MAX_FILES:
            raise InvalidInput(f"{state[:10]} holds more than {_MAX_FILES:,} files")
    return found
