"""Changes back to a tree: the base with every change applied, and where each line of it is from."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar, assert_never

from gitskill.skill.hunks import Change, Changes, Ending, Hunk, Removal, Replacement, insert_rank, overlap
from gitskill.skill.snapshot import Skill
from gitskill.skill.text import Text


class Ordered(Protocol):
    """Keys of one call compare with each other."""

    def __lt__(self, other: Any, /) -> bool: ...


K = TypeVar("K", bound=Ordered)
"""What names a lesson, and orders inserts at one point where `insert_rank` does not."""


@dataclass(frozen=True, slots=True)
class Line(Generic[K]):
    """One line of a composed file, and where it is from."""

    text: str
    base: int | None
    """Its line in the base, or None where a change wrote it."""
    keys: tuple[K, ...] = ()
    """Whose change wrote it; several where they made the same change."""


def compose(base: Text, path: str, parts: Mapping[K, Changes]) -> list[Line[K]]:
    """Return the lines of `path` with the hunks of all `parts` applied.

    The hunks must not overlap. The result does not depend on the order of
    `parts`: inserts at one point stand by `insert_rank`, then by key.
    """
    lines: list[Line[K]] = []
    at = 0
    for hunk, keys in _in_order(path, parts):
        lines += [Line(base.lines[n], n) for n in range(at, hunk.start)]
        lines += [Line(text, None, keys) for text in hunk.lines]
        at = max(at, hunk.end)
    return lines + [Line(base.lines[n], n) for n in range(at, len(base.lines))]


def _in_order(path: str, parts: Mapping[K, Changes]) -> list[tuple[Hunk, tuple[K, ...]]]:
    """List the hunks on `path` as they are applied, an equal hunk of several parts once.

    A part may insert equal text twice at one point: the first, second … of one
    part is equal to the first, second … of another.
    """
    makers: defaultdict[tuple[Hunk, int], list[K]] = defaultdict(list)
    place: dict[tuple[Hunk, int], tuple[int, int, int, K, int]] = {}
    for key in sorted(parts):
        seen: Counter[Hunk] = Counter()
        for number, change in enumerate(parts[key]):
            if isinstance(change, Hunk) and change.path == path:
                copy = (change, seen[change])
                seen[change] += 1
                makers[copy].append(key)
                replaces = 0 if change.is_insert else 1
                rank = insert_rank(change.lines) if path.endswith(".md") else 0
                place.setdefault(copy, (change.start, replaces, rank, key, number))
    order = sorted(makers, key=place.__getitem__)
    return [(copy[0], tuple(makers[copy])) for copy in order]


def apply_parts(base: Skill, parts: Mapping[K, Changes]) -> Skill:
    """Return `base` with the changes of all `parts`. They must not overlap: `overlapping` tells first."""
    touched = {change.path for changes in parts.values() for change in changes}
    files = {path: data for path, data in base.files.items() if path not in touched}
    for path in touched:
        data = _file(base, path, parts)
        if data is not None:
            files[path] = data
    return replace(base, files=files, executable=base.executable & files.keys())


def _file(base: Skill, path: str, parts: Mapping[K, Changes]) -> bytes | None:
    text = base.text(path)
    ends = text.ends
    for change in (change for changes in parts.values() for change in changes if change.path == path):
        match change:
            case Removal():
                return None
            case Replacement(data=data):
                return data
            case Ending(newline=newline):
                ends = newline
            case Hunk():
                pass
            case _:
                assert_never(change)
    return Text(tuple(line.text for line in compose(text, path, parts)), ends).encode()


def overlapping(parts: Mapping[K, Changes]) -> list[tuple[K, Change, K, Change]]:
    """List every two changes of different parts that cannot both be applied."""
    by_path: defaultdict[str, list[tuple[K, Change]]] = defaultdict(list)
    for key, changes in parts.items():
        for change in changes:
            by_path[change.path].append((key, change))
    return [
        (key, change, other, second)
        for here in by_path.values()
        for (key, change), (other, second) in _candidates(here)
        if key != other and overlap(change, second)
    ]


def _candidates(here: list[tuple[K, Change]]) -> Iterator[tuple[tuple[K, Change], tuple[K, Change]]]:
    """Pair the changes of one file that could overlap, without comparing each with each."""
    hunks = [(item, hunk) for item in here if isinstance(hunk := item[1], Hunk)]
    hunks.sort(key=lambda pair: (pair[1].start, pair[1].end))
    for number, (item, hunk) in enumerate(hunks):
        for other, later in hunks[number + 1 :]:
            if later.start >= hunk.end:
                break
            yield item, other
    whole = [item for item in here if isinstance(item[1], (Removal, Replacement))]
    yield from ((item, other) for item in whole for other in here if item is not other)
