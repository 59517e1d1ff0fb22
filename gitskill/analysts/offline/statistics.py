"""Exact tests on small tables, and the correction for having made many of them."""

from collections.abc import Sequence
from math import comb


def greater(hits: int, of: int, others: int, other_of: int) -> float:
    """Give the chance of at least so many hits among the first, were there no difference (Fisher, one-sided)."""
    drawn = hits + others
    total = comb(of + other_of, drawn)
    most = min(of, drawn)
    return min(1.0, sum(comb(of, k) * comb(other_of, drawn - k) for k in range(hits, most + 1)) / total)


def different(hits: int, of: int, others: int, other_of: int) -> float:
    """Give the chance of a table as unlikely as this one or more so (Fisher, two-sided)."""
    drawn = hits + others
    ways = [comb(of, k) * comb(other_of, drawn - k) for k in range(max(0, drawn - other_of), min(of, drawn) + 1)]
    seen = comb(of, hits) * comb(other_of, others)
    return sum(way for way in ways if way <= seen) / comb(of + other_of, drawn)


def false_discovery(chances: Sequence[float]) -> list[float]:
    """Give each chance its q: the share of false finds among all that are as good (Benjamini-Hochberg)."""
    order = sorted(range(len(chances)), key=chances.__getitem__, reverse=True)
    found = [1.0] * len(chances)
    least = 1.0
    for place, which in enumerate(order):
        rank = len(chances) - place
        least = min(least, chances[which] * len(chances) / rank)
        found[which] = least
    return found
