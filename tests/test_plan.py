"""Plans: which traces are studied, in which order, in which tree."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill import codec
from gitskill.errors import InvalidInput
from gitskill.outcome import Status
from gitskill.plan import OFFLINE, Analyst, Material, Plan, Recipe, Signal, Strategy, Why, make, tree

STATUSES = st.sampled_from(list(Status))
MATERIALS = st.lists(
    st.builds(
        Material,
        trace=st.text("0123456789abcdef", min_size=8, max_size=8),
        task=st.sampled_from(["a", "b", "c", "sheets-7"]),
        status=STATUSES,
        size=st.integers(0, 10**6),
        signature=st.sampled_from(["", "KeyError", "no such file"]),
        twin=st.sampled_from(["", "", "", "ffff"]),
    ),
    max_size=40,
    unique_by=lambda each: each.trace,
)
RECIPES = st.builds(
    Recipe,
    engine=st.sampled_from([OFFLINE, "m"]),
    signal=st.sampled_from(list(Signal)),
    batch=st.integers(1, 5),
    max_traces=st.none() | st.integers(1, 50),
    seed=st.integers(0, 3),
    fan_in=st.integers(2, 32),
) | st.builds(
    Recipe,
    engine=st.just("m"),
    strategy=st.just(Strategy.SEQUENTIAL),
    batch=st.integers(1, 5),
)


@given(MATERIALS, RECIPES, st.randoms(use_true_random=False))
def test_a_plan_does_not_depend_on_the_order_of_its_materials(
    materials: list[Material], recipe: Recipe, shuffle: random.Random
) -> None:
    other = list(materials)
    shuffle.shuffle(other)

    assert make(other, recipe) == make(materials, recipe)


@given(MATERIALS, RECIPES)
def test_every_trace_is_either_studied_or_skipped_for_a_reason(materials: list[Material], recipe: Recipe) -> None:
    plan = make(materials, recipe)

    studied = [each.trace for each in plan.assignments]
    assert sorted([*studied, *(each.trace for each in plan.skipped)]) == sorted(each.trace for each in materials)
    assert [each.number for each in plan.assignments] == list(range(1, len(studied) + 1))
    assert sorted(each.number for unit in plan.units for each in unit) == list(range(1, len(studied) + 1))
    assert all(each.status in {Status.SUCCESS, Status.FAILURE} for each in plan.assignments)
    assert recipe.max_traces is None or len(studied) <= recipe.max_traces


@given(MATERIALS, RECIPES)
def test_the_runs_of_one_task_stand_side_by_side(materials: list[Material], recipe: Recipe) -> None:
    tasks = [each.task for each in make(materials, recipe).assignments]

    assert len([1 for one, other in itertools.pairwise(tasks) if one != other]) == max(len(set(tasks)) - 1, 0)


@given(MATERIALS, RECIPES)
def test_a_plan_is_read_back_as_it_was_written(materials: list[Material], recipe: Recipe) -> None:
    plan = make(materials, recipe)

    assert codec.load(Plan, codec.dump(plan)) == plan


@given(st.integers(0, 400), st.integers(2, 32))
def test_a_tree_has_every_member_once_and_ends_in_one_root(count: int, fan_in: int) -> None:
    levels = tree(count, fan_in)

    for level in levels:
        members = [member for group in level for member in group]
        assert members == list(range(1, count + 1))
        sizes = {len(group) for group in level}
        assert max(sizes) <= fan_in
        assert max(sizes) - min(sizes) <= 1
        count = len(level)
    assert count <= 1
    assert len(levels[-1]) == 1 if levels else count == 0


def of(*statuses: Status, **more: str) -> list[Material]:
    return [Material(f"{number:08x}", f"t{number}", status, 10, **more) for number, status in enumerate(statuses)]


def test_what_says_nothing_about_the_agent_is_never_studied() -> None:
    plan = make(of(Status.INFRA_ERROR, Status.UNLABELLED, Status.FAILURE), Recipe())

    assert [each.why for each in plan.skipped] == [Why.INFRA_ERROR, Why.UNLABELLED]


@pytest.mark.parametrize(("signal", "wanted"), [("error", Analyst.ERROR), ("success", Analyst.SUCCESS)])
def test_a_signal_takes_the_runs_of_one_outcome(signal: str, wanted: Analyst) -> None:
    plan = make(of(Status.FAILURE, Status.SUCCESS), Recipe(engine="m", signal=Signal(signal)))

    assert [each.analyst for each in plan.assignments] == [wanted]
    assert [each.why for each in plan.skipped] == [Why.SIGNAL]


def test_a_twin_is_not_studied_twice() -> None:
    assert [each.why for each in make(of(Status.SUCCESS, twin="ab"), Recipe()).skipped] == [Why.TWIN]


def test_a_draw_depends_on_its_seed_and_keeps_what_it_drew_when_traces_are_added() -> None:
    materials = of(*[Status.SUCCESS] * 40)
    drawn = {seed: _studied(materials, seed) for seed in (1, 2)}

    assert drawn[1] != drawn[2]
    fewer = _studied(materials[:39], 1)
    assert len(drawn[1] & fewer) >= 9


def _studied(materials: list[Material], seed: int) -> set[str]:
    return {each.trace for each in make(materials, Recipe(max_traces=10, seed=seed)).assignments}


def test_a_batch_holds_only_successful_runs() -> None:
    statuses = [Status.SUCCESS, Status.FAILURE, Status.SUCCESS, Status.SUCCESS]
    plan = make(of(*statuses), Recipe(engine="m", batch=2))

    assert sorted(len(unit) for unit in plan.units) == [1, 1, 2]
    assert all(len({each.analyst for each in unit}) == 1 for unit in plan.units)


@given(MATERIALS, st.integers(1, 5))
def test_rounds_take_the_traces_in_their_order_a_batch_at_a_time(materials: list[Material], batch: int) -> None:
    plan = make(materials, Recipe(engine="m", batch=batch, strategy=Strategy.SEQUENTIAL))

    assert [each for members in plan.rounds for each in members] == list(plan.assignments)
    assert {len(members) for members in plan.rounds[:-1]} <= {batch}
    assert plan.depth == -(-len(plan.assignments) // batch)
    rounds = [{each.number for each in members} for members in plan.rounds]
    assert all(any({each.number for each in unit} <= members for members in rounds) for unit in plan.units)


def test_the_steps_that_wait_for_one_another_are_counted() -> None:
    materials = of(*[Status.SUCCESS] * 40)

    assert make(materials, Recipe(engine="m")).depth == 1 + 2
    assert make(materials, Recipe(engine="m", batch=4, strategy=Strategy.SEQUENTIAL)).depth == 10
    assert make(materials, Recipe()).depth == 0
    with pytest.raises(InvalidInput, match="there are no rounds"):
        Recipe(strategy=Strategy.SEQUENTIAL)


@pytest.mark.parametrize("wrong", [{"fan_in": 1}, {"fan_in": 33}, {"batch": 0}, {"turns": 0}, {"max_traces": 0}])
def test_a_recipe_that_cannot_be_followed_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        Recipe(**wrong)  # type: ignore[arg-type]
