"""gitskill blame"""

import re
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitskill.ids import LessonId
    from gitskill.report.sources import SourcedLine

_NAMES = 3
"""Lessons of a line that are named; --json has all."""
_RANGE = re.compile(r"(\d+)(?:,(\d+))?")


@click.command()
@click.argument("file", default="SKILL.md")
@click.option("--rev", default="HEAD", show_default=True, help="The version to look at.")
@click.option("-L", "lines", metavar="A,B", help="Only lines A to B.")
@options.as_json
@click.pass_obj
def blame(session: Session, file: str, rev: str, lines: str | None, as_json: bool) -> None:
    """Say which lessons and traces taught each line of FILE.

    FILE is a path inside the skill. In front of each line stand its lessons,
    the traces that taught it out of those that were studied, and the analysts.
    Lines of the base name the version that has them first.

    \b
    Example:
      gitskill blame SKILL.md -L 40,44
      gitskill blame references/dates.md --rev v1.1.0 --json
    """
    from gitskill.report.sources import sourced

    found = sourced(session.nodes, inside(session, file), session.commit(rev))
    first, last = _range(lines, len(found))
    chosen = found[first - 1 : last]
    if as_json:
        usd = _costs(session)
        output.document({"file": file, "lines": [_document(line, usd) for line in chosen]})
        return
    names = output.lesson_names(chosen)
    output.table([_row(line, names(line).split()) for line in chosen])


def _costs(session: Session) -> "Callable[[LessonId], float | None]":
    """Give what the study of a lesson's trace cost, as far as this machine's ledger knows."""
    from gitskill.report.cost import lesson_costs

    if not session.ledger.exists():
        return lambda _: None
    from gitskill.model.ledger import Ledger

    ledger = Ledger(session.ledger)
    try:
        return lesson_costs(ledger.bills())
    finally:
        ledger.close()


def inside(session: Session, file: str) -> str:
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


def _row(sourced: "SourcedLine", names: list[str]) -> tuple[str, str, str, str]:
    """Name the lessons first, as long as they fit; else what wrote the line."""
    line = sourced.line
    kind = str(line.kind)
    shown = " ".join(names[:_NAMES]) + (f" +{len(names) - _NAMES}" if len(names) > _NAMES else "")
    who = {"resolution": f"res {sourced.made} {shown}", "placing": f"placing {sourced.made} {shown}"}.get(kind, shown)
    by = "+".join(sourced.analysts) if names else sourced.made
    text = line.text.removesuffix("\r")
    return who or kind, sourced.share, by, f"{line.number:4}  {text}"


def _document(sourced: "SourcedLine", usd: "Callable[[LessonId], float | None]") -> dict[str, Any]:
    line = sourced.line
    known = [cost for lesson in line.lessons if (cost := usd(lesson)) is not None]
    return {
        "line": line.number,
        "text": line.text,
        "commit": line.commit,
        "kind": str(line.kind),
        "lessons": [str(lesson) for lesson in line.lessons],
        "traces": [ref.trace for ref in sourced.traces],
        "support": sourced.support,
        "of": line.of or None,
        "analysts": list(sourced.analysts),
        "made": sourced.made,
        "usd": sum(known) if known else None,
    }
