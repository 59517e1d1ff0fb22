"""Removing a trace for good: from the trace store, from every branch that quotes it, and from what undo keeps.

History that was released is never rewritten: what is left there is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gitskill.errors import GitRefused
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.store import names, oplog
from gitskill.store.documents import path_of
from gitskill.store.git import run
from gitskill.store.history import commits_with, peeled
from gitskill.store.objects import Batch
from gitskill.store.refs import OWN, Move, commits_under, move, target
from gitskill.store.repository import Repository, Who
from gitskill.store.traces import ABOUT, REF, Entry


@dataclass(frozen=True, slots=True)
class Purge:
    """What goes with a trace, and what stays."""

    entry: Entry
    branches: tuple[tuple[str, CommitId], ...]
    """Lessons that quote the trace, and merges that hold such a lesson: live or put away, not released."""
    released: tuple[CommitId, ...]
    """Commits that quote the trace and are in the history of a branch, tag or remote that is not ours."""


def plan(repository: Repository, entry: Entry) -> Purge:
    """Find everything that quotes the trace."""
    ours = [*commits_under(repository, names.branches(repository)), *commits_under(repository, names.ARCHIVE)]
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
    for ref in repository.git.references:
        if not ref.startswith((OWN, names.branches(repository))) and (commit := peeled(repository, ref)):
            yield commit
    if not repository.git.head_is_unborn:
        yield repository.head()


def purge(repository: Repository, wanted: Purge, who: Who) -> None:
    """Move every ref off the trace in one transaction. The objects go when git collects them; no undo."""
    batch = Batch(repository)
    before = target(repository, REF)
    tree = str(repository.read_commit(CommitId(before)).tree_id) if before else None
    gone = {path_of(wanted.entry.trace): None, path_of(wanted.entry.trace, ABOUT): None}
    after = batch.commit(batch.edit_tree(tree, gone), [], Message("traces"), who)
    log = target(repository, oplog.OPLOG)
    lost = {commit for _, commit in wanted.branches}
    told = oplog.without(repository, batch, _kept(repository, lost))
    moves = [Move(ref, commit, None) for ref, commit in wanted.branches]
    moves += [Move(REF, before, after), Move(oplog.OPLOG, log, told)]
    batch.write()
    move(repository, moves, who, f"forget {wanted.entry.short}")
    for ref in (REF, oplog.OPLOG):
        _drop_reflog(repository, ref)


def _kept(repository: Repository, lost: set[CommitId]) -> set[CommitId]:
    """Give the commits that the operation log may not keep: every earlier state of the traces, and the lost ones."""
    moved = (step for operation in oplog.operations(repository) for step in operation.moves)
    states = {CommitId(oid) for step in moved if step.ref == REF for oid in (step.old, step.new) if oid}
    return states | lost


def _drop_reflog(repository: Repository, ref: str) -> None:
    """Git keeps no log of our refs unless somebody asked for logs of all refs."""
    try:
        run(repository.git_dir, "reflog", "exists", ref)
    except GitRefused:
        return
    run(repository.git_dir, "reflog", "expire", "--expire=all", ref)
