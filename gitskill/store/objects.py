"""New objects, gathered in memory and written at once: a few as loose files, many as one pack.

Ids are computed here, so a commit can name a tree that is not written yet, and
nothing reaches the disk before the whole is known to be right.
"""

import hashlib
import weakref
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pygit2

from gitskill.errors import GitRefused, InvalidInput, RefMoved
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.store.packs import KINDS, Object, is_collecting, let_go, write_pack
from gitskill.store.refs import Move, move
from gitskill.store.repository import Repository, Who

if TYPE_CHECKING:
    from pathlib import Path

FILE, EXECUTABLE, TREE, LINK, SUBMODULE = 0o100644, 0o100755, 0o40000, 0o120000, 0o160000

_FEW = 24
"""Up to this many objects are written as loose files: starting git for a pack costs more."""

_TRIES = 5

Change = bytes | str | None
"""A file's new bytes, or the id of a blob that has them; None takes the file out."""

Signer = Callable[[bytes], bytes]
"""Gives the signature that git puts below what a tag says."""

Entries = dict[str, tuple[int, str]]
"""A tree: mode and id by name."""


class Batch:
    """Objects on their way into `repository`. Not safe for threads: one thread writes to git.

    `git gc --prune=now` takes what no ref leads to, also what was just written.
    Packs are guarded by a .keep file, as git's own fetch does, until `land` has
    moved the refs. Loose objects are cheap and cannot be guarded: `land` looks
    whether they could have been taken, and then writes them once more, as a pack.
    """

    def __init__(self, repository: Repository, under: "Batch | None" = None) -> None:
        """Begin with nothing, or with what `under` has made, put on disk again where it is gone: to stand on that."""
        self.repository = repository
        self._new: dict[str, Object] = {}
        self._trees: dict[str, Entries] = {}
        self._unguarded: dict[str, Object] = {}
        self._guards: list[Path] = []
        weakref.finalize(self, let_go, self._guards)
        self.waiting = 0
        """The compressed bytes that are not written yet."""
        if under:
            self.take(under)
            self.write()

    def blob(self, data: bytes) -> str:
        """Add a file's bytes and return their id."""
        return self._add(b"blob", data)

    def commit(
        self, tree: str, parents: Sequence[CommitId], message: Message, author: Who, committer: Who | None = None
    ) -> CommitId:
        """Add a commit and return its id."""
        lines = [
            f"tree {tree}",
            *(f"parent {parent}" for parent in parents),
            f"author {_stamp(author)}",
            f"committer {_stamp(committer or author)}",
            "",
            str(message),
        ]
        return CommitId(self._add(b"commit", "\n".join(lines).encode("utf-8", "replace")))

    def tag(self, name: str, commit: CommitId, message: str, tagger: Who, sign: Signer | None = None) -> str:
        """Add an annotated tag and return its id. `sign` gives the signature of what it says."""
        head = f"object {commit}\ntype commit\ntag {name}\ntagger {_stamp(tagger)}\n\n"
        payload = f"{head}{message.strip()}\n".encode("utf-8", "replace")
        return self._add(b"tag", payload + (sign(payload) if sign else b""))

    def edit_tree(self, tree: str | None, changes: Mapping[str, Change]) -> str:
        """Return `tree` with files set or, where None, taken out. A file keeps its mode; a new one is 100644.

        Raises InvalidInput where a path leads through or onto something that is no file.
        """
        return self._edit(tree, list(changes.items()), "") or self._add(b"tree", b"")

    def _edit(self, tree: str | None, changes: Iterable[tuple[str, Change]], above: str) -> str | None:
        entries = dict(self.entries(tree)) if tree else {}
        below: defaultdict[str, list[tuple[str, Change]]] = defaultdict(list)
        for path, data in changes:
            name, slash, rest = path.partition("/")
            if slash:
                below[name].append((rest, data))
            elif data is None:
                entries.pop(name, None)
            else:
                mode = entries.get(name, (FILE, ""))[0]
                if mode not in (FILE, EXECUTABLE):
                    raise InvalidInput(f"{above}{name} is {_kind(mode)} in this repository, not a file")
                entries[name] = (mode, data if isinstance(data, str) else self.blob(data))
        for name, inside in below.items():
            mode, old = entries.get(name, (TREE, None))
            if mode != TREE:
                raise InvalidInput(f"{above}{name} is {_kind(mode)} in this repository, not a folder")
            new = self._edit(old, inside, f"{above}{name}/")
            if new is None:
                entries.pop(name, None)
            else:
                entries[name] = (TREE, new)
        return self.tree(entries) if entries else None

    def tree(self, entries: Entries) -> str:
        """Add a tree and return its id."""
        order = sorted(entries.items(), key=lambda item: _tree_order(item[0], item[1][0]))
        data = b"".join(
            f"{mode:o} {name}".encode("utf-8", "surrogateescape") + b"\0" + bytes.fromhex(oid)
            for name, (mode, oid) in order
        )
        oid = self._add(b"tree", data)
        self._trees[oid] = dict(entries)
        return oid

    def take(self, other: "Batch") -> None:
        """See that what `other` has made is there too when refs are moved."""
        self._new |= other.made

    @property
    def made(self) -> Mapping[str, Object]:
        """Everything that was made here and that `land` has led no ref to."""
        return self._unguarded | self._new

    def entries(self, tree: str) -> Entries:
        """Give the entries of a tree, new or stored."""
        if tree not in self._trees:
            self._trees[tree] = tree_entries(self.repository, tree)
        return self._trees[tree]

    def write(self) -> None:
        """Put every new object on disk, flushed. Objects that are already there cost nothing."""
        odb = self.repository.git.odb
        fresh = {oid: item for oid, item in self._new.items() if oid not in odb}
        if len(fresh) > _FEW or (self._new and is_collecting(self.repository)):
            self._guards += write_pack(self.repository, self._new)
        else:
            self._write_loose(fresh)
            self._unguarded |= self._new
        self._new.clear()
        self.waiting = 0

    def land(self, moves: Sequence[Move], who: Who, reason: str, *, own: str = "") -> None:
        """Write every new object and move refs to them, as refs.move does, whenever `git gc` runs meanwhile."""
        self.write()
        for tries in range(_TRIES):
            try:
                move(self.repository, moves, who, reason, own=own)
                break
            except RefMoved:
                raise
            except GitRefused:
                if tries + 1 == _TRIES or not self._is_lossy():
                    raise
                self._guards += write_pack(self.repository, self._unguarded)
        if self._is_lossy():
            self._guards += write_pack(self.repository, self._unguarded)
        self._unguarded.clear()
        let_go(self._guards)

    def _is_lossy(self) -> bool:
        """Tell whether loose objects were taken, or may be by a gc that began before refs led to them."""
        if not self._unguarded:
            return False
        # libgit2 remembers packs that are gone.
        odb = pygit2.Odb(str(self.repository.common_dir / "objects"))
        return is_collecting(self.repository) or any(oid not in odb for oid in self._unguarded)

    def _write_loose(self, objects: Mapping[str, Object]) -> None:
        for kind, _, packed in objects.values():
            for left in reversed(range(_TRIES)):
                try:
                    self.repository.git.odb.write(KINDS[kind][1], zlib.decompress(packed))
                    break
                except (OSError, pygit2.GitError) as error:  # a gc also removes folders that are empty for a moment
                    if not left:
                        raise GitRefused(f"{self.repository.shown} cannot be written: {error}") from error

    def _add(self, kind: bytes, data: bytes) -> str:
        oid = hashlib.sha1(b"%s %d\0" % (kind, len(data)) + data, usedforsecurity=False).hexdigest()
        if oid not in self._new:
            self._new[oid] = (kind, len(data), packed := zlib.compress(data, 1))
            self.waiting += len(packed)
        return oid


def tree_entries(repository: Repository, tree: str) -> Entries:
    """Read a stored tree. Names that are not UTF-8 survive as lone surrogates."""
    data = repository.read_object(tree)
    entries: Entries = {}
    at = 0
    try:
        while at < len(data):
            space, end = data.index(b" ", at), data.index(b"\0", at)
            name = data[space + 1 : end].decode("utf-8", "surrogateescape")
            entries[name] = (int(data[at:space], 8), data[end + 1 : end + 21].hex())
            at = end + 21
    except ValueError as error:
        raise repository.lacking(f"tree {tree[:10]}") from error
    return entries


def _tree_order(name: str, mode: int) -> bytes:
    return name.encode("utf-8", "surrogateescape") + (b"/" if mode == TREE else b"")


def _kind(mode: int) -> str:
    return {TREE: "a folder", LINK: "a symbolic link", SUBMODULE: "a submodule"}.get(mode, "a file")


def _stamp(who: Who) -> str:
    name, email = (_plain(part) for part in (who.name, who.email))
    return f"{name or email or 'unknown'} <{email}> {who.when} +0000"


def _plain(text: str) -> str:
    """Drop what would end a name or an address inside a commit's header."""
    return "".join(char for char in text if char not in "<>\n\0").strip(" .,:;\"'")
