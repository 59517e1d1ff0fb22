"""Lessons that open the same heading, or begin a list, at one point: joined by rule to one section or one list.

Side by side they would be two sections of one name, and a list with blank
lines between its items.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitskill.ids import LessonId
from gitskill.node import Kind, Live
from gitskill.skill.hunks import Changes, Hunk, heading_level
from gitskill.skill.sections import outline

_Place = tuple[str, int, str]
"""A file, a line of the base, and what an insert opens there: a heading, or `a list`."""


_LIST = "a list"


@dataclass(frozen=True, slots=True)
class Join:
    """Parts of a live set that belong under one heading or in one list."""

    of: tuple[Live, ...]
    heading: str
    """Where: `SKILL.md#Dates`."""
    parts: Mapping[LessonId, Changes]
    """What to apply in their stead: the first writes the whole of it, the others what else they change."""


def find_joins(live: Sequence[Live]) -> list[Join]:
    """Group the parts that open the same thing at the same point of a file; a part is in one group at most."""
    rooms: defaultdict[_Place, list[Live]] = defaultdict(list)
    # What leads on to a reference stands below what is said here.
    for item in sorted(live, key=lambda item: (item.kind is Kind.PLACING, item.key)):
        for place in {_place(change): None for change in item.changes}:
            if place is not None:
                rooms[place].append(item)
    joins: list[Join] = []
    taken: set[LessonId] = set()
    for place, group in rooms.items():
        if len(group) > 1 and taken.isdisjoint(item.key for item in group):
            taken |= {item.key for item in group}
            joins.append(Join(tuple(group), f"{place[0]}#{place[2]}", _joined(place, group)))
    return joins


def _place(change: object) -> _Place | None:
    """Tell what an insert opens, and where; None for any other change."""
    if not (isinstance(change, Hunk) and change.is_insert and change.path.endswith(".md")):
        return None
    if heading_level(change.lines):
        sections = outline("\n".join(change.lines)).sections
        return (change.path, change.start, sections[0].title) if sections else None
    filled = [line for line in change.lines if line.strip()]
    apart = len(filled) < len(change.lines)  # an insert without a blank line continues a list that is there
    return (change.path, change.start, _LIST) if apart and filled and all(map(_is_item, filled)) else None


def _joined(place: _Place, group: Sequence[Live]) -> dict[LessonId, Changes]:
    first, *others = group
    opening = next(change for change in first.changes if _place(change) == place)
    lines = opening.lines if isinstance(opening, Hunk) else ()
    parts: dict[LessonId, Changes] = {}
    for item in others:
        for change in item.changes:
            if isinstance(change, Hunk) and _place(change) == place:
                lines = with_body(lines, change.lines)
        parts[item.key] = tuple(change for change in item.changes if _place(change) != place)
    whole = Hunk(place[0], place[1], place[1], lines)
    parts[first.key] = tuple(whole if change == opening else change for change in first.changes)
    return parts


def with_body(lines: tuple[str, ...], section: tuple[str, ...]) -> tuple[str, ...]:
    """Put the body of `section` below `lines`, apart by a blank line unless both are of one list."""
    heads = outline("\n".join(section)).sections
    body = _trimmed(section[heads[0].body if heads else 0 :])
    end = len(lines) - len(_trimmed(lines[::-1]))
    above, tail = lines[: len(lines) - end], lines[len(lines) - end :]
    body = _new_items(above, _trimmed(body[::-1])[::-1])
    if not body:
        return lines
    listed = _is_item(above[-1]) and _is_item(body[0])
    return (*above, *([] if listed else [""]), *body, *tail)


def _new_items(above: tuple[str, ...], body: tuple[str, ...]) -> tuple[str, ...]:
    """Drop list items of one line that stand above already: two lessons may have one of their items in common."""
    follows = (*body, "")[1:]
    return tuple(
        line
        for line, below in zip(body, follows, strict=True)
        if not (_is_item(line) and line in above and (not below.strip() or _is_item(below)))
    )


def _is_item(line: str) -> bool:
    return line.startswith(("- ", "* ", "+ "))


def _trimmed(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Drop the blank lines that `lines` begin with."""
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    return lines[first:]
