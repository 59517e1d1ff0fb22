"""Runs of analysts that are killed, interrupted and terminated, in processes of their own, and that go on."""

import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from analyst_server import analysts
from conftest import SKILL, commit_all, git, needed, state
from fault_server import FaultServer, Seen, hang
from gitskill.cli.main import run
from study_runs import runs

WORKERS = 3
GOOD, BAD = 6, 3
UNIQUE = GOOD + 2 * BAD
PROGRAM = [sys.executable, "-c", "from gitskill.cli.main import main; main()"]


@dataclass(frozen=True)
class Prepared:
    """A repository with traces that wait to be studied, and the refs that studying them without trouble leaves."""

    folder: Path
    refs: str


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Prepared:  # noqa: ARG001
    place = tmp_path_factory.mktemp("resume")
    folder = place / "sheets"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "SKILL.md").write_text(SKILL)
    commit_all(folder, "Base")
    logs, labels = runs(place / "runs", good=GOOD, bad=BAD)
    assert run(["-C", str(folder), "traces", "add", str(logs), "--labels", str(labels)], os.environ) == 0
    twin = place / "twin"
    shutil.copytree(folder, twin)
    with FaultServer(analysts) as server:
        assert finished(twin, server)[0] == 0
        assert server.count == UNIQUE
    return Prepared(folder, refs(twin))


@pytest.fixture
def sample(prepared: Prepared, tmp_path: Path) -> Path:
    """Give a copy of the repository to do harm to."""
    shutil.copytree(prepared.folder, tmp_path / "sheets")
    return tmp_path / "sheets"


def start(folder: Path, server: FaultServer, *more: str, trace: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "GITSKILL"))}
    environment |= {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test-0123456789", "GITSKILL_MODEL": "m"}
    environment |= {"GITSKILL_CONFIG": os.devnull}
    command = [*trace, *PROGRAM, "-C", str(folder), "analyse", "--workers", str(WORKERS), "--verify", "off", *more]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finished(folder: Path, server: FaultServer) -> tuple[int, str]:
    process = start(folder, server)
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


def refs(folder: Path) -> str:
    return git(folder, "for-each-ref", "--format=%(refname) %(objectname)")


def sound(folder: Path) -> None:
    """Hold the repository against what no fault may break."""
    git(folder, "fsck", "--strict", "--no-dangling")
    assert not list((folder / ".git" / "refs").rglob("*.lock"))


@pytest.mark.parametrize("seed", [1])
def test_killed_again_and_again_it_ends_as_if_it_had_not_been_and_pays_for_nothing_twice(
    sample: Path, prepared: Prepared, seed: int
) -> None:
    before = state(sample)
    draw = random.Random(seed)  # noqa: S311
    kills = [draw.randint(1, 5) for _ in range(3)]
    with FaultServer(analysts, latency=(0.0, 0.05), seed=seed) as server:
        for after in kills:
            _killed(sample, server, server.count + after)
        code, said = finished(sample, server)

        assert code == 0, said
        assert server.count <= UNIQUE + len(kills) * WORKERS
        assert len({seen.body for seen in server.seen}) == UNIQUE
    assert refs(sample) == prepared.refs
    assert state(sample) == before
    sound(sample)


def _killed(folder: Path, server: FaultServer, at: int) -> None:
    """Start a run, and kill it with all its children when the server has its request number `at`."""
    process = start(folder, server)

    def kill(_: Seen) -> None:
        if server.count >= at:
            os.killpg(process.pid, signal.SIGKILL)

    server.on_request = kill
    process.communicate(timeout=60)
    server.on_request = None


@pytest.mark.parametrize(("call", "points"), [("rename", (1, 7)), ("fsync", (5,))])
def test_killed_while_git_is_written_it_goes_on(
    sample: Path, prepared: Prepared, call: str, points: tuple[int, ...]
) -> None:
    """Every file operation of ours and of git's is a place to die: a few of them are tried here."""
    strace = needed("strace", "dying while git is written was not tested")
    with FaultServer(analysts) as server:
        for number in points:
            fault = f"inject={call}:signal=KILL:when={number}"
            trace = (strace, "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", fault)
            start(sample, server, trace=trace).communicate(timeout=60)
        code, said = finished(sample, server)

        assert code == 0, said
        assert server.count <= UNIQUE + len(points) * WORKERS
    assert refs(sample) == prepared.refs
    sound(sample)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_at_once_and_what_was_finished_stays(
    sample: Path, prepared: Prepared, number: signal.Signals, code: int
) -> None:
    with FaultServer(lambda seen: hang() if seen.number > 4 else analysts(seen)) as server:
        process = start(sample, server)
        server.on_request = lambda seen: os.kill(process.pid, number) if seen.number == 4 + WORKERS else None
        _, err = process.communicate(timeout=20)

        assert process.returncode == code
        assert "gitskill analyse --run r0001" in err
        assert "Traceback" not in err
        server.script = analysts
        server.on_request = None
        assert finished(sample, server)[0] == 0
    assert refs(sample) == prepared.refs


def test_two_at_once_do_not_work_on_one_run(sample: Path) -> None:
    with FaultServer(lambda seen: hang() if seen.number <= WORKERS else analysts(seen)) as server:
        first = start(sample, server)
        while server.count < WORKERS and first.poll() is None:
            pass
        second = start(sample, server)
        _, err = second.communicate(timeout=20)
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()

        assert second.returncode == 5
        assert "another gitskill works on r0001" in err
        assert finished(sample, server)[0] == 0


@pytest.mark.parametrize("nth", [1, 3])
def test_a_git_that_dies_after_its_work_was_done_is_no_reason_to_do_it_again(
    sample: Path, prepared: Prepared, tmp_path: Path, nth: int
) -> None:
    programs, counted = tmp_path / "bin", tmp_path / "count"
    programs.mkdir()
    (programs / "git").write_text(
        "#!/bin/sh\n"
        f'{shutil.which("git")} "$@"; code=$?\n'
        f'case "$*" in *update-ref*) echo x >> {counted}; [ $(wc -l < {counted}) = {nth} ] && kill -9 $$ ;; esac\n'
        "exit $code\n"
    )
    (programs / "git").chmod(0o755)
    with FaultServer(analysts) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        code, said = finished(sample, server)

        assert code == 0, said
        assert server.count == UNIQUE
    assert refs(sample) == prepared.refs
