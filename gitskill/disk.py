"""A skill's folder on disk, read without following a link or opening anything but plain files."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from gitskill.errors import InvalidInput
from gitskill.skill.snapshot import SKILL_FILE, Skill

MAX_FILES = 5000
MAX_BYTES = 50_000_000


def skill_folder(path: Path) -> Path:
    """Give the folder of the skill that `path` names: itself, or the folder of its SKILL.md."""
    return path.parent if path.name == SKILL_FILE and not path.is_dir() else path


def nearest_folder(path: Path) -> Path:
    """Give `path` itself or the folder above it that exists. Raises InvalidInput where a file is in the way."""
    try:
        near = next(place for place in (path, *path.absolute().parents) if place.exists())
    except OSError as error:
        raise InvalidInput(f"{path} cannot be looked at: {error.strerror}") from error
    if not near.is_dir():
        raise InvalidInput(f"{near} is a file, not a folder")
    return near


def read_skill(folder: Path) -> Skill:
    """Read every file below `folder`, hidden folders such as `.git` left out. Raises InvalidInput where it cannot."""
    files: dict[str, bytes] = {}
    executable, foreign = set(), {}
    size = 0
    for path, entry in _entries(folder, ""):
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISREG(mode):
            files[path] = _read(Path(entry.path))
            size += len(files[path])
        else:
            foreign[path] = "symlink" if stat.S_ISLNK(mode) else "special file"
        if stat.S_ISREG(mode) and mode & stat.S_IXUSR:
            executable.add(path)
        if len(files) > MAX_FILES or size > MAX_BYTES:
            raise InvalidInput(f"{folder} holds more than {MAX_FILES} files or {MAX_BYTES // 1_000_000} MB")
    return Skill(files, frozenset(executable), foreign)


def _entries(folder: Path, above: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            yield above + entry.name, entry
        elif not entry.name.startswith("."):
            yield from _entries(folder / entry.name, f"{above}{entry.name}/")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
