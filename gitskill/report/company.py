"""What a lesson was merged with, and what stood back for it: as the merges of its run say."""

from dataclasses import dataclass

from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import CommitId, LessonId, NodeId
from gitskill.message import Message
from gitskill.node import Kind, Live, Settled
from gitskill.report.lesson import Standing
from gitskill.skill.compose import overlapping
from gitskill.store import lookup
from gitskill.store.history import octopuses
from gitskill.store.nodes import NodeStore

_SIDE_BY_SIDE = {"join", "placing"}
"""What puts texts next to each other, and says nothing new."""


@dataclass(frozen=True, slots=True)
class Company:
    """The others that a lesson met."""

    how: str = ""
    """`same`, `overlap` or `similar`, and who settled it; empty where it stands by itself."""
    others: tuple[LessonId, ...] = ()
    dropped: tuple[tuple[LessonId, str], ...] = ()
    """Lessons that stood back for it, each with the reason."""


def company(nodes: NodeStore, lesson: LessonId, standing: Standing) -> Company:
    """Read it from the merge that carries the lesson; nothing where none does."""
    try:
        commit = lookup.node(nodes.reader.repository, NodeId.parse(standing.by))
        node = nodes.read(commit)
    except (InvalidInput, NotFound):
        return Company()
    carrier = next((live for live in node.live if lesson in live.lessons), None)
    if carrier is None:
        return Company()
    how, said = _innermost(nodes, carrier, node.base, lesson)
    others = tuple(each for each in said.lessons if each != lesson)
    return Company(how, others, tuple(_dropped(nodes, commit, said, node.base)))


def _innermost(nodes: NodeStore, live: Live, base: CommitId, lesson: LessonId) -> tuple[str, Live]:
    """Go down through what merely puts texts side by side, to what says one thing for all its lessons."""
    repository = nodes.reader.repository
    while live.kind is not Kind.LESSON:
        settled = Settled.parse(Message.parse(repository.read_commit(live.commit).message))
        word = settled.clash.partition(" ")[0]
        if word not in _SIDE_BY_SIDE:
            return f"{word}, {settled.resolved_by}", live
        below = (nodes.live(parent, base) for parent in repository.parents(live.commit))
        live = next(each for each in below if lesson in each.lessons)
    return "", live


def _dropped(nodes: NodeStore, tip: CommitId, said: Live, base: CommitId) -> list[tuple[LessonId, str]]:
    """Give what changes the same lines, or names a lesson of `said` in its reason, and was dropped in this run."""
    run = said.key.run
    told = {
        lesson: reason
        for _, says in octopuses(nodes.reader.repository, tip)
        if says.id.run == run
        for lesson, reason in says.dropped
        if not reason.startswith("held: ")
    }
    names = {each.short for each in said.lessons}
    return [(each, reason) for each, reason in sorted(told.items()) if _met(nodes, each, reason, said, base, names)]


def _met(nodes: NodeStore, lesson: LessonId, reason: str, said: Live, base: CommitId, names: set[str]) -> bool:
    if names.intersection(reason.replace(",", " ").split()):
        return True
    try:
        other = nodes.live(lookup.resolve(nodes.reader.repository, str(lesson)), base)
    except (InvalidInput, NotFound):
        return False
    return bool(overlapping({said.key: said.changes, lesson: other.changes}))
