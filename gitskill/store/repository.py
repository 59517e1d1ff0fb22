"""Opening a repository: what we work in, and what we refuse with one clear line."""

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pygit2
from pygit2.enums import ObjectType

from gitskill.errors import GitRefused, InvalidInput, NotFound
from gitskill.ids import CommitId

DEFAULT_PREFIX = "gitskill"

_PROMISED = re.compile(r"extensions\.partialclone|remote\..*\.promisor", re.IGNORECASE)
"""Settings of a partial clone. A setting without a value means yes."""


@dataclass(frozen=True, slots=True)
class Who:
    """Name and address of a person, and a moment: what git stamps on a commit."""

    name: str
    email: str
    when: int
    """Seconds since 1970. Commits are stamped in UTC, so that no time zone goes into an id."""

    def at_least(self, moment: int) -> Self:
        """Return this stamp, not before `moment`: no commit may be older than its parents."""
        return self if self.when >= moment else type(self)(self.name, self.email, moment)


@dataclass(frozen=True)
class Repository:
    """A git repository that we have checked and may work in."""

    git: pygit2.Repository
    prefix: str = DEFAULT_PREFIX
    _whole: set[str] = field(default_factory=set, compare=False)
    """Loose objects that were seen to be whole."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the repository that holds `path`, or raise with the reason why not.

        Every write is flushed to disk before a ref names it: libgit2 does no
        fsync unless it is told to.
        """
        pygit2.settings.enable_fsync_gitdir(True)
        try:
            found = pygit2.discover_repository(str(path))
            if found is None:
                raise NotFound(
                    f"{path} is not inside a git repository", hint="run `gitskill init` to start one, or pass -C PATH"
                )
            git = pygit2.Repository(found)
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise _refusal(path, str(error)) from error
        repository = cls(git, _config(git, "gitskill.prefix") or DEFAULT_PREFIX)
        repository._refuse_what_breaks()
        repository._refuse_unreadable_head()
        return repository

    def _refuse_what_breaks(self) -> None:
        if any(_PROMISED.fullmatch(entry.name) and entry.value != "false" for entry in self.git.config):
            raise GitRefused(
                f"{self.shown} is a partial clone: objects may be missing",
                hint="make it whole with `git fetch --refetch --no-filter`, and remove the remote's promisor setting",
            )
        if not pygit2.reference_is_valid_name(f"refs/heads/{self.prefix}/x"):
            raise InvalidInput(f"gitskill.prefix is {self.prefix!r}, which cannot begin a branch name")

    def _refuse_unreadable_head(self) -> None:
        try:
            head = None if self.git.head_is_unborn else str(self.git.head.target)
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise GitRefused(f"HEAD of {self.shown} cannot be read: {error}", hint="run git fsck") from error
        if head:
            self.read_commit(CommitId(head))

    @cached_property
    def common_dir(self) -> Path:
        """Where refs and objects live; of a linked worktree, that of its main repository."""
        own = Path(self.git.path)
        try:
            return (own / (own / "commondir").read_text().strip()).resolve()
        except FileNotFoundError:
            return own

    @property
    def git_dir(self) -> Path:
        """The directory to name to the git program."""
        return Path(self.git.path)

    @property
    def shown(self) -> str:
        """How a message names this repository."""
        return str(self.git.workdir or self.git.path).rstrip("/")

    def commit(self, name: str) -> CommitId:
        """Resolve a branch, tag, commit id or `HEAD` to a commit, or raise NotFound."""
        try:
            return CommitId(str(self.git.revparse_single(name).peel(pygit2.Commit).id))
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise NotFound(f"no commit is named {name!r} in {self.shown}") from error

    def head(self) -> CommitId:
        """Return the commit that is checked out, or raise: there is none yet."""
        if self.git.head_is_unborn:
            raise GitRefused(
                f"{self.shown} has no commit yet", hint="commit your skill first, or let `gitskill init` do it"
            )
        return CommitId(str(self.git.head.target))

    def read_commit(self, commit: CommitId) -> pygit2.Commit:
        """Give libgit2's commit, or raise GitRefused where history was cut off before it."""
        self.refuse_cut_off(commit)
        try:
            found = self.git[commit]
        except (KeyError, pygit2.GitError) as error:
            raise self.lacking(f"commit {commit[:10]}") from error
        if found.type != ObjectType.COMMIT:
            raise InvalidInput(f"{commit[:10]} is not a commit")
        return found  # type: ignore[return-value]  # narrowed by its type above

    def read_object(self, oid: str) -> bytes:
        """Give the bytes of a stored object, or raise GitRefused: it is missing or damaged."""
        self.refuse_cut_off(oid)
        try:
            return self.git.odb.read(oid)[1]
        except (KeyError, pygit2.GitError) as error:
            raise self.lacking(f"object {oid[:10]}") from error

    def refuse_cut_off(self, oid: str) -> None:
        """Raise GitRefused where the loose object `oid` is not whole: libgit2 1.9 would read such a file for ever."""
        if oid in self._whole:
            return
        try:
            data = (self.common_dir / "objects" / oid[:2] / oid[2:]).read_bytes()
            reader = zlib.decompressobj()
            reader.decompress(data)
        except (FileNotFoundError, NotADirectoryError):
            return  # in a pack, or nowhere
        except (OSError, zlib.error) as error:
            raise self.lacking(f"object {oid[:10]}") from error
        if not reader.eof:
            raise self.lacking(f"object {oid[:10]}")
        self._whole.add(oid)

    def lacking(self, what: str) -> GitRefused:
        """Give the error for something that this repository should have."""
        hint = "fetch the history: git fetch --unshallow" if self.git.is_shallow else "run git fsck"
        return GitRefused(f"{what} is missing or damaged in {self.shown}", hint=hint)

    def parents(self, commit: CommitId) -> list[CommitId]:
        """Give the parents of a commit in their order."""
        return [CommitId(str(oid)) for oid in self.read_commit(commit).parent_ids]

    def descends(self, commit: CommitId, ancestor: CommitId) -> bool:
        """Tell whether `ancestor` is `commit` itself or in its history."""
        return commit == ancestor or self.git.descendant_of(commit, ancestor)


def _config(git: pygit2.Repository, key: str) -> str:
    return _value(git.config, key)


def _refusal(path: Path, said: str) -> GitRefused:
    """Turn libgit2's reason for not opening `path` into one that says what to do."""
    if "object format" in said:
        return GitRefused(
            f"{path} uses sha256 objects, which libgit2 cannot read", hint="gitskill needs a sha1 repository"
        )
    if "refstorage" in said:
        return GitRefused(
            f"{path} keeps its refs as reftable, which libgit2 cannot read",
            hint="convert it with `git refs migrate --ref-format=files`",
        )
    if "not owned by current user" in said:
        named = re.search(r"'([^']+)'", said)
        place = named[1].rstrip("/").removesuffix("/.git") if named else path.resolve()
        return GitRefused(
            f"{path} belongs to another user",
            hint=f"if you trust it: git config --global --add safe.directory {place}",
        )
    return GitRefused(f"{path} cannot be opened: {said}")


def identity(path: Path) -> tuple[str, str]:
    """Read user.name and user.email as git would at `path`; outside a repository, from the user's own files."""
    configs: list[Any]
    try:
        configs = [Repository.open(path).git.config]
    except NotFound:
        configs = list(_own_configs())
    name, email = (next(filter(None, (_value(config, key) for config in configs)), "") for key in _IDENTITY)
    return name, email


_IDENTITY = ("user.name", "user.email")


def own_setting(key: str) -> str:
    """Read a setting from the user's own files alone: what the repository says must not choose a program."""
    return next(filter(None, (_value(config, key) for config in _own_configs())), "")


def _own_configs() -> Iterator[pygit2.Config]:
    """Give the user's configuration files, the one that wins first."""
    for level in (pygit2.Config.get_global_config, pygit2.Config.get_xdg_config, pygit2.Config.get_system_config):
        with suppress(OSError):
            yield level()


def _value(config: pygit2.Config, key: str) -> str:
    try:
        return config[key] or ""
    except KeyError:
        return ""
