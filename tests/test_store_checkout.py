"""The checked-out branch moved together with its index and work tree, or not at all."""

from pathlib import Path

import pytest

from conftest import WHO, commit_all, git, state
from gitskill.errors import GitskillError, NeedsPerson, RefMoved
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.store.checkout import advance, branch_here
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation
from gitskill.store.refs import Move
from gitskill.store.repository import Repository

NEW = b"# Something new\n"


def step(repository: Repository, batch: Batch, path: str = "references/new.md") -> Move:
    """Make a commit on top of HEAD that adds a file, and the move of the branch to it."""
    head = repository.head()
    tree = batch.edit_tree(str(repository.read_commit(head).tree_id), {path: NEW})
    return Move(branch_here(repository), head, batch.commit(tree, [head], Message("Add"), WHO))


def test_branch_index_and_work_tree_move_together(folder: Path, repository: Repository) -> None:
    (folder / "notes.txt").write_text("mine")
    batch = Batch(repository)
    move = step(repository, batch)
    advance(repository, batch, Operation("release", ()), move, WHO)

    assert git(folder, "rev-parse", "main").strip() == move.new
    assert git(folder, "status", "--porcelain") == "?? notes.txt\n"
    assert (folder / "references/new.md").read_bytes() == NEW
    assert git(folder, "log", "-1", "--format=%s", "refs/gitskill/oplog") == "release\n"


@pytest.mark.parametrize("staged", [False, True])
def test_a_checkout_with_changes_is_refused_and_stays_as_it_is(
    folder: Path, repository: Repository, *, staged: bool
) -> None:
    (folder / "SKILL.md").write_text("mine")
    if staged:
        git(folder, "add", "SKILL.md")
    before = state(folder)
    batch = Batch(repository)
    move = step(repository, batch)

    with pytest.raises(NeedsPerson, match=r"not clean: SKILL\.md"):
        advance(repository, batch, Operation("release", ()), move, WHO)
    assert state(folder) == before


def test_a_file_that_git_does_not_know_is_never_overwritten(folder: Path, repository: Repository) -> None:
    (folder / "references").mkdir()
    (folder / "references/new.md").write_text("mine")
    before = state(folder)
    batch = Batch(repository)

    with pytest.raises(NeedsPerson, match="cannot be brought to"):
        advance(repository, batch, Operation("release", ()), step(repository, batch), WHO)
    assert state(folder) == before


def test_where_the_refs_are_refused_the_work_tree_goes_back(folder: Path, repository: Repository) -> None:
    before = state(folder)
    batch = Batch(repository)
    move = step(repository, batch)
    taken = Move("refs/tags/v9.9.9", CommitId("0" * 39 + "1"), move.new)

    with pytest.raises(RefMoved):
        advance(repository, batch, Operation("release", (taken,)), move, WHO)
    assert state(folder)[::2] == before[::2]  # the index may have gained git's cache of trees
    assert git(folder, "status", "--porcelain") == ""


def test_in_a_bare_repository_only_refs_move(folder: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(folder), "bare.git")
    bare = Repository.open(tmp_path / "bare.git")
    batch = Batch(bare)
    move = step(bare, batch)
    advance(bare, batch, Operation("release", ()), move, WHO)

    assert git(tmp_path / "bare.git", "rev-parse", "main").strip() == move.new
    assert not (tmp_path / "bare.git" / "references").exists()


def test_a_merge_that_is_under_way_is_refused(folder: Path, repository: Repository) -> None:
    git(folder, "switch", "-qc", "side")
    (folder / "SKILL.md").write_text("side\n")
    commit_all(folder, "Side")
    git(folder, "switch", "-q", "main")
    git(folder, "merge", "-q", "--no-commit", "--no-ff", "-s", "ours", "side")
    batch = Batch(repository)

    with pytest.raises(NeedsPerson, match="in the middle"):
        advance(repository, batch, Operation("release", ()), step(repository, batch), WHO)


def test_no_filter_of_the_repository_runs(folder: Path, repository: Repository, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    git(folder, "config", "filter.trap.smudge", f"touch {trap}; cat")
    (folder / ".gitattributes").write_text("*.md filter=trap\n")
    commit_all(folder, "Attributes")
    repository = Repository.open(folder)
    batch = Batch(repository)
    advance(repository, batch, Operation("release", ()), step(repository, batch), WHO)

    assert (folder / "references/new.md").read_bytes() == NEW
    assert not trap.exists()


def test_without_a_branch_nothing_can_be_moved(folder: Path, repository: Repository) -> None:
    git(folder, "switch", "-q", "--detach")

    with pytest.raises(GitskillError, match="detached"):
        branch_here(repository)
