"""A run in one line, for a shell's prompt: from its record and its candidate alone, without a look at history."""

from gitskill.errors import GitskillError
from gitskill.fate import State
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.node import Octopus
from gitskill.store.analyses import fates
from gitskill.store.names import evolved_ref
from gitskill.store.refs import target
from gitskill.store.repository import Repository
from gitskill.store.runs import Run, recorded

_ON_TOP = 50
"""Commits that a person may have put on the candidate."""


def short_status(repository: Repository, folder: str) -> str:
    """Say where the newest run of the skill in `folder` is: `r0007 42 lessons, 3 held`; empty where there is none."""
    known = [run for run in recorded(repository) if run.folder == folder]
    return _told(repository, known[-1]) if known else ""


def _told(repository: Repository, run: Run) -> str:
    try:
        found = fates(repository, run)
    except GitskillError:
        return f"{run.id} damaged"
    lessons = {lesson.slot: lesson for each in found.values() for lesson in each.lessons}
    waiting = {slot for slot, lesson in lessons.items() if lesson.state is State.HELD}
    if says := _candidate(repository, run):
        waiting |= {lesson.short for lesson, reason in says.dropped if reason.startswith("held: ")}
        waiting -= {lesson.short for lesson, _ in says.support}
    count = sum(lesson.state is not State.REJECTED for lesson in lessons.values()) + len(run.lessons)
    told = [f"{count} lesson{'' if count == 1 else 's'}"]
    if len(found) < run.planned:
        told.insert(0, f"{len(found)}/{run.planned} traces")
    if waiting:
        told.append(f"{len(waiting)} held")
    return f"{run.id} {', '.join(told)}"


def _candidate(repository: Repository, run: Run) -> Octopus | None:
    """Read the octopus that the candidate is, or stands on."""
    at = target(repository, evolved_ref(repository, run.id))
    for _ in range(_ON_TOP):
        if at is None:
            return None
        commit = repository.read_commit(CommitId(at))
        if says := Octopus.read(Message.parse(commit.message)):
            return says
        at = str(commit.parent_ids[0]) if len(commit.parent_ids) == 1 else None
    return None
