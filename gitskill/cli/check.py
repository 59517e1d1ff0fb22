"""gitskill check"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.checks.finding import Finding


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--rev", help="Check the skill as a commit, branch or tag has it, not the files on disk.")
@click.option("--base", help="Report only what is worse than in this version.")
@click.option("--spec", is_flag=True, help="Give the Agent Skills specification's own strict verdict.")
@options.as_json
@click.pass_obj
def check(
    session: Session, paths: tuple[Path, ...], rev: str | None, base: str | None, spec: bool, as_json: bool
) -> int:
    """Check the form of skills: frontmatter, names, links, sizes, hidden characters.

    PATH is a skill's folder or its SKILL.md; without it, the skill around the
    current directory. Exit code 3 for an invalid skill, 0 for warnings alone.

    \b
    Example:
      gitskill check
      gitskill check --spec skills/sheets
      gitskill check --rev r0001/m1-01 --base HEAD
    """
    from gitskill.checks.finding import Verdict, to_json, verdict

    if rev is not None and paths:
        raise click.UsageError("give either PATH or --rev")
    found = _of_commit(session, rev, base, spec=spec) if rev or base else _of_disk(session, paths, spec=spec)
    if as_json:
        output.document(to_json(found))
    else:
        for item in found:
            place = f"{item.path}:{item.line}" if item.line else item.path
            output.result(f"{item.level}  {item.check}  {place}: {item.message}")
        output.tell(f"{verdict(found)}")
    return {Verdict.INVALID: 3, Verdict.HELD: 4}.get(verdict(found), 0)


def _of_commit(session: Session, rev: str | None, base: str | None, *, spec: bool) -> "list[Finding]":
    from gitskill.checks.change import check_change
    from gitskill.checks.whole import check_whole

    skill = session.reader.read(session.commit(rev or "HEAD"))
    if base is not None and not spec:
        return list(check_change(session.reader.read(session.commit(base)), skill))
    return list(check_whole(skill, session.reader.folder.rpartition("/")[2], spec=spec))


def _of_disk(session: Session, paths: tuple[Path, ...], *, spec: bool) -> "list[Finding]":
    from dataclasses import replace

    from gitskill.checks.whole import check_whole
    from gitskill.disk import read_skill, skill_folder
    from gitskill.skill.snapshot import at_root

    found: list[Finding] = []
    for path in paths or (session.nearest_skill(),):
        folder = skill_folder(session.directory / path)
        is_root = (folder / ".git").exists()
        skill = at_root(read_skill(folder)) if is_root else read_skill(folder)
        name = "" if is_root and not spec else folder.resolve().name
        above = f"{path}/" if len(paths) > 1 else ""
        found += [replace(item, path=above + item.path) for item in check_whole(skill, name, spec=spec)]
    return found
