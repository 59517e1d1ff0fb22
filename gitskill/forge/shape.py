"""What a forge is to us: how three questions are put to it, and how its answers are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from gitskill.errors import GitskillError

PAGE = 50
"""Pull requests that are asked for at once: as many as every forge gives."""


class ForgeRefused(GitskillError):
    """The forge does not do what it is asked for, or does not answer as a forge."""

    exit_code: ClassVar[int] = 5


class ForgePaused(GitskillError):
    """The forge wants no more requests for a while."""

    exit_code: ClassVar[int] = 75


@dataclass(frozen=True, slots=True)
class Wanted:
    """The pull request as it should be."""

    head: str
    base: str
    title: str
    body: str
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A pull request that the forge has."""

    number: int
    url: str
    is_draft: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what would go over the wire."""

    method: str
    path: str
    """After the API's address, with its query."""
    body: Mapping[str, str | bool] | None = None


class Forge(Protocol):
    """A kind of forge, and one repository on it."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def api(self) -> str:
        """The address that every call's path follows."""
        ...

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What each request says besides the token."""
        ...

    def finding(self, head: str, page: int) -> Call:
        """Ask for the open pull requests of a branch; they may be among others."""
        ...

    def opening(self, wanted: Wanted) -> Call:
        """Ask for a new pull request."""
        ...

    def updating(self, found: Found, wanted: Wanted) -> Call:
        """Ask for title and text of an open one to be changed."""
        ...

    def read(self, answer: Mapping[str, Any], head: str = "") -> Found | None:
        """Read a pull request; None where it is another branch's. Raises KeyError or TypeError: it is none."""
        ...


def number(value: object) -> int:
    """Read a pull request's number, or raise TypeError."""
    if type(value) is not int or value < 1:
        raise TypeError("a pull request has a number")
    return value


def is_here(answer: Mapping[str, Any]) -> bool:
    """Tell whether a pull request's branch is in the repository that it asks to be merged into, and not in a fork."""
    there = answer["head"].get("repo")
    return there is not None and bool(there["id"] == answer["base"]["repo"]["id"])
