"""The members of an Inspect `.eval` file: a ZIP archive, unpacked within limits and never onto the disk.

Newer logs are packed with Zstandard, which `zipfile` learns in Python 3.14 only:
those members are unpacked here, with the package of the extra `gitskill[inspect]`.
"""

import io
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from gitskill.formats.parse import Damaged

MAX_MEMBER = 100_000_000
MAX_TOTAL = 1_000_000_000
MAX_DIRECTORY = 16_000_000
"""Bytes of the list of members: some 200,000 of them."""

ZSTD = 93

_PIECE = 1 << 20
_BROKEN = (BadZipFile, RuntimeError, EOFError, OSError, ValueError, struct.error, zlib.error)


class Closed(Damaged):
    """Nothing more can be read of this archive."""


class Archive:
    """An archive that is open. A name that stands in it twice means its last member, as Inspect has it."""

    def __init__(self, packed: ZipFile, file: io.BufferedReader) -> None:
        self._packed = packed
        self._file = file
        self._left = MAX_TOTAL

    @property
    def names(self) -> list[str]:
        """The members, each once."""
        return list(dict.fromkeys(self._packed.namelist()))

    def read(self, name: str) -> bytes:
        """Unpack a member, or raise Damaged."""
        info = self._packed.getinfo(name)
        pieces, size, checked = [], 0, 0
        try:
            for piece in self._unpacked(info):
                size += len(piece)
                checked = zlib.crc32(piece, checked)
                self._count(len(piece), size)
                pieces.append(piece)
        except _BROKEN as error:
            raise Damaged(f"cannot be unpacked: {error}") from error
        if checked != info.CRC:
            raise Damaged("cannot be unpacked: wrong checksum")
        return b"".join(pieces)

    def _count(self, more: int, size: int) -> None:
        self._left -= more
        if self._left < 0:
            raise Closed(f"larger than {MAX_TOTAL // 1_000_000} MB when unpacked")
        if size > MAX_MEMBER:
            raise Damaged(f"larger than {MAX_MEMBER // 1_000_000} MB when unpacked")

    def _unpacked(self, info: ZipInfo) -> Iterator[bytes]:
        if info.compress_type == ZSTD and not info.flag_bits & 1:
            yield from _from_zstd(self._raw(info))
        elif info.compress_type in {ZIP_STORED, ZIP_DEFLATED}:
            with self._packed.open(info) as member:
                while piece := member.read(_PIECE):
                    yield piece
        else:
            raise BadZipFile(f"encrypted, or packed by method {info.compress_type}")

    def _raw(self, info: ZipInfo) -> bytes:
        """Read a member as it is packed: its own header tells how long itself is."""
        if info.compress_size > MAX_MEMBER:
            raise Damaged(f"larger than {MAX_MEMBER // 1_000_000} MB when packed")
        self._file.seek(info.header_offset)
        signature, name, extra = struct.unpack("<4s22xHH", self._file.read(30))
        if signature != b"PK\3\4":
            raise BadZipFile("no header where one should be")
        self._file.seek(name + extra, os.SEEK_CUR)
        ends = [*range(0, info.compress_size, _PIECE), info.compress_size]
        return b"".join(self._file.read(end - start) for start, end in pairwise(ends))


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive, or raise Damaged."""
    try:
        file = _Bounded(io.FileIO(path, opener=_descriptor))
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror}") from error
    with file:
        try:
            packed = ZipFile(file)
        except _BROKEN as error:
            raise Damaged(f"not a ZIP archive: {error}") from error
        with packed:
            yield Archive(packed, file)


class _Bounded(io.BufferedReader):
    """A file that gives no more than a little at once: `zipfile` reads the list of members in one go."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY:
            raise BadZipFile(f"its list of members is larger than {MAX_DIRECTORY // 1_000_000} MB")
        return super().read(size)


def _descriptor(path: str, _: int) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _from_zstd(data: bytes) -> Iterator[bytes]:
    """Unpack frame after frame: Inspect writes large members as several."""
    try:
        import zstandard  # noqa: PLC0415 - an extra, which most logs do not need
    except ImportError as error:
        raise Closed("compressed with zstd: pip install 'gitskill[inspect]'") from error
    try:
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            while piece := reader.read(_PIECE):
                yield piece
    except zstandard.ZstdError as error:
        raise Damaged(f"cannot be unpacked: {error}") from error
