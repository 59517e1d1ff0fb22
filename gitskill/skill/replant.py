"""A lesson's changes taken to another base: three-way, by the algebra that merges lessons.

What the new base changed of the old one is a part like any other. Parts that
do not overlap commute; an equal change of both stands once; an overlap is a
clash, and only a person can say whose lines are right.
"""

from dataclasses import dataclass

from gitskill.skill.compose import apply_parts, overlapping
from gitskill.skill.diff import changes_between
from gitskill.skill.hunks import Change, Changes, Hunk
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
    whole = apply_parts(old, {_BASE: kept, _LESSON: changes})
    places = dict.fromkeys(_place(base, mine) for base, mine in pairs)
    return Replanted(changes_between(new, whole), tuple(places))


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
