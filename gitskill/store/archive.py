"""Branches put away, taken out again, and pruned."""

from collections.abc import Iterable

from gitskill.errors import NotFound
from gitskill.ids import CommitId, LessonId, RunId
from gitskill.store import names
from gitskill.store.lessons import Found
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, operations, record
from gitskill.store.refs import HEADS, Move, commits_under, target, under
from gitskill.store.repository import Repository, Who


def put_away(repository: Repository, run: RunId, who: Who) -> tuple[str, ...]:
    """Move every branch of `run` to `refs/gitskill/archive` in one transaction, and name them."""
    away = moves(repository, run)
    if away:
        record(repository, Batch(repository), Operation(f"archive {run}", away), who)
    return tuple(move.ref.removeprefix(HEADS) for move in away if move.new is None)


def moves(repository: Repository, run: RunId) -> tuple[Move, ...]:
    """Give the moves that put every branch of `run` away."""
    found: list[Move] = []
    for ref, oid in under(repository, f"{names.branches(repository)}{run}/"):
        place = names.archived(repository, ref)
        found += [Move(ref, oid, None), Move(place, target(repository, place), oid)]
    return tuple(found)


def restore(repository: Repository, lesson: LessonId, who: Who) -> str:
    """Give an archived lesson its branch back and name the branch."""
    for ref, oid in under(repository, f"{names.ARCHIVE}{lesson.run}/"):
        if names.lesson_of(repository, ref) == lesson:
            live = names.branches(repository) + ref.removeprefix(names.ARCHIVE)
            back = (Move(ref, oid, None), Move(live, None, oid))
            record(repository, Batch(repository), Operation(f"restore {lesson}", back), who)
            return live.removeprefix(HEADS)
    raise NotFound(f"{lesson} has no branch that was put away")


def from_history(nodes: NodeStore, found: Found, who: Who) -> str:
    """Give a lesson that only history has a branch again and name the branch."""
    ref = names.lesson_ref(nodes.reader.repository, found.id, nodes.lesson(found.commit).lesson.slug)
    operation = Operation(f"restore {found.id}", (Move(ref, None, found.commit),))
    record(nodes.reader.repository, Batch(nodes.reader.repository), operation, who)
    return ref.removeprefix(HEADS)


def old_archives(repository: Repository, before: int) -> list[tuple[str, CommitId]]:
    """List branches that were put away before the moment `before`, with their targets.

    What the log of operations does not tell of counts from its commit on.
    """
    away: dict[str, int] = {}
    for entry in operations(repository):
        made = repository.read_commit(entry.commit).commit_time if entry.commit else 0
        for step in entry.moves:
            if step.new is not None and step.ref.startswith(names.ARCHIVE):
                away.setdefault(step.ref, made)
    return [
        (ref, oid)
        for ref, oid in commits_under(repository, names.ARCHIVE)
        if away.get(ref, repository.read_commit(oid).commit_time) < before
    ]


def prune(repository: Repository, refs: Iterable[tuple[str, CommitId]], who: Who) -> None:
    """Delete archived branches. Until git collects their commits, `undo` brings them back."""
    gone = tuple(Move(ref, oid, None) for ref, oid in refs)
    record(repository, Batch(repository), Operation("prune", gone, keep=False), who)
