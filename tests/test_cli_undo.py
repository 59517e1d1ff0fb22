"""gitskill undo: the last operation taken back, by its refs alone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done, commit_all, git, state

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]


def branches(folder: Path) -> list[str]:
    return git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()


@pytest.fixture
def merged(folder: Path, gitskill: Run, bullet: Bullet) -> Path:
    """Give a repository with two lessons and a merge of them."""
    bullet("Writing", "one")
    bullet("Dates", "two")
    gitskill(folder, "merge", "l0001a", "l0002a")
    return folder


def test_operations_are_taken_back_one_by_one_newest_first(merged: Path, gitskill: Run) -> None:
    before = state(merged)

    said = [gitskill(merged, "undo") for _ in range(4)]

    assert said == [
        Done(0, "undone: merge 2 lessons of r0001 into m1-01\n", ""),
        Done(0, "undone: lesson add r0001/l0002a\n", ""),
        Done(0, "undone: lesson add r0001/l0001a\n", ""),
        Done(3, "", "gitskill: there is nothing to undo\n"),
    ]
    assert branches(merged) == ["main"]
    assert state(merged) == before


def test_the_list_names_every_operation_newest_first_and_changes_nothing(merged: Path, gitskill: Run) -> None:
    refs = git(merged, "for-each-ref")

    done = gitskill(merged, "undo", "--list")

    listed = [re.fullmatch(r"[0-9a-f]{10}  (.*)", line) for line in done.out.splitlines()]
    assert [match[1] for match in listed if match] == [
        "merge 2 lessons of r0001 into m1-01",
        "lesson add r0001/l0002a",
        "lesson add r0001/l0001a",
    ]
    assert (done.code, done.err) == (0, "")
    assert git(merged, "for-each-ref") == refs


def test_undoing_an_undo_brings_everything_back(merged: Path, gitskill: Run) -> None:
    before = branches(merged)
    gitskill(merged, "undo")
    newest = gitskill(merged, "undo", "--list").out.split()[0]

    done = gitskill(merged, "undo", newest)

    assert done.out == "undone: undo merge 2 lessons of r0001 into m1-01\n"
    assert branches(merged) == before
    assert gitskill(merged, "undo").out == "undone: merge 2 lessons of r0001 into m1-01\n"


def test_an_operation_that_others_rest_on_is_refused_with_the_way_out(merged: Path, gitskill: Run) -> None:
    oldest = gitskill(merged, "undo", "--list").out.splitlines()[-1].split()[0]
    before = branches(merged)

    done = gitskill(merged, "undo", oldest)

    assert (done.code, done.out) == (5, "")
    assert "has moved since `lesson add r0001/l0001a`; nothing was undone" in done.err
    assert "hint: undo the newer operation first: gitskill undo --list" in done.err
    assert branches(merged) == before


def test_a_branch_that_is_checked_out_is_never_taken_away(merged: Path, gitskill: Run) -> None:
    git(merged, "switch", "-q", "gitskill/r0001/m1-01")
    before = branches(merged), state(merged)

    done = gitskill(merged, "undo")

    assert done == Done(
        4,
        "",
        f"gitskill: gitskill/r0001/m1-01 is checked out in {merged}\n"
        "hint: switch that work tree to another branch and run the command again\n",
    )
    assert (branches(merged), state(merged)) == before


def test_a_lesson_that_a_person_amended_is_not_lost_by_undo(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    git(folder, "switch", "-q", "gitskill/r0001/l0001a-one")
    (folder / "notes.txt").write_text("hours of work")
    commit_all(folder, "More")
    git(folder, "switch", "-q", "main")

    done = gitskill(folder, "undo")

    assert (done.code, done.out) == (5, "")
    assert "refs/heads/gitskill/r0001/l0001a-one has moved since" in done.err
    assert "gitskill/r0001/l0001a-one" in branches(folder)


def test_the_number_of_an_undone_run_is_not_used_again(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    gitskill(folder, "undo")

    assert bullet("Writing", "two") == "r0002/l0001a"


@pytest.mark.parametrize(
    ("name", "count"), [pytest.param("nonsense", 0, id="unknown"), pytest.param("", 3, id="nothing")]
)
def test_a_name_that_is_not_one_operation_is_refused(name: str, count: int, merged: Path, gitskill: Run) -> None:
    before = branches(merged)

    done = gitskill(merged, "undo", name or "-")

    assert (done.code, done.out) == (3, ""), count
    assert "hint: gitskill undo --list names them" in done.err
    assert branches(merged) == before


def test_where_nothing_was_done_there_is_nothing_to_list_or_to_undo(folder: Path, gitskill: Run) -> None:
    listed = gitskill(folder, "undo", "--list")

    assert (listed.code, listed.out) == (0, "")
    assert gitskill(folder, "undo") == Done(3, "", "gitskill: there is nothing to undo\n")
