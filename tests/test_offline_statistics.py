from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.analysts.offline.statistics import different, false_discovery, greater

Table = tuple[int, int, int, int]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    of, other_of = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    return draw(st.integers(0, of)), of, draw(st.integers(0, other_of)), other_of


def chances(table: Table) -> list[tuple[int, float]]:
    """Deal the hits to all cases in every way there is, and count how many fall to the first group."""
    hits, of, others, other_of = table
    ways = list(combinations(range(of + other_of), hits + others))
    counts = [sum(case < of for case in way) for way in ways]
    return [(count, counts.count(count) / len(ways)) for count in sorted(set(counts))]


@given(tables())
def test_one_sided_test_is_what_every_way_of_dealing_gives(table: Table) -> None:
    assert greater(*table) == pytest.approx(sum(share for count, share in chances(table) if count >= table[0]))


@given(tables())
def test_two_sided_test_is_what_every_way_of_dealing_gives(table: Table) -> None:
    every = chances(table)
    seen = dict(every)[table[0]]
    assert different(*table) == pytest.approx(sum(share for _, share in every if share <= seen * (1 + 1e-9)))


@given(st.lists(st.floats(0, 1), max_size=12))
def test_q_is_the_least_share_of_false_finds_at_any_bound_above(chance: list[float]) -> None:
    def q(value: float) -> float:
        bounds = [bound for bound in chance if bound >= value]
        return min(1.0, *(bound * len(chance) / sum(other <= bound for other in chance) for bound in bounds))

    assert false_discovery(chance) == pytest.approx([q(value) for value in chance])
