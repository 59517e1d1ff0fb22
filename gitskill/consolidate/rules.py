"""The settler that asks nobody: of parts that change the same lines, the one that most traces teach stands."""

from gitskill.consolidate.settle import Group, Settlement
from gitskill.ids import LessonId
from gitskill.node import Support

NAME = "rule:support"


class BySupport:
    """Lets the best supported part of each clash stand, and drops what it clashes with; among equals the first."""

    async def settle(self, group: Group) -> Settlement:
        """Decide by support alone."""
        return by_support(group)


def by_support(group: Group) -> Settlement:
    """Decide by support alone."""
    rivals: dict[LessonId, set[LessonId]] = {}
    for clash in group.clashes:
        rivals.setdefault(clash.first, set()).add(clash.second)
        rivals.setdefault(clash.second, set()).add(clash.first)
    by_key = {item.key: item for item in group.live}
    dropped: dict[LessonId, str] = {}
    gone: set[LessonId] = set()
    for key in sorted(rivals, key=lambda key: (-group.support[key].traces, -group.support[key].tasks, key)):
        if key in gone:
            continue
        for rival in sorted(rivals[key] - gone):
            gone.add(rival)
            reason = f"changes the same lines as {key.short}, which {_more(group.support[key], group.support[rival])}"
            dropped |= dict.fromkeys(by_key[rival].lessons, reason)
    return Settlement(dropped, by=NAME)


def _more(stands: Support, back: Support) -> str:
    if (stands.traces, stands.tasks) == (back.traces, back.tasks):
        return f"came first and has the same support, {stands} traces"
    return f"{stands} traces teach; this one {back}"
