"""A lesson's changes taken to another base: three-way, by the algebra that merges lessons.

What the new base changed of the old one is a part like any other. Parts that
do not overlap commute; an equal change of both stands once; an overlap is a
clash, and only a person can say whose lines are right.
"""

from dataclasses import dataclass

from gitskill.errors import InvalidInput
from gitskill.skill.compose import apply_parts, overlapping
from gitskill.skill.diff import changes_between
from gitskill.skill.edits import AppendToSection, apply_edits
from gitskill.skill.hunks import Change, Changes, Hunk, heading_level
from gitskill.skill.sections import outline
from gitskill.skill.snapshot import Skill

_BASE, _LESSON = 0, 1
"""Of inserts at one point the base's comes first: the lesson is put to what is there."""


@dataclass(frozen=True, slots=True)
class Replanted:
    """What a lesson changes on its new base, and where the new base had changed the same."""

    changes: Changes
    """Nothing where the new base has all of it. In a clash the lesson's lines stand."""
    clashes: tuple[str, ...] = ()
    """Places in the old base: `SKILL.md lines 12-14`."""


def replant(changes: Changes, old: Skill, new: Skill) -> Replanted:
    """Take `changes` of `old` to `new`."""
    theirs = changes_between(old, new)
    found = overlapping({_BASE: theirs, _LESSON: changes})
    pairs = [(change, other) if key == _BASE else (other, change) for key, change, _, other in found]
    pairs += [(one, mine) for one in theirs for mine in changes if _rivals(old, one, mine, theirs, changes)]
    lost = {base for base, _ in pairs}
    kept = tuple(change for change in theirs if change not in lost)
    continued = {} if pairs else {mine: edit for mine in changes if (edit := _continued(mine, old, new))}
    whole = apply_parts(old, {_BASE: kept, _LESSON: tuple(mine for mine in changes if mine not in continued)})
    whole = apply_edits(whole, tuple(continued.values())) if continued else whole
    places = dict.fromkeys(_place(base, mine) for base, mine in pairs)
    return Replanted(changes_between(new, whole), tuple(places))


def _continued(mine: Change, old: Skill, new: Skill) -> AppendToSection | None:
    """Give what puts a section that a lesson opens under its heading where the new base has opened that since.

    Side by side they would be two sections of one name, and no later lesson could say which one it means.
    """
    if not (isinstance(mine, Hunk) and mine.is_insert and mine.path.endswith(".md") and heading_level(mine.lines)):
        return None
    sections = outline("\n".join(mine.lines)).sections
    if len(sections) != 1 or not {mine.path} <= old.files.keys() & new.files.keys():
        return None
    body = "\n".join(mine.lines[sections[0].body :]).strip("\n")
    was_there = any(section.title == sections[0].title for section in outline(str(old.text(mine.path))).sections)
    if was_there or set(body.split("\n")) <= set(new.text(mine.path).lines):
        return None
    edit = AppendToSection(mine.path, sections[0].title, body)
    try:
        apply_edits(new, (edit,))
    except InvalidInput:
        return None
    return edit


def _rivals(old: Skill, one: Change, mine: Change, theirs: Changes, changes: Changes) -> bool:
    """Tell whether both create one file, and not the same one."""
    if one.path != mine.path or one.path in old.files:
        return False
    return _of(theirs, one.path) != _of(changes, one.path)


def _of(changes: Changes, path: str) -> list[Change]:
    return [change for change in changes if change.path == path]


def _place(base: Change, mine: Change) -> str:
    """Name the lines of the old base that both change, counted from 1."""
    if not (isinstance(base, Hunk) and isinstance(mine, Hunk)) or base.end == mine.end == 0:
        return f"{mine.path} as a whole"
    start = max(base.start, mine.start) + 1
    end = max(min(base.end, mine.end), start)
    return f"{mine.path} lines {start}-{end}" if end > start else f"{mine.path} line {start}"
