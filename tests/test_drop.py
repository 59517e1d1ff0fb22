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
from gitskill.skill.edits import AddSection, AppendToSection
from gitskill.skill.snapshot import Skill
from gitskill.store.blame import blame
from gitskill.store.objects import Batch
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


def add(text: str, *traces: int, section: str = "Writing") -> list[Said]:
    return [Said(AppendToSection("SKILL.md", section, f"- {text}"), trace) for trace in traces]


def test_a_reference_that_is_left_empty_goes_and_its_link_with_it(place: Path) -> None:
    made = bench(
        place, [*add("Often.", 1, 2), *add("Seldom.", 3), *add("Never.", 4), *add("Once.", 5, section="Reading")]
    )
    before = candidate(made, 16, 2)
    old = made.nodes.reader.read(before.commit)
    assert sorted(old.files) == ["SKILL.md", "references/reading.md", "references/writing.md"]

    at, _ = dropped(made, before.commit, 5)
    one = made.nodes.reader.read(at)
    at, _ = dropped(made, at, 3)
    two = made.nodes.reader.read(at)

    assert sorted(one.files) == ["SKILL.md", "references/writing.md"]
    assert "reading.md" not in str(one.text("SKILL.md"))
    assert str(two.text("references/writing.md")) == "# Writing\n\n- Never.\n"
    assert two.files["SKILL.md"] == one.files["SKILL.md"]
    [line] = [line for line in blame(made.nodes, "references/writing.md", at) if line.text == "- Never."]
    assert line.lessons == (lesson(4),)


def test_of_lessons_under_one_heading_one_goes_and_the_heading_stays_until_the_last(place: Path) -> None:
    said = [Said(AddSection("SKILL.md", f"## Shell\n\n- {text}\n"), n) for n, text in enumerate("ab", 1)]
    made = bench(place, said)

    at, _ = dropped(made, candidate(made, 16).commit, 1)

    assert str(made.nodes.reader.read(at).text("SKILL.md")) == SKILL + "\n## Shell\n\n- b\n"
    at, _ = dropped(made, at, 2)
    assert str(made.nodes.reader.read(at).text("SKILL.md")) == SKILL


def test_what_a_drop_made_can_be_read_again_and_dropped_from(place: Path) -> None:
    made = bench(place, [*add("Same.", 1, 2, 3), *add("Other.", 4)])
    at, found = dropped(made, candidate(made, 16).commit, 1)

    [node] = found.nodes
    read = made.nodes.read(node.commit)

    assert [(item.lessons, item.key) for item in read.live] == [(item.lessons, item.key) for item in node.live]
    assert dict(read.says.dropped) == {lesson(1): "a test"}
    support = dict(read.says.support)
    assert {one: (n.traces, n.of) for one, n in support.items()} == {
        lesson(2): (2, 20),
        lesson(3): (2, 20),
        lesson(4): (1, 20),
    }
    assert dropped(made, at, 2)[1].shared == {lesson(2): (lesson(3),)}


def test_a_lesson_of_a_candidate_that_a_person_went_on_from_is_dropped_below_that(place: Path) -> None:
    made = bench(place, [*add("One.", 1), *add("Two.", 2)])
    node = candidate(made, 16)
    nodes, batch = made.nodes, Batch(made.nodes.reader.repository)
    skill = nodes.reader.read(node.commit)
    text = str(skill.text("SKILL.md")).replace("# Sheets\n", "# Sheets\n\nBy hand.\n")
    tree = str(nodes.reader.repository.read_commit(node.commit).tree_id)
    mended = with_skill(batch, tree, "", skill, skill.with_file("SKILL.md", text.encode()))
    above = batch.commit(mended, [node.commit], Message("By hand"), WHO)
    batch.write()

    at, _ = dropped(made, above, 1)

    assert str(made.nodes.reader.read(at).text("SKILL.md")) == text.replace("- One.\n", "")
