"""gitskill analyse"""

import asyncio
import signal
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from gitskill.cli import choosing, models, options, output
from gitskill.cli.session import Session
from gitskill.errors import GitskillError

if TYPE_CHECKING:
    from gitskill.cli.working import Job
    from gitskill.ids import RunId


@click.command()
@choosing.flags
@models.flags
@choosing.which
@options.as_json
@click.pass_obj
def analyse(
    session: Session,
    study: choosing.StudyFlags,
    flags: models.ModelFlags,
    which: choosing.Which,
    as_json: bool,
) -> int:
    """Study runs: each lesson becomes a commit on a branch.

    Every analyst sees one trace and the same frozen skill. Broken off, by
    Ctrl-C, a budget or a crash, the same command goes on where it stood and
    pays for nothing twice. Nothing is merged, and your checkout stays as it is.

    \b
    Example:
      gitskill analyse
      gitskill analyse --traces ~/.claude/projects/sheets --max-usd 5
    """
    from gitskill.cli.status import document, show
    from gitskill.cli.working import stands

    done = studied(session, study, flags, which)
    found = stands(session, done.run)
    if as_json:
        output.document(document(session, found))
    else:
        show(session, found)
    return 7 if found.traces["failed"] or done.skipped else 0


@dataclass(frozen=True, slots=True)
class Studied:
    """A run that was studied to its end."""

    run: "RunId"
    chosen: models.Chosen
    skipped: int
    """Files of --traces that could not be read."""


def studied(
    session: Session,
    study: choosing.StudyFlags,
    flags: models.ModelFlags,
    which: choosing.Which,
    *,
    onward: bool = False,
    more: str = "",
) -> "Studied":
    """Study what is to be studied, to the end or to what stops it; give the run, and what was chosen for it.

    Where it goes `onward` to a candidate, groups that are studied are settled meanwhile. `more` are the flags of
    the command itself that it needs to go on.
    """
    from gitskill.cli import working

    job = working.resumed(session, flags, study, which) if which.run else working.begun(session, flags, study, which)
    job = replace(job, onward=onward)
    _introduce(job)
    try:
        until_signal(working.work(session, job))
    except (GitskillError, KeyboardInterrupt, SystemExit) as error:
        command = click.get_current_context().info_name
        again = f"{models.again(flags, error)}{choosing.again(study)}{more}"
        output.tell(f"  go on     gitskill {command} --run {job.run.id}{again}")
        raise
    return Studied(job.run.id, job.chosen, job.skipped)


def _introduce(job: "Job") -> None:
    counts = {each: job.plan.counted(each) for each in dict.fromkeys(one.analyst for one in job.plan.assignments)}
    who = ", ".join(f"{count} {each}" for each, count in counts.items())
    known = f", {len(job.known)} studied before" if job.known else ""
    output.tell(
        f"run {job.run.id} on {job.run.base[:8]}: {output.counted(len(job.plan.assignments), 'trace')} ({who}){known}"
    )


def until_signal(work: Coroutine[None, None, None]) -> None:
    """Run to the end, or to a signal: then what is finished is still written."""
    stopped: list[int] = []

    async def supervised() -> None:
        task = asyncio.ensure_future(work)

        def stop(number: int) -> None:
            stopped.append(number)
            task.cancel()

        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        try:
            await task
        except asyncio.CancelledError:
            if not stopped:
                raise

    asyncio.run(supervised())
    if stopped:
        raise SystemExit(128 + stopped[0])
