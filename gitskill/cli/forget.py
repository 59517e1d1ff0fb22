"""gitskill forget"""

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session


@click.command()
@click.argument("name", metavar="TRACE")
@click.option("--dry-run", "-n", is_flag=True, help="Say what would go; change nothing.")
@options.as_json
@click.pass_obj
def forget(session: Session, name: str, dry_run: bool, as_json: bool) -> None:
    """Remove a trace and what quotes it for good. This cannot be undone.

    It goes from the trace store, from every lesson and merge that was not
    released, and from what `gitskill undo` keeps. Released history is never
    rewritten: commits there that quote the trace are named.

    \b
    Example:
      gitskill forget 3f9ac1d2 --dry-run
    """
    from gitskill.store.forget import plan, purge, remembered

    wanted = plan(session.repository, remembered(session.repository, name))
    if not dry_run:
        purge(session.repository, wanted, session.who())
    if as_json:
        output.document(
            {
                "trace": wanted.entry.trace,
                "forgotten": not dry_run,
                "branches": [ref for ref, _ in wanted.branches],
                "released": list(wanted.released),
            }
        )
        return
    output.result(f"{wanted.entry.short}  {'would be forgotten' if dry_run else 'forgotten'}  {wanted.entry.where}")
    for ref, _ in wanted.branches:
        output.result(f"  deleted   {ref}")
    for commit in wanted.released:
        output.result(f"  remains   {commit[:10]}, which is released and quotes it")
    if not dry_run:
        output.tell("git keeps the bytes until it collects them; to be rid of them now:")
        output.tell("  git reflog expire --expire-unreachable=now --all && git gc --prune=now")
        output.tell("copies that were pushed or cloned stay where they are")
