"""The one screen that says what a run came to: of `evolve`, `consolidate` and `review`."""

from typing import TYPE_CHECKING, Any

from gitskill.cli import output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.report.status import Status

_TOP = 10


def of_run(session: Session, found: "Status", *, ends: bool = True) -> None:
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
