"""An octopus with its live set, and the messages of the commits that merging makes.

A node carries its live set; its tree is output and is never read back for
hunks, since neighbouring inserts fuse in a tree.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, LessonId, NodeId, RunId
from gitskill.message import Message, one_line
from gitskill.skill.hunks import Changes

_SUPPORT = re.compile(r"(l\d+[a-z]) (\d+)/(\d+) traces (\d+) tasks")
_RESOLUTION = re.compile(r"(m\d+-\d+)\.(\d+)")


class Kind(StrEnum):
    """What wrote a line, as blame says it."""

    BASE = "base"
    LESSON = "lesson"
    FOLD = "fold"
    RESOLUTION = "resolution"
    PLACING = "placing"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Live:
    """A commit whose changes an octopus carries: a lesson, a fold or a resolution."""

    commit: CommitId
    kind: Kind
    sources: tuple[tuple[LessonId, CommitId], ...]
    """The lessons whose teaching it is, each with its commit; of a fold the representative first."""
    changes: Changes
    place: LessonId | None = None
    """Whose place it has among inserts at one point, where that lesson is no longer one of its own."""

    @property
    def lessons(self) -> tuple[LessonId, ...]:
        """The ids of its lessons, in the order of its sources."""
        return tuple(lesson for lesson, _ in self.sources)

    @property
    def key(self) -> LessonId:
        """What orders inserts at one point, the same at every level of the tree."""
        return self.place or min(self.lessons)

    def without(self, gone: AbstractSet[LessonId]) -> Self:
        """Give it without these lessons among its sources: what it changes stays, and stays where it is."""
        if gone.isdisjoint(self.lessons):
            return self
        sources = tuple(source for source in self.sources if source[0] not in gone)
        return replace(self, sources=sources, place=self.key)


@dataclass(frozen=True, slots=True, order=True)
class Support:
    """How many distinct traces, of how many, teach a lesson, from how many distinct tasks."""

    traces: int
    of: int
    tasks: int

    def __str__(self) -> str:
        return f"{self.traces}/{self.of}"


@dataclass(frozen=True, slots=True)
class Settled:
    """A fold or a resolution: what a commit settles, of which lessons, and who settled it."""

    node: NodeId
    number: int
    clash: str
    """`same` for a fold, `placing`, or the kind of clash; with the place: `overlap SKILL.md#Dates`."""
    resolved_by: str
    sources: tuple[tuple[LessonId, CommitId], ...]

    @property
    def kind(self) -> Kind:
        """What blame calls a line that this commit wrote."""
        word = self.clash.partition(" ")[0]
        return {"same": Kind.FOLD, "placing": Kind.PLACING}.get(word, Kind.RESOLUTION)

    def message(self) -> Message:
        """Write the commit's message."""
        verb = {Kind.FOLD: "Fold", Kind.PLACING: "Place"}.get(self.kind, "Settle")
        subject = f"{verb} {len(self.sources)} lesson{'s' * (len(self.sources) != 1)}: {self.clash}"
        trailers = [
            ("Gitskill-Run", str(self.node.run)),
            ("Resolution", f"{self.node.short}.{self.number}"),
            *(("Lesson-From", f"{lesson} {commit}") for lesson, commit in self.sources),
            ("Clash", one_line(self.clash)),
            ("Resolved-By", one_line(self.resolved_by)),
        ]
        return Message(one_line(subject), "", tuple(trailers))

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read it back from a commit's message, or raise InvalidInput."""
        name = _RESOLUTION.fullmatch(message.one("Resolution") or "")
        if name is None:
            raise InvalidInput("the commit has no Resolution trailer")
        sources = tuple(value.partition(" ") for value in message.values("Lesson-From"))
        return cls(
            node=NodeId.parse(f"{message.one('Gitskill-Run')}/{name[1]}"),
            number=int(name[2]),
            clash=message.one("Clash") or "",
            resolved_by=message.one("Resolved-By") or "",
            sources=tuple((LessonId.parse(lesson), CommitId(commit)) for lesson, _, commit in sources),
        )


@dataclass(frozen=True, slots=True)
class Octopus:
    """What an octopus commit says: its place, the support of each live lesson, and what it dropped."""

    id: NodeId
    support: tuple[tuple[LessonId, Support], ...]
    dropped: tuple[tuple[LessonId, str], ...] = ()
    places: tuple[tuple[LessonId, LessonId], ...] = ()
    """What is left of a part stands where it stood: its first lesson, and the one whose place it has."""

    def message(self) -> Message:
        """Write the commit's message."""
        count = len(self.support)
        trailers = [
            ("Gitskill-Run", str(self.id.run)),
            ("Level", str(self.id.level)),
            ("Group", str(self.id.group)),
            *(("Support", f"{lesson.short} {s} traces {s.tasks} tasks") for lesson, s in self.support),
            *(("Dropped", f"{lesson.short} {one_line(reason)}") for lesson, reason in self.dropped),
            *(("Place", f"{lesson.short} {place.short}") for lesson, place in self.places),
        ]
        return Message(f"Merge {count} lesson{'s' * (count != 1)} of {self.id.run}", "", tuple(trailers))

    @classmethod
    def read(cls, message: Message) -> Self | None:
        """Read it back from a commit's message; None where that only looks like ours, or not even that."""
        try:
            return cls.parse(message) if message.one("Level") else None
        except InvalidInput:
            return None

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Read it back from a commit's message, or raise InvalidInput."""
        level, group = message.one("Level"), message.one("Group")
        if not (level and group and level.isdecimal() and group.isdecimal()):
            raise InvalidInput("the commit has no Level and Group trailers")
        run = RunId.parse(message.one("Gitskill-Run") or "")
        counted = [_SUPPORT.fullmatch(value) for value in message.values("Support")]
        if not all(counted):
            raise InvalidInput("a Support trailer cannot be read")
        places = (value.partition(" ") for value in message.values("Place"))
        return cls(
            id=NodeId(run, int(level), int(group)),
            support=tuple(
                (LessonId.parse(f"{run}/{m[1]}"), Support(int(m[2]), int(m[3]), int(m[4]))) for m in counted if m
            ),
            dropped=tuple(
                (LessonId.parse(f"{run}/{lesson}"), reason)
                for lesson, _, reason in (value.partition(" ") for value in message.values("Dropped"))
            ),
            places=tuple(
                (LessonId.parse(f"{run}/{one}"), LessonId.parse(f"{run}/{place}")) for one, _, place in places
            ),
        )


@dataclass(frozen=True, slots=True)
class Node:
    """An octopus commit together with what it carries."""

    commit: CommitId
    base: CommitId
    says: Octopus
    live: tuple[Live, ...]
