"""gitskill traces rm"""

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session


@click.command("rm")
@click.argument("names", metavar="ID...", nargs=-1, required=True)
@options.as_json
@click.pass_obj
def command(session: Session, names: tuple[str, ...], as_json: bool) -> None:
    """Take traces out of the collection. `gitskill undo` brings them back.

    To remove what a trace says from the repository for good, use `gitskill
    forget`.

    \b
    Example:
      gitskill traces rm 3f9ac1d2
    """
    from gitskill.store.traces import Collection, entries, named

    known = entries(session.repository)
    found = [named(known, name) for name in names]
    collection = Collection(session.repository)
    for entry in found:
        collection.remove(entry.trace)
    collection.save(f"traces rm: {output.counted(len(found), 'trace')}", session.who())
    if as_json:
        output.document({"removed": [entry.trace for entry in found]})
        return
    output.table((entry.short, entry.task, entry.where) for entry in found)
    output.tell(f"{output.counted(len(found), 'trace')} taken out; gitskill undo brings them back")
