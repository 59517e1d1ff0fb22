"""A command that a person gave, which looks at one trace and says how it ended."""

import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from gitskill.errors import InvalidInput
from gitskill.outcome import Outcome, Status

TIMEOUT = 600
"""Seconds that the command may take for one trace."""

_EXITS = {0: Status.SUCCESS, 1: Status.FAILURE}
_SAID = 64_000
_PATIENCE = 1.0
"""Seconds for the rest of what was printed, once the command has ended."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The command with its arguments; `{path}` stands for the trace's file, `{trace}` for its id."""

    arguments: tuple[str, ...]
    threshold: float = 1.0
    """The reward from which a run succeeded."""
    seconds: float = TIMEOUT

    @classmethod
    def parse(cls, command: str, threshold: float = 1.0, flag: str = "--labels") -> "Judge":
        """Split a command as a shell would; no shell runs it. Raises InvalidInput where there is no such program."""
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise InvalidInput(f"{flag} {command!r}: {error}") from error
        if not words or not shutil.which(words[0]):
            raise InvalidInput(f"{flag} {command!r} is neither a file nor a program")
        if not any("{path}" in word or "{trace}" in word for word in words):
            words.append("{path}")
        return cls(tuple(words), threshold)

    def label(self, document: bytes, *, path: str, trace: str) -> Outcome:
        """Run the command with the redacted trace on its standard input.

        Its last line may be an outcome, a reward or JSON with these; else the
        exit code says it: 0 success, 1 failure, anything else no label.
        """
        words = self._words(path, trace)
        try:
            done = subprocess.run(words, input=document, capture_output=True, timeout=self.seconds, check=False)  # noqa: S603 - a person's own command
        except subprocess.TimeoutExpired:
            return self._late()
        except OSError as error:
            raise self._broken(error) from error
        return self._outcome_of(done.stdout, done.returncode)

    async def label_soon(self, document: bytes, *, path: str, trace: str) -> Outcome:
        """Do as `label` does, while others go on; but success takes the exit code 0, whatever was printed.

        What it prints may be what a model wrote into the file. Of that the end is
        kept alone. When this returns or is cancelled, the command and what it
        started are killed.
        """
        process, said = await self._started(self._words(path, trace), document)
        try:
            async with asyncio.timeout(self.seconds):
                code = await process.wait()
        except TimeoutError:
            return self._late()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(TimeoutError):
                await asyncio.wait_for(said, _PATIENCE)
            await process.wait()
        found = self._outcome_of(b"" if said.cancelled() else said.result(), code)
        return self._outcome_of(b"", code) if code and found.status is Status.SUCCESS else found

    async def _started(self, words: list[str], document: bytes) -> "tuple[Process, asyncio.Task[bytes]]":
        """Start the command in a session of its own.

        Its input is a file and its output a pipe of ours, so that its end is seen
        even where something that it started still holds them.
        """
        inner, outer = os.pipe()
        said = asyncio.create_task(_end_of(inner))
        try:
            with tempfile.TemporaryFile() as given:
                given.write(document)
                given.seek(0)
                process = await asyncio.create_subprocess_exec(
                    *words, stdin=given, stdout=outer, stderr=DEVNULL, start_new_session=True
                )
        except OSError as error:
            raise self._broken(error) from error
        finally:
            os.close(outer)
        return process, said

    def _words(self, path: str, trace: str) -> list[str]:
        return [word.replace("{trace}", trace).replace("{path}", path) for word in self.arguments]

    def _late(self) -> Outcome:
        return Outcome(source=self._name, note=f"the command took longer than {self.seconds:g} s")

    def _broken(self, error: OSError) -> InvalidInput:
        return InvalidInput(f"{self.arguments[0]} cannot be run: {error.strerror}")

    def _outcome_of(self, output: bytes, code: int) -> Outcome:
        said = output[-_SAID:].decode(errors="replace").strip().rpartition("\n")[2]
        if told := self._told(said):
            return told
        if code in _EXITS:
            return Outcome(_EXITS[code], source=self._name)
        return Outcome(source=self._name, note=f"the command ended with {code}")

    def _told(self, line: str) -> Outcome | None:
        try:
            value: Any = json.loads(line)
        except (ValueError, RecursionError):
            return self._outcome(line)
        if not isinstance(value, dict):
            return self._outcome(value)
        verdict, scored = self._outcome(value.get("outcome")), self._outcome(value.get("reward"))
        if verdict and scored:
            return replace(verdict, reward=scored.reward, threshold=scored.threshold)
        return verdict or scored

    def _outcome(self, value: object) -> Outcome | None:
        return Outcome.told(value, self._name, threshold=self.threshold)

    @property
    def _name(self) -> str:
        return f"command {self.arguments[0]}"


async def _end_of(pipe: int) -> bytes:
    """Read a pipe until nobody can write to it any more, and keep the end of what it carried."""
    stream, said = asyncio.StreamReader(), b""
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(pipe, "rb", 0)
    )
    try:
        while block := await stream.read(1 << 16):
            said = (said + block)[-_SAID:]
    finally:
        transport.close()
    return said
