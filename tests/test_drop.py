"""Dropping, held against what it must come to: the others as if the lesson had never been, and nothing moved."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from build import RUN
from conftest import SKILL, WHO, git
from gitskill import drop
from gitskill.consolidate.gather import Gathered
from gitskill.consolidate.rules import BySupport
from gitskill.drop import Drop
from gitskill.ids import CommitId, LessonId
from gitskill.message import Message
from gitskill.node import Node
from gitskill.skill.snapshot import Skill
from gitskill.store.blame import blame
from gitskill.store.past import Past
from gitskill.store.skills import with_skill
from lesson_tree import Bench, Said, bench
from test_consolidate_tree import INSERTS, REWRITES, taught

quick = settings(max_examples=7, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Path:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("drop") / "sheets"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "SKILL.md").write_text(SKILL)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Base")
    return folder


def lesson(number: int) -> LessonId:
    return LessonId(RUN, number, "a")


def candidate(made: Bench, fan_in: int, min_support: int = 1) -> Node:
    found = made.consolidated(fan_in, min_support).candidate
    assert found
    return found


def dropped(made: Bench, start: CommitId, *numbers: int) -> tuple[CommitId, Drop]:
    """Drop lessons from `start`, write the commit, and give it."""
    past = Past(made.nodes, start)
    here = drop.carried(past)
    wanted = {lesson(number): here[lesson(number)] for number in numbers}
    found = asyncio.run(drop.plan(past, wanted, "a test", lambda _: BySupport(), WHO))
    head = made.nodes.reader.repository.read_commit(start)
    tree = with_skill(found.batch, str(head.tree_id), "", found.before, found.after)
    joined = [node.commit for node in found.nodes]
    commit = found.batch.commit(tree, [start, *joined], Message("Drop"), WHO)
    found.batch.write()
    return commit, found


def others(made: Bench, *numbers: int) -> Bench:
    """Give the same run without some lessons."""
    gone = {lesson(number) for number in numbers}
    known: Gathered = made.gathered
    live = {key: item for key, item in known.live.items() if key not in gone}
    return replace(made, gathered=replace(known, live=live))


def lines(skill: Skill) -> list[str]:
    return [f"{path}: {line}" for path in sorted(skill.files) for line in skill.text(path).lines if line.strip()]


def is_within(few: Iterable[str], many: Sequence[str]) -> bool:
    rest = iter(many)
    return all(line in rest for line in few)


@quick
@given(taught(INSERTS), st.integers(2, 6), st.data())
def test_dropping_one_leaves_what_the_others_come_to_and_moves_no_line(
    place: Path, said: list[Said], fan_in: int, data: st.DataObject
) -> None:
    made = bench(place, said)
    number = data.draw(st.integers(1, len(said)))
    before = candidate(made, fan_in)

    commit, found = dropped(made, before.commit, number)

    alone = others(made, number)
    expected = lines(made.nodes.reader.read(candidate(alone, fan_in).commit)) if len(said) > 1 else lines(found.before)
    after = made.nodes.reader.read(commit)
    if len(said) > 1:
        assert sorted(lines(after)) == sorted(expected)
    else:
        assert after.files == made.nodes.reader.read(made.run.base).files
    assert is_within(lines(after), lines(found.before))


@quick
@given(taught(INSERTS | REWRITES), st.integers(2, 6), st.integers(1, 2), st.data())
def test_after_a_drop_every_line_leads_to_the_lessons_that_are_left(
    place: Path, said: list[Said], fan_in: int, min_support: int, data: st.DataObject
) -> None:
    made = bench(place, said)
    before = made.consolidated(fan_in, min_support).candidate
    if before is None or not before.live:
        return
    here = sorted({one.trace for item in before.live for one in item.lessons})
    number = data.draw(st.sampled_from(here))

    commit, found = dropped(made, before.commit, number)

    skill, base = made.nodes.reader.read(commit), made.nodes.reader.read(made.run.base)
    told = set(drop.carried(Past(made.nodes, commit)))
    assert lesson(number) not in told
    assert told == {one for item in before.live for one in item.lessons} - {lesson(number)}
    for path in skill.files:
        old = set(base.text(path).lines)
        for line in blame(made.nodes, path, commit):
            assert lesson(number) not in line.lessons
            assert line.lessons or line.text in old or not line.text.strip()
    if found.shared:
        assert found.before.files == found.after.files


@quick
@given(taught(INSERTS), st.integers(2, 6), st.randoms(use_true_random=False))
def test_all_dropped_in_any_order_leave_the_base(place: Path, said: list[Said], fan_in: int, random: object) -> None:
    made = bench(place, said)
    at = candidate(made, fan_in).commit
    numbers = list(range(1, len(said) + 1))
    random.shuffle(numbers)  # type: ignore[attr-defined]

    for number in numbers[:4]:
        at, _ = dropped(made, at, number)
    if numbers[4:]:
        at, _ = dropped(made, at, *numbers[4:])

    assert made.nodes.reader.read(at).files == made.nodes.reader.read(made.run.base).files
