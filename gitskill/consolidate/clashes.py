"""Where lessons cannot stand side by side: they change the same lines of the base in different ways."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from gitskill.errors import NeedsPerson
from gitskill.ids import LessonId
from gitskill.node import Live
from gitskill.skill.compose import overlapping
from gitskill.skill.hunks import Change, Hunk, Removal
from gitskill.skill.snapshot import Skill
from gitskill.store.nodes import parts


@dataclass(frozen=True, slots=True)
class Clash:
    """Two lessons and the lines of the base that both change."""

    first: LessonId
    second: LessonId
    path: str
    start: int
    """Counted from 1. 0 where the whole file is meant."""
    end: int
    """The last line, included."""

    def __str__(self) -> str:
        where = f"lines {self.start}-{self.end}" if self.end > self.start else f"line {self.start}"
        return f"{self.first} and {self.second} change {self.path}{f' {where}' if self.start else ' as a whole'}"

    def to_json(self) -> dict[str, object]:
        """Give the clash as `merge --json` prints it; its keys are stable."""
        lessons = [str(self.first), str(self.second)]
        return {"kind": "overlap", "lessons": lessons, "path": self.path, "lines": [self.start, self.end]}


class Clashing(NeedsPerson):
    """Lessons clash, and no rule may decide between them."""

    def __init__(self, clashes: Sequence[Clash]) -> None:
        super().__init__(
            "; ".join(map(str, clashes)),
            hint="leave one of them out, or make one lesson of both: gitskill lesson add",
        )
        self.clashes = tuple(clashes)


def find_clashes(live: Sequence[Live], base: Skill) -> list[Clash]:
    """List every two lessons that overlap, each pair and file once."""
    found: dict[tuple[LessonId, LessonId, str], Clash] = {}
    for first, change, second, other in [*overlapping(parts(live)), *_rival_files(live, base)]:
        if first > second:
            first, second = second, first  # noqa: PLW2901  # the pair is the same in both directions
        start, end = _lines(change, other)
        found.setdefault((first, second, change.path), Clash(first, second, change.path, start, end))
    return sorted(found.values(), key=lambda clash: (clash.first, clash.second, clash.path))


def _rival_files(live: Sequence[Live], base: Skill) -> Iterator[tuple[LessonId, Removal, LessonId, Removal]]:
    """List lessons that create one file in different ways. Markdown is joined; two halves of a script are no script."""
    made: defaultdict[str, dict[LessonId, list[Change]]] = defaultdict(dict)
    for item in live:
        for change in item.changes:
            if change.path not in base.files and not change.path.endswith(".md"):
                made[change.path].setdefault(item.key, []).append(change)
    for path, by_lesson in made.items():
        for (first, mine), (second, theirs) in combinations(sorted(by_lesson.items(), key=lambda pair: pair[0]), 2):
            if mine != theirs:
                yield first, Removal(path), second, Removal(path)


def _lines(a: Change, b: Change) -> tuple[int, int]:
    """Give the base lines that both change, counted from 1."""
    if isinstance(a, Hunk) and isinstance(b, Hunk):
        start = max(a.start, b.start)
        return start + 1, max(min(a.end, b.end), start + 1)
    return 0, 0
