"""gitskill demo"""

import tempfile
from pathlib import Path

import click

from gitskill.cli import output
from gitskill.cli.session import Session

_LESSONS = {
    "recalculate.yml": ("Recalculate after writing a formula", "the checker read a cached value and found None"),
    "read-back.yml": ("Read the target range back", "a wrong range was filled and nobody looked"),
    "dates.yml": ("Store dates as dates", "text that looks like a date does not sort or compare"),
    "formats.yml": ("Copy the format of the row above", "new rows stood out as plain numbers"),
}


@click.command()
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Where to leave the sample repository.")
@click.pass_obj
def demo(session: Session, keep: Path | None) -> None:
    """Build a sample skill, teach it four lessons, and merge them.

    Everything happens in a folder of its own, without a model, key or network.

    \b
    Example:
      gitskill demo
    """
    from gitskill import resources

    folder = (keep or Path(tempfile.mkdtemp(prefix="gitskill-demo-"))) / "sheets"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(resources.resource("templates/demo/SKILL.md").read_text(encoding="utf-8"))
    _run(session, folder, "init")
    for name, (title, why) in _LESSONS.items():
        edits = folder.parent / name
        edits.write_text(resources.resource(f"templates/demo/{name}").read_text(encoding="utf-8"))
        _run(session, folder, "lesson", "add", "--title", title, "--why", why, "--edits", str(edits))
    _run(session, folder, "merge", "l0001a", "l0002a", "l0003a", "l0004a")
    _git(folder, "log", "--graph", "--oneline", "--decorate=short", "--branches", "--tags")
    _run(session, folder, "blame", "--rev", "r0001/m1-01", "-L", "8,19")
    _run(session, folder, "diff", "v1.0.0", "r0001/m1-01")
    output.tell("")
    output.tell(f"the sample repository is {folder}")


def _run(session: Session, folder: Path, *words: str) -> None:
    """Show a command as a person would type it, then run it."""
    from gitskill.cli.main import run
    from gitskill.errors import GitskillError

    shown = " ".join(f'"{word}"' if " " in word else word.replace(str(folder.parent), "..") for word in words)
    output.result()
    output.result(f"$ gitskill {shown}", bold=True)
    # A machine without a git identity can run the demo too.
    somebody = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _SOMEBODY.items()}
    if run(["-C", str(folder), *words], {**somebody, **session.environment}):
        raise GitskillError(f"the demo stopped at: gitskill {shown}")


_SOMEBODY = {"NAME": "You", "EMAIL": "you@example.com"}


def _git(folder: Path, *words: str) -> None:
    from gitskill.store.git import run

    output.result()
    output.result(f"$ git {' '.join(words)}", bold=True)
    output.block(run(folder / ".git", *words).decode().rstrip())
