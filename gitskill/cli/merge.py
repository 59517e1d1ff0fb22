"""gitskill merge"""

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session


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
      git merge gitskill/r0001/m1-01
    """
    from gitskill.consolidate.clashes import Clashing
    from gitskill.consolidate.merge import merge as join
    from gitskill.store.lessons import find

    recorded = [session.nodes.lesson(find(session.repository, name).commit) for name in lessons]
    try:
        made = join(session.nodes, recorded, session.who())
    except Clashing as error:
        if as_json:
            output.document({"commit": None, "lessons": [], "clashes": [clash.to_json() for clash in error.clashes]})
        raise
    if as_json:
        output.document({"commit": made.node.commit, "lessons": made.lessons, "clashes": []})
        return
    output.result(f"{made.node.says.id}  {len(made.lessons)} lessons in one merge of {len(made.node.live) + 1} parents")
    for group in made.folded:
        output.result(f"  folded   {', '.join(map(str, group[1:]))} into {group[0]}")
    output.tell(f"  look     git show --stat {made.branch}        (or: gitskill diff HEAD {made.branch})")
    output.tell(f"  take     git merge --no-ff {made.branch}")
