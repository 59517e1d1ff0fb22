"""From runs to a candidate with the real command, and what plain git then says about it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import SHARED, Done, git, state, told
from study_runs import runs

Run = Callable[..., Done]
INTERCODE = SHARED / "trajectories" / "intercode-bash"


@pytest.fixture(scope="module")
def evolved_once(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Evolve once what the tests of this file look at, each in a copy of its own."""
    place = tmp_path_factory.mktemp("evolved") / "sheets"
    shutil.copytree(made_once, place)
    words = ["-C", str(place), "evolve", "--traces", str(INTERCODE), "--json"]
    program = [sys.executable, "-c", "from gitskill.cli.main import main; main()"]
    done = subprocess.run([*program, *words], check=True, capture_output=True, text=True)
    return place, json.loads(done.stdout)


@pytest.fixture
def evolved(folder: Path, evolved_once: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    place, found = evolved_once
    shutil.rmtree(folder)
    shutil.copytree(place, folder)
    git(folder, "update-index", "-q", "--refresh")
    return found


def test_the_account_adds_up_and_the_best_supported_come_first(
    folder: Path, gitskill: Run, evolved: dict[str, Any]
) -> None:
    lessons = evolved["lessons"]
    assert lessons["proposed"] == sum(
        lessons[name] for name in ("merged", "folded", "dropped", "held", "rejected", "pending")
    )
    assert lessons["pending"] == 0
    assert lessons["merged"] > 5
    support = [each["support"] for each in evolved["top"]]
    assert support == sorted(support, reverse=True)
    assert support[0] > 1
    assert evolved["top"][0]["of"] == sum(evolved["traces"][name] for name in ("lessons", "no_lesson", "failed"))
    assert evolved["seconds"] >= 0
    assert gitskill(folder, "check", "--rev", evolved["candidate"]).code == 0


def test_your_checkout_is_not_touched_and_the_candidate_can_be_merged_with_git(folder: Path, gitskill: Run) -> None:
    before = state(folder)
    found = told(gitskill(folder, "evolve", "--traces", str(INTERCODE), "--json"))
    assert state(folder) == before

    git(folder, "merge", "-q", "--no-ff", "-m", "Take it", f"gitskill/{found['run']}/evolved")

    assert git(folder, "rev-list", "--count", "--first-parent", "HEAD").strip() == "2"
    assert gitskill(folder, "check").code == 0
    released = gitskill(folder, "blame", "SKILL.md").out
    assert re.search(r"^l\d{4}a l\d{4}a .* 8/200 +offline", released, re.MULTILINE)


def test_git_blame_and_bisect_end_at_a_lesson(folder: Path, gitskill: Run, evolved: dict[str, Any]) -> None:
    ours = told(gitskill(folder, "blame", "--rev", evolved["candidate"], "--json", "SKILL.md"))["lines"]
    line = next(each for each in ours if each["text"].startswith("- When") and each["kind"] == "fold")

    place = f"{line['line']},{line['line']}"
    blamed = git(folder, "blame", "-l", "-L", place, evolved["candidate"], "--", "SKILL.md").split()[0].lstrip("^")

    assert git(folder, "log", "-1", "--format=%an", blamed).strip() == "analyst-offline"
    text = line["text"].replace('"', '\\"').replace("`", "\\`").replace("$", "\\$")
    git(folder, "bisect", "start", "--no-checkout", evolved["candidate"], evolved["base"])
    found = git(folder, "bisect", "run", "sh", "-c", f'! git show BISECT_HEAD:SKILL.md | grep -qF -- "{text}"')
    git(folder, "bisect", "reset")
    first = re.search(r"([0-9a-f]{40}) is the first bad commit", found)
    assert first
    assert git(folder, "log", "-1", "--format=%an", first[1]).strip() == "analyst-offline"


def test_twice_is_once(folder: Path, gitskill: Run, evolved: dict[str, Any]) -> None:
    before = git(folder, "for-each-ref")

    again = told(gitskill(folder, "evolve", "--json"))

    assert again["candidate"] == evolved["candidate"]
    assert git(folder, "for-each-ref") == before


def test_without_a_model_none_is_asked_to_settle_and_no_ref_moves(
    folder: Path, gitskill: Run, evolved: dict[str, Any]
) -> None:
    refs = git(folder, "for-each-ref")

    for command in (["evolve", "--new"], ["consolidate", evolved["run"], "--onto", "main"]):
        done = gitskill(folder, *command, "--engine", "model")
        assert (done.code, "no model is configured" in done.err) == (3, True)
        assert git(folder, "for-each-ref") == refs


def test_another_min_support_moves_the_candidate_and_undo_moves_it_back(
    folder: Path, gitskill: Run, evolved: dict[str, Any]
) -> None:
    before = git(folder, "for-each-ref", "refs/heads")

    found = told(gitskill(folder, "consolidate", "--min-support", "1", "--json"))

    assert found["candidate"] != evolved["candidate"]
    assert "references/" not in git(folder, "ls-tree", "-r", "--name-only", found["candidate"])
    assert gitskill(folder, "undo").code == 0
    assert git(folder, "for-each-ref", "refs/heads") == before


def test_runs_that_teach_nothing_have_no_candidate(folder: Path, gitskill: Run) -> None:
    place, labels = runs(folder.parent / "runs", bad=2)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))

    done = gitskill(folder, "evolve")

    assert done.code == 0
    assert "nothing new was learned, so there is no candidate" in done.out
    assert git(folder, "for-each-ref", "refs/heads/gitskill") == ""


def test_a_run_that_is_not_studied_is_not_consolidated(folder: Path, gitskill: Run) -> None:
    assert gitskill(folder, "consolidate").code == 3
    assert gitskill(folder, "consolidate", "r0009").code == 3


def test_what_a_later_run_teaches_again_supports_what_the_skill_says(folder: Path, gitskill: Run) -> None:
    place, labels = runs(folder.parent / "first", good=2)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    first = told(gitskill(folder, "evolve", "--json"))["top"][0]
    git(folder, "merge", "-q", "--no-ff", "-m", "Take it", "gitskill/r0001/evolved")
    place, labels = runs(folder.parent / "second", good=5)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))

    done = gitskill(folder, "evolve")

    assert done.code == 0
    assert "nothing new was learned" in done.out
    found = told(gitskill(folder, "show", first["lesson"], "--json"))
    assert (found["support"], found["again"]) == (2, {"r0002": 3})
    assert "2 of 2 traces, 2 tasks; 3 more traces in r0002" in gitskill(folder, "show", first["lesson"]).out


def test_a_second_run_on_what_was_taken_teaches_nothing_new(
    folder: Path, gitskill: Run, evolved: dict[str, Any]
) -> None:
    git(folder, "merge", "-q", "--no-ff", "-m", "Take it", "gitskill/r0001/evolved")

    again = told(gitskill(folder, "evolve", "--json"))

    counts = again["lessons"]
    assert (again["run"], again["candidate"]) == ("r0002", None)
    assert counts["proposed"] == evolved["lessons"]["proposed"] == counts["folded"] + counts["held"]
    assert gitskill(folder, "evolve").out.endswith("nothing new was learned, so there is no candidate\n")
    before = git(folder, "for-each-ref")
    assert gitskill(folder, "evolve").code == 0
    assert git(folder, "for-each-ref") == before
    rows = told(gitskill(folder, "show", "r0002", "--json"))
    folded = next(row["lesson"] for row in rows if row["state"] == "folded")
    assert told(gitskill(folder, "show", folded, "--json"))["reason"].startswith("the skill says it already: r0001/l")
