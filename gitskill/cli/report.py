"""gitskill report"""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput

_STDOUT = "-"
_HEAD = 300
"""Bytes at the start of a file in which a page of ours says that it is one."""


@click.command()
@click.argument("name", default="", metavar="[RUN|TAG]")
@click.option("-o", "--output", "path", default="report.html", show_default=True, metavar="FILE", help="- is stdout.")
@click.option("--force", is_flag=True, help="Overwrite a file that is no report.")
@options.as_json
@click.pass_obj
def report(session: Session, name: str, path: str, force: bool, as_json: bool) -> None:
    """Write one HTML page about a run or a release.

    It shows the merges as a tree, each lesson with its evidence, change and
    clashes, what waits or was turned down, the skill with its sources, and the
    cost. The file loads nothing; what it quotes are your traces. Without a name
    it is about the newest run. An older report is replaced; any other file is
    left alone unless you say --force.

    \b
    Example:
      gitskill report r0007 -o r0007.html
      gitskill report v1.4.0 -o - > v1.4.0.html
    """
    from gitskill.cli.status import every_bill
    from gitskill.report.page.build import build
    from gitskill.report.page.html import GENERATOR, render
    from gitskill.report.page.subject import subject

    if path == _STDOUT and as_json:
        raise click.UsageError("--json tells of the file that was written, and -o - writes none")
    place = session.directory / path
    if path != _STDOUT:
        _refuse(place, GENERATOR, force=force)
    about = subject(session.nodes, name)
    page = build(session.nodes, about, every_bill(session, [str(story.id) for story in about.stories]))
    text = render(page)
    if path == _STDOUT:
        output.block(text)
        return
    _write(place, text.encode(), replace=place.exists())
    if as_json:
        runs = [str(story.id) for story in about.stories]
        output.document({"file": path, "about": about.name, "runs": runs, "lessons": len(page.lessons)})
    else:
        output.result(path)


def _refuse(place: Path, mark: str, *, force: bool) -> None:
    """Refuse to write where something stands that is not ours to replace; a link is never followed."""
    if place.is_symlink():
        raise InvalidInput(f"{place} is a symbolic link; a report is never written through one", hint="choose -o FILE")
    if place.exists() and not place.is_file():
        raise InvalidInput(f"{place} is not a file", hint="choose another with -o FILE")
    if not place.exists() or force:
        return
    try:
        with place.open("rb") as file:
            is_ours = mark.encode() in file.read(_HEAD)
    except OSError as error:
        raise InvalidInput(f"{place} cannot be read: {error.strerror}") from error
    if not is_ours:
        raise InvalidInput(f"{place} exists and is no report", hint="choose another with -o FILE, or say --force")


def _write(place: Path, data: bytes, *, replace: bool) -> None:
    """Write a file whole or not at all. What comes into being there meanwhile is not overwritten."""
    made = ""
    try:
        handle, made = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(made).chmod(0o666 & ~mask)
        if replace or not _linked(made, place):
            Path(made).replace(place)
    except OSError as error:
        raise InvalidInput(
            f"{place} cannot be written: {error.strerror}", hint="choose another with -o FILE"
        ) from error
    finally:
        if made:
            with suppress(OSError):
                Path(made).unlink()


def _linked(made: str, place: Path) -> bool:
    """Give a file its name, unless something has that name; False where the disk knows no second names."""
    try:
        os.link(made, place)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}:
            return False
        raise
    return True
