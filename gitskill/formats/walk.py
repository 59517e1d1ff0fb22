"""Finding files: what a person names is followed, what lies in a folder is taken as it is, and no link is."""

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path

MAX_DEPTH = 40
_PASSED = {".git"}


@dataclass(frozen=True, slots=True)
class File:
    """A plain file to look into."""

    path: Path
    named: bool
    """A person named it; else it was found in a folder."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something on the way that cannot be looked into."""

    path: Path
    reason: str


def walk(paths: Iterable[Path]) -> Iterator[File | Unusable]:
    """Give every file that `paths` name: files, folders with all below them, and patterns such as `runs/*.jsonl`."""
    seen: set[Path] = set()
    for path in paths:
        for found in _named(path):
            if found.path not in seen:
                seen.add(found.path)
                yield found


def _named(path: Path) -> Iterator[File | Unusable]:
    if not os.path.lexists(path) and glob.has_magic(str(path)):
        yield from _matching(path)
        return
    try:
        real = path.resolve(strict=True)
        kind = real.stat().st_mode
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        is_link = isinstance(error, FileNotFoundError | RuntimeError) and os.path.lexists(path)
        yield Unusable(path, "a symbolic link to nothing" if is_link else _why(error))
        return
    if stat.S_ISDIR(kind):
        yield from _below(real, 0)
    elif stat.S_ISREG(kind):
        yield File(real, named=True)
    else:
        yield Unusable(path, "not a plain file")


def _matching(pattern: Path) -> Iterator[File | Unusable]:
    """Fill in a pattern by our own walk: Python's follows links below `**`."""
    plain = list(takewhile(lambda part: not glob.has_magic(part), pattern.parts))
    try:
        start = Path(*plain).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        yield Unusable(pattern, _why(error))
        return
    found = list(_matched(start, pattern.parts[len(plain) :], 0))
    yield from found or [Unusable(pattern, "nothing matches this pattern")]


def _matched(place: Path, parts: tuple[str, ...], depth: int) -> Iterator[File | Unusable]:
    """Give what lies below `place` and fits the parts of a pattern that are left. No link on the way is followed."""
    is_folder = place.is_dir() and not place.is_symlink()
    if not parts:
        yield from _below(place, 0) if is_folder else [_entry(place)]
    elif is_folder and depth <= MAX_DEPTH:
        if parts[0] == "**":
            yield from _matched(place, parts[1:], depth)
        names = _names(place)
        if isinstance(names, Unusable):
            yield names
            return
        for name in names:
            if parts[0] == "**":
                yield from _matched(place / name, parts, depth + 1)
            elif fnmatchcase(name, parts[0]):
                yield from _matched(place / name, parts[1:], depth + 1)


def _names(folder: Path) -> list[str] | Unusable:
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.name not in _PASSED)
    except OSError as error:
        return Unusable(folder, _why(error))


def _below(folder: Path, depth: int) -> Iterator[File | Unusable]:
    if depth > MAX_DEPTH:
        yield Unusable(folder, f"more than {MAX_DEPTH} folders deep")
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Unusable(folder, _why(error))
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _PASSED:
                yield from _below(folder / entry.name, depth + 1)
        else:
            yield _entry(folder / entry.name)


def _entry(path: Path) -> File | Unusable:
    try:
        kind = path.lstat().st_mode
    except OSError as error:
        return Unusable(path, _why(error))
    if stat.S_ISREG(kind):
        return File(path, named=False)
    return Unusable(path, "a symbolic link" if stat.S_ISLNK(kind) else "not a plain file")


def _why(error: OSError | RuntimeError) -> str:
    return f"cannot be read: {error.strerror if isinstance(error, OSError) else 'links that lead in a circle'}"
