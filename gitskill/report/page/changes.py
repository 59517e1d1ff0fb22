"""What a lesson or a resolution changes, as it is shown."""

from collections.abc import Iterator
from functools import lru_cache

from gitskill.report.page.values import Line, Shown
from gitskill.skill.hunks import Change, Changes, Ending, Hunk, Removal, Replacement, heading_level
from gitskill.skill.sections import outline
from gitskill.skill.snapshot import Skill
from gitskill.skill.text import Text
from gitskill.skill.words import Mark, Piece, side, word_diff

_MOST = 400
"""Lines of one change that are shown."""


class Base:
    """The frozen skill that changes are shown against."""

    def __init__(self, skill: Skill) -> None:
        self._skill = skill
        self._text = lru_cache(maxsize=None)(skill.text)
        self._sections = lru_cache(maxsize=None)(lambda path: outline(str(skill.text(path))).sections)

    def shown(self, changes: Changes) -> tuple[Shown, ...]:
        """Show changes one by one."""
        return tuple(self._shown(change) for change in changes)

    def places(self, changes: Changes) -> tuple[str, ...]:
        """Say where changes are, each place once."""
        told = ((change.path, _opened(change) or self._section(change)) for change in changes)
        return tuple(dict.fromkeys(f"{path}: {name}" if name else path for path, name in told))

    def _shown(self, change: Change) -> Shown:
        section = self._section(change)
        match change:
            case Hunk():
                text: Text = self._text(change.path)
                removed = text.lines[change.start : change.end]
                lines = tuple(_lines(removed, change.lines))
                cut = f"{len(lines) - _MOST} more lines" if len(lines) > _MOST else ""
                return Shown(change.path, section, lines[:_MOST], cut)
            case Ending(newline=newline):
                return Shown(change.path, "", (), f"the last line {'gets' if newline else 'loses'} its line break")
            case Removal():
                return Shown(change.path, "", (), "the file is removed")
            case Replacement(data=data):
                return Shown(change.path, "", (), f"the file is replaced whole: {len(data):,} bytes")

    def _section(self, change: Change) -> str:
        if not isinstance(change, Hunk) or not change.path.endswith(".md"):
            return ""
        # What is inserted at the end of a section stands at the line of the next heading.
        at = change.start if change.end > change.start else change.start - 1
        inside = [each for each in self._sections(change.path) if each.start <= at < each.end]
        return inside[-1].title if inside else ""


def _opened(change: Change) -> str:
    """Name the section that an insert opens."""
    if not (isinstance(change, Hunk) and change.is_insert and heading_level(change.lines)):
        return ""
    found = outline("\n".join(change.lines)).sections
    return found[0].title if found else ""


def _lines(removed: tuple[str, ...], added: tuple[str, ...]) -> Iterator[Line]:
    words = word_diff(removed, added)
    for mark, texts in ((Mark.REMOVED, removed), (Mark.ADDED, added)):
        if words:
            yield from (Line(mark, pieces) for pieces in side(words, mark))
        else:
            yield from (Line(mark, (Piece(Mark.SAME, text),)) for text in texts)
