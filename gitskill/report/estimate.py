"""What a plan costs at most, before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from gitskill.analysts.rendering import BUDGET, skill_text
from gitskill.analysts.room import MOST
from gitskill.model.endpoint import Settings
from gitskill.model.prices import Price, Prices
from gitskill.model.request import Usage
from gitskill.model.sizes import BYTES_PER_TOKEN
from gitskill.plan import OFFLINE, Analyst, Assignment, Plan, Strategy
from gitskill.skill.snapshot import Skill

_RULES = 6_000
"""Bytes of the rules that stand before the skill in every prompt."""
_OVERVIEW = 10_000
"""Bytes of what an error analyst is shown first."""
_TURN = 600
"""Bytes of what an analyst says in a turn that is not its last."""
_REPORT = 700
"""Tokens of an answer with lessons."""
_SETTLED = 1_500
"""Tokens of an answer that settles a group's clashes."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The most that a run takes, but for corrections: a lesson that cannot be placed goes back once."""

    analyse: int
    """Calls of analysts."""
    consolidate: int
    """Calls that settle clashes: one a group, where it has any."""
    usage: Usage
    usd: float | None
    """None if the price is not known."""


def estimate(plan: Plan, skill: Skill, where: Settings | None, prices: Mapping[str, Price]) -> Estimate:
    """Estimate a plan. Failed traces are counted with every turn that they may take; most take fewer."""
    if plan.recipe.engine == OFFLINE:
        return Estimate(0, 0, Usage(), 0.0)
    prefix = _RULES + len(skill_text(skill).encode())
    calls = groups = 0
    usage = Usage()
    for unit in plan.units:
        turns = plan.recipe.turns if unit[0].analyst is Analyst.ERROR else 1
        calls += turns
        usage += _of_unit(unit, prefix, turns)
    groups = sum(map(len, plan.groups)) if plan.recipe.strategy is Strategy.PARALLEL else 0
    usage += Usage(groups * _tokens(prefix + BUDGET // 4), groups * _SETTLED)
    url = where.endpoint.base_url if where else ""
    return Estimate(calls, groups, usage, Prices(url, prices).usd(plan.recipe.engine, usage))


def _of_unit(unit: tuple[Assignment, ...], prefix: int, turns: int) -> Usage:
    shown = min(sum(each.size for each in unit), BUDGET)
    if unit[0].analyst is not Analyst.ERROR:
        return Usage(_tokens(prefix + shown), _REPORT)
    # Each turn reads all that was said before it.
    grown = sum(prefix + _OVERVIEW + turn * (MOST // 2 + _TURN) for turn in range(turns))
    return Usage(_tokens(grown), turns * _tokens(_TURN) + _REPORT)


def _tokens(size: int) -> int:
    return round(size / BYTES_PER_TOKEN)
