"""A skill's folder on disk, read without following a link or opening anything but plain files."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from gitskill.errors import InvalidInput
from gitskill.skill.snapshot import SKILL_FILE, Skill, is_own_path

MAX_FILES = 5000
MAX_BYTES = 50_000_000
MAX_DEPTH = 20


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
    """Read every file below `folder`, hidden folders left out. Raises InvalidInput where it cannot.

    Of a repository's root only the skill's own parts are read; the rest is the repository's.
    """
    is_root = (folder / ".git").exists()
    files: dict[str, bytes] = {}
    executable, foreign = set(), {}
    size = 0
    for path, entry in _entries(folder, is_root=is_root):
        if is_root and not is_own_path(path):
            foreign[path] = "other"
            continue
        found = entry.stat(follow_symlinks=False)
        size += found.st_size
        if len(files) >= MAX_FILES or size > MAX_BYTES:
            raise InvalidInput(f"{folder} holds more than {MAX_FILES} files or {MAX_BYTES // 1_000_000} MB")
        if stat.S_ISREG(found.st_mode):
            files[path] = _read(Path(entry.path))
        else:
            foreign[path] = "symlink" if stat.S_ISLNK(found.st_mode) else "special file"
        if stat.S_ISREG(found.st_mode) and found.st_mode & stat.S_IXUSR:
            executable.add(path)
    return Skill(files, frozenset(executable), foreign)


def _entries(folder: Path, *, is_root: bool) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    todo = [""]
    while todo:
        above = todo.pop()
        if above.count("/") > MAX_DEPTH:
            raise InvalidInput(f"{folder} holds folders more than {MAX_DEPTH} deep")
        try:
            entries = sorted(os.scandir(folder / above), key=lambda entry: entry.name)
        except OSError as error:
            raise InvalidInput(f"{folder / above} cannot be read: {error.strerror}") from error
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield above + entry.name, entry
            elif is_root and not above and not is_own_path(entry.name):
                yield entry.name, entry
            elif not entry.name.startswith("."):
                todo.append(f"{above}{entry.name}/")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
