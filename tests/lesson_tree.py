"""A run whose lessons are committed through the store, to be consolidated as often as one likes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from build import RUN
from conftest import WHO, git
from gitskill.consolidate.gather import Gathered, gather
from gitskill.consolidate.place import Budget
from gitskill.consolidate.rules import BySupport
from gitskill.consolidate.run import Consolidated, Holder, Tree, consolidate
from gitskill.consolidate.settle import Settler
from gitskill.consolidate.tree import Policy
from gitskill.fate import LessonFate, State
from gitskill.ids import LessonId
from gitskill.lesson import Lesson, TraceRef
from gitskill.plan import tree
from gitskill.skill.edits import Edit, apply_edits
from gitskill.store import lessons
from gitskill.store.locks import held
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.repository import Repository
from gitskill.store.runs import Run
from gitskill.store.skills import SkillReader


@dataclass(frozen=True)
class Said:
    """A lesson: what it adds where, and which trace it is from."""

    edit: Edit
    trace: int
    critical: bool = False


@dataclass(frozen=True)
class Bench:
    """A run with lessons, ready to be consolidated as often as one likes."""

    nodes: NodeStore
    run: Run
    gathered: Gathered

    def consolidated(
        self, fan_in: int, min_support: int = 1, settler: Settler | None = None, **budget: int
    ) -> Consolidated:
        policy = Policy(settler or BySupport(), Budget(min_support, **budget))
        shape = Tree(tree(20, fan_in), 20)
        with held(self.nodes.reader.repository, self.run.id) as lock:
            return asyncio.run(consolidate(self.nodes, self.run, shape, self.gathered, policy, Holder(lock, WHO)))

    def lines(self, made: Consolidated) -> list[str]:
        assert made.candidate
        skill = self.nodes.reader.read(made.candidate.commit)
        return [line for path in skill.files for line in skill.text(path).lines if line.strip()]


def bench(folder: Path, said: Sequence[Said]) -> Bench:
    """Commit lessons in a fresh copy of the repository."""
    repository = Repository.open(folder)
    gone = git(folder, "for-each-ref", "--format=delete %(refname)", "refs/heads/gitskill", "refs/gitskill")
    git(folder, "update-ref", "--stdin", data=gone)
    reader = SkillReader(repository, "")
    batch, moves, fates = Batch(repository), [], {}
    base = reader.read(repository.head())
    for number, one in enumerate(said, start=1):
        lesson = LessonId(RUN, number, "a")
        trace = TraceRef(f"{one.trace:064x}", f"task-{one.trace % 3}", "failure")
        made = Lesson(lesson, f"Lesson {number}", "seen", "offline", (trace,), critical=one.critical)
        moves.append(lessons.add(reader, batch, made, apply_edits(base, (one.edit,)), repository.head(), WHO))
        fates[lesson.short] = LessonFate(lesson.short, made.title, State.PROPOSED, str(moves[-1].new))
    record(repository, batch, Operation("teach", tuple(moves)), WHO)
    nodes = NodeStore(reader)
    run = Run(RUN, repository.head(), "", "offline", WHO.when, planned=20)
    return Bench(nodes, run, gather(nodes, run, fates))
