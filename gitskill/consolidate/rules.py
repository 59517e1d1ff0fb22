"""The resolver that asks nobody: of parts that change the same lines, the one that most traces teach stands."""

from collections.abc import Mapping, Sequence

from gitskill.consolidate.clashes import Clash
from gitskill.ids import LessonId
from gitskill.node import Live, Support

NAME = "rule:support"


def by_support(
    live: Sequence[Live], clashes: Sequence[Clash], support: Mapping[LessonId, Support]
) -> dict[LessonId, str]:
    """Let the best supported part of each clash stand, and drop what it clashes with; among equals the first stands."""
    rivals: dict[LessonId, set[LessonId]] = {}
    for clash in clashes:
        rivals.setdefault(clash.first, set()).add(clash.second)
        rivals.setdefault(clash.second, set()).add(clash.first)
    by_key = {item.key: item for item in live}
    dropped: dict[LessonId, str] = {}
    gone: set[LessonId] = set()
    for key in sorted(rivals, key=lambda key: (-support[key].traces, -support[key].tasks, key)):
        if key in gone:
            continue
        for rival in sorted(rivals[key] - gone):
            gone.add(rival)
            reason = f"changes the same lines as {key.short}, which {_more(support[key], support[rival])}"
            dropped |= dict.fromkeys(by_key[rival].lessons, reason)
    return dropped


def _more(stands: Support, back: Support) -> str:
    if (stands.traces, stands.tasks) == (back.traces, back.tasks):
        return f"came first and has the same support, {stands} traces"
    return f"{stands} traces teach; this one {back}"
