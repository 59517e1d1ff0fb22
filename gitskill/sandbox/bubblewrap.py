"""Run a command that a model proposed so that it reaches nothing of this machine, or refuse to run it."""

import os
import platform
import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitskill.errors import GitskillError
from gitskill.sandbox import profile
from gitskill.sandbox.job import check_given
from gitskill.sandbox.preflight import breach
from gitskill.sandbox.process import Running, start
from gitskill.sandbox.seccomp import filter_for

_SYSTEM = ("/usr/bin", "/bin")
_MAX_WORDS = 200


class NoSandbox(GitskillError):
    """The sandbox cannot be had, or does not keep what it promises; nothing was executed."""

    exit_code = 4

    def __init__(self, words: str) -> None:
        super().__init__(
            f"refusing to run model-proposed commands: {words}. Nothing was executed.",
            hint="install bubblewrap or allow user namespaces, or use --verify=off",
        )


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did, as data: no failure of the command is an exception."""

    exit: int | None
    """None if it was stopped at its time limit."""
    output: str
    """What it wrote to stdout, then what it wrote to stderr, each cut to its first 64 KB. Not safe to show as it is."""
    files: Mapping[str, bytes]
    """The plain files in /job afterwards."""
    dropped: tuple[str, ...]
    """What lay in /job and is not in `files`: links, devices, odd names, and what was too much.

    "." stands for all the rest: /job was not read to its end, and for what was not read `files` has what was given.
    """


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A way to run commands that was tried on this machine before the first one ran."""

    program: Path
    nobody: tuple[str, ...]
    """The words that make us an ordinary user first; none if we are one."""
    seccomp: bytes
    grace: float = 5.0
    """Seconds beyond a command's own limit for starting up and for handing out /job."""

    @classmethod
    async def prepare(cls, program: str | None, *, outside: Sequence[Path]) -> "Sandbox":
        """Try the sandbox, and try what it must withstand. Raises NoSandbox with the reason if anything is amiss.

        `program` is what the search path gave for `bwrap`. It must not lie in one of
        `outside`, the current folder and the repository: who writes there would
        decide what the sandbox is.
        """
        trusted = _trusted(program, outside)
        if missing := [tool for tool in profile.TOOLS if _system_program(tool) is None]:
            raise NoSandbox(f"{missing[0]} is missing in {' and '.join(_SYSTEM)}")
        seccomp = filter_for(platform.machine())
        if seccomp is None:
            raise NoSandbox(f"no filter of kernel calls is known for {platform.machine()}")
        nobody = profile.as_nobody(_system_program("setpriv") or "") if os.geteuid() == 0 else ()
        sandbox = cls(trusted, tuple(nobody), seccomp)
        try:
            found = await breach(sandbox._probe)
        except OSError as error:
            raise NoSandbox(f"the sandbox cannot be tried ({error.strerror or error})") from error
        if found:
            raise NoSandbox(f"the sandbox does not hold: {found}")
        return sandbox

    async def run(
        self, command: Sequence[str], files: Mapping[str, bytes], skill: Mapping[str, bytes], seconds: float = 30
    ) -> Ran:
        """Run `command` in /job, where `files` lie, beside /skill, and give back what it said and left.

        When this returns or is cancelled, no process of it is left. Raises
        InvalidInput if the command or a name is none that could be given, and
        NoSandbox if the sandbox did not start.
        """
        check_given(command, files, skill)
        given = {f"/job/{name}": data for name, data in files.items()}
        given |= {f"/skill/{name}": data for name, data in skill.items()}
        began = time.monotonic()
        ran, is_late = await self._run(command, given, seconds)
        # `timeout` ends as the command does: by the signal that killed both.
        is_late |= ran.exit == 128 + signal.SIGKILL and time.monotonic() - began >= seconds
        left = ran.left
        return Ran(
            None if is_late else ran.exit,
            ran.output.text() + ran.errors.text(),
            left.files if left.is_whole else {**files, **left.files},
            left.dropped if left.is_whole else (*left.dropped, "."),
        )

    async def _probe(self, command: Sequence[str]) -> str:
        ran, is_late = await self._run(command, {}, 20)
        if is_late or ran.exit:
            raise _cannot_start(ran)
        return ran.output.text()

    async def _run(self, command: Sequence[str], given: Mapping[str, bytes], seconds: float) -> tuple[Running, bool]:
        try:
            with self._arranged(given) as (words, handed):
                words += [*profile.keeper(seconds), *command]
                ran = start(words, handed)
        except OSError as error:
            raise NoSandbox(f"bubblewrap cannot start ({error.strerror or error})") from error
        is_late = await ran.finish(seconds + self.grace)
        if not ran.has_started and not is_late:
            raise _cannot_start(ran)
        return ran, is_late

    @contextmanager
    def _arranged(self, given: Mapping[str, bytes]) -> Iterator[tuple[list[str], list[int]]]:
        """Give the words that make an empty sandbox with `given` in it, and the open files it reads them from.

        These files are memory: nothing lies on disk, so nothing stays there however we end.
        """
        with ExitStack() as stack:
            opened = {path: _in_memory(data, stack) for path, data in given.items()}
            seccomp = _in_memory(self.seccomp, stack)
            listed = _in_memory("\0".join(profile.options(opened, seccomp)).encode(), stack)
            yield [*self.nobody, str(self.program), "--args", str(listed), "--"], [*opened.values(), seccomp, listed]


def _in_memory(data: bytes, stack: ExitStack) -> int:
    file = os.memfd_create("given")
    stack.callback(os.close, file)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _trusted(program: str | None, outside: Sequence[Path]) -> Path:
    """Give the real file of `program`, which nobody who writes in `outside` could have put there."""
    if program is None:
        raise NoSandbox("bubblewrap (bwrap) is not on PATH")
    if not Path(program).is_absolute():
        raise NoSandbox(f"{program} is not an absolute path")
    real = Path(program).resolve()
    for place in outside:
        folder = place.resolve()
        # A folder that holds the system itself, as / does, says nothing about who writes there.
        holds_system = any(Path(path).is_relative_to(folder) for path in _SYSTEM)
        if not holds_system and (real.is_relative_to(folder) or Path(program).is_relative_to(folder)):
            raise NoSandbox(f"{program} lies in {folder}, where a trace or a model may write")
    return real


def _system_program(name: str) -> str | None:
    return shutil.which(name, path=":".join(_SYSTEM))


def _cannot_start(ran: Running) -> NoSandbox:
    lines = [line for line in ran.errors.text().splitlines() if line.strip()]
    words = lines[0].removeprefix("bwrap: ")[:_MAX_WORDS] if lines else f"exit code {ran.exit}"
    return NoSandbox(f"bubblewrap cannot start ({words})")
