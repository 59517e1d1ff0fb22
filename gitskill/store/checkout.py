"""The checkout: the only module that reads or writes an index or a work tree, for the few commands that may."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import CheckoutStrategy, FileStatus

from gitskill.errors import GitRefused, InvalidInput, NeedsPerson
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.skill.snapshot import is_own_path
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import Move, target
from gitskill.store.repository import Repository, Who
from gitskill.store.skills import SkillReader


def start_repository(folder: Path) -> Repository:
    """Make `folder` a git repository whose branch is `main`."""
    pygit2.init_repository(str(folder), initial_head="main")
    return Repository.open(folder)


def refuse_unfit(repository: Repository, file: Path) -> None:
    """Raise, before anything is written, where `file` could not be committed in the work tree around it."""
    git = repository.git
    if git.is_bare or git.workdir is None:
        raise InvalidInput(f"{repository.shown} has no work tree to put {file.name} into", hint="work in a clone of it")
    path = file.resolve()
    if not path.is_relative_to(Path(git.workdir).resolve()) or path.is_relative_to(repository.common_dir.resolve()):
        raise InvalidInput(f"{file} would not be in the work tree of {repository.shown}")
    if git.path_is_ignored(str(path.relative_to(Path(git.workdir).resolve()))):
        raise InvalidInput(
            f"{file} is ignored by this repository's .gitignore", hint="take its folder out of .gitignore"
        )
    if git.head_is_detached:
        raise NeedsPerson("HEAD is detached, so no branch would keep the commit", hint="git switch main")
    lock = repository.git_dir / "index.lock"
    if lock.exists():
        raise GitRefused(f"another git command is at work: {lock} exists", hint="remove it if no such command runs")
    _read_index(git)


def _read_index(git: pygit2.Repository) -> pygit2.Index:
    try:
        git.index.read()
    except (pygit2.GitError, OSError) as error:
        raise GitRefused(
            f"libgit2 cannot read the index: {error}",
            hint="git update-index --no-split-index, or git sparse-checkout reapply --no-sparse-index",
        ) from error
    index: pygit2.Index = git.index
    return index


def untracked(repository: Repository, folder: str) -> list[str]:
    """List the skill's files that no commit has yet. Ignored and hidden files are left out: `.env` is not for git."""
    above = f"{folder}/" if folder else ""
    status = repository.git.status(untracked_files="all", ignored=False)
    return sorted(
        path
        for path, state in status.items()
        if state & (FileStatus.WT_NEW | FileStatus.INDEX_NEW)
        and path.startswith(above)
        and _is_skills(repository, path)
    )


def _is_skills(repository: Repository, path: str) -> bool:
    """Take all that can be seen, but beside what others committed at the root only the skill's own parts."""
    hidden = any(part.startswith(".") for part in path.split("/") if part not in (".gitignore", ".gitattributes"))
    root = "/" not in path or is_own_path(path)
    return not hidden and (not root or repository.git.head_is_unborn or is_own_path(path))


def edited(reader: SkillReader) -> list[str]:
    """List the skill's committed files that differ on disk: a lesson's base does not have these edits."""
    if reader.repository.git.is_bare or reader.repository.git.head_is_unborn:
        return []
    _read_index(reader.repository.git)
    above = f"{reader.folder}/" if reader.folder else ""
    files = reader.read(reader.repository.head()).files
    return sorted(path for path in files if reader.repository.git.status_file(above + path) != FileStatus.CURRENT)


def commit_files(repository: Repository, paths: Sequence[str], message: Message, who: Who) -> CommitId:
    """Commit files of the work tree on the branch that is checked out, and nothing else that is staged.

    `refuse_unfit` tells first whether that can be done.
    """
    git = repository.git
    branch = git.references["HEAD"].target if git.head_is_unborn else git.head.name
    parents = [] if git.head_is_unborn else [repository.head()]
    index = _read_index(git)
    only = pygit2.Index()
    if parents:
        only.read_tree(repository.read_commit(parents[0]).tree)
    for path in paths:
        index.add(path)
        only.add(index[path])
    batch = Batch(repository)
    made = batch.commit(str(only.write_tree(git)), parents, message, who)
    batch.land([Move(str(branch), parents[0] if parents else None, made)], who, message.subject, own=str(branch))
    index.write()
    return made


def branch_here(repository: Repository) -> str:
    """Name the branch that is checked out: `refs/heads/main`. Raises NeedsPerson where HEAD is on none."""
    if repository.git.head_is_detached:
        raise NeedsPerson("HEAD is detached, so no branch would keep the commit", hint="git switch main")
    repository.head()  # says what is wrong where no commit is there yet
    return str(repository.git.head.name)


def advance(repository: Repository, batch: Batch, operation: Operation, step: Move, who: Who) -> None:
    """Move the branch that is checked out, the index and the work tree with it, as one logged operation, or nothing.

    Only a clean checkout is moved: NeedsPerson says what is in the way. A bare
    repository has none, so there only refs move. Files that git does not know
    are never overwritten.
    """
    whole = replace(operation, moves=(step, *operation.moves))
    if repository.git.is_bare:
        record(repository, batch, whole, who, own=step.ref)
        return
    refuse_unclean(repository)
    batch.write()
    # The work tree goes first: a process that dies in between leaves a staged change, which no commit can lose.
    _check_out(repository, str(step.new))
    try:
        record(repository, batch, whole, who, own=step.ref)
    finally:
        if target(repository, step.ref) != step.new:
            _put_back(repository, str(step.old), str(step.new))


def refuse_unclean(repository: Repository) -> None:
    """Raise NeedsPerson where a file that git knows has changes, or a merge or rebase is under way."""
    _read_index(repository.git)
    if repository.git.state():
        raise NeedsPerson(
            "git is in the middle of a merge, rebase or bisect here", hint="git status says how to end it"
        )
    changed = sorted(repository.git.status(untracked_files="no", ignored=False))
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise NeedsPerson(
            f"the checkout is not clean: {changed[0]}{more}", hint="commit it, or put it aside: git stash"
        )


def _check_out(repository: Repository, commit: str) -> None:
    """Bring index and work tree to `commit`. No filter or hook of the repository's runs."""
    git: Any = repository.git
    try:
        git.checkout_tree(git[commit], strategy=CheckoutStrategy.SAFE)
    except pygit2.GitError as error:
        raise NeedsPerson(
            f"the checkout cannot be brought to {commit[:10]}: {error}", hint="git status says what is in the way"
        ) from error


def _put_back(repository: Repository, old: str, new: str) -> None:
    """Undo `_check_out`: what differs between the two commits was clean before, or not there at all."""
    git: Any = repository.git
    deltas = git.diff(git[old], git[new]).deltas
    paths = sorted({side.path for delta in deltas for side in (delta.old_file, delta.new_file)})
    how = CheckoutStrategy.FORCE | CheckoutStrategy.REMOVE_UNTRACKED | CheckoutStrategy.DISABLE_PATHSPEC_MATCH
    git.checkout_tree(git[old], strategy=how, paths=paths)
