"""Semantic versions of a skill: `v1.2.0`."""

import re
from dataclasses import dataclass
from typing import Self

from gitskill.skill.bump import Bump

_VERSION = re.compile(r"v(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A released version. Versions compare by number, so v1.10.0 follows v1.9.0."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read `v1.2.0`; None where `text` is no version."""
        match = _VERSION.fullmatch(text)
        return cls(int(match[1]), int(match[2]), int(match[3])) if match else None

    def after(self, bump: Bump) -> "Version":
        """Give the version that follows this one; itself where nothing differs."""
        match bump:
            case Bump.MAJOR:
                return Version(self.major + 1, 0, 0)
            case Bump.MINOR:
                return Version(self.major, self.minor + 1, 0)
            case Bump.PATCH:
                return Version(self.major, self.minor, self.patch + 1)
            case Bump.NONE:
                return self


FIRST = Version(1, 0, 0)
"""What a skill is when gitskill begins to keep it."""
