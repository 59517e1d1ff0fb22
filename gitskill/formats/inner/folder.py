"""What lies beside a log: looked at within limits, and never through a link."""

import os
import stat
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from gitskill.formats.source import is_plain_name

MOST = 200
"""Entries of a folder that are looked at."""


def within(folder: Path, relative: str) -> Path | None:
    """Give the path below a folder, if every name in it is plain and none is a link."""
    path = folder
    for name in relative.split("/"):
        path /= name
        if not is_plain_name(name) or path.is_symlink():
            return None
    return path


def folders(folder: Path) -> list[Path]:
    """Give the folders in a folder by name, the first found where there are many."""
    return _entries(folder, files=False)


def files(folder: Path) -> list[Path]:
    """Give the plain files in a folder by name, the first found where there are many."""
    return _entries(folder, files=True)


def present(folder: Path, names: Iterable[str]) -> tuple[Path, ...]:
    """Give those of the named entries that a folder has, links too: what belongs to a run, to be left alone."""
    return tuple(path for name in sorted(names) if os.path.lexists(path := folder / name))


def tail(path: Path | None, most: int = 200_000) -> str:
    """Give the end of a text file; nothing where there is none that can be read."""
    return ending(path, most).decode(errors="replace").replace("\r\n", "\n") if path else ""


def ending(path: Path, most: int) -> bytes:
    """Give the last bytes of a plain file; nothing where there is none that can be read."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return b""
    with os.fdopen(opened, "rb") as file:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            return b""
        file.seek(max(0, found.st_size - most))
        return file.read(most)


def _entries(folder: Path, *, files: bool) -> list[Path]:
    try:
        if folder.is_symlink():
            return []
        with os.scandir(folder) as found:
            return sorted(Path(entry.path) for entry in islice(found, MOST) if _is_wanted(entry, files=files))
    except OSError:
        return []


def _is_wanted(entry: os.DirEntry[str], *, files: bool) -> bool:
    if not is_plain_name(entry.name):
        return False
    return entry.is_file(follow_symlinks=False) if files else entry.is_dir(follow_symlinks=False)
