"""The files in which a user and a repository have configured something, found and read."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gitskill.cli.session import Session
from gitskill.errors import InvalidInput

if TYPE_CHECKING:
    from gitskill.config import UserConfig
    from gitskill.ids import CommitId
    from gitskill.model.budget import Limits
    from gitskill.store.repository import Repository

REPOSITORY_FILE = ".gitskill.yml"


def config_path(session: Session) -> Path | None:
    """Tell where the user's file is, or would be."""
    from gitskill.config import place

    found = place(session.environment)
    return session.directory / found if found else None


def user_config(session: Session) -> "UserConfig":
    """Read the user's file. There need not be one, unless GITSKILL_CONFIG names it."""
    from gitskill.config import MAX_BYTES, UserConfig, parse

    path = config_path(session)
    if path is None:
        return UserConfig()
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        if session.environment.get("GITSKILL_CONFIG"):
            raise InvalidInput(f"{path}, which GITSKILL_CONFIG names, is not there") from error
        return UserConfig()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    return parse(data, path, session.home)


def exposed(session: Session, user: "UserConfig") -> str:
    """Say so if the user's file holds a key that others on this machine can read."""
    path = config_path(session)
    if path is None or not user.secrets:
        return ""
    mode = path.stat().st_mode
    is_open = stat.S_ISREG(mode) and bool(mode & 0o077)
    return f"{path} holds a key, and others on this machine may read it: chmod 600 {path}" if is_open else ""


def narrowed_limits(session: Session, limits: "Limits", base: "CommitId | None" = None) -> "Limits":
    """Tighten `limits` by the repository's files, or raise InvalidInput that names the file and the key."""
    commit = base or session.repository.head()
    return narrowed_in(session.repository, commit, session.reader.folder, limits)


def narrowed_in(repository: "Repository", commit: "CommitId", folder: str, limits: "Limits") -> "Limits":
    """Tighten `limits` by the files of a commit, at its root and in the skill's `folder`."""
    from gitskill.config import narrowing
    from gitskill.model.budget import narrowed

    for path, data in _repository_files(repository, commit, folder):
        try:
            limits = narrowed(limits, narrowing(data))
        except InvalidInput as error:
            raise InvalidInput(f"{path} of the repository: {error}", hint=error.hint) from error
    return limits


def _repository_files(repository: "Repository", commit: "CommitId", skill: str) -> Iterator[tuple[str, bytes]]:
    """Give the committed files: what only lies in the work tree is nobody's decision yet."""
    from gitskill.store.skills import SkillReader

    root = SkillReader(repository, "")
    for folder in dict.fromkeys(("", skill)):
        path = f"{folder}/{REPOSITORY_FILE}".lstrip("/")
        if oid := root.file_id(commit, path):
            yield path, repository.read_object(oid)
