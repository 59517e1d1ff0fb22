"""Everything that git knows of one lesson."""

from dataclasses import dataclass
from enum import StrEnum

from gitskill.checks.change import check_change
from gitskill.checks.finding import Finding
from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, LessonId
from gitskill.node import Kind
from gitskill.store.history import octopuses
from gitskill.store.lessons import Found, Recorded
from gitskill.store.nodes import NodeStore
from gitskill.store.tags import releases


class State(StrEnum):
    """Where a lesson stands."""

    PROPOSED = "proposed"
    MERGED = "merged"
    FOLDED = "folded"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Standing:
    """A lesson's state, as the highest merge that names it says."""

    state: State
    by: str = ""
    """The merge that says so."""
    reason: str = ""
    released: str = ""
    """The first version that has it."""


@dataclass(frozen=True, slots=True)
class LessonReport:
    """A lesson with its state and what the checks say of it."""

    found: Found
    recorded: Recorded
    standing: Standing
    support: int
    """Distinct traces that teach it."""
    files: tuple[str, ...]
    findings: tuple[Finding, ...]


def report_lesson(nodes: NodeStore, found: Found) -> LessonReport:
    """Gather what `show` shows."""
    recorded = nodes.lesson(found.commit)
    before = nodes.reader.read(recorded.base)
    return LessonReport(
        found=found,
        recorded=recorded,
        standing=standing(nodes, found.id),
        support=len({ref.trace for ref in recorded.lesson.traces}),
        files=tuple(sorted({change.path for change in recorded.changes})),
        findings=check_change(before, nodes.reader.read(found.commit)),
    )


def standing(nodes: NodeStore, lesson: LessonId) -> Standing:
    """Tell what became of a lesson: what the highest octopus that names it says, the newest of equals.

    A merge in the history of HEAD outranks all others: anybody may push a
    branch whose commits claim what they like.
    """
    head = nodes.reader.repository.head()
    named = [
        ((nodes.reader.repository.descends(head, commit), says.id.level, says.id.group), commit, says)
        for commit, says in octopuses(nodes.reader.repository)
        if (lesson in dict(says.support) or lesson in dict(says.dropped)) and _is_true(nodes, commit)
    ]
    if not named:
        return Standing(State.PROPOSED)
    _, commit, says = max(named, key=lambda item: item[0])
    reason = dict(says.dropped).get(lesson)
    if reason is not None:
        return Standing(State.DROPPED, str(says.id), reason)
    carrier = next(live for live in nodes.read(commit).live if lesson in live.lessons)
    folded = carrier.kind is Kind.FOLD and lesson != carrier.lessons[0]
    return Standing(
        State.FOLDED if folded else State.MERGED,
        str(says.id),
        f"says the same as {carrier.lessons[0]}" if folded else "",
        _released(nodes, commit),
    )


def _is_true(nodes: NodeStore, commit: CommitId) -> bool:
    """Tell whether an octopus carries what it says."""
    try:
        nodes.read(commit)
    except InvalidInput:
        return False
    return True


def _released(nodes: NodeStore, commit: CommitId) -> str:
    repository, folder = nodes.reader.repository, nodes.reader.folder
    having = (release.tag for release in releases(repository, folder) if repository.descends(release.commit, commit))
    return next(having, "")
