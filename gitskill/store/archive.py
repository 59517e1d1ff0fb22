"""Branches put away, taken out again, and pruned."""

from collections.abc import Iterable

from gitskill.errors import NotFound
from gitskill.ids import CommitId, LessonId, RunId
from gitskill.store import names
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import HEADS, Move, commits_under, under
from gitskill.store.repository import Repository, Who


def put_away(repository: Repository, run: RunId, who: Who) -> tuple[str, ...]:
    """Move every branch of `run` to `refs/gitskill/archive` in one transaction, and name them."""
    live = list(under(repository, f"{names.branches(repository)}{run}/"))
    moves: list[Move] = []
    for ref, oid in live:
        moves += [Move(ref, oid, None), Move(names.archived(repository, ref), None, oid)]
    if moves:
        record(repository, Batch(repository), Operation(f"archive {run}", tuple(moves)), who)
    return tuple(ref.removeprefix(HEADS) for ref, _ in live)


def restore(repository: Repository, lesson: LessonId, who: Who) -> str:
    """Give an archived lesson its branch back and name the branch."""
    for ref, oid in under(repository, f"{names.ARCHIVE}{lesson.run}/"):
        if names.lesson_of(repository, ref) == lesson:
            live = names.branches(repository) + ref.removeprefix(names.ARCHIVE)
            moves = (Move(ref, oid, None), Move(live, None, oid))
            record(repository, Batch(repository), Operation(f"restore {lesson}", moves), who)
            return live.removeprefix(HEADS)
    raise NotFound(f"{lesson} has no branch that was put away")


def old_archives(repository: Repository, before: int) -> list[tuple[str, CommitId]]:
    """List archived branches whose commit is older than the moment `before`, with their targets."""
    return [
        (ref, oid)
        for ref, oid in commits_under(repository, names.ARCHIVE)
        if repository.read_commit(oid).commit_time < before
    ]


def prune(repository: Repository, refs: Iterable[tuple[str, CommitId]], who: Who) -> None:
    """Delete archived branches. Until git collects their commits, `undo` brings them back."""
    moves = tuple(Move(ref, oid, None) for ref, oid in refs)
    record(repository, Batch(repository), Operation("prune", moves, keep=False), who)
