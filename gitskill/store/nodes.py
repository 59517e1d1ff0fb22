"""Folds, resolutions and octopus commits: written, and read back with their live sets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, LessonId
from gitskill.message import Message
from gitskill.node import Kind, Live, Node, Octopus, Settled
from gitskill.skill.compose import apply_parts
from gitskill.skill.diff import changes_between
from gitskill.skill.hunks import Changes
from gitskill.skill.snapshot import Skill
from gitskill.store import lessons
from gitskill.store.history import line
from gitskill.store.objects import Batch
from gitskill.store.repository import Who
from gitskill.store.skills import SkillReader, with_skill


class NodeStore:
    """Merges of lessons on one base, written to and read from one repository."""

    def __init__(self, reader: SkillReader) -> None:
        self.reader = reader
        self.lesson = lru_cache(maxsize=None)(lambda commit: lessons.read(reader, commit))
        """Read a lesson by its commit, once."""
        self.live = lru_cache(maxsize=None)(self._read_live)
        """Read what a lesson, fold or resolution changes on its base, once."""
        self.read = lru_cache(maxsize=None)(self._read)
        """Read an octopus and what it carries, once, from its trailers and parents, never from its tree."""

    def settle(
        self, batch: Batch, base: CommitId, settled: Settled, of: Sequence[Live], skill: Skill, who: Who
    ) -> Live:
        """Put a fold or resolution into `batch`: `base` with `skill`, what it settles as parents, in their order."""
        made = batch.commit(
            self._tree(batch, base, skill),
            [live.commit for live in of],
            settled.message(),
            self._dated(who, base),
        )
        changes = changes_between(self.reader.read(base), skill)
        return Live(made, settled.kind, settled.sources, changes)

    def join(
        self, batch: Batch, base: CommitId, says: Octopus, live: Sequence[Live], parents: Sequence[CommitId], who: Who
    ) -> Node:
        """Put an octopus into `batch`. It holds no text of its own: its tree is the base plus every live change.

        The base is the first parent, so that `git log --first-parent` and
        `git revert -m 1` see the merge as one step of the skill.
        """
        skill = apply_parts(self.reader.read(base), parts(live))
        made = batch.commit(
            self._tree(batch, base, skill),
            [base, *dict.fromkeys(parents)],
            says.message(),
            self._dated(who, base),
        )
        return Node(made, base, says, tuple(live))

    def _read(self, commit: CommitId) -> Node:
        says = Octopus.parse(self._says(commit))
        base, *parents = self.reader.repository.parents(commit)
        below: list[Live] = []
        settled: set[LessonId] = set()
        for parent in parents:
            if self._says(parent).one("Level"):
                below += self.read(parent).live
                continue
            live = self.live(parent, base)
            below.append(live)
            # What stands here by itself takes the place of what a node below makes of the same lessons.
            settled |= set(live.lessons)
        gone = frozenset(lesson for lesson, _ in says.dropped)
        places = dict(says.places)
        kept = [
            _placed(live.without(gone), places)
            for live in below
            if not gone.issuperset(live.lessons) and (live.commit in parents or not settled.intersection(live.lessons))
        ]
        _agree(commit, says, kept)
        return Node(commit, base, says, tuple(kept))

    def line(self, commit: CommitId) -> tuple[Node, ...]:
        """Read an octopus and those of its run that it stands on, the last one first."""
        return tuple(self.read(at) for at, _ in line(self.reader.repository, commit))

    def members(self, live: Live, base: CommitId) -> list[Live]:
        """Give what a fold or resolution settles, with those of its lessons that still count."""
        counted = frozenset(live.lessons)
        every = [self.live(parent, base) for parent in self.reader.repository.parents(live.commit)]
        here = [item.without(frozenset(item.lessons) - counted) for item in every]
        return [item for item in here if item.sources]

    def settled(self, commit: CommitId) -> Settled:
        """Read what a fold or resolution settles, or raise InvalidInput: it is none."""
        return Settled.parse(self._says(commit))

    def _read_live(self, commit: CommitId, base: CommitId) -> Live:
        message = self._says(commit)
        if message.one("Resolution"):
            settled = Settled.parse(message)
            changes = changes_between(self.reader.read(base), self.reader.read(commit))
            return Live(commit, settled.kind, settled.sources, changes)
        lesson = self.lesson(commit)
        return Live(commit, Kind.LESSON, ((lesson.lesson.id, commit),), lesson.changes)

    def _says(self, commit: CommitId) -> Message:
        return Message.parse(self.reader.repository.read_commit(commit).message)

    def _tree(self, batch: Batch, base: CommitId, skill: Skill) -> str:
        tree = str(self.reader.repository.read_commit(base).tree_id)
        return with_skill(batch, tree, self.reader.folder, self.reader.read(base), skill)

    def _dated(self, who: Who, base: CommitId) -> Who:
        return who.at_least(self.reader.repository.read_commit(base).commit_time)


def parts(live: Sequence[Live]) -> Mapping[LessonId, Changes]:
    """Give the changes of a live set by what orders them."""
    return {item.key: item.changes for item in live}


def _placed(live: Live, places: Mapping[LessonId, LessonId]) -> Live:
    place = places.get(min(live.lessons))
    return replace(live, place=place) if place else live


def _agree(commit: CommitId, says: Octopus, live: Sequence[Live]) -> None:
    """Refuse an octopus whose parents and Support trailers tell different stories."""
    told = {lesson for lesson, _ in says.support}
    found = {lesson for item in live for lesson in item.lessons}
    if told != found:
        odd = ", ".join(sorted(str(lesson) for lesson in told ^ found))
        raise InvalidInput(f"octopus {commit[:10]} is damaged: its parents and its Support trailers differ on {odd}")
