"""The algebra on which every merge rests: changes to a frozen base, taken from trees and applied to trees."""

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.skill.compose import apply_parts, compose, overlapping
from gitskill.skill.diff import changes_between, line_spans
from gitskill.skill.hunks import Changes, Ending, Hunk, Removal, Replacement, heading_level, overlap
from gitskill.skill.snapshot import Skill
from gitskill.skill.text import Text

PATHS = ["SKILL.md", "references/a.md", "scripts/x.py"]
LINES = st.sampled_from(
    ["", "a", "b", "- c", "# H", "## H", "### S", "```", "---", "===", "x\r", "  # in", "\ufeff", "ü"]
)
TEXTS = st.builds(
    lambda lines, ends: "\n".join(lines) + ("\n" if lines and ends else ""), st.lists(LINES, max_size=12), st.booleans()
).map(str.encode)
SKILLS = st.dictionaries(st.sampled_from(PATHS), TEXTS | st.just(b"\0binary"), max_size=3).map(Skill)
LIVE = st.dictionaries(st.integers(0, 20), SKILLS, max_size=6)


def one(text: str) -> Skill:
    return Skill({"SKILL.md": text.encode()})


def taught(base: str, *lessons: str) -> dict[int, Changes]:
    return {number: changes_between(one(base), one(text)) for number, text in enumerate(lessons)}


def merged(base: str, *lessons: str) -> str:
    return str(apply_parts(one(base), taught(base, *lessons)).text("SKILL.md"))


@given(st.binary(max_size=200))
def test_text_gives_back_every_byte(data: bytes) -> None:
    assert Text.parse(data).encode() == data


@given(SKILLS, SKILLS)
def test_changes_between_two_trees_turn_the_one_into_the_other(base: Skill, new: Skill) -> None:
    assert apply_parts(base, {1: changes_between(base, new)}) == new


@given(SKILLS, SKILLS)
def test_spans_are_in_normal_form(base: Skill, new: Skill) -> None:
    for path in base.files.keys() & new.files.keys():
        a = base.text(path).lines
        spans = line_spans(a, new.text(path).lines)
        limits = [*(start for start, _, _ in spans[1:]), len(a)][: len(spans)]
        assert all(first[1] < second[0] for first, second in pairwise(spans))
        for (start, end, lines), limit in zip(spans, limits, strict=True):
            assert lines or start < end
            if start < end and lines:
                assert a[start] != lines[0]
                assert a[end - 1] != lines[-1]
            if start == end and start < limit:
                assert a[start] != lines[0], "an insert lies as far down as it can"


@given(st.integers(0, 8), st.data())
def test_hunks_come_back_as_they_were(count: int, data: st.DataObject) -> None:
    """Where no line stands twice there is one way to read a change, and the diff must find exactly that."""
    lines = [f"base {number}" for number in range(count)]
    points = sorted(data.draw(st.sets(st.integers(0, len(lines)), max_size=4)))
    hunks: list[Hunk] = []
    for number, (start, limit) in enumerate(pairwise([*points, len(lines) + 1])):
        end = data.draw(st.integers(start, max(start, min(limit - 1, len(lines)))))
        hunks.append(Hunk("SKILL.md", start, end, (f"new {number}", f"more {number}")))
    base = Skill({"SKILL.md": Text(tuple(lines)).encode()})

    found = changes_between(base, apply_parts(base, {1: tuple(hunks)}))

    assert list(found) == hunks


@given(SKILLS, LIVE)
def test_a_merge_is_the_same_in_any_order_and_any_grouping(base: Skill, skills: dict[int, Skill]) -> None:
    """A node hands on its live set, so a tree of merges ends with the flat merge's tree."""
    live = commuting({key: changes_between(base, skill) for key, skill in skills.items()})
    flat = apply_parts(base, live)

    backwards = apply_parts(base, dict(reversed(live.items())))
    left = {key: changes for key, changes in live.items() if key % 2}
    right = {key: changes for key, changes in live.items() if not key % 2}

    assert backwards == flat
    assert apply_parts(base, {**right, **left}) == flat


@given(SKILLS, LIVE)
def test_every_line_of_a_merge_is_of_the_base_or_of_a_part(base: Skill, skills: dict[int, Skill]) -> None:
    live = commuting({key: changes_between(base, skill) for key, skill in skills.items()})
    for path in PATHS[:1]:
        lines = compose(base.text(path), path, live)
        for line in lines:
            if line.base is not None:
                assert line.text == base.text(path).lines[line.base]
            else:
                assert all(line.text in skills[key].text(path).lines for key in line.keys)
        kept = [line.base for line in lines if line.base is not None]
        assert kept == sorted(set(kept))


def commuting(parts: Mapping[int, Changes]) -> dict[int, Changes]:
    """Keep a part only if it overlaps none that is kept already."""
    kept: dict[int, Changes] = {}
    for key, changes in parts.items():
        if not overlapping({**kept, key: changes}):
            kept[key] = changes
    return kept


@given(SKILLS, LIVE)
def test_overlapping_finds_what_comparing_each_with_each_finds(base: Skill, skills: dict[int, Skill]) -> None:
    parts = {key: changes_between(base, skill) for key, skill in skills.items()}
    slow = {
        frozenset([(key, a), (other, b)])
        for key, changes in parts.items()
        for other, others in parts.items()
        for a in changes
        for b in others
        if key < other and overlap(a, b)
    }

    assert {frozenset([(key, a), (other, b)]) for key, a, other, b in overlapping(parts)} == slow


def test_many_inserts_at_one_point_stand_in_the_order_of_their_keys() -> None:
    base = "- a\n"

    assert merged(base, "- a\n- third\n", "- a\n- first\n", "- a\n- second\n") == "- a\n- third\n- first\n- second\n"


def test_text_that_continues_a_section_stands_before_a_new_section_at_the_same_point() -> None:
    """The other way round, the bullet would land in the section that the other lesson made."""
    base = "# T\n\n- a\n"

    assert merged(base, "# T\n\n- a\n\n## New\n\nx\n", "# T\n\n- a\n- b\n") == "# T\n\n- a\n- b\n\n## New\n\nx\n"


def test_a_deeper_section_stands_before_a_higher_one_at_the_same_point() -> None:
    base = "# T\n\na\n"

    assert (
        merged(base, "# T\n\na\n\n## N\n\nn\n", "# T\n\na\n\n### S\n\ns\n") == "# T\n\na\n\n### S\n\ns\n\n## N\n\nn\n"
    )


def test_an_indented_bullet_stays_below_the_bullet_it_belongs_to() -> None:
    base = "- a\n"

    assert merged(base, "- a\n- b\n", "- a\n  - part of a\n") == "- a\n  - part of a\n- b\n"


def test_a_lesson_that_continues_a_section_and_opens_one_keeps_another_lessons_bullet_between() -> None:
    base = "# T\n\n- a\n"
    both = "# T\n\n- a\n- b\n\n## New\n\nx\n"

    assert merged(base, both, "# T\n\n- a\n- c\n") == "# T\n\n- a\n- b\n- c\n\n## New\n\nx\n"


def test_a_section_with_subsections_is_one_hunk_and_stays_together() -> None:
    base = "# T\n"
    first = "# T\n\n## A\n\n### A1\n\n### A2\n"

    assert len(changes_between(one(base), one(first))) == 1
    assert merged(base, first, "# T\n\n### Z\n") == "# T\n\n### Z\n\n## A\n\n### A1\n\n### A2\n"


def test_a_comment_in_a_fence_is_no_heading_at_which_an_insert_is_cut() -> None:
    base = "# T\n"

    assert len(changes_between(one(base), one("# T\n\n```sh\n# no heading\nls\n```\n\n## A\n"))) == 2


def test_an_inserted_section_ends_with_its_blank_line() -> None:
    base = "# T\n\n## A\n\na\n\n## B\n\nb\n"
    new = "# T\n\n## A\n\na\n\n## N\n\nn\n\n## B\n\nb\n"

    assert changes_between(one(base), one(new)) == (Hunk("SKILL.md", 6, 6, ("## N", "", "n", "")),)


def test_two_appends_to_a_file_without_a_final_newline_do_not_clash() -> None:
    parts = taught("a", "a\nb", "a\nc\n")

    assert overlapping(parts) == []
    assert str(apply_parts(one("a"), parts).text("SKILL.md")) == "a\nb\nc\n"


def test_the_same_line_added_by_two_lessons_stands_once_and_names_both() -> None:
    parts = taught("a\n", "a\nb\n", "a\nb\n")

    assert compose(one("a\n").text("SKILL.md"), "SKILL.md", parts)[1].keys == (0, 1)
    assert str(apply_parts(one("a\n"), parts).text("SKILL.md")) == "a\nb\n"


def test_an_emptied_file_stays_and_a_removed_one_goes() -> None:
    base = Skill({"SKILL.md": b"a\n", "references/a.md": b"b\n"})
    emptied, removed = base.with_file("references/a.md", b""), base.with_file("references/a.md", None)

    assert apply_parts(base, {1: changes_between(base, emptied)}).files["references/a.md"] == b""
    assert "references/a.md" not in apply_parts(base, {1: changes_between(base, removed)}).files


OVERLAPS = [
    pytest.param(Hunk("f", 1, 3, ("x",)), Hunk("f", 2, 4, ("y",)), True, id="ranges that cross"),
    pytest.param(Hunk("f", 1, 3, ("x",)), Hunk("f", 3, 4, ("y",)), False, id="ranges that touch"),
    pytest.param(Hunk("f", 1, 3, ("x",)), Hunk("f", 1, 3, ("x",)), False, id="the same change"),
    pytest.param(Hunk("f", 1, 3, ("x",)), Hunk("f", 1, 3, ("y",)), True, id="the same lines, changed differently"),
    pytest.param(Hunk("f", 2, 2, ("x",)), Hunk("f", 1, 3, ("y",)), True, id="an insert inside a range"),
    pytest.param(Hunk("f", 1, 1, ("x",)), Hunk("f", 1, 3, ("y",)), False, id="an insert at its start"),
    pytest.param(Hunk("f", 3, 3, ("x",)), Hunk("f", 1, 3, ("y",)), False, id="an insert at its end"),
    pytest.param(Hunk("f", 1, 1, ("x",)), Hunk("f", 1, 1, ("y",)), False, id="two inserts at one point"),
    pytest.param(Hunk("f", 1, 3, ("x",)), Hunk("g", 1, 3, ("y",)), False, id="another file"),
    pytest.param(Removal("f"), Hunk("f", 1, 1, ("y",)), True, id="a file removed and changed"),
    pytest.param(Removal("f"), Ending("f", newline=True), True, id="a file removed and ended"),
    pytest.param(Removal("f"), Removal("f"), False, id="a file removed twice"),
    pytest.param(Replacement("f", b"1"), Replacement("f", b"2"), True, id="a file replaced differently"),
    pytest.param(Ending("f", newline=True), Hunk("f", 0, 9, ()), False, id="a file ended and changed"),
]


@pytest.mark.parametrize(("a", "b", "expected"), OVERLAPS)
def test_what_overlaps(a: Hunk, b: Hunk, expected: bool) -> None:
    assert overlap(a, b) is expected
    assert overlap(b, a) is expected


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        (("# A",), 1),
        (("", "", "### A"), 3),
        (("A", "==="), 1),
        (("A", "---"), 2),
        (("A", "", "---"), 0),
        (("#A",), 0),
        (("    # code",), 0),
        (("####### seven",), 0),
        (("##\r",), 2),
        (("", " "), 0),
        ((), 0),
    ],
)
def test_the_heading_that_lines_open_with(lines: tuple[str, ...], level: int) -> None:
    assert heading_level(lines) == level


def test_a_large_stretch_without_unique_lines_is_replaced_whole() -> None:
    a, b = ["x", "y"] * 400, ["y", "z"] * 400

    assert line_spans(a, b) == [(0, 800, tuple(b))]
