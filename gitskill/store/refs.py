"""Moving refs: all of a command's refs in one transaction, each guarded by its old value."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pygit2.enums import ObjectType

from gitskill.errors import GitRefused, NeedsPerson, RefMoved
from gitskill.ids import CommitId
from gitskill.store.git import GitKilled, run
from gitskill.store.repository import Repository, Who

HEADS = "refs/heads/"
OWN = "refs/gitskill/"

MANY = 500
"""From how many branches of ours on that are files of their own they are packed."""
PACKED = "packed-refs"

_VERSION_TAG = re.compile(r"refs/tags/(?:[^/]+/)?v\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Move:
    """One ref from its old place to its new one; None where it is created or deleted."""

    ref: str
    old: str | None
    new: str | None


def move(repository: Repository, moves: Sequence[Move], who: Who, reason: str, *, own: str = "") -> None:
    """Move all refs or none.

    Raises RefMoved where a ref is no longer at its old place, and NeedsPerson
    where a branch is checked out in any work tree: those we never move, but for
    `own`, whose work tree the caller keeps in step.
    """
    held = checked_out(repository)
    for change in moves:
        if not _is_ours(repository, change.ref) and change.ref != own:
            raise NeedsPerson(f"{change.ref} is not a ref that gitskill makes; nothing was moved")
        if change.ref in held and change.ref != own and change.old is not None:
            raise NeedsPerson(
                f"{change.ref.removeprefix(HEADS)} is checked out in {held[change.ref]}",
                hint="switch that work tree to another branch and run the command again",
            )
    # With `start` and `commit`, git does nothing at all if this process dies before everything is sent.
    lines = b"start\0" + b"".join(_line(change) for change in moves) + b"commit\0"
    try:
        run(
            repository.git_dir,
            *("update-ref", "--no-deref", "--stdin", "-z", "-m", f"gitskill: {reason}"),
            data=lines,
            who=(who.name, who.email),
        )
    except GitRefused as error:
        # A git that was killed may have done its work before it could say so.
        done = isinstance(error, GitKilled) and all(target(repository, each.ref) == each.new for each in moves)
        if done:
            return
        _explain(repository, moves, error)


def _is_ours(repository: Repository, ref: str) -> bool:
    return ref.startswith((f"{HEADS}{repository.prefix}/", OWN)) or is_version_tag(ref)


def is_version_tag(ref: str) -> bool:
    """Tell whether a ref has the name of a release: such a tag never moves."""
    return bool(_VERSION_TAG.fullmatch(ref))


def _line(change: Move) -> bytes:
    old, new = (value.encode() if value else b"" for value in (change.old, change.new))
    ref = change.ref.encode()
    if change.new is None:
        return b"delete %s\0%s\0" % (ref, old)
    if change.old is None:
        return b"create %s\0%s\0" % (ref, new)
    return b"update %s\0%s\0%s\0" % (ref, new, old)


def _explain(repository: Repository, moves: Sequence[Move], error: GitRefused) -> None:
    """Raise what is behind git's refusal: a ref that moved, a name in the way, or `error` itself."""
    for change in moves:
        if target(repository, change.ref) != change.old:
            raise RefMoved(change.ref) from error
    prefix = HEADS + repository.prefix
    if target(repository, prefix) is not None:
        raise GitRefused(
            f"a branch is named {repository.prefix!r}, so branches below {repository.prefix}/ cannot be made",
            hint=f"rename it, or choose another prefix: git config gitskill.prefix {repository.prefix}-lessons",
        ) from error
    raise error


def target(repository: Repository, ref: str) -> str | None:
    """Tell where `ref` stands now, or None. A symbolic ref stands at no object: it is given as `ref: NAME`."""
    found = repository.git.references.get(ref)
    if found is None:
        return None
    return f"ref: {found.target}" if isinstance(found.target, str) else str(found.target)


def under(repository: Repository, prefix: str) -> Iterator[tuple[str, str]]:
    """Give name and target of every ref below `prefix`, in the order of names. Symbolic refs are none of ours."""
    names = sorted(name for name in repository.git.references if name.startswith(prefix))
    found = ((name, target(repository, name)) for name in names)
    return ((name, oid) for name, oid in found if oid and not oid.startswith("ref: "))


def commits_under(repository: Repository, prefix: str) -> Iterator[tuple[str, CommitId]]:
    """Give every ref below `prefix` that leads to a commit, with that commit."""
    return ((name, CommitId(oid)) for name, oid in under(repository, prefix) if _is_commit(repository, oid))


def _is_commit(repository: Repository, oid: str) -> bool:
    found = repository.git.get(oid)
    return found is not None and found.type == ObjectType.COMMIT


def pack(repository: Repository) -> None:
    """Put all refs into one file where ours are many: each is a file of its own else, and slow to list and to fetch."""
    ours = repository.common_dir / HEADS / repository.prefix
    if sum(len(files) for _, _, files in os.walk(ours)) > MANY:
        run(repository.git_dir, "pack-refs", "--all")


def checked_out(repository: Repository) -> Mapping[str, Path]:
    """Tell which refs are checked out, or being rebased or bisected, in which work tree."""
    common = repository.common_dir
    places = [(common, common.parent if common.name == ".git" else common)]
    for admin in sorted((common / "worktrees").glob("*")):
        tree = _read(admin / "gitdir")
        places.append((admin, Path(tree).parent if tree else admin))
    return {ref: place for admin, place in places for ref in _refs_of(admin)}


def detached(repository: Repository) -> Iterator[CommitId]:
    """Give the commit of every work tree that is on no branch."""
    common = repository.common_dir
    for admin in (common, *sorted((common / "worktrees").glob("*"))):
        head = _read(admin / "HEAD")
        if not head.startswith("ref: ") and _is_commit(repository, head):
            yield CommitId(head)


def _refs_of(admin: Path) -> Iterable[str]:
    head = _read(admin / "HEAD")
    if head.startswith("ref: "):
        yield head.removeprefix("ref: ").strip()
    for busy in ("rebase-merge/head-name", "rebase-apply/head-name"):
        if name := _read(admin / busy):
            yield name
    if start := _read(admin / "BISECT_START"):
        yield HEADS + start
    # A rebase with --update-refs will move these along.
    yield from (line for line in _read(admin / "rebase-merge/update-refs").splitlines() if line.startswith("refs/"))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
