"""Fixes that an analyst tries and has checked: the real program, a real sandbox, an endpoint on loopback."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from analyst_server import lesson, lessons, quotable, turn
from conftest import Done, git, needed, state
from fault_server import FaultServer, Reaction, Script, Seen, ok
from study_runs import run_log

Run = Callable[..., Done]

WRONG = "region,amount\nnorth,1\nsouth,2\ntotal,0\n"
RIGHT = WRONG.replace("total,0", "total,3")
RULE = "Compute a total from the rows that are there."
MEND = turn("run", command=["sh", "-c", "sed s/total,0/total,3/ region-sums.csv >mended.csv"])
CHECK = turn("check_fix", name="mended.csv")
RIGHT_TOTAL = 'grep -qx total,3 "$1"'
PROGRAM = [sys.executable, "-c", "from gitskill.cli.main import main; main()"]


def script(*acts: str) -> Script:
    """Answer by where a conversation stands: it reads the run, does `acts` one after the other, and reports."""
    steps = [turn("read_steps", first=1, last=50), *acts]

    def react(seen: Seen) -> Reaction:
        messages = [str(message["content"]) for message in seen.json["messages"]]
        done = (len(messages) - 2) // 2
        if shape(seen) == "Lessons":
            return ok(lessons(lesson(*quotable(messages[1]), RULE)))
        if done < len(steps):
            return ok(steps[done])
        return ok(turn("report", lessons=[lesson(*quotable(messages[3]), RULE)], reason=""))

    return react


def shape(seen: Seen) -> str:
    return str(seen.json["response_format"]["json_schema"]["name"])


def told(server: FaultServer) -> list[str]:
    """Give what the model was told of each act but the first, which reads the run."""
    return [str(message["content"]) for message in server.seen[-1].json["messages"][5::2]]


@pytest.fixture
def bwrap() -> str:
    return needed("bwrap", "no fix was tried from the command line")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """Serve an analyst, and make that endpoint the configured one."""
    with FaultServer(script(MEND, CHECK)) as served:
        monkeypatch.setenv("OPENAI_BASE_URL", served.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        monkeypatch.setenv("GITSKILL_MODEL", "m")
        yield served


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Write a failed run that left a file with a wrong total."""
    place = tmp_path / "logs"
    place.mkdir()
    log = run_log("sums-4711x", 4, failed=True)
    log |= {"artifacts": [{"name": "region-sums.csv", "text": WRONG}], "outcome": {"status": "failure"}}
    (place / "run.json").write_text(json.dumps(log))
    return place


@pytest.fixture
def study(folder: Path, gitskill: Run, logs: Path, bwrap: str, server: FaultServer) -> Run:  # noqa: ARG001
    """Study the failed run: `study("--checker", "…")`."""

    def call(*options: str) -> Done:
        return gitskill(folder, "analyse", "--traces", str(logs), *options)

    return call


@dataclass(frozen=True)
class Checker:
    """A person's command that counts how often it ran."""

    program: Path
    count: Path

    @classmethod
    def of(cls, place: Path, script_: str = RIGHT_TOTAL) -> "Checker":
        checker = cls(place / "check.sh", place / "checked")
        checker.program.write_text(f"#!/bin/sh\necho once >>{checker.count}\n{script_}\n")
        checker.program.chmod(0o755)
        return checker

    @property
    def option(self) -> tuple[str, str]:
        return "--checker", str(self.program)

    @property
    def runs(self) -> int:
        return len(self.count.read_text().splitlines()) if self.count.exists() else 0


@pytest.fixture
def checker(tmp_path: Path) -> Checker:
    return Checker.of(tmp_path)


def verified(folder: Path, run: str = "r0001") -> list[str]:
    """Give the trailers of the lesson of a run, as git reads them."""
    pretty = "--format=%(trailers:key=Verified,valueonly)"
    return git(folder, "log", "-1", pretty, f"--branches=gitskill/{run}/l*").strip().splitlines()


def refs(folder: Path) -> str:
    return git(folder, "for-each-ref", "--format=%(refname) %(objectname)")


# what is tried


def test_a_fix_that_a_persons_checker_passes_stands_on_the_commit(
    study: Run, folder: Path, gitskill: Run, server: FaultServer, checker: Checker
) -> None:
    before = state(folder)

    done = study(*checker.option)

    assert done.code == 0, done.err
    assert verified(folder) == ["checker passed on mended.csv"]
    assert (checker.runs, server.count, state(folder)) == (1, 4, before)
    ran, checked = told(server)
    assert ran.startswith("Exit code 0. It printed nothing.\nFiles it wrote or changed:\n<data ")
    assert checked.startswith("The check passed.\n")
    assert json.loads(gitskill(folder, "show", "r0001/l0001a", "--json").out)["state"] == "proposed"
    git(folder, "fsck", "--strict", "--no-dangling")


def test_a_fix_that_is_turned_down_is_told_as_it_was_and_not_why(
    study: Run, folder: Path, server: FaultServer, tmp_path: Path
) -> None:
    checker = Checker.of(tmp_path, 'echo "B4 must be 41170328551"; exit 1')

    assert study(*checker.option).code == 0

    assert verified(folder) == ["checker did not pass"]
    assert told(server)[1].startswith("The check did not pass.\n")
    assert "41170328551" not in "".join(seen.text for seen in server.seen)
    assert b"41170328551" not in b"".join(path.read_bytes() for path in (folder / ".git" / "gitskill").iterdir())


def test_a_checker_that_breaks_off_has_said_nothing(study: Run, folder: Path, tmp_path: Path) -> None:
    assert study(*Checker.of(tmp_path, "exit 70").option).code == 0

    assert verified(folder) == ["checker gave no verdict"]


def test_a_known_answer_is_refused_before_anybody_checks_it(
    study: Run, folder: Path, server: FaultServer, checker: Checker, tmp_path: Path
) -> None:
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "4711.csv").write_text(RIGHT)
    server.script = script(turn("write_file", name="mended.csv", content=RIGHT), CHECK)

    assert study(*checker.option, "--references", str(tmp_path / "answers")).code == 0

    assert told(server)[1].startswith("Refused: this file is a known answer")
    assert (verified(folder), checker.runs) == ([], 0)


def test_a_file_of_the_run_is_no_fix_until_it_was_changed(
    study: Run, folder: Path, server: FaultServer, checker: Checker
) -> None:
    check = turn("check_fix", name="region-sums.csv")
    server.script = script(check, turn("write_file", name="region-sums.csv", content=RIGHT), check)

    assert study(*checker.option).code == 0

    assert told(server)[0].startswith("Refused: this file is as the run left it.")
    assert (verified(folder), checker.runs) == (["checker passed on region-sums.csv"], 1)


def test_a_command_reaches_neither_this_machines_files_nor_its_network(
    study: Run, folder: Path, server: FaultServer, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    canary.write_text("canary-9f31")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        line = f"cat {canary} {folder}/SKILL.md; exec 3<>/dev/tcp/127.0.0.1/{port} && echo reached; env"
        more = f"cat /skill/SKILL.md; echo x >>/skill/SKILL.md || exec 3<>/dev/tcp/127.0.0.1/{server.port}"
        server.script = script(turn("run", command=["bash", "-c", line]), turn("run", command=["bash", "-c", more]))
        assert study().code == 0
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()

    first, second = told(server)
    assert "No such file or directory" in first
    assert "Connection refused" in first
    assert "Connection refused" in second
    assert "- Keep formulas as formulas." in second
    for secret in ("canary-9f31", "reached", "sk-test-0123456789"):
        assert secret not in "".join(f"{seen.text}" for seen in server.seen).replace(line, "").replace(str(canary), "")
    assert verified(folder) == ["ran in the sandbox, nothing checked"]


def test_commands_that_a_model_made_up_are_told_and_end_nothing(study: Run, folder: Path, server: FaultServer) -> None:
    made_up: tuple[list[str], ...] = (["a\0b"], [], [""], ["echo", "x" * 70_000], ["no-such-program"])
    server.script = script(*(turn("run", command=command) for command in made_up), MEND)

    assert study().code == 0

    assert [each.partition(" ")[0] for each in told(server)] == ["Nothing", "A", "A", "Nothing", "Exit", "Exit"]
    assert "no-such-program" in told(server)[-2]
    assert verified(folder) == ["ran in the sandbox, nothing checked"]


def test_the_shell_of_a_persons_checker_never_sees_a_name_that_a_model_made_up(
    study: Run, folder: Path, server: FaultServer, tmp_path: Path
) -> None:
    name = "$(touch pwned).csv;touch ${PWD}pwned"
    server.script = script(turn("write_file", name=name, content=RIGHT), turn("check_fix", name=name))

    assert study("--checker", f"sh -c 'cd {tmp_path} && grep -qx total,3 {{path}}'").code == 0

    assert verified(folder) == [f"checker passed on {name}"]
    assert not list(tmp_path.rglob("*pwned*"))


def test_a_checker_that_cannot_be_started_stops_the_run_which_goes_on_when_it_can(
    study: Run, folder: Path, checker: Checker
) -> None:
    whole = checker.program.read_text()
    checker.program.write_text(whole.partition("\n")[2])

    broken = study(*checker.option)
    checker.program.write_text(whole)

    assert (broken.code, verified(folder)) == (3, [])
    assert "Exec format error" in broken.err
    assert study(*checker.option).code == 0
    assert verified(folder) == ["checker passed on mended.csv"]


def test_a_new_run_asks_the_checker_anew_and_the_model_only_where_that_differs(
    study: Run, folder: Path, server: FaultServer, tmp_path: Path
) -> None:
    checker = Checker.of(tmp_path, "exit 1")
    assert study(*checker.option).code == 0
    asked = server.count

    assert study(*checker.option, "--new").code == 0
    assert (checker.runs, server.count) == (2, asked)
    Checker.of(tmp_path)
    assert study(*checker.option, "--new").code == 0

    assert [verified(folder, f"r000{n}") for n in (1, 2, 3)] == [
        ["checker did not pass"],
        ["checker did not pass"],
        ["checker passed on mended.csv"],
    ]
    assert (checker.runs, server.count) == (3, asked + 1)


# whether anything is tried


def test_where_nothing_is_to_be_tried_nothing_is_offered(study: Run, folder: Path, server: FaultServer) -> None:
    server.script = script()

    assert study("--verify", "off").code == 0

    assert {shape(seen) for seen in server.seen} == {"ReadingTurn"}
    assert not any(word in server.seen[0].body for word in (b"write_file", b"check_fix", b"RunCommand", b"/job"))
    assert verified(folder) == []


def test_without_a_checker_checking_is_not_offered(study: Run, server: FaultServer) -> None:
    server.script = script(MEND)

    assert study().code == 0

    assert {shape(seen) for seen in server.seen} == {"TryingTurn"}
    assert b"check_fix" not in server.seen[0].body


@pytest.fixture
def without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take bubblewrap off the search path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(programs))


@pytest.mark.usefixtures("without")
def test_where_a_sandbox_is_required_and_there_is_none_nothing_is_begun(
    folder: Path, gitskill: Run, logs: Path, server: FaultServer
) -> None:
    before = refs(folder)

    done = gitskill(folder, "analyse", "--traces", str(logs), "--verify", "require")

    assert (done.code, server.count, refs(folder)) == (4, 0, before)
    assert "bubblewrap (bwrap) is not on PATH" in done.err
    assert "Nothing was executed." in done.err


@pytest.mark.usefixtures("without")
def test_where_there_is_no_sandbox_the_run_goes_on_and_says_so_once(
    folder: Path, gitskill: Run, logs: Path, server: FaultServer
) -> None:
    server.script = script()

    done = gitskill(folder, "analyse", "--traces", str(logs))

    assert done.code == 0
    assert done.err.count("bubblewrap (bwrap) is not on PATH") == 1
    assert {shape(seen) for seen in server.seen} == {"ReadingTurn"}
    assert verified(folder) == []


@pytest.mark.usefixtures("bwrap")
def test_a_run_with_other_means_to_try_a_fix_is_not_gone_on_with(
    folder: Path, gitskill: Run, logs: Path, server: FaultServer, checker: Checker
) -> None:
    gitskill(folder, "analyse", "--traces", str(logs), *checker.option, "--max-calls", "2")

    for options, what in (([], "checker"), (["--verify", "off"], "verify"), (["--checker", "true"], "checker")):
        refused = gitskill(folder, "analyse", "--run", "r0001", *options)
        assert refused.code == 3
        assert f"r0001 was planned with {what}" in refused.err
    assert server.count == 2
    assert gitskill(folder, "analyse", "--run", "r0001", *checker.option).code == 0
    assert verified(folder) == ["checker passed on mended.csv"]


@pytest.mark.usefixtures("bwrap")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--checker", "no-such-program"], "is neither a file nor a program"),
        (["--checker", "true", "--references", "none"], "none cannot be read: No such file"),
        (["--references", "logs"], "--references are for --checker"),
        (["--checker", "true", "--verify", "off"], "--checker has nothing to check"),
        (["--checker", "true", "--offline"], "--checker has nothing to check"),
        (["--verify", "require", "--offline"], "the offline engine tries nothing"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_begun(
    folder: Path, gitskill: Run, logs: Path, server: FaultServer, options: list[str], said: str
) -> None:
    before = refs(folder)

    done = gitskill(folder, "analyse", "--traces", str(logs), *options)

    assert (done.code, server.count, refs(folder)) == (3, 0, before)
    assert said in done.err


def test_the_command_that_is_printed_goes_on(
    study: Run, folder: Path, gitskill: Run, checker: Checker, tmp_path: Path
) -> None:
    answers = tmp_path / "known answers"
    answers.mkdir()
    (answers / "a").write_text("x")

    paused = study(*checker.option, "--references", str(answers), "--max-calls", "2")
    [line] = [line for line in paused.err.splitlines() if line.startswith("  go on")]

    assert gitskill(folder, "analyse", "--run", "r0001", *checker.option).code == 3
    assert gitskill(folder, *shlex.split(line)[3:]).code == 0
    assert verified(folder) == ["checker passed on mended.csv"]


def test_answers_are_looked_for_where_the_command_is_told_to_work(
    study: Run, folder: Path, server: FaultServer, checker: Checker
) -> None:
    (folder.parent / "answers").mkdir()
    (folder.parent / "answers" / "a.csv").write_text(RIGHT)
    server.script = script(turn("write_file", name="mended.csv", content=RIGHT), CHECK)

    assert study(*checker.option, "--references", "../answers").code == 0

    assert checker.runs == 0


def test_what_a_checker_prints_of_a_bad_fix_makes_it_no_good_one(
    study: Run, folder: Path, server: FaultServer, tmp_path: Path
) -> None:
    checker = Checker.of(tmp_path, 'echo "this is wrong:"; cat "$1"; exit 1')
    server.script = script(turn("write_file", name="mended.csv", content="success"), CHECK)

    assert study(*checker.option).code == 0

    assert verified(folder) == ["checker did not pass"]


# killed, and going on

DRAW = turn("run", command=["sh", "-c", "cat /proc/sys/kernel/random/uuid; head -c 300 /dev/urandom >noise.bin"])


def test_killed_again_and_again_it_ends_as_if_it_had_not_been(
    folder: Path, gitskill: Run, study: Run, server: FaultServer, tmp_path: Path
) -> None:
    """What a command drew by chance is drawn once, and what the checker said is asked once."""
    spared = tmp_path / "spared"
    checker = Checker.of(tmp_path, f"[ -e {spared} ] || {{ touch {spared}; kill -9 $PPID; exit 1; }}\n{RIGHT_TOTAL}")
    server.script = script(DRAW, MEND, CHECK)
    assert gitskill(folder, "traces", "add", str(tmp_path / "logs")).code == 0
    shutil.copytree(folder, tmp_path / "twin")

    _killed(folder, server, checker, 3)  # the model is told what was drawn
    _killed(folder, server, checker, 99)  # the checker kills who asks it
    _killed(folder, server, checker, server.count + 1)  # the model is told what the checker said
    assert study(*checker.option).code == 0

    assert checker.runs == 2
    assert [len(bodies) for bodies in _asked(server).values()] == [1, 1, 1, 1, 1]
    assert server.count == 5 + 2
    assert gitskill(tmp_path / "twin", "analyse", *checker.option).code == 0
    assert refs(folder) == refs(tmp_path / "twin")
    assert verified(folder) == ["checker passed on mended.csv"]


def _killed(folder: Path, server: FaultServer, checker: Checker, at: int) -> None:
    """Start a run, and kill it when the server has its request number `at`, if nobody else does before."""
    process = subprocess.Popen(
        [*PROGRAM, "-C", str(folder), "analyse", *checker.option],
        env=os.environ | {"TMPDIR": str(folder.parent)},  # killed, it cannot clear away what it laid out
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    server.on_request = lambda seen: os.killpg(process.pid, signal.SIGKILL) if seen.number >= at else None
    assert process.wait(30) == -signal.SIGKILL
    server.on_request = None


def _asked(server: FaultServer) -> dict[int, set[bytes]]:
    """Give the different questions at each point of the conversation."""
    bodies: dict[int, set[bytes]] = {}
    for seen in server.seen:
        bodies.setdefault(len(seen.json["messages"]), set()).add(seen.body)
    return bodies
