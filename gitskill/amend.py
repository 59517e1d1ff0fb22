"""A lesson changed by the person who looks at it: a further commit on its branch, or several lessons made of it."""

from collections.abc import Iterator
from dataclasses import replace

from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import LessonId
from gitskill.lesson import MAX_TITLE
from gitskill.message import Message
from gitskill.skill.compose import apply_parts
from gitskill.skill.hunks import Changes, Ending
from gitskill.skill.snapshot import Skill
from gitskill.store import lessons, runs
from gitskill.store.lessons import Found, Recorded
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import Move
from gitskill.store.repository import Who
from gitskill.store.runs import Run
from gitskill.store.skills import with_skill


def amend(nodes: NodeStore, found: Found, skill: Skill, who: Who) -> None:
    """Commit `skill` on the lesson's branch, or raise InvalidInput with what a check says."""
    recorded = nodes.lesson(found.commit)
    _refuse_broken(nodes.reader.read(recorded.base), skill)
    batch = Batch(nodes.reader.repository)
    moved = _further(nodes, batch, found, skill, who)
    record(nodes.reader.repository, batch, Operation(f"edit {found.id}", (moved,)), who)


def split(nodes: NodeStore, run: Run, found: Found, who: Who) -> tuple[LessonId, ...]:
    """Leave the lesson its first part, and make a lesson of each other: with its cause, traces and evidence.

    They stay the analyst's, so that the checks hold what they would have held. Returns the new ones.
    """
    repository = nodes.reader.repository
    recorded = nodes.lesson(found.commit)
    base = nodes.reader.read(recorded.base)
    first, *others = (apply_parts(base, {0: part}) for part in parts(recorded.changes))
    if not others:
        raise InvalidInput(f"{found.id} has only one part")
    for each in (first, *others):
        _refuse_broken(base, each)
    batch = Batch(repository)
    moves = [_further(nodes, batch, found, first, who)]
    taken = [LessonId.parse(f"{run.id}/{slot}").trace for slot in run.lessons]
    next_slot = max((run.planned, *taken)) + 1
    made = [LessonId(run.id, next_slot + number, "a") for number in range(len(others))]
    for number, (lesson, skill) in enumerate(zip(made, others, strict=True), start=2):
        part = replace(recorded.lesson, id=lesson, title=_title(recorded, number), of=(found.id, found.commit))
        moves.append(lessons.add(nodes.reader, batch, part, skill, recorded.base, who))
    moves.append(runs.add(batch, replace(run, lessons=(*run.lessons, *(each.short for each in made))), who))
    named = ", ".join(each.short for each in made)
    record(repository, batch, Operation(f"split {found.id} into {named}", tuple(moves)), who)
    return tuple(made)


def parts(changes: Changes) -> tuple[Changes, ...]:
    """Give the parts that a lesson can be split into: each change with what belongs to it."""
    return tuple(_parts(changes))


def _parts(changes: Changes) -> Iterator[Changes]:
    part: Changes = ()
    for change in changes:
        if part and not isinstance(change, Ending):
            yield part
            part = ()
        part = (*part, change)
    if part:
        yield part


def _further(nodes: NodeStore, batch: Batch, found: Found, skill: Skill, who: Who) -> Move:
    """Put a further commit of the lesson into `batch` and return the move of its branch."""
    reader = nodes.reader
    if found.ref is None:
        raise NotFound(f"{found.id} has no branch")
    tip = reader.repository.read_commit(found.commit)
    tree = with_skill(batch, str(tip.tree_id), reader.folder, reader.read(found.commit), skill)
    made = batch.commit(tree, [found.commit], Message(f"Edit {found.id}"), who.at_least(tip.commit_time))
    return Move(found.ref, found.commit, made)


def _refuse_broken(base: Skill, skill: Skill) -> None:
    if skill == base:
        raise InvalidInput("nothing is left of it; to turn it down, reject it")
    if wrong := [each for each in check_change(base, skill) if each.level is Level.INVALID]:
        raise InvalidInput("; ".join(f"{each.path}: {each.message}" for each in wrong))


def _title(recorded: Recorded, number: int) -> str:
    end = f" (part {number})"
    return recorded.lesson.title[: MAX_TITLE - len(end)] + end
