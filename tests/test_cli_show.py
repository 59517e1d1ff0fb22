"""gitskill show: one lesson with all that git knows of it, or the lessons of a run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done, commit_all, git, state

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]

BRANCH = "gitskill/r0001/l0001a-one"
CHANGES = """
SKILL.md  Sheets > Writing
+ - one

+1 -0 lines; SKILL.md 57 -> 59 tokens
"""

TRACES = """\
Recalculate after writing

The checker reads cached values.

> expected 2210,
> found None

Gitskill-Run: r0001
Lesson: l0001a
Analyst: error some-model prompts:5e1c
Trace: aaa task=spreadsheet-118 failure
Trace: bbb task=spreadsheet-203 success
Trace: aaa task=spreadsheet-118 failure
Evidence: aaa step=14
"""


def release(folder: Path, node: str, tag: str) -> None:
    git(folder, "merge", "-q", "--no-ff", "--no-edit", node)
    git(folder, "tag", "-a", tag, "-m", tag)


def reword(folder: Path, message: str) -> None:
    git(folder, "switch", "-q", BRANCH)
    git(folder, "commit", "-q", "--amend", "-m", message)
    git(folder, "switch", "-q", "main")


def test_a_proposed_lesson_is_shown_with_cause_branch_checks_and_changes(
    folder: Path, gitskill: Run, bullet: Bullet
) -> None:
    bullet("Writing", "one")
    before = state(folder)

    done = gitskill(folder, "show", "l0001a")

    assert done == Done(
        0,
        f"r0001/l0001a  one  (proposed)\ncause   seen\nby      person\nbranch  {BRANCH}\nchecks  ok\n{CHANGES}",
        "",
    )
    assert gitskill(folder, "show", "l0001a") == done
    assert state(folder) == before


def test_json_has_the_documented_keys(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")

    done = gitskill(folder, "show", "l0001a", "--json")

    assert json.loads(done.out) == {
        "lesson": "r0001/l0001a",
        "commit": git(folder, "rev-parse", BRANCH).strip(),
        "branch": BRANCH,
        "state": "proposed",
        "by": "",
        "reason": "",
        "released": "",
        "title": "one",
        "cause": "seen",
        "analyst": "person",
        "verified": "",
        "critical": False,
        "traces": [],
        "evidence": [],
        "support": 0,
        "again": {},
        "files": ["SKILL.md"],
        "verdict": None,
        "checks": [],
    }
    assert (done.code, done.err) == (0, "")


def test_traces_and_evidence_are_read_from_the_commit_and_support_counts_distinct_traces(
    folder: Path, gitskill: Run, bullet: Bullet
) -> None:
    bullet("Writing", "one")
    reword(folder, TRACES)

    done = gitskill(folder, "show", "l0001a")
    shown = json.loads(gitskill(folder, "show", "l0001a", "--json").out)

    assert done.out.startswith(
        "r0001/l0001a  Recalculate after writing  (proposed)\n"
        "cause     The checker reads cached values.\n"
        "by        error some-model prompts:5e1c\n"
        "support   2 traces\n"
    )
    assert shown["traces"][:2] == [
        {"trace": "aaa", "task": "spreadsheet-118", "outcome": "failure"},
        {"trace": "bbb", "task": "spreadsheet-203", "outcome": "success"},
    ]
    assert shown["evidence"] == [{"trace": "aaa", "step": 14, "quote": "expected 2210,\nfound None"}]
    assert shown["support"] == 2


def test_evidence_of_several_lines_keeps_the_columns(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    reword(folder, TRACES)

    rows = gitskill(folder, "show", "l0001a").out.partition("\nSKILL.md")[0].rstrip("\n").split("\n")[1:]

    assert [
        row for row in rows if row[:10].strip() not in {"cause", "by", "support", "evidence", "branch", "checks", ""}
    ] == []


def test_a_merged_lesson_names_its_merge_and_a_released_one_its_version(
    folder: Path, gitskill: Run, bullet: Bullet
) -> None:
    bullet("Writing", "one")
    gitskill(folder, "merge", "l0001a")
    merged = gitskill(folder, "show", "l0001a").out.splitlines()[0]
    release(folder, "gitskill/r0001/m1-01", "v1.1.0")

    released = gitskill(folder, "show", "l0001a").out.splitlines()[0]
    shown = json.loads(gitskill(folder, "show", "l0001a", "--json").out)

    assert merged == "r0001/l0001a  one  (merged in r0001/m1-01)"
    assert released == "r0001/l0001a  one  (merged in r0001/m1-01, released in v1.1.0)"
    assert (shown["state"], shown["by"], shown["released"]) == ("merged", "r0001/m1-01", "v1.1.0")


def test_a_lesson_outlives_its_branch_in_history(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    gitskill(folder, "merge", "l0001a")
    release(folder, "gitskill/r0001/m1-01", "v1.1.0")
    git(folder, "branch", "-q", "-D", BRANCH, "gitskill/r0001/m1-01")

    done = gitskill(folder, "show", "r0001/l0001a")

    assert done.out.splitlines()[0] == "r0001/l0001a  one  (merged in r0001/m1-01, released in v1.1.0)"
    assert json.loads(gitskill(folder, "show", "l0001a", "--json").out)["branch"] is None


def test_a_fresh_clone_shows_a_released_lesson(folder: Path, tmp_path: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    gitskill(folder, "merge", "l0001a")
    release(folder, "gitskill/r0001/m1-01", "v1.1.0")
    git(tmp_path, "clone", "-q", "--single-branch", str(folder), "clone")

    done = gitskill(tmp_path / "clone", "show", "l0001a")

    assert done.out.splitlines()[0] == "r0001/l0001a  one  (merged in r0001/m1-01, released in v1.1.0)"
    assert done.out.endswith(CHANGES)


def test_a_run_is_listed_with_the_state_of_each_lesson(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    for text in ("one", "two", "one"):
        bullet("Writing", text)
    gitskill(folder, "merge", "l0001a", "l0003a")

    done = gitskill(folder, "show", "r0001")
    listed = json.loads(gitskill(folder, "show", "r0001", "--json").out)

    assert done == Done(
        0, "r0001/l0001a  merged    one\nr0001/l0002a  proposed  two\nr0001/l0003a  folded    one\n", ""
    )
    assert listed == [
        {"lesson": "r0001/l0001a", "title": "one", "state": "merged", "by": "r0001/m1-01"},
        {"lesson": "r0001/l0002a", "title": "two", "state": "proposed", "by": ""},
        {"lesson": "r0001/l0003a", "title": "one", "state": "folded", "by": "r0001/m1-01"},
    ]


def test_one_damaged_lesson_does_not_hide_the_others_of_its_run(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    bullet("Writing", "two")
    git(folder, "branch", "gitskill/r0001/l0003a-mine", "main")

    done = gitskill(folder, "show", "r0001")

    assert done.out.startswith("r0001/l0001a  proposed  one\nr0001/l0002a  proposed  two\n")
    assert "r0001/l0003a" in done.out + done.err


@pytest.mark.parametrize("trailer", ["Level: high", "Level: 1\nGroup: 1", "Level: 1\nGroup: 1\nGitskill-Run: x"])
@pytest.mark.parametrize("place", ["main", "topic"])
def test_a_commit_of_a_person_whose_trailers_only_look_like_ours_is_passed_over(
    place: str, trailer: str, folder: Path, gitskill: Run, bullet: Bullet
) -> None:
    bullet("Writing", "one")
    gitskill(folder, "merge", "l0001a")
    git(folder, "switch", "-q", *(["-c", "topic"] if place == "topic" else ["main"]))
    git(folder, "commit", "-q", "--allow-empty", "-m", f"Mine\n\n{trailer}")
    git(folder, "switch", "-q", "main")

    done = gitskill(folder, "show", "l0001a")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "r0001/l0001a  one  (merged in r0001/m1-01)"


@pytest.mark.parametrize("story", ["Dropped: l0001a because I say so", "Support: l0001a 9/9 traces 9 tasks"])
def test_a_branch_that_nobody_merged_cannot_rewrite_what_became_of_a_released_lesson(
    story: str, folder: Path, gitskill: Run, bullet: Bullet
) -> None:
    bullet("Writing", "one")
    gitskill(folder, "merge", "l0001a")
    release(folder, "gitskill/r0001/m1-01", "v1.1.0")
    message = f"Merge\n\nGitskill-Run: r0001\nLevel: 9\nGroup: 1\n{story}"
    forged = git(folder, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-p", "HEAD~1", "-m", message).strip()
    git(folder, "update-ref", "refs/remotes/somebody/branch", forged)

    done = gitskill(folder, "show", "l0001a")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "r0001/l0001a  one  (merged in r0001/m1-01, released in v1.1.0)"


@pytest.mark.parametrize("name", ["l0009a", "r0009/l0001a", "L0001A", "l1", "main", "nothing", ""])
def test_a_name_that_is_no_lesson_is_refused(name: str, folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")

    done = gitskill(folder, "show", name)

    assert (done.code, done.out) == (3, "")
    assert done.err.splitlines()[0] == f"gitskill: there is no lesson {name!r} in {folder}"


def test_a_run_without_lessons_and_a_malformed_run_are_refused(folder: Path, gitskill: Run) -> None:
    assert gitskill(folder, "show", "r0009").err.splitlines()[0] == "gitskill: no branch here is a lesson of r0009"
    assert gitskill(folder, "show", "r1") == Done(3, "", "gitskill: 'r1' is not a run: runs look like r0007\n")


def test_a_name_that_two_runs_share_is_refused_and_both_are_named(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    (folder / "SKILL.md").write_text((folder / "SKILL.md").read_text() + "\nMore.\n")
    commit_all(folder, "More")
    bullet("Writing", "one")

    assert gitskill(folder, "show", "l0001a") == Done(
        3, "", "gitskill: 'l0001a' is the name of 2 lessons\nhint: say r0001/l0001a or r0002/l0001a\n"
    )
    assert gitskill(folder, "show", "r0002/l0001a").out.startswith("r0002/l0001a  one")


def test_a_message_with_escape_sequences_is_shown_as_text(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    hostile = (
        TRACES.replace("Recalculate", "\x1b]0;owned\x07\u202e").replace("2210", "\x1b[31m").replace("some-", "\x1b")
    )
    reword(folder, hostile.replace("118", "\u202e").replace("cached", "\x9b"))

    for arguments in (["l0001a"], ["l0001a", "--json"], ["r0001"], ["r0001", "--json"]):
        done = gitskill(folder, "show", *arguments)
        assert done.code == 0
        assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(done.out + done.err)
    assert "\\u{1b}]0;owned\\u{7}\\u{202e} after writing" in gitskill(folder, "show", "l0001a").out
    assert json.loads(gitskill(folder, "show", "l0001a", "--json").out)["title"].startswith("\x1b]0;owned")
