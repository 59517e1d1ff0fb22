"""gitskill diff: two versions of the skill compared by section, each added line with its lesson."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]


def change(folder: Path, old: str, new: str) -> str:
    """Commit another text on the branch that is checked out."""
    text = (folder / "SKILL.md").read_text()
    assert old in text
    (folder / "SKILL.md").write_text(text.replace(old, new))
    return commit_all(folder, "Change")


def test_added_lines_carry_their_lesson_and_removed_ones_stand_above_them(
    folder: Path, gitskill: Run, bullet: Bullet
) -> None:
    bullet("Writing", "one")
    bullet("Dates", "two")
    gitskill(folder, "merge", "l0001a", "l0002a")
    git(folder, "merge", "-q", "--no-ff", "--no-edit", "gitskill/r0001/m1-01")
    change(folder, "- Read values and formulas apart.", "- Read values first.")
    before = state(folder)

    done = gitskill(folder, "diff", "main~2")

    assert done == Done(
        0,
        """
SKILL.md  Sheets > Writing
+ l0001a - one

SKILL.md  Sheets > Reading
-        - Read values and formulas apart.
+        - Read values first.

SKILL.md  Sheets > Dates
+ l0002a
+ l0002a - two

+4 -1 lines; SKILL.md 57 -> 57 tokens
risk  none: no new host, command, script or frontmatter
bump  minor
""",
        "",
    )
    assert state(folder) == before


def test_json_has_stable_keys(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    (folder / "references").mkdir()
    (folder / "references" / "x.md").write_text("New.\n")
    change(folder, "- Read values and formulas apart.\n", "")

    assert json.loads(gitskill(folder, "diff", "main", "l0001a", "--json").out) == {
        "differences": [
            {
                "path": "SKILL.md",
                "section": "Sheets > Writing",
                "line": 12,
                "removed": [],
                "added": [{"text": "- one", "lessons": ["r0001/l0001a"]}],
                "words": [],
            },
            {
                "path": "SKILL.md",
                "section": "Sheets > Reading",
                "line": 16,
                "removed": [],
                "added": [{"text": "- Read values and formulas apart.", "lessons": []}],
                "words": [],
            },
            {"path": "references/x.md", "section": "", "line": 1, "removed": ["New."], "added": [], "words": []},
        ],
        "replaced": [],
        "otherwise": [],
        "created": [],
        "deleted": ["references/x.md"],
        "tokens": {"before": 49, "after": 59},
        "risk": "removal",
        "reach": [
            {"risk": "removal", "path": "references/x.md", "line": None, "message": "removes the whole file"},
        ],
        "bump": "minor",
        "version": {"last": None, "next": None},
    }


def test_json_of_equal_versions_says_so_with_the_same_keys(folder: Path, gitskill: Run) -> None:
    assert json.loads(gitskill(folder, "diff", "HEAD", "--json").out) == {
        "differences": [],
        "replaced": [],
        "otherwise": [],
        "created": [],
        "deleted": [],
        "tokens": {"before": 57, "after": 57},
        "risk": "none",
        "reach": [],
        "bump": "none",
        "version": {"last": None, "next": None},
    }


def test_equal_versions_are_said_to_be_the_same_beside_an_empty_result(folder: Path, gitskill: Run) -> None:
    assert gitskill(folder, "diff", "HEAD", "main") == Done(0, "", "the skill is the same in HEAD and main\n")


def test_a_change_outside_the_skill_is_none(folder: Path, gitskill: Run) -> None:
    (folder / "README.md").write_text("about")
    commit_all(folder, "Readme")

    assert gitskill(folder, "diff", "HEAD~1") == Done(0, "", "the skill is the same in HEAD~1 and HEAD\n")


def executable(folder: Path) -> None:
    (folder / "SKILL.md").chmod(0o755)


def symlink(folder: Path) -> None:
    (folder / "scripts").mkdir()
    (folder / "scripts" / "run").symlink_to("/bin/sh")


def end_of_file(folder: Path) -> None:
    (folder / "SKILL.md").write_text(SKILL.rstrip("\n"))


@pytest.mark.parametrize("act", [executable, symlink, end_of_file])
def test_a_change_that_has_no_lines_is_not_called_the_same(
    act: Callable[[Path], None], folder: Path, gitskill: Run
) -> None:
    act(folder)
    commit_all(folder, "Change")

    done = gitskill(folder, "diff", "HEAD~1")

    assert done.code == 0
    assert "the skill is the same" not in done.err
    assert {"executable": "SKILL.md", "symlink": "scripts/run", "end_of_file": "SKILL.md"}[act.__name__] in done.out


def test_files_that_came_and_went_are_named(folder: Path, gitskill: Run) -> None:
    (folder / "references").mkdir()
    (folder / "references" / "old.md").write_text("# Old\n\nGone.\n")
    commit_all(folder, "Old")
    (folder / "references" / "old.md").rename(folder / "references" / "new.md")
    (folder / "references" / "new.md").write_text("# New\n")
    (folder / "assets").mkdir()
    (folder / "assets" / "a.bin").write_bytes(b"\0")
    commit_all(folder, "New")

    out = gitskill(folder, "diff", "HEAD~1").out

    assert out.splitlines()[-3:] == [
        "+1 -3 lines; SKILL.md 57 -> 57 tokens; assets/a.bin new; references/new.md new; references/old.md gone",
        "risk  removal: removes the whole file (references/old.md)",
        "bump  major",
    ]
    assert "\nreferences/new.md  New\n+ # New\n" in out
    assert "\nreferences/old.md  Old\n- # Old\n-\n- Gone.\n" in out


def test_a_binary_file_that_changed_is_said_to_be_replaced(folder: Path, gitskill: Run) -> None:
    (folder / "assets").mkdir()
    for data in (b"\0one", b"\0two"):
        (folder / "assets" / "a.bin").write_bytes(data)
        commit_all(folder, "Binary")

    done = gitskill(folder, "diff", "HEAD~1")

    assert done.out.startswith("assets/a.bin: replaced, binary\n+0 -0 lines; SKILL.md 57 -> 57 tokens\n")
    assert done.out.endswith("bump  patch\n")


def test_words_inside_a_line_are_compared_as_markdown_has_them(folder: Path, gitskill: Run) -> None:
    change(folder, "- Save to a new file.", "1. Save to a [new](references/new.md) file `a b.xlsx`.")
    change(folder, "Store dates as dates.", "Never\nkeep text.")
    before = state(folder)

    done = gitskill(folder, "diff", "HEAD~2", "--word-diff")

    assert done.out == (
        "\nSKILL.md  Sheets > Writing\n"
        "~ [-- -]{+1. +}Save to a [-new-]{+[new](references/new.md)+} file{+ `a b.xlsx`+}.\n"
        "\nSKILL.md  Sheets > Dates\n- Store dates as dates.\n+ Never\n+ keep text.\n"
        "\n+3 -2 lines; SKILL.md 57 -> 64 tokens\n"
        "risk  none: no new host, command, script or frontmatter\nbump  minor\n"
    )
    assert state(folder) == before
    told = json.loads(gitskill(folder, "diff", "HEAD~2", "--json").out)["differences"]
    assert told[0]["words"][:3] == [
        {"mark": "removed", "text": "- "},
        {"mark": "added", "text": "1. "},
        {"mark": "same", "text": "Save to a "},
    ]
    assert told[1]["words"] == []


def test_lines_compared_by_words_name_their_lessons_and_hide_nothing(
    folder: Path, gitskill: Run, bullet: Bullet
) -> None:
    bullet("Writing", "one two three")
    gitskill(folder, "merge", "l0001a")
    git(folder, "merge", "-q", "--no-ff", "--no-edit", "gitskill/r0001/m1-01")
    change(folder, "- one two three", "- one two three \x1b[31mmore\u202e words\n  and another line")

    out = gitskill(folder, "diff", "HEAD~1", "--word-diff").out
    back = gitskill(folder, "diff", "HEAD", "HEAD~1", "--word-diff").out

    assert "~ - one two three{+ \\u{1b}[31mmore\\u{202e} words+}\n~ {+  and another line+}\n" in out
    assert "~ l0001a - one two three[- \\u{1b}" in back


def test_new_reach_stands_below_the_changes_the_worst_first_and_the_next_version_below_it(
    folder: Path, gitskill: Run
) -> None:
    git(folder, "tag", "-a", "v1.3.0", "-m", "x")
    change(folder, "- Save to a new file.", "- Run `curl https://fonts.example.net/a` first.")
    (folder / "scripts").mkdir()
    (folder / "scripts" / "a.py").write_text("pass\n")
    commit_all(folder, "Script")

    out = gitskill(folder, "diff", "v1.3.0").out
    told = json.loads(gitskill(folder, "diff", "v1.3.0", "--json").out)

    assert out.splitlines()[-4:] == [
        "risk  script: a new script (scripts/a.py)",
        "risk  new command: curl (SKILL.md:10)",
        "risk  new host: fonts.example.net (SKILL.md:10)",
        "bump  major: v1.3.0 would become v2.0.0",
    ]
    assert told["risk"] == "script"
    assert [each["risk"] for each in told["reach"]] == ["script", "new command", "new host"]
    assert (told["bump"], told["version"]) == ("major", {"last": "v1.3.0", "next": "v2.0.0"})


def test_a_run_is_named_by_its_candidate_also_in_a_clone_that_has_only_history(
    folder: Path, gitskill: Run, bullet: Bullet, tmp_path: Path
) -> None:
    bullet("Writing", "one")
    assert gitskill(folder, "consolidate", "r0001", "--min-support", "1").code == 0
    here = gitskill(folder, "diff", "HEAD", "r0001").out
    git(folder, "merge", "-q", "--no-ff", "--no-edit", "gitskill/r0001/evolved")
    git(tmp_path, "clone", "-q", "--single-branch", str(folder), str(tmp_path / "clone"))

    there = gitskill(tmp_path / "clone", "diff", "HEAD~1", "r0001").out

    assert "+ l0001a - one\n" in here
    assert there == here


@pytest.mark.parametrize("name", ["r0001/m1-01", "gitskill/r0001/m1-01", "r0001/l0001a", "l0001a", "v1.1.0", "topic"])
def test_versions_can_be_named_by_merge_lesson_tag_or_branch(
    name: str, folder: Path, gitskill: Run, bullet: Bullet
) -> None:
    bullet("Writing", "one")
    gitskill(folder, "merge", "l0001a")
    git(folder, "tag", "-a", "v1.1.0", "-m", "x", "gitskill/r0001/m1-01")
    git(folder, "branch", "topic", "gitskill/r0001/m1-01")

    done = gitskill(folder, "diff", "HEAD", name)

    assert done.out.startswith(
        "\nSKILL.md  Sheets > Writing\n+ l0001a - one\n\n+1 -0 lines; SKILL.md 57 -> 59 tokens\n"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nope", "no commit is named 'nope' in {folder}"),
        ("HEAD:SKILL.md", "no commit is named 'HEAD:SKILL.md' in {folder}"),
        ("HEAD~99", "no commit is named 'HEAD~99' in {folder}"),
        ("", "no commit is named '' in {folder}"),
        ("l0009a", "there is no lesson 'l0009a' in {folder}"),
        ("r0009/m1-01", "there is no merge r0009/m1-01 in {folder}"),
        ("v9.9.9", "no commit is named 'v9.9.9' in {folder}"),
    ],
)
@pytest.mark.parametrize("side", ["old", "new"])
def test_an_unknown_version_is_refused_by_its_name(
    side: str, name: str, message: str, folder: Path, gitskill: Run
) -> None:
    done = gitskill(folder, "diff", *([name, "HEAD"] if side == "old" else ["HEAD", name]))

    assert (done.code, done.out) == (3, "")
    assert done.err.splitlines()[0] == "gitskill: " + message.format(folder=folder)


def test_names_and_lines_with_escape_sequences_are_shown_as_text(folder: Path, gitskill: Run) -> None:
    (folder / "references").mkdir()
    (folder / "references" / "\x1b[31m\u202e.md").write_text("x\x1b]0;owned\x07\n")
    (folder / "assets").mkdir()
    (folder / "assets" / "\x1b[1m").write_bytes(b"\0")
    change(folder, "## Reading", "## Rea\x1b[31m\u202eding")
    change(folder, "- Read values", "- \u2066Read\x9b values")

    for arguments in ((), ("--json",)):
        done = gitskill(folder, "diff", "HEAD~2", *arguments)
        assert done.code == 0
        assert not {"\x1b", "\x9b", "\x07", "\u202e", "\u2066"} & set(done.out + done.err)
    out = gitskill(folder, "diff", "HEAD~2").out
    assert "SKILL.md  Sheets > Rea\\u{1b}[31m\\u{202e}ding" in out
    assert "references/\\u{1b}[31m\\u{202e}.md new" in out


def test_lines_of_a_windows_file_end_where_a_reader_sees_them_end(folder: Path, gitskill: Run) -> None:
    (folder / "SKILL.md").write_bytes(SKILL.replace("\n", "\r\n").encode())
    commit_all(folder, "Windows")
    text = (folder / "SKILL.md").read_bytes().replace(b"dates as dates.\r\n", b"dates as dates.\r\nAlways.\r\n")
    (folder / "SKILL.md").write_bytes(text)
    commit_all(folder, "One line")

    out = gitskill(folder, "diff", "HEAD~1").out

    assert out.startswith("\nSKILL.md  Sheets > Dates\n+ Always.\n\n+1 -0 lines; SKILL.md 62 -> 64 tokens\n")
