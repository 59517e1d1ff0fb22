"""One file on disk that may hold traces, opened without following a link and read within limits."""

import codecs
import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from gitskill.formats.parse import MAX_PARSED, Damaged, limit_for, literals, parse, reduced

MAX_FILE = 512_000_000
MAX_LINE = 256_000_000

_HEAD = 4096
_OPENING = 40
"""Records that are enough to tell a format by."""

_BOMS = {codecs.BOM_UTF8: "", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
_BOMS |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""The longer marks first: UTF-32's begins as UTF-16's does."""
_NAME = re.compile(r"[\w.+@=-]{1,200}")


class Source:
    """A file as formats see it: one JSON document, or one JSON record on each line, or text.

    Raises Damaged, with the reason, where the file cannot be read as asked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: set[str] = set()
        """What was odd about the file; complete once it has been read."""

    @cached_property
    def magic(self) -> bytes:
        """The file's first bytes."""
        with self._open() as file, _readable():
            return file.read(_HEAD)

    @cached_property
    def is_lines(self) -> bool:
        """Tell whether the file holds one JSON value on each of several lines."""
        lines = (line for line in self.lines() if line.strip())
        first = next(lines, b"")
        if next(lines, None) is None:
            return False
        try:
            parse(first, set())
        except Damaged:
            return False
        return True

    @property
    def document(self) -> Any:
        """The whole file as one JSON value."""
        if isinstance(self._document, Damaged):
            raise self._document
        return self._document

    @cached_property
    def _document(self) -> Any:
        # Every format asks for it: what cannot be parsed is not parsed again for each.
        try:
            return parse(self._read(), self.notes)
        except Damaged as error:
            return error

    @cached_property
    def opening(self) -> list[Any]:
        """What formats are told apart by: the first records, or the one document. Damaged lines are left out."""
        if not self.is_lines:
            return self.document[:_OPENING] if isinstance(self.document, list) else [self.document]
        found = []
        for line in self.lines():
            try:
                found.append(parse(line, set()))
            except Damaged:
                continue
            if len(found) == _OPENING:
                break
        return found

    def records(self) -> Iterator[tuple[int, Any]]:
        """Give the records of one run with their line numbers; all of them, or Damaged with the line's number.

        A log that ends in the middle of a record is damaged: what is missing may be what mattered.
        """
        for number, value in self._values(self._limit):
            if isinstance(value, Damaged):
                raise value
            yield number, value

    def rows(self) -> Iterator[tuple[str, Any]]:
        """Give the records of a file with several runs, each with its place; a damaged one as Damaged.

        The place is `line 7`, or `[6]` in a list; it is empty where the file is one record.
        """
        listed = not self.is_lines and isinstance(self.document, list)
        for number, value in self._values(None):
            yield f"line {number}" if self.is_lines else f"[{number - 1}]" if listed else "", value

    def text(self) -> str:
        """Give the file as text."""
        data = self._read()
        if len(data) > MAX_PARSED:
            raise Damaged(f"larger than {MAX_PARSED // 1_000_000} MB")
        if b"\0" in data:
            raise Damaged("holds NUL bytes: not text")
        return data.decode(errors="replace").replace("\r\n", "\n")

    def beside(self, relative: str) -> Any:
        """Read another JSON file, named from this one's folder; None where there is none that can be read."""
        source = Source(self.path.parent / relative)
        try:
            return source.document
        except Damaged:
            return None

    def _values(self, limit: int | None) -> Iterator[tuple[int, Any]]:
        if not self.is_lines:
            whole = self.document
            yield from enumerate(whole if isinstance(whole, list) else [whole], start=1)
            return
        for number, line in enumerate(self.lines(), start=1):
            if not line.strip():
                continue
            try:
                yield number, parse(line if limit is None else reduced(line, limit, self.notes), self.notes)
            except Damaged as error:
                yield number, Damaged(f"line {number}: {error}")

    @cached_property
    def _limit(self) -> int | None:
        """How long a text in a log may be; None where the log is small enough to be kept whole."""
        if self._size <= MAX_PARSED:
            return None
        return limit_for(sorted(size for line in self.lines() for size in literals(line)))

    @cached_property
    def _size(self) -> int:
        with self._open() as file:
            return os.fstat(file.fileno()).st_size

    def _read(self) -> bytes:
        return b"".join(self.lines())

    def lines(self) -> Iterator[bytes]:
        """Give the file line by line in UTF-8, or what cannot be told from it."""
        mark, encoding = next(((mark, name) for mark, name in _BOMS.items() if self.magic.startswith(mark)), (b"", ""))
        if not encoding and len(self.magic) > 3 and self.magic[:4].count(0) in {2, 3}:
            encoding = _wide(self.magic)
        try:
            with self._open() as file, _readable():
                if encoding:
                    yield from file.read().decode(encoding).removeprefix("\ufeff").encode().splitlines(keepends=True)
                    return
                file.seek(len(mark))
                while line := file.readline(MAX_LINE):
                    if len(line) == MAX_LINE:
                        raise Damaged(f"a line is longer than {MAX_LINE // 1_000_000} MB")
                    yield line
        except UnicodeError as error:
            raise Damaged(f"begins as {encoding} and is not") from error

    def _open(self) -> BinaryIO:
        try:
            opened = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            what = "a symbolic link" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
            raise Damaged(what) from error
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE:
            os.close(opened)
            large = f"larger than {MAX_FILE // 1_000_000} MB"
            raise Damaged(large if stat.S_ISREG(found.st_mode) else "not a plain file")
        return os.fdopen(opened, "rb")


@contextmanager
def _readable() -> Iterator[None]:
    """Let a file that opens and cannot be read be damaged, not the end of everything: a bad disk, a vanished share."""
    try:
        yield
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror}") from error


def _wide(magic: bytes) -> str:
    """Name the encoding of JSON in two or four bytes a character, by where its zeros stand."""
    if magic[:4].count(0) == 3:
        return "utf-32-be" if magic[0] == 0 else "utf-32-le"
    return "utf-16-be" if magic[0] == 0 else "utf-16-le"


def is_plain_name(name: str) -> bool:
    """Tell whether a name from a log may be part of a path that we look at."""
    return bool(_NAME.fullmatch(name)) and not name.startswith(".")
