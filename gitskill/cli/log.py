"""gitskill log"""

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

    `signed` says that a tag has a signature; whether it is good, `verify` says.

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
    from gitskill.report.changelog import day_of

    release = version.release
    day = day_of(release.when)
    signed = "signed" if release.is_signed else ""
    count, runs = version.count, " ".join(map(str, version.runs))
    if version.rollback:
        return release.tag, day, "", f"rollback to {version.rollback}", signed
    if version.dropped:
        return release.tag, day, "", f"dropped {' '.join(str(each.lesson) for each in version.dropped)}", signed
    if count:
        traces = f" from {output.counted(version.traces, 'trace')}" if version.traces else ""
        return release.tag, day, runs, f"{output.counted(count, 'lesson')}{traces}", signed
    subject = release.message.partition("\n")[0].removeprefix(f"Release {release.version}: ")
    return release.tag, day, "", subject if version.previous else subject or "base", signed


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
        "rollback": version.rollback or None,
        "signed": version.release.is_signed,
    }
