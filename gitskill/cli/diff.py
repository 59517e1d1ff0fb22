"""gitskill diff"""

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session


@click.command()
@click.argument("old")
@click.argument("new", default="HEAD")
@options.as_json
@click.pass_obj
def diff(session: Session, old: str, new: str, as_json: bool) -> None:
    """Compare two versions of the skill, by section and lesson.

    OLD and NEW are tags, branches, commits, lessons or merges; NEW is HEAD
    unless you say otherwise.

    \b
    Example:
      gitskill diff v1.0.0 v1.1.0
      gitskill diff HEAD r0001/m1-01
    """
    from gitskill.report.compare import compare

    comparison = compare(session.nodes, session.commit(old), session.commit(new))
    if as_json:
        output.document(comparison.to_json())
    elif comparison.is_empty:
        output.tell(f"the skill is the same in {old} and {new}")
    else:
        output.comparison(comparison)
