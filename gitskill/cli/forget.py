"""gitskill forget"""

from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.store.forget import Purge


@click.command()
@click.argument("name", metavar="TRACE")
@click.option("--dry-run", "-n", is_flag=True, help="Say what would go; change nothing.")
@options.as_json
@click.pass_obj
def forget(session: Session, name: str, dry_run: bool, as_json: bool) -> None:
    """Remove a trace and what quotes it for good. This cannot be undone.

    It goes from the trace store, from the ledger of model calls, from every
    lesson and merge that was not released, and from what `gitskill undo`
    keeps. Released history is never rewritten: commits there that quote the
    trace are named.

    \b
    Example:
      gitskill forget 3f9ac1d2 --dry-run
    """
    from gitskill.store.forget import plan, purge, remembered

    wanted = plan(session.repository, remembered(session.repository, name))
    calls = 0
    if not dry_run:
        # The ledger first: while the trace can still be named, the command can be run again.
        calls = _forget_calls(session, wanted.entry.trace)
        purge(session.repository, wanted, session.who())
    if as_json:
        output.document(_document(wanted, calls, forgotten=not dry_run))
        return
    output.result(f"{wanted.entry.short}  {'would be forgotten' if dry_run else 'forgotten'}  {wanted.entry.where}")
    if calls:
        output.result(f"  deleted   {output.counted(calls, 'answer')} of a model about it")
    for ref, _ in wanted.branches:
        output.result(f"  deleted   {ref}")
    for commit in wanted.released:
        output.result(f"  remains   {commit[:10]}, which is released and quotes it")
    if not dry_run:
        output.tell("git keeps the bytes until it collects them; to be rid of them now:")
        output.tell("  git reflog expire --expire-unreachable=now --all && git gc --prune=now")
        output.tell("copies that were pushed or cloned stay where they are")


def _document(wanted: "Purge", calls: int, *, forgotten: bool) -> dict[str, object]:
    return {
        "trace": wanted.entry.trace,
        "forgotten": forgotten,
        "calls": calls,
        "branches": [ref for ref, _ in wanted.branches],
        "released": list(wanted.released),
    }


def _forget_calls(session: Session, trace: str) -> int:
    """Remove what models were asked about the trace, if a ledger is there, and count it."""
    if not session.ledger.is_file():
        return 0
    from gitskill.model.ledger import Ledger

    ledger = Ledger(session.ledger)
    try:
        return ledger.forget(trace)
    finally:
        ledger.close()
