"""gitskill log"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.report.versions import VersionReport


@click.command()
@options.as_json
@click.pass_obj
def log(session: Session, as_json: bool) -> None:
    """List the skill's versions and the lessons that each brought.

    \b
    Example:
      gitskill log
    """
    from gitskill.report.versions import versions

    found = versions(session.nodes)
    if as_json:
        output.document([_document(version) for version in found])
        return
    if not found:
        output.tell('no version is tagged yet; the first: git tag -a v1.0.0 -m "Base"')
    output.table([_row(version) for version in found])


def _row(version: "VersionReport") -> tuple[str, ...]:
    day = _day(version.release.when)
    count, runs = len(version.lessons), " ".join(map(str, version.runs))
    if count:
        traces = f" from {output.counted(version.traces, 'trace')}" if version.traces else ""
        return version.release.tag, day, runs, f"{output.counted(count, 'lesson')}{traces}"
    subject = version.release.message.partition("\n")[0]
    return version.release.tag, day, "", subject if version.previous else subject or "base"


def _day(when: int) -> str:
    """Write a moment as a day; a tag may claim one that no calendar has."""
    try:
        return datetime.fromtimestamp(when, UTC).date().isoformat()
    except (OverflowError, OSError, ValueError):
        return str(when)


def _document(version: "VersionReport") -> dict[str, Any]:
    return {
        "version": str(version.release.version),
        "tag": version.release.tag,
        "commit": version.release.commit,
        "previous": version.previous or None,
        "run": str(version.runs[-1]) if version.runs else None,
        "lessons": [str(lesson) for lesson in version.lessons],
        "traces": version.traces,
        "gate": None,
    }
