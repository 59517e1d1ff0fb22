"""Taking a skill under gitskill: a new one from a template, or one that is there already."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitskill import resources
from gitskill.checks.finding import Level
from gitskill.checks.whole import check_whole
from gitskill.disk import nearest_folder, read_skill
from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.record import Record
from gitskill.skill import frontmatter
from gitskill.skill.snapshot import SKILL_FILE, Skill
from gitskill.store import checkout, tags
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.repository import Repository, Who
from gitskill.store.skills import SkillReader, find_skills, folder_in
from gitskill.version import FIRST

if TYPE_CHECKING:
    from gitskill.drafting import Drafted

_NAME = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
_NOT_NAME = re.compile(r"[^a-z0-9]+")
_TEMPLATE = "templates/skill/SKILL.md"


@dataclass(frozen=True, slots=True)
class Started:
    """What `init` did."""

    name: str
    created: bool
    """The SKILL.md is new; False where one was taken on."""
    commit: CommitId | None
    """The commit that was made; None where the skill was committed already."""
    tag: str
    """The first version; empty where the skill has versions already."""


def start(
    folder: Path, name: str, description: str, who: Who, draft: "Callable[[str], Drafted] | None" = None
) -> Started:
    """Make `folder` a skill under version control and tag its first version.

    Everything that could be in the way is looked at before anything is
    written, and no file is ever overwritten. `draft` is asked for the text of
    a new skill of that name after that; if it raises, nothing is left behind.
    """
    created = is_new(folder / SKILL_FILE)
    name = name or _NOT_NAME.sub("-", folder.resolve().name.lower()).strip("-")
    skill = Skill({SKILL_FILE: _template(name, description)}) if created else read_skill(folder)
    _refuse_invalid(folder, skill)
    name = str(frontmatter.split(str(skill.text(SKILL_FILE))).fields["name"])
    repository = _fit(folder)
    drafted = draft(name) if draft else None
    if drafted:  # that may have taken minutes
        repository = _fit(folder)
    if created:
        _write(folder, drafted.text if drafted else skill.files[SKILL_FILE])
    repository = repository or checkout.start_repository(folder)
    place = folder_in(repository, folder)
    new = checkout.untracked(repository, place)
    says = Message(
        f"{'Start' if created else 'Take on'} skill {name}",
        trailers=(("Drafted-By", drafted.by),) if drafted else (),
    )
    commit = checkout.commit_files(repository, new, says, who) if new else None
    made = f", commit {commit[:10]}" if commit else ""
    return Started(name, created, commit, _tag(repository, place, f"Base of skill {name}", made, who))


def _fit(folder: Path) -> Repository | None:
    """Give the repository around `folder`, if there is one, or raise where the skill cannot be committed in it."""
    repository = repository_around(folder)
    if repository:
        checkout.refuse_unfit(repository, folder / SKILL_FILE)
        _refuse_namesake(repository, folder_in(repository, folder))
    return repository


def is_new(file: Path) -> bool:
    """Tell whether there is no SKILL.md yet. Raises where something else has its name: it is never followed."""
    try:
        if file.is_symlink() or (file.exists() and not file.is_file()):
            raise InvalidInput(f"{file} is not a plain file")
        return not file.exists()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be looked at: {error.strerror}") from error


def _template(name: str, description: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name for a skill: small letters, digits and single hyphens, 64 at most", hint="give --name"
        )
    title = name.replace("-", " ").capitalize()
    about = frontmatter.quoted(description or f"Describe {title} here.")
    return resources.fill(_TEMPLATE, name=name, description=about, title=title).encode("utf-8", "surrogateescape")


def _refuse_invalid(folder: Path, skill: Skill) -> None:
    found = [item for item in check_whole(skill, "") if item.level is Level.INVALID]
    if found:
        raise InvalidInput(
            f"{folder / found[0].path}: {found[0].message}",
            hint=f"{len(found)} such problems; see them all with: gitskill check {folder}",
        )


def repository_around(folder: Path) -> Repository | None:
    """Give the repository that `folder` is in, or would be in; None where there is none."""
    try:
        return Repository.open(nearest_folder(folder))
    except NotFound:
        return None


def _refuse_namesake(repository: Repository, place: str) -> None:
    """Refuse a skill whose version tags would have the names of another's, or names that git does not allow."""
    tag = tags.tag_name(place, FIRST)
    if not tags.is_valid(tag):
        raise InvalidInput(f"no tag can be named {tag!r}, so the folder {place!r} cannot hold a skill")
    others = [] if repository.git.head_is_unborn else find_skills(repository, repository.head())
    for other in others:
        if other != place and tags.tag_name(other, FIRST) == tag:
            raise InvalidInput(f"the skill in {other} has the same name, so both would have the version tag {tag}")


def _write(folder: Path, text: bytes) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / SKILL_FILE).open("xb") as file:
            file.write(text)
    except OSError as error:
        raise InvalidInput(f"{folder / SKILL_FILE} cannot be written: {error.strerror}") from error


def _tag(repository: Repository, folder: str, message: str, made: str, who: Who) -> str:
    if tags.releases(repository, folder):
        return ""
    tag = tags.tag_name(folder, FIRST)
    batch, head = Batch(repository), repository.head()
    says = Record(FIRST, folder, head, SkillReader(repository, folder).tree_id(head))
    move = tags.add(batch, tag, head, says.message(message), who)
    record(repository, batch, Operation(f"init {tag}{made}", (move,)), who)
    return tag
