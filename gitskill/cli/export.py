"""gitskill export"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.skill.snapshot import Skill


@click.command()
@click.argument("places", nargs=-1, metavar="[TAG] DIR")
@click.option("--skip-unsafe", is_flag=True, help="Leave out links, and files with a name that is not safe everywhere.")
@click.option("--own", is_flag=True, help="Instead of yours, write the skill that teaches an agent to use gitskill.")
@options.as_json
@click.pass_obj
def export(session: Session, places: tuple[str, ...], skip_unsafe: bool, own: bool, as_json: bool) -> int:
    """Write a version of the skill to a new or empty folder.

    TAG is a version, or any commit, branch or run. The files are those of the
    commit, byte for byte, with mode 0644; all of them are written or none.
    With --skip-unsafe and something left out the exit code is 7.

    \b
    Example:
      gitskill export v1.2.0 ~/.claude/skills/sheets
      gitskill export --own ~/.claude/skills/skill-gitskill
    """
    from gitskill.export import export as write

    if len(places) != 2 - own:
        raise click.UsageError("give DIR alone with --own" if own else "give TAG and DIR")
    folder = session.directory / Path(places[-1])
    commit = None if own else session.commit(places[0])
    skill = _own() if commit is None else session.reader.read(commit)
    done = write(skill, folder, skip_unsafe=skip_unsafe)
    if as_json:
        skipped = [{"path": path, "reason": why} for path, why in done.skipped]
        output.document({"commit": commit, "folder": str(folder), "files": done.files, "skipped": skipped})
    else:
        for path, why in done.skipped:
            output.tell(f"  skipped   {path} {why}")
        output.result(f"wrote {output.counted(len(done.files), 'file')} to {folder}")
    return 7 if done.skipped else 0


def _own() -> "Skill":
    """Read the skill that travels with gitskill."""
    from gitskill.resources import resource
    from gitskill.skill.snapshot import Skill

    names = ("SKILL.md", "references/commands.md", "references/exit-codes.md")
    return Skill({name: resource(f"templates/skill-gitskill/{name}").read_bytes() for name in names})
