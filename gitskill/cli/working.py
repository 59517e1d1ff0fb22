"""A run of analysts from the command line: which run it is, what it works with, and what is shown of it."""

import asyncio
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitskill.cli import choosing, engines, models, output
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from gitskill.cli.models import Chosen, ModelFlags
    from gitskill.fate import TraceFate
    from gitskill.ids import RunId
    from gitskill.judge import Judge
    from gitskill.plan import Plan, Recipe
    from gitskill.report.status import Status
    from gitskill.sandbox.bubblewrap import Sandbox
    from gitskill.store.locks import RunLock
    from gitskill.store.runs import Run


@dataclass(frozen=True, slots=True)
class Tools:
    """What fixes are tried and checked with; nothing where there is no sandbox."""

    sandbox: "Sandbox | None" = None
    judge: "Judge | None" = None
    references: frozenset[str] = frozenset()

    def recipe(self, chosen: "Chosen", study: choosing.StudyFlags) -> "Recipe":
        """Give every setting that decides what a run comes to."""
        known = hashlib.sha256("".join(sorted(self.references)).encode()).hexdigest() if self.references else ""
        return choosing.recipe(chosen, study, sandbox=self.sandbox is not None, references=known)


@dataclass(frozen=True, slots=True)
class Job:
    """A run with what is chosen for it."""

    run: "Run"
    plan: "Plan"
    known: "Mapping[int, TraceFate]"
    """The traces that were studied before."""
    chosen: "Chosen"
    tools: "Tools"
    skipped: int = 0
    """Files of --traces that could not be read."""
    retry: bool = False
    onward: bool = False
    """What is studied is consolidated next, with the same model."""


def begun(session: Session, flags: "ModelFlags", study: choosing.StudyFlags, which: choosing.Which) -> Job:
    """Plan, and give the run of that plan: one that was broken off, else a new one."""
    from gitskill.store.analyses import begin, fates

    chosen = models.chosen(session, flags)
    tools = _tools(session, chosen, study)
    plan, skipped = choosing.plan_stored(session, study, tools.recipe(chosen, study))
    if not plan.assignments:
        raise InvalidInput("no trace can be studied", hint="gitskill plan says why; label them: gitskill traces label")
    _refuse_again(plan, which)
    run = None if which.new else _same(session, plan)
    run = run or begin(session.reader, plan, session.who())
    return Job(run, plan, fates(session.repository, run), chosen, tools, skipped, which.retry)


def resumed(session: Session, flags: "ModelFlags", study: choosing.StudyFlags, which: choosing.Which) -> Job:
    """Go on with a run as it was planned, or raise where that cannot be.

    Its record lies in the repository, so nothing of it is obeyed that would
    run a program or choose a model: the same must be asked for again.
    """
    from gitskill.ids import RunId
    from gitskill.store.analyses import fates, plan_of

    choosing.refuse_replanning(study)
    run = find_run(session, RunId.parse(which.run or ""))
    plan = plan_of(session.repository, run)
    if plan is None:
        raise InvalidInput(f"{run.id} has no plan: its lessons were added by hand")
    _refuse_again(plan, which)
    chosen = models.chosen(session, flags, run.base)
    tools = _tools(session, chosen, study) if plan.recipe.verify == "sandbox" else Tools()
    _refuse_changed(run.id, plan.recipe, tools.recipe(chosen, study))
    return Job(run, plan, fates(session.repository, run), chosen, tools, retry=which.retry)


def _refuse_again(plan: "Plan", which: choosing.Which) -> None:
    from gitskill.plan import Strategy

    if which.retry and plan.recipe.strategy is Strategy.SEQUENTIAL:
        raise InvalidInput(
            "--retry does not go with a sequential run: later rounds stand on what failed as it is",
            hint="begin a new run with --new",
        )


def _refuse_changed(run: "RunId", planned: "Recipe", now: "Recipe") -> None:
    """Refuse to go on with another model, other prompts or other tools: the lessons would not be of one run."""
    flags = {"engine": "--model", "prompts": "", "verify": "--verify"}
    for what, flag in (flags | {"checker": "--checker", "references": "--references"}).items():
        before, after = getattr(planned, what), getattr(now, what)
        if before != after:
            raise InvalidInput(
                f"{run} was planned with {what} {before or 'none'!r}, now it is {after or 'none'!r}",
                hint=f"give the same with {flag}, or begin a new run" if flag else "begin a new run, without --run",
            )


def find_run(session: Session, wanted: "RunId | None" = None) -> "Run":
    """Give the run of this skill that is named, or the newest."""
    from gitskill.store.names import RUNS
    from gitskill.store.runs import damaged, recorded

    known = [run for run in recorded(session.repository) if run.folder == session.reader.folder]
    found = [run for run in known if wanted in (None, run.id)]
    wrong = damaged(session.repository)
    if wanted and not found and (ref := f"{RUNS}{wanted}") in wrong:
        raise InvalidInput(
            f"{ref} holds no record of a run: {wrong[ref]}", hint=f"to be rid of it: git update-ref -d {ref}"
        )
    if wanted is None:
        for ref, problem in wrong.items():
            output.tell(f"  note      {ref} holds no record of a run: {problem}")
    if not found:
        raise NotFound(f"there is no run {wanted} of this skill" if wanted else "there is no run yet")
    return found[-1]


def stands(session: Session, run: "RunId") -> "Status":
    """Tell where a run stands now."""
    from gitskill.report.status import status

    return status(session.nodes, find_run(session, run))


def _same(session: Session, plan: "Plan") -> "Run | None":
    """Find the newest run with this very plan, on the skill as it is now; tell of others that wait."""
    from gitskill.store.runs import recorded

    for run in reversed([run for run in recorded(session.repository) if run.folder == session.reader.folder]):
        try:
            if run.planned and _is_same(session, run, plan):
                return run
        except InvalidInput as error:
            output.tell(f"  note      {error}")
    return None


def _is_same(session: Session, run: "Run", plan: "Plan") -> bool:
    """Tell whether a run has this very plan, on the skill as it is now; tell of another one that waits."""
    from gitskill.store.analyses import fates, plan_of

    reader = session.reader
    planned, known = plan_of(session.repository, run), fates(session.repository, run)
    if planned == plan:
        is_here = reader.folder_id(run.base) == reader.folder_id(session.repository.head())
        return is_here and not released(session, run)
    if len(known) < run.planned:
        output.tell(
            f"  note      {run.id} is not finished: go on with --run {run.id}, or take it back: gitskill undo --list"
        )
    return False


def released(session: Session, run: "Run") -> str:
    """Name the version that a run was released as; empty where it was not. After a rollback its base is here again."""
    from gitskill.store.releases import released_as

    found = released_as(session.repository, run)
    return found.tag if found else ""


def _tools(session: Session, chosen: "Chosen", study: choosing.StudyFlags) -> Tools:
    """Prepare what fixes are tried with, before anything is stored or sent."""
    from gitskill.judge import Judge
    from gitskill.trying import reference_hashes

    has_model = chosen.setup is not None and (study.verify or chosen.verify) != "off"
    if study.verify == "require" and not has_model:
        raise InvalidInput("--verify=require: the offline engine tries nothing", hint="choose a model, or leave it out")
    if study.checker and not has_model:
        raise InvalidInput(
            "--checker has nothing to check: no fix is tried", hint="choose a model, without --verify=off"
        )
    if study.references and not study.checker:
        raise InvalidInput("--references are for --checker, which is not there")
    judge = Judge.parse(study.checker, flag="--checker") if study.checker else None
    references = reference_hashes([session.directory / study.references] if study.references else [])
    sandbox = _sandbox(session, chosen, study)
    return Tools(sandbox, judge, references) if sandbox else Tools()


def _sandbox(session: Session, chosen: "Chosen", study: choosing.StudyFlags) -> "Sandbox | None":
    """Prepare the sandbox where a fix is to be tried in one."""
    from gitskill.sandbox.bubblewrap import NoSandbox, Sandbox

    wanted = study.verify or chosen.verify
    if wanted == "off" or chosen.setup is None:
        return None
    program = shutil.which("bwrap", path=session.environment.get("PATH", ""))
    outside = [Path.cwd(), session.directory.resolve(), Path(session.repository.shown), session.repository.common_dir]
    try:
        return asyncio.run(Sandbox.prepare(program, outside=outside))
    except NoSandbox as error:
        if wanted == "require":
            raise
        output.tell(f"  sandbox   none, so no fix is tried: {error}")
        return None


@contextmanager
def taken_up(session: Session, run: "RunId") -> "Iterator[RunLock]":
    """Hold a run, and set free what a killed process of it has left locked; many branches are packed at the end."""
    from gitskill.store.locks import held
    from gitskill.store.refs import PACKED, pack

    with held(session.repository, run) as lock:
        for ref in lock.sweep():
            output.tell(f"  unlocked  {ref}: a gitskill that was killed had left its lock")
        yield lock
        with lock.moving([PACKED]):
            pack(session.repository)


async def work(session: Session, job: Job) -> None:
    """Study what is left, and enter the run into the log of operations when nothing is."""
    from gitskill.cli.progress import Progress
    from gitskill.cli.studying import Study
    from gitskill.store.analyses import Writer, fates
    from gitskill.store.repository import Repository
    from gitskill.store.skills import SkillReader

    with taken_up(session, job.run.id) as lock:
        run = find_run(session, job.run.id)
        known = _kept(fates(session.repository, run), retry=job.retry)
        # Its own handle: it is used from another thread.
        reader = SkillReader(Repository.open(session.repository.git_dir), session.reader.folder)
        writer = Writer(reader, run, lock, session.who())
        async with AsyncExitStack() as stack:
            opened = await engines.opened_model(session, job, stack)
            progress = Progress(len(job.plan.assignments), known.values(), opened.bills if opened else dict)
            stack.callback(progress.end)
            await Study(session, job, writer, opened, progress.tell).go_on(known)
        writer.finish(fates(session.repository, find_run(session, run.id)))


def _kept(found: "Mapping[int, TraceFate]", *, retry: bool) -> "Mapping[int, TraceFate]":
    """Give the fates that stand; with `retry`, what failed has none."""
    from gitskill.fate import Fate

    return {number: each for number, each in found.items() if not (retry and each.fate is Fate.FAILED)}
