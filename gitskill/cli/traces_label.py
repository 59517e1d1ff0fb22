"""gitskill traces label"""

from dataclasses import replace

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

_OUTCOMES = ["success", "failure", "infra_error", "unlabelled"]


@click.command("label")
@click.argument("names", metavar="ID...", nargs=-1, required=True)
@click.argument("outcome", type=click.Choice(_OUTCOMES))
@click.option("--note", default="", help="Why.")
@options.as_json
@click.pass_obj
def command(session: Session, names: tuple[str, ...], outcome: str, note: str, as_json: bool) -> None:
    """Say how runs ended. Your word stands, whatever their logs say when they are added again.

    \b
    Example:
      gitskill traces label 3f9ac1d2 failure --note "the total is wrong"
    """
    from gitskill.outcome import BY_HAND, Outcome, Status
    from gitskill.redact.redactor import Redactor
    from gitskill.store.traces import Collection, entries, named

    who = session.who()
    clean = Redactor(session.environment).session().text
    told = Outcome(Status(outcome), source=BY_HAND, who=who.name, note=clean(note))
    known = entries(session.repository)
    found = [named(known, name) for name in names]
    collection = Collection(session.repository)
    for entry in found:
        collection.describe(replace(entry, outcome=told))
    collection.save(f"traces label {output.counted(len(found), 'trace')} {outcome}", who)
    if as_json:
        output.document([{"trace": e.trace, "outcome": outcome, "was": e.outcome.status.value} for e in found])
        return
    output.table((e.short, f"{e.outcome.status} -> {outcome}", e.task, e.where) for e in found)
