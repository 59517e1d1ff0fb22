"""gitskill prune: branches that were put away long ago are deleted, nothing else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import WHO, Done, git, state
from gitskill.ids import RunId
from gitskill.store.archive import put_away
from gitskill.store.repository import Repository

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]

DAY = 86_400
ARCHIVED = "refs/gitskill/archive/r0001/l0001a-one"


def refs(folder: Path) -> list[str]:
    return git(folder, "for-each-ref", "--format=%(refname)").split()


@pytest.fixture
def archived(folder: Path, bullet: Bullet) -> Path:
    """Give a repository whose one lesson was put away, with a commit of `WHO.when`."""
    bullet("Writing", "one")
    put_away(Repository.open(folder), RunId(1), WHO)
    return folder


def later(patch: pytest.MonkeyPatch, seconds: int) -> None:
    patch.setenv("SOURCE_DATE_EPOCH", str(WHO.when + seconds))


def test_a_branch_put_away_long_ago_is_deleted_and_named(
    archived: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, 91 * DAY)
    before = state(archived)

    done = gitskill(archived, "prune")

    assert done == Done(0, f"{ARCHIVED}\n", "1 branch was deleted\n")
    assert ARCHIVED not in refs(archived)
    assert state(archived) == before
    assert gitskill(archived, "prune") == Done(0, "", "0 branches were deleted\n")


def test_undo_brings_a_pruned_branch_back(archived: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch, 91 * DAY)
    gitskill(archived, "prune")

    assert gitskill(archived, "undo") == Done(0, "undone: prune\n", "")
    assert ARCHIVED in refs(archived)


def test_a_dry_run_names_what_would_go_and_keeps_it(
    archived: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, 91 * DAY)
    before = refs(archived)

    done = gitskill(archived, "prune", "--dry-run")

    assert done == Done(0, f"{ARCHIVED}\n", "1 branch would be deleted\n")
    assert refs(archived) == before


@pytest.mark.parametrize(
    ("age", "seconds", "count"),
    [
        pytest.param("30d", 30 * DAY, 0, id="as-old-as-the-limit"),
        pytest.param("30d", 30 * DAY + 1, 1, id="a-second-older"),
        pytest.param("0d", 1, 1, id="no-age-at-all"),
    ],
)
def test_only_what_is_older_goes(
    age: str, seconds: int, count: int, archived: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, seconds)

    gitskill(archived, "prune", "--older-than", age)

    assert (ARCHIVED not in refs(archived)) == bool(count)


def test_live_branches_are_never_pruned(
    folder: Path, gitskill: Run, bullet: Bullet, monkeypatch: pytest.MonkeyPatch
) -> None:
    bullet("Writing", "one")
    later(monkeypatch, 9999 * DAY)
    before = refs(folder)

    assert gitskill(folder, "prune", "--older-than", "0d") == Done(0, "", "0 branches were deleted\n")
    assert refs(folder) == before


@pytest.mark.parametrize("age", ["30", "d", "-1d", "3 weeks", "1e9d", "999999d"])
def test_an_age_that_is_no_number_of_days_is_a_usage_error(age: str, archived: Path, gitskill: Run) -> None:
    done = gitskill(archived, "prune", f"--older-than={age}")

    assert (done.code, done.out) == (2, "")
    assert f"{age!r} is not a number of days such as 90d" in done.err
    assert ARCHIVED in refs(archived)


def test_what_counts_is_when_a_branch_was_put_away_not_when_it_was_made(
    folder: Path, gitskill: Run, bullet: Bullet, monkeypatch: pytest.MonkeyPatch
) -> None:
    bullet("Writing", "one")
    put_away(Repository.open(folder), RunId(1), replace(WHO, when=WHO.when + 80 * DAY))
    later(monkeypatch, 100 * DAY)

    assert gitskill(folder, "prune").out == ""
    later(monkeypatch, 171 * DAY)
    assert gitskill(folder, "prune").out == f"{ARCHIVED}\n"


def test_the_lessons_of_a_release_are_blamed_as_before_when_their_branches_are_gone(
    folder: Path, gitskill: Run, bullet: Bullet, monkeypatch: pytest.MonkeyPatch
) -> None:
    bullet("Writing", "one")
    gitskill(folder, "merge", "l0001a")
    git(folder, "merge", "-q", "--no-ff", "-m", "Release", "gitskill/r0001/m1-01")
    put_away(Repository.open(folder), RunId(1), WHO)
    before = gitskill(folder, "blame", "--json").out
    later(monkeypatch, 91 * DAY)

    assert gitskill(folder, "prune").code == 0
    git(folder, "reflog", "expire", "--expire-unreachable=now", "--all")
    git(folder, "gc", "-q", "--prune=now")
    assert gitskill(folder, "blame", "--json").out == before
