"""gitskill evolve"""

from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import choosing, models, options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.report.status import Status

_TOP = 10


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
    screen(session, found, ends=not release_it)
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


def screen(session: Session, found: "Status", *, ends: bool = True) -> None:
    """Print what a run came to, and, where nothing else `ends` it, what to do next."""
    from gitskill.cli.status import cost
    from gitskill.report.compare import compare

    run, states = found.run.id, found.states
    told = " + ".join(f"{states[state]} {state}" for state in states_in_order() if states[state])
    output.result(f"{output.counted(len(found.lessons), 'lesson')} = {told or 'none'}")
    if found.candidate is None:
        _waiting(found)
        output.result("nothing new was learned, so there is no candidate")
        _tell_review(found)
        return
    output.result()
    output.result(f"{'support':>9}  lesson", bold=True)
    rows = found.top[:_TOP]
    for each in rows:
        output.result(f"{each.support!s:>9}  {each.lesson.short}  {each.title}")
    if len(found.top) > len(rows):
        output.result(f"{'...':>9}  {len(found.top) - len(rows)} more: gitskill show {run}")
    output.result()
    output.result(compare(session.nodes, found.run.base, found.candidate).summary)
    if paid := cost(session, found):
        output.result(f"paid: {paid}")
    _waiting(found)
    if ends:
        _next(session, found)


def _next(session: Session, found: "Status") -> None:
    """Say what to do with the candidate."""
    from gitskill.release import foreseen

    run, version = found.run.id, foreseen(session.nodes, found)
    _tell_review(found)
    output.tell(f"  compare   gitskill diff HEAD {run}")
    output.tell(f"  blame     gitskill blame --rev {run} SKILL.md")
    output.tell(f"  page      gitskill report {run}")
    output.tell(f"  release   gitskill release {run}" + (f"          (would be {version})" if version else ""))


def _tell_review(found: "Status") -> None:
    if any(one.state == "held" for one in found.lessons.values()):
        output.tell(f"  review    gitskill review {found.run.id}")


def states_in_order() -> tuple[Any, ...]:
    """Give the states of lessons as the account names them."""
    from gitskill.report.lesson import State

    return (State.MERGED, State.FOLDED, State.DROPPED, State.HELD, State.REJECTED, State.PROPOSED)


def _waiting(found: "Status") -> None:
    """Say how many lessons wait for a person, and for what."""
    from collections import Counter

    from gitskill.report.lesson import State

    held = [one for one in found.lessons.values() if one.state is State.HELD]
    if held:
        kinds = Counter(one.by for one in held)
        told = ", ".join(f"{by} {count}" for by, count in kinds.most_common())
        wait = "wait" if len(held) > 1 else "waits"
        output.result(f"{output.counted(len(held), 'lesson')} {wait} for a person ({told})")
