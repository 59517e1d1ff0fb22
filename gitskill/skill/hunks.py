"""Changes to a frozen base, and when two of them overlap.

A lesson is a set of changes against the base. Changes that do not overlap
commute, so a merge of lessons is the union of their changes, in any grouping.
`diff` finds changes, `compose` applies them.
"""

import re
from dataclasses import dataclass

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|\r?$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*\r?$")


@dataclass(frozen=True, slots=True, order=True)
class Hunk:
    """Lines `start` to `end` of the base file (counted from 0, `end` excluded) become `lines`.

    On a path that the base lacks, the hunk creates the file.
    """

    path: str
    start: int
    end: int
    lines: tuple[str, ...]

    @property
    def is_insert(self) -> bool:
        """No line of the base is replaced."""
        return self.start == self.end


@dataclass(frozen=True, slots=True, order=True)
class Ending:
    """The file's last line gets a newline, or loses it. There is one such change per file, so two never differ."""

    path: str
    newline: bool


@dataclass(frozen=True, slots=True, order=True)
class Removal:
    """The file is gone."""

    path: str


@dataclass(frozen=True, slots=True, order=True)
class Replacement:
    """The file is replaced whole: the old or the new one has no lines."""

    path: str
    data: bytes


Change = Hunk | Ending | Removal | Replacement

Changes = tuple[Change, ...]
"""All changes of one lesson. They live or die together."""


def overlap(a: Change, b: Change) -> bool:
    """Tell whether both cannot be applied: they change the same base lines in different ways.

    Inserts at one point do not overlap, nor do hunks that merely touch; an equal
    change made twice is one change.
    """
    if a.path != b.path or a == b:
        return False
    if isinstance(a, Hunk) and isinstance(b, Hunk):
        return a.start < b.end and b.start < a.end
    whole = (Removal, Replacement)
    return isinstance(a, whole) or isinstance(b, whole)


def heading_level(lines: tuple[str, ...]) -> int:
    """Give the level of the heading that `lines` open with, after blank lines; 0 for none."""
    first = next((n for n, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return 0
    if match := _ATX.match(lines[first]):
        return len(match[1])
    if match := _SETEXT.match("".join(lines[first + 1 : first + 2])):
        return 1 if match[1][0] == "=" else 2
    return 0


def insert_rank(lines: tuple[str, ...]) -> int:
    """Order inserts at one point before their ids do: text that continues a section, then deeper headings first.

    Otherwise a bullet for the last section, placed after another lesson's new
    section at the end of the file, would land in that new section; and an
    indented bullet below another lesson's bullet would become that one's child.
    """
    if level := heading_level(lines):
        return 7 - level
    first = next((line for line in lines if line.strip()), "")
    return -(len(first) - len(first.lstrip()))
