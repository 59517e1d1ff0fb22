"""The merge of three versions of a file: what git would do, and neighbours in a list side by side."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import SKILL
from gitskill.merging import merge_files
from gitskill.skill.frontmatter import split
from gitskill.skill.text import Text
from gitskill.skill.three_way import Merged, merge_texts

HEAD = "---\nname: a\ndescription: b\n---\n"
CODE = f"{HEAD}\n# T\n\none\ntwo\n\n```sh\nls\ncd\n```\n"


def merged(base: str, ours: str, theirs: str, *, markdown: bool = True) -> Merged:
    versions = [Text.parse(text.encode()) for text in (base, ours, theirs)]
    return merge_texts(*versions, markdown=markdown)


def below(line: str, *new: str, text: str = SKILL) -> str:
    assert text.count(f"{line}\n") == 1
    return text.replace(f"{line}\n", "".join(f"{each}\n" for each in (line, *new)))


FORMULAS = "- Keep formulas as formulas."


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param(below(FORMULAS, "- x"), below(FORMULAS, "- y"), below(FORMULAS, "- x", "- y"), id="one place"),
        pytest.param(
            below(FORMULAS, "- x", "- z"),
            below(FORMULAS, "- y", "- z"),
            below(FORMULAS, "- x", "- y", "- z"),
            id="ends",
        ),
        pytest.param(
            SKILL.replace(FORMULAS, "- Keep them."),
            below(FORMULAS, "- y"),
            SKILL.replace(FORMULAS, "- Keep them.\n- y"),
            id="below a changed bullet",
        ),
        pytest.param(
            SKILL.replace(FORMULAS, "- Keep them."),
            SKILL.replace("- Save to a new file.", "- Save to a copy."),
            SKILL.replace(FORMULAS, "- Keep them.").replace("- Save to a new file.", "- Save to a copy."),
            id="two changed bullets",
        ),
        pytest.param(
            f"{SKILL}\n## Two\n\ntext\n",
            below("Store dates as dates.", "- a bullet"),
            f"{SKILL}- a bullet\n\n## Two\n\ntext\n",
            id="text before a new section, whoever wrote it",
        ),
        pytest.param(
            f"{SKILL}\n## A\n\na\n", f"{SKILL}\n## B\n\nb\n", f"{SKILL}\n## A\n\na\n\n## B\n\nb\n", id="sections"
        ),
    ],
)
def test_what_only_meets_is_kept_side_by_side(ours: str, theirs: str, expected: str) -> None:
    found = merged(SKILL, ours, theirs)

    assert (str(found.text), found.conflicts) == (expected, 0)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "between"),
    [
        pytest.param(SKILL, SKILL.replace("new", "fresh"), SKILL.replace("new", "other"), 2, id="one line"),
        pytest.param(CODE, below("ls", "a", text=CODE), below("ls", "b", text=CODE), 2, id="inside code"),
        pytest.param(CODE, below("one", "a", text=CODE), below("one", "b", text=CODE), 2, id="inside a paragraph"),
        pytest.param(
            SKILL, below("name: sheets", "license: x"), below("name: sheets", "license: y"), 2, id="frontmatter"
        ),
        pytest.param(SKILL, below(FORMULAS, "```"), below(FORMULAS, "- y"), 2, id="a code block that stays open"),
        pytest.param("", SKILL, SKILL.replace("sheets", "tables"), 2, id="both made the file"),
        pytest.param(
            SKILL,
            SKILL.replace("## Reading\n\n- Read values and formulas apart.\n\n", ""),
            below("- Read values and formulas apart.", "- and dates"),
            5,
            id="a bullet for a section that is gone",
        ),
    ],
)
def test_what_belongs_together_is_a_conflict(base: str, ours: str, theirs: str, between: int) -> None:
    found = merged(base, ours, theirs)

    lines = found.text.lines
    marks = [n for n, line in enumerate(lines) if line in ("<<<<<<< ours", "=======", ">>>>>>> theirs")]
    assert (found.conflicts, len(marks)) == (1, 3)
    assert marks[2] - marks[0] - 1 > between - 1


def test_two_keys_that_clash_at_different_lines_are_a_conflict_and_no_broken_frontmatter() -> None:
    ours, theirs = below("name: sheets", "license: x"), SKILL.replace("---\n\n#", "license: y\n---\n\n#")

    found = merged(SKILL, ours, theirs)

    assert found.conflicts == 1
    assert "license: x" in found.text.lines
    assert "license: y" in found.text.lines


def test_a_section_that_is_taken_away_takes_nobodys_bullet_into_another() -> None:
    """Git too refuses a change right below lines that are gone; a bullet there would land in the section above."""
    base = "# T\n\n## A\n\n- a\n\n## B\n- b\n"
    found = merged(base, "# T\n\n## A\n\n- a\n\n", f"{base}- c\n")

    assert found.conflicts == 1


def test_other_files_are_merged_as_git_merges_them() -> None:
    assert merged("a\nb\n", "a\nb\nx\n", "a\nb\ny\n", markdown=False).conflicts == 1
    assert merged("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", markdown=False).text.lines == ("A", "b", "C")


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        (b"\0a", b"\0a", b"\0b", (b"\0b", 0)),
        (b"\0a", b"\0b", b"\0a", (b"\0b", 0)),
        (b"\0a", b"\0b", b"\0c", (b"\0b", 1)),
        (b"\0a", b"\0b", b"\0b", (b"\0b", 0)),
        (b"a\r\n", b"A\r\n", b"B\r\n", (b"<<<<<<< ours\r\nA\r\n=======\r\nB\r\n>>>>>>> theirs\r\n", 1)),
        (b"\xff\n", b"\xff\n- x\n", b"\xff", (b"\xff\n- x", 0)),
    ],
)
def test_bytes_of_any_kind_survive(base: bytes, ours: bytes, theirs: bytes, expected: tuple[bytes, int]) -> None:
    found = merge_files(base, ours, theirs)

    assert (found.data, found.conflicts) == expected


LINES = ["- a", "- b", "", "## H", "text", "more text", "```", "  - deep", "---"]


@st.composite
def versions(draw: st.DrawFn) -> tuple[str, str, str]:
    """Give a base and two edits of it; every line can be told apart, so that every difference has one reading."""
    kinds = draw(st.lists(st.sampled_from(LINES), max_size=9))
    base = [f"{line} {number}" if line.strip(" -`") else line for number, line in enumerate(kinds)]

    def edited(mark: str) -> str:
        lines = list(base)
        for number, (place, kind, whole) in enumerate(draw(st.lists(_EDIT, max_size=3))):
            at = place % (len(lines) + 1)
            lines[at : at + whole] = [] if kind == "gone" else [f"{kind} {mark}{number}"]
        return "".join(f"{line}\n" for line in lines)

    text = "".join(f"{line}\n" for line in base)
    return tuple(HEAD + each for each in (text, edited("o"), edited("t")))  # type: ignore[return-value]  # three


_EDIT = st.tuples(st.integers(0, 9), st.sampled_from([*LINES, "gone"]), st.integers(0, 1))


@given(versions())
def test_a_change_of_one_side_is_taken_as_it_is(found: tuple[str, str, str]) -> None:
    base, ours, _ = found

    assert merged(base, base, base) == Merged(Text.parse(base.encode()), 0)
    for one, other in ((ours, base), (base, ours), (ours, ours)):
        assert merged(base, one, other) == Merged(Text.parse(ours.encode()), 0)


@given(versions())
@settings(max_examples=150)
def test_no_line_is_lost_and_none_made_up_whoever_merges(found: tuple[str, str, str]) -> None:
    base, ours, theirs = found
    one, other = merged(base, ours, theirs), merged(base, theirs, ours)

    def without_marks(what: Merged) -> Counter[str]:
        marks = ("<<<<<<< ours", "=======", ">>>>>>> theirs")
        return Counter(line for line in what.text.lines if line not in marks)

    assert one.conflicts == other.conflicts
    assert without_marks(one) == without_marks(other)
    was, mine, yours = (Counter(text.splitlines()) for text in (base, ours, theirs))
    assert not (mine - was) - without_marks(one)
    assert not (yours - was) - without_marks(one)
    assert not (was - (was - mine) - (was - yours)) - without_marks(one)
    assert without_marks(one).keys() <= (was | mine | yours).keys()
    assert one.conflicts or not split(str(one.text)).problem


def test_where_git_merges_the_result_is_the_same(tmp_path: Path) -> None:
    count = 0

    @given(versions())
    @settings(max_examples=70)
    def compare(found: tuple[str, str, str]) -> None:
        nonlocal count
        for name, text in zip("ABC", (found[1], found[0], found[2]), strict=True):
            (tmp_path / name).write_text(text)
        command = ["git", "merge-file", "-p", "A", "B", "C"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            count += 1
            ours = merged(*found)
            assert (str(ours.text), ours.conflicts) == (done.stdout, 0)

    compare()
    assert count > 20
