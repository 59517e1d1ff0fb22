"""gitskill review"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.fate import Verdict
    from gitskill.ids import LessonId
    from gitskill.review import Decided, Item
    from gitskill.store.runs import Run


@dataclass(frozen=True, slots=True)
class VerdictFlags:
    """The verdicts of a command line."""

    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    reason: str | None = None
    accept_held: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "accept", _names(self.accept))
        object.__setattr__(self, "reject", _names(self.reject))
        if self.reject and not (self.reason or "").strip():
            raise click.UsageError(
                "--reject needs --reason TEXT: it is kept, and told to those who meet the lesson again"
            )
        if self.reason is not None and not self.reject:
            raise click.UsageError("--reason is for --reject ID")
        if both := sorted(set(self.accept) & set(self.reject)):
            raise click.UsageError(f"{both[0]} cannot be both accepted and rejected")

    @property
    def any(self) -> bool:
        """Tell whether there is a verdict."""
        return bool(self.accept or self.reject or self.accept_held)


def _names(given: Sequence[str]) -> tuple[str, ...]:
    """Give each name once; several may stand in one option, with commas."""
    return tuple(dict.fromkeys(name.strip() for each in given for name in each.split(",") if name.strip()))


_FLAGS = (
    click.option("--accept", multiple=True, metavar="ID", help="Accept this lesson as it is. May be repeated."),
    click.option(
        "--reject", multiple=True, metavar="ID", help="Turn this lesson down, with --reason. May be repeated."
    ),
    click.option("--reason", metavar="TEXT", help="Why what --reject names is turned down."),
    click.option("--accept-held", is_flag=True, help="Accept every lesson of the run that waits for a person."),
)


@click.command()
@click.argument("run", default="", metavar="[RUN]")
@options.together("flags", VerdictFlags, _FLAGS)
@options.as_json
@click.pass_obj
def review(session: Session, run: str, flags: VerdictFlags, as_json: bool) -> None:
    """Look at lessons one by one and decide what becomes of them.

    What waits for a person comes first. Verdicts are kept as you give them, so
    you can stop and go on later; gitskill undo takes one back. They count when
    the run is consolidated again. What you turn down is not proposed again.

    \b
    Example:
      gitskill review r0007
      gitskill review --accept l0088a --reject l0012a --reason "not ours"
    """
    from gitskill.review import items

    chosen = _run(session, run, flags)
    if flags.any:
        _decide(session, chosen, flags, as_json=as_json)
    elif as_json:
        output.document({"run": str(chosen.id), "lessons": [_row(item) for item in items(session.nodes, chosen)]})
    elif sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(
            "no terminal to ask on: give --accept ID, --reject ID --reason TEXT or --accept-held; --json lists all"
        )
    else:
        from gitskill.cli.reviewing import Reviewing

        Reviewing(session, chosen).work()


def _run(session: Session, name: str, flags: VerdictFlags) -> "Run":
    """Give the run that is meant: the one that is named, or that the lessons name, else the newest."""
    from gitskill.cli.working import find_run
    from gitskill.ids import LessonId, RunId

    named = {LessonId.parse(lesson).run for lesson in (*flags.accept, *flags.reject) if "/" in lesson}
    named |= {RunId.parse(name)} if name else set()
    if len(named) > 1:
        told = " and ".join(map(str, sorted(named)))
        raise click.UsageError(f"these are lessons of {told}: decide on one run at a time")
    return find_run(session, named.pop() if named else None)


def _decide(session: Session, run: "Run", flags: VerdictFlags, *, as_json: bool) -> None:
    from gitskill.fate import Decision
    from gitskill.ids import LessonId
    from gitskill.review import Wanted, decide, items

    def lesson(name: str) -> "LessonId":
        return LessonId.parse(name if "/" in name else f"{run.id}/{name}")

    turned_down = [Wanted(lesson(name), Decision.REJECT, flags.reason or "") for name in flags.reject]
    wanted = {each.lesson: each for each in turned_down}
    held = [item.id for item in items(session.nodes, run) if item.waits] if flags.accept_held else []
    for each in (*map(lesson, flags.accept), *held):
        wanted.setdefault(each, Wanted(each, Decision.ACCEPT))
    if not wanted:
        output.tell(f"no lesson of {run.id} waits for a person")
    done = decide(session.nodes, run, tuple(wanted.values()), session.who())
    if as_json:
        output.document(_document(session, run, done))
        return
    for verdict in done.verdicts:
        output.result(
            f"{verdict.decision}ed  {run.id}/{verdict.slot}" + (f"  as {verdict.again}" * bool(verdict.again))
        )
    follow_up(session, run, done)


def follow_up(session: Session, run: "Run", done: "Decided") -> None:
    """Do what follows from verdicts, and say how they come to count."""
    if done.run:
        from gitskill.cli.consolidate import by_rule
        from gitskill.cli.screen import of_run

        output.tell(f"{run.id} was released before, so {done.run} is a run of what you accepted")
        of_run(session, by_rule(session, done.run))
    elif done.verdicts and not done.is_closed:
        output.tell(f"  count it  gitskill consolidate {run.id}")


def _document(session: Session, run: "Run", done: "Decided") -> dict[str, Any]:
    candidate = None
    if done.run:
        from gitskill.cli.consolidate import by_rule

        candidate = by_rule(session, done.run).candidate
    return {
        "run": str(run.id),
        "verdicts": [verdict_document(str(run.id), each) for each in done.verdicts],
        "new_run": str(done.run) if done.run else None,
        "candidate": candidate,
    }


def verdict_document(run: str, verdict: "Verdict") -> dict[str, Any]:
    """Give a verdict as `--json` prints it; its keys are stable."""
    return {
        "lesson": f"{run}/{verdict.slot}",
        "verdict": str(verdict.decision),
        "commit": verdict.commit,
        "reason": verdict.reason,
        "who": verdict.who,
        "when": verdict.when,
        "again": verdict.again or None,
    }


def _row(item: "Item") -> dict[str, Any]:
    standing = item.standing
    return {
        "lesson": str(item.id),
        "title": item.title,
        "state": str(standing.state),
        "by": standing.by,
        "reason": standing.reason,
        "support": standing.support.traces if standing.support else None,
        "commit": item.found.commit if item.found else None,
        "waits": item.waits,
        "verdict": verdict_document(str(item.id.run), item.verdict) if item.verdict else None,
    }
