"""gitskill consolidate"""

import asyncio
from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.ids import RunId


@click.command()
@click.argument("run", default="", metavar="[RUN]")
@options.min_support
@options.as_json
@click.pass_obj
def consolidate(session: Session, run: str, min_support: int, as_json: bool) -> None:
    """Join the lessons of a run in a tree of octopus merges.

    Equal lessons are folded, what clashes is settled by support, what recurs
    stands in SKILL.md and the rest in references. The result is the candidate,
    the branch gitskill/RUN/evolved; nothing is released.

    \b
    Example:
      gitskill consolidate r0007
    """
    from gitskill.cli.evolve import screen
    from gitskill.cli.status import document
    from gitskill.cli.working import find_run, stands
    from gitskill.ids import RunId

    chosen = find_run(session, RunId.parse(run) if run else None).id
    merge(session, chosen, min_support)
    found = stands(session, chosen)
    if as_json:
        output.document(document(session, found))
    else:
        screen(session, found)


def merge(session: Session, run: "RunId", min_support: int) -> None:
    """Consolidate a run as it stands now."""
    from gitskill.cli.working import stands
    from gitskill.consolidate.gather import gather
    from gitskill.consolidate.place import Budget
    from gitskill.consolidate.rules import BySupport
    from gitskill.consolidate.run import Tree, consolidate
    from gitskill.consolidate.tree import Policy
    from gitskill.errors import NeedsPerson

    found = stands(session, run)
    if not found.is_finished:
        raise NeedsPerson(
            f"{run} is not studied to its end: {found.traces['pending']} traces are left",
            hint=f"gitskill analyse --run {run}",
        )
    fates = {one.slot: one for each in found.fates.values() for one in each.lessons}
    gathered = gather(session.nodes, found.run, fates)
    tree = Tree(found.plan.groups if found.plan else (), len(found.fates))
    policy = Policy(BySupport(), Budget(min_support))
    asyncio.run(consolidate(session.nodes, found.run, tree, gathered, policy, session.who()))
