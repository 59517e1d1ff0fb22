"""`gitskill status --short`: one line for a prompt, quickly, or nothing at all."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done, git
from study_runs import runs

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]


def test_the_line_says_what_status_says(folder: Path, gitskill: Run, bullet: Bullet, tmp_path: Path) -> None:
    logs, labels = runs(tmp_path / "runs", good=3, bad=1)
    bullet("Writing", "one")
    assert gitskill(folder, "status", "--short") == Done(0, "r0001 1 lesson\n", "")
    assert gitskill(folder, "traces", "add", str(logs), "--labels", str(labels)).code == 0

    assert gitskill(folder, "evolve", "--offline").code == 0

    lessons = json.loads(gitskill(folder, "status", "--json").out)["lessons"]
    counted = lessons["proposed"] - lessons["rejected"]
    held = f", {lessons['held']} held" if lessons["held"] else ""
    assert gitskill(folder, "status", "--short").out == f"r0002 {counted} lessons{held}\n"


def test_where_there_is_nothing_to_say_it_says_nothing(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "plain").mkdir()
    git(tmp_path / "plain", "init", "-q")

    for place in (folder, tmp_path / "empty", tmp_path / "plain"):
        assert gitskill(place, "status", "--short") == Done(0, "", "")


@pytest.mark.parametrize("arguments", [["--json"], ["r0001"]])
def test_it_is_of_the_newest_run_and_for_people(arguments: list[str], folder: Path, gitskill: Run) -> None:
    assert gitskill(folder, "status", "--short", *arguments).code == 2


def test_it_loads_nothing_that_a_prompt_would_have_to_wait_for(folder: Path) -> None:
    code = "import sys; from gitskill.cli.main import run; run(sys.argv[1:], {}); print(*sys.modules, file=sys.stderr)"

    command = [sys.executable, "-c", code, "-C", str(folder), "status", "--short"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == ""
    assert "gitskill.report.short" in done.stderr.split()
    assert not {"openai", "pydantic", "gitskill.report.status"} & set(done.stderr.split())
