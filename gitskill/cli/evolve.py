"""gitskill evolve"""

from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import choosing, models, options, output, screen
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.report.status import Status


@click.command()
@choosing.flags
@models.flags
@options.placing
@choosing.which
@click.option(
    "--release", "release_it", is_flag=True, help="Release the candidate too, where nothing stands in the way."
)
@options.as_json
@click.pass_obj
def evolve(
    session: Session,
    study: choosing.StudyFlags,
    flags: models.ModelFlags,
    min_support: int,
    engine: str,
    which: choosing.Which,
    release_it: bool,
    as_json: bool,
) -> int:
    """Study runs and join what they taught to a candidate.

    What `analyse` and `consolidate` do, one after the other. It stops at the
    candidate, the branch gitskill/RUN/evolved: your skill stays as it is until
    you release that, with `gitskill release` or --release.

    \b
    Example:
      gitskill evolve --traces ~/.claude/projects/sheets --max-usd 5
    """
    import time

    from gitskill.cli.analyse import studied
    from gitskill.cli.consolidate import merge, refuse_no_model, refuse_settling
    from gitskill.cli.working import stands

    _refuse_unready(session, release_it=release_it)
    refuse_no_model(session, flags, engine)
    began = time.monotonic()
    if study.strategy == "sequential":
        refuse_settling(engine, min_support)
    more = f" --min-support {min_support}" if min_support != options.MIN_SUPPORT else ""
    more += (f" --engine {engine}" if engine != "auto" else "") + " --release" * release_it
    done = studied(session, study, flags, which, onward=engine != "rules", more=more)
    merge(session, done.run, done.chosen, flags, min_support, engine)
    found = stands(session, done.run)
    _show(session, found, time.monotonic() - began if as_json else None, release_it=release_it)
    return 7 if found.traces["failed"] or done.skipped else 0


def _show(session: Session, found: "Status", seconds: float | None, *, release_it: bool) -> None:
    """Print what came of it, as a document where its `seconds` are asked for."""
    from gitskill.cli.status import document

    if seconds is not None:
        told = document(session, found) | {"seconds": round(seconds, 1)}
        try:
            told |= _released(session, found) if release_it else {}
        finally:  # where its release is refused, the candidate is there, and this still says which
            output.document(told)
        return
    screen.of_run(session, found, ends=not release_it)
    if release_it:
        _released(session, found, show=True)


def _refuse_unready(session: Session, *, release_it: bool) -> None:
    """Refuse what could not be released in the end, before anything is paid for."""
    from gitskill.release import ready_branch

    if release_it:
        ready_branch(session.repository)


def _released(session: Session, found: "Status", *, show: bool = False) -> "dict[str, Any]":
    """Release the candidate, and give what `release --json` prints of it; nothing where none is there."""
    from gitskill.cli import release

    if found.candidate is None:
        return {"release": None}
    made = release.released(session, found)
    if show:
        release.screen(made)
    return {"release": release.document(made)}
