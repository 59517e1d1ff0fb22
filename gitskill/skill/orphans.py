"""Lines that a change would leave without the heading that they stand under."""

from collections.abc import Sequence

from gitskill.skill.carry import Blocked
from gitskill.skill.hunks import Changes, Hunk
from gitskill.skill.sections import outline
from gitskill.skill.snapshot import Skill


def orphaned(skill: Skill, changes: Changes) -> tuple[Blocked, ...]:
    """Give the lines of `skill` that `changes` would leave without the heading that they stand under."""
    found: list[Blocked] = []
    for path in sorted({change.path for change in changes if change.path.endswith(".md")} & skill.files.keys()):
        hunks = [change for change in changes if isinstance(change, Hunk) and change.path == path]
        gone = {line for hunk in hunks for line in range(hunk.start, hunk.end)}
        bare = {line for hunk in hunks if not _has_heading(hunk.lines) for line in range(hunk.start, hunk.end)}
        text = skill.text(path)
        for section in outline(str(text)).sections:
            if section.title and section.start in bare:
                left = [line for line in range(section.body, section.end) if line not in gone]
                left = [line for line in left if text.lines[line].strip()]
                found += [Blocked(path, left[0] + 1, left[-1] + 1)] if left else []
    return tuple(dict.fromkeys(found))


def _has_heading(lines: Sequence[str]) -> bool:
    return any(section.title for section in outline("\n".join(lines)).sections)
