"""gitskill lesson"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput

if TYPE_CHECKING:
    from gitskill.skill.snapshot import Skill

_TOO_LONG = 1_000_000
"""More than edits and diffs may be; what reads them says so. A file such as /dev/zero has no end."""


@click.group()
def lesson() -> None:
    """Add lessons by hand."""


@lesson.command()
@click.option("--title", required=True, help="The rule in one line; it becomes the commit's subject.")
@click.option("--why", required=True, help="The cause: what goes wrong without it.")
@click.option(
    "--diff", type=click.Path(path_type=Path, allow_dash=True), help="A unified diff of the skill; - for stdin."
)
@click.option("--edits", type=click.Path(path_type=Path, allow_dash=True), help="Edits in YAML or JSON; - for stdin.")
@click.option(
    "--run", "run_name", metavar="RUN", help="The run it belongs to; else the newest on this skill, or a new one."
)
@options.as_json
@click.pass_obj
def add(
    session: Session, title: str, why: str, diff: Path | None, edits: Path | None, run_name: str | None, as_json: bool
) -> None:
    """Put a lesson of yours on a branch of its own.

    The edits apply to the skill as it is committed; your checkout stays as it
    is. Give them as a diff or as a list of edits (see docs/edits.md).

    \b
    Example:
      git diff | gitskill lesson add --title "Recalculate after writing" \\
        --why "a cached value looks right and is stale" --diff -
    """
    from gitskill.ids import RunId
    from gitskill.propose import Proposal, base_of, propose

    if (diff is None) == (edits is None):
        raise click.UsageError("give either --diff FILE or --edits FILE")
    run = base_of(session.reader, session.who(), RunId.parse(run_name) if run_name else None)
    skill = _edited(session, session.reader.read(run.base), diff, edits)
    made = propose(session.reader, run, Proposal(title, why, skill), session.who())
    if as_json:
        output.document({"lesson": str(made.id), "commit": made.commit, "branch": made.branch})
        return
    output.result(f"{made.id}  {made.title}")
    for finding in made.findings:
        output.tell(f"  {finding.level} {finding.path}: {finding.message}")
    for file in _uncommitted(session) if edits else []:
        output.tell(f"  note     {file} has uncommitted edits; the lesson stands on what is committed")
    output.tell(f"  look     gitskill show {made.id}")
    output.tell(f"  merge    gitskill merge {made.id} ...")


def _uncommitted(session: Session) -> list[str]:
    from gitskill.store.checkout import edited

    return edited(session.reader)


def _edited(session: Session, base: "Skill", diff: Path | None, edits: Path | None) -> "Skill":
    """Return the base with the edits of the file that was given; what is wrong with them is said with its name."""
    file = diff or edits or Path("-")
    text = _read(file)
    try:
        if diff is not None:
            from gitskill.skill.diffs import apply_diff

            return apply_diff(base, text, folder=session.reader.folder)
        from gitskill.skill.edits import apply_edits, parse_edits

        return apply_edits(base, parse_edits(text))
    except InvalidInput as error:
        raise InvalidInput(f"{'standard input' if str(file) == '-' else file}: {error}") from error


def _read(path: Path) -> str:
    """Read a file, or stdin for `-`, without translating its line ends."""
    try:
        return (_standard_input() if str(path) == "-" else _start_of(path)).decode()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 (byte {error.start})") from error


def _standard_input() -> bytes:
    stream: TextIO | None = sys.stdin  # None where whoever started us has closed it
    if stream is None:
        raise InvalidInput("standard input is closed")
    return stream.buffer.read(_TOO_LONG)


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_TOO_LONG)
