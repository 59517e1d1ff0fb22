"""gitskill blame"""

import re
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.report.sources import SourcedLine

_RANGE = re.compile(r"(\d+)(?:,(\d+))?")


@click.command()
@click.argument("file", default="SKILL.md")
@click.option("--rev", default="HEAD", show_default=True, help="The version to look at.")
@click.option("-L", "lines", metavar="A,B", help="Only lines A to B.")
@options.as_json
@click.pass_obj
def blame(session: Session, file: str, rev: str, lines: str | None, as_json: bool) -> None:
    """Say which lessons and traces taught each line of FILE.

    FILE is a path inside the skill. Lines of the base go to the commits that
    wrote them.

    \b
    Example:
      gitskill blame SKILL.md -L 40,44
      gitskill blame references/dates.md --rev v1.1.0 --json
    """
    from gitskill.report.sources import sourced

    found = sourced(session.nodes, _inside(session, file), session.commit(rev))
    first, last = _range(lines, len(found))
    chosen = found[first - 1 : last]
    if as_json:
        output.document({"file": file, "lines": [_document(line) for line in chosen]})
        return
    names = output.lesson_names(chosen)
    output.table([_row(line, names(line)) for line in chosen])


def _inside(session: Session, file: str) -> str:
    """Take a path inside the skill, or one inside the repository as git would."""
    return file.removeprefix("./").removeprefix(f"{session.reader.folder}/" if session.reader.folder else "")


def _range(lines: str | None, count: int) -> tuple[int, int]:
    if lines is None:
        return 1, count
    match = _RANGE.fullmatch(lines)
    if match is None:
        raise click.BadParameter(f"{lines!r} is not a range of lines such as 40,44", param_hint="-L")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last or first > count:
        raise click.BadParameter(f"the file has lines 1 to {count}", param_hint="-L")
    return first, last


def _row(sourced: "SourcedLine", names: str) -> tuple[str, str, str, str]:
    line = sourced.line
    text = line.text.removesuffix("\r")
    return str(line.kind), names or line.commit[:8], str(sourced.support or ""), f"{line.number:4}  {text}"


def _document(sourced: "SourcedLine") -> dict[str, Any]:
    line = sourced.line
    return {
        "line": line.number,
        "text": line.text,
        "commit": line.commit,
        "kind": str(line.kind),
        "lessons": [str(lesson) for lesson in line.lessons],
        "traces": [ref.trace for ref in sourced.traces],
        "support": sourced.support,
    }
