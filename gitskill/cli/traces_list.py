"""gitskill traces list"""

from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.store.traces import Entry


@click.command("list")
@click.option("--outcome", metavar="OUTCOME", help="Only these: success, failure, infra_error or unlabelled.")
@click.option("--task", metavar="TASK", help="Only runs of this task.")
@click.option("--format", "format_name", metavar="NAME", help="Only those read from this format.")
@options.as_json
@click.pass_obj
def command(session: Session, outcome: str | None, task: str | None, format_name: str | None, as_json: bool) -> None:
    """List the traces, by task.

    \b
    Example:
      gitskill traces list --outcome unlabelled
    """
    from gitskill.outcome import Status
    from gitskill.store.traces import entries

    if outcome is not None and outcome not in set(Status):
        raise click.BadParameter(f"{outcome!r} is not one of {', '.join(Status)}", param_hint="--outcome")
    found = [
        entry
        for entry in entries(session.repository)
        if (outcome is None or entry.outcome.status == outcome)
        and (task is None or entry.task == task)
        and (format_name is None or entry.format == format_name)
    ]
    if as_json:
        output.document([_document(entry) for entry in found])
        return
    output.table(
        (e.short, str(e.outcome.status), output.counted(e.steps, "step"), e.format, e.task, e.where) for e in found
    )
    if not found:
        output.tell("no traces" if outcome or task or format_name else "no traces yet: gitskill traces add PATH")


def _document(entry: "Entry") -> dict[str, object]:
    return {
        "trace": entry.trace,
        "task": entry.task,
        "outcome": entry.outcome.status.value,
        "format": entry.format,
        "steps": entry.steps,
        "path": entry.path,
        "place": entry.place,
        "reward": entry.outcome.reward,
        "source": entry.outcome.source,
        "session": entry.session,
    }
