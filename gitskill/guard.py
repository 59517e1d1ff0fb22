"""What git asks through its hooks: whether a commit, a message, a push may go through.

Each function gives what speaks against it, all of it at once, and changes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gitskill.checks.change import check_change
from gitskill.checks.finding import Finding, Level
from gitskill.checks.reach import reach_findings
from gitskill.checks.whole import check_whole
from gitskill.errors import InvalidInput, NotFound
from gitskill.message import Message
from gitskill.skill.snapshot import Skill
from gitskill.store.names import branches
from gitskill.store.refs import HEADS, OWN, is_version_tag
from gitskill.store.repository import Repository
from gitskill.store.share import keeps
from gitskill.store.skills import SkillReader, skills_in
from gitskill.store.staged import current_branch, parents_to_be, typed, written

_OURS = ("Gitskill-Run", "Lesson", "Lesson-From", "Level", "Group")
"""Trailers by which a commit is known to be a lesson or a merge of lessons."""

Author = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class RefChange:
    """One ref of a push, as git tells it to a hook."""

    ref: str
    old: str
    new: str

    @property
    def deletes(self) -> bool:
        """The ref is gone afterwards."""
        return set(self.new) == {"0"}

    @property
    def creates(self) -> bool:
        """There was no such ref."""
        return set(self.old) == {"0"}


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a ref may not be pushed."""

    ref: str
    why: str
    allowed_by: str = ""
    """The word with which a person may allow it; empty where nobody may."""


def staged_findings(repository: Repository, tree: str) -> list[Finding]:
    """Hold every staged skill against the commits that it will stand on: what is new against all of them counts.

    In a new skill everything is new: it is held against what every skill must be, and its reach is not asked about.
    """
    bases = [str(repository.read_commit(commit).tree_id) for commit in parents_to_be(repository)]
    found: list[Finding] = []
    for folder in skills_in(repository, tree):
        reader = SkillReader(repository, folder)
        if reader.folder_id_in(tree) not in [reader.folder_id_in(base) for base in bases]:
            here = _new_findings(reader, tree, bases)
            found += [replace(each, path="/".join(filter(None, (folder, each.path)))) for each in here]
    return found


def _new_findings(reader: SkillReader, tree: str, bases: Sequence[str]) -> list[Finding]:
    skill = reader.read_tree(tree)
    against = [base for base in map(reader.read_tree, bases) if base.files]
    if not against:
        return list(check_whole(skill, reader.folder.rpartition("/")[2]))
    first, *others = ([*check_change(base, skill), *reach_findings(base, skill)] for base in against)
    return [each for each in first if all(each in other for other in others)]


def message_problem(repository: Repository, text: str, author: Author | None) -> str:
    """Say what a message on one of our branches would lose; empty where it keeps what it must.

    Whoever amends a lesson keeps its trailers, in a last paragraph of their own. A further commit on the branch
    needs none. Git does not tell a hook which of the two it is; an amended commit keeps its author and date.
    """
    if not current_branch(repository).startswith(branches(repository)) or repository.git.head_is_unborn:
        return ""
    said, before = written(repository, repository.head())
    text = typed(repository, text)
    now = Message.parse(text)
    named = {line.partition(":")[0] for line in text.split("\n")} & set(_OURS)
    if broken := sorted(named - {key for key, _ in now.trailers}):
        return f"{broken[0]}: does not stand in the last paragraph, or that holds more than trailers"
    if not named and author != before:
        return ""
    lost = [f"{key}: {value}" for key, value in said.trailers if (key, value) not in now.trailers]
    return f"the trailer is gone: {lost[0]}" if lost else ""


def push_objections(repository: Repository, changes: Iterable[RefChange]) -> Iterator[Objection]:
    """Say what should not leave this machine without being asked for: our own branches, and skills that are invalid."""
    for change in changes:
        if change.deletes:
            continue
        if change.ref.startswith((branches(repository), OWN)):
            yield Objection(change.ref, "is gitskill's own, and not for others unless you say so", "branches")
        elif change.ref.startswith((HEADS, "refs/tags/")):
            yield from (Objection(change.ref, why, "red") for why in _red(repository, change))


def receive_objections(repository: Repository, changes: Iterable[RefChange]) -> Iterator[Objection]:
    """Say what a server must not take: invalid skills, and history that is taken back."""
    for change in changes:
        if is_version_tag(change.ref) and not change.creates:
            yield Objection(change.ref, "is a released version: its tag never moves and is never deleted")
        elif change.ref.startswith(OWN) and not _goes_on(repository, change):
            yield Objection(change.ref, "would lose history: fetch first, and push what goes on from there")
        elif change.ref.startswith((HEADS, "refs/tags/")) and not change.deletes:
            yield from (Objection(change.ref, why) for why in _red(repository, change))


def _goes_on(repository: Repository, change: RefChange) -> bool:
    if change.creates:
        return True
    return not change.deletes and keeps(repository, change.new, change.old)


def _red(repository: Repository, change: RefChange) -> Iterator[str]:
    """Name what makes a skill invalid that this push changes."""
    new, old = _tree(repository, change.new), _tree(repository, change.old)
    for folder in skills_in(repository, new) if new else ():
        reader = SkillReader(repository, folder)
        if old and reader.folder_id_in(old) == reader.folder_id_in(new or ""):
            continue
        skill: Skill = reader.read_tree(new or "")
        wrong = [each for each in check_whole(skill, "") if each.level is Level.INVALID]
        yield from ("/".join(filter(None, (folder, f"{each.path}: {each.message}"))) for each in wrong[:3])


def _tree(repository: Repository, oid: str) -> str | None:
    """Give the tree that a pushed object leads to; None where it leads to none, or is not known here."""
    try:
        return None if set(oid) == {"0"} else str(repository.read_commit(repository.commit(oid)).tree_id)
    except (NotFound, InvalidInput):
        return None
