"""What a lesson changes, as a unified diff that a person can edit: `diffs` reads it back."""

from collections.abc import Iterator
from difflib import unified_diff

from gitskill.errors import InvalidInput
from gitskill.skill.snapshot import Skill, is_binary
from gitskill.skill.text import Text

_OPEN = "\\ No newline at end of file"


def as_diff(base: Skill, skill: Skill) -> str:
    """Write the diff from `base` to `skill`, or raise InvalidInput where a file has no lines."""
    lines: list[str] = []
    for path in sorted(base.files.keys() | skill.files.keys()):
        old, new = base.files.get(path), skill.files.get(path)
        if old == new:
            continue
        if is_binary(old or b"") or is_binary(new or b""):
            raise InvalidInput(f"{path} has no lines that could be edited")
        names = (f"a/{path}" if old is not None else "/dev/null", f"b/{path}" if new is not None else "/dev/null")
        found = unified_diff(list(_lines(old)), list(_lines(new)), *names, lineterm="")
        lines += [part for line in found for part in line.split("\0")]
    return "".join(f"{line}\n" for line in lines)


def _lines(data: bytes | None) -> Iterator[str]:
    """Give the lines of a file. A last one without a newline differs from one with it, and carries git's note."""
    text = Text.parse(data or b"")
    for number, line in enumerate(text.lines, start=1):
        yield line if text.ends or number < len(text.lines) else f"{line}\0{_OPEN}"
