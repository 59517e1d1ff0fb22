"""Refs move together or not at all, and never under somebody's feet."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import WHO, Done, git, state
from gitskill.errors import GitRefused, NeedsPerson, RefMoved
from gitskill.store.refs import Move, checked_out, commits_under, move, target, under
from gitskill.store.repository import Repository

Program = Callable[..., Done]
Add = Callable[[str, str], str]

NAMES = [f"refs/heads/gitskill/r0001/l000{number}a" for number in range(1, 6)]
NOWHERE = "1234567890" * 4


@pytest.fixture
def commits(folder: Path) -> tuple[str, str]:
    """Give two commits that no branch but main knows."""
    tree = git(folder, "rev-parse", "HEAD^{tree}").strip()
    one, two = (git(folder, "commit-tree", "-p", "HEAD", "-m", text, tree).strip() for text in ("One", "Two"))
    return one, two


def refs(folder: Path) -> str:
    """List every ref with its target, symbolic ones by name."""
    return git(folder, "for-each-ref", "--format=%(refname) %(objectname) %(symref)")


def test_many_refs_are_created_at_once(folder: Path, repository: Repository, commits: tuple[str, str]) -> None:
    move(repository, [Move(name, None, commits[0]) for name in NAMES], WHO, "test")

    assert list(under(repository, "refs/heads/gitskill/")) == [(name, commits[0]) for name in NAMES]
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""


def test_creating_moving_and_deleting_go_together(repository: Repository, commits: tuple[str, str]) -> None:
    one, two = commits
    move(repository, [Move(name, None, one) for name in NAMES[:2]], WHO, "test")

    move(
        repository,
        [Move(NAMES[0], one, None), Move(NAMES[1], one, two), Move(NAMES[2], None, two)],
        WHO,
        "test",
    )

    assert dict(under(repository, "refs/heads/gitskill/")) == {NAMES[1]: two, NAMES[2]: two}


@pytest.mark.parametrize("wrong", range(5))
def test_one_ref_at_another_place_keeps_all_five_where_they_are(
    wrong: int, folder: Path, repository: Repository, commits: tuple[str, str]
) -> None:
    one, two = commits
    for number, name in enumerate(NAMES):
        git(folder, "update-ref", name, two if number == wrong else one)
    before = refs(folder)

    with pytest.raises(RefMoved) as refused:
        move(repository, [Move(name, one, two) for name in NAMES], WHO, "test")

    assert refused.value.ref == NAMES[wrong]
    assert refs(folder) == before


@pytest.mark.parametrize("change", ["move", "delete"])
def test_a_ref_that_is_gone_is_neither_moved_nor_deleted(
    change: str, folder: Path, repository: Repository, commits: tuple[str, str]
) -> None:
    one, two = commits
    git(folder, "update-ref", NAMES[0], one)
    before = refs(folder)

    with pytest.raises(RefMoved) as refused:
        move(
            repository,
            [Move(NAMES[0], one, two), Move(NAMES[1], one, two if change == "move" else None)],
            WHO,
            "test",
        )

    assert refused.value.ref == NAMES[1]
    assert refs(folder) == before


def test_a_ref_that_exists_is_not_created_again(folder: Path, repository: Repository, commits: tuple[str, str]) -> None:
    one, two = commits
    git(folder, "update-ref", NAMES[1], one)
    before = refs(folder)

    with pytest.raises(RefMoved) as refused:
        move(repository, [Move(NAMES[0], None, two), Move(NAMES[1], None, two)], WHO, "test")

    assert refused.value.ref == NAMES[1]
    assert refs(folder) == before


def test_a_ref_that_moved_on_is_not_deleted(folder: Path, repository: Repository, commits: tuple[str, str]) -> None:
    one, two = commits
    git(folder, "update-ref", NAMES[0], two)

    with pytest.raises(RefMoved):
        move(repository, [Move(NAMES[0], one, None)], WHO, "test")

    assert target(repository, NAMES[0]) == two


def test_packed_refs_are_moved_and_deleted_too(folder: Path, repository: Repository, commits: tuple[str, str]) -> None:
    one, two = commits
    for name in NAMES[:2]:
        git(folder, "update-ref", name, one)
    git(folder, "pack-refs", "--all")

    move(repository, [Move(NAMES[0], one, two), Move(NAMES[1], one, None)], WHO, "test")

    assert dict(under(repository, "refs/heads/gitskill/")) == {NAMES[0]: two}


def test_a_ref_to_a_missing_object_is_refused_with_all_others(
    folder: Path, repository: Repository, commits: tuple[str, str]
) -> None:
    before = refs(folder)

    with pytest.raises(GitRefused, match="nonexistent object"):
        move(repository, [Move(NAMES[0], None, commits[0]), Move(NAMES[1], None, NOWHERE)], WHO, "test")

    assert refs(folder) == before


def test_a_branch_below_another_branch_is_refused_with_all_others(
    folder: Path, repository: Repository, commits: tuple[str, str]
) -> None:
    git(folder, "update-ref", "refs/heads/gitskill/r0001", commits[0])
    before = refs(folder)

    with pytest.raises(GitRefused, match="refs/heads/gitskill/r0001"):
        move(repository, [Move("refs/gitskill/x", None, commits[0]), Move(NAMES[0], None, commits[0])], WHO, "test")

    assert refs(folder) == before


def test_the_reflog_says_who_moved_a_branch_and_why(
    folder: Path, repository: Repository, commits: tuple[str, str]
) -> None:
    move(repository, [Move(NAMES[0], None, commits[0])], WHO, "lesson add r0001/l0001a")

    assert git(folder, "log", "-g", "--format=%gn <%ge> %gs", NAMES[0]) == (
        "Ada <ada@example.com> gitskill: lesson add r0001/l0001a\n"
    )


def test_the_branches_of_every_work_tree_are_known(
    folder: Path, repository: Repository, tmp_path: Path, commits: tuple[str, str]
) -> None:
    git(folder, "worktree", "add", "-q", "-b", "side", str(tmp_path / "two words"))
    git(folder, "worktree", "add", "-q", "--detach", str(tmp_path / "detached"), commits[0])

    assert checked_out(repository) == {"refs/heads/main": folder, "refs/heads/side": tmp_path / "two words"}


@pytest.mark.parametrize("to", ["elsewhere", None], ids=["moved", "deleted"])
def test_a_branch_that_is_checked_out_is_left_alone_with_all_others(
    to: str | None, folder: Path, repository: Repository, commits: tuple[str, str]
) -> None:
    one, two = commits
    for name in NAMES[:2]:
        git(folder, "update-ref", name, one)
    git(folder, "checkout", "-q", NAMES[1].removeprefix("refs/heads/"))
    before = state(folder), refs(folder)

    with pytest.raises(NeedsPerson) as refused:
        move(repository, [Move(name, one, two if to else None) for name in NAMES[:2]], WHO, "test")

    assert str(refused.value) == f"gitskill/r0001/l0002a is checked out in {folder}"
    assert (state(folder), refs(folder)) == before


def test_a_lesson_that_is_checked_out_in_a_linked_worktree_is_not_undone(
    folder: Path, gitskill: Program, bullet: Add, tmp_path: Path
) -> None:
    bullet("Reading", "Read twice")
    side = tmp_path / "side"
    git(folder, "worktree", "add", "-q", str(side), "gitskill/r0001/l0001a-read-twice")
    before = refs(folder)

    for place in (folder, side):
        assert gitskill(place, "undo") == Done(
            4,
            "",
            f"gitskill: gitskill/r0001/l0001a-read-twice is checked out in {side}\n"
            "hint: switch that work tree to another branch and run the command again\n",
        )

    assert refs(folder) == before
    git(side, "checkout", "-q", "--detach")
    assert gitskill(folder, "undo").out == "undone: lesson add r0001/l0001a\n"


def test_a_lesson_that_is_being_rebased_in_a_linked_worktree_is_not_undone(
    folder: Path, gitskill: Program, bullet: Add, tmp_path: Path
) -> None:
    bullet("Reading", "Read twice")
    side = tmp_path / "side"
    git(folder, "worktree", "add", "-q", str(side), "gitskill/r0001/l0001a-read-twice")
    git(side, "-c", "sequence.editor=sed -i -e 1s/^pick/edit/", "rebase", "-q", "-i", "HEAD~1", ok=False)
    assert git(side, "symbolic-ref", "-q", "HEAD", ok=False) == ""
    before = refs(folder)

    done = gitskill(folder, "undo")

    assert (done.code, done.out) == (4, "")
    assert done.err.startswith(f"gitskill: gitskill/r0001/l0001a-read-twice is checked out in {side}\n")
    assert refs(folder) == before


def test_a_lesson_from_which_a_bisection_began_is_not_undone(
    folder: Path, gitskill: Program, bullet: Add, tmp_path: Path
) -> None:
    bullet("Reading", "Read twice")
    side = tmp_path / "side"
    git(folder, "worktree", "add", "-q", str(side), "gitskill/r0001/l0001a-read-twice")
    git(side, "bisect", "start")
    git(side, "checkout", "-q", "--detach")
    before = refs(folder)

    done = gitskill(folder, "undo")

    assert (done.code, done.out) == (4, "")
    assert refs(folder) == before


def test_only_refs_that_lead_to_a_commit_are_listed_as_commits(
    folder: Path, repository: Repository, commits: tuple[str, str]
) -> None:
    git(folder, "update-ref", "refs/gitskill/archive/r0001/blob", git(folder, "rev-parse", "HEAD:SKILL.md").strip())
    git(folder, "update-ref", "refs/gitskill/archive/r0001/commit", commits[0])

    assert list(commits_under(repository, "refs/gitskill/archive/")) == [
        ("refs/gitskill/archive/r0001/commit", commits[0])
    ]


# What follows shows defects.


def test_pruning_a_name_that_stands_for_a_branch_leaves_the_branch_alone(
    folder: Path, gitskill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(folder, "symbolic-ref", "refs/gitskill/archive/r0001/l0001a", "refs/heads/main")
    main = git(folder, "rev-parse", "refs/heads/main")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "2000000000")

    gitskill(folder, "prune")

    assert git(folder, "rev-parse", "refs/heads/main") == main


@pytest.mark.parametrize("stands_for", ["refs/heads/main", "refs/heads/other"])
def test_moving_a_name_that_stands_for_a_branch_leaves_the_branch_alone(
    stands_for: str, folder: Path, repository: Repository, commits: tuple[str, str]
) -> None:
    git(folder, "branch", "other")
    git(folder, "symbolic-ref", NAMES[0], stands_for)
    before = git(folder, "rev-parse", stands_for).strip()

    with pytest.raises(GitRefused):
        move(repository, [Move(NAMES[0], NOWHERE, commits[0])], WHO, "test")
    move(repository, [Move(NAMES[0], before, commits[0])], WHO, "test")

    assert git(folder, "rev-parse", stands_for).strip() == before


def test_head_is_never_moved(folder: Path, repository: Repository, commits: tuple[str, str]) -> None:
    before = state(folder), refs(folder)

    with pytest.raises(NeedsPerson):
        move(repository, [Move("HEAD", git(folder, "rev-parse", "HEAD").strip(), commits[0])], WHO, "test")

    assert (state(folder), refs(folder)) == before


def test_a_branch_that_a_rebase_will_move_along_is_not_undone(
    folder: Path, gitskill: Program, bullet: Add, tmp_path: Path
) -> None:
    bullet("Reading", "Read twice")
    side = tmp_path / "side"
    git(folder, "worktree", "add", "-q", "-b", "stacked", str(side), "gitskill/r0001/l0001a-read-twice")
    git(side, "commit", "-q", "--allow-empty", "-m", "On top")
    edit = "sequence.editor=sed -i -e 1s/^pick/edit/"
    git(side, "-c", edit, "rebase", "-q", "-i", "--update-refs", "HEAD~2", ok=False)
    before = refs(folder)

    done = gitskill(folder, "undo")

    assert (done.code, done.out) == (4, "")
    assert refs(folder) == before
