"""gitskill restore"""

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session


@click.command()
@click.argument("lesson", metavar="LESSON")
@options.as_json
@click.pass_obj
def restore(session: Session, lesson: str, as_json: bool) -> None:
    """Give a lesson that was put away its branch back.

    A release puts the branches of its run away. One that was pruned since comes
    back from history, if a release has it.

    \b
    Example:
      gitskill restore l0012a
      git switch gitskill/r0007/l0012a-recalculate-after-write
    """
    from gitskill.errors import InvalidInput
    from gitskill.store import archive
    from gitskill.store.lessons import find

    found = find(session.repository, lesson)
    if found.branch:
        raise InvalidInput(f"{found.id} has its branch", hint=f"git switch {found.branch}")
    if found.ref:
        branch = archive.restore(session.repository, found.id, session.who())
    else:
        branch = archive.from_history(session.nodes, found, session.who())
    if as_json:
        output.document({"lesson": str(found.id), "commit": found.commit, "branch": branch})
    else:
        output.result(f"{found.id}  {branch}")
