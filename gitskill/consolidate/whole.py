"""Whether lessons that do not overlap are well formed together, and which stand back where they are not."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.consolidate.join import find_joins
from gitskill.ids import LessonId
from gitskill.node import Live
from gitskill.skill.compose import apply_parts
from gitskill.skill.hunks import Changes
from gitskill.skill.snapshot import Skill
from gitskill.store.nodes import parts


@dataclass(frozen=True, slots=True)
class Whole:
    """What can stand together, and what cannot, with the reason."""

    standing: tuple[Live, ...]
    dropped: Mapping[LessonId, str]


def stand_together(base: Skill, ranked: Sequence[Live]) -> Whole:
    """Take out of `ranked`, which begins with what has the most support, what breaks the skill beside those before it.

    A part alone was checked when it was proposed; two file names that differ
    only in case, or one file too many, appear in the combination alone.
    """
    standing = list(ranked)
    dropped: dict[LessonId, str] = {}
    while _problem(base, standing):
        counts = range(1, len(standing) + 1)
        last = bisect_left(counts, True, key=lambda count: bool(_problem(base, standing[:count])))
        reason = f"together with better supported lessons it breaks the skill: {_problem(base, standing[: last + 1])}"
        dropped |= dict.fromkeys(standing.pop(last).lessons, reason)
    return Whole(tuple(standing), dropped)


def _problem(base: Skill, live: Sequence[Live]) -> str:
    """Say what is worse formed than in `base`; empty where nothing is."""
    together: dict[LessonId, Changes] = dict(parts(live))
    for join in find_joins(live):
        together |= join.parts
    findings = check_change(base, apply_parts(base, together))
    return next((f"{each.path}: {each.message}" for each in findings if each.level is Level.INVALID), "")
