"""Changes to one version of a skill, carried over to a later one in which others went on working."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from gitskill.skill.hunks import Change, Changes, Ending, Hunk, Removal, Replacement
from gitskill.skill.snapshot import Skill, is_binary


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a file of the earlier version stands in the later one."""

    path: str
    pairs: Mapping[int, int]
    """Line in the earlier version to line in the later one, for lines that are still there. Both rise."""


class Follow(Protocol):
    """Finds a file of the earlier version in the later one."""

    def __call__(self, path: str, /) -> Followed | None:
        """Give where it stands; None where it is gone."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Blocked:
    """Lines of the later version that stand where a change would go: somebody else wrote them."""

    path: str
    first: int
    """Counted from 1. 0 where the whole file is meant."""
    last: int

    def __str__(self) -> str:
        if not self.first:
            return self.path
        return (
            f"{self.path} line{'s' * (self.last > self.first)} {self.first}{f'-{self.last}' * (self.last > self.first)}"
        )


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """What is to be changed in the later version, and where that cannot be told."""

    changes: Changes
    blocked: tuple[Blocked, ...] = ()


def carry(changes: Changes, old: Skill, new: Skill, follow: Follow) -> CarriedOver:
    """Carry `changes` of `old` over to `new`. What was done there already is left out."""
    found: list[Change] = []
    blocked: list[Blocked] = []
    files: dict[str, _File | None] = {}
    for change in changes:
        if change.path not in old.files:
            _create(change, new, found, blocked)
            continue
        if change.path not in files:
            place = follow(change.path)
            files[change.path] = _File(old, new, change.path, place) if place else None
        file = files[change.path]
        if file is not None:
            file.carry(change, found, blocked)
        elif not (isinstance(change, Removal) or (isinstance(change, Hunk) and not change.lines)):
            blocked.append(Blocked(change.path, 0, 0))
    return CarriedOver(tuple(found), tuple(dict.fromkeys(blocked)))


def _create(change: Change, new: Skill, found: list[Change], blocked: list[Blocked]) -> None:
    if change.path not in new.files:
        found.append(change)
    elif not (isinstance(change, Replacement) and new.files[change.path] == change.data):
        blocked.append(Blocked(change.path, 0, 0))


@dataclass(frozen=True, slots=True)
class _Span:
    """Lines of the earlier version that are gone, and the new ones that stand there now."""

    start: int
    end: int
    first: int
    last: int


@dataclass
class _File:
    """One file in both versions."""

    old: Skill
    new: Skill
    path: str
    place: Followed
    spans: list[_Span] = field(init=False)
    lines: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.new.text(self.place.path).lines
        count = len(self.old.text(self.path).lines)
        self.spans = []
        at = to = 0
        for i, j in [*sorted(self.place.pairs.items()), (count, len(self.lines))]:
            if i > at or j > to:
                self.spans.append(_Span(at, i, to, j))
            at, to = i + 1, j + 1

    def carry(self, change: Change, found: list[Change], blocked: list[Blocked]) -> None:
        here = self.place.path
        match change:
            case Hunk():
                self._hunk(change, found, blocked)
            case Ending(newline=newline):
                found += [Ending(here, newline)] if self.new.text(here).ends != newline else []
            case Removal() | Replacement():
                if is_binary(self.old.files[self.path]) and self.new.files[here] != self.old.files[self.path]:
                    blocked.append(Blocked(here, 0, 0))
                    return
                own = [span for span in self.spans if self._says(span)]
                blocked += [Blocked(here, span.first + 1, span.last) for span in own]
                found += (
                    [] if own else [Removal(here) if isinstance(change, Removal) else Replacement(here, change.data)]
                )
            case _:
                assert_never(change)

    def _hunk(self, hunk: Hunk, found: list[Change], blocked: list[Blocked]) -> None:
        here, pairs = self.place.path, self.place.pairs
        near = [span for span in self.spans if _touches(span, hunk)]
        if any(self._is_done(span, hunk) for span in near):
            return
        if stop := [span for span in near if self._says(span) or (hunk.lines and span.start < span.end)]:
            blocked += [Blocked(here, span.first + 1, max(span.last, span.first + 1)) for span in stop]
            return
        left = [pairs[line] for line in range(hunk.start, hunk.end) if line in pairs]
        if left:
            found.append(Hunk(here, left[0], left[-1] + 1, hunk.lines))
        elif hunk.lines:
            above = max((line for line in pairs if line < hunk.start), default=None)
            at = 0 if above is None else pairs[above] + 1
            found.append(Hunk(here, at, at, hunk.lines))

    def _is_done(self, span: _Span, hunk: Hunk) -> bool:
        return (span.start, span.end, tuple(self.lines[span.first : span.last])) == (hunk.start, hunk.end, hunk.lines)

    def _says(self, span: _Span) -> bool:
        """Tell whether somebody wrote anything there."""
        return any(line.strip() for line in self.lines[span.first : span.last])


def _touches(span: _Span, hunk: Hunk) -> bool:
    if hunk.is_insert:
        return span.start < hunk.start < span.end
    if span.start == span.end:
        return hunk.start < span.start < hunk.end
    return span.start < hunk.end and hunk.start < span.end
