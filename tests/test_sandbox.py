"""What a command that a model proposed can reach: the 21 probes, and what goes in and comes out."""

import asyncio
import io
import json
import os
import platform
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gitskill
from conftest import needed
from gitskill.errors import InvalidInput
from gitskill.sandbox import preflight
from gitskill.sandbox.bubblewrap import NoSandbox, Ran, Sandbox
from gitskill.sandbox.job import Left, is_plain_name, read_left
from gitskill.sandbox.profile import keeper
from gitskill.sandbox.seccomp import DENIED, filter_for

PYTHON = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(path).exists()), "python3")
SKILL = {"SKILL.md": b"# Sheets\n", "scripts/hello.sh": b"#!/bin/sh\necho hello $1\n"}

Probe = Callable[..., Ran]


@pytest.fixture(scope="session")
def bwrap() -> str:
    return needed("bwrap", "nothing of the sandbox was tested")


@pytest.fixture(scope="session")
def sandbox(bwrap: str) -> Sandbox:
    return asyncio.run(Sandbox.prepare(bwrap, outside=[Path.cwd()]))


@pytest.fixture
def shell(sandbox: Sandbox) -> Probe:
    """Run a line of shell in the sandbox."""

    def call(line: str, *, files: dict[str, bytes] | None = None, seconds: float = 10) -> Ran:
        return asyncio.run(sandbox.run(["sh", "-c", line], files or {}, SKILL, seconds))

    return call


@pytest.fixture
def python(sandbox: Sandbox) -> Probe:
    """Run a Python program in the sandbox."""

    def call(code: str, *words: str, seconds: float = 10) -> Ran:
        return asyncio.run(sandbox.run([PYTHON, "-c", code, *words], {}, SKILL, seconds))

    return call


@pytest.fixture
def public() -> Iterator[Path]:
    """Make a folder that the ordinary user of the sandbox can look into; tmp_path is ours alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def marker() -> str:
    """Make a number of seconds that no other process of this machine sleeps."""
    return str(time.monotonic_ns())


# ── what it reaches of this machine ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/root", "/home", "/etc/passwd", "/etc/shadow", "/var", "/opt", "/sys", "/run"])
def test_the_files_of_the_system_and_its_users_are_not_there(shell: Probe, path: str) -> None:
    assert shell(f"test -e {path}").exit == 1


def test_the_files_of_this_checkout_and_of_the_temporary_folder_are_not_there(shell: Probe, public: Path) -> None:
    (public / "secret").write_text("secret")

    assert shell(f"cat {public}/secret || cat {__file__}").exit == 1


def test_no_variable_of_ours_is_seen(shell: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")

    names = {line.partition("=")[0] for line in shell("env; tr '\\0' '\\n' </proc/1/environ").output.splitlines()}

    assert names - {"_", "SHLVL"} == {"PATH", "HOME", "LANG", "PWD"}


def test_no_open_file_of_ours_is_seen(python: Probe) -> None:
    assert python("import os; print(len(os.listdir('/proc/self/fd')))").output == "4\n"  # three, and the listing's own


def test_the_skill_can_be_read_and_run(shell: Probe) -> None:
    assert shell("cat /skill/SKILL.md && /skill/scripts/hello.sh you").output == "# Sheets\nhello you\n"


@pytest.mark.parametrize(
    "line", ["echo x >>/skill/SKILL.md", "rm /skill/SKILL.md", "touch /skill/new", "chmod 777 /skill", "mv /skill /job"]
)
def test_the_skill_cannot_be_changed(shell: Probe, line: str) -> None:
    assert shell(line).exit != 0


@pytest.mark.parametrize("place", ["/", "/usr", "/dev", "/proc/sys/kernel", "/etc"])
def test_nothing_but_the_job_and_the_temporary_folder_can_be_written_to(shell: Probe, place: str) -> None:
    assert shell(f"touch {place}/new").exit == 1


def test_a_listener_on_this_machine_is_not_reached(python: Probe) -> None:
    code = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 1)"
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert "ConnectionRefusedError" in python(code, str(server.getsockname()[1])).output


def test_an_abstract_socket_of_this_machine_is_not_reached(python: Probe) -> None:
    name = f"gitskill-test-{os.getpid()}"
    code = "import socket, sys; socket.socket(socket.AF_UNIX).connect('\\0' + sys.argv[1])"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        assert "ConnectionRefusedError" in python(code, name).output


def test_no_packet_leaves_and_no_name_is_found(python: Probe) -> None:
    packet = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))"
    name = "import socket; socket.getaddrinfo('example.com', 80)"

    assert "Network is unreachable" in python(packet).output
    assert "gaierror" in python(name).output


def test_no_process_of_this_machine_is_seen(python: Probe) -> None:
    found = python("import os; print(*(name for name in os.listdir('/proc') if name.isdigit()))").output.split()

    assert len(found) == 3  # the keeper, its clock and the program


# ── what it may ask the kernel for ───────────────────────────────────────────────────────────────────────────────────


def test_no_user_namespace_can_be_made(shell: Probe) -> None:
    assert shell("unshare --user true").exit == 1


def test_no_user_namespace_can_be_made_even_by_a_call_that_the_filter_lets_through(python: Probe) -> None:
    clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
    code = f"import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.syscall({clone}, 0x10000011, 0, 0, 0, 0))"

    assert python(code).output == "-1\n"


@pytest.mark.parametrize("line", ["mount -t tmpfs x /tmp", "umount /skill", "su -c id", "chroot / true"])
def test_no_mount_and_no_other_user_is_had(shell: Probe, line: str) -> None:
    assert shell(line).exit != 0


def test_every_denied_call_is_refused(python: Probe) -> None:
    column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
    numbers = {name: each[column] for name, each in DENIED.items()}
    code = """if True:
        import ctypes, errno, json, sys
        libc = ctypes.CDLL(None, use_errno=True)
        for name, number in json.loads(sys.argv[1]).items():
            ctypes.set_errno(0)
            if libc.syscall(number, -1, -1, -1, -1, -1) != -1 or ctypes.get_errno() != errno.EPERM:
                print(name)
    """
    assert python(code, json.dumps(numbers)).output == ""


@pytest.mark.parametrize("request_", [0x5412, 0x541C, 0x5412 | 1 << 32])
def test_nothing_can_be_typed_into_a_terminal(python: Probe, request_: int) -> None:
    """Without the filter the answer for a file that is no terminal is another error."""
    code = (
        f"import ctypes; c = ctypes.CDLL(None, use_errno=True); n = { ({'x86_64': 16}.get(platform.machine(), 29)) };"
    )
    code += f"c.syscall(n, 0, ctypes.c_ulong({request_}), b'x'); print(ctypes.get_errno())"

    assert python(code).output == "1\n"


def test_a_harmless_request_to_a_device_goes_through(python: Probe) -> None:
    assert python("import fcntl; fcntl.ioctl(0, 0x5401, b' ' * 60)").output.endswith("Inappropriate ioctl for device\n")


def test_the_other_two_sets_of_numbers_of_this_machine_lead_nowhere(python: Probe) -> None:
    """x32 has a bit of its own; the old 32-bit way, here `mov eax, 20; int 0x80; ret`, ends the process."""
    x32 = "import ctypes; c = ctypes.CDLL(None, use_errno=True); c.syscall(0x40000027); print(ctypes.get_errno())"
    old = """if True:
        import ctypes, mmap
        page = mmap.mmap(-1, 4096, prot=7)
        page.write(bytes.fromhex("b814000000cd80c3"))
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    """
    if platform.machine() == "x86_64":  # others have one set; the next test looks at all of them
        assert python(x32).output == "1\n"
        assert python(old).exit == 128 + signal.SIGSYS


def decided(program: bytes, architecture: int, number: int, second: int = 0) -> int:
    """Give what the kernel would decide: the filter's language, as far as we use it."""
    steps = list(struct.iter_unpack("=HBBI", program))
    asked = struct.pack("=IIQQQ", number, architecture, 0, 0, second)
    at = loaded = 0
    while True:
        code, met, unmet, value = steps[at]
        if code == 0x06:
            return int(value)
        if code == 0x20:
            loaded = struct.unpack_from("=I", asked, value)[0]
            at += 1
        else:
            is_met = loaded >= value if code == 0x35 else loaded == value
            at += 1 + (met if is_met else unmet)


@pytest.mark.parametrize(
    ("machine", "architecture", "numbers"),
    [
        ("x86_64", 0xC000003E, {"read": 0, "execve": 59, "ioctl": 16, "clone3": 435}),
        ("aarch64", 0xC00000B7, {"read": 63, "execve": 221, "ioctl": 29, "clone3": 435}),
    ],
)
def test_the_filter_of_each_machine_decides_as_it_says(
    machine: str, architecture: int, numbers: dict[str, int]
) -> None:
    program = filter_for(machine) or b""
    refused, allowed, killed = 0x00050001, 0x7FFF0000, 0x80000000

    denied = [decided(program, architecture, each[machine == "aarch64"]) for each in DENIED.values()]

    assert set(denied) == {refused}
    assert {decided(program, architecture, number) for number in numbers.values()} == {allowed}
    assert decided(program, architecture, numbers["ioctl"], 0xFFFF_FFFF_0000_5412) == refused
    assert decided(program, architecture, numbers["ioctl"], 0x541C) == refused
    assert decided(program, architecture, numbers["ioctl"], 0x5401) == allowed
    assert decided(program, architecture, 0x40000000) == (refused if machine == "x86_64" else allowed)
    assert decided(program, 0x40000003, numbers["read"]) == killed


def test_a_machine_whose_numbers_we_do_not_know_has_no_filter() -> None:
    assert filter_for("riscv64") is None


# ── how much it may take ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("place", "most"), [("/job", 64), ("/tmp", 64), ("/dev/shm", 16)])  # noqa: S108
def test_what_can_be_written_is_limited(python: Probe, place: str, most: int) -> None:
    code = """if True:
        import os, sys
        written = 0
        for number in range(4):
            try:
                with open(f"{sys.argv[1]}/{number}", "wb", buffering=0) as file:
                    for _ in range(50):
                        written += file.write(bytes(1 << 20))
            except OSError:
                pass
        print(written >> 20)
    """
    assert int(python(code, place).output) <= most


def test_a_file_and_the_memory_of_a_process_are_limited(python: Probe) -> None:
    assert "MemoryError" in python("bytearray(2 << 30)").output
    assert "File too large" in python("open('/tmp/x', 'wb').truncate(65 << 20)").output


def test_a_fork_bomb_ends_and_leaves_nothing(python: Probe) -> None:
    code = """if True:
        import os, signal
        for count in range(1000):
            try:
                child = os.fork()
            except OSError:
                print(count)
                break
            if not child:
                signal.pause()
    """
    assert 1 < int(python(code).output) < 64


def test_output_beyond_the_limit_is_read_and_let_go(shell: Probe) -> None:
    ran = shell("yes | head -c 300000000; yes no | head -c 70000 >&2; exit 3")

    assert ran.exit == 3
    assert ran.output.count("y\n") == 32_000
    assert "[299936000 more bytes]" in ran.output
    assert ran.output.endswith("[6000 more bytes]\n")


def test_output_that_is_no_text_is_kept_as_far_as_it_is(shell: Probe) -> None:
    assert shell("printf 'a\\377\\033[1mb'").output == "a\ufffd\x1b[1mb"


def test_every_process_is_limited_and_has_no_rights(python: Probe, shell: Probe) -> None:
    limits = (
        "import resource as r; print(*(r.getrlimit(each)[1] for each in (r.RLIMIT_NPROC, r.RLIMIT_AS, r.RLIMIT_CPU)))"
    )
    more = "import resource as r; print(*(r.getrlimit(each)[1] for each in (r.RLIMIT_NOFILE, r.RLIMIT_CORE)))"
    names = "import os; print(os.getuid(), os.getgid(), os.getsid(0), os.uname().nodename)"
    rights = "grep -hE '^(Cap|NoNew|Seccomp:)' /proc/self/status | cut -f2 | tr '\\n' ' '"

    assert python(limits).output == f"64 {1 << 30} 20\n"
    assert python(more).output == "256 0\n"
    assert python(names).output == "65534 65534 1 sandbox\n"
    assert shell(rights).output == "0" * 16 + (" " + "0" * 16) * 4 + " 1 2 "


def test_the_programs_of_the_system_find_what_they_need(shell: Probe) -> None:
    """awk is often a link by way of /etc, and many programs want a home."""
    assert shell("cd && touch here && awk 'BEGIN {print \"found\"}'").output == "found\n"


# ── how it ends ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["/no/such/program"], 127),
        (["no-such-program"], 127),
        (["/skill"], 126),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -SEGV $$"], 128 + signal.SIGSEGV),
        (["sh", "-c", "kill -KILL $$"], 128 + signal.SIGKILL),
        (["--version"], 127),
    ],
)
def test_however_a_command_ends_is_data(sandbox: Sandbox, command: list[str], code: int) -> None:
    assert asyncio.run(sandbox.run(command, {}, {})).exit == code


def test_standard_input_is_empty(shell: Probe) -> None:
    assert shell("cat").exit == 0


def test_a_command_that_takes_too_long_is_stopped_and_its_files_are_kept(shell: Probe, marker: str) -> None:
    ran = shell(f"echo begun; echo x >kept; sleep {marker}", seconds=0.3)

    assert (ran.exit, ran.output, ran.files, ran.dropped) == (None, "begun\n", {"kept": b"x\n"}, ())
    assert running(marker) == []


def test_what_a_command_left_in_the_background_is_dead(shell: Probe, marker: str) -> None:
    ran = shell(
        f"setsid sleep {marker} >/dev/null 2>&1 & (trap '' TERM HUP; sleep {marker}) & sleep {marker} & echo done"
    )

    assert (ran.exit, ran.output) == (0, "done\n")
    assert running(marker) == []


def test_a_command_can_neither_stop_nor_kill_what_watches_it(shell: Probe, marker: str) -> None:
    ran = shell(f"kill -STOP 1; kill -KILL 1; kill -TERM 1; echo x >kept; kill -KILL $PPID; sleep {marker}")

    assert ran.files == {"kept": b"x\n"}
    assert running(marker) == []


def test_what_runs_on_in_the_background_cannot_stop_the_files_coming_out(shell: Probe) -> None:
    ran = shell("echo x >kept; setsid sh -c 'while :; do kill -KILL -1; done' & sleep 60")

    assert (ran.files, ran.dropped) == ({"kept": b"x\n"}, ())


def test_stopping_the_clock_does_not_stop_the_time(sandbox: Sandbox, marker: str) -> None:
    command = ["sh", "-c", f"echo x >new; kill -STOP $PPID; sleep {marker}"]

    ran = asyncio.run(replace(sandbox, grace=0.5).run(command, {"given": b""}, {}, 0.1))

    assert (ran.exit, ran.files, ran.dropped) == (None, {"given": b""}, (".",))
    assert running(marker) == []


def running(marker: str, program: str = "") -> list[str]:
    """Give the processes of this machine with the word `marker` in their command, if they run `program`."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_text(errors="replace").split("\0")
        except OSError:
            continue
        if any(marker in word for word in words) and words[0].startswith(program):
            found.append(place.name)
    return found


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - what we wait for is another program's
            await asyncio.sleep(0)


def test_a_cancelled_command_leaves_no_process(sandbox: Sandbox, marker: str) -> None:
    async def scenario() -> None:
        run = asyncio.create_task(sandbox.run(["sh", "-c", f"setsid sleep {marker} & sleep {marker}"], {}, {}))
        await until(lambda: len(running(marker, "sleep")) == 2)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(4):  # soon, not when patience ends
                await run

        assert running(marker) == []

    asyncio.run(scenario())


def test_a_command_cancelled_while_it_starts_leaves_no_process(sandbox: Sandbox, marker: str) -> None:
    async def scenario() -> None:
        for step in range(16):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sandbox.run(["sleep", marker], {"a": b""}, {}), step * 0.0015)

            assert running(marker) == []

    asyncio.run(scenario())


def test_a_sandbox_that_somebody_else_kills_is_told_as_it_ended(sandbox: Sandbox, marker: str) -> None:
    async def scenario() -> Ran:
        run = asyncio.create_task(sandbox.run(["sleep", marker], {"given": b""}, {}))
        await until(lambda: bool(running(marker, "sleep")))
        os.kill(int(running(marker, str(sandbox.program))[0]), signal.SIGKILL)
        return await run

    assert asyncio.run(scenario()) == Ran(128 + signal.SIGKILL, "", {"given": b""}, (".",))


def test_a_command_that_nobody_waits_for_dies_with_the_loop(sandbox: Sandbox, marker: str) -> None:
    async def scenario() -> "asyncio.Task[Ran]":
        run = asyncio.create_task(sandbox.run(["sleep", marker], {}, {}))
        await until(lambda: bool(running(marker, "sleep")))
        return run

    assert asyncio.run(scenario()).cancelled()
    assert running(marker) == []


def test_where_we_are_killed_the_sandbox_dies_too(bwrap: str, marker: str) -> None:
    code = """if True:
        import asyncio, sys
        from pathlib import Path
        from gitskill.sandbox.bubblewrap import Sandbox

        async def main():
            sandbox = await Sandbox.prepare(sys.argv[1], outside=[])
            await sandbox.run(["sleep", sys.argv[2]], {}, {})

        asyncio.run(main())
    """
    with subprocess.Popen([sys.executable, "-c", code, bwrap, marker], cwd=Path(gitskill.__file__).parents[1]) as us:
        asyncio.run(until(lambda: bool(running(marker, "sleep"))))
        us.kill()
    asyncio.run(until(lambda: not running(marker)))


def test_many_at_once_do_not_see_each_other(sandbox: Sandbox) -> None:
    async def scenario() -> list[Ran]:
        line = "cat in >out; set -- /proc/[0-9]*; echo $#"
        return await asyncio.gather(
            *(sandbox.run(["sh", "-c", line], {"in": str(each).encode()}, SKILL) for each in range(12))
        )

    ran = asyncio.run(scenario())

    assert [each.files["out"] for each in ran] == [str(each).encode() for each in range(12)]
    assert {each.output for each in ran} == {"3\n"}


# ── what goes in and comes out ───────────────────────────────────────────────────────────────────────────────────────


def test_files_go_in_and_come_out_as_values(shell: Probe) -> None:
    files = {"data/in.bin": bytes(range(256)) * 1000, "empty": b"", "old": b"old", "ünï côde": b"u"}

    ran = shell("mkdir -p out/deep; cp data/in.bin out/deep/copy; rm old; pwd", files=files)

    assert ran.output == "/job\n"
    assert ran.files == {
        "data/in.bin": files["data/in.bin"],
        "empty": b"",
        "out/deep/copy": files["data/in.bin"],
        "ünï côde": b"u",
    }
    assert ran.dropped == ()


def test_what_is_no_plain_file_is_left_out_and_named(shell: Probe) -> None:
    ran = shell("ln -s /etc/shadow link; mkfifo fifo; ln -s / root; echo x >file; ln file hard; mkdir d; ln -s d e")

    assert ran.files == {"file": b"x\n", "hard": b"x\n"}
    assert ran.dropped == ("e", "fifo", "link", "root")


def test_names_that_nobody_should_be_handed_are_left_out(shell: Probe) -> None:
    ran = shell("touch 'a\nb' \"$(printf 'x\\377')\" \"$(printf 'r\\342\\200\\256l')\" ' ok' -- '--checkpoint=1' '-rf'")

    assert set(ran.files) == {" ok", "--checkpoint=1", "-rf"}
    assert set(ran.dropped) == {"a\nb", "x\\xff", "r\u202el"}


def test_a_long_path_comes_out_whole(shell: Probe) -> None:
    folder = "/".join(["d" * 60] * 5)

    ran = shell(f"mkdir -p {folder}; echo x >{folder}/f")

    assert ran.files == {f"{folder}/f": b"x\n"}


def test_files_that_were_made_unreadable_come_out(shell: Probe) -> None:
    assert shell("mkdir d; echo x >d/f; chmod 0 d/f d .").files == {"d/f": b"x\n"}


def test_too_many_files_and_too_large_ones_are_left_out_and_named(python: Probe) -> None:
    code = "open('0large', 'wb').write(bytes(9_000_000))\nfor n in range(300): open(f'{n:03}', 'w')"

    ran = python(code)

    assert len(ran.files) == 200
    assert ran.files.keys() & {"0large", "000", "001"} == {"000", "001"}
    assert "0large" in ran.dropped
    assert len(ran.dropped) == 51
    assert ran.dropped[-1] == "and 51 more"


def test_a_job_full_of_holes_ends_soon(python: Probe) -> None:
    code = "for n in range(1000):\n    with open(str(n), 'wb') as file: file.truncate(60 << 20)"

    ran = python(code)

    assert ran.exit == 0
    assert ran.dropped[-1] == "."


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../x", "a//b", "", ".", "a/", "a\0b", "a\nb", "\u202e", "\ud800", "x" * 2000]
)
def test_no_name_leads_out_of_the_job(sandbox: Sandbox, name: str) -> None:
    for files, skill in (({name: b""}, {}), ({}, {name: b""})):
        with pytest.raises(InvalidInput):
            asyncio.run(sandbox.run(["true"], files, skill))


@pytest.mark.parametrize("command", [[], [""], ["a\0b"], ["a", "\ud800"], ["echo", "x" * 100_000]])
def test_a_command_that_no_system_could_be_given_is_refused(sandbox: Sandbox, command: list[str]) -> None:
    with pytest.raises(InvalidInput):
        asyncio.run(sandbox.run(command, {}, {}))


@pytest.mark.parametrize(
    "files",
    [{"a": b"", "a/b": b""}, {str(number): b"" for number in range(401)}, {"a": bytes(32_000_001)}],
    ids=["a folder that is a file", "too many", "too much"],
)
def test_files_that_cannot_be_laid_out_are_refused(sandbox: Sandbox, files: dict[str, bytes]) -> None:
    with pytest.raises(InvalidInput):
        asyncio.run(sandbox.run(["true"], files, {}))


def test_as_much_as_may_be_given_can_be_given(sandbox: Sandbox) -> None:
    skill = {f"references/{number}.md": b"x" for number in range(400)}

    ran = asyncio.run(sandbox.run(["sh", "-c", "ls /skill/references | wc -l"], {}, skill))

    assert ran.output == "400\n"


# ── an archive that somebody else wrote ──────────────────────────────────────────────────────────────────────────────


def read(data: bytes) -> Left:
    async def scenario() -> Left:
        stream = asyncio.StreamReader()
        stream.feed_data(data)
        stream.feed_eof()
        return await read_left(stream)

    return asyncio.run(scenario())


def archive(*entries: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """Write an archive with Python's own tar, which knows nothing of ours."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            info = entry if isinstance(entry, tarfile.TarInfo) else tarfile.TarInfo(entry[0])
            data = b"" if isinstance(entry, tarfile.TarInfo) else entry[1]
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def special(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/shadow" if kind in {b"1", b"2"} else ""
    return info


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../up", "a/../../up", "a//b", "a/./b", "..", "x/..", "a\nb", "t/" * 600 + "f"]
)
def test_no_name_in_an_archive_leads_out(name: str) -> None:
    left = read(archive((name, b"x"), ("fine", b"y")))

    assert left == Left({"fine": b"y"}, (name,), is_whole=True)


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"6", b"7", b"S", b"x", b"g", b"V"])
def test_what_an_archive_says_is_no_plain_file_is_none(kind: bytes) -> None:
    left = read(archive(special("odd", kind), ("fine", b"y")))

    assert left == Left({"fine": b"y"}, ("odd",), is_whole=True)


def test_a_name_without_end_ends_the_reading() -> None:
    assert read(archive(("fine", b"y"), ("t/" * 30_000, b"x"))) == Left({"fine": b"y"}, (), is_whole=False)


def test_a_name_that_comes_twice_counts_once() -> None:
    assert read(archive(("a", b"first"), ("a", b"second"))) == Left({"a": b"first"}, ("a",), is_whole=True)


def test_an_archive_of_countless_entries_is_not_read_to_its_end() -> None:
    entry = archive(("d", b""))[:512]

    left = read(entry * 20_000 + bytes(1024))

    assert not left.is_whole
    assert len(left.dropped) == 51


def test_a_small_file_after_a_large_one_is_kept() -> None:
    left = read(archive(("a", bytes(5_000_000)), ("b", bytes(5_000_000)), ("c", b"c")))

    assert set(left.files) == {"a", "c"}
    assert (left.dropped, left.is_whole) == (("b",), True)


@pytest.mark.parametrize(
    ("start", "bytes_"),
    [
        (124, b"\x80" + bytes(10) + b"\xff"),
        (124, b"-0000000001\0"),
        (124, b"77777777777\0"),
        (257, b"nopes"),
        (124, b" " * 12),
    ],
    ids=["a size in binary", "a size below zero", "a size beyond the end", "another format", "no size"],
)
@pytest.mark.parametrize("kind", [b"0", b"L", b"5"])
def test_a_head_that_lies_ends_the_reading(start: int, bytes_: bytes, kind: bytes) -> None:
    head = bytearray(archive(("fine", b"y"), special("bad", kind)))
    head[1024 + start : 1024 + start + len(bytes_)] = bytes_

    left = read(bytes(head))

    assert (dict(left.files), left.is_whole) == ({"fine": b"y"}, False)


@settings(max_examples=100)
@given(st.integers(0, 3000), st.binary(max_size=600))
def test_whatever_the_bytes_are_reading_ends_without_an_exception(at: int, noise: bytes) -> None:
    data = archive(("a/b", b"x" * 700), special("l", b"2"), ("d" * 150, b"y"))

    left = read(data[:at] + noise + data[at + len(noise) :])

    assert all(is_plain_name(name) for name in left.files)


def test_an_archive_that_breaks_off_gives_what_was_read() -> None:
    data = archive(("a", b"x"), ("b", b"y" * 600))

    for end in (0, 100, 512, 1024, 1536, 2047):
        assert read(data[:end]).is_whole is False
    assert read(data[:1600]).files == {"a": b"x"}


# ── when there is no sandbox ─────────────────────────────────────────────────────────────────────────────────────────


def prepare(program: str | None, *outside: Path) -> str:
    """Prepare a sandbox that must be refused, and give the words."""
    with pytest.raises(NoSandbox) as caught:
        asyncio.run(Sandbox.prepare(program, outside=outside))
    assert caught.value.exit_code == 4
    assert "Nothing was executed." in str(caught.value)
    return str(caught.value)


def test_without_bubblewrap_nothing_runs(tmp_path: Path) -> None:
    assert "bubblewrap (bwrap) is not on PATH" in prepare(shutil.which("bwrap", path=str(tmp_path)))


def test_bubblewraps_own_words_are_told(public: Path) -> None:
    fake = public / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted' >&2\nexit 1\n")
    fake.chmod(0o755)

    assert "cannot start (loopback: Failed RTM_NEWADDR: Operation not permitted)" in prepare(str(fake))


def test_a_bubblewrap_that_does_nothing_is_no_sandbox(public: Path) -> None:
    fake = public / "bwrap"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)

    assert "cannot start" in prepare(str(fake))
    assert "cannot start" in prepare(str(public / "missing"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--setenv LEAK x", "the sandbox does not hold: a program in it sees the environment of others"),
        ("--ro-bind /dev/null /usr/bin/prlimit", "cannot start (timeout: failed to run command"),
    ],
)
def test_a_weaker_sandbox_is_none(public: Path, bwrap: str, options: str, words: str) -> None:
    fake = public / "bwrap"
    fake.write_text(f'#!/bin/sh\nlisted=$2\nshift 2\nexec {bwrap} --args "$listed" {options} "$@"\n')
    fake.chmod(0o755)

    assert words in prepare(str(fake))


def test_a_bubblewrap_from_the_repository_is_refused(bwrap: str, tmp_path: Path) -> None:
    inside, beside = tmp_path / "repository" / "bwrap", tmp_path / "bwrap"
    inside.parent.mkdir()
    shutil.copy(bwrap, inside)
    beside.symlink_to(inside)
    (tmp_path / "repository" / "link").symlink_to(bwrap)

    for program in (inside, beside, tmp_path / "repository" / "link"):
        assert "where a trace or a model may write" in prepare(str(program), tmp_path / "repository")
    assert "not an absolute path" in prepare("bwrap", tmp_path)


def test_working_in_the_root_folder_does_not_make_the_system_foreign(bwrap: str) -> None:
    assert asyncio.run(Sandbox.prepare(bwrap, outside=[Path("/")])).program == Path(bwrap).resolve()


def test_the_keeper_does_nothing_where_it_is_not_the_first_process() -> None:
    """It kills all it can see: a bubblewrap that makes no world of its own must not get that far."""
    words = keeper(1)
    watched = "exec 2>&1; kill() { echo killed; }\n" + words[4]

    done = subprocess.run([*words[:4], watched, *words[5:], "true"], capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (1, b"")


BARE = ("--dev-bind", "/", "/", "--tmpfs", pwd.getpwuid(os.getuid()).pw_dir)
OWN_USERS = ("--unshare-user", "--disable-userns", "--unshare-pid", "--proc", "/proc", "--as-pid-1")
HOLES: dict[str, tuple[str, ...]] = {
    "reads the user's files": ("--dev-bind", "/", "/"),
    "reaches the network": BARE,
    "makes user namespaces": (*BARE, "--unshare-net"),
    "sees the environment": (*BARE, "--unshare-net", *OWN_USERS),
}
"""Sandboxes with one hole less each."""


@pytest.mark.parametrize("found", HOLES)
def test_the_preflight_finds_the_hole(bwrap: str, found: str) -> None:
    async def run(command: Sequence[str]) -> str:
        words = [bwrap, *HOLES[found], "--", *command]
        process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, env={"CANARY": "x"})
        return (await process.communicate())[0].decode()

    assert found in asyncio.run(preflight.breach(run))


ORDINARY = """if True:
    import asyncio, os, sys
    from gitskill.sandbox.bubblewrap import NoSandbox, Sandbox

    PROBES = ["echo x >>/skill/SKILL.md", "unshare --user true", "mount -t tmpfs x /tmp", "test -e /etc/passwd",
              "exec 3<>/dev/tcp/127.0.0.1/1", "dd if=/dev/zero of=/job/x bs=1M count=70", "su -c id"]

    async def main():
        try:
            sandbox = await Sandbox.prepare(sys.argv[1], outside=[])
        except NoSandbox as refused:
            return print(refused)
        for probe in PROBES:
            print((await sandbox.run(["bash", "-c", probe], {}, {"SKILL.md": b""})).exit == 0, end=" ")
        bomb = "import os, signal\\nfor n in range(99): os.fork() or signal.pause()"
        print("BlockingIOError" in (await sandbox.run([sys.executable, "-c", bomb], {}, {})).output, os.geteuid())

    asyncio.run(main())
"""


def ordinary(public: Path, bwrap: str, *before: str) -> str:
    """Run the sandbox from a program that is no superuser's, with the words `before` in front of it."""
    source = Path(gitskill.__file__).parent
    (public / "gitskill").mkdir()
    for name in ("__init__.py", "errors.py"):
        shutil.copy(source / name, public / "gitskill")
    shutil.copytree(source / "sandbox", public / "gitskill" / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    words = [*before, PYTHON, "-B", "-c", ORDINARY, bwrap]
    done = subprocess.run(words, cwd=public, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_it_works_and_holds_for_an_ordinary_user_too(public: Path, bwrap: str) -> None:
    user = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"] if os.geteuid() == 0 else []

    printed = ordinary(public, bwrap, *user).split()

    assert printed[:7] == ["False"] * 7
    assert printed[7:9] != ["True", "0"]
    assert printed[7] == "True"


def test_where_the_kernel_allows_no_namespaces_nothing_runs(public: Path, bwrap: str) -> None:
    words = [bwrap, "--unshare-user", "--uid", "1234", "--disable-userns", "--dev-bind", "/", "/", "--"]

    assert "bubblewrap cannot start (Creating new namespace failed" in ordinary(public, bwrap, *words)
