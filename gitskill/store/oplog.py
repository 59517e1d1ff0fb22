"""The operation log: every command that moves refs is one commit on `refs/gitskill/oplog`, and can be undone.

The commit's tree says which ref moved from where to where. What a command
moves away from stays reachable through the commit's further parents, so that
`git gc` cannot take what `undo` may need.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pygit2.enums import ObjectType

from gitskill.errors import GitRefused, InvalidInput, NotFound, RefMoved
from gitskill.ids import CommitId
from gitskill.message import Message, one_line
from gitskill.store.objects import Batch, tree_entries
from gitskill.store.refs import Move, target
from gitskill.store.repository import Repository, Who

OPLOG = "refs/gitskill/oplog"
KEPT = "refs/gitskill/kept/"
_MOVES = "moves.json"
_TRIES = 20
BEGIN = "begin "
"""What an operation is called that begins a run; it is taken back with all that has come of the run."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry of the log, or what is about to become one."""

    what: str
    """The command, as the log shows it: `lesson add r0001/l0002a`."""
    moves: tuple[Move, ...]
    undoes: CommitId | None = None
    """The operation that this one took back."""
    keep: bool = True
    """Keep what the refs moved away from. False lets git collect it, in its own time."""
    done: tuple[Move, ...] = ()
    """Moves that belong to it and were made before: they are logged, and undone with the others."""
    commit: CommitId | None = None
    """The log's entry, once there is one."""


def record(repository: Repository, batch: Batch, operation: Operation, who: Who, *, own: str = "") -> None:
    """Write `batch`, move the operation's refs and log it: all or nothing.

    Another command may write to the log meanwhile; then only the log's entry is
    made anew. `own` is a branch of the person's, whose work tree the caller
    keeps in step: see `checkout.advance`.
    """
    operation = replace(operation, moves=(*operation.moves, *_kept_tags(repository, operation)))
    for _ in range(_TRIES):
        before = target(repository, OPLOG)
        entry = _entry(repository, batch, operation, before, who)
        try:
            batch.land([*operation.moves, Move(OPLOG, before, entry)], who, operation.what, own=own)
        except RefMoved as error:
            if error.ref != OPLOG:
                raise
        else:
            return
    raise GitRefused(f"{OPLOG} is too busy: other gitskill commands keep writing", hint="run the command again")


def operations(repository: Repository) -> Iterator[Operation]:
    """Give the log's entries, newest first."""
    tip = target(repository, OPLOG)
    while tip is not None:
        commit = repository.read_commit(CommitId(tip))
        message = Message.parse(commit.message)
        undone = message.one("Undoes")
        yield Operation(
            message.subject,
            _moves(repository, CommitId(tip)),
            CommitId(undone) if undone else None,
            commit=CommitId(tip),
        )
        tip = str(commit.parent_ids[0]) if message.one("Previous") else None


def _moves(repository: Repository, entry: CommitId) -> tuple[Move, ...]:
    tree = tree_entries(repository, str(repository.read_commit(entry).tree_id))
    try:
        told = json.loads(repository.read_object(tree[_MOVES][1]))
        moves = tuple(Move(item["ref"], item["old"], item["new"]) for item in told)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the operation log is damaged at {entry[:10]}", hint="git log refs/gitskill/oplog"
        ) from error
    if not moves or not all(isinstance(step.ref, str) for step in moves):
        raise InvalidInput(f"the operation log is damaged at {entry[:10]}", hint="git log refs/gitskill/oplog")
    return moves


def logged(repository: Repository) -> dict[str, str | None]:
    """Tell where the log left each ref that it knows."""
    places: dict[str, str | None] = {}
    for entry in operations(repository):
        for step in entry.moves:
            places.setdefault(step.ref, step.new)
    return places


def undo(repository: Repository, who: Who, name: str = "") -> Operation:
    """Put the refs of one operation back, and log that.

    Without `name` it is the newest one that is not itself an undo and was not
    undone yet. Raises RefMoved, and moves nothing, where a ref has moved on.
    """
    return take_back(repository, who, choose(list(operations(repository)), name))


def take_back(repository: Repository, who: Who, chosen: Operation) -> Operation:
    """Put the refs of `chosen` back, and log that; a ref that has moved on is never moved."""
    record(repository, Batch(repository), reverse(repository, chosen), who)
    return chosen


def reverse(repository: Repository, chosen: Operation) -> Operation:
    """Give the operation that puts the refs of `chosen` back, or raise GitRefused: one of them has moved on."""
    for step in chosen.moves:
        if target(repository, step.ref) != step.new:
            raise GitRefused(
                f"{step.ref} has moved since `{chosen.what}`; nothing was undone",
                hint="undo the newer operation first: gitskill undo --list",
            )
    back = tuple(Move(step.ref, step.new, step.old) for step in chosen.moves)
    return Operation(f"undo {chosen.what}", back, undoes=chosen.commit)


def choose(log: Sequence[Operation], name: str = "") -> Operation:
    """Find the operation whose entry begins with `name`; without a name, the newest that can be taken back."""
    if name:
        named = [entry for entry in log if entry.commit and entry.commit.startswith(name)]
        if len(named) != 1:
            count = f"{len(named)} operations begin" if named else "no operation begins"
            raise NotFound(f"{count} with {name!r}", hint="gitskill undo --list names them")
        return named[0]
    off = undone(log)
    whole = {entry.what.rpartition(" ")[2] for entry in log if entry.what.startswith("analyse ")}
    for entry in log:
        is_part = entry.what.startswith(BEGIN) and entry.what.removeprefix(BEGIN) in whole
        if entry.undoes is None and entry.commit not in off and not is_part:
            return entry
    raise NotFound("there is nothing to undo")


def undone(log: Sequence[Operation]) -> set[CommitId]:
    """Tell which operations do not hold now: undone, and that undo not undone in turn."""
    off: set[CommitId] = set()
    for entry in log:  # newest first: an undo that was itself undone has no effect
        if entry.undoes and entry.commit not in off:
            off.add(entry.undoes)
    return off


def _entry(repository: Repository, batch: Batch, operation: Operation, before: str | None, who: Who) -> CommitId:
    # In one order, whether a move was made now or before, by a process that was killed.
    steps = sorted((*operation.done, *operation.moves), key=lambda step: step.ref)
    tree = moves_tree(batch, steps)
    parents = [CommitId(before)] if before else []
    if operation.keep:
        new = {step.new for step in steps}
        lost = sorted({step.old for step in steps if step.old and step.old not in new})
        parents += [oid for oid in map(CommitId, lost) if _is_commit(repository, oid)]
    trailers = [("Previous", before)] if before else []
    trailers += [("Undoes", operation.undoes)] if operation.undoes else []
    return batch.commit(tree, parents, Message(one_line(operation.what), "", tuple(trailers)), who)


def moves_tree(batch: Batch, moves: Sequence[Move]) -> str:
    """Write down the moves of an entry."""
    told = [{"ref": step.ref, "old": step.old, "new": step.new} for step in moves]
    return batch.edit_tree(None, {_MOVES: json.dumps(told, indent=1, sort_keys=True).encode() + b"\n"})


def _kept_tags(repository: Repository, operation: Operation) -> list[Move]:
    """Keep a tag that an operation takes away: a commit is kept by the log's parents, a tag by a ref of its own."""
    new = {step.new for step in operation.moves}
    lost = {step.old for step in operation.moves if step.old and step.old not in new} if operation.keep else set()
    tags = sorted(oid for oid in lost if not _is_commit(repository, CommitId(oid)))
    return [Move(f"{KEPT}{oid}", None, oid) for oid in tags if target(repository, f"{KEPT}{oid}") is None]


def _is_commit(repository: Repository, oid: CommitId) -> bool:
    found = repository.git.get(oid)
    return found is not None and found.type == ObjectType.COMMIT
