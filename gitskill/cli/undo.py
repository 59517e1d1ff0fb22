"""gitskill undo"""

import click

from gitskill.cli import output
from gitskill.cli.session import Session


@click.command()
@click.argument("operation", default="", metavar="[OP]")
@click.option("--list", "show_list", is_flag=True, help="List the operations, newest first, and change nothing.")
@click.pass_obj
def undo(session: Session, operation: str, show_list: bool) -> None:
    """Take back the last gitskill operation, or the one named OP.

    Only refs move; nothing is lost, and undoing an undo brings it back.

    \b
    Example:
      gitskill undo --list
      gitskill undo
    """
    from gitskill.store.analyses import as_begun
    from gitskill.store.oplog import choose, operations, take_back

    if show_list:
        entries = [(str(entry.commit)[:10], entry.what) for entry in operations(session.repository)]
        if not entries:
            output.tell("nothing was done here yet")
        output.table(entries)
        return
    chosen = choose(list(operations(session.repository)), operation)
    done = take_back(session.repository, session.who(), as_begun(session.repository, chosen))
    output.result(f"undone: {done.what}")
    commit = done.what.partition(", commit ")[2]
    if commit and session.repository.parents(session.repository.commit(commit)):
        output.tell(f"  its commit stays on your branch; to take that back too: git reset --keep {commit}~1")
