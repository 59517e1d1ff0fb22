"""Groups settled while other traces are still studied, so that a model answers both at once.

Only the answers are kept, in the ledger: the run is consolidated as always when
all is studied, asks the same, and is answered from there. Nothing is written
here, and what goes wrong here is met again, and told, on that straight way.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from gitskill.consolidate.gather import gather
from gitskill.consolidate.group import Ground
from gitskill.consolidate.run import Tree
from gitskill.consolidate.settle import Group, Settlement, Settler
from gitskill.consolidate.tree import grow, homes
from gitskill.errors import GitskillError
from gitskill.fate import LessonFate, TraceFate
from gitskill.ids import CommitId, LessonId
from gitskill.lesson import Lesson, TraceRef
from gitskill.model.failures import Paused
from gitskill.node import Live
from gitskill.store.lessons import Found, listed
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.repository import Who
from gitskill.store.runs import Run


class Ahead:
    """Settles every group of a run as soon as its own traces are studied."""

    def __init__(
        self, nodes: NodeStore, run: Run, tree: Tree, settler: Callable[[dict[LessonId, Lesson]], Settler], who: Who
    ) -> None:
        self._nodes = nodes
        self._run = run
        self._tree = tree
        self._lessons: dict[LessonId, Lesson] = {}
        self._taught: dict[LessonId, tuple[TraceRef, ...]] = {}
        self._settler = settler(self._lessons)
        self._who = Who(who.name, who.email, run.started)
        self._home = homes(tree.levels)
        groups = enumerate(tree.levels[0], start=1)
        self._left = {number: set(members) for number, members in groups}
        self._ready = {number: asyncio.Event() for number in self._left}
        self._fates: defaultdict[int, list[LessonFate]] = defaultdict(list)
        self._turn: AbstractAsyncContextManager[object] = asyncio.Lock()
        self._is_over = False

    def tell(self, fates: Iterable[TraceFate]) -> None:
        """Take note of traces that were studied."""
        for fate in fates:
            group = self._home(LessonId(self._run.id, fate.number, "a"))
            self._fates[group] += fate.lessons
            self._left[group].discard(fate.number)
            if not self._left[group]:
                self._ready[group].set()

    @asynccontextmanager
    async def beside(self, turn: AbstractAsyncContextManager[object]) -> AsyncIterator[None]:
        """Settle groups while the traces are studied, reading lessons only in `turn`, and to the end afterwards.

        Where a limit stops the study, no new group is begun; anything else stops those under way too.
        """
        self._turn = turn
        ahead = asyncio.create_task(self._grow())
        try:
            yield
            await _ended(ahead)
        except Paused:
            self._is_over = True
            for ready in self._ready.values():
                ready.set()
            await _ended(ahead)
            raise
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _grow(self) -> None:
        batch = Batch(self._nodes.reader.repository)  # it is never written
        ground = Ground(self._nodes, batch, self._run.base, self._taught, self._tree.of, self._who)
        await grow(ground, self._run.id, self._tree.levels, self._leaves, self)

    async def _leaves(self, number: int) -> Sequence[Live]:
        await self._ready[number].wait()
        if self._is_over:
            raise _Over
        async with self._turn:
            fates = self._fates[number]
            found = gather(self._nodes, self._run, {each.slot: each for each in fates}, self._found(number, fates))
        self._lessons |= found.lessons
        self._taught |= found.taught
        return [found.live[lesson] for lesson in sorted(found.live)]

    def _found(self, number: int, fates: Iterable[LessonFate]) -> Iterable[Found]:
        for fate in fates:
            if fate.commit:
                yield Found(LessonId.parse(f"{self._run.id}/{fate.slot}"), CommitId(fate.commit), None)
        if number == len(self._left):
            by_hand = listed(self._nodes.reader.repository, self._run.id)
            yield from (found for found in by_hand if found.id.trace > self._run.planned)

    async def settle(self, group: Group) -> Settlement:
        """Decide as the settler of the run does, as long as anything is begun."""
        if self._is_over:
            raise _Over
        return await self._settler.settle(group)


class _Over(GitskillError):
    """Nothing more is begun."""

    def __init__(self) -> None:
        super().__init__("the study of the run was stopped")


async def _ended(ahead: asyncio.Task[None]) -> None:
    with suppress(GitskillError):
        await ahead
