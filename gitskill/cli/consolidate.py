"""gitskill consolidate"""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import click

from gitskill.cli import models, options, output
from gitskill.cli.session import Session
from gitskill.errors import GitskillError, InvalidInput, NeedsPerson

if TYPE_CHECKING:
    from gitskill.cli.models import Chosen
    from gitskill.consolidate.by_model import Known
    from gitskill.consolidate.gather import Gathered
    from gitskill.consolidate.settle import Settler
    from gitskill.ids import RunId
    from gitskill.model.stack import Opened
    from gitskill.report.status import Status
    from gitskill.store.locks import RunLock
    from gitskill.store.runs import Run


@click.command()
@click.argument("run", default="", metavar="[RUN]")
@click.option("--onto", metavar="REF", help="Make a new run of the same lessons on this branch, tag or commit.")
@options.placing
@models.flags
@options.as_json
@click.pass_obj
def consolidate(
    session: Session,
    run: str,
    flags: models.ModelFlags,
    min_support: int,
    engine: str,
    onto: str | None,
    as_json: bool,
) -> None:
    """Join the lessons of a run in a tree of octopus merges.

    Equal lessons are folded, what clashes is settled by a model or by support,
    what recurs stands in SKILL.md and the rest in references. The result is
    the candidate, the branch gitskill/RUN/evolved; nothing is released.

    With --onto the skill may have moved on: each lesson is made anew on it, and
    one whose lines it changed too waits for you.

    \b
    Example:
      gitskill consolidate r0007
      gitskill consolidate r0007 --onto main
    """
    from gitskill.cli.screen import of_run
    from gitskill.cli.status import document
    from gitskill.cli.working import find_run, stands
    from gitskill.ids import RunId

    refuse_no_model(session, flags, engine)
    chosen = find_run(session, RunId.parse(run) if run else None)
    if onto is not None:
        chosen = _moved(session, chosen, onto)
    merge(session, chosen.id, models.chosen(session, flags, chosen.base), flags, min_support, engine)
    found = stands(session, chosen.id)
    if as_json:
        output.document(document(session, found))
    else:
        of_run(session, found)


def _moved(session: Session, run: "Run", onto: str) -> "Run":
    """Give the run of the same lessons on another base; it is made where there is none."""
    from gitskill.consolidate.gather import refuse_absent
    from gitskill.onto import move_run
    from gitskill.store.analyses import fates, is_studied

    if not is_studied(session.repository, run):
        raise NeedsPerson(f"{run.id} is not studied to its end", hint=f"gitskill analyse --run {run.id}")
    base = session.commit(onto)
    told = fates(session.repository, run).values()
    refuse_absent(session.nodes, run, {one.slot: one for each in told for one in each.lessons})
    made = move_run(session.nodes, run, base, f"consolidate {run.id} --onto {onto}", session.who())
    output.tell(f"  {run.id}     is {made.id} on {base[:8]}; it stays as it was")
    return made


def merge(
    session: Session, run: "RunId", chosen: "Chosen", flags: models.ModelFlags, min_support: int, engine: str
) -> None:
    """Consolidate a run as it stands now, to the end or to what stops it."""
    from gitskill.cli.analyse import until_signal
    from gitskill.cli.working import released, stands, taken_up

    with taken_up(session, run) as lock:
        found = stands(session, run)
        if not found.is_finished:
            raise NeedsPerson(
                f"{run} is not studied to its end: {found.traces['pending']} traces are left",
                hint=f"gitskill analyse --run {run}",
            )
        if tag := released(session, found.run):
            raise NeedsPerson(
                f"{run} is {tag} already", hint="what it taught is there; a new run: gitskill evolve --new"
            )
        if found.is_sequential:
            refuse_settling(engine, min_support)
            until_signal(_merge_rounds(session, found, lock))
            return
        gathered = _gathered(session, found)
        try:
            until_signal(_merge(session, found, gathered, None if engine == "rules" else chosen, min_support, lock))
        except (GitskillError, KeyboardInterrupt, SystemExit) as error:
            again = f"{models.again(flags, error)} --min-support {min_support} --engine {engine}"
            output.tell(f"  go on     gitskill consolidate {run}{again}")
            raise


def refuse_no_model(session: Session, flags: models.ModelFlags, engine: str) -> None:
    """Refuse to have a model settle what clashes where there is none, before anything is studied or moved."""
    if engine == "model" and models.choose(session, flags).setup is None:
        raise InvalidInput("no model is configured", hint="name one with --model, or leave --engine out")


def refuse_settling(engine: str, min_support: int) -> None:
    """Refuse options that mean nothing where every round is joined by rule, and nothing is placed."""
    if engine == "model" or min_support != options.MIN_SUPPORT:
        raise InvalidInput(
            "the rounds of a sequential run are joined by support alone, and what they teach stays where it was put",
            hint="leave --engine and --min-support out",
        )


async def _merge_rounds(session: Session, found: "Status", lock: "RunLock") -> None:
    from gitskill.consolidate.run import Holder, consolidate_rounds

    rounds = found.plan.groups[0] if found.plan else ()
    done = await consolidate_rounds(session.nodes, found.run, rounds, found.fates, Holder(lock, session.who()))
    if done.kept:
        output.tell(
            f"  note      {', '.join(done.kept)}: changed or deleted since, but later rounds stand on them as they were"
        )


def by_rule(session: Session, run: "RunId") -> "Status":
    """Consolidate a run without asking anybody, and tell where it stands."""
    from gitskill.cli.analyse import until_signal
    from gitskill.cli.working import stands, taken_up

    with taken_up(session, run) as lock:
        found = stands(session, run)
        until_signal(_merge(session, found, _gathered(session, found), None, options.MIN_SUPPORT, lock))
    return stands(session, run)


def _gathered(session: Session, found: "Status") -> "Gathered":
    from gitskill.consolidate.gather import gather

    fates = {one.slot: one for each in found.fates.values() for one in each.lessons}
    return gather(session.nodes, found.run, fates)


async def _merge(
    session: Session, found: "Status", gathered: "Gathered", chosen: "Chosen | None", min_support: int, lock: "RunLock"
) -> None:
    from gitskill.consolidate.place import Budget
    from gitskill.consolidate.run import Holder, Tree, consolidate
    from gitskill.consolidate.tree import Policy

    async with AsyncExitStack() as stack:
        settler = await _settler(session, found, gathered, chosen, stack)
        tree = Tree(found.plan.groups if found.plan else (), len(found.fates) or found.run.studied)
        policy = Policy(settler, Budget(min_support))
        await consolidate(session.nodes, found.run, tree, gathered, policy, Holder(lock, session.who()))


async def _settler(
    session: Session, found: "Status", gathered: "Gathered", chosen: "Chosen | None", stack: AsyncExitStack
) -> "Settler":
    from gitskill.consolidate.rules import BySupport
    from gitskill.model.stack import opened

    if chosen is None or chosen.setup is None:
        return BySupport()
    model = await stack.enter_async_context(opened(chosen.setup, session.ledger, str(found.run.id)))
    return by_model(session, found.run, chosen, model, gathered.lessons)


def by_model(session: Session, run: "Run", chosen: "Chosen", model: "Opened", lessons: "Known") -> "Settler":
    """Give the settler that asks a model about lessons of a run."""
    from gitskill.consolidate.by_model import ByModel
    from gitskill.prompts import Prompts

    base = session.reader.read(run.base)
    return ByModel(model.model, model.name, Prompts(chosen.prompts), base, lessons, str(run.id))
