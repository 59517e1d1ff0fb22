"""Merging by rule: what is folded, joined or named as a clash, and what the octopus then holds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from build import lesson_id, teach, teach_skills
from conftest import SKILL, WHO, git
from gitskill.consolidate.clashes import Clashing
from gitskill.consolidate.join import find_joins
from gitskill.consolidate.merge import Merged, merge
from gitskill.lesson import PERSON
from gitskill.node import Kind
from gitskill.skill.snapshot import Skill
from gitskill.store.blame import blame
from gitskill.store.nodes import NodeStore


@pytest.fixture
def merged(nodes: NodeStore) -> Callable[..., Merged]:
    """Teach one lesson for each version of SKILL.md, and merge them all."""

    def call(*texts: str) -> Merged:
        return merge(nodes, [nodes.lesson(live.commit) for live in teach(nodes, texts)], WHO)

    return call


def text_of(nodes: NodeStore, made: Merged, path: str = "SKILL.md") -> str:
    return str(nodes.reader.read(made.node.commit).text(path))


def test_sections_of_one_heading_become_one_section(nodes: NodeStore, merged: Callable[..., Merged]) -> None:
    made = merged(SKILL + "\n## Names\n\n- short\n", SKILL + "\n## Names\n\n- clear\n", SKILL + "\n## Rows\n\nCount.\n")

    assert text_of(nodes, made) == SKILL + "\n## Names\n\n- short\n- clear\n\n## Rows\n\nCount.\n"
    assert made.joined == ((lesson_id(1), lesson_id(2)),)


def test_an_item_that_both_lessons_have_stands_once(nodes: NodeStore, merged: Callable[..., Merged]) -> None:
    made = merged(SKILL + "\n## Names\n\n- a\n- b\n", SKILL + "\n## Names\n\n- a\n- c\n  more\n")

    assert text_of(nodes, made) == SKILL + "\n## Names\n\n- a\n- b\n- c\n  more\n"


def test_bullets_below_a_paragraph_become_one_list(nodes: NodeStore, merged: Callable[..., Merged]) -> None:
    made = merged(SKILL + "\n- first\n", SKILL + "\n- second\n- third\n")

    assert text_of(nodes, made) == SKILL + "\n- first\n- second\n- third\n"
    assert made.joined == ((lesson_id(1), lesson_id(2)),)


def test_bullets_below_a_paragraph_in_the_middle_of_a_file_become_one_list(
    nodes: NodeStore, merged: Callable[..., Merged]
) -> None:
    texts = [SKILL.replace("# Sheets\n", f"# Sheets\n\n- {word}\n") for word in ("first", "second")]

    assert text_of(nodes, merged(*texts)) == SKILL.replace("# Sheets\n", "# Sheets\n\n- first\n- second\n")


def test_bullets_of_a_list_that_is_there_need_no_join(nodes: NodeStore) -> None:
    last = "- Keep formulas as formulas."
    live = teach(nodes, [SKILL.replace(last, f"{last}\n- {word}") for word in ("first", "second")])

    assert find_joins(live) == []


def test_paragraphs_under_one_heading_stay_apart(nodes: NodeStore, merged: Callable[..., Merged]) -> None:
    made = merged(SKILL + "\n## Names\n\nOne.\n", SKILL + "\n## Names\n\nTwo.\n\nThree.\n")

    assert text_of(nodes, made) == SKILL + "\n## Names\n\nOne.\n\nTwo.\n\nThree.\n"


def test_a_join_in_the_middle_of_a_file_keeps_one_blank_line_to_the_next_heading(
    nodes: NodeStore, merged: Callable[..., Merged]
) -> None:
    with_names = [SKILL.replace("## Dates", f"## Names\n\n- {word}\n\n## Dates") for word in ("short", "clear")]

    assert "## Names\n\n- short\n- clear\n\n## Dates\n" in text_of(nodes, merged(*with_names))


def test_what_else_the_joined_lessons_change_is_kept(nodes: NodeStore, merged: Callable[..., Merged]) -> None:
    first = SKILL.replace("a new file", "a fresh file") + "\n## Names\n\n- short\n"
    second = SKILL.replace("values and formulas", "formulas and values") + "\n## Names\n\n- clear\n"

    text = text_of(nodes, merged(first, second))

    assert "a fresh file" in text
    assert "formulas and values" in text
    assert text.endswith("## Names\n\n- short\n- clear\n")


def test_each_joined_line_is_blamed_on_its_own_lesson(nodes: NodeStore, merged: Callable[..., Merged]) -> None:
    made = merged(SKILL + "\n## Names\n\n- short\n", SKILL + "\n## Names\n\n- clear\n")

    found = {line.text: line for line in blame(nodes, "SKILL.md", made.node.commit)}

    assert found["- short"].lessons == (lesson_id(1),)
    assert found["- clear"].lessons == (lesson_id(2),)
    assert found["## Names"].lessons == (lesson_id(1), lesson_id(2))


def test_a_join_is_read_back_from_git_and_adds_no_line_of_its_own(
    nodes: NodeStore, folder: Path, merged: Callable[..., Merged]
) -> None:
    made = merged(SKILL + "\n## Names\n\n- short\n", SKILL + "\n## Names\n\n- clear\n")

    read = NodeStore(nodes.reader).read(made.node.commit)
    resolution = git(folder, "log", "-1", "--format=%B", read.live[0].commit)

    assert [item.kind for item in read.live] == [Kind.RESOLUTION]
    assert "Clash: join SKILL.md#Names\nResolved-By: rule:join\n" in resolution
    assert git(folder, "show", "--cc", "--format=", made.node.commit) == ""


def test_the_same_heading_at_different_places_is_not_joined(nodes: NodeStore) -> None:
    below_writing = SKILL.replace("## Reading", "### Names\n\n- w\n\n## Reading")
    live = teach(nodes, [below_writing, SKILL + "\n### Names\n\n- d\n"])

    assert find_joins(live) == []


def test_lessons_with_the_same_changes_are_folded_and_counted_together(merged: Callable[..., Merged]) -> None:
    same = SKILL.replace("new file", "fresh file")

    made = merged(same, same, SKILL + "\nMore.\n")

    assert made.folded == ((lesson_id(1), lesson_id(2)),)
    support = dict(made.node.says.support)
    assert [str(support[lesson_id(number)]) for number in (1, 2, 3)] == ["2/3", "2/3", "1/3"]


def test_parents_stand_by_support_behind_the_base(folder: Path, merged: Callable[..., Merged]) -> None:
    often = SKILL.replace("new file", "fresh file")

    made = merged(SKILL + "\nMore.\n", often, often)

    parents = git(folder, "rev-list", "--parents", "-1", made.node.commit).split()[1:]
    assert parents[0] == made.node.base
    assert [item.lessons for item in made.node.live] == [(lesson_id(2), lesson_id(3)), (lesson_id(1),)]
    assert parents[1:] == [item.commit for item in made.node.live]


def test_lessons_that_change_one_line_differently_are_named_with_the_line(merged: Callable[..., Merged]) -> None:
    with pytest.raises(Clashing) as caught:
        merged(SKILL.replace("new file", "fresh file"), SKILL.replace("new file", "copy"))

    assert str(caught.value) == "r0001/l0001a and r0001/l0002a change SKILL.md line 10"


def test_a_file_that_one_lesson_removes_and_another_changes_is_a_clash(nodes: NodeStore, folder: Path) -> None:
    (folder / "references").mkdir()
    (folder / "references/a.md").write_text("# A\n")
    (folder / "SKILL.md").write_text(SKILL + "\nSee references/a.md.\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "More")
    base = nodes.reader.read(nodes.reader.repository.head())
    gone = base.with_file("references/a.md", None).with_file("SKILL.md", SKILL.encode())
    live = teach_skills(nodes, [gone, base.with_file("references/a.md", b"# A\n\nMore.\n")], PERSON)

    with pytest.raises(Clashing, match=r"change references/a\.md as a whole"):
        merge(nodes, [nodes.lesson(item.commit) for item in live], WHO)


TAILS = ["\n## N\n\n- one\n", "\n## N\n\n- two\n", "\n## N\n\nText.\n", "\n## M\n\n- m\n", "- more\n", "\n## N\n"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.sampled_from(TAILS), min_size=1, max_size=6))
def test_every_line_of_every_lesson_is_in_the_merge_and_none_besides(nodes: NodeStore, texts: list[str]) -> None:
    live = teach(nodes, [SKILL + tail for tail in texts])

    made = merge(nodes, [nodes.lesson(item.commit) for item in live], WHO)

    text = text_of(nodes, made)
    wanted = {line for tail in texts for line in tail.splitlines() if line}
    assert wanted <= set(text.splitlines())
    assert {line for line in text.splitlines() if line} == wanted | {line for line in SKILL.splitlines() if line}
    assert text.count("## N\n") <= 1
    assert Skill({"SKILL.md": text.encode()}) == nodes.reader.read(made.node.commit)
