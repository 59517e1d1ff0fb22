"""One process tree of the sandbox, from its start until nothing of it is left."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from gitskill.sandbox.job import Left, read_left

KEPT = 64_000
STARTED = b"S"
"""What the keeper in the sandbox says first."""

_ENVIRONMENT = {"GITSKILL_CANARY": "planted"}
"""All that bubblewrap itself gets to see of an environment; the preflight looks whether any of it comes through."""

_PATIENCE = 5.0


class Kept:
    """The beginning of what a stream carries. The rest is read too, so that its writer never waits, and let go."""

    def __init__(self) -> None:
        self._data = b""
        self._more = 0

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Read `stream` to its end."""
        while data := await stream.read(1 << 16):
            kept = data[: KEPT - len(self._data)]
            self._data += kept
            self._more += len(data) - len(kept)

    def text(self) -> str:
        """Give what was kept, and how much was not."""
        told = f"\n[{self._more} more bytes]\n" if self._more else ""
        return self._data.decode(errors="replace") + told


class Running:
    """A sandbox at work, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], way_out: IO[bytes]) -> None:
        self.output = Kept()
        self.errors = Kept()
        self.left = Left({}, (), is_whole=False)
        self.has_started = False
        """Whether the sandbox stood: what came before a command could run is bubblewrap's own failure."""
        if process.stdout is None or process.stderr is None:
            raise AssertionError("the process was started with pipes")
        self._process = process
        self._pipes = (process.stdout, process.stderr, way_out)

    @property
    def exit(self) -> int:
        """How it ended, as a shell tells it: a signal is 128 and its number."""
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    async def finish(self, seconds: float) -> bool:
        """Take in all it says; tell whether it had to be stopped. No process of it is left, also when cancelled."""
        work = asyncio.ensure_future(self._take_in())
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(work)
        except TimeoutError:
            return True
        finally:
            self._kill()
            await self._end(work)
        return False

    async def _take_in(self) -> None:
        """Read all that can be said. bubblewrap holds each of the three pipes open until the sandbox is gone."""
        stdout, stderr, way_out = self._pipes
        async with _reading(stdout) as output, _reading(stderr) as errors:
            await asyncio.gather(self.output.read(output), self.errors.read(errors), self._read(way_out))

    async def _read(self, way_out: IO[bytes]) -> None:
        # Where a limit ends the reading, the end of this block tells whoever still writes.
        async with _reading(way_out) as stream:
            self.has_started = await stream.read(1) == STARTED
            self.left = await read_left(stream)

    async def _end(self, work: "asyncio.Future[None]") -> None:
        """Wait for the end after a kill. Who ends the whole loop cancels `work` too: then it is killed all the same."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await asyncio.shield(work)
            if not work.done():
                self._process.kill()
            await work
        finally:
            self._process.wait()
            for pipe in self._pipes if work.done() else ():
                pipe.close()

    def _kill(self) -> None:
        """Kill process 1 of the sandbox, with which the kernel kills all others before bubblewrap sees it gone.

        Killing bubblewrap instead would leave them alive for a moment, and killed while it makes process 1
        it may leave that one waiting for ever: so it stands still while we look.
        """
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGSTOP)
        children = _children(self._process.pid)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.send_signal(signal.SIGCONT if children else signal.SIGKILL)


def _children(process: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:  # it has just ended, or the kernel does not tell: then they die with their parent
        return []


@asynccontextmanager
async def _reading(file: IO[bytes]) -> AsyncIterator[asyncio.StreamReader]:
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), file)
    try:
        yield stream
    finally:
        transport.close()


def start(words: Sequence[str], handed: Sequence[int]) -> Running:
    """Run `words` with the open files `handed`; the caller may close these then, and must await `finish`."""
    inner, outer = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - this is what the sandbox is for
            words,
            bufsize=0,
            stdin=outer,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=handed,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError:
        os.close(inner)
        raise
    finally:
        os.close(outer)  # the archive ends when the last who could write it is gone
    return Running(process, os.fdopen(inner, "rb", 0))
