"""gitskill prune"""

import re

import click

from gitskill.cli import output
from gitskill.cli.session import Session

_AGE = re.compile(r"(\d{1,5})d")


@click.command()
@click.option("--older-than", "age", default="90d", show_default=True, metavar="DAYS", help="Such as 30d.")
@click.option("--dry-run", "-n", is_flag=True, help="Say what would go; change nothing.")
@click.pass_obj
def prune(session: Session, age: str, dry_run: bool) -> None:
    """Delete branches that were put away long ago.

    Merged lessons stay in the history of the releases that have them.

    \b
    Example:
      gitskill prune --older-than 30d --dry-run
    """
    from gitskill.store import archive

    match = _AGE.fullmatch(age)
    if match is None:
        raise click.BadParameter(f"{age!r} is not a number of days such as 90d", param_hint="--older-than")
    old = archive.old_archives(session.repository, session.now - int(match[1]) * 86_400)
    if old and not dry_run:
        archive.prune(session.repository, old, session.who())
    for ref, _ in old:
        output.result(ref)
    done = "would be" if dry_run else "was" if len(old) == 1 else "were"
    output.tell(f"{output.counted(len(old), 'branch')} {done} deleted")
