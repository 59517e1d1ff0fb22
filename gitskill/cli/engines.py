"""What studies the traces of a run: the engines, built from what a command line chose."""

import os
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from gitskill.cli.session import Session
from gitskill.errors import NotFound

if TYPE_CHECKING:
    from gitskill.analyse import Engine
    from gitskill.analysts.draft import Studied
    from gitskill.analysts.room import Equipment
    from gitskill.analysts.suggestion import Suggestion
    from gitskill.cli.working import Job
    from gitskill.examine import Bench
    from gitskill.model.stack import Opened
    from gitskill.plan import Assignment


async def opened_model(session: Session, job: "Job", stack: AsyncExitStack) -> "Opened | None":
    """Open the model of a run for as long as `stack` is; None for the offline engine."""
    from gitskill.model.stack import opened

    if job.chosen.setup is None:
        return None
    return await stack.enter_async_context(opened(job.chosen.setup, session.ledger, str(job.run.id)))


def offline_engine(job: "Job", bench: "Bench", load: "Callable[[Assignment], Studied]") -> "Engine":
    """Have all traces of a plan studied together, those that only serve for comparison too."""
    from gitskill.engine import OfflineEngine
    from gitskill.plan import Analyst, Assignment, Why

    others = [
        Assignment(0, each.trace, each.task, each.status, Analyst.OFFLINE, 0)
        for each in job.plan.skipped
        if each.why in {Why.SIGNAL, Why.NOT_DRAWN}
    ]
    runs = []
    for each in (*job.plan.assignments, *others):
        with suppress(NotFound):  # a trace that is gone is told when its turn comes
            runs.append(load(each))
    return OfflineEngine(runs, bench.base)


def model_engine(job: "Job", bench: "Bench", opened: "Opened") -> "Engine":
    """Give every trace an analyst that asks the model."""
    from gitskill.analysts.desk import Desk
    from gitskill.engine import ModelEngine
    from gitskill.prompts import Prompts

    desk = Desk(opened.model, opened.name, Prompts(job.chosen.prompts), bench.base, _unknown, str(job.run.id))
    return ModelEngine(desk, bench, job.plan.recipe.turns, _equipment(job, bench, opened))


async def _unknown(_: "Suggestion") -> str:
    """Stand for the check of a lesson until it is known which traces it is about."""
    return ""


def _equipment(job: "Job", bench: "Bench", opened: "Opened") -> "Callable[[str], Equipment]":
    """Give what there is to try a fix with, for each trace."""
    from gitskill.analysts.room import BARE, Equipment
    from gitskill.model.gate import Gated
    from gitskill.trying import JudgeModel, KeptChecker, KeptRunner, SandboxModel, skill_hash

    tools, abreast = job.tools, os.cpu_count() or 1
    if tools.sandbox is None:
        return lambda _: BARE
    run, skill = str(job.run.id), skill_hash(bench.base)
    commands = opened.kept(Gated(SandboxModel(tools.sandbox, bench.base), abreast))
    judges = opened.kept(Gated(JudgeModel(tools.judge), abreast)) if tools.judge else None
    checker = KeptChecker(judges, run, job.plan.recipe.checker) if judges else None
    return lambda trace: Equipment(KeptRunner(commands, run, trace, skill), checker, tools.references)


def loader(session: Session) -> "Callable[[Assignment], Studied]":
    """Give how to read a trace of the plan, as it was labelled when the plan was made."""
    from gitskill.materials import studied
    from gitskill.store.traces import documents, entries

    known = {entry.trace: entry for entry in entries(session.repository)}

    def load(assignment: "Assignment") -> "Studied":
        entry = known.get(assignment.trace)
        if entry is None:
            raise NotFound(f"the trace {assignment.trace[:10]} is not stored")
        [(_, data)] = documents(session.repository, [entry])
        return studied(replace(entry, task=assignment.task), data, assignment.status)

    return load
