"""What changed inside lines: by words, with a list marker, a link or a piece of code as one word each."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from gitskill.skill.diff import matching_lines

# Every repeat has an end: text that is made to be slow to read is not.
_TOKEN = re.compile(
    r"""
      \n
    | ^[ \t]{0,40}(?:[-*+]|\d{1,9}[.)])[ \t]{1,9}(?:\[[ xX]\][ \t])?  # a list marker, and the box of a task
    | ^[ ]{0,3}\#{1,6}[ \t]{1,9}                                      # the marks of a heading
    | !?\[[^\[\]\n]{0,200}\]\([^()\s]{0,300}\)                        # a link
    | (?P<ticks>`{1,3})(?!`)[^`\n]{1,300}(?P=ticks)(?!`)              # a piece of code
    | [a-z]{2,9}://[^\s<>()\[\]`'"]{1,300}
    | \w+(?:['\u2019.-]\w+){0,9}
    | [ \t]+
    | .
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_WORD = re.compile(r"\w")
_COMMON = 0.3
"""Texts that share fewer of their words are not compared: nothing of the one became the other."""


class Mark(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text. It may hold line breaks."""

    mark: Mark
    text: str


def word_diff(old: Sequence[str], new: Sequence[str]) -> tuple[Piece, ...]:
    """Compare lines word by word; nothing where only one side has text, or the two have too little in common."""
    a, b = _tokens("\n".join(old)), _tokens("\n".join(new))
    if not a or not b:
        return ()
    pairs = matching_lines(a, b)
    common = sum(1 for i, _ in pairs if _WORD.search(a[i]))
    if common < _COMMON * max(_words(a), _words(b)):
        return ()
    return _joined(_without_crumbs(list(_pieces(a, b, pairs))))


def _tokens(text: str) -> list[str]:
    return [match[0] for match in _TOKEN.finditer(text)]


def _words(tokens: Sequence[str]) -> int:
    return sum(1 for token in tokens if _WORD.search(token))


def _pieces(a: Sequence[str], b: Sequence[str], pairs: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    i = j = 0
    for x, y in [*pairs, (len(a), len(b))]:
        if i < x:
            yield Piece(Mark.REMOVED, "".join(a[i:x]))
        if j < y:
            yield Piece(Mark.ADDED, "".join(b[j:y]))
        if x < len(a):
            yield Piece(Mark.SAME, a[x])
        i, j = x + 1, y + 1


def _without_crumbs(pieces: list[Piece]) -> Iterator[Piece]:
    """Give spaces and signs that stand alone between two changes to both sides: they are no common text."""
    grouped = [(same, list(each)) for same, each in groupby(pieces, key=lambda piece: piece.mark is Mark.SAME)]
    for number, (same, group) in enumerate(grouped):
        text = "".join(piece.text for piece in group)
        if same and 0 < number < len(grouped) - 1 and not _WORD.search(text) and "\n" not in text:
            yield Piece(Mark.REMOVED, text)
            yield Piece(Mark.ADDED, text)
        else:
            yield from group


def _joined(pieces: Iterator[Piece]) -> tuple[Piece, ...]:
    """Make one piece of what neighbours say: in each change first what went, then what came."""
    found: list[Piece] = []
    for same, group in groupby(pieces, key=lambda piece: piece.mark is Mark.SAME):
        every = list(group)
        marks = (Mark.SAME,) if same else (Mark.REMOVED, Mark.ADDED)
        texts = ((mark, "".join(piece.text for piece in every if piece.mark is mark)) for mark in marks)
        found += [Piece(mark, text) for mark, text in texts if text]
    return tuple(found)


def side(pieces: Sequence[Piece], mark: Mark) -> list[tuple[Piece, ...]]:
    """Give the lines of one side, REMOVED for the old one, each as its pieces."""
    lines: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece.mark in (Mark.SAME, mark):
            first, *more = piece.text.split("\n")
            lines[-1] += [Piece(piece.mark, first)] if first else []
            lines += [[Piece(piece.mark, text)] if text else [] for text in more]
    return [tuple(line) for line in lines]
