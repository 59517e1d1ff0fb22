"""What people turned down, by content: `refs/gitskill/rejected`, for every run to come."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from gitskill import codec
from gitskill.errors import InvalidInput
from gitskill.fate import Rejection
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.skill.content import content, rule
from gitskill.skill.hunks import Changes
from gitskill.skill.snapshot import Skill
from gitskill.store.documents import content_id, load, path_of, paths, save, tree_of
from gitskill.store.lessons import Recorded
from gitskill.store.objects import Batch, Change
from gitskill.store.refs import OWN, Move, target
from gitskill.store.repository import Repository, Who
from gitskill.store.skills import SkillReader

REJECTED = f"{OWN}rejected"
_KEPT = 2000
"""Characters of what a rejected lesson said that are remembered."""


def name_of(base: Skill, changes: Changes) -> str:
    """Name what a lesson says, wherever it stands; empty where no line says anything."""
    found = content(base, changes)
    return content_id(codec.canonical(found)) if found else ""


def turned_down(reader: SkillReader, recorded: Recorded, reason: str, who: str, when: int) -> Rejection:
    """Give what is remembered of a lesson that a person turned down."""
    name = name_of(reader.read(recorded.base), recorded.changes)
    told = rule(recorded.changes)[:_KEPT]
    return Rejection(name, str(recorded.lesson.id), recorded.lesson.title, told, reason, who, when)


def rejections(repository: Repository) -> Mapping[str, Rejection]:
    """Read all that was turned down, by content."""
    root = tree_of(repository, REJECTED)
    found = [_read(data) for _, data in load(repository, root, paths(repository, root))]
    return {each.content: each for each in found}


def _read(data: bytes) -> Rejection:
    try:
        found: Rejection = codec.load(Rejection, json.loads(data))
    except (InvalidInput, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{REJECTED} is damaged: {error}", hint=f"git log {REJECTED}; without it: git update-ref -d {REJECTED}"
        ) from error
    return found


def remember(
    batch: Batch, repository: Repository, found: Iterable[Rejection], without: Iterable[str], who: Who
) -> Move | None:
    """Put rejections into the memory, and take contents out of it; None where nothing changes."""
    changes: dict[str, Change] = {path_of(name): None for name in without if name}
    changes |= {path_of(each.content): codec.canonical(codec.dump(each)) for each in found if each.content}
    return save(batch, repository, REJECTED, changes, who, "Rejected") if changes else None


def forget(batch: Batch, repository: Repository, lost: Collection[CommitId], who: Who) -> Move | None:
    """Take the words of lost lessons out of the memory, and its history with them; what was turned down stays so."""
    old = target(repository, REJECTED)
    if old is None or not lost:
        return None
    messages = (Message.parse(repository.read_commit(commit).message) for commit in lost)
    lessons = {f"{each.one('Gitskill-Run')}/{each.one('Lesson')}" for each in messages}
    found = rejections(repository).values()
    clean = (replace(each, title="(forgotten)", rule="") for each in found if each.lesson in lessons)
    changes: dict[str, Change] = {path_of(each.content): codec.canonical(codec.dump(each)) for each in clean}
    made = batch.commit(batch.edit_tree(tree_of(repository, REJECTED), changes), [], Message("Rejected"), who)
    return Move(REJECTED, old, made)
