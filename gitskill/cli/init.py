"""gitskill init"""

from pathlib import Path

import click

from gitskill.cli import output
from gitskill.cli.session import Session


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--name", default="", help="The skill's name; else the folder's.")
@click.option("--description", default="", help="What the skill does and when to use it.")
@click.pass_obj
def init(session: Session, folder: Path, name: str, description: str) -> None:
    """Start a skill in FOLDER, or take on the one that is there.

    A new SKILL.md comes from a template; an existing one is committed as it is.
    FOLDER becomes a git repository where it is not inside one. The base is
    tagged v1.0.0. Nothing is overwritten.

    \b
    Example:
      gitskill init sheets --description "Edit spreadsheets. Use for xlsx files."
    """
    from gitskill.disk import nearest_folder
    from gitskill.start import start

    place = session.directory / folder
    started = start(place, name, description, session.who(path=nearest_folder(place)))
    verb = "started" if started.created else "took on"
    output.result(f"{verb} skill {started.name} in {place}")
    if started.commit:
        output.result(f"committed {started.commit[:10]}")
    if started.tag:
        output.result(f"tagged {started.tag}")
    output.tell("  next     edit SKILL.md, then: git diff | gitskill lesson add --title TITLE --why WHY --diff -")
