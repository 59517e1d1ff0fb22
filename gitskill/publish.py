"""One branch to a remote, and a pull request for it: opened, or brought up to date where it is open."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gitskill.errors import GitRefused, GitskillError, NeedsPerson, NotFound
from gitskill.forge.shape import Found, Wanted
from gitskill.ids import CommitId
from gitskill.store import remote
from gitskill.store.oplog import operations
from gitskill.store.refs import HEADS
from gitskill.store.repository import Repository


class Desk(Protocol):
    """Where pull requests are found, opened and changed."""

    def find(self, head: str) -> Found | None:
        """Find the open one of a branch."""
        ...

    def open(self, wanted: Wanted) -> Found:
        """Open one."""
        ...

    def update(self, found: Found, wanted: Wanted) -> Found:
        """Change title and text of an open one."""
        ...


@dataclass(frozen=True, slots=True)
class Sending:
    """What goes where."""

    remote: str
    """Its name, or its URL with all that is in it."""
    shown: str
    """What a person is told it is called."""
    ref: str
    commit: CommitId
    base: str
    """The branch that it is for, by its short name."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was done."""

    found: Found
    pushed: bool
    """The remote did not have the branch as it is."""
    opened: bool
    """The pull request is new."""


def publish(
    repository: Repository, sending: Sending, desk: Desk, wanted: Wanted, *, may_ask: bool, tell: Callable[[str], None]
) -> Published:
    """Push the branch and open its pull request, or bring that up to date.

    Everything that can be known is asked before anything is sent. Raises
    NeedsPerson where the branch on the remote has commits that gitskill did not
    put there.
    """
    at = _where_it_stands(repository, sending, may_ask=may_ask)
    known = desk.find(wanted.head)
    pushed = at != sending.commit
    if pushed:
        _push(repository, sending, at, may_ask=may_ask)
        tell(f"  pushed    {wanted.head} {sending.commit[:10]} to {sending.shown}")
    try:
        found = desk.update(known, wanted) if known else desk.open(wanted)
    except GitskillError as error:
        if pushed:
            # What is on the remote stays: the person must hear of it, and the same command goes on from there.
            raise type(error)(f"{error}; the branch was pushed", hint=error.hint or _AGAIN) from error
        raise
    return Published(found, pushed, opened=known is None)


_AGAIN = "run the command again: it goes on from there"


def _where_it_stands(repository: Repository, sending: Sending, *, may_ask: bool) -> str:
    """Tell where the branch stands on the remote, empty where it is not there. Refuses what is somebody else's."""
    base = HEADS + sending.base
    shown = remote.advertised(repository, sending.remote, sending.ref, base, may_ask=may_ask, push=True)
    if base not in shown.refs:
        default = f", such as {shown.head.removeprefix(HEADS)}" if shown.head else ""
        raise NotFound(
            f"{sending.shown} has no branch {sending.base}", hint=f"name one that it has with --base{default}"
        )
    at = shown.refs.get(sending.ref, "")
    if at and at != sending.commit and not _is_ours(repository, sending, at):
        name = sending.ref.removeprefix(HEADS)
        raise NeedsPerson(
            f"{name} on {sending.shown} stands at {at[:10]}, which gitskill did not put there; nothing was pushed",
            hint=f"look at it: git fetch {sending.shown} {name}",
        )
    return at


def _is_ours(repository: Repository, sending: Sending, at: str) -> bool:
    """Tell whether `at` is behind the commit, or where gitskill had the very branch before."""
    if at in repository.git and repository.descends(sending.commit, CommitId(at)):
        return True
    moves = (step for operation in operations(repository) for step in operation.moves if step.ref == sending.ref)
    return any(at in {step.old, step.new} for step in moves)


def _push(repository: Repository, sending: Sending, at: str, *, may_ask: bool) -> None:
    refspec = f"{sending.commit}:{sending.ref}"
    done = remote.push(repository, sending.remote, [refspec], leases={sending.ref: at}, may_ask=may_ask)
    if not done.refused:
        return
    words = "; ".join([done.refused[0].reason or "no reason given", *done.said[:5]])
    moved = done.refused[0].reason == "stale info"
    raise GitRefused(
        f"{sending.shown} did not take {sending.ref.removeprefix(HEADS)}: {words}",
        hint="it moved meanwhile: run the command again" if moved else "nothing was pushed",
    )
