"""gitskill changelog"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput

if TYPE_CHECKING:
    from gitskill.report.changelog import Chapter


@click.command()
@click.option("-o", "--output", "place", default="-", metavar="FILE", help="Write it there; - is the terminal.")
@options.as_json
@click.pass_obj
def changelog(session: Session, place: str, as_json: bool) -> None:
    """Write what each version brought, newest first.

    In the form of Keep a Changelog: added, changed and removed, each with its
    lesson and its support. The same history gives the same text.

    \b
    Example:
      gitskill changelog -o CHANGELOG.md
    """
    from gitskill.report.changelog import chapters, text
    from gitskill.report.versions import versions

    found = chapters(session.nodes, versions(session.nodes))
    if as_json:
        output.document([_document(each) for each in found])
    elif place == "-":
        output.block(text(found).rstrip("\n"))
    else:
        _write(session.directory / place, text(found))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from error
    output.tell(f"wrote {file}")


def _document(chapter: "Chapter") -> dict[str, Any]:
    entries = [
        {
            "kind": str(each.kind).lower(),
            "lesson": each.lesson,
            "title": each.title,
            "support": each.support.traces if each.support else None,
            "of": each.support.of if each.support else None,
        }
        for each in chapter.entries
    ]
    about = {"version": f"v{chapter.version}", "tag": chapter.tag, "date": chapter.day, "about": chapter.about}
    return {**about, "entries": entries}
