"""gitskill plan"""

from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import choosing, models, options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.cli.models import Chosen
    from gitskill.plan import Plan
    from gitskill.report.estimate import Estimate


@click.command()
@choosing.flags
@models.flags
@options.as_json
@click.pass_obj
def plan(session: Session, study: choosing.StudyFlags, flags: models.ModelFlags, as_json: bool) -> None:
    """Say what a run would do and what it would cost.

    Which traces, which analysts, which merges, how many calls. Nothing is sent
    and nothing is stored.

    \b
    Example:
      gitskill plan --traces ~/.claude/projects/sheets
    """
    from gitskill.model.endpoint import Settings
    from gitskill.report.estimate import estimate

    chosen = models.chosen(session, flags)
    made = choosing.plan_only(session, study, choosing.recipe(chosen, study, sandbox=False))
    setup, skill = chosen.setup, session.reader.read(session.repository.head())
    where = setup.where if setup and isinstance(setup.where, Settings) else None
    cost = estimate(made, skill, where, setup.prices if setup else {})
    if as_json:
        output.document(_document(made, cost))
    else:
        _show(made, cost, chosen)


def _show(made: "Plan", cost: "Estimate", chosen: "Chosen") -> None:
    from collections import Counter

    from gitskill.plan import WHY

    recipe, traces = made.recipe, made.assignments
    skipped = Counter(WHY[each.why] for each in made.skipped)
    statuses = Counter(str(each.status) for each in traces)
    told = [f"{count} {status}" for status, count in sorted(statuses.items())]
    told += [f"{count} {why} (not studied)" for why, count in sorted(skipped.items())]
    output.result(f"{output.counted(len(traces) + len(made.skipped), 'trace')}: {', '.join(told)}")
    analysts = Counter(str(each.analyst) for each in traces)
    turns = f", up to {recipe.turns} calls each" if analysts["error"] else ""
    kinds = ", ".join(f"{count} {kind}{turns if kind == 'error' else ''}" for kind, count in sorted(analysts.items()))
    output.result(f"{output.counted(len(traces), 'analyst')}: {kinds}")
    output.result(order_of(made))
    output.result(_cost(cost, chosen))
    output.result("nothing has been sent")


def order_of(made: "Plan") -> str:
    """Say what waits for what."""
    from gitskill.plan import Strategy

    recipe = made.recipe
    if recipe.strategy is Strategy.SEQUENTIAL:
        rounds = output.counted(len(made.rounds), "round")
        return (
            f"{rounds} of up to {output.counted(recipe.batch, 'trace')}, each on what the one before made of the skill"
        )
    groups = output.counted(len(made.groups[0]) if made.groups else 0, "group")
    return f"{groups} of up to {recipe.fan_in} traces, {output.counted(len(made.groups), 'level')} of merges"


def _cost(cost: "Estimate", chosen: "Chosen") -> str:
    if chosen.setup is None:
        return "no calls: the offline engine asks no model"
    calls = f"at most {cost.analyse:,} calls to study and {cost.consolidate:,} to consolidate"
    tokens = f"{cost.usage.input / 1e6:,.2f} M tokens in and {cost.usage.output / 1e6:,.2f} M out"
    price = "the price is unknown" if cost.usd is None else f"${cost.usd:,.2f}"
    return f"{calls}, {tokens}; {price} for {chosen.engine}"


def _document(made: "Plan", cost: "Estimate") -> dict[str, Any]:
    return {
        "traces": len(made.assignments),
        "groups": [[list(group) for group in level] for level in made.groups],
        "calls": {"analyse": cost.analyse, "consolidate": cost.consolidate},
        "tokens": {"input": cost.usage.input, "output": cost.usage.output},
        "usd": cost.usd,
        "engine": made.recipe.engine,
        "strategy": str(made.recipe.strategy),
        "rounds": made.depth,
        "analysts": [
            {
                "number": each.number,
                "trace": each.trace,
                "task": each.task,
                "outcome": str(each.status),
                "analyst": str(each.analyst),
            }
            for each in made.assignments
        ],
        "skipped": [{"trace": each.trace, "task": each.task, "reason": str(each.why)} for each in made.skipped],
    }
