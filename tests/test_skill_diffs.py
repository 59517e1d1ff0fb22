"""Diffs from people: lenient about counts and places, strict about all else."""

import difflib
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.errors import InvalidInput
from gitskill.skill.diffs import apply_diff
from gitskill.skill.snapshot import Skill

LINES = st.sampled_from(["", " ", "a", "b", "-c", "- d", "-- e", "+f", "++ g", "@@ -1 +1 @@", "\\ h", "x\r", "--- i"])
TEXTS = st.builds(
    lambda lines, ends: "\n".join(lines) + ("\n" if lines and ends else ""), st.lists(LINES, max_size=12), st.booleans()
)
BASE = "".join(f"line {number}\n" for number in range(1, 31))


def skill(text: str, path: str = "SKILL.md") -> Skill:
    return Skill({path: text.encode()})


def unified(old: str, new: str, context: int = 3, path: str = "SKILL.md") -> str:
    """Write the diff as git does: difflib leaves out the marker for a missing last newline."""
    pieces = difflib.unified_diff(
        re.findall(r"[^\n]*\n|[^\n]+", old), re.findall(r"[^\n]*\n|[^\n]+", new), f"a/{path}", f"b/{path}", n=context
    )
    return "".join(piece if piece.endswith("\n") else f"{piece}\n\\ No newline at end of file\n" for piece in pieces)


def refusal(base: Skill, diff: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        apply_diff(base, diff)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(TEXTS, TEXTS, st.integers(0, 4))
def test_a_diff_between_two_texts_turns_the_one_into_the_other(old: str, new: str, context: int) -> None:
    if old.count("\r") and not context:
        context = 1
    if old == new:
        assert refusal(skill(old), unified(old, new, context)) == "no diff found"
    else:
        assert apply_diff(skill(old), unified(old, new, context)) == skill(new)


CASES = [
    pytest.param(BASE, BASE.replace("line 7\n", "seven\n").replace("line 20\n", ""), id="change-and-delete"),
    pytest.param(BASE, "first\n" + BASE + "last\n", id="both-ends"),
    pytest.param(BASE, BASE[:-1], id="newline-lost"),
    pytest.param(BASE[:-1], BASE, id="newline-gained"),
    pytest.param(BASE[:-1], BASE[:-1] + "\nmore", id="append-without-newline"),
    pytest.param("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\nd\r\n", id="crlf"),
    pytest.param("- a\n-- b\n--- c\n", "- a\n++ b\n++ c\n", id="text-like-headers"),
    pytest.param("a\n", "", id="emptied"),
]


@pytest.mark.parametrize("context", [0, 1, 3])
@pytest.mark.parametrize(("old", "new"), CASES)
def test_what_git_writes_is_applied(tmp_path: Path, old: str, new: str, context: int) -> None:
    for side, text in (("a", old), ("b", new)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "SKILL.md").write_bytes(text.encode())
    command = ["git", "diff", "--no-index", "--no-prefix", f"-U{context}", "a/SKILL.md", "b/SKILL.md"]
    diff = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout.decode()

    assert apply_diff(skill(old), diff) == skill(new)


def test_git_creates_and_deletes_files(tmp_path: Path) -> None:
    folder = tmp_path / "references"
    folder.mkdir()
    (folder / "old.md").write_text("old\nno newline")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (folder / "old.md").rename(tmp_path / "gone")
    (folder / "new.md").write_text("new\nno newline")
    subprocess.run(["git", "add", "-N", "references/new.md"], cwd=tmp_path, check=True)
    command = ["git", "diff", "--no-renames", "--no-color"]
    diff = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout.decode()
    assert diff.count("/dev/null") == 2

    new = apply_diff(Skill({"SKILL.md": b"x", "references/old.md": b"old\nno newline"}), diff)

    assert new == Skill({"SKILL.md": b"x", "references/new.md": b"new\nno newline"})


def test_the_end_of_the_diff_is_no_blank_line_that_a_wrong_count_could_take() -> None:
    diff = "--- a/SKILL.md\n+++ b/SKILL.md\n@@ -0,5 +0,5 @@\n-line 1\n+x\n line 2\n line 3\n line 4\n"
    base = "".join(f"line {number}\n" for number in range(1, 9))

    assert apply_diff(skill(base), diff) == skill(base.replace("line 1", "x"))


@given(st.data())
def test_wrong_counts_and_places_do_no_harm_where_the_context_is_unique(data: st.DataObject) -> None:
    lines = BASE.splitlines(keepends=True)
    at = data.draw(st.integers(0, 29))
    new = "".join(
        [*lines[:at], *data.draw(st.lists(st.sampled_from(["x\n", "\n", "- y\n"]), max_size=3)), *lines[at + 1 :]]
    )
    numbers = st.integers(0, 99)

    def corrupt(_: re.Match[str]) -> str:
        return "@@ -{},{} +{},{} @@".format(*(data.draw(numbers) for _ in range(4)))

    assert apply_diff(skill(BASE), re.sub(r"^@@.*@@$", corrupt, unified(BASE, new), flags=re.MULTILINE)) == skill(new)


def test_right_counts_make_text_of_what_looks_like_a_header() -> None:
    old, new = "top\n-- a/x\nkeep\n", "top\n++ b/x\nkeep\n"
    diff = unified(old, new)
    assert "\n--- a/x\n+++ b/x\n" in diff

    assert apply_diff(skill(old), diff) == skill(new)
    assert refusal(skill(old), diff.replace("-1,3 +1,3", "-1,9 +1,9")) == (
        "line 5 of the diff may be a header or text: the counts above it are wrong"
    )


def test_blank_context_may_have_lost_its_space() -> None:
    diff = "--- a/SKILL.md\n+++ b/SKILL.md\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n"

    assert apply_diff(skill("a\n\nb\n"), diff) == skill("a\n\nc\n")
    assert apply_diff(skill("a\n\nb\n"), diff.replace(",3", ",7") + "\n\n") == skill("a\n\nc\n")


def test_a_crlf_file_takes_a_diff_without_returns() -> None:
    base, diff = "a\r\nb\r\nc\r\n", "--- SKILL.md\n+++ SKILL.md\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n+new\n c\n"

    assert apply_diff(skill(base), diff) == skill("a\r\nB\r\nnew\r\nc\r\n")
    assert apply_diff(skill(base), diff.replace("\n", "\r\n")) == skill("a\r\nB\r\nnew\r\nc\r\n")
    assert apply_diff(skill("a\nb\nc\n"), diff.replace("\n", "\r\n")) == skill("a\nB\nnew\nc\n")


def test_an_insert_without_context_gets_the_returns_of_its_file() -> None:
    diff = "--- SKILL.md\n+++ SKILL.md\n@@ -1,0 +2 @@\n+new\n"

    assert apply_diff(skill("a\r\nb\r\n"), diff) == skill("a\r\nnew\r\nb\r\n")


def test_the_last_line_of_an_open_crlf_file_keeps_no_return() -> None:
    marker = "\\ No newline at end of file\n"
    diff = f"--- SKILL.md\n+++ SKILL.md\n@@ -1,3 +1,3 @@\n a\n b\n-c\n{marker}+d\n{marker}"

    assert apply_diff(skill("a\r\nb\r\nc"), diff) == skill("a\r\nb\r\nd")


HUNK = "@@ -1 +1 @@\n-a\n+b\n"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("--- a/SKILL.md\n+++ b/SKILL.md\n", id="prefixes"),
        pytest.param("--- i/SKILL.md\n+++ w/SKILL.md\n", id="mnemonic"),
        pytest.param("--- SKILL.md\n+++ SKILL.md\n", id="none"),
        pytest.param("--- SKILL.md\t2026-01-01 10:00:00\n+++ SKILL.md\t2026-01-02 10:00:00\n", id="diff-u"),
        pytest.param(
            "diff --git a/SKILL.md b/SKILL.md\nindex 12..34 100644\n--- a/SKILL.md\n+++ b/SKILL.md\n", id="git"
        ),
        pytest.param("From: me\n\n- a list\n---\n SKILL.md | 2 +-\n\n--- a/SKILL.md\n+++ b/SKILL.md\n", id="mail"),
        pytest.param("--- a/skills/x/SKILL.md\n+++ b/skills/x/SKILL.md\n", id="folder"),
    ],
)
def test_headers_of_many_tools_are_read(header: str) -> None:
    assert apply_diff(skill("a\n"), header + HUNK + "-- \n2.40\n", folder="skills/x") == skill("b\n")


def test_a_folder_that_looks_like_a_prefix_is_none() -> None:
    base = Skill({"a/x.md": b"a\n"})

    assert apply_diff(base, f"--- a/x.md\n+++ a/x.md\n{HUNK}") == Skill({"a/x.md": b"b\n"})


def test_right_counts_tell_a_removed_bullet_from_a_mail_signature() -> None:
    diff = "--- SKILL.md\n+++ SKILL.md\n@@ -1,3 +1,2 @@\n a\n-- \n b\n-- \n2.40\n"

    assert apply_diff(skill("a\n- \nb\n"), diff) == skill("a\nb\n")


def test_two_new_files_must_fit_beside_each_other() -> None:
    new = "@@ -0,0 +1 @@\n+x\n"

    assert refusal(skill("a\n"), section("/dev/null", "b/n.md", new) + section("/dev/null", "b/n.md/m.md", new)) == (
        "n.md/m.md: n.md exists already"
    )


def test_several_files_are_changed_at_once() -> None:
    base = Skill({"SKILL.md": b"a\n", "references/r.md": b"a\n"})
    diff = f"--- a/SKILL.md\n+++ b/SKILL.md\n{HUNK}--- a/references/r.md\n+++ b/references/r.md\n{HUNK}"

    assert apply_diff(base, diff) == Skill({"SKILL.md": b"b\n", "references/r.md": b"b\n"})


def test_the_executable_bit_is_kept() -> None:
    base = Skill({"scripts/x.sh": b"a\n"}, frozenset({"scripts/x.sh"}))

    assert apply_diff(base, f"--- a/scripts/x.sh\n+++ b/scripts/x.sh\n{HUNK}").executable == {"scripts/x.sh"}


def section(old: str, new: str, hunk: str = HUNK) -> str:
    return f"--- {old}\n+++ {new}\n{hunk}"


def git(*lines: str) -> str:
    return "\n".join(["diff --git a/SKILL.md b/SKILL.md", *lines, section("a/SKILL.md", "b/SKILL.md")])


GIT = "the diff may change lines of plain files only: "


@pytest.mark.parametrize(
    ("diff", "reason"),
    [
        pytest.param("", "no diff found", id="empty"),
        pytest.param("hello\n", "no diff found", id="prose"),
        pytest.param(
            section("SKILL.md", "SKILL.md", "@@ -1 +1 @@\n a\n"), "the diff changes nothing", id="context-only"
        ),
        pytest.param(git("rename from SKILL.md"), GIT + "'rename from SKILL.md'", id="rename"),
        pytest.param(git("copy from SKILL.md"), GIT + "'copy from SKILL.md'", id="copy"),
        pytest.param(git("old mode 100644"), GIT + "'old mode 100644'", id="mode"),
        pytest.param(git("new mode 100755"), GIT + "'new mode 100755'", id="new-mode"),
        pytest.param(git("new file mode 120000"), GIT + "'new file mode 120000'", id="symlink"),
        pytest.param(git("new file mode 100755"), GIT + "'new file mode 100755'", id="executable"),
        pytest.param(git("new file mode 160000"), GIT + "'new file mode 160000'", id="submodule"),
        pytest.param(git("deleted file mode 120000"), GIT + "'deleted file mode 120000'", id="deleted-symlink"),
        pytest.param(git("index 12..34 120000"), GIT + "'index 12..34 120000'", id="changed-symlink"),
        pytest.param(git("GIT binary patch"), GIT + "'GIT binary patch'", id="binary"),
        pytest.param(git("Binary files a and b differ"), GIT + "'Binary files a and b differ'", id="binary-files"),
        pytest.param(
            section('"a/SKILL.md"', '"b/SKILL.md"'), "'\"a/SKILL.md\"' is no plain relative path", id="quoted"
        ),
        pytest.param(section("SKILL.md\r", "SKILL.md\r"), "'SKILL.md\\r' is no plain relative path", id="cr"),
        pytest.param(section("/SKILL.md", "/SKILL.md"), "'/SKILL.md' is no plain relative path", id="absolute"),
        pytest.param(section("a/../x.md", "b/../x.md"), "'../x.md' is no plain relative path", id="up"),
        pytest.param(section("a/SKILL.md", "b/x.md"), "the header names two files: 'SKILL.md' and 'x.md'", id="differ"),
        pytest.param(
            "diff --git a/x.md b/x.md\n" + section("a/SKILL.md", "b/SKILL.md"),
            "the header names 'SKILL.md' below 'diff --git a/x.md b/x.md'",
            id="git-differs",
        ),
        pytest.param(
            "diff --git a/x.md b/x.md\nnew file mode 100644\n",
            "no line changes below 'diff --git a/x.md b/x.md'",
            id="no-lines",
        ),
        pytest.param(section("SKILL.md", "SKILL.md") * 2, "SKILL.md has two sections in the diff", id="twice"),
        pytest.param(section("SKILL.md", "SKILL.md", ""), "SKILL.md: no hunk follows its header", id="no-hunk"),
        pytest.param(
            section("SKILL.md", "SKILL.md", "@@ -0,0 +0,0 @@\n"), "an empty hunk: @@ -0,0 +0,0 @@", id="empty-hunk"
        ),
        pytest.param(
            section("SKILL.md", "SKILL.md", HUNK + "+c\nd\n+e\n"),
            "line 7 of the diff begins with none of ' ', '+' and '-': 'd'",
            id="torn",
        ),
        pytest.param(
            section("SKILL.md", "SKILL.md", HUNK + "torn\n+c\n"),
            "line 7 of the diff belongs to no file or hunk: '+c'",
            id="stray",
        ),
        pytest.param(section("x.md", "x.md"), "x.md: no such file", id="missing"),
        pytest.param(
            section("/dev/null", "b/SKILL.md", "@@ -0,0 +1 @@\n+b\n"), "SKILL.md: SKILL.md exists already", id="exists"
        ),
        pytest.param(
            section("/dev/null", "b/SKILL.md/x", "@@ -0,0 +1 @@\n+b\n"),
            "SKILL.md/x: SKILL.md exists already",
            id="file-as-folder",
        ),
        pytest.param(
            section("a/SKILL.md", "/dev/null", "@@ -1 +0,0 @@\n-a\n"),
            "SKILL.md: a skill without SKILL.md is none",
            id="last-file",
        ),
        pytest.param(section("SKILL.md", "SKILL.md") + "\0", "the diff is no text", id="nul"),
        pytest.param(section("SKILL.md", "SKILL.md") + "\ud800", "the diff is no text", id="half-character"),
        pytest.param("x" * 65_537, "the diff is longer than 65536 bytes", id="too-long"),
        pytest.param(section("link.md", "link.md"), "link.md: a symlink is never changed", id="foreign"),
        pytest.param(section("x.png", "x.png"), "x.png: a binary file has no lines to change", id="binary-base"),
    ],
)
def test_what_is_no_plain_change_of_lines_is_refused(diff: str, reason: str) -> None:
    base = Skill({"SKILL.md": b"a\n", "x.png": b"\0"}, foreign={"link.md": "symlink"})

    assert refusal(base, diff) == reason


@pytest.mark.parametrize(
    ("base", "hunk", "reason"),
    [
        pytest.param(
            "x\ny\n", "@@ -1,2 +1 @@\n x\n-z\n", "@@ -1,2 +1,1 @@: line 2 should be 'z', but is 'y'", id="other-text"
        ),
        pytest.param(
            "x\n",
            "@@ -9 +9 @@\n-z\n+y\n",
            "@@ -9,1 +9,1 @@: line 9 should be 'z', but is the end of the file",
            id="beyond",
        ),
        pytest.param(
            "a\n--\na\n--\na\n",
            "@@ -2 +2 @@\n-a\n+b\n",
            "@@ -2,1 +2,1 @@: its old lines stand at several places, lines 1, 3, 5",
            id="ambiguous",
        ),
        pytest.param("x\n", "@@ -5,0 +6 @@\n+y\n", "@@ -5,0 +6,1 @@: no such line to insert at", id="insert-beyond"),
        pytest.param(
            "x\n",
            "@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n",
            "@@ -1,1 +1,1 @@: the old lines are not in the file, or the file does not end as the diff says",
            id="not-open",
        ),
        pytest.param(
            "x\nz\n",
            "@@ -1 +1 @@\n-x\n+y\n\\ No newline at end of file\n",
            "@@ -1,1 +1,1 @@: the diff ends the file, which goes on",
            id="ends-early",
        ),
        pytest.param(
            "x\nz\n",
            "@@ -1,2 +1 @@\n-x\n\\ No newline at end of file\n-z\n+y\n",
            "a line follows the end of the file",
            id="marker-inside",
        ),
    ],
)
def test_a_hunk_that_does_not_fit_says_where(base: str, hunk: str, reason: str) -> None:
    assert refusal(skill(base), section("SKILL.md", "SKILL.md", hunk)) == f"SKILL.md: {reason}"


def test_a_file_is_removed_only_whole() -> None:
    base = Skill({"SKILL.md": b"", "x.md": b"a\nb\n"})

    assert refusal(base, section("a/x.md", "/dev/null", "@@ -1 +0,0 @@\n-a\n")) == (
        "x.md: the diff removes the file but not all of its lines"
    )


def test_a_base_that_is_not_utf8_survives() -> None:
    base = Skill({"SKILL.md": b"\xff\na\n"})
    diff = section("SKILL.md", "SKILL.md", "@@ -1,2 +1,2 @@\n \udcff\n-a\n+b\n")

    assert apply_diff(base, diff).files["SKILL.md"] == b"\xff\nb\n"
