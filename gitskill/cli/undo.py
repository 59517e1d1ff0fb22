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

    Nothing is lost, and undoing an undo brings it back. Where the operation
    moved your branch, as a release or a drop does, branch and work tree go
    back: only while the branch still stands there, the checkout is clean, and
    no remote is known to have the commit.

    \b
    Example:
      gitskill undo --list
      gitskill undo
    """
    from gitskill.store.analyses import as_begun
    from gitskill.store.oplog import choose, operations
    from gitskill.store.undo import take_back, told

    log = list(operations(session.repository))
    if show_list:
        if not log:
            output.tell("nothing was done here yet")
        output.table([(str(entry.commit)[:10], entry.what, note) for entry, note in told(session.repository, log)])
        return
    done = take_back(session.repository, session.who(), as_begun(session.repository, choose(log, operation)))
    output.result(f"undone: {done.what}")
    commit = done.what.partition(", commit ")[2]
    if commit and session.repository.parents(session.repository.commit(commit)):
        output.tell(f"  its commit stays on your branch; to take that back too: git reset --keep {commit}~1")
