"""Groups that are settled while other runs are still studied: sooner, and in nothing else different."""

import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyst_server import lesson, lessons, quotable
from conftest import SKILL, Done, commit_all, git
from fault_server import FaultServer, Reaction, Seen, ok
from gitskill.cli.main import run
from study_runs import runs

Run = Callable[..., Done]
OLD = "- Save to a new file."
RUNS = 4
ASKED = RUNS + 2 + 1
"""One question for each run, one for each group of two, and one for the root."""


def shape(seen: Seen) -> str:
    return str(seen.json["response_format"]["json_schema"]["name"])


def answer(seen: Seen) -> Reaction:
    """Teach another way to write one line in each run; keep the first way of a group."""
    if shape(seen) == "Lessons":
        number = int(re.findall(r"sheet number (\d+)", seen.text)[-1])
        new = f"- Save under a name of your own, way {number}."
        edit = {"op": "replace_in_section", "file": "SKILL.md", "target_section": "Writing", "old_text": OLD}
        return ok(lessons(lesson(*quotable(seen.text), new, edits=[edit | {"content": new}])))
    first, *others = re.findall(r"^(l\d{4}[a-z]) \(", seen.text, re.MULTILINE)
    told = [("keep", [first], ""), ("drop", others, f"{first} says it best")]
    decided = [{"do": do, "lessons": names, "reason": reason, "edits": []} for do, names, reason in told if names]
    return ok(json.dumps({"decisions": decided}))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    with FaultServer(answer) as served:
        monkeypatch.setenv("OPENAI_BASE_URL", served.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        monkeypatch.setenv("GITSKILL_MODEL", "m")
        yield served


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> tuple[Path, str]:  # noqa: ARG001
    """Store runs that wait to be studied; give the refs that analyse and consolidate leave, one after the other."""
    folder = tmp_path_factory.mktemp("ahead") / "sheets"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "SKILL.md").write_text(SKILL)
    commit_all(folder, "Base")
    place, labels = runs(folder.parent / "runs", good=RUNS)
    assert run(["-C", str(folder), "traces", "add", str(place), "--labels", str(labels)], os.environ) == 0
    twin = folder.parent / "twin"
    shutil.copytree(folder, twin)
    with FaultServer(answer) as served:
        model = {"OPENAI_BASE_URL": served.url, "OPENAI_API_KEY": "sk-test-0123456789", "GITSKILL_MODEL": "m"}
        assert run(["-C", str(twin), "analyse", "--fan-in", "2"], {**os.environ, **model}) == 0
        assert run(["-C", str(twin), "consolidate", "--min-support", "1"], {**os.environ, **model}) == 0
        assert served.count == ASKED
    return folder, refs(twin)


@pytest.fixture
def straight(prepared: tuple[Path, str]) -> str:
    return prepared[1]


@pytest.fixture
def waiting(prepared: tuple[Path, str], tmp_path: Path) -> Path:
    return shutil.copytree(prepared[0], tmp_path / "sheets")


def refs(folder: Path) -> str:
    return git(folder, "for-each-ref", "--format=%(refname) %(objectname)")


def evolve(gitskill: Run, folder: Path, *more: str) -> Done:
    return gitskill(folder, "evolve", "--fan-in", "2", "--min-support", "1", *more)


def test_a_group_is_settled_while_another_run_is_studied_and_the_refs_are_the_same(
    waiting: Path, gitskill: Run, server: FaultServer, straight: str
) -> None:
    settled = threading.Event()
    came: list[bool] = []

    def script(seen: Seen) -> Reaction:
        if shape(seen) == "Decisions":
            settled.set()
        elif seen.number == RUNS:
            came.append(settled.wait(20))
        return answer(seen)

    server.script = script

    assert evolve(gitskill, waiting).code == 0

    assert came == [True]
    assert server.count == len({seen.body for seen in server.seen}) == ASKED
    assert refs(waiting) == straight


@pytest.mark.parametrize("calls", [3, 5, 6])
def test_stopped_by_a_limit_it_has_paid_for_no_answer_that_is_asked_for_again(
    waiting: Path, gitskill: Run, server: FaultServer, straight: str, calls: int
) -> None:
    stopped = evolve(gitskill, waiting, "--max-calls", str(calls), "--workers", "2")
    assert (stopped.code, server.count) == (75, calls)

    again = evolve(gitskill, waiting)

    assert again.code == 0, again.err
    assert server.count == len({seen.body for seen in server.seen}) == ASKED
    assert refs(waiting) == straight


def test_rules_ask_nobody_meanwhile(waiting: Path, gitskill: Run, server: FaultServer) -> None:
    assert evolve(gitskill, waiting, "--engine", "rules").code == 0

    assert {shape(seen) for seen in server.seen} == {"Lessons"}
