"""What somebody decides about parts that cannot all stand as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gitskill.consolidate.clashes import Clash
from gitskill.ids import LessonId, NodeId
from gitskill.node import Live, Support
from gitskill.skill.snapshot import Skill


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Parts that become one, in words of their own."""

    of: tuple[Live, ...]
    skill: Skill
    """The base with what takes their place."""
    clash: str
    """The kind of clash and its place: `overlap SKILL.md#Dates`."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A decision: every part stands as it is, stands back for a reason, or is rewritten."""

    dropped: Mapping[LessonId, str] = field(default_factory=dict)
    rewritten: tuple[Rewritten, ...] = ()
    by: str = ""
    """Who decided: `rule:support`, or `model:NAME`."""


@dataclass(frozen=True, slots=True)
class Group:
    """What is before whoever decides."""

    place: NodeId
    live: tuple[Live, ...]
    clashes: tuple[Clash, ...]
    """Parts that change the same lines."""
    support: Mapping[LessonId, Support]

    def of(self, keys: Sequence[LessonId]) -> tuple[Live, ...]:
        """Give the parts with these keys."""
        return tuple(item for item in self.live if item.key in keys)


class Settler(Protocol):
    """Decides between parts of a live set."""

    async def settle(self, group: Group) -> Settlement:
        """Decide. What it leaves standing must not clash."""
        ...
