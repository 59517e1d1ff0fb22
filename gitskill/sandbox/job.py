"""What goes into the sandbox and what comes out of its /job: names and bytes, never files of this machine."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitskill.errors import InvalidInput

MAX_FILES = 200
MAX_BYTES = 8_000_000
"""What is taken out of /job."""

MAX_GIVEN = 400
MAX_GIVEN_BYTES = 32_000_000
"""What is put in, /job and /skill together: each file is an open file of ours for a moment."""

MAX_COMMAND = 64_000
MAX_ENTRIES = 10_000
MAX_STREAM = 160_000_000
MAX_DROPPED = 50
_BLOCK = 512
_SIZE = re.compile(rb"[0-7]{11}[\0 ]")
_MAX_NAME = 1000


@dataclass(frozen=True, slots=True)
class Left:
    """What lay in /job when the command had ended."""

    files: Mapping[str, bytes]
    dropped: tuple[str, ...]
    is_whole: bool
    """False where the archive broke off: what is not in it may have been there."""


def is_plain_name(name: str) -> bool:
    """Tell whether `name` is a path below a folder that any of our readers may be handed."""
    parts = name.split("/")
    return len(name) <= _MAX_NAME and name.isprintable() and not {"", ".", ".."} & set(parts)


def check_given(command: Sequence[str], files: Mapping[str, bytes], skill: Mapping[str, bytes]) -> None:
    """Raise InvalidInput where the sandbox cannot be given this. Nothing was executed then."""
    if not command or not command[0]:
        raise InvalidInput("there is no command to run")
    for word in command:
        if "\0" in word or not _encodes(word):
            raise InvalidInput(f"{word!r} cannot be a word of a command")
    if sum(len(word.encode()) + 1 for word in command) > MAX_COMMAND:
        raise InvalidInput(f"the command is longer than {MAX_COMMAND} bytes", hint="put it into a file of the job")
    for names in (files, skill):
        _check_names(names)
    if len(files) + len(skill) > MAX_GIVEN:
        raise InvalidInput(f"{len(files) + len(skill)} files are more than the sandbox takes ({MAX_GIVEN})")
    if sum(len(data) for data in (*files.values(), *skill.values())) > MAX_GIVEN_BYTES:
        raise InvalidInput(f"the files are more than the sandbox takes ({MAX_GIVEN_BYTES // 1_000_000} MB)")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_names(names: Mapping[str, bytes]) -> None:
    for name in names:
        if not is_plain_name(name):
            raise InvalidInput(f"{name!r} is not the name of a file below a folder")
        parts = name.split("/")
        if above := [folder for end in range(1, len(parts)) if (folder := "/".join(parts[:end])) in names]:
            raise InvalidInput(f"{above[0]!r} is given as a file and as a folder")


async def read_left(stream: asyncio.StreamReader) -> Left:
    """Read the archive of /job to its end, or to where it breaks a rule or a limit.

    Whoever ran in the sandbox may have written every byte of it. So we read the
    few fields we need ourselves, hold no more than the limits say, and write
    nothing to disk.
    """
    archive = _Archive(stream)
    try:
        is_whole = await archive.read()
    except (asyncio.IncompleteReadError, _Damaged):
        is_whole = False
    return Left(archive.files, archive.told(), is_whole)


class _Damaged(Exception):
    """The archive is not one that our own tar would write."""


class _Archive:
    """An archive in GNU tar's own format, read once from its beginning."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.files: dict[str, bytes] = {}
        self._stream = stream
        self._dropped: list[str] = []
        self._entries = 0
        self._read = 0
        self._room = MAX_BYTES

    def told(self) -> tuple[str, ...]:
        more = len(self._dropped) - MAX_DROPPED
        return (*self._dropped[:MAX_DROPPED], *([f"and {more} more"] if more > 0 else []))

    async def read(self) -> bool:
        """Read entries until the archive says that it ends; False if a limit ends it first."""
        long_name: bytes | None = None
        while self._read <= MAX_STREAM and self._entries <= MAX_ENTRIES:
            head = await self._take(_BLOCK)
            if not head.strip(b"\0"):
                return True
            size = _size(head)
            if head[156:157] == b"L":
                long_name = await self._long_name(size)
            else:
                await self._entry(head[156:157], long_name or head[:100].split(b"\0")[0], size)
                long_name = None
        return False

    async def _entry(self, kind: bytes, raw: bytes, size: int) -> None:
        self._entries += 1
        raw = raw.removeprefix(b"./")
        name = raw.decode(errors="surrogateescape")
        is_kept = kind == b"0" and self._is_welcome(name, size)
        if is_kept:
            content = await self._take(size)
            self.files[name] = content
            self._room -= size
            await self._skip(-size % _BLOCK)
            return
        if kind not in {b"5", b"K"}:  # a folder is in its files' names; K is the long target of a link
            self._dropped.append(raw.decode(errors="backslashreplace"))
        await self._skip(size + -size % _BLOCK)

    def _is_welcome(self, name: str, size: int) -> bool:
        is_first = name not in self.files
        return is_first and size <= self._room and len(self.files) < MAX_FILES and is_plain_name(name)

    async def _long_name(self, size: int) -> bytes:
        if size > 64 * _BLOCK:
            raise _Damaged
        raw = await self._take(size)
        await self._skip(-size % _BLOCK)
        return raw.rstrip(b"\0")

    async def _take(self, size: int) -> bytes:
        self._read += size
        return await self._stream.readexactly(size)

    async def _skip(self, size: int) -> None:
        self._read += size
        while size > 0 and self._read <= MAX_STREAM:
            data = await self._stream.read(min(size, 1 << 16))
            if not data:
                raise asyncio.IncompleteReadError(b"", size)
            size -= len(data)


def _size(head: bytes) -> int:
    """Give how many bytes follow this head."""
    if head[257:262] != b"ustar" or not _SIZE.fullmatch(head[124:136]):
        raise _Damaged
    return int(head[124:135], 8)
