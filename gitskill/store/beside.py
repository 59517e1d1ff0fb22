"""Files beside git's objects that `install` may write: hooks, the repository's configuration, `.gitattributes`.

They are changed all or none: what cannot be written puts everything back.
"""

import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitskill.errors import GitRefused, InvalidInput
from gitskill.store.repository import Repository

_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file, before and after; None where it is not there."""

    path: Path
    old: bytes | None
    new: bytes | None
    executable: bool = False


def hooks_folder(repository: Repository) -> Path | None:
    """Say where git looks for this repository's hooks; None where that is outside of it, and so not only its own.

    A shared folder of a person's is theirs, and a repository's configuration must not lead us anywhere else.
    """
    wanted = _setting(repository, "core.hooksPath")
    top = Path(repository.git.workdir or repository.git.path)
    folder = (top / wanted if wanted else repository.common_dir / "hooks").resolve()
    inside = (top.resolve(), repository.common_dir.resolve())
    return None if wanted.startswith("~") or not any(map(folder.is_relative_to, inside)) else folder


def named_hooks_folder(repository: Repository) -> str:
    """Give core.hooksPath as it is written, or the folder that git uses without it."""
    return _setting(repository, "core.hooksPath") or str(repository.common_dir / "hooks")


def _setting(repository: Repository, key: str) -> str:
    config = repository.git.config
    return config[key] or "" if key in config else ""


def read_plain(path: Path) -> bytes | None:
    """Read a small plain file; None where there is none. Raises InvalidInput for whatever else has its name."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise InvalidInput(f"{path} is not a plain file, so nothing is written to it")
        if found.st_size > _MAX_BYTES:
            raise InvalidInput(f"{path} is larger than {_MAX_BYTES:,} bytes, so nothing is written to it")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def missing_folders(path: Path) -> tuple[Path, ...]:
    """Give the folders above `path` that are not there, the innermost first."""
    return tuple(folder for folder in path.parents if not folder.exists())


def write_all(changes: Sequence[FileChange], config: Path) -> None:
    """Make all changes or none, with the folders that they need. Git's lock guards `config` meanwhile."""
    lock = config.with_name(f"{config.name}.lock")
    made: list[Path] = []
    done: list[FileChange] = []
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError as error:
        raise GitRefused(f"another git command is at work: {lock} exists", hint="run the command again") from error
    except OSError as error:
        raise GitRefused(f"{lock} cannot be written: {error.strerror}; nothing was changed") from error
    try:
        for change in changes:
            _refuse_changed(change)
            made += missing_folders(change.path)
            change.path.parent.mkdir(parents=True, exist_ok=True)
            done.append(change)
            _write(change.path, change.new, executable=change.executable)
    except (OSError, GitRefused) as error:
        _put_back(done, made)
        if isinstance(error, GitRefused):
            raise
        raise GitRefused(f"{error.filename} cannot be written: {error.strerror}; nothing was changed") from error
    finally:
        lock.unlink(missing_ok=True)


def _refuse_changed(change: FileChange) -> None:
    if read_plain(change.path) != change.old:
        raise GitRefused(f"{change.path} changed meanwhile; nothing was written", hint="run the command again")


def _put_back(done: Sequence[FileChange], made: Sequence[Path]) -> None:
    for change in reversed(done):
        with suppress(OSError):  # what could not be written cannot be taken back either
            _write(change.path, change.old, executable=change.executable)
    for folder in made:
        with suppress(OSError):
            folder.rmdir()


def _write(path: Path, data: bytes | None, *, executable: bool) -> None:
    """Put a file in its place whole; one that is there keeps its mode."""
    if data is None:
        path.unlink(missing_ok=True)
        return
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o777 if executable else 0o666
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".gitskill-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode if path.exists() else mode & ~_umask())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
