"""Finding files: what a person names is followed, what lies in a folder is taken as it is, and no link is."""

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
        yield Unusable(path, "a symbolic link to nothing" if path.is_symlink() else _why(error))
        return
    if stat.S_ISDIR(kind):
        yield from _below(real, 0)
    elif stat.S_ISREG(kind):
        yield File(real, named=True)
    else:
        yield Unusable(path, "not a plain file")


def _matching(pattern: Path) -> Iterator[File | Unusable]:
    names = sorted(glob.glob(str(pattern), recursive=True, include_hidden=True))  # noqa: PTH207 - pathlib's hides dot files
    if not names:
        yield Unusable(pattern, "nothing matches this pattern")
    for name in names:
        found = Path(name).absolute()
        if any(part.is_symlink() for part in (found, *found.parents)):
            yield Unusable(found, "a symbolic link")
        elif found.is_dir():
            yield from _below(found, 0)
        else:
            yield _entry(found)


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
