"""gitskill merge"""

from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.store.lessons import Recorded


@click.command()
@click.argument("lessons", nargs=-1, required=True, metavar="LESSON...")
@options.as_json
@click.pass_obj
def merge(session: Session, lessons: tuple[str, ...], as_json: bool) -> None:
    """Join lessons in one octopus merge, on a branch of its own.

    The lessons must stand on one base. Lessons with the same changes are folded
    into one. Where two change the same lines, both are named, nothing is
    merged, and the exit code is 4.

    \b
    Example:
      gitskill merge l0001a l0002a l0003a
      git merge --no-ff gitskill/r0001/m1-01
    """
    from gitskill.consolidate.clashes import Clashing
    from gitskill.consolidate.merge import merge as join

    recorded = [_lesson(session, name) for name in lessons]
    try:
        made = join(session.nodes, recorded, session.who())
    except Clashing as error:
        if as_json:
            output.document({"commit": None, "lessons": [], "clashes": [clash.to_json() for clash in error.clashes]})
        raise
    if as_json:
        output.document({"commit": made.node.commit, "lessons": made.lessons, "clashes": []})
        return
    count = output.counted(len(made.lessons), "lesson")
    output.result(f"{made.node.says.id}  {count} in one merge of {len(made.node.live) + 1} parents")
    for group in made.folded:
        output.result(f"  folded   {', '.join(map(str, group[1:]))} into {group[0]}")
    for group in made.joined:
        output.result(f"  joined   {' and '.join(map(str, group))} in one place")
    output.tell(f"  look     gitskill diff HEAD {made.branch}")
    output.tell(f"  take     git merge --no-ff {made.branch}")


def _lesson(session: Session, name: str) -> "Recorded":
    """Read a lesson; what is wrong with it is said with its name."""
    from gitskill.errors import InvalidInput
    from gitskill.store.lessons import find

    found = find(session.repository, name)
    try:
        return session.nodes.lesson(found.commit)
    except InvalidInput as error:
        raise InvalidInput(f"{found.id}: {error}", hint=error.hint) from error
