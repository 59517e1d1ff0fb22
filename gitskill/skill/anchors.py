"""Where an edit goes: the place of a quoted text, and the blank lines that an insert needs there."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import nlargest
from itertools import accumulate
from textwrap import dedent
from typing import Self

from gitskill.errors import InvalidInput
from gitskill.skill.files import text_file
from gitskill.skill.hunks import Changes, Hunk
from gitskill.skill.sections import Outline, Role, indent, outline, plain
from gitskill.skill.snapshot import Skill
from gitskill.skill.text import Text

NO_TEXT = re.compile("[^\\t\\n\\r -~\\xa0-\\ud7ff\\ue000-\\U0010ffff]")
"""Control characters, and halves of characters."""

_CLOSE = 0.85
"""At least this alike is a match."""

_APART = 0.05
"""A better match must be better by this much, or it is a guess."""

_TRIES = 8
"""So many windows are compared letter by letter; counting shared trigrams chooses them."""

_ALIKE = 0.4
"""A window that shares fewer of its letter triples with the quote is not compared: it cannot be a match."""

_MANY = 100
"""No more places of a quote are counted."""

_LONGEST = 2000
"""A longer quote is not compared letter by letter: who copies that much copies it exactly."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text: from `column` of `line` up to, not including, `end_column` of `end_line`."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Page:
    """One file of a frozen skill, as an edit sees it."""

    path: str
    text: Text
    outline: Outline

    @classmethod
    def of(cls, skill: Skill, path: str) -> Self:
        """Read `path`. Raises InvalidInput if the skill has no such text file."""
        text = text_file(skill, path)
        return cls(path, text, outline(str(text)) if path.endswith(".md") else plain(text.lines))

    def insert(self, at: int, content: Sequence[str]) -> Changes:
        """Insert `content` before line `at`, with the file's line ends."""
        lines = [line + "\r" * self.text.crlf for line in content]
        if at == len(self.text.lines) and not self.text.ends:
            lines[-1] = lines[-1].removesuffix("\r")
        return (Hunk(self.path, at, at, tuple(lines)),)

    def insert_section(self, at: int, content: Sequence[str]) -> Changes:
        """Insert a section, which ends with its blank line, except at the end of a file that does not."""
        self.check_closed(at)
        if at == len(self.text.lines) and not self.blank(at - 1):
            return self.insert(at, ["", *content])
        return self.insert(at, [*content, ""] if self.text.lines else content)

    def check_closed(self, at: int) -> None:
        """Refuse a place that lies in a piece of code or HTML, as the end of a file may where one is never closed."""
        if self.in_block(at):
            raise InvalidInput("the section ends in code or HTML that is never closed")

    def in_block(self, at: int) -> bool:
        """Tell whether a line inserted at `at` lands in a piece of code or HTML that goes on after it."""
        block = self.outline.block_at(at)
        return block is not None and block.role in (Role.CODE, Role.HTML) and block.start < at

    def blank(self, line: int) -> bool:
        """Tell whether `line` is blank, or outside the file."""
        return not 0 <= line < len(self.text.lines) or not self.text.lines[line].strip()


def find_text(lines: Sequence[str], quote: str, start: int, end: int) -> Span:
    """Return where `quote` stands in `lines[start:end]`; columns do not count a carriage return.

    Raises InvalidInput, and says why, if it stands there several times or not at all.
    """
    window = [line.removesuffix("\r") for line in lines[start:end]]
    wanted = quote.replace("\r\n", "\n").strip("\n")
    if not wanted.strip():
        raise InvalidInput("the quoted text is empty")
    for found in (_exactly(window, wanted), _folded(window, wanted)):
        if len(found) > 1:
            often = f"{len(found)} times" if len(found) < _MANY else "many times"
            places = _listed([span.line + start + 1 for span in found])
            raise InvalidInput(f"{shorten(quote)} found {often}, at lines {places}: quote more of it")
        if found:
            return _moved(found[0], start)
    return _moved(_closely(window, wanted, start), start)


def split_lines(content: str, *, least: int = 1) -> list[str]:
    """Split `content` into lines, without the blank ones around it. Raises InvalidInput if no file can hold it."""
    if NO_TEXT.search(content) or len(content.split()) < least:
        raise InvalidInput("the content holds a control character" if content.strip() else "the content is empty")
    lines = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    solid = [number for number, line in enumerate(lines) if line.strip()]
    return lines[solid[0] : solid[-1] + 1] if solid else []


def shorten(text: str) -> str:
    """Quote `text` for a message, on one line and not too long."""
    folded = " ".join(text.split())
    return repr(folded if len(folded) <= 60 else folded[:57] + "...")


def _moved(span: Span, by: int) -> Span:
    return Span(span.line + by, span.column, span.end_line + by, span.end_column)


def _listed(places: Sequence[int]) -> str:
    numbers = list(dict.fromkeys(places))
    return ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")


def _exactly(window: Sequence[str], wanted: str) -> list[Span]:
    starts = _starts(window)
    return [_span(starts, at, at + len(wanted)) for at in _occurrences("\n".join(window), wanted)]


def _folded(window: Sequence[str], wanted: str) -> list[Span]:
    """Find `wanted` with every run of white space read as one space."""
    words = list(re.finditer(r"\S+", "\n".join(window)))
    begins = [word.start() for word in words]
    folded = [word[0] for word in words]
    folded_begins = _starts(folded)
    starts = _starts(window)

    def place(position: int) -> int:
        word = bisect_right(folded_begins, position) - 1
        return begins[word] + position - folded_begins[word]

    aim = " ".join(wanted.split())
    found = _occurrences(" ".join(folded), aim)
    return [_span(starts, place(at), place(at + len(aim) - 1) + 1) for at in found]


def _starts(parts: Sequence[str]) -> list[int]:
    """Give the offset of each part in the parts joined by one character."""
    return [*accumulate((len(part) + 1 for part in parts[:-1]), initial=0)]


def _occurrences(text: str, wanted: str) -> list[int]:
    found: list[int] = []
    at = text.find(wanted)
    while at >= 0 and len(found) < _MANY:
        found.append(at)
        at = text.find(wanted, at + 1)
    return found


def _span(starts: Sequence[int], begin: int, end: int) -> Span:
    line = bisect_right(starts, begin) - 1
    end_line = bisect_right(starts, end - 1) - 1
    return Span(line, begin - starts[line], end_line, end - starts[end_line])


def _closely(window: Sequence[str], wanted: str, offset: int) -> Span:
    folded = [" ".join(line.split()) for line in window]
    aim = " ".join(wanted.split())
    size = wanted.count("\n") + 1
    matches = sorted(_ratios(folded, aim, size), key=lambda match: (-match[0], match[1]))
    if not matches or matches[0][0] < _CLOSE:
        raise InvalidInput(f"{shorten(wanted)} not found{_nearest(folded, wanted, offset)}")
    best, start = matches[0]
    # Windows that share lines are one place, seen twice.
    for rival, other in matches[1:]:
        if abs(other - start) >= size and best - rival < _APART:
            places = _listed(sorted([start + offset + 1, other + offset + 1]))
            raise InvalidInput(f"{shorten(wanted)} not found, and lines {places} are about equally close")
    return Span(start, 0, start + size - 1, len(window[start + size - 1]))


def _ratios(folded: Sequence[str], aim: str, size: int) -> Iterator[tuple[float, int]]:
    """Compare `aim` with the windows of `size` lines that look most like it."""
    matcher = SequenceMatcher(None, b=aim, autojunk=False)
    for start in _promising(folded, aim, size, _ALIKE) if len(aim) <= _LONGEST else ():
        matcher.set_seq1(" ".join(" ".join(folded[start : start + size]).split()))
        # The cheap bounds come first: a window far longer than the quote is never compared.
        if matcher.real_quick_ratio() >= _CLOSE and matcher.quick_ratio() >= _CLOSE:
            yield matcher.ratio(), start


def _promising(folded: Sequence[str], aim: str, size: int, least: float = 0) -> list[int]:
    """Choose at most `_TRIES` windows, by the share of letter triples they have in common with `aim`."""
    wanted = _triples(aim)
    triples = [_triples(line) for line in folded]
    shared = [0, *accumulate(len(found & wanted) for found in triples)]
    total = [0, *accumulate(map(len, triples))]

    def score(start: int) -> float:
        here = total[start + size] - total[start]
        return 2 * (shared[start + size] - shared[start]) / (here + len(wanted))

    windows = (n for n in range(len(folded) - size + 1) if folded[n] and folded[n + size - 1] and score(n) > least)
    return nlargest(_TRIES, windows, key=score)


def _triples(text: str) -> set[str]:
    padded = f" {text} "
    return {padded[n : n + 3] for n in range(len(text))}


def _nearest(folded: Sequence[str], wanted: str, offset: int) -> str:
    near = _promising(folded, " ".join(wanted.strip().split("\n")[0].split()), 1)
    return f"; the nearest is line {near[0] + offset + 1}: {shorten(folded[near[0]])}" if near else ""


def beside(page: Page, span: Span, content: Sequence[str], *, after: bool) -> int:
    """Return the line before which `content` goes to stand next to `span`.

    A paragraph is not split, and a list item keeps what is indented below it
    unless `content` is indented too. Code, HTML and tables are split at any line.
    """
    line = span.end_line if after else span.line
    at = line + 1 if after else line
    block = page.outline.block_at(line)
    if block and block.role in (Role.TEXT, Role.HEADING):
        at = block.end if after else block.start
    elif block and block.start < at < block.end:
        return at
    for item in page.outline.items_at(line):
        if indent(content[0]) <= item.indent:
            return item.end if after else item.start
    return at


def aligned(page: Page, line: int, content: Sequence[str]) -> list[str]:
    """Indent a list item that is to stand next to a deeper one at `line`, so that they become neighbours."""
    around = page.outline.items_at(line)
    if around and indent(content[0]) == 0 and _alone(content).items_at(0):
        return [" " * around[-1].indent + text if text.strip() else text for text in content]
    return list(content)


def framed(page: Page, at: int, content: Sequence[str]) -> list[str]:
    """Give `content` the blank lines that it needs to be a block of its own between lines `at - 1` and `at`."""
    if page.in_block(at) or not page.path.endswith(".md"):
        return list(content)
    alone = _alone(content)
    first, last = _shape(alone, 0), _shape(alone, len(content) - 1)
    above, below = (None if page.blank(near) else _shape(page.outline, near) for near in (at - 1, at))
    opens = bool(above) and not _joins(page, at - 1, content, first)
    closes = bool(below) and not _joins(page, at, content, last)
    if above and below:
        # Where the file sets two kinds of block without a blank line, so does the insert, unless it would be misread.
        opens = opens and above != Role.HEADING and not (first == below and _interrupts(content))
        closes = closes and (last != above or last == below)
    return [""] * opens + list(content) + [""] * closes


def _alone(content: Sequence[str]) -> Outline:
    return outline(dedent("\n".join(content)))


def _shape(known: Outline, line: int) -> str:
    """Name what neighbours must have in common to stand without a blank line between them."""
    block = known.block_at(line)
    return "item" if known.items_at(line) else block.role if block else Role.OTHER


def _joins(page: Page, near: int, content: Sequence[str], shape: str) -> bool:
    """Tell whether `content` continues the tight list or the table at `near`."""
    block = page.outline.block_at(near)
    if block and block.role is Role.TABLE:
        piped = page.text.lines[near].lstrip().startswith("|")
        rows = all("|" in text and text.lstrip().startswith("|") == piped for text in content)
        return rows and shape != Role.TABLE
    around = page.outline.items_at(near)
    level = [item for item in around if item.indent == indent(content[0])] or around[-1:]
    return shape == "item" and any(item.tight for item in level)


def _interrupts(content: Sequence[str]) -> bool:
    """Tell whether `content` is read as itself right below a paragraph: a list that begins at 2 is not."""
    return outline("\n".join(["x", *content])).block_at(0) == outline("x").block_at(0)
