"""gitskill drop: what one lesson taught goes, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, Done, git, state

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]


def release(folder: Path, node: str) -> None:
    git(folder, "merge", "-q", "--no-ff", "-m", f"Release {node}", f"gitskill/{node}")


def text(folder: Path) -> str:
    return (folder / "SKILL.md").read_text()


def lessons_of(run: Run, folder: Path) -> dict[str, list[str]]:
    lines = json.loads(run(folder, "blame", "--json").out)["lines"]
    return {line["text"]: line["lessons"] for line in lines if line["lessons"] and line["text"]}


@pytest.fixture
def released(folder: Path, gitskill: Run, bullet: Bullet) -> Path:
    """Give a skill with three released lessons."""
    for section, what in (("Writing", "one"), ("Writing", "two"), ("Dates", "three")):
        bullet(section, what)
    gitskill(folder, "merge", "l0001a", "l0002a", "l0003a")
    release(folder, "r0001/m1-01")
    return folder


def test_the_lines_of_one_lesson_go_in_a_commit_on_top_and_the_others_keep_theirs(
    released: Path, gitskill: Run
) -> None:
    before, head = text(released), git(released, "rev-parse", "HEAD").strip()

    done = gitskill(released, "drop", "l0002a")

    assert done.code == 0, done.err
    assert text(released) == before.replace("- two\n", "")
    assert git(released, "rev-parse", "HEAD^").strip() == head
    assert git(released, "status", "--porcelain") == ""
    assert lessons_of(gitskill, released) == {"- one": ["r0001/l0001a"], "- three": ["r0001/l0003a"]}
    assert json.loads(gitskill(released, "show", "l0002a", "--json").out)["state"] == "dropped"
    assert json.loads(gitskill(released, "show", "l0001a", "--json").out)["state"] == "merged"


def test_dropping_twice_says_that_it_is_not_in_the_skill(released: Path, gitskill: Run) -> None:
    gitskill(released, "drop", "l0002a")
    before = state(released)

    done = gitskill(released, "drop", "l0002a")

    assert (done.code, done.out) == (3, "")
    assert "r0001/l0002a is not in the skill" in done.err
    assert state(released) == before


def test_all_dropped_one_by_one_leave_the_base(released: Path, gitskill: Run) -> None:
    for lesson in ("l0003a", "l0001a", "l0002a"):
        assert gitskill(released, "drop", lesson).code == 0

    assert text(released) == SKILL
