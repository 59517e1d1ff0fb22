"""gitskill sync"""

import sys
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.sync import Step, Wish


@click.command()
@click.argument("remote", default="", metavar="[REMOTE]")
@click.option("--pull", "only_pull", is_flag=True, help="Only bring what is new there.")
@click.option("--push", "only_push", is_flag=True, help="Only send what is new here.")
@click.option("--traces", is_flag=True, help="Traces too: they are what agents did, without secrets that were found.")
@click.option("--lessons", "run_name", metavar="RUN", help="The branches of this run's lessons and merges too.")
@click.option("--dry-run", "-n", is_flag=True, help="Say what would go where; move no ref, here or there.")
@options.as_json
@click.pass_obj
def sync(
    session: Session,
    remote: str,
    only_pull: bool,
    only_push: bool,
    traces: bool,
    run_name: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Share runs, rejections and, if you like, traces with a team.

    REMOTE is a name or a URL; without it, the one that git would take. Each ref
    goes by its own name: your branches and tags are yours to push, and what
    gitskill keeps for undo never leaves. What comes is checked first. Exit code
    7 where something was left out or both versions were kept, each named.

    \b
    Example:
      gitskill sync origin
      gitskill sync --pull --traces
    """
    from gitskill import sync as steps
    from gitskill.ids import RunId
    from gitskill.store.remote import default

    if only_pull and only_push:
        raise click.UsageError("--pull and --push are what sync does without them")
    wish = steps.Wish(remote or default(session.repository), traces, RunId.parse(run_name) if run_name else None)
    may_ask = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    there = steps.look(session.repository, wish, may_ask=may_ask)
    pulled, skipped = ([], []) if only_push else _pull(session, wish, there, dry_run=dry_run, may_ask=may_ask)
    pushed: list[Step] = []
    if not only_pull:
        pushed, kept = steps.push(session.repository, wish, there, session.who(), dry_run=dry_run, may_ask=may_ask)
        skipped += [each for each in kept if each.ref not in {one.ref.partition(":")[0] for one in skipped}]
    told = {"pulled": pulled, "pushed": pushed, "skipped": skipped}
    _show(told, {"remote": wish.remote, "dry_run": dry_run} if as_json else None)
    return 7 if skipped else 0


def _show(told: "dict[str, list[Step]]", document: dict[str, Any] | None) -> None:
    """Print what went where: as a part of `document` where there is one."""
    steps = [each for found in told.values() for each in found]
    if document is not None:
        output.document(document | {name: [_document(each) for each in found] for name, found in told.items()})
        return
    output.table([(each.what, each.ref, each.detail) for each in steps])
    if not steps:
        output.tell("  nothing is new, here or there")


def _pull(
    session: Session, wish: "Wish", there: dict[str, str], *, dry_run: bool, may_ask: bool
) -> "tuple[list[Step], list[Step]]":
    from gitskill import sync as steps
    from gitskill.cli.traces_add import redactor

    who = session.who()
    found = steps.pull(session.repository, wish, there, redactor(session), who, may_ask=may_ask)
    if not dry_run:
        steps.settle(session.repository, wish, found, who)
    return found.steps, found.skipped


def _document(step: "Step") -> dict[str, str]:
    return {"ref": step.ref, "what": step.what, "detail": step.detail}
