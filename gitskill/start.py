"""Taking a skill under gitskill: a new one from a template, or one that is there already."""

import re
from dataclasses import dataclass
from pathlib import Path

from gitskill import resources
from gitskill.checks.finding import Level
from gitskill.checks.whole import check_whole
from gitskill.disk import read_skill
from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.skill.snapshot import SKILL_FILE
from gitskill.store import checkout, tags
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.repository import Repository, Who
from gitskill.store.skills import folder_in
from gitskill.version import FIRST

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


def start(folder: Path, name: str, description: str, who: Who) -> Started:
    """Make `folder` a skill under version control and tag its first version. No file is ever overwritten."""
    created = not (folder / SKILL_FILE).exists()
    name = name or _NOT_NAME.sub("-", folder.resolve().name.lower()).strip("-")
    if created:
        _write_template(folder, name, description)
    else:
        _refuse_invalid(folder)
    repository = _repository(folder)
    place = folder_in(repository, folder)
    new = checkout.untracked(repository, place)
    commit = None
    if created or new:
        verb = "Start" if created else "Take on"
        commit = checkout.commit_files(repository, new, Message(f"{verb} skill {name}"), who)
    return Started(name, created, commit, _tag(repository, place, name, who))


def _write_template(folder: Path, name: str, description: str) -> None:
    title = name.replace("-", " ").capitalize()
    text = resources.fill(
        _TEMPLATE, name=name, description=_quoted(description or f"Describe {title} here."), title=title
    )
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / SKILL_FILE).open("x", encoding="utf-8") as file:
        file.write(text)


def _quoted(text: str) -> str:
    """Write `text` as a YAML string that means the same wherever it stands."""
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refuse_invalid(folder: Path) -> None:
    found = [item for item in check_whole(read_skill(folder), "") if item.level is Level.INVALID]
    if found:
        raise InvalidInput(
            f"{folder / found[0].path}: {found[0].message}",
            hint=f"{len(found)} such problems; see them all with: gitskill check {folder}",
        )


def _repository(folder: Path) -> Repository:
    try:
        return Repository.open(folder)
    except NotFound:
        return checkout.start_repository(folder)


def _tag(repository: Repository, folder: str, name: str, who: Who) -> str:
    if tags.releases(repository, folder):
        return ""
    tag = tags.tag_name(folder, FIRST)
    batch = Batch(repository)
    move = tags.add(batch, repository, tag, repository.head(), f"Base of skill {name}", who)
    record(repository, batch, Operation(f"init {tag}", (move,)), who)
    return tag
