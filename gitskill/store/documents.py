"""Documents under one ref, each named by the hash of its content: traces and what belongs to them."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from gitskill.errors import GitRefused, NotFound
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.store.objects import FILE, TREE, Batch, Change, Entries, tree_entries
from gitskill.store.refs import Move, target
from gitskill.store.repository import Repository, Who

_FOLDER = re.compile(r"[0-9a-f]{2}")


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
    before, old = tree_of(repository, ref), target(repository, ref)
    tree = batch.edit_tree(before, changes)
    if tree == before:
        return None
    made = batch.commit(tree, [CommitId(old)] if old else [], Message(subject), who)
    return Move(ref, old, made)


def join(
    batch: Batch, repository: Repository, ref: str, changes: Mapping[str, Change], theirs: CommitId | None, who: Who
) -> Move | None:
    """Put files of another state of `ref` into it; None where there is nothing new.

    The new state goes on from `theirs` too, if it is given: nothing of it was
    refused, so whoever has it can take ours without losing anything.
    """
    before, old = tree_of(repository, ref), target(repository, ref)
    known = [CommitId(old)] if old else []
    if theirs is None or any(repository.descends(ours, theirs) for ours in known):
        if not changes or (tree := batch.edit_tree(before, changes)) == before:
            return None
    else:
        tree = batch.edit_tree(before, changes)
        known = [theirs] if all(repository.descends(theirs, ours) for ours in known) else [*known, theirs]
        if known == [theirs] and tree == str(repository.read_commit(theirs).tree_id):
            return Move(ref, old, theirs)
    return Move(ref, old, batch.commit(tree, known, Message("Joined with a remote"), who))


def union(
    batch: Batch, repository: Repository, changes: Mapping[str, Change], states: tuple[CommitId, CommitId], who: Who
) -> CommitId:
    """Make a state of the first of two with files of the second in it, that goes on from both."""
    tree = batch.edit_tree(str(repository.read_commit(states[0]).tree_id), changes)
    return batch.commit(tree, list(states), Message("Joined with a remote"), who)


def paths(repository: Repository, root: str | None) -> Iterator[str]:
    """List every document of a tree, in order. What we did not put there is not looked into."""
    for folder, (mode, oid) in (tree_entries(repository, root) if root else {}).items():
        if mode == TREE and _FOLDER.fullmatch(folder):
            inside = tree_entries(repository, oid)
            yield from (f"{folder}/{name}" for name, (kind, _) in inside.items() if kind == FILE)


def load(repository: Repository, root: str | None, wanted: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Read documents of a tree, or raise NotFound."""
    folders = tree_entries(repository, root) if root else {}
    known: dict[str, Entries] = {}
    for path in wanted:
        folder, _, name = path.partition("/")
        if folder not in known:
            mode, oid = folders.get(folder, (0, ""))
            known[folder] = tree_entries(repository, oid) if mode == TREE else {}
        mode, oid = known[folder].get(name, (0, ""))
        if mode != FILE:
            raise NotFound(f"there is no document {path}")
        yield path, repository.read_object(oid)


def tree_of(repository: Repository, ref: str) -> str | None:
    """Give the tree that `ref` stands at; None where there is no such ref."""
    tip = target(repository, ref)
    if tip is not None and tip.startswith("ref: "):
        raise GitRefused(f"{ref} is a symbolic ref; gitskill makes none", hint=f"git symbolic-ref --delete {ref}")
    return str(repository.read_commit(CommitId(tip)).tree_id) if tip else None
