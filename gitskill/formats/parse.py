"""JSON from hostile files: within limits, with what is odd about it said."""

import json
import re
from typing import Any

from gitskill.errors import InvalidInput

MAX_DEPTH = 64
MAX_PARSED = 20_000_000
"""Bytes of JSON that are parsed whole. Of anything larger, long texts lose their middle first."""

REPEATED = "an object names a key twice; the last one counts"
NOT_UTF8 = "not UTF-8; read as Latin-1"

_LITERAL = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_LIMITS = [1 << power for power in range(17, 7, -1)]
"""How long a text may be in a file that is too large: 128 KB, or a half of that, and so on."""


class Damaged(InvalidInput):
    """A file, or a part of one, that cannot be read as what it says it is."""


def parse(data: bytes, notes: set[str]) -> Any:
    """Read one JSON value, or raise Damaged. What is odd but readable is added to `notes`."""
    if len(data) > MAX_PARSED:
        data = reduced(data, limit_for(literals(data)), notes)
    if len(data) > MAX_PARSED:
        raise Damaged(f"larger than {MAX_PARSED // 1_000_000} MB, even with its long texts cut")

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            notes.add(REPEATED)
        return found

    try:
        value = json.loads(_decoded(data, notes), object_pairs_hook=collect, parse_constant=_refused)
    except RecursionError as error:
        raise Damaged(f"nested more than {MAX_DEPTH} deep") from error
    except ValueError as error:
        raise Damaged(_reason(error, data)) from error
    if is_deep(value):
        raise Damaged(f"nested more than {MAX_DEPTH} deep")
    return value


def literals(data: bytes) -> list[int]:
    """Give the length of each longer text in JSON, from the longest down."""
    return sorted(size for match in _LITERAL.finditer(data) if (size := match.end() - match.start()) > 256)[::-1]


def limit_for(sizes: list[int]) -> int:
    """Choose how long a text may be, so that all texts together are small enough to parse."""
    for limit in _LIMITS:
        if sum(min(size, limit + 64) for size in sizes) <= MAX_PARSED * 3 // 4:
            return limit
    return _LIMITS[-1]


def reduced(data: bytes, limit: int, notes: set[str]) -> bytes:
    """Take the middle out of every text longer than `limit` bytes."""

    def cut(match: re.Match[bytes]) -> bytes:
        text = match[0]
        if len(text) <= limit + 64:
            return text
        head, tail = _head(text[1 : limit // 2]), _tail(text[-limit // 2 : -1])
        return b'"%s [... %d bytes cut ...] %s"' % (head, len(text) - len(head) - len(tail) - 2, tail)

    shorter = _LITERAL.sub(cut, data)
    if len(shorter) != len(data):
        notes.add(f"texts longer than {limit:,} bytes were cut: the log is too large to keep whole")
    return shorter


def _head(text: bytes) -> bytes:
    """End at a space, where no escape and no secret is torn; else where the text is still whole."""
    if (at := text.rfind(b" ", max(0, len(text) - 4096))) > 0:
        return text[:at]
    return next((part for cut in range(12) if _is_whole(part := text[: len(text) - cut])), b"")


def _tail(text: bytes) -> bytes:
    if (at := text.find(b" ", 0, 4096)) >= 0:
        return text[at + 1 :]
    return next((part for cut in range(12) if _is_whole(part := text[cut:])), b"")


def _is_whole(part: bytes) -> bool:
    try:
        json.loads(b'"%s"' % part)
    except ValueError:
        return False
    return True


def _decoded(data: bytes, notes: set[str]) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        notes.add(NOT_UTF8)
        return data.decode("latin-1")


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _reason(error: ValueError, data: bytes) -> str:
    if isinstance(error, json.JSONDecodeError):
        if not data.strip():
            return "empty"
        if b"\0" in data:
            return "holds NUL bytes: not text"
        if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string"):
            return "cut off: it ends in the middle of a value"
        return f"not JSON: {error.msg} at character {error.pos + 1:,} of {len(data):,}"
    if "digits" in str(error):
        return "holds a number of thousands of digits"
    return f"not JSON: {error}"


def is_deep(value: Any) -> bool:
    """Tell whether a value is nested deeper than we follow."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
