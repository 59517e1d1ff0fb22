"""One text, seen the ways in which secrets are searched: as bytes, in lower case, with its lines joined."""

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

OPEN, CLOSE = "\u2039", "\u203a"
"""Around a placeholder stand signs that no shell, JSON or Markdown gives a meaning."""

# Names hold no digits and few letters: no secret can pass for the name of a kind.
PLACEHOLDER = re.compile(
    OPEN + r"(?:SECRET:[a-z]{2,14}(?:-[a-z]{2,8}){0,2}|EMAIL|HOME|CARD|IBAN|SSN):[0-9]{1,7}" + CLOSE
)

_QUOTES = (("\u201c\u201d\u201e", '"'), ("\u2018\u2019\u201a", "'"), (OPEN + CLOSE, "\0"))

EDGE = b" \t\r\"'`\\+"
"""What may stand between a line of a token and the line break: indent, quotes, signs that concatenate."""

_INDENT = re.compile(rb"[ \t\r\"'`\\+]*")

# Texts often quote JSON or code once more. Each escape becomes as many bytes, so that positions stay what they are.
_ESCAPES = ((b"\\n", b" \n"), (b"\\r", b" \r"), (b"\\t", b" \t"), (b'\\"', b' "'))
_DEEPER = re.compile(rb"\\\\(?<!\\\\\\)\\{0,6}[nrt\"]")
"""The same escapes in JSON that was quoted more than once."""
_UNICODE = re.compile(rb"(\\{1,2})u00([2-7][0-9A-Fa-f])")
_FILLER = b"\x01"

# One line break, and on both of its sides nothing, or the same quote with signs that concatenate.
_SOFT = re.compile(
    rb"[ \t\r\\]*\+?[ \t\r\\]*\n[ \t\r]*\+?[ \t]*"
    rb"|([\"'`])[ \t\r+\\]*\n[ \t\r+]*\1\+?"
)


class Page:
    """A text as bytes, one for each character: every position in `raw` and `flat` is one in the text.

    Characters outside Latin-1 are question marks, placeholders are NUL bytes:
    no pattern takes NUL for a part of a secret.
    """

    def __init__(self, text: str) -> None:
        if not text.isascii():
            text = _plain(text)
        self.raw = text.encode("latin-1", "replace")
        self.flat = _unescaped(self.raw) if b"\\" in self.raw else self.raw
        self.lower = self.flat.lower()
        self.joined = Joined(self.flat)
        self._places: dict[bytes, list[int]] = {}

    def places(self, word: bytes) -> list[int]:
        """Give where `word` stands in the text in lower case. A pattern that begins with it searches much slower."""
        found = self._places.get(word)
        if found is None:
            found = self._places[word] = []
            at = self.lower.find(word)
            while at >= 0:
                found.append(at)
                at = self.lower.find(word, at + 1)
        return found


class Joined:
    """Lines put together without the breaks and edges between them, so that a token on two lines is one again."""

    def __init__(self, flat: bytes) -> None:
        self._flat = flat
        if _FILLER in flat:
            flat = flat.replace(_FILLER, b"\n")
        self._lines = flat.split(b"\n") if b"\n" in flat else [flat]
        self._parts = [line.strip(EDGE) for line in self._lines]
        self.data = b"".join(self._parts)

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line starts in the joined text; one that holds nothing, where the next one does."""
        return [0, *accumulate(map(len, self._parts))]

    @cached_property
    def _origins(self) -> list[int]:
        """Where each line starts in the flat text."""
        return [0, *accumulate(len(line) + 1 for line in self._lines)]

    def origin(self, at: int) -> int:
        """Give the position in the text of a byte of the joined text."""
        line = min(bisect_right(self._starts, at), len(self._lines)) - 1
        indent = _INDENT.match(self._lines[line])
        return self._origins[line] + (indent.end() if indent else 0) + at - self._starts[line]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Give the place in the text of a part of the joined text."""
        return self.origin(start), self.origin(end - 1) + 1

    def breaks(self, start: int, end: int) -> list[int]:
        """Give where lines start inside a part of the joined text, its own ends not counted."""
        first, last = bisect_right(self._starts, start), bisect_right(self._starts, end - 1)
        return list(dict.fromkeys(self._starts[first:last]))

    def is_break(self, at: int) -> bool:
        """Tell whether a line starts here, or the text ends."""
        return at in (0, len(self.data)) or bool(self.breaks(at - 1, at + 1))

    def is_soft(self, at: int) -> bool:
        """Tell whether a token may go on over the break at `at`: a wrapped line, a string in two halves, an escape."""
        gap = self._flat[self.origin(at - 1) + 1 : self.origin(at)]
        return not gap.strip(_FILLER) or _SOFT.fullmatch(gap) is not None


def _plain(text: str) -> str:
    """Take out placeholders, and write quotes as programs do: people put passwords into others."""
    if OPEN in text:
        text = PLACEHOLDER.sub(lambda match: "\0" * len(match[0]), text)
    for quotes, plain in _QUOTES:
        for quote in quotes:
            text = text.replace(quote, plain)
    return text


def _unescaped(data: bytes) -> bytes:
    if b"\\\\" in data:
        data = _DEEPER.sub(lambda match: b" " * (len(match[0]) - 2) + match[0][-2:], data)
    for escape, same in _ESCAPES:
        data = data.replace(escape, same)
    if b"\\u00" in data:
        data = _UNICODE.sub(lambda match: bytes.fromhex(match[2].decode()) + _FILLER * (len(match[0]) - 1), data)
    return data
