"""Adding up what steps and runs used."""

from collections.abc import Iterable

from gitskill.trace import Usage


def summed(parts: Iterable[Usage]) -> Usage:
    """Add up; a figure that no part tells stays untold."""
    told = list(parts)
    return Usage(
        input=_sum(part.input for part in told),
        output=_sum(part.output for part in told),
        cached=_sum(part.cached for part in told),
        cost=_cost(part.cost for part in told),
    )


def _sum(figures: Iterable[int | None]) -> int | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None


def _cost(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return round(sum(known), 9) if known else None
