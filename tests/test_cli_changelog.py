"""gitskill changelog, log and runs: what each version brought, from its record and its lessons."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, Done, git
from releasing import add_bullet, call, packed, refs, started, whole

Run = Callable[..., Done]

CHANGELOG = """\
# Changelog

## [1.2.0] - 2023-11-14

The skill as it was in v1.0.0.

### Removed

- Save as `a_b` (r0001/l0001a)
- Say it otherwise (r0001/l0002a)
- Drop \\<!-- it --\\> and \\[that\\](x) (r0001/l0003a)

## [1.1.0] - 2023-11-14

3 lessons (r0001).

### Added

- Save as `a_b` (r0001/l0001a)

### Changed

- Say it otherwise (r0001/l0002a)

### Removed

- Drop \\<!-- it --\\> and \\[that\\](x) (r0001/l0003a)

## [1.0.0] - 2023-11-14

Base of skill sheets
"""


def learn(folder: Path, title: str, old: str, new: str) -> None:
    """Add a lesson as a diff."""
    (folder / "SKILL.md").write_text(SKILL.replace(old, new))
    patch = folder.parent / "patch.diff"
    patch.write_text(git(folder, "diff"))
    git(folder, "restore", "SKILL.md")
    call(folder, "lesson", "add", "--title", title, "--why", "seen", "--diff", str(patch))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = started(tmp_path_factory.mktemp("made") / "sheets")
    learn(folder, "Save as `a_b`", "- Save to a new file.\n", "- Save to a new file.\n- Save as a_b.\n")
    learn(folder, "Say it otherwise", "- Keep formulas as formulas.", "- Keep them.")
    learn(folder, "Drop <!-- it --> and [that](x)", "Store dates as dates.\n", "")
    call(folder, "consolidate", "--min-support", "1")
    call(folder, "release")
    call(folder, "rollback", "v1.0.0")
    return packed(folder)


@pytest.fixture
def released(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "sheets"))


def test_each_version_says_what_was_added_changed_and_removed(released: Path, gitskill: Run) -> None:
    before = whole(released)

    done = gitskill(released, "changelog")

    assert done == Done(0, CHANGELOG, "")
    assert gitskill(released, "changelog") == done
    assert whole(released) == before


def test_it_is_written_to_a_file_and_a_clone_writes_the_same(released: Path, tmp_path: Path, gitskill: Run) -> None:
    git(tmp_path, "clone", "-q", str(released), "clone")

    done = gitskill(tmp_path / "clone", "changelog", "-o", "CHANGES.md")

    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "clone" / "CHANGES.md").read_text() == CHANGELOG
    refused = gitskill(released, "changelog", "-o", "nowhere/CHANGES.md")
    assert (refused.code, refused.err.count("cannot be written")) == (3, 1)


def test_json_has_every_entry_with_its_lesson(released: Path, gitskill: Run) -> None:
    found = json.loads(gitskill(released, "changelog", "--json").out)

    assert [each["tag"] for each in found] == ["v1.2.0", "v1.1.0", "v1.0.0"]
    assert found[1]["entries"][0] == {
        "kind": "added",
        "lesson": "r0001/l0001a",
        "title": "Save as `a_b`",
        "support": 0,
        "of": 0,
    }


def test_the_log_tells_releases_from_rollbacks(released: Path, gitskill: Run) -> None:
    assert gitskill(released, "log").out.splitlines() == [
        "v1.2.0  2023-11-14         rollback to v1.0.0",
        "v1.1.0  2023-11-14  r0001  3 lessons",
        "v1.0.0  2023-11-14         Base of skill sheets",
    ]
    found = json.loads(gitskill(released, "log", "--json").out)
    assert [each["rollback"] for each in found] == ["v1.0.0", None, None]


def test_runs_are_told_by_how_far_they_came(released: Path, gitskill: Run) -> None:
    add_bullet(released, "Dates", "Mine")
    before = refs(released)

    done = gitskill(released, "runs")

    assert done.out.splitlines() == [
        "r0002  2023-11-14  person  studied             1 lesson",
        "r0001  2023-11-14  person  released as v1.1.0  3 lessons",
    ]
    call(released, "consolidate", "r0002", "--min-support", "1")
    found = json.loads(gitskill(released, "runs", "--json").out)
    assert [(each["run"], each["state"], each["released"]) for each in found] == [
        ("r0002", "candidate", None),
        ("r0001", "released", "v1.1.0"),
    ]
    assert list(found[0]) == [
        *("run", "started", "base", "engine", "state", "released"),
        *("traces", "lessons", "calls", "usd"),
    ]
    assert refs(released) != before


def test_where_there_is_no_run_it_says_how_to_begin(folder: Path, gitskill: Run) -> None:
    assert gitskill(folder, "runs") == Done(0, "", "there is no run yet; the first: gitskill evolve --traces PATH\n")
    assert gitskill(folder, "runs", "--json") == Done(0, "[]\n", "")
    assert gitskill(folder, "changelog").out == "# Changelog\n"
