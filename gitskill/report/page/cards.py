"""The lessons of a run, each with all that a person may ask about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from gitskill.ids import CommitId, LessonId
from gitskill.model.ledger import Bill
from gitskill.node import Kind, Live
from gitskill.report.lesson import State
from gitskill.report.page.account import Account
from gitskill.report.page.changes import Base
from gitskill.report.page.cost import priced
from gitskill.report.page.quotes import Quotes
from gitskill.report.page.values import Card, Clash, Folded, Side

_SIDES = 4
"""Lessons on the other side of a clash that are shown in full."""
_FOLDED = 60
_PLACING = "placing "
_TASKS = 12


class Cards:
    """Makes the cards of one run."""

    def __init__(self, account: Account, bills: Mapping[str, Bill]) -> None:
        self._account = account
        self._bills = bills
        # Of a run in rounds each round has a base of its own.
        self._base = lru_cache(maxsize=None)(lambda commit: Base(account.nodes.reader.read(commit)))
        self._quotes = Quotes(account.nodes.reader.repository)
        self._folded = account.folded()
        self._rivals = account.rivals()

    def card(self, lesson: LessonId) -> Card:
        """Make the card of a lesson."""
        account = self._account
        standing, support = account.standings[lesson], account.support(lesson)
        _, said = account.kept.get(lesson.short, ("", ""))
        planned = tuple(task for task in (account.task(lesson),) if task)
        title = account.title(lesson)
        bare = Card(lesson, title, standing, support, said=said, cost=self._cost(lesson), tasks=planned)
        found = account.recorded(lesson)
        if found is None:
            is_kept = standing.state is State.REJECTED
            return bare if is_kept else replace(bare, problem="its commit is not in this repository, or is damaged")
        refs = {ref.trace: ref for ref in found.lesson.traces}
        same = self._folded.get(lesson, ())
        tasks = tuple(dict.fromkeys(ref.task for ref in account.refs([lesson, *same])))
        clashes = tuple(self._clashes(lesson))
        placed = [each.what.removeprefix(_PLACING) for each in clashes if each.what.startswith(_PLACING)]
        more = (f"and {len(tasks) - _TASKS} more",) if len(tasks) > _TASKS else ()
        return replace(
            bare,
            cause=found.lesson.cause,
            analyst=found.lesson.analyst,
            verified=found.lesson.verified,
            places=tuple(placed) or self._base(found.base).places(found.changes),
            tasks=(*tasks[:_TASKS], *more),
            quotes=tuple(self._quotes.of(each, refs) for each in found.lesson.evidence),
            changes=self._base(found.base).shown(found.changes),
            folded=tuple(self._same(each) for each in same[:_FOLDED]),
            more=max(len(same) - _FOLDED, 0),
            clashes=clashes,
        )

    def _cost(self, lesson: LessonId) -> str:
        bill = self._bills.get(lesson.short[:-1])
        return priced(bill) if bill else ""

    def _same(self, lesson: LessonId) -> Folded:
        found = self._account.recorded(lesson)
        if found is None:
            return Folded(lesson, self._account.title(lesson), "", ())
        refs = {ref.trace: ref for ref in found.lesson.traces}
        quotes = tuple(Quotes.bare(each, refs) for each in found.lesson.evidence)
        return Folded(lesson, found.lesson.title, found.lesson.analyst, quotes)

    def _clashes(self, lesson: LessonId) -> Iterator[Clash]:
        if rivals := self._rivals.get(lesson):
            yield Clash("overlap", "", self._sides(rivals), max(len(rivals) - _SIDES, 0))
        carrier, recorded = self._account.carriers.get(lesson), self._account.recorded(lesson)
        if carrier and recorded:
            yield from self._settled(lesson, carrier, recorded.base)

    def _settled(self, lesson: LessonId, live: Live, base: CommitId) -> Iterator[Clash]:
        """Give the resolutions that a lesson went through, the last first."""
        if live.kind is Kind.LESSON:
            return
        nodes = self._account.nodes
        parts = nodes.members(live, base)
        if live.kind is not Kind.FOLD:
            says = nodes.settled(live.commit)
            others = [part.lessons[0] for part in parts if lesson not in part.lessons]
            is_clash = says.clash.partition(" ")[0] not in {"join", "placing"}
            sides = self._sides(others) if is_clash else ()
            settled = self._base(base).shown(live.changes) if is_clash else ()
            yield Clash(says.clash, says.resolved_by, sides, len(others) - len(sides), settled)
        for part in parts:
            if lesson in part.lessons:
                yield from self._settled(lesson, part, base)

    def _sides(self, lessons: Sequence[LessonId]) -> tuple[Side, ...]:
        found = ((each, self._account.recorded(each)) for each in lessons[:_SIDES])
        return tuple(
            Side(
                each,
                self._account.title(each),
                self._account.standings[each],
                self._base(recorded.base).shown(recorded.changes) if recorded else (),
            )
            for each, recorded in found
            if each in self._account.standings
        )
