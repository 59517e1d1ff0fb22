"""Documents under one ref, each named by the hash of its content: traces and what belongs to them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from gitskill.errors import NotFound
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.store.objects import TREE, Batch, Change, tree_entries
from gitskill.store.refs import Move, target
from gitskill.store.repository import Repository, Who


def content_id(data: bytes) -> str:
    """Name a document by its content: the same document added twice is one."""
    return hashlib.sha256(data).hexdigest()


def path_of(document: str, suffix: str = ".json") -> str:
    """Say where a document lies in the tree: `ab/cdef….json`, so that no folder grows too large."""
    return f"{document[:2]}/{document[2:]}{suffix}"


def save(
    batch: Batch, repository: Repository, ref: str, changes: Mapping[str, Change], who: Who, subject: str
) -> Move | None:
    """Put files into the tree of `ref`, or, where None, take them out. None where nothing changes.

    The new commit has the old one as parent, but what is taken out stays in
    history until the ref is rewritten.
    """
    old = target(repository, ref)
    before = str(repository.read_commit(CommitId(old)).tree_id) if old else None
    tree = batch.edit_tree(before, changes)
    if tree == before:
        return None
    made = batch.commit(tree, [CommitId(old)] if old else [], Message(subject), who)
    return Move(ref, old, made)


def paths(repository: Repository, ref: str) -> Iterator[str]:
    """List every file of the tree of `ref`, in order."""
    if (tip := target(repository, ref)) is not None:
        yield from _walk(repository, str(repository.read_commit(CommitId(tip)).tree_id), "")


def _walk(repository: Repository, tree: str, above: str) -> Iterator[str]:
    for name, (mode, oid) in tree_entries(repository, tree).items():
        if mode == TREE:
            yield from _walk(repository, oid, f"{above}{name}/")
        else:
            yield above + name


def load(repository: Repository, ref: str, wanted: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Read files of the tree of `ref`, or raise NotFound."""
    tip = target(repository, ref)
    tree = repository.read_commit(CommitId(tip)).tree if tip else None
    for path in wanted:
        if tree is None or path not in tree:
            raise NotFound(f"{ref} has no {path}")
        yield path, repository.git[tree[path].id].read_raw()
