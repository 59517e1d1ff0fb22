"""The tree of a run's merges, root first, for the page."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gitskill.ids import CommitId, LessonId
from gitskill.lesson import distinct
from gitskill.message import Message
from gitskill.node import Kind, Live, Octopus, Settled
from gitskill.report.page.account import Account
from gitskill.report.page.values import Branch

_WORDS = {Kind.FOLD: "fold", Kind.PLACING: "placing", Kind.RESOLUTION: "resolution"}
_NAMED = 6


class Trees:
    """Draws the trees of one run. A lesson stands where it was first merged; above that it is only named."""

    def __init__(self, account: Account, shown: frozenset[LessonId]) -> None:
        self._account = account
        self._cards = shown
        self._seen: set[LessonId] = set()
        self._whole = 1

    def grow(self, *, several: bool = False) -> Iterator[Branch]:
        """Give the tree below each root; of several runs each names its own."""
        nodes, roots = self._account.nodes, self._account.story.roots
        carried = ([lesson for live in nodes.read(root).live for lesson in live.lessons] for root in roots)
        self._whole = max((self._support(lessons) for lessons in carried), default=0) or 1
        for root in roots:
            tree = self._merge(root)
            yield replace(tree, name=f"{self._account.story.id}/{tree.name}") if several else tree

    def _merge(self, commit: CommitId) -> Branch:
        nodes = self._account.nodes
        says = nodes.read(commit).says
        base, *parents = nodes.reader.repository.parents(commit)
        merges = [each for each in parents if Octopus.read(self._message(each))]
        below = [self._merge(each) for each in merges]
        below += [self._part(nodes.live(each, base), base) for each in parents if each not in merges]
        lessons = [lesson for lesson, _ in says.support]
        support = self._support(lessons)
        return Branch(
            says.id.short,
            "merge",
            f"{len(lessons)} lesson{'s' * (len(lessons) != 1)}",
            support,
            self._share(support),
            dropped=tuple((lesson.short, reason) for lesson, reason in says.dropped),
            below=tuple(sorted(below, key=lambda each: (each.what != "merge", -each.support, each.name))),
        )

    def _part(self, live: Live, base: CommitId) -> Branch:
        if live.kind is Kind.LESSON:
            return self._lesson(live.lessons[0])
        says = self._account.nodes.settled(live.commit)
        parts = self._account.nodes.members(live, base)
        new = [part for part in parts if self._seen.isdisjoint(part.lessons)]
        known = [lesson for part in parts if part not in new for lesson in part.lessons]
        below = tuple(self._part(part, base) for part in new)
        support = self._support(live.lessons)
        return Branch(
            f"{says.node.short}.{says.number}",
            _WORDS[live.kind],
            _title(self._account, says, live),
            support,
            self._share(support),
            self._anchor(live.lessons[0]) if live.kind is Kind.FOLD else "",
            of=_named(known),
            below=tuple(sorted(below, key=lambda each: (-each.support, each.name))),
        )

    def _lesson(self, lesson: LessonId) -> Branch:
        self._seen.add(lesson)
        support = self._support([lesson])
        title = self._account.title(lesson)
        return Branch(lesson.short, "lesson", title, support, self._share(support), self._anchor(lesson))

    def _anchor(self, lesson: LessonId) -> str:
        standing = self._account.standings.get(lesson)
        first = (standing.first if standing else None) or lesson
        return str(first).replace("/", "-") if first in self._cards else ""

    def _support(self, lessons: Iterable[LessonId]) -> int:
        return distinct(self._account.refs(lessons))[0]

    def _share(self, support: int) -> float:
        return round(min(100 * support / self._whole, 100.0), 1)

    def _message(self, commit: CommitId) -> Message:
        return Message.parse(self._account.nodes.reader.repository.read_commit(commit).message)


def _title(account: Account, says: Settled, live: Live) -> str:
    if live.kind is Kind.FOLD:
        return account.title(live.lessons[0])
    return f"{says.clash.removeprefix('placing ')}, by {says.resolved_by}"


def _named(lessons: Sequence[LessonId]) -> tuple[str, ...]:
    more = [f"and {len(lessons) - _NAMED} more"] if len(lessons) > _NAMED else []
    return (*(lesson.short for lesson in lessons[:_NAMED]), *more)
