"""Changes taken to another base: as git's own three-way merge does it where that is clean, and never lost."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import SKILL
from gitskill.skill.compose import apply_parts
from gitskill.skill.content import content
from gitskill.skill.diff import changes_between
from gitskill.skill.hunks import Hunk, Removal
from gitskill.skill.replant import replant
from gitskill.skill.snapshot import Skill

LINES = [f"line {number}" for number in range(12)]
EDITS = st.lists(
    st.tuples(
        st.integers(0, 11), st.integers(0, 2), st.lists(st.sampled_from(["new a", "new b", "new c"]), max_size=2)
    ),
    max_size=3,
)


def skill(lines: list[str], **files: str) -> Skill:
    made = {"SKILL.md": "".join(f"{line}\n" for line in lines).encode()}
    return Skill(made | {path.replace("_", "/"): text.encode() for path, text in files.items()})


def edited(edits: list[tuple[int, int, list[str]]]) -> list[str]:
    lines = list(LINES)
    for start, count, new in sorted(edits, reverse=True):
        lines[start : start + count] = new
    return lines


def result(base: Skill, ours: Skill, new: Skill) -> tuple[Skill, tuple[str, ...]]:
    found = replant(changes_between(base, ours), base, new)
    return apply_parts(new, {0: found.changes}), found.clashes


@given(EDITS)
def test_on_its_own_base_a_lesson_is_what_it_was(edits: list[tuple[int, int, list[str]]]) -> None:
    base, ours = skill(LINES), skill(edited(edits))

    assert replant(changes_between(base, ours), base, base).changes == changes_between(base, ours)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EDITS, EDITS)
def test_where_git_merges_cleanly_the_result_is_the_same(
    tmp_path: Path, mine: list[tuple[int, int, list[str]]], theirs: list[tuple[int, int, list[str]]]
) -> None:
    base, ours, new = skill(LINES), skill(edited(mine)), skill(edited(theirs))
    for name, each in (("ours", ours), ("base", base), ("new", new)):
        (tmp_path / name).write_bytes(each.files["SKILL.md"])
    merged = subprocess.run(
        ["git", "merge-file", "-p", "ours", "base", "new"], cwd=tmp_path, capture_output=True, check=False
    )

    found, clashes = result(base, ours, new)

    if merged.returncode == 0:
        assert (found.files["SKILL.md"], clashes) == (merged.stdout, ())


@given(EDITS, EDITS)
def test_every_line_that_a_lesson_adds_stands_on_the_new_base_also_in_a_clash(
    mine: list[tuple[int, int, list[str]]], theirs: list[tuple[int, int, list[str]]]
) -> None:
    base, ours, new = skill(LINES), skill(edited(mine)), skill(edited(theirs))

    found, _ = result(base, ours, new)

    added = {line for change in changes_between(base, ours) for line in getattr(change, "lines", ())}
    assert added <= set(found.text("SKILL.md").lines)


def test_an_insert_elsewhere_shifts_a_lesson() -> None:
    base, new = skill(LINES), skill(["above", *LINES])
    changes = changes_between(base, skill([*LINES[:5], "here", *LINES[5:]]))

    found = replant(changes, base, new)

    assert found.changes == (Hunk("SKILL.md", 6, 6, ("here",)),)


def test_a_section_that_the_new_base_has_opened_too_is_continued() -> None:
    base = skill(["# Sheets", "", "Text."])
    changes = changes_between(base, skill(["# Sheets", "", "Text.", "", "## Dates", "", "- Ours."]))
    new = skill(["# Sheets", "", "Text.", "", "## Dates", "", "- Theirs."])

    found = replant(changes, base, new)

    assert found.clashes == ()
    assert apply_parts(new, {0: found.changes}).text("SKILL.md").lines == (*new.text("SKILL.md").lines, "- Ours.")


def test_lines_that_the_new_base_changed_too_are_named_and_the_lessons_stand() -> None:
    base = skill(LINES)
    ours = skill([*LINES[:4], "ours", *LINES[6:]])
    new = skill([*LINES[:5], "theirs", *LINES[6:], "end"])

    found, clashes = result(base, ours, new)

    assert clashes == ("SKILL.md line 6",)
    assert found.text("SKILL.md").lines == (*LINES[:4], "ours", *LINES[6:], "end")


def test_what_the_new_base_says_already_is_no_change() -> None:
    base, ours = skill(LINES), skill([*LINES[:4], "ours", *LINES[5:], "more"])

    assert replant(changes_between(base, ours), base, ours) == replant((), ours, ours)


def test_a_bullet_and_a_section_of_the_new_base_at_one_point_keep_their_order() -> None:
    base = Skill({"SKILL.md": SKILL.encode()})
    ours = Skill({"SKILL.md": f"{SKILL}- ours\n".encode()})
    new = Skill({"SKILL.md": f"{SKILL}- theirs\n\n## Names\n\nShort.\n".encode()})

    found, clashes = result(base, ours, new)

    assert found.files["SKILL.md"].decode() == f"{SKILL}- theirs\n- ours\n\n## Names\n\nShort.\n"
    assert clashes == ()


@pytest.mark.parametrize("theirs", ["# A\n\nOther.\n", ""])
def test_a_file_that_both_create_differently_is_a_clash(theirs: str) -> None:
    base = skill(LINES)

    found, clashes = result(base, skill(LINES, references_a="# A\n\nOurs.\n"), skill(LINES, references_a=theirs))

    assert clashes == ("references/a as a whole",)
    assert found.files["references/a"] == b"# A\n\nOurs.\n"


def test_a_file_that_the_new_base_changed_is_not_removed_without_a_word() -> None:
    base, new = skill(LINES, references_a="# A\n"), skill(LINES, references_a="# A\n\nMore.\n")

    assert replant((Removal("references/a"),), base, new).clashes == ("references/a as a whole",)


def test_content_is_the_same_wherever_it_stands() -> None:
    base, longer = skill(LINES), skill(["above", *LINES])
    here = changes_between(base, skill([*LINES, "", "said"]))
    there = changes_between(longer, skill(["above", "said", *LINES]))

    assert content(base, here) == content(longer, there) == {"SKILL.md": [[], ["said"]]}
    assert content(base, changes_between(base, skill([*LINES[:-1], "said"]))) != content(base, here)
