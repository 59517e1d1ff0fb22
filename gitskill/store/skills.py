"""Reading a skill out of a commit, and a commit's tree with a changed skill in it."""

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeVar

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId
from gitskill.skill.snapshot import SKILL_FILE, SKILL_FOLDERS, Skill, is_own_path
from gitskill.store.objects import EXECUTABLE, FILE, LINK, TREE, Batch, Entries, tree_entries
from gitskill.store.repository import Repository

T = TypeVar("T")
MAX_FILES = 5000
MAX_BYTES = 50_000_000
MAX_DEPTH = 20


class SkillReader:
    """Skills of one folder of `repository`, each file read once however many commits share it."""

    def __init__(self, repository: Repository, folder: str) -> None:
        self.repository = repository
        self.folder = folder
        """The skill's folder from the repository's root, without slashes at its ends; empty for the root itself."""
        self._blob = lru_cache(maxsize=4096)(self._read_blob)
        self._entries = lru_cache(maxsize=4096)(lambda tree: tree_entries(repository, tree))

    def read(self, commit: CommitId) -> Skill:
        """Return the skill as `commit` has it, without files where its folder is absent."""
        return self.read_tree(self._tree(commit))

    def read_tree(self, tree: str) -> Skill:
        """Return the skill as a whole repository's `tree` has it."""
        mode, oid = self._entry(tree, self.folder)
        return self._skill(oid) if mode == TREE else Skill({})

    def file_id(self, commit: CommitId, path: str) -> str:
        """Tell which version of the skill's file `path` a commit has; empty where it has none."""
        return self._entry(self._tree(commit), f"{self.folder}/{path}")[1]

    def folder_id(self, commit: CommitId) -> str:
        """Tell which version of the whole skill a commit has; of a skill at the root, of its own files alone."""
        return self.folder_id_in(self._tree(commit))

    def folder_id_in(self, tree: str) -> str:
        """Tell the same of a whole repository's `tree`."""
        mode, oid = self._entry(tree, self.folder)
        if self.folder or mode != TREE:
            return oid
        return repr(sorted(item for item in self._walk(oid) if is_own_path(item[0])))

    def tree_id(self, commit: CommitId) -> str:
        """Give the skill as a git tree's id; of a skill at the root, of its own files alone. Empty where it is absent.

        For the root that tree need not be stored: `git ls-tree`, cut down to those files, and `git mktree` make it.
        """
        return skill_tree(Batch(self.repository), self._tree(commit), self.folder)

    def _tree(self, commit: CommitId) -> str:
        return str(self.repository.read_commit(commit).tree_id)

    def _entry(self, tree: str, path: str) -> tuple[int, str]:
        mode, oid = TREE, tree
        for name in path.split("/"):
            if name:
                mode, oid = self._entries(oid).get(name, (0, "")) if mode == TREE else (0, "")
        return mode, oid

    def _skill(self, tree: str) -> Skill:
        files: dict[str, bytes] = {}
        executable, foreign = set(), {}
        size = 0
        for path, mode, oid in self._walk(tree):
            if not self.folder and not is_own_path(path):
                foreign[path] = "other"
            elif mode in (FILE, EXECUTABLE):
                files[path] = self._blob(oid)
                size += len(files[path])
            else:
                foreign[path] = "symlink" if mode == LINK else "submodule"
            if mode == EXECUTABLE and path in files:
                executable.add(path)
            if size > MAX_BYTES:
                raise self._too_large()
        return Skill(files, frozenset(executable), foreign)

    def _walk(self, tree: str) -> list[tuple[str, int, str]]:
        """List what belongs to the skill. Where it is the repository's root, other folders are not the skill's.

        A few trees can name each other so that they unfold to millions: so the walk is bounded, not the result.
        """
        found: list[tuple[str, int, str]] = []
        todo = [("", tree)]
        for seen, (above, inside) in enumerate(_draining(todo)):
            for name, (mode, oid) in self._entries(inside).items():
                path = above + name
                if mode == TREE and (above or self.folder or name in SKILL_FOLDERS):
                    todo.append((f"{path}/", oid))
                else:
                    found.append((path, 0o100644 if mode == 0o100664 else mode, oid))
            if max(seen, len(found), len(todo)) > MAX_FILES or above.count("/") > MAX_DEPTH:
                raise self._too_large()
        return found

    def _too_large(self) -> InvalidInput:
        return InvalidInput(
            f"{self.folder or 'the repository'} holds more than {MAX_FILES} files, {MAX_BYTES // 1_000_000} MB "
            f"or {MAX_DEPTH} folders inside each other",
            hint="name the skill's own folder with --skill",
        )

    def _read_blob(self, oid: str) -> bytes:
        return self.repository.read_object(oid)


def with_skill(batch: Batch, tree: str, folder: str, old: Skill, new: Skill) -> str:
    """Return `tree` with the skill's files changed from `old` to `new`; nothing outside `folder` changes."""
    above = f"{folder}/" if folder else ""
    changed: dict[str, bytes | None] = {above + path: None for path in old.files.keys() - new.files.keys()}
    changed |= {above + path: data for path, data in new.files.items() if old.files.get(path) != data}
    return batch.edit_tree(tree, changed)


def skill_tree(batch: Batch, tree: str, folder: str) -> str:
    """Give what `SkillReader.tree_id` gives, of a tree that is in `batch` or stored."""
    mode = TREE
    for name in folder.split("/") if folder else ():
        mode, tree = batch.entries(tree).get(name, (0, "")) if mode == TREE else (0, "")
    if folder:
        return tree if mode == TREE else ""
    own = {name: entry for name, entry in batch.entries(tree).items() if name in {SKILL_FILE, *SKILL_FOLDERS}}
    return batch.tree(own)


def with_tree(batch: Batch, tree: str, folder: str, old: str) -> str:
    """Return the tree `tree` with the skill exactly as the tree `old` has it: its modes and links too."""
    if not folder:
        names = {SKILL_FILE, *SKILL_FOLDERS}
        others = {name: entry for name, entry in batch.entries(tree).items() if name not in names}
        return batch.tree(others | {name: entry for name, entry in batch.entries(old).items() if name in names})
    name, _, rest = folder.partition("/")
    here = batch.entries(tree).get(name, (TREE, ""))[1] or batch.tree({})
    before = batch.entries(old)[name][1]
    below = with_tree(batch, here, rest, before) if rest else before
    return batch.tree({**batch.entries(tree), name: (TREE, below)})


def find_skills(repository: Repository, commit: CommitId) -> list[str]:
    """List the folders of `commit` that hold a SKILL.md, the root as the empty name."""
    return skills_in(repository, str(repository.read_commit(commit).tree_id))


def skills_in(repository: Repository, root: str) -> list[str]:
    """List the folders of the tree `root` that hold a SKILL.md. Each tree is read once, however often it stands."""

    @cache
    def below(tree: str, depth: int) -> tuple[str, ...]:
        entries: Entries = tree_entries(repository, tree)
        found = [""] if entries.get(SKILL_FILE, (0, ""))[0] in (FILE, EXECUTABLE) else []
        for name, (mode, oid) in entries.items():
            if mode == TREE and depth and len(found) <= MAX_FILES:
                found += [f"{name}/{folder}".rstrip("/") for folder in below(oid, depth - 1)]
        return tuple(found)

    return sorted(below(root, MAX_DEPTH))


def _draining(todo: list[T]) -> Iterator[T]:
    """Give what is in `todo`, last first, also what is put there meanwhile."""
    while todo:
        yield todo.pop()


def is_skill(repository: Repository, folder: str) -> bool:
    """Tell whether the commit that is checked out has a SKILL.md in `folder`."""
    return not repository.git.head_is_unborn and bool(
        SkillReader(repository, folder).file_id(repository.head(), SKILL_FILE)
    )


def folder_in(repository: Repository, path: Path, *, inside: bool = False) -> str:
    """Give a folder on disk as a path inside the repository.

    A bare repository has no folders on disk: there `path` is taken as written,
    or as the root where only some place `inside` is meant.
    """
    if repository.git.is_bare:
        return "" if inside else str(path).strip("/").removeprefix("./").removesuffix(SKILL_FILE).strip("/")
    folder = path.resolve()
    folder = folder.parent if folder.name == SKILL_FILE else folder
    try:
        return folder.relative_to(Path(repository.git.workdir).resolve()).as_posix().removeprefix(".")
    except ValueError as error:
        raise InvalidInput(f"{path} is not inside {repository.shown}") from error
