"""Groups that are settled while other runs are still studied: sooner, and in nothing else different."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyst_server import lesson, lessons, quotable
from clash_server import keep_first
from conftest import SKILL, Done, commit_all, git, needed, state
from fault_server import FaultServer, Reaction, Seen, ok
from gitskill.cli.main import run
from gitskill.ids import RunId
from gitskill.store.locks import Busy, held
from gitskill.store.repository import Repository
from study_runs import runs

Run = Callable[..., Done]
OLD = "- Save to a new file."
RUNS = 4
WORKERS = 2
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
    return keep_first(seen)


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


def start(folder: Path, *words: str, trace: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
    """Start the program in a process, and a session, of its own."""
    program = (*trace, sys.executable, "-c", "from gitskill.cli.main import main; main()", "-C", str(folder))
    pipe = subprocess.PIPE
    return subprocess.Popen([*program, *words], stdout=pipe, stderr=pipe, text=True, start_new_session=True)


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


def test_killed_again_and_again_it_ends_as_if_it_had_not_been(
    waiting: Path, server: FaultServer, straight: str
) -> None:
    before = state(waiting)
    server.latency = (0.0, 0.03)
    for at in (RUNS + 1, ASKED):
        process = start(waiting, "evolve", "--fan-in", "2", "--min-support", "1", "--workers", str(WORKERS))

        def kill(_: Seen, at: int = at, process: "subprocess.Popen[str]" = process) -> None:
            if server.count >= at:
                os.killpg(process.pid, signal.SIGKILL)

        server.on_request = kill
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    server.on_request = None
    process = start(waiting, "evolve", "--fan-in", "2", "--min-support", "1")
    process.communicate(timeout=60)

    assert process.returncode == 0
    assert len({seen.body for seen in server.seen}) == ASKED
    assert server.count <= ASKED + 2 * WORKERS
    assert refs(waiting) == straight
    assert state(waiting) == before
    git(waiting, "fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize(("call", "number"), [("rename", 4), ("fsync", 5)])
def test_killed_while_the_candidate_is_written_it_goes_on(
    waiting: Path, gitskill: Run, server: FaultServer, straight: str, call: str, number: int
) -> None:
    strace = needed("strace", "dying while a candidate is written was not tested")
    assert gitskill(waiting, "analyse", "--fan-in", "2").code == 0
    fault = f"inject={call}:signal=KILL:when={number}"
    trace = (strace, "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", fault)
    start(waiting, "consolidate", "--min-support", "1", trace=trace).communicate(timeout=60)

    done = gitskill(waiting, "consolidate", "--min-support", "1")

    assert done.code == 0, done.err
    assert len({seen.body for seen in server.seen}) == ASKED
    assert refs(waiting) == straight
    assert not list((waiting / ".git" / "refs").rglob("*.lock"))


def test_two_do_not_work_on_one_run_at_once(waiting: Path, gitskill: Run, server: FaultServer, straight: str) -> None:
    assert gitskill(waiting, "analyse", "--fan-in", "2").code == 0
    before = refs(waiting)
    with held(Repository.open(waiting), RunId(1)):
        done = gitskill(waiting, "consolidate", "--min-support", "1")

        assert (done.code, "another gitskill works on r0001" in done.err) == (5, True)
        assert (refs(waiting), server.count) == (before, RUNS)
        assert gitskill(waiting, "analyse", "--run", "r0001", "--retry").code == 5

    assert gitskill(waiting, "consolidate", "--min-support", "1").code == 0
    assert refs(waiting) == straight


def test_nobody_else_takes_up_a_run_while_it_is_consolidated(waiting: Path, gitskill: Run, server: FaultServer) -> None:
    assert gitskill(waiting, "analyse", "--fan-in", "2").code == 0
    codes: list[int] = []

    def script(seen: Seen) -> Reaction:
        with pytest.raises(Busy), held(Repository.open(waiting), RunId(1)):
            pass
        codes.append(5)
        return answer(seen)

    server.script = script

    assert gitskill(waiting, "consolidate", "--min-support", "1").code == 0
    assert codes == [5, 5, 5]


def test_after_a_change_by_hand_only_the_groups_that_it_touches_are_asked_about(
    waiting: Path, gitskill: Run, server: FaultServer, tmp_path: Path
) -> None:
    assert evolve(gitskill, waiting).code == 0
    before = server.count
    first, *_, last = git(waiting, "for-each-ref", "--format=%(refname:short)", "refs/heads/gitskill/r0001/l*").split()
    tree = tmp_path / "tree"
    git(waiting, "worktree", "add", "-q", str(tree), first)
    text = (tree / "SKILL.md").read_text()
    (tree / "SKILL.md").write_text(re.sub(r"way \d", "as I do", text))
    git(tree, "commit", "-qa", "--amend", "--no-edit")
    git(waiting, "worktree", "remove", str(tree))

    amended = gitskill(waiting, "consolidate", "--min-support", "1", "--json")

    assert amended.code == 0, amended.err
    assert "as I do" in git(waiting, "show", "gitskill/r0001/evolved:SKILL.md")
    assert server.count == before + 2  # its group, and the root; the other group is known

    git(waiting, "branch", "-qD", last)
    deleted = gitskill(waiting, "consolidate", "--min-support", "1", "--json")

    assert deleted.code == 0, deleted.err
    assert server.count == before + 2  # one alone is not asked about, and what goes up is what went up before
    counts = json.loads(deleted.out)["lessons"]
    assert (counts["proposed"], counts["merged"], counts["dropped"]) == (RUNS, 1, RUNS - 1)


def test_rules_ask_nobody_meanwhile(waiting: Path, gitskill: Run, server: FaultServer) -> None:
    assert evolve(gitskill, waiting, "--engine", "rules").code == 0

    assert {shape(seen) for seen in server.seen} == {"Lessons"}
