"""A person's command, asked while others go on: what it says, and that nothing of it stays."""

import asyncio
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from gitskill.errors import InvalidInput
from gitskill.judge import TIMEOUT, Judge
from gitskill.outcome import Outcome, Status


def program(folder: Path, script: str) -> Path:
    path = folder / "judge.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def asked(folder: Path, script: str, document: bytes = b"{}", seconds: float = TIMEOUT) -> Outcome:
    judge = Judge((str(program(folder, script)), "{path}", "{trace}"), seconds=seconds)
    return asyncio.run(judge.label_soon(document, path="/runs/a b", trace="3f9a"))


def runs(process: str) -> bool:
    try:
        return "State:\tZ" not in Path("/proc", process, "status").read_text()
    except OSError:
        return False


def ends(process: str) -> bool:
    until = time.monotonic() + 5
    while runs(process) and time.monotonic() < until:
        pass
    return not runs(process)


@pytest.mark.parametrize(
    ("script", "status", "note"),
    [
        ("exit 0", Status.SUCCESS, ""),
        ("exit 1", Status.FAILURE, ""),
        ("exit 9", Status.UNLABELLED, "the command ended with 9"),
        ("kill -9 $$", Status.UNLABELLED, "the command ended with -9"),
        ("echo looking; echo failed", Status.FAILURE, ""),
        ("echo 0.25", Status.FAILURE, ""),
        ('echo \'{"outcome": "infra_error"}\'', Status.INFRA_ERROR, ""),
        ("echo success >&2; exit 1", Status.FAILURE, ""),
        ("exec <&- >&-; exit 0", Status.SUCCESS, ""),
        ('[ "$1" = "/runs/a b" ] && [ "$2" = 3f9a ] && grep -q task', Status.SUCCESS, ""),
    ],
)
def test_a_command_says_how_it_is(tmp_path: Path, script: str, status: Status, note: str) -> None:
    found = asked(tmp_path, script, b'{"task": "t"}\n')

    assert (found.status, found.note) == (status, note)


@pytest.mark.parametrize(("code", "status"), [(1, Status.FAILURE), (2, Status.UNLABELLED)])
def test_what_a_command_prints_makes_no_success_of_a_failure(tmp_path: Path, code: int, status: Status) -> None:
    """A checker may print lines of the file that it refuses, and a model wrote those."""
    assert asked(tmp_path, f"echo unexpected line:; echo success; exit {code}").status is status
    assert asked(tmp_path, f"echo '{{\"reward\": 1}}'; exit {code}").status is status


def test_a_document_of_any_size_is_given_whole_and_need_not_be_read(tmp_path: Path) -> None:
    document = b"x" * 5_000_000

    assert asked(tmp_path, '[ "$(wc -c)" = 5000000 ]', document).status is Status.SUCCESS
    assert asked(tmp_path, "exit 0", document).status is Status.SUCCESS


def test_of_endless_output_only_the_end_is_held(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert asked(tmp_path, "head -c 500000000 /dev/zero; echo; echo failure").status is Status.FAILURE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


def test_a_command_that_does_not_end_is_ended_with_what_it_started(tmp_path: Path) -> None:
    found = asked(tmp_path, f"sleep 60 & echo $! >{tmp_path}/child; echo $$ >{tmp_path}/self; wait", seconds=0.5)

    assert (found.status, found.note) == (Status.UNLABELLED, "the command took longer than 0.5 s")
    assert all(ends((tmp_path / name).read_text().strip()) for name in ("child", "self"))


def test_what_a_command_leaves_running_neither_holds_it_up_nor_stays(tmp_path: Path) -> None:
    found = asked(tmp_path, f"sleep 60 & echo $! >{tmp_path}/child; echo failure")

    assert found.status is Status.FAILURE
    assert ends((tmp_path / "child").read_text().strip())


def test_what_escapes_its_session_holds_nothing_up_either(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ready")
    found = asked(
        tmp_path,
        f"cd {tmp_path}; setsid sh -c 'echo $$ >ready; exec sleep 60' & read pid <ready; echo $pid >pid; exit 1",
    )

    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert found.status is Status.FAILURE


def test_cancelled_the_command_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "self")
    judge = Judge((str(program(tmp_path, f"echo $$ >{tmp_path}/self; exec sleep 60")),))

    async def scenario() -> str:
        asking = asyncio.create_task(judge.label_soon(b"", path="/x", trace="t"))
        process = await asyncio.to_thread((tmp_path / "self").read_text)
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        return process.strip()

    assert not runs(asyncio.run(scenario()))


def test_what_cannot_be_started_is_told_and_leaves_no_open_file(tmp_path: Path) -> None:
    (tmp_path / "no-shebang").write_text("exit 0\n")
    (tmp_path / "no-shebang").chmod(0o755)
    before = len(list(Path("/proc/self/fd").iterdir()))

    for name, words in (("no-shebang", "Exec format error"), ("gone", "No such file")):
        with pytest.raises(InvalidInput, match=words):
            asyncio.run(Judge((str(tmp_path / name),)).label_soon(b"", path="/x", trace="t"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_many_at_once_get_their_own_answers(tmp_path: Path) -> None:
    judge = Judge((str(program(tmp_path, 'exit "$1"')), "{path}"))

    async def scenario() -> list[Outcome]:
        return await asyncio.gather(*(judge.label_soon(b"", path=str(n % 2), trace="t") for n in range(20)))

    assert [each.status is Status.SUCCESS for each in asyncio.run(scenario())] == [True, False] * 10
