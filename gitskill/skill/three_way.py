"""Three versions of one file to one: what git's own merge does, and hunks that only meet stand side by side.

Git refuses two changes with no line between them. In a list of rules that is
the commonest case: two people add a bullet to one list. Here both are kept.
Where the text around tells that the two belong together (code, frontmatter,
the inside of a paragraph), or both change one line, there is a conflict as
git has it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gitskill.skill.compose import compose
from gitskill.skill.diff import line_spans
from gitskill.skill.frontmatter import split
from gitskill.skill.hunks import Hunk, insert_rank
from gitskill.skill.sections import Outline, Role, outline, plain
from gitskill.skill.text import Text

_OPENS = re.compile(r"(?:[-*+]|\d{1,9}[.)]|#{1,6})(?:[ \t]|\r?$)|[ \t]*\r?$")
"""A line that belongs to nothing above it: a list item or a heading at the margin, or a blank line."""
_HEADING = re.compile(r"#{1,6}[ \t]")
_TOGETHER = {Role.FRONTMATTER, Role.FENCE, Role.CODE, Role.FENCE_END, Role.HTML}


class Side(NamedTuple):
    """One change of one of the two."""

    start: int
    end: int
    lines: tuple[str, ...]
    whose: int
    """0: ours, 1: theirs."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to."""

    text: Text
    conflicts: int
    """Places with conflict markers."""


def merge_texts(base: Text, ours: Text, theirs: Text, *, markdown: bool = True, marker: int = 7) -> Merged:
    """Give `base` with the changes of both; what cannot be joined stands between conflict markers, as in git.

    Where both add lines at one place, ours come first, but text that goes on
    with a section comes before what begins one.
    """
    reading = _Reading(base, outline(str(base)) if markdown else plain(base.lines), markdown, marker)
    found = _merged(reading, ours, theirs)
    broken = markdown and not (_problem(ours) or _problem(theirs)) and _problem(found.text)
    if broken and not found.conflicts:
        # Each side alone can be read, both together cannot: as with a key that both add, at different lines.
        return _merged(replace(reading, whole=max(1, split(str(base)).body_line)), ours, theirs)
    return found


def _problem(text: Text) -> bool:
    return str(text).startswith("---") and bool(split(str(text)).problem)


def _merged(reading: "_Reading", ours: Text, theirs: Text) -> Merged:
    base = reading.base
    parts: tuple[list[Hunk], list[Hunk]] = ([], [])
    conflicts = 0
    for sides in _together(base, ours, theirs, reading.whole):
        made = reading.settle(sides)
        if made is None:
            conflicts += 1
            made = [(each, whose) for each in [reading.conflict(sides)] for whose in (0, 1)]
        for hunk, whose in made:
            parts[whose].append(hunk)
    lines = tuple(line.text for line in compose(base, reading.path, dict(enumerate(map(tuple, parts)))))
    ends = ours.ends if ours.ends != base.ends else theirs.ends
    return Merged(Text(lines, ends or conflicts > 0 or not lines), conflicts)


def _together(base: Text, ours: Text, theirs: Text, whole: int) -> Iterator[list[Side]]:
    """Give the changes of both in order, those that touch in one list; all before line `whole` are one."""
    sides = [
        Side(*span, whose) for whose, text in enumerate((ours, theirs)) for span in line_spans(base.lines, text.lines)
    ]
    sides.sort(key=lambda side: (side.start, side.end, side.whose))
    group: list[Side] = []
    for side in sides:
        reach = max((each.end for each in group), default=-1)
        if group and side.start > reach and side.start >= whole:
            yield group
            group = []
        group.append(side)
    if group:
        yield group


@dataclass(frozen=True)
class _Reading:
    """The base and how it is read, which decides what may stand side by side."""

    base: Text
    outline: Outline
    markdown: bool
    marker: int
    whole: int = 0
    """Changes before this line are one: they are the same on both sides, or a conflict."""
    path: str = field(default="", init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", "it.md" if self.markdown else "it")

    def settle(self, sides: Sequence[Side]) -> list[tuple[Hunk, int]] | None:
        """Give the hunks that stand for changes that touch, each with whose it is; None for a conflict."""
        kept = [(Hunk(self.path, side.start, side.end, side.lines), side.whose) for side in sides]
        if len({side.whose for side in sides}) == 1:
            return kept
        start, end = _extent(sides)
        mine, yours = (tuple(_render(self.base, sides, whose)) for whose in (0, 1))
        if mine == yours:
            return [(Hunk(self.path, start, end, mine), whose) for whose in (0, 1)]
        if not self.markdown or (sides[0].start < self.whole) or not all(map(_is_balanced, (mine, yours))):
            return None
        if start == end:
            made = Hunk(self.path, start, end, _joined(mine, yours))
            return None if self._is_inside(start) else [(made, 0), (made, 1)]
        return kept if self._may_touch(sides) else None

    def conflict(self, sides: Sequence[Side]) -> Hunk:
        """Give both versions between markers, without what they have in common at their ends."""
        start, end = _extent(sides)
        mine, yours = (tuple(_render(self.base, sides, whose)) for whose in (0, 1))
        head, tail = _common(mine, yours)
        cut = slice(head, -tail or None)
        close = "\r" if self.base.crlf else ""
        lines = (
            *mine[:head],
            f"{'<' * self.marker} ours{close}",
            *mine[cut],
            f"{'=' * self.marker}{close}",
            *yours[cut],
            f"{'>' * self.marker} theirs{close}",
            *mine[len(mine) - tail :],
        )
        return Hunk(self.path, start, end, lines)

    def _is_inside(self, line: int) -> bool:
        """Tell whether a place lies within what only makes sense as a whole."""
        if 0 < line < self.outline.body_line or not self.base.lines:
            return True  # where both made the file, each is a whole
        block = self.outline.block_at(line - 1) if line else None
        return block is not None and block.role is not Role.TABLE and block is self.outline.block_at(line)

    def _may_touch(self, sides: Sequence[Side]) -> bool:
        """Tell whether changes of both that meet, each line changed by one of them, may simply stand below each other.

        What comes below must begin something of its own, and what is above must not take its heading away.
        """
        for n, upper in enumerate(sides):
            for lower in sides[n + 1 :]:
                if upper.whose == lower.whose:
                    continue
                if lower.start < upper.end or (upper.start, upper.end) == (lower.start, lower.end):
                    return False
                old, new = self.base.lines[lower.start : lower.end][:1], lower.lines[:1]
                above = upper.lines[:1] if upper.start == upper.end else ()
                if not all(_OPENS.match(line) for line in (*old, *new, *above)):
                    return False
                gone = set(self.base.lines[upper.start : upper.end]) - set(upper.lines)
                if any(_HEADING.match(line) for line in gone):
                    return False
        start, end = _extent(sides)
        return not any(kind.role in _TOGETHER for kind in self.outline.kinds[start:end])


def _extent(sides: Iterable[Side]) -> tuple[int, int]:
    return min(side.start for side in sides), max(side.end for side in sides)


def _render(base: Text, sides: Sequence[Side], whose: int) -> Iterator[str]:
    """Give the lines of one version where these changes are."""
    at, last = _extent(sides)
    for side in sides:
        if side.whose == whose:
            yield from base.lines[at : side.start]
            yield from side.lines
            at = side.end
    yield from base.lines[at:last]


def _joined(mine: tuple[str, ...], yours: tuple[str, ...]) -> tuple[str, ...]:
    """Put both inserts in one: what they begin or end with alike stands there once."""
    head, tail = _common(mine, yours)
    while head and not mine[head - 1].strip():
        head -= 1  # blank lines part what follows from what is above, in each of them
    while tail and not mine[-tail].strip():
        tail -= 1
    cut = slice(head, -tail or None)
    both = sorted((mine[cut], yours[cut]), key=insert_rank)  # sorted keeps ours first where the ranks are the same
    return (*mine[:head], *both[0], *both[1], *mine[len(mine) - tail :])


def _common(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """Count the lines that both begin with, and those that both end with."""
    most = min(len(one), len(other))
    head = next((n for n in range(most) if one[n] != other[n]), most)
    tail = next((n for n in range(most - head) if one[-1 - n] != other[-1 - n]), most - head)
    return head, tail


def _is_balanced(lines: Sequence[str]) -> bool:
    """Tell whether every code block that is opened here is closed here."""
    return sum(line.lstrip().startswith(("```", "~~~")) for line in lines) % 2 == 0
