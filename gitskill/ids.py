"""Commit, run, lesson and node ids as types: a malformed id cannot exist."""

import re
from dataclasses import dataclass
from typing import NewType, Self

from gitskill.errors import InvalidInput

CommitId = NewType("CommitId", str)
"""Forty hexadecimal digits."""

_RUN = re.compile(r"r(\d{4,9})")
_LESSON = re.compile(r"l(\d{4,9})([a-z])")
_NODE = re.compile(r"m(\d{1,2})-(\d{2,9})")


@dataclass(frozen=True, slots=True, order=True)
class RunId:
    """One `gitskill evolve`, or one set of lessons added by hand: `r0007`."""

    number: int

    def __str__(self) -> str:
        return f"r{self.number:04d}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `r0007`, or raise InvalidInput."""
        if match := _RUN.fullmatch(text):
            return cls(int(match[1]))
        raise InvalidInput(f"{text!r} is not a run: runs look like r0007")


@dataclass(frozen=True, slots=True, order=True)
class LessonId:
    """A lesson's slot, known before anything runs: `r0007/l0042a` is the first lesson of the plan's trace 42.

    The order of lessons at one point of a file is the order of these ids, so
    they compare by number, not by text.
    """

    run: RunId
    trace: int
    letter: str

    def __str__(self) -> str:
        return f"{self.run}/{self.short}"

    @property
    def short(self) -> str:
        """The id within its run: `l0042a`."""
        return f"l{self.trace:04d}{self.letter}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `r0007/l0042a`, or raise InvalidInput."""
        run, slash, short = text.partition("/")
        if slash and (match := _LESSON.fullmatch(short)):
            return cls(RunId.parse(run), int(match[1]), match[2])
        raise InvalidInput(f"{text!r} is not a lesson: lessons look like r0007/l0042a")


@dataclass(frozen=True, slots=True, order=True)
class NodeId:
    """The place of an octopus in its run's tree: `r0007/m1-03` is level 1, group 3."""

    run: RunId
    level: int
    group: int

    def __str__(self) -> str:
        return f"{self.run}/{self.short}"

    @property
    def short(self) -> str:
        """The id within its run: `m1-03`."""
        return f"m{self.level}-{self.group:02d}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `r0007/m1-03`, or raise InvalidInput."""
        run, slash, short = text.partition("/")
        if slash and (match := _NODE.fullmatch(short)):
            return cls(RunId.parse(run), int(match[1]), int(match[2]))
        raise InvalidInput(f"{text!r} is not a merge: merges look like r0007/m1-03")
