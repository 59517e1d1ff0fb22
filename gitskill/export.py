"""A version of a skill written to disk: its exact bytes in a folder of its own, or nothing at all.

A skill's tree may come from anybody. Names are held against the path policy,
and every folder is opened by its own name, never through a link.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gitskill.checks.paths import case_clash, name_problem
from gitskill.errors import GitRefused, InvalidInput, NeedsPerson
from gitskill.skill.snapshot import Skill

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    files: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    """What was left out, and why."""


def unsafe(skill: Skill) -> tuple[tuple[str, str], ...]:
    """Name what cannot be written on every file system, or is no file at all, with the reason."""
    found = {path: problem for path in sorted(skill.files) if (problem := name_problem(path))}
    found |= {path: f"is a {kind}" for path, kind in sorted(skill.foreign.items()) if kind != "other"}
    found |= {two: f"clashes with {one!r} where case does not count" for one, two in case_clash(skill.files)}
    return tuple(found.items())


def export(skill: Skill, folder: Path, *, skip_unsafe: bool = False) -> Exported:
    """Write the files of `skill` to `folder`, which is new or empty, all of them or nothing.

    Each file has mode 0644. Raises NeedsPerson where something cannot be
    written safely, unless that is to be left out.
    """
    left_out = unsafe(skill)
    if left_out and not skip_unsafe:
        told = "; ".join(f"{path!r} {why}" for path, why in left_out[:3])
        raise NeedsPerson(f"the skill holds what is not safe to write: {told}", hint="leave it out with --skip-unsafe")
    files = {path: data for path, data in skill.files.items() if path not in dict(left_out)}
    if not files:
        raise InvalidInput("there is no file of a skill to write")
    place = Path(os.path.abspath(folder))  # noqa: PTH100  # the last name is never followed
    if not place.name:
        raise InvalidInput(f"{folder} is no folder that can be written")
    try:
        above = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidInput(f"{place.parent} is no folder: {error.strerror}", hint=f"mkdir -p {place.parent}") from error
    try:
        _refuse_filled(above, place)
        with _made(above, place) as made:
            for path, data in files.items():
                _write(made, path, data)
    finally:
        os.close(above)
    return Exported(tuple(sorted(files)), left_out)


def _refuse_filled(above: int, place: Path) -> None:
    """Raise unless there is nothing at `place`, or an empty folder."""
    try:
        there = os.open(place.name, _FOLDER, dir_fd=above)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InvalidInput(f"{place} is no folder, or is a link to one") from error
    try:
        if os.listdir(there):  # noqa: PTH208  # of the folder that was opened, whatever has its name now
            raise InvalidInput(f"{place} is not empty", hint="name a new folder: nothing is overwritten")
    finally:
        os.close(there)


@contextmanager
def _made(above: int, place: Path) -> Iterator[int]:
    """Give a new folder to write into; it takes its place when all is written, else it goes."""
    name = f".{place.name[:200]}.{secrets.token_hex(6)}"
    try:
        os.mkdir(name, 0o700, dir_fd=above)
        made = os.open(name, _FOLDER, dir_fd=above)
    except OSError as error:
        raise GitRefused(f"{place.parent} cannot be written: {error.strerror}") from error
    try:
        yield made
        os.fchmod(made, 0o755)
        os.fsync(made)
        os.rename(name, place.name, src_dir_fd=above, dst_dir_fd=above)  # only an empty folder is replaced
    except OSError as error:
        raise GitRefused(f"{place} cannot be written: {error.strerror}; nothing was left there") from error
    finally:
        os.close(made)
        with suppress(FileNotFoundError):
            shutil.rmtree(name, dir_fd=above)


def _write(folder: int, path: str, data: bytes) -> None:
    *folders, name = path.split("/")
    opened: list[int] = []
    try:
        for each in folders:
            with suppress(FileExistsError):
                os.mkdir(each, 0o755, dir_fd=folder)
            folder = os.open(each, _FOLDER, dir_fd=folder)
            opened.append(folder)
            os.fchmod(folder, 0o755)
        with os.fdopen(os.open(name, _NEW_FILE, 0o600, dir_fd=folder), "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
    finally:
        for number in reversed(opened):
            os.close(number)
