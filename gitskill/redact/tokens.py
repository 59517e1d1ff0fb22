"""Tokens that can be told by their shape, also where a line break stands inside them.

Nearly every token holds twenty characters in a row of letters, digits, dash,
underscore and percent; in ordinary text such runs are rare. So the runs are
found first, and only the words around them are compared with the table.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from gitskill.redact.kinds import KINDS, Kind
from gitskill.redact.page import Joined, Page
from gitskill.redact.span import Span, secret
from gitskill.redact.tree import any_of, by_shortest

_RUN = b"a" * 20
_REACH = 64
"""How far before the run its word may begin: so long are the addresses of webhooks."""

_IN_RUN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-%")
_OUTSIDE_WORD = frozenset(b" \t\r\n\0\"'`<>()[]{},;|\\")
_RUNS = bytes(97 if byte in _IN_RUN else 32 for byte in range(256))
_WORDS = bytes(32 if byte in _OUTSIDE_WORD else 97 for byte in range(256))

_MADE = re.compile(rb"[0-9]|hf_|api_org_|A[A-Z]{2}A[A-Z]{16}")
"""A token of thirty letters without a digit is one in two hundred, but for two kinds that have none or few."""

_ALWAYS = [kind for kind in KINDS if not kind.literals]
_BY_LITERAL = by_shortest(KINDS)
_ANY = any_of(_BY_LITERAL)

# Bounds of what one comparison reads: a text made of nothing but beginnings of tokens takes no longer than others.
_BEFORE, _BEHIND, _LIMIT, _LINES = 80, 120, 1024, 24
_TAIL = re.compile(rb"[\w.+/=~-]*")

_ALNUM = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_WORD = re.compile(rb"(?=.{6})[A-Z]?[a-z]{2,}(?:[_-][a-z]{2,})*")
_WORDLIKE = re.compile(rb"(?:[A-Z]?[a-z]*|[A-Z]*|[0-9]*)(?:[-_.](?:[A-Z]?[a-z]*|[A-Z]*|[0-9]*)){0,20}")


def tokens(page: Page) -> Iterator[Span]:
    """Find every token of the table."""
    joined = page.joined
    runs = joined.data.translate(_RUNS)
    if _RUN not in runs:
        return
    words = _Words(joined.data, runs)
    done = 0
    for start, kind in sorted(_candidates(words), key=lambda item: item[0]):
        if start >= done and _starts(joined, start) and (end := _end(kind, joined, start)):
            yield secret(joined.span(start, end), kind.name)
            done = end


class _Words:
    """The words of a joined text that hold a long run, one on a line, and where each was."""

    def __init__(self, data: bytes, runs: bytes) -> None:
        places = list(_long_words(data, runs))
        self._origins = [start for start, _ in places]
        self._starts = [0, *accumulate(end - start + 1 for start, end in places)]
        self.data = b"\n".join([data[start:end] for start, end in places])

    def origin(self, at: int) -> int:
        """Give the position in the joined text."""
        word = bisect_right(self._starts, at) - 1
        return self._origins[word] + at - self._starts[word]


def _candidates(words: _Words) -> Iterator[tuple[int, Kind]]:
    """Give every place in the joined text where a token may start, with the kind it may be of."""
    data = words.data
    for kind in _ALWAYS:
        yield from ((words.origin(match.start()), kind) for match in kind.pattern.finditer(data))
    hit = _ANY.search(data)
    while hit:
        at = hit.start()
        for kind in _BY_LITERAL[hit[0]]:
            if kind.inside:
                near = kind.pattern.finditer(data, max(0, at - _BEFORE), at + _BEHIND)
                match = next((match for match in near if match.end() > at), None)
            else:
                match = kind.pattern.match(data, at, at + _LIMIT)
            if match:
                yield words.origin(match.start()), kind
        hit = _ANY.search(data, at + 1)


def _long_words(data: bytes, runs: bytes) -> Iterator[tuple[int, int]]:
    at = runs.find(_RUN)
    words = data.translate(_WORDS)
    end = 0
    while at >= 0:
        start = max(words.rfind(b" ", max(end, at - _REACH), at) + 1, end, at - _REACH)
        end = words.find(b" ", at)
        end = len(words) if end < 0 else end
        if _MADE.search(data, start, end):
            yield start, end
        at = runs.find(_RUN, end)


def _starts(joined: Joined, start: int) -> bool:
    return not start or joined.data[start - 1] not in _ALNUM or joined.is_break(start)


def _end(kind: Kind, joined: Joined, start: int) -> int:
    """Give where the token ends, or 0 where it is none: its lines do not belong together, or it stops inside a word."""
    data = joined.data
    end = _last_line(kind, joined, start)
    if end == start + _LIMIT and (tail := _TAIL.match(data, end)):
        return tail.end()
    if end < len(data) and data[end] in _ALNUM and not joined.is_break(end):
        return 0
    return end


def _last_line(kind: Kind, joined: Joined, start: int) -> int:
    """Take lines until the pattern is content, and further ones if they look like the rest of a token."""
    data = joined.data
    reach = kind.pattern.match(data, start, start + _LIMIT)
    if reach is None:
        return 0
    end, before = 0, reach.end()
    for cut in [*joined.breaks(start, reach.end()), reach.end()][:_LINES]:
        if (end and not _goes_on(data, end, cut)) or _WORD.fullmatch(data, before, cut):
            return end
        before = cut
        if match := kind.pattern.match(data, start, cut):
            end = match.end()
            if end < cut:
                return end
        if cut < reach.end() and not joined.is_soft(cut):
            return end
    return end


def _goes_on(data: bytes, start: int, end: int) -> bool:
    if _WORDLIKE.fullmatch(data, start, end) or data[end : end + 1] in {b"=", b":", b"("}:
        return False
    hit = _ANY.match(data, start)
    return not hit or not any(kind.pattern.match(data, start, start + _LIMIT) for kind in _BY_LITERAL[hit[0]])
