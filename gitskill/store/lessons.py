"""Lessons as commits on branches: written once, read back from git alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import CommitId, LessonId, RunId
from gitskill.lesson import PERSON, Lesson
from gitskill.message import Message
from gitskill.skill.diff import changes_between
from gitskill.skill.hunks import Changes
from gitskill.skill.snapshot import Skill, is_own_path
from gitskill.store import names
from gitskill.store.history import commits_with
from gitskill.store.objects import EXECUTABLE, FILE, TREE, Batch, Entries, tree_entries
from gitskill.store.refs import HEADS, Move, commits_under
from gitskill.store.repository import Repository, Who
from gitskill.store.skills import SkillReader, with_skill

_LONGEST_CHAIN = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """A lesson and where it is."""

    id: LessonId
    commit: CommitId
    ref: str | None
    """Its branch, live or put away; None where only history holds it."""

    @property
    def branch(self) -> str | None:
        """The branch as git shows it; None where it is put away or gone."""
        return self.ref.removeprefix(HEADS) if self.ref and self.ref.startswith(HEADS) else None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A lesson as git has it, with whatever a person committed on its branch."""

    lesson: Lesson
    commit: CommitId
    base: CommitId
    changes: Changes


def add(reader: SkillReader, batch: Batch, lesson: Lesson, skill: Skill, base: CommitId, who: Who) -> Move:
    """Put the lesson's commit into `batch`: `base` with `skill` in its place. Returns the branch to create.

    `who` commits it; its author is its analyst.
    """
    repository = reader.repository
    commit = repository.read_commit(base)
    tree = with_skill(batch, str(commit.tree_id), reader.folder, reader.read(base), skill)
    who = who.at_least(commit.commit_time)
    made = batch.commit(tree, [base], lesson.message(), _author(lesson, who), who)
    return Move(names.lesson_ref(repository, lesson.id, lesson.slug), None, made)


def _author(lesson: Lesson, who: Who) -> Who:
    if lesson.analyst == PERSON:
        return who
    name = f"analyst-{lesson.analyst.partition(' ')[0]}"
    return Who(name, f"{name}@gitskill.invalid", who.when)


def read(reader: SkillReader, commit: CommitId) -> Recorded:
    """Read the lesson whose branch ends at `commit`.

    A person may have amended it: every commit from the base on must have one
    parent, and only files of the skill may differ, as plain files.
    """
    lesson, base = _origin(reader.repository, commit)
    _refuse_foreign(reader, base, commit)
    return Recorded(lesson, commit, base, changes_between(reader.read(base), reader.read(commit)))


def _origin(repository: Repository, tip: CommitId) -> tuple[Lesson, CommitId]:
    """Walk from the tip to the commit that began the lesson; its parent is the base."""
    newest: Lesson | None = None
    at = repository.read_commit(tip)
    for _ in range(_LONGEST_CHAIN):
        message = Message.parse(at.message)
        if newest is None and message.one("Lesson"):
            newest = Lesson.parse(message)
        if not at.parent_ids and repository.git.is_shallow:
            raise repository.lacking(f"the base of {tip[:10]}")
        if not at.parent_ids and newest is None:
            raise InvalidInput(f"{tip[:10]} is no lesson: no commit in its history has a Lesson trailer")
        if len(at.parent_ids) != 1:
            raise InvalidInput(
                f"{tip[:10]} is no lesson: {str(at.id)[:10]} has {len(at.parent_ids)} parents",
                hint="a lesson is a chain of commits with one parent each, and its first message keeps its trailers",
            )
        below = repository.read_commit(CommitId(str(at.parent_ids[0])))
        if newest and not _is_part(Message.parse(below.message), newest.id):
            return newest, CommitId(str(below.id))
        at = below
    raise InvalidInput(f"{tip[:10]} is no lesson: no commit in its last {_LONGEST_CHAIN} has a Lesson trailer")


def _is_part(message: Message, lesson: LessonId) -> bool:
    """Tell whether a commit is one of the lesson's: the base may be a lesson too, of an earlier run."""
    return (message.one("Gitskill-Run"), message.one("Lesson")) == (str(lesson.run), lesson.short)


def _refuse_foreign(reader: SkillReader, base: CommitId, tip: CommitId) -> None:
    """Refuse what a lesson cannot hold: files outside the skill, links, submodules, changed modes."""
    for path, problem in foreign_changes(reader, base, tip):
        raise InvalidInput(f"lesson {tip[:10]} {problem.format(path=path)}")


def foreign_changes(reader: SkillReader, base: CommitId, tip: CommitId) -> Iterator[tuple[str, str]]:
    """Give each path that differs and is no plain file of the skill, with a sentence that has a place for its name."""
    trees = [str(reader.repository.read_commit(commit).tree_id) for commit in (base, tip)]
    above = f"{reader.folder}/" if reader.folder else ""
    for path, old, new in _differing(reader.repository, trees[0], trees[1], ""):
        if not (path.startswith(above) if above else is_own_path(path)):
            yield path, "changes {path}, which is not the skill's"
        elif new and new not in ({FILE, EXECUTABLE} & {old or FILE}):
            yield path, f"makes {{path}} something other than a plain file (mode {new:o})"


def _differing(
    repository: Repository, a: str | None, b: str | None, above: str
) -> Iterator[tuple[str, int | None, int | None]]:
    """List path, old and new mode of what differs between two trees."""
    if a == b:
        return
    old: Entries = tree_entries(repository, a) if a else {}
    new: Entries = tree_entries(repository, b) if b else {}
    for name in sorted(old.keys() | new.keys()):
        (mode, oid), (mode2, oid2) = old.get(name, (None, None)), new.get(name, (None, None))
        if (mode, oid) == (mode2, oid2):
            continue
        if TREE in (mode, mode2):
            yield from _differing(
                repository, oid if mode == TREE else None, oid2 if mode2 == TREE else None, f"{above}{name}/"
            )
        if (mode, mode2) != (TREE, TREE) and (mode not in (None, TREE) or mode2 not in (None, TREE)):
            yield above + name, None if mode == TREE else mode, None if mode2 == TREE else mode2


def listed(repository: Repository, run: RunId | None = None) -> list[Found]:
    """List the lessons that have a branch, live or put away, in the order of their ids."""
    found: dict[LessonId, Found] = {}
    for prefix in (names.ARCHIVE, names.branches(repository)):
        for ref, commit in commits_under(repository, prefix):
            lesson = names.lesson_of(repository, ref)
            if lesson and run in (None, lesson.run):
                found[lesson] = Found(lesson, commit, ref)
    return [found[lesson] for lesson in sorted(found)]


def find(repository: Repository, name: str) -> Found:
    """Find a lesson by `r0007/l0042a`, by `l0042a` where that is unique, or by its branch.

    Branches are asked first, then the history of every branch and tag, so that
    a fresh clone answers too.
    """
    short = name.removeprefix(HEADS).removeprefix(f"{repository.prefix}/")
    wanted = [item for item in listed(repository) if _is_named(item, short)]
    if not wanted:
        wanted = [item for item in _in_history(repository, short.partition("-")[0]) if _is_named(item, short)]
    if not wanted:
        raise NotFound(
            f"there is no lesson {name!r} in {repository.shown}", hint="gitskill show RUN lists the lessons of a run"
        )
    if len(wanted) > 1:
        raise InvalidInput(
            f"{name!r} is the name of {len(wanted)} lessons", hint=f"say {' or '.join(str(item.id) for item in wanted)}"
        )
    return wanted[0]


def _is_named(item: Found, name: str) -> bool:
    bare = name.partition("-")[0] if "/" in name else name
    return bare in (str(item.id), item.id.short)


def _in_history(repository: Repository, name: str) -> Iterable[Found]:
    found: dict[LessonId, Found] = {}
    for commit, message in commits_with(repository, "Lesson"):
        if message.one("Lesson") == name.rpartition("/")[2]:
            lesson = Lesson.parse(message).id
            found.setdefault(lesson, Found(lesson, commit, None))
    return found.values()
