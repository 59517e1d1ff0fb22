"""The checkout: the only module that reads or writes an index or a work tree, for the few commands that may."""

from collections.abc import Sequence
from pathlib import Path

import pygit2
from pygit2.enums import FileStatus

from gitskill.errors import NeedsPerson
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.skill.snapshot import is_own_path
from gitskill.store.objects import Batch
from gitskill.store.refs import Move, move
from gitskill.store.repository import Repository, Who
from gitskill.store.skills import SkillReader


def start_repository(folder: Path) -> Repository:
    """Make `folder` a git repository whose branch is `main`."""
    pygit2.init_repository(str(folder), initial_head="main")
    return Repository.open(folder)


def untracked(repository: Repository, folder: str) -> list[str]:
    """List the skill's files that no commit has yet and no .gitignore excludes."""
    above = f"{folder}/" if folder else ""
    status = repository.git.status(untracked_files="all", ignored=False)
    return sorted(
        path
        for path, state in status.items()
        if state in (FileStatus.WT_NEW, FileStatus.INDEX_NEW)
        and path.startswith(above)
        and (folder or _of_root_skill(repository, path))
    )


def _of_root_skill(repository: Repository, path: str) -> bool:
    """In a repository that has no commit yet everything is the skill's; later only the skill's own parts are."""
    return repository.git.head_is_unborn or is_own_path(path)


def edited(reader: SkillReader) -> list[str]:
    """List the skill's committed files that differ on disk: a lesson's base does not have these edits."""
    if reader.repository.git.is_bare or reader.repository.git.head_is_unborn:
        return []
    above = f"{reader.folder}/" if reader.folder else ""
    files = reader.read(reader.repository.head()).files
    return sorted(path for path in files if reader.repository.git.status_file(above + path) != FileStatus.CURRENT)


def commit_files(repository: Repository, paths: Sequence[str], message: Message, who: Who) -> CommitId:
    """Commit files of the work tree on the branch that is checked out, and nothing else that is staged.

    Raises NeedsPerson on a detached HEAD: there is no branch to keep the commit.
    """
    git = repository.git
    if git.head_is_detached:
        raise NeedsPerson("HEAD is detached, so no branch would keep the commit", hint="git switch main")
    branch = git.references["HEAD"].target if git.head_is_unborn else git.head.name
    parents = [] if git.head_is_unborn else [repository.head()]
    git.index.read()
    only = pygit2.Index()
    if parents:
        only.read_tree(repository.read_commit(parents[0]).tree)
    for path in paths:
        git.index.add(path)
        only.add(git.index[path])
    batch = Batch(repository)
    made = batch.commit(str(only.write_tree(git)), parents, message, who)
    batch.write()
    move(repository, [Move(str(branch), parents[0] if parents else None, made)], who, message.subject, own=str(branch))
    git.index.write()
    return made
