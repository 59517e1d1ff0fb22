"""gitskill rollback: an earlier version as a new one, and what evolves after it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from conftest import SKILL, Done, commit_all, git
from releasing import add_bullet, call, packed, started, whole, with_candidate
from study_runs import runs

Run = Callable[..., Done]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = with_candidate(tmp_path_factory.mktemp("made") / "sheets")
    (folder / "notes.txt").write_text("old")
    commit_all(folder, "Notes")
    call(folder, "release", "r0001")
    (folder / "notes.txt").write_text("new")
    commit_all(folder, "Notes again")
    return packed(folder)


@pytest.fixture
def released(template: Path, tmp_path: Path) -> Path:
    """Give a repository with v1.0.0, two lessons in v1.1.0, and files that are not the skill's."""
    return Path(shutil.copytree(template, tmp_path / "sheets"))


def test_the_old_text_comes_back_as_a_new_version_and_history_stays(released: Path, gitskill: Run) -> None:
    before = git(released, "rev-parse", "main").strip()

    done = gitskill(released, "rollback", "v1.0.0")

    assert done.code == 0, done.err
    assert done.out.startswith("released v1.2.0: ")
    assert (released / "SKILL.md").read_text() == SKILL
    assert (released / "notes.txt").read_text() == "new"
    assert git(released, "status", "--porcelain") == ""
    assert git(released, "log", "-1", "--format=%P").strip() == before
    assert git(released, "log", "-1", "--format=%s%n%(trailers)").split("\n")[:3] == [
        "Release v1.2.0: rollback to v1.0.0",
        "Rollback-To: v1.0.0",
        "Skill-Version: v1.2.0",
    ]
    record = yaml.safe_load(git(released, "cat-file", "tag", "v1.2.0").partition("\n\n")[2].partition("\n\n")[2])
    assert (record["rollback"], record["previous_tag"], record["runs"]) == ("v1.0.0", "v1.1.0", [])
    assert gitskill(released, "verify", "--all").code == 0
    assert gitskill(released, "log").out.splitlines()[0].split() == ["v1.2.0", "2023-11-14", "rollback", "to", "v1.0.0"]
    assert gitskill(released, "undo", "--list").out.splitlines()[0].endswith("  rollback v1.2.0 (to v1.0.0)")


def test_json_has_the_keys_of_a_release(released: Path, gitskill: Run) -> None:
    found = json.loads(gitskill(released, "rollback", "v1.0.0", "--json").out)

    assert [found[key] for key in ("version", "tag", "previous")] == ["v1.2.0", "v1.2.0", "v1.1.0"]
    assert found["commit"] == git(released, "rev-parse", "main").strip()


def test_a_version_that_was_rolled_back_can_be_brought_back_too(released: Path, gitskill: Run) -> None:
    text = (released / "SKILL.md").read_text()
    gitskill(released, "rollback", "v1.0.0")

    assert gitskill(released, "rollback", "v1.1.0").code == 0
    assert (released / "SKILL.md").read_text() == text
    assert gitskill(released, "rollback", "v1.2.0").out.startswith("released v1.4.0: ")


def test_modes_and_links_of_the_old_version_come_back(tmp_path: Path, gitskill: Run) -> None:
    whole = tmp_path / "all"
    place = started(whole / "skills" / "sheets")
    shutil.rmtree(place / ".git")
    (place / "scripts").mkdir()
    (place / "scripts/run.sh").write_text("true\n")
    (place / "scripts/run.sh").chmod(0o755)
    (place / "scripts/go").symlink_to("run.sh")
    git(whole, "init", "-q", "-b", "main")
    (whole / "other.txt").write_text("stays")
    commit_all(whole, "All")
    call(place, "init", ".")
    old = git(whole, "rev-parse", "HEAD:skills/sheets")
    shutil.rmtree(place / "scripts")
    (whole / "other.txt").write_text("stays new")
    commit_all(whole, "Gone")

    done = gitskill(place, "rollback", "v1.0.0")

    assert done.out.startswith("released sheets/v2.0.0: "), done.err
    assert git(whole, "rev-parse", "HEAD:skills/sheets") == old
    assert git(whole, "show", "HEAD:other.txt") == "stays new"
    assert git(whole, "status", "--porcelain") == ""


def dirty(folder: Path) -> None:
    (folder / "SKILL.md").write_text("mine")


def detached(folder: Path) -> None:
    git(folder, "switch", "-q", "--detach")


def elsewhere(folder: Path) -> None:
    git(folder, "switch", "-q", "--orphan", "other")
    (folder / "SKILL.md").write_text(SKILL)
    commit_all(folder, "Other")


def nothing(_folder: Path) -> None:
    """Spoil nothing."""


@pytest.mark.parametrize(
    ("spoil", "tag", "code", "why"),
    [
        (dirty, "v1.0.0", 4, "the checkout is not clean: SKILL.md"),
        (detached, "v1.0.0", 4, "HEAD is detached"),
        (elsewhere, "v1.0.0", 4, "v1.0.0 is not in the history of other"),
        (nothing, "v1.1.0", 3, "the skill is that of v1.1.0 already"),
        (nothing, "v7.0.0", 3, "v7.0.0 is no version of this skill"),
        (nothing, "main", 3, "main is no version of this skill"),
    ],
)
def test_what_stands_in_the_way_is_named_and_nothing_moves(
    spoil: Callable[[Path], None], tag: str, code: int, why: str, released: Path, gitskill: Run
) -> None:
    spoil(released)
    before = whole(released)

    done = gitskill(released, "rollback", tag)

    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(f"gitskill: {why}")
    assert whole(released) == before


def test_what_was_rolled_back_is_not_brought_back_by_the_next_release(released: Path, gitskill: Run) -> None:
    gitskill(released, "rollback", "v1.0.0")
    add_bullet(released, "Reading", "Read twice")
    call(released, "consolidate", "--min-support", "1")

    done = gitskill(released, "release")

    assert done.out.startswith("released v1.3.0: "), done.err
    text = (released / "SKILL.md").read_text()
    assert "- Read twice" in text
    assert "- Close the file" not in text


def test_a_run_that_began_before_the_rollback_brings_only_its_own(released: Path, gitskill: Run) -> None:
    add_bullet(released, "Reading", "Read twice")
    call(released, "consolidate", "r0002", "--min-support", "1")
    gitskill(released, "rollback", "v1.0.0")

    done = gitskill(released, "release", "r0002")

    assert done.code == 0, done.err
    text = (released / "SKILL.md").read_text()
    assert "- Read twice" in text
    assert "- Close the file" not in text


def test_a_lesson_that_was_rolled_back_can_be_learned_again(tmp_path: Path, gitskill: Run) -> None:
    place, labels = runs(tmp_path / "runs", good=2)
    folder = started(tmp_path / "sheets")
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    gitskill(folder, "evolve", "--release")
    learned = (folder / "SKILL.md").read_text()
    gitskill(folder, "rollback", "v1.0.0")

    again = json.loads(gitskill(folder, "evolve", "--release", "--json").out)

    assert learned != SKILL
    assert (again["run"], again["release"]["previous"]) == ("r0002", "v2.0.0")
    assert (folder / "SKILL.md").read_text() == learned
    assert gitskill(folder, "verify", "--all").code == 0
