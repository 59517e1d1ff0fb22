"""The fan-out: many analysts at once, each finished trace written before the next is told, whatever stops us."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gitskill.analysts.draft import Studied
from gitskill.analysts.suggestion import Suggestion, Taught
from gitskill.errors import GitskillError, NotFound
from gitskill.examine import Bench, Case, examine
from gitskill.fate import Anomaly, Fate, LessonFate, TraceFate
from gitskill.ids import LessonId, RunId
from gitskill.model.failures import NoAnswer, Paused
from gitskill.plan import Assignment, Plan
from gitskill.store.analyses import Finished, Ready

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SAID = 300
_WAITING = 256
"""Units that may wait to be written: the lessons of ten thousand would fill the memory."""
_UNQUOTED = "no lesson of its batch quotes it"
_Unit = tuple[Assignment, ...]


class Studies(Protocol):
    """An analyst."""

    async def study(self, runs: Sequence[Studied], slot: str) -> Taught:
        """Study runs, or raise NoAnswer: what they teach is not known."""
        ...


class Engine(Protocol):
    """Who studies: the offline analyst for all traces, or a model's analyst for each kind."""

    def name(self, assignment: Assignment) -> str:
        """Name the analyst of a trace, as it stands on commits."""
        ...

    def analyst(self, assignment: Assignment, case: Case) -> Studies:
        """Give the analyst of a trace."""
        ...

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """Give what was noticed about the harness or the labels."""
        ...

    def suspects(self, trace: str) -> tuple[int, ...]:
        """Give the steps to look at first for what went wrong in a trace."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, and with what."""

    run: RunId
    plan: Plan
    bench: Bench
    engine: Engine
    load: Callable[[Assignment], Studied]
    """Reads a trace, or raises NotFound."""
    save: Callable[[Sequence[Finished]], tuple[TraceFate, ...]]


Tell = Callable[[Sequence[TraceFate]], object]


async def analyse(work: Work, known: Collection[int], abreast: int, tell: Tell) -> None:
    """Study every trace of the plan that is not `known`, `abreast` units at a time.

    The model's own gate says how many questions are under way: with more units
    abreast than that, the next question is ready when an answer comes.

    Whatever ends this early, what was finished is saved: the same call goes on
    where it stood. Paused lets those under way come to their end; anything else
    stops them.
    """
    units = deque(unit for unit in work.plan.units if any(each.number not in known for each in unit))
    line = _Line(work, units, tell, {each.number for unit in units for each in unit})
    writing = asyncio.create_task(line.write())
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(abreast, len(units))):
                group.create_task(line.work_off(writing))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from several
    finally:
        line.done.put_nowait(None)
        await writing
    if line.paused:
        raise line.paused
    if line.left:
        raise RuntimeError(f"traces {sorted(line.left)} were given to nobody, or came back from nobody")


@dataclass
class _Line:
    """Workers on one side, the one who writes to git on the other."""

    work: Work
    units: deque[_Unit]
    tell: Tell
    left: set[int]
    """The numbers of the traces that have no fate yet: the accounts must add up."""
    done: "asyncio.Queue[list[Finished] | None]" = field(default_factory=asyncio.Queue)
    paused: Paused | None = None
    room: asyncio.Event = field(default_factory=asyncio.Event)

    async def work_off(self, writing: "asyncio.Task[None]") -> None:
        while self.units and not writing.done():
            if self.done.qsize() >= _WAITING:
                self.room.clear()
                await self.room.wait()
                continue
            unit = self.units.popleft()
            try:
                self.done.put_nowait(await _studied(self.work, unit))
            except Paused as error:
                self.paused = error
                self.units.clear()
            except GitskillError:
                # Those who have their answers, and wait for their turn to look at them, come first.
                self.units.clear()
                async with self.work.bench.turn:
                    raise

    async def write(self) -> None:
        """Save what is finished, all of it that waits at once: a slow disk must not hold up the analysts."""
        try:
            await self._write()
        finally:
            self.room.set()  # nobody waits for a writer who is gone

    async def _write(self) -> None:
        is_open = True
        while is_open:
            batch = [await self.done.get()]
            while not self.done.empty():
                batch.append(self.done.get_nowait())
            self.room.set()
            is_open = None not in batch
            finished = [each for several in batch if several for each in several]
            if finished:
                self.left -= {each.fate.number for each in finished}
                self.tell(await asyncio.to_thread(self.work.save, finished))


async def _studied(work: Work, unit: _Unit) -> list[Finished]:
    """Study one unit. What is wrong with it is its fate; what is wrong with the model or the budget ends the run."""
    try:
        async with work.bench.turn:
            runs = tuple(work.load(each) for each in unit)
    except NotFound:
        return [_failed(each, "the trace is not in the store any more") for each in unit]
    case = Case(runs, {each.trace: each.task for each in unit}, work.engine.name(unit[0]))
    slot = LessonId(work.run, unit[0].number, "a").short[:-1]
    try:
        taught = await work.engine.analyst(unit[0], case).study(runs, slot)
    except NoAnswer as error:
        return [_failed(each, str(error)) for each in unit]
    return _finished(work, unit, case, taught)


def _failed(assignment: Assignment, why: str) -> Finished:
    return Finished(TraceFate(assignment.number, Fate.FAILED, why[:_SAID]))


def _finished(work: Work, unit: _Unit, case: Case, taught: Taught) -> list[Finished]:
    """Give each trace of a unit its lessons: one belongs to the first trace that it quotes."""
    ready: dict[int, list[Ready]] = {each.number: [] for each in unit}
    fates: dict[int, list[LessonFate]] = {each.number: [] for each in unit}
    shared: dict[int, str] = {}
    for suggestion in taught.suggestions:
        owner, others = _owners(unit, suggestion)
        lesson = LessonId(work.run, owner, _LETTERS[len(fates[owner])])
        fate, made = examine(work.bench, case, suggestion, lesson)
        fates[owner].append(fate)
        ready[owner] += [made] if made else []
        shared |= dict.fromkeys(others, f"quoted by {lesson.short}")
    none, remark = (_clean(work, text) for text in (taught.nothing, taught.remark))
    finished = []
    for each in unit:
        number, suspects = each.number, work.engine.suspects(each.trace)
        if fates[number] or number in shared:
            ended = TraceFate(number, Fate.LESSONS, shared.get(number, remark), tuple(fates[number]), suspects)
        else:
            ended = TraceFate(number, Fate.NO_LESSON, none or _UNQUOTED, (), suspects)
        finished.append(Finished(ended, tuple(ready[number])))
    return finished


def _clean(work: Work, text: str) -> str:
    return work.bench.redactor.session().text(" ".join(text.split()))[:_SAID]


def _owners(unit: _Unit, suggestion: Suggestion) -> tuple[int, list[int]]:
    quoted = {item.trace for item in suggestion.evidence}
    named = [each.number for each in unit if each.trace in quoted] or [unit[0].number]
    return named[0], named[1:]
