"""gitskill demo"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitskill.cli import output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_SOMEBODY = {"NAME": "You", "EMAIL": "you@example.com"}
_FOREIGN = ("OPENAI_", "GITSKILL_")
_RUN = "r0001"


@click.command()
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Where to leave the sample repository.")
@click.pass_obj
def demo(session: Session, keep: Path | None) -> None:
    """Evolve a sample skill from 49 public runs, and go back.

    Everything happens in a folder of its own, without a model, key or network.

    \b
    Example:
      gitskill demo
    """
    from gitskill import resources

    place = _own_place(session.directory / keep) if keep else Path(tempfile.mkdtemp(prefix="gitskill-demo-"))
    folder = place / "shell"
    folder.mkdir(parents=True)
    _copy(resources.resource("templates/demo/SKILL.md"), folder / "SKILL.md")
    _copy(resources.resource("templates/demo/runs"), place / "runs")
    # A machine without a git identity can run the demo too, and a model that somebody has set up is not asked.
    somebody = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _SOMEBODY.items()}
    kept = {name: value for name, value in session.environment.items() if not name.startswith(_FOREIGN)}
    _show(folder, {**somebody, **kept})
    output.tell("")
    output.tell(f"the sample repository is {folder}")


def _own_place(keep: Path) -> Path:
    """Refuse a folder that holds something, or lies in a repository: the sample's commits would land there."""
    from gitskill.errors import InvalidInput
    from gitskill.start import repository_around

    place = keep.resolve()
    if place.is_dir() and any(place.iterdir()):
        raise InvalidInput(f"{place} is not empty", hint="name a new folder: nothing is overwritten")
    if repository_around(place) is not None:
        raise InvalidInput(f"{place} is in a git repository", hint="name a folder outside of it")
    return place


def _show(folder: Path, environment: Mapping[str, str]) -> None:
    """Type what a person would type, from the first command to a version and back."""
    _run(folder, environment, "init")
    _run(folder, environment, "evolve", "--traces", str(folder.parent / "runs"))
    branch, line = _best(folder, environment)
    seen = ("--graph", "--oneline", "--decorate=short", f"--ancestry-path={branch}")
    _git(folder, "log", *seen, f"v1.0.0..gitskill/{_RUN}/evolved")
    _run(folder, environment, "release", _RUN)
    _run(folder, environment, "blame", "-L", f"{line - 2},{line + 2}")
    _run(folder, environment, "trace-of", str(line))
    _run(folder, environment, "rollback", "v1.0.0")
    _run(folder, environment, "log")


def _best(folder: Path, environment: Mapping[str, str]) -> tuple[str, int]:
    """Give the branch of the lesson that most runs teach, and its line in the candidate."""
    from gitskill.cli.working import stands
    from gitskill.ids import RunId
    from gitskill.report.sources import sourced
    from gitskill.store.lessons import find

    session = Session(folder, None, environment)
    found = stands(session, RunId.parse(_RUN))
    best = found.top[0].lesson
    lines = sourced(session.nodes, "SKILL.md", session.commit(_RUN))
    number = next(each.line.number for each in lines if best in each.line.lessons and each.line.text.startswith("- "))
    return str(find(session.repository, str(best)).branch), number


def _copy(source: "Traversable", target: Path) -> None:
    if source.is_file():
        target.write_bytes(source.read_bytes())
        return
    target.mkdir()
    for each in source.iterdir():
        _copy(each, target / each.name)


def _run(folder: Path, environment: Mapping[str, str], *words: str) -> None:
    """Show a command as a person would type it, then run it."""
    from gitskill.cli.main import run
    from gitskill.errors import GitskillError

    shown = " ".join(word.replace(str(folder.parent), "..") for word in words)
    output.result()
    output.result(f"$ gitskill {shown}", bold=True)
    if run(["-C", str(folder), *words], environment):
        raise GitskillError(f"the demo stopped at: gitskill {shown}")


def _git(folder: Path, *words: str) -> None:
    from gitskill.store.git import run

    output.result()
    output.result(f"$ git {' '.join(words)}", bold=True)
    output.block(run(folder / ".git", *words).decode().rstrip())
