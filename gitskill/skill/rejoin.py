"""Two descendants of one version of a skill joined, or the lines where they cannot be."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gitskill.skill.compose import apply_parts, overlapping
from gitskill.skill.diff import changes_between
from gitskill.skill.hunks import Change, Hunk
from gitskill.skill.snapshot import Skill


@dataclass(frozen=True, slots=True, order=True)
class Clash:
    """A place that both changed, each in its own way."""

    path: str
    start: int = 0
    """The first line of it in the version both come from, counted from 1; 0 where it is the whole file."""
    end: int = 0

    def __str__(self) -> str:
        if not self.start:
            return self.path
        return f"{self.path} line{f' {self.start}' if self.start == self.end else f's {self.start}-{self.end}'}"


def clashes(base: Skill, ours: Skill, theirs: Skill) -> tuple[Clash, ...]:
    """List where both sides changed the same lines of `base` differently, in the order of the files."""
    parts = {0: changes_between(base, ours), 1: changes_between(base, theirs)}
    found = {_clash(one, other) for _, one, _, other in overlapping(parts)}
    found |= {Clash(path) for path in _made_twice(base, ours, theirs)}
    mine = [change for change in parts[0] if isinstance(change, Hunk) and change.is_insert]
    for change in parts[1]:
        if isinstance(change, Hunk) and change.is_insert:
            found |= {_clash(each, change) for each in mine if _repeats(each, change)}
    whole = {clash.path for clash in found if not clash.start}
    return tuple(sorted(clash for clash in found if not clash.start or clash.path not in whole))


def merge(base: Skill, ours: Skill, theirs: Skill) -> Skill:
    """Give `ours` with all that `theirs` changes of `base`. There must be no clashes."""
    parts = {0: changes_between(base, ours), 1: changes_between(base, theirs)}
    files = apply_parts(base, parts).files
    return replace(ours, files=files, executable=ours.executable & files.keys())


def _clash(one: Change, other: Change) -> Clash:
    if not (isinstance(one, Hunk) and isinstance(other, Hunk)):
        return Clash(one.path)
    start, end = min(one.start, other.start), max(one.end, other.end)
    return Clash(one.path, start + 1, max(end, start + 1))


def _made_twice(base: Skill, ours: Skill, theirs: Skill) -> Iterator[str]:
    """Give new files that both made, and not alike: neither is to be read as an addition to the other."""
    for path in sorted((ours.files.keys() & theirs.files.keys()) - base.files.keys()):
        if ours.files[path] != theirs.files[path]:
            yield path


def _repeats(one: Hunk, other: Hunk) -> bool:
    """Tell whether two inserts at one point say some line both, and are not equal: joined, it would stand there twice.

    So it is where a person has taken over a part of a candidate by hand.
    """
    if (one.path, one.start) != (other.path, other.start) or one == other:
        return False
    said = {line.strip() for line in one.lines if line.strip()}
    return any(line.strip() in said for line in other.lines)
