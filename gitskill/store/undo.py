"""Taking back an operation that moved a person's branch: only here, only clean, and only what nobody else can have."""

from collections.abc import Sequence
from dataclasses import replace

from gitskill.errors import NeedsPerson
from gitskill.ids import CommitId
from gitskill.store import checkout, names, oplog
from gitskill.store.history import peeled
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation
from gitskill.store.refs import HEADS, Move
from gitskill.store.repository import Repository, Who

_REMOTES = "refs/remotes/"


def take_back(repository: Repository, who: Who, chosen: Operation) -> Operation:
    """Put the refs of `chosen` back, and log that. A person's branch goes back with its work tree.

    Raises NeedsPerson, and moves nothing, where the commit that would go was
    pushed, as far as this clone knows, or the branch is not checked out here.
    """
    own = _own(repository, chosen)
    if own is None:
        return oplog.take_back(repository, who, chosen)
    back = oplog.reverse(repository, chosen)
    step = next(each for each in back.moves if each.ref == own.ref)
    if remote := pushed_to(repository, chosen):
        raise NeedsPerson(
            f"`{chosen.what}` was pushed: {remote} has it",
            hint="others may have it; to go back in a new version: gitskill rollback TAG",
        )
    if checkout.branch_here(repository) != step.ref:
        branch = step.ref.removeprefix(HEADS)
        raise NeedsPerson(f"`{chosen.what}` was done on {branch}", hint=f"git switch {branch}")
    others = tuple(each for each in back.moves if each is not step)
    checkout.advance(repository, Batch(repository), replace(back, moves=others), step, who)
    return chosen


def pushed_to(repository: Repository, chosen: Operation) -> str:
    """Name the remote's branch that has what undoing `chosen` would take away; empty where none is known to."""
    own = _own(repository, chosen)
    if own is None or own.new is None or (own.old and repository.descends(CommitId(own.old), CommitId(own.new))):
        return ""
    for ref in sorted(name for name in repository.git.references if name.startswith(_REMOTES)):
        tip = peeled(repository, ref)
        if tip and repository.descends(tip, CommitId(own.new)):
            return ref.removeprefix(_REMOTES)
    return ""


def told(repository: Repository, log: Sequence[Operation]) -> list[tuple[Operation, str]]:
    """Give every operation with what keeps it from being taken back, as far as that is known before it is tried."""
    off = oplog.undone(log)
    return [(each, "taken back" if each.commit in off else _pushed(repository, each)) for each in log]


def _pushed(repository: Repository, entry: Operation) -> str:
    remote = pushed_to(repository, entry)
    return f"pushed: {remote} has it" if remote else ""


def _own(repository: Repository, operation: Operation) -> Move | None:
    """Find the move of a person's branch."""
    ours = names.branches(repository)
    return next(
        (each for each in operation.moves if each.ref.startswith(HEADS) and not each.ref.startswith(ours)), None
    )
