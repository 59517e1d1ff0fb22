"""A thousand lesson branches: ours against `git fast-import` and against git's plumbing, all with fsync.

Run: python bench/branches.py [COUNT]
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sample

from gitskill.ids import CommitId
from gitskill.store import lessons
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.repository import Repository
from gitskill.store.skills import SkillReader

FSYNC = ("-c", "core.fsync=objects,derived-metadata,reference", "-c", "core.fsyncMethod=fsync")
PLUMBING = 50
"""Plumbing is so slow that a part of the branches is made and the time scaled."""


def ours(folder: Path, count: int) -> None:
    """Make the branches as `gitskill analyse` does: one pack, one transaction."""
    repository = Repository.open(folder)
    reader = SkillReader(repository, "")
    base = repository.head()
    skill = reader.read(base)
    batch = Batch(repository)
    moves = tuple(
        lessons.add(reader, batch, sample.lesson(n), sample.taught(skill, n), base, sample.WHO) for n in range(count)
    )
    record(repository, batch, Operation(f"{count} lessons", moves), sample.WHO)


def fast_import(folder: Path, count: int) -> None:
    """Make the same branches with the fastest writer that git has."""
    base = sample.git(folder, "rev-parse", "HEAD").decode().strip()
    reader = SkillReader(Repository.open(folder), "")
    skill = reader.read(CommitId(base))
    stream = bytearray()
    for number in range(count):
        data = sample.taught(skill, number).files["SKILL.md"]
        lesson = sample.lesson(number)
        message = str(lesson.message()).encode()
        stream += f"commit refs/heads/gitskill/{lesson.id}-{lesson.slug}\n".encode()
        stream += f"committer Bench <bench@example.com> {sample.WHO.when} +0000\n".encode()
        stream += b"data %d\n%s\nfrom %s\n" % (len(message), message, base.encode())
        stream += b"M 100644 inline SKILL.md\ndata %d\n%s\n" % (len(data), data)
    sample.git(folder, *FSYNC, "fast-import", "--quiet", "--done", data=bytes(stream) + b"done\n")


def plumbing(folder: Path, count: int) -> None:
    """Make branches with one git command per step, as a script would."""
    base = sample.git(folder, "rev-parse", "HEAD").decode().strip()
    reader = SkillReader(Repository.open(folder), "")
    skill = reader.read(CommitId(base))
    for number in range(count):
        lesson = sample.lesson(number)
        data = sample.taught(skill, number).files["SKILL.md"]
        blob = sample.git(folder, *FSYNC, "hash-object", "-w", "--stdin", data=data).decode().strip()
        sample.git(folder, *FSYNC, "update-index", "--cacheinfo", f"100644,{blob},SKILL.md")
        tree = sample.git(folder, *FSYNC, "write-tree").decode().strip()
        who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.com")
        message = str(lesson.message()).encode()
        commit = sample.git(folder, *FSYNC, *who, "commit-tree", tree, "-p", base, data=message).decode().strip()
        sample.git(folder, *FSYNC, "update-ref", f"refs/heads/gitskill/{lesson.id}-{lesson.slug}", commit)


def timed(make: Callable[[Path, int], None], count: int, rounds: int) -> float:
    """Give the best time of several rounds, each in a fresh repository, checked afterwards."""
    best = float("inf")
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "repo"
            sample.make_repository(folder)
            start = time.perf_counter()
            make(folder, count)
            best = min(best, time.perf_counter() - start)
            made = sample.git(folder, "for-each-ref", "--format=x", "refs/heads/gitskill").decode().count("x")
            if made != count:
                raise SystemExit(f"{make.__name__} made {made} of {count} branches")
            sample.git(folder, "fsck", "--strict", "--no-dangling")
    return best


def main() -> None:
    """Print seconds and ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    mine, fast = timed(ours, count, 3), timed(fast_import, count, 3)
    slow = timed(plumbing, PLUMBING, 1) * count / PLUMBING
    print(f"{count} branches: gitskill {mine:.2f} s, fast-import {fast:.2f} s, plumbing {slow:.1f} s (scaled)")
    print(f"gitskill / fast-import {mine / fast:.2f} (bar 3.00), plumbing / gitskill {slow / mine:.1f} (bar 10.0)")


if __name__ == "__main__":
    main()
