"""gitskill undo of what moved a person's branch: branch, index and work tree go back together, or nothing does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done, commit_all, git, state

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]


@pytest.fixture
def dropped(folder: Path, gitskill: Run, bullet: Bullet) -> tuple[Path, str]:
    """Give a skill from which a lesson was dropped, and the commit before that."""
    bullet("Writing", "one")
    gitskill(folder, "merge", "l0001a")
    git(folder, "merge", "-q", "--no-ff", "-m", "Release", "gitskill/r0001/m1-01")
    released = git(folder, "rev-parse", "HEAD").strip()
    assert gitskill(folder, "drop", "l0001a").code == 0
    return folder, released


def test_branch_and_work_tree_go_back_and_undoing_that_brings_them_forward_again(
    dropped: tuple[Path, str], gitskill: Run
) -> None:
    folder, released = dropped
    without = git(folder, "rev-parse", "HEAD").strip()

    done = gitskill(folder, "undo")

    assert done == Done(0, "undone: drop v1.0.0 (r0001/l0001a)\n", "")
    assert git(folder, "rev-parse", "main").strip() == released
    assert "- one" in (folder / "SKILL.md").read_text()
    assert git(folder, "status", "--porcelain") == ""
    newest = gitskill(folder, "undo", "--list").out.split()[0]
    assert gitskill(folder, "undo", newest).code == 0
    assert git(folder, "rev-parse", "main").strip() == without
    assert "- one" not in (folder / "SKILL.md").read_text()
    assert git(folder, "status", "--porcelain") == ""


def test_what_was_pushed_is_not_taken_back(dropped: tuple[Path, str], gitskill: Run, tmp_path: Path) -> None:
    folder, _ = dropped
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(folder, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(folder, "push", "-q", "origin", "main")
    before = state(folder), git(folder, "for-each-ref")

    done = gitskill(folder, "undo")

    assert (done.code, done.out) == (4, "")
    assert "`drop v1.0.0 (r0001/l0001a)` was pushed: origin/main has it" in done.err
    assert "gitskill rollback TAG" in done.err
    assert (state(folder), git(folder, "for-each-ref")) == before
    assert "drop v1.0.0 (r0001/l0001a)  " in gitskill(folder, "undo", "--list").out
    assert "pushed: origin/main has it" in gitskill(folder, "undo", "--list").out


def test_what_a_person_committed_since_is_not_taken_back(dropped: tuple[Path, str], gitskill: Run) -> None:
    folder, _ = dropped
    (folder / "notes.txt").write_text("hours of work")
    commit_all(folder, "More")
    before = state(folder), git(folder, "for-each-ref")

    done = gitskill(folder, "undo")

    assert (done.code, done.out) == (5, "")
    assert "refs/heads/main has moved since `drop v1.0.0 (r0001/l0001a)`; nothing was undone" in done.err
    assert (state(folder), git(folder, "for-each-ref")) == before


def test_a_checkout_with_changes_is_refused_and_stays_as_it_is(dropped: tuple[Path, str], gitskill: Run) -> None:
    folder, _ = dropped
    (folder / "SKILL.md").write_text("mine")
    before = state(folder), git(folder, "for-each-ref")

    done = gitskill(folder, "undo")

    assert (done.code, "git stash" in done.err) == (4, True)
    assert (state(folder), git(folder, "for-each-ref")) == before


def test_from_another_branch_the_command_to_run_is_named(dropped: tuple[Path, str], gitskill: Run) -> None:
    folder, _ = dropped
    git(folder, "switch", "-qc", "topic")
    before = state(folder), git(folder, "for-each-ref")

    done = gitskill(folder, "undo")

    assert (done.code, done.out) == (4, "")
    assert "hint: git switch main" in done.err
    assert (state(folder), git(folder, "for-each-ref")) == before


def test_the_list_says_what_was_taken_back(dropped: tuple[Path, str], gitskill: Run) -> None:
    folder, _ = dropped
    gitskill(folder, "undo")

    rows = gitskill(folder, "undo", "--list").out.splitlines()

    assert [row[12:].split("  ")[0] for row in rows][:2] == [
        "undo drop v1.0.0 (r0001/l0001a)",
        "drop v1.0.0 (r0001/l0001a)",
    ]
    assert rows[1].endswith("taken back")
    assert not rows[0].endswith("taken back")
