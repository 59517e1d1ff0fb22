"""A person's lesson: checked, committed on the frozen base, and given a branch."""

from dataclasses import dataclass, replace

from gitskill.checks.change import check_change
from gitskill.checks.finding import Finding, Level
from gitskill.checks.hidden import hidden_names
from gitskill.errors import InvalidInput, NeedsPerson, RefMoved
from gitskill.ids import CommitId, LessonId, RunId
from gitskill.lesson import PERSON, Lesson
from gitskill.skill.snapshot import Skill
from gitskill.store import lessons, runs
from gitskill.store.analyses import is_sequential, is_studied
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import HEADS
from gitskill.store.releases import released_as
from gitskill.store.repository import Who
from gitskill.store.runs import Run
from gitskill.store.skills import SkillReader

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person wants the skill to say, and why."""

    title: str
    why: str
    skill: Skill
    """The base with the person's edits in it."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What `propose` made."""

    id: LessonId
    title: str
    commit: CommitId
    branch: str
    findings: tuple[Finding, ...]
    """What the checks say of it, none of it a reason to refuse."""


def base_of(reader: SkillReader, who: Who, wanted: RunId | None = None) -> Run:
    """Give the run that a lesson added by hand belongs to: `wanted`, else the newest on the skill as committed.

    A run whose base has the same skill serves, even if the repository's other
    files have moved on; where there is none, a new run begins at HEAD.
    """
    known = [run for run in runs.recorded(reader.repository) if run.folder == reader.folder]
    if wanted:
        if found := [run for run in known if run.id == wanted]:
            if is_sequential(reader.repository, found[0]):
                raise InvalidInput(f"{wanted} is sequential: it takes no lessons by hand", hint="leave --run out")
            return _settled(reader, found[0])
        raise InvalidInput(f"there is no run {wanted} of this skill", hint="leave --run out to begin one")
    head = reader.repository.head()
    fit = [run for run in known if is_studied(reader.repository, run) and not is_sequential(reader.repository, run)]
    for run in reversed(fit):
        is_here = reader.folder_id(run.base) == reader.folder_id(head) and reader.repository.descends(head, run.base)
        if is_here and not released_as(reader.repository, run):  # after a rollback its base is here again
            return run
    return Run(runs.next_run(reader.repository), head, reader.folder, PERSON, who.when)


def _settled(reader: SkillReader, run: Run) -> Run:
    """Refuse a run that analysts are not done with: what is added meanwhile could not be told apart from theirs."""
    if not is_studied(reader.repository, run):
        raise NeedsPerson(
            f"{run.id} is still being studied", hint=f"gitskill analyse --run {run.id}, or leave --run out"
        )
    if done := released_as(reader.repository, run):
        raise NeedsPerson(f"{run.id} is {done.tag} already", hint="leave --run out: the next lesson begins a new run")
    return run


def propose(reader: SkillReader, run: Run, proposal: Proposal, author: Who) -> Proposed:
    """Commit the proposal as a lesson of `run` and give it a branch.

    Raises InvalidInput, and makes nothing, where a check refuses it. Another
    command may take the same slot meanwhile: then the next one is used.
    """
    _refuse_unclear(proposal)
    findings = check_change(reader.read(run.base), proposal.skill)
    if refused := [item for item in findings if item.level is Level.INVALID]:
        raise InvalidInput("; ".join(f"{item.path}: {item.message}" for item in refused))
    for _ in range(_TRIES):
        try:
            return replace(_write(reader, run, proposal, author), findings=findings)
        except RefMoved:
            run = _again(reader, run)
    raise RefMoved(f"the record of {run.id}")


def _again(reader: SkillReader, run: Run) -> Run:
    """Read a run again that another command has moved; where that made it another skill's, begin the next."""
    now = {known.id: known for known in runs.recorded(reader.repository)}.get(run.id)
    if now and (now.folder, now.base) == (run.folder, run.base):
        return now
    return replace(run, id=runs.next_run(reader.repository), lessons=(), record=None)


def _refuse_unclear(proposal: Proposal) -> None:
    """Refuse a lesson without a cause, and words that a reader would not see."""
    if not proposal.why.strip():
        raise InvalidInput("a lesson needs a cause: say why")
    for what, text in (("title", proposal.title), ("cause", proposal.why)):
        if names := hidden_names(text.replace("\r\n", " ").replace("\n", " ")):
            raise InvalidInput(f"the {what} hides {names}")


def _write(reader: SkillReader, run: Run, proposal: Proposal, author: Who) -> Proposed:
    taken = [LessonId.parse(f"{run.id}/{slot}").trace for slot in run.lessons]
    lesson = Lesson(LessonId(run.id, max(taken, default=run.planned) + 1, "a"), proposal.title, proposal.why)
    batch = Batch(reader.repository)
    branch = lessons.add(reader, batch, lesson, proposal.skill, run.base, author)
    grown = replace(run, lessons=(*run.lessons, lesson.id.short))
    moves = (branch, runs.add(batch, grown, author))
    record(reader.repository, batch, Operation(f"lesson add {lesson.id}", moves), author)
    return Proposed(lesson.id, lesson.title, CommitId(str(branch.new)), branch.ref.removeprefix(HEADS), ())
