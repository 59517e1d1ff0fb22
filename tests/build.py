"""Lessons and merges built through the store, for tests that are about what comes after."""

from collections.abc import Iterable, Sequence

from conftest import WHO
from gitskill.ids import CommitId, LessonId, NodeId, RunId
from gitskill.lesson import Lesson, TraceRef
from gitskill.node import Live, Node, Octopus, Settled, Support
from gitskill.skill.snapshot import Skill
from gitskill.store import lessons
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch

RUN = RunId(1)


def lesson_id(number: int) -> LessonId:
    return LessonId(RUN, number, "a")


def base_skill(nodes: NodeStore) -> Skill:
    return nodes.reader.read(nodes.reader.repository.head())


def teach(nodes: NodeStore, texts: Iterable[str], path: str = "SKILL.md") -> list[Live]:
    """Commit one lesson for each version of a file, and give what each changes."""
    return teach_skills(nodes, [base_skill(nodes).with_file(path, text.encode()) for text in texts])


def teach_skills(nodes: NodeStore, skills: Iterable[Skill], analyst: str = "error test") -> list[Live]:
    """Commit one lesson for each version of the skill, and give what each changes."""
    repository = nodes.reader.repository
    base = repository.head()
    batch = Batch(repository)
    made = [
        lessons.add(nodes.reader, batch, _lesson(number, analyst), skill, base, WHO)
        for number, skill in enumerate(skills, 1)
    ]
    batch.write()
    return [nodes.live(CommitId(str(move.new)), base) for move in made]


def _lesson(number: int, analyst: str) -> Lesson:
    trace = TraceRef(f"{number:064x}", f"task-{number % 3}", "failure")
    return Lesson(lesson_id(number), f"Lesson {number}", "It went wrong.", analyst, (trace,))


def join(nodes: NodeStore, place: tuple[int, int], live: Sequence[Live], parents: Sequence[CommitId] = ()) -> Node:
    """Commit an octopus of `live`; without `parents` it joins them directly."""
    batch = Batch(nodes.reader.repository)
    support = tuple((lesson, Support(1, len(live), 1)) for item in live for lesson in item.lessons)
    above = list(parents) or [item.commit for item in live]
    says = Octopus(NodeId(RUN, *place), support)
    node = nodes.join(batch, nodes.reader.repository.head(), says, live, above, WHO)
    batch.write()
    return node


def settle(nodes: NodeStore, clash: str, of: Sequence[Live], skill: Skill) -> Live:
    """Commit a fold or resolution of `of` whose tree is `skill`."""
    batch = Batch(nodes.reader.repository)
    sources = tuple(source for item in of for source in item.sources)
    settled = Settled(NodeId(RUN, 1, 1), 1, clash, "rule:test", sources)
    live = nodes.settle(batch, nodes.reader.repository.head(), settled, of, skill, WHO)
    batch.write()
    return live
