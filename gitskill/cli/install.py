"""gitskill install, gitskill uninstall"""

from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.install import Plan

_dry_run = click.option("--dry-run", "-n", is_flag=True, help="Say what would be done; change nothing.")


@click.command()
@_dry_run
@options.as_json
@click.pass_obj
def install(session: Session, dry_run: bool, as_json: bool) -> None:
    """Set up hooks, attributes and a merge driver here.

    Hooks check what you commit and push. .gitattributes, which you may commit,
    says how skills are shown and merged. .git/config names the merge driver and
    keeps gitskill's branches out of `git log`. Nothing of yours is overwritten:
    a hook that you have stays, and you are told what to add to it. In a bare
    repository the hook is the one for a server.

    \b
    Example:
      gitskill install
    """
    from gitskill.install import carry_out, plan_install

    plan = plan_install(session.repository)
    if not dry_run:
        carry_out(session.repository, plan)
    _show(plan, as_json=as_json)


@click.command()
@_dry_run
@options.as_json
@click.pass_obj
def uninstall(session: Session, dry_run: bool, as_json: bool) -> None:
    """Take back what `gitskill install` set up, and nothing else.

    Your lessons, runs and tags stay.

    \b
    Example:
      gitskill uninstall
    """
    from gitskill.install import carry_out, plan_uninstall

    plan = plan_uninstall(session.repository)
    if not dry_run:
        carry_out(session.repository, plan)
    _show(plan, as_json=as_json)
    if not plan.deeds:
        output.tell("  nothing is installed here")


def _show(plan: "Plan", *, as_json: bool) -> None:
    if as_json:
        output.document([{"what": each.what, "path": each.place, "detail": each.detail} for each in plan.deeds])
        return
    output.table([(each.what, each.place, each.detail) for each in plan.deeds])
