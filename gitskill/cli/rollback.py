"""gitskill rollback"""

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session


@click.command()
@click.argument("tag")
@options.sign
@options.as_json
@click.pass_obj
def rollback(session: Session, tag: str, sign: bool, as_json: bool) -> None:
    """Bring the skill back to an earlier version, as a new one.

    A commit on top of your branch has the old text, and the next version's tag.
    History stays, tags stay, your other files stay. What later versions taught
    does not come back by itself.

    \b
    Example:
      gitskill rollback v1.1.0
    """
    from gitskill.cli.release import document, screen, signer
    from gitskill.rollback import rollback as bring_back

    made = bring_back(session.nodes, tag, session.who(), signer(session) if sign else None)
    if as_json:
        output.document(document(made))
    else:
        screen(made)
