"""gitskill runs"""

from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.model.ledger import Bill
    from gitskill.report.runs import RunReport


@click.command()
@options.as_json
@click.pass_obj
def runs(session: Session, as_json: bool) -> None:
    """List the runs of the skill, newest first.

    What each came to, its lessons, and what it cost as far as this machine's
    ledger knows.

    \b
    Example:
      gitskill runs
    """
    from gitskill.cli.status import every_bill
    from gitskill.report.runs import report_runs
    from gitskill.report.status import total

    found = report_runs(session.nodes)
    paid = every_bill(session, [str(each.run.id) for each in found])
    costs = {run: total(bill) for run, bill in paid.items()}
    if as_json:
        output.document([_document(each, costs[str(each.run.id)]) for each in found])
        return
    if not found:
        output.tell("there is no run yet; the first: gitskill evolve --traces PATH")
    output.table([_row(each, costs[str(each.run.id)]) for each in found])


def _row(found: "RunReport", bill: "Bill") -> tuple[str, ...]:
    from gitskill.report.changelog import day_of

    run = found.run
    stage = f"released as {found.released}" if found.released else str(found.stage)
    cost = "" if not bill.calls else "price unknown" if bill.usd is None else f"${bill.usd:.2f}"
    return str(run.id), day_of(run.started), run.engine, stage, output.counted(found.lessons, "lesson"), cost


def _document(found: "RunReport", bill: "Bill") -> dict[str, Any]:
    return {
        "run": str(found.run.id),
        "started": found.run.started,
        "base": found.run.base,
        "engine": found.run.engine,
        "state": str(found.stage),
        "released": found.released or None,
        "traces": found.run.planned,
        "lessons": found.lessons,
        "calls": bill.calls,
        "usd": bill.usd if bill.calls else None,
    }
