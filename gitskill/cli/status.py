"""gitskill status"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.fate import Anomaly
    from gitskill.model.ledger import Bill
    from gitskill.model.request import Label
    from gitskill.report.status import Status

_SHOWN = 10


@click.command()
@click.argument("run", default="", metavar="[RUN]")
@click.option("--short", is_flag=True, help="One line for a shell's prompt; nothing where there is no run.")
@options.as_json
@click.pass_obj
def status(session: Session, run: str, short: bool, as_json: bool) -> None:
    """Say how far a run is and what it cost.

    Every trace and every lesson is accounted for. Without RUN it is the newest.

    \b
    Example:
      gitskill status r0007
      PS1='$(gitskill status --short) $ '
    """
    if short:
        if run or as_json:
            raise click.UsageError("--short is of the newest run, in one line: it goes without RUN and --json")
        _show_short(session)
        return
    from gitskill.cli.working import find_run, stands
    from gitskill.ids import RunId

    found = stands(session, RunId.parse(run) if run else find_run(session).id)
    if as_json:
        output.document(document(session, found))
    else:
        show(session, found)


def _show_short(session: Session) -> None:
    """Print one line or nothing: a prompt must not break where there is no skill, or none that can be read."""
    from gitskill.errors import GitskillError
    from gitskill.report.short import short_status

    try:
        told = short_status(session.repository, session.reader.folder)
    except GitskillError:
        return
    if told:
        output.result(told)


def show(session: Session, found: "Status") -> None:
    """Print where a run stands."""
    from gitskill.cli.plan import order_of
    from gitskill.report.lesson import State

    traces, states, run = found.traces, found.states, found.run
    output.result(f"run {run.id} on {run.base[:8]}, {run.engine}")
    if found.plan:
        told = [f"{traces['lessons']} with lessons", f"{traces['no_lesson']} without"]
        told += [f"{traces[name]} {name}" for name in ("skipped", "failed", "pending") if traces[name]]
        output.result(f"  traces   {sum(traces.values())}: {', '.join(told)}")
        output.result(f"  tree     {order_of(found.plan)}")
    counts = ", ".join(f"{states[state]} {state}" for state in State if states[state])
    output.result(f"  lessons  {len(found.lessons)}" + (f": {counts}" if counts else ""))
    if paid := cost(session, found):
        output.result(f"  cost     {paid}")
    _show_reasons(found)
    _show_remarks(found)
    for each in found.anomalies:
        output.result(f"  anomaly  {each.what}")
    _show_next(found)


def _show_next(found: "Status") -> None:
    """Say what can be done next."""
    from gitskill.report.lesson import State

    run = found.run
    if found.lessons:
        output.tell(f"  look      gitskill show {run.id}")
    if found.states[State.HELD]:
        output.tell(f"  review    gitskill review {run.id}")
    if found.uncounted:
        output.tell(f"  count     {output.counted(len(found.uncounted), 'verdict')}: gitskill consolidate {run.id}")
    if found.traces["failed"] and not found.is_sequential:
        output.tell(f"  again     gitskill analyse --run {run.id} --retry")
    if not found.is_finished:
        output.tell(f"  go on     gitskill analyse --run {run.id}")


def cost(session: Session, found: "Status") -> str:
    """Say what the run cost, as far as this machine's ledger knows; empty where no model was asked."""
    bill = _bill(session, found)
    return output.bill(bill) if bill.calls or bill.maybe_paid else ""


def _show_remarks(found: "Status") -> None:
    """Print what analysts remarked, such as that something in a run looked like an attack."""
    remarks = [(each.number, each.reason) for each in found.fates.values() if each.lessons and each.reason]
    for number, remark in remarks[:_SHOWN]:
        output.result(f"  remark   on l{number:04d}: {remark}")
    if len(remarks) > _SHOWN:
        output.result(f"           and {len(remarks) - _SHOWN} other remarks (--json names them all)")


def _show_reasons(found: "Status") -> None:
    """Print the commonest reasons for what came to nothing."""
    from collections import Counter

    from gitskill.plan import WHY
    from gitskill.report.lesson import State

    reasons: Counter[tuple[str, str]] = Counter()
    reasons.update((str(each.fate), each.reason) for each in found.fates.values() if not each.lessons)
    reasons.update(("skipped", WHY[each.why]) for each in (found.plan.skipped if found.plan else ()))
    for standing in found.lessons.values():
        if standing.state in {State.HELD, State.REJECTED}:
            reasons[str(standing.state), f"{standing.by}: {standing.reason}"] += 1
    for (what, reason), count in reasons.most_common(_SHOWN):
        output.result(f"  {count:5} {what.replace('_', ' ')}: {reason}")
    if len(reasons) > _SHOWN:
        output.result(f"        and {len(reasons) - _SHOWN} other reasons (--json names them all)")


def document(session: Session, found: "Status") -> dict[str, Any]:
    """Give the document that `status --json` prints; its keys are stable."""
    from gitskill.report.lesson import State

    bill, states = _bill(session, found), found.states
    ends = ("merged", "folded", "dropped", "held", "rejected")
    counts = {name: states[State(name)] for name in ends}
    return {
        "run": str(found.run.id),
        "base": found.run.base,
        "candidate": found.candidate,
        "engine": found.run.engine,
        "strategy": str(found.plan.recipe.strategy) if found.plan else None,
        "rounds": found.plan.depth if found.plan else 0,
        "groups": [[list(group) for group in level] for level in found.plan.groups] if found.plan else [],
        "traces": found.traces,
        "lessons": {"proposed": len(found.lessons), **counts, "pending": states[State.PROPOSED]},
        "calls": bill.calls,
        "tokens": {"input": bill.tokens.input, "output": bill.tokens.output, "cached": bill.tokens.cached},
        "maybe_paid": bill.maybe_paid,
        "usd": bill.usd,
        "seconds": None,  # evolve knows; no clock reading is kept
        "top": [
            {"lesson": str(each.lesson), "title": each.title, "support": each.support.traces, "of": each.support.of}
            for each in found.top
        ],
        **_reasons(found),
    }


def _reasons(found: "Status") -> dict[str, Any]:
    """Name every trace without a lesson and every lesson that waits or was refused, with the reason."""
    from gitskill.plan import WHY
    from gitskill.report.lesson import State

    plan, fates = found.plan, found.fates.values()
    traces = {each.number: {"trace": each.trace, "task": each.task} for each in (plan.assignments if plan else ())}
    waiting = {lesson: one for lesson, one in found.lessons.items() if one.state in {State.HELD, State.REJECTED}}
    return {
        "no_lesson": [
            {**traces[each.number], "fate": str(each.fate), "reason": each.reason}
            for each in fates
            if not each.lessons and each.number in traces
        ],
        "skipped": [
            {"trace": each.trace, "task": each.task, "reason": str(each.why), "detail": WHY[each.why]}
            for each in (plan.skipped if plan else ())
        ],
        "remarks": [
            {**traces[each.number], "remark": each.reason}
            for each in fates
            if each.lessons and each.reason and each.number in traces
        ],
        "waiting": [
            {"lesson": str(lesson), "state": str(one.state), "by": one.by, "reason": one.reason}
            for lesson, one in waiting.items()
        ],
        "uncounted": [str(lesson) for lesson in found.uncounted],
        "anomalies": [_anomaly(each) for each in found.anomalies],
    }


def _anomaly(anomaly: "Anomaly") -> dict[str, Any]:
    quotes = [{"trace": one.trace, "step": one.step, "quote": one.quote} for one in anomaly.evidence]
    return {"what": anomaly.what, "evidence": quotes}


def _bill(session: Session, found: "Status") -> "Bill":
    """Add up what the run cost, as far as this machine's ledger knows."""
    from gitskill.report.status import total

    return total(bills(session, str(found.run.id)))


def bills(session: Session, run: str) -> "Mapping[Label, Bill]":
    """Give what was paid for a run, by stage and lesson, as far as this machine's ledger knows."""
    return every_bill(session, [run])[run]


def every_bill(session: Session, runs: Sequence[str]) -> "dict[str, Mapping[Label, Bill]]":
    """Give what was paid for each of `runs`."""
    from gitskill.model.ledger import Ledger

    if not session.ledger.exists():
        return {run: {} for run in runs}
    ledger = Ledger(session.ledger)
    try:
        return {run: ledger.bills(run) for run in runs}
    finally:
        ledger.close()
