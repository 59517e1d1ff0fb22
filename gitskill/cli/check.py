"""gitskill check"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.checks.finding import Finding
    from gitskill.skill.snapshot import Skill


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
    """Check a skill: frontmatter, links, sizes, hidden text.

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
    if base is not None and (spec or len(paths) > 1):
        raise click.UsageError("--base goes with one skill, and not with --spec")
    if rev is None and not paths and session.is_bare:
        rev = "HEAD"
    skills = [_of_commit(session, rev)] if rev else [_of_disk(session, path) for path in paths or [None]]
    found = [item for skill in skills for item in _findings(session, skill, base, spec=spec)]
    if len(skills) == 1:
        found = [replace(item, path=item.path.removeprefix(f"{skills[0].shown}/")) for item in found]
    if as_json:
        output.document(to_json(found))
    else:
        for item in found:
            place = f"{item.path}:{item.line}: " if item.line else f"{item.path}: " if item.path else ""
            output.result(f"{item.level}  {item.check}  {place}{item.message}")
        output.result(f"{verdict(found)}")
    return {Verdict.INVALID: 3, Verdict.HELD: 4}.get(verdict(found), 0)


@dataclass(frozen=True)
class _Examined:
    """A skill, the name of its folder where that is known, and how to show it among others."""

    skill: "Skill"
    folder: str
    shown: str


def _of_commit(session: Session, rev: str) -> _Examined:
    folder = session.reader.folder
    return _Examined(session.reader.read(session.commit(rev)), folder.rpartition("/")[2], folder)


def _of_disk(session: Session, path: Path | None) -> _Examined:
    from gitskill.disk import read_skill, skill_folder

    folder = session.nearest_skill() if path is None else skill_folder(session.directory / path)
    skill = read_skill(folder)
    is_root = (folder / ".git").exists()
    return _Examined(skill, "" if is_root else folder.resolve().name, str(path))


def _findings(session: Session, examined: _Examined, base: str | None, *, spec: bool) -> "list[Finding]":
    from gitskill.checks.change import check_change
    from gitskill.checks.whole import check_whole

    if base is not None:
        found = check_change(session.reader.read(session.commit(base)), examined.skill)
    else:
        found = check_whole(examined.skill, examined.folder, spec=spec)
    return [replace(item, path=f"{examined.shown}/{item.path}") for item in found]
