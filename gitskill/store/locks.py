"""One process at a time works on a run, and what a killed one left locked is set free."""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gitskill.errors import GitRefused
from gitskill.ids import RunId
from gitskill.store.refs import PACKED
from gitskill.store.repository import Repository

_PATIENCE = 3.0
"""Seconds in which a git that outlived its parent will have done its work."""


class Busy(GitRefused):
    """Another process works on the run."""


class RunLock:
    """Holds a run for this process, and keeps a note of the refs that are about to be moved."""

    def __init__(self, repository: Repository, file: int) -> None:
        self._repository = repository
        self._file = file

    @contextmanager
    def moving(self, refs: Sequence[str]) -> Iterator[None]:
        """Keep a durable note of the refs that git locks for us meanwhile."""
        self._write(sorted(refs))
        yield
        self._write([])

    def _write(self, refs: list[str]) -> None:
        data = json.dumps(refs).encode()
        os.pwrite(self._file, data, 0)
        os.ftruncate(self._file, len(data))
        os.fsync(self._file)

    def sweep(self) -> list[str]:
        """Remove the locks that a killed process of this run left on refs, and name them; nobody else's."""
        gone = []
        until = time.monotonic() + _PATIENCE
        for ref in self._noted():
            lock = self._repository.common_dir / f"{ref}.lock"
            while lock.exists() and time.monotonic() < until:
                time.sleep(0.05)
            if lock.exists():
                lock.unlink(missing_ok=True)
                gone.append(ref)
        self._write([])
        return gone

    def _noted(self) -> list[str]:
        data = os.pread(self._file, os.fstat(self._file).st_size, 0)
        try:
            found = json.loads(data or b"[]")
        except ValueError:  # killed while it was written: then git was not yet called
            return []
        named = found if isinstance(found, list) else []
        return [ref for ref in named if isinstance(ref, str) and (ref == PACKED or _is_ref(ref))]


def _is_ref(name: str) -> bool:
    return name.startswith("refs/") and ".." not in name


@contextmanager
def held(repository: Repository, run: RunId) -> Iterator[RunLock]:
    """Hold `run`, or raise GitRefused: another process works on it."""
    folder: Path = repository.common_dir / "gitskill"
    try:
        folder.mkdir(exist_ok=True)
        file = os.open(folder / f"{run}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise GitRefused(f"{folder} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(f"another gitskill works on {run}", hint=f"gitskill status {run} shows how far it is") from error
        yield RunLock(repository, file)
    finally:
        os.close(file)
