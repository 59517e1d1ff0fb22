"""Packs, and how what no ref leads to yet is kept from a `git gc` that runs meanwhile."""

import hashlib
import os
import re
import struct
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from pygit2.enums import ObjectType

from gitskill.errors import GitRefused
from gitskill.store.git import run
from gitskill.store.repository import Repository

Object = tuple[bytes, int, bytes]
"""Kind, size and compressed bytes: a thousand lessons of a 20 KB skill are 20 MB otherwise."""

KINDS = {
    b"commit": (1, ObjectType.COMMIT),
    b"tree": (2, ObjectType.TREE),
    b"blob": (3, ObjectType.BLOB),
    b"tag": (4, ObjectType.TAG),
}
_TRIES = 4
_STALE = 12 * 3600
"""Seconds after which git too thinks that a gc.pid was left behind."""

_GUARD = re.compile(r"gitskill (\d+) on (.+)")
"""What stands in the .keep file of a pack until refs lead to its objects: the process that wrote it."""


def write_pack(repository: Repository, objects: Mapping[str, Object]) -> list[Path]:
    """Put objects on disk as one pack, flushed, and give the file that guards it, if it was not there before."""
    folder = repository.common_dir / "objects/pack"
    _sweep(folder)
    keep = f"--keep=gitskill {os.getpid()} on {os.uname().nodename}"
    data = b"".join(_pack(objects))
    for left in reversed(range(_TRIES)):
        try:
            said = run(repository.git_dir, "index-pack", "--stdin", "--strict", keep, data=data).decode()
        except GitRefused:  # a gc also takes the file that is being written, or a copy that git compares with
            if not left:
                raise
        else:
            kind, _, name = said.strip().partition("\t")
            return [folder / f"pack-{name}.keep"] if kind == "keep" else []
    return []


def let_go(guards: list[Path]) -> None:
    """Remove guards, and empty the list."""
    while guards:
        guards.pop().unlink(missing_ok=True)


def is_collecting(repository: Repository) -> bool:
    """Tell whether a `git gc` runs."""
    try:
        began = (repository.common_dir / "gc.pid").stat().st_mtime
    except OSError:
        return False
    return time.time() - began < _STALE


def _sweep(folder: Path) -> None:
    """Remove the guards of processes of this machine that were killed."""
    for keep in folder.glob("pack-*.keep"):
        try:
            found = _GUARD.fullmatch(keep.read_text(errors="replace").strip())
        except FileNotFoundError:
            continue
        if found and found[2] == os.uname().nodename and not _lives(int(found[1])):
            keep.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _pack(objects: Mapping[str, Object]) -> Iterator[bytes]:
    """Give a pack of whole objects: header, each compressed, and the hash of it all."""
    digest = hashlib.sha1(usedforsecurity=False)
    head = b"PACK" + struct.pack(">II", 2, len(objects))
    digest.update(head)
    yield head
    for kind, size, packed in objects.values():
        part = _pack_header(KINDS[kind][0], size) + packed
        digest.update(part)
        yield part
    yield digest.digest()


def _pack_header(kind: int, size: int) -> bytes:
    first, size = kind << 4 | size & 15, size >> 4
    head = bytearray()
    while size:
        head.append(first | 128)
        first, size = size & 127, size >> 7
    return bytes([*head, first])
