"""What a command may need, opened on first use: --help and init must work anywhere."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gitskill.errors import GitRefused, InvalidInput, NotFound

if TYPE_CHECKING:
    from gitskill.ids import CommitId
    from gitskill.store.nodes import NodeStore
    from gitskill.store.repository import Repository, Who
    from gitskill.store.skills import SkillReader


_END_OF_TIME = 253_402_300_800
"""The year 10000, in seconds since 1970: what git and calendars can write."""


@dataclass(frozen=True)
class Session:
    """One command's view of the world: the only place that reads the environment and the clock."""

    directory: Path
    skill: str | None
    environment: Mapping[str, str]

    @cached_property
    def repository(self) -> "Repository":
        """The repository around the directory."""
        from gitskill.store.repository import Repository

        return Repository.open(self.directory)

    @property
    def ledger(self) -> Path:
        """Where paid answers of models are kept: shared by all work trees, never pushed."""
        return self.repository.common_dir / "gitskill" / "ledger.db"

    @cached_property
    def reader(self) -> "SkillReader":
        """The skill that the command is about."""
        from gitskill.store.skills import SkillReader

        return SkillReader(self.repository, self._folder())

    @cached_property
    def nodes(self) -> "NodeStore":
        """The merges of that skill's lessons."""
        from gitskill.store.nodes import NodeStore

        return NodeStore(self.reader)

    @property
    def is_bare(self) -> bool:
        """Tell whether the directory is in a repository without a work tree."""
        try:
            return bool(self.repository.git.is_bare)
        except (GitRefused, NotFound):
            return False

    def nearest_skill(self) -> Path:
        """Give the folder on disk that --skill names, else the nearest one upwards with a SKILL.md."""
        from gitskill.skill.snapshot import SKILL_FILE

        if self.skill is not None:
            return self.directory / self.skill
        for folder in (self.directory, *self.directory.resolve().parents):
            if (folder / SKILL_FILE).is_file():
                return folder
        return Path(self.repository.shown) / self.reader.folder

    def commit(self, name: str) -> "CommitId":
        """Resolve whatever git resolves, or the id of a lesson or merge, to a commit."""
        from gitskill.store.lookup import resolve

        return resolve(self.repository, name)

    @property
    def home(self) -> Path | None:
        """The person's home folder."""
        told = self.environment.get("HOME", "")
        return Path(told).resolve() if told.startswith("/") and told != "/" else None

    @property
    def now(self) -> int:
        """The moment of the command; SOURCE_DATE_EPOCH stops the clock."""
        fixed = self.environment.get("SOURCE_DATE_EPOCH", "")
        if fixed and not (fixed.isascii() and fixed.isdecimal() and int(fixed) < _END_OF_TIME):
            raise InvalidInput(f"SOURCE_DATE_EPOCH is {fixed!r}, not a number of seconds")
        return int(fixed or time.time())

    def who(self, *, path: Path | None = None) -> "Who":
        """Tell who is asking, as git would: the environment, then git's configuration."""
        from gitskill.store.repository import Who, identity

        name, email = identity(path or self.repository.git_dir)
        name = self.environment.get("GIT_COMMITTER_NAME", "") or name
        email = self.environment.get("GIT_COMMITTER_EMAIL", "") or email
        if not name or not email:
            raise InvalidInput(
                "git does not know who you are", hint='git config --global user.name "Your Name", and user.email'
            )
        return Who(name, email, self.now)

    @property
    def editor(self) -> str:
        """The person's editor, as git chooses it, but that no repository has a say in it."""
        from gitskill.store.repository import own_setting

        told = (self.environment.get("GIT_EDITOR"), own_setting("core.editor"))
        return next(filter(None, (*told, self.environment.get("VISUAL"), self.environment.get("EDITOR"))), "vi")

    def _folder(self) -> str:
        """Find the skill's folder in the repository: --skill, else around the directory, else the only one."""
        from gitskill.store.skills import find_skills, folder_in, is_skill

        if self.skill is not None:
            # A bare repository has no folders on disk: there --skill counts from its root.
            bare = self.repository.git.is_bare
            folder = folder_in(self.repository, Path(self.skill) if bare else self.directory / self.skill)
            if not is_skill(self.repository, folder):
                raise NotFound(f"{self.skill} is no skill in the commit that is checked out")
            return folder
        near = folder_in(self.repository, self.directory, inside=True)
        for folder in [near, *(str(parent) for parent in Path(near).parents)]:
            place = "" if folder == "." else folder
            if is_skill(self.repository, place):
                return place
        found = find_skills(self.repository, self.repository.head())
        if len(found) == 1:
            return found[0]
        if not found:
            raise NotFound(
                f"{self.repository.shown} holds no committed SKILL.md",
                hint="gitskill init makes one, or takes on one that you have",
            )
        raise InvalidInput(
            f"{self.repository.shown} holds {len(found)} skills", hint=f"say which with --skill: {', '.join(found[:6])}"
        )
