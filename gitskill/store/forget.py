"""Removing a trace for good: from the trace store, from every branch that quotes it, and from what undo keeps.

History that was released is never rewritten: what is left there is named.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gitskill.errors import GitRefused, NotFound
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.store import names, oplog
from gitskill.store.documents import path_of
from gitskill.store.git import run
from gitskill.store.history import commits_with, peeled
from gitskill.store.objects import Batch
from gitskill.store.refs import OWN, Move, commits_under, detached, move, target
from gitskill.store.repository import Repository, Who
from gitskill.store.traces import ABOUT, REF, Entry, entries_of, find

_ID = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True)
class Purge:
    """What goes with a trace, and what stays."""

    entry: Entry
    branches: tuple[tuple[str, CommitId], ...]
    """Lessons that quote the trace, and merges that hold such a lesson: live or put away, not released."""
    released: tuple[CommitId, ...]
    """Commits that quote the trace and are in the history of a branch, tag or remote that is not ours."""


def remembered(repository: Repository, name: str) -> Entry:
    """Give the entry of a trace that is there, or that was there before it was taken out or its import undone."""
    try:
        return find(repository, name)
    except NotFound:
        if not _ID.fullmatch(name):
            raise
        for state in _states(repository):
            for entry in entries_of(repository, state):
                if entry.trace.startswith(name):
                    return entry
        raise


def plan(repository: Repository, entry: Entry) -> Purge:
    """Find everything that quotes the trace."""
    places = (names.branches(repository), names.ARCHIVE)
    ours = [item for place in places for item in commits_under(repository, place)]
    told = commits_with(repository, "Trace", also=[commit for _, commit in ours])
    quoting = {commit for commit, message in told if _quotes(entry.trace, message)}
    tips = list(_foreign(repository))
    released = {commit for commit in quoting if any(repository.descends(tip, commit) for tip in tips)}
    lost = quoting - released
    branches = [(ref, tip) for ref, tip in ours if any(repository.descends(tip, commit) for commit in lost)]
    return Purge(entry, tuple(branches), tuple(sorted(released)))


def _quotes(trace: str, message: Message) -> bool:
    return any(value.partition(" ")[0] == trace for value in message.values("Trace"))


def _foreign(repository: Repository) -> Iterator[CommitId]:
    """Give the tips of all refs that people own: what they lead to was released, or is about to be."""
    ours = (OWN, names.branches(repository))
    for ref in repository.git.references:
        if not ref.startswith(ours) and (commit := peeled(repository, ref)):
            yield commit
    # A work tree on no branch, or on one of people's; one of ours that is checked out is not moved at all.
    yield from detached(repository)


def purge(repository: Repository, wanted: Purge, who: Who) -> None:
    """Move every ref off the trace in one transaction. The objects go when git collects them; no undo."""
    batch = Batch(repository)
    before = target(repository, REF)
    tree = str(repository.read_commit(CommitId(before)).tree_id) if before else None
    gone = {path_of(wanted.entry.trace): None, path_of(wanted.entry.trace, ABOUT): None}
    after = batch.commit(batch.edit_tree(tree, gone), [], Message("traces"), who)
    log = target(repository, oplog.OPLOG)
    lost = {commit for _, commit in wanted.branches}
    told = oplog.without(repository, batch, {*_states(repository), *lost}, REF)
    moves = [Move(ref, commit, None) for ref, commit in wanted.branches]
    moves.append(Move(REF, before, after))
    if told != log:
        moves.append(Move(oplog.OPLOG, log, told))
    batch.write()
    move(repository, moves, who, f"forget {wanted.entry.short}")
    for ref in (REF, oplog.OPLOG):
        _drop_reflog(repository, ref)


def _states(repository: Repository) -> list[CommitId]:
    """Give every state that the traces were in, as far as git still has it, the newest first."""
    moved = (step for operation in oplog.operations(repository) for step in operation.moves if step.ref == REF)
    told = [target(repository, REF), *(oid for step in moved for oid in (step.new, step.old))]
    return [CommitId(oid) for oid in dict.fromkeys(filter(None, told)) if oid in repository.git]


def _drop_reflog(repository: Repository, ref: str) -> None:
    """Git keeps no log of our refs unless somebody asked for logs of all refs."""
    try:
        run(repository.git_dir, "reflog", "exists", ref)
    except GitRefused:
        return
    run(repository.git_dir, "reflog", "expire", "--expire=all", ref)
