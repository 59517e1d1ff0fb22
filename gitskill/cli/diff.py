"""gitskill diff"""

from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.report.compare import Comparison

_SHOWN = 5


@click.command()
@click.argument("old")
@click.argument("new", default="HEAD")
@click.option("--word-diff", "words", is_flag=True, help="Show what changed inside lines: [-went-]{+came+}.")
@options.as_json
@click.pass_obj
def diff(session: Session, old: str, new: str, words: bool, as_json: bool) -> None:
    """Compare two versions of the skill, by section and lesson.

    OLD and NEW are tags, branches, commits, runs, lessons or merges; NEW is
    HEAD unless you say otherwise. Below the changes stands what new reach they
    bring, the worst first, and which version they would make.

    \b
    Example:
      gitskill diff v1.0.0 v1.1.0 --word-diff
      gitskill diff HEAD r0001/m1-01
    """
    from gitskill.report.compare import compare

    comparison = compare(session.nodes, session.commit(old), session.commit(new))
    if as_json:
        output.document(comparison.to_json())
    elif comparison.is_empty:
        output.tell(f"the skill is the same in {old} and {new}")
    else:
        output.comparison(comparison, words=words)
        _meaning(comparison)


def _meaning(found: "Comparison") -> None:
    """Print what new reach a change brings, and which version it would make."""
    from gitskill.checks.risk import risk_of

    for each in found.reach[:_SHOWN]:
        place = f"{each.path}:{each.line}" if each.line else each.path
        said = each.message.removeprefix(f"{risk_of(each)}: ")
        output.result(f"risk  {risk_of(each)}: {said} ({place})")
    if len(found.reach) > _SHOWN:
        output.result(f"      and {len(found.reach) - _SHOWN} more (--json names them all)")
    if not found.reach:
        output.result("risk  none: no new host, command, script or frontmatter")
    would = f": {found.last} would become {found.next}" if found.next else ""
    output.result(f"bump  {found.bump}{would}")
