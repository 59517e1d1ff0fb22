"""gitskill restore: a lesson's branch, back from where it was put away or from history."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import WHO, Done, git, state
from gitskill.ids import RunId
from gitskill.store.archive import put_away
from gitskill.store.repository import Repository

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]
BRANCH = "gitskill/r0001/l0001a-one"


def refs(folder: Path) -> str:
    return git(folder, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/gitskill/archive")


@pytest.fixture
def archived(folder: Path, gitskill: Run, bullet: Bullet) -> Path:
    """Give a released lesson whose branch was put away."""
    bullet("Writing", "one")
    gitskill(folder, "merge", "l0001a")
    git(folder, "merge", "-q", "--no-ff", "-m", "Release", "gitskill/r0001/m1-01")
    put_away(Repository.open(folder), RunId(1), WHO)
    return folder


def test_the_branch_is_back_and_the_checkout_is_not_touched(archived: Path, gitskill: Run) -> None:
    commit = git(archived, "rev-parse", f"refs/gitskill/archive/{BRANCH.removeprefix('gitskill/')}").strip()
    before, there = state(archived), refs(archived)

    done = gitskill(archived, "restore", "l0001a")

    assert done == Done(0, f"r0001/l0001a  {BRANCH}\n", "")
    assert git(archived, "rev-parse", BRANCH).strip() == commit
    assert "archive/r0001/l0001a" not in refs(archived)
    assert state(archived) == before
    gitskill(archived, "undo")
    assert refs(archived) == there


def test_a_pruned_branch_comes_back_from_the_release_that_has_it(archived: Path, gitskill: Run) -> None:
    git(archived, "update-ref", "-d", f"refs/gitskill/archive/{BRANCH.removeprefix('gitskill/')}")

    found = json.loads(gitskill(archived, "restore", "r0001/l0001a", "--json").out)

    assert found == {
        "lesson": "r0001/l0001a",
        "commit": git(archived, "rev-parse", BRANCH).strip(),
        "branch": BRANCH,
    }


@pytest.mark.parametrize(
    ("name", "says"), [("l0001a", "r0001/l0001a has its branch"), ("l0009a", "there is no lesson")]
)
def test_what_is_there_or_nowhere_is_said(name: str, says: str, archived: Path, gitskill: Run) -> None:
    gitskill(archived, "restore", "l0001a")
    before = refs(archived)

    done = gitskill(archived, "restore", name)

    assert (done.code, done.out, says in done.err) == (3, "", True)
    assert refs(archived) == before
