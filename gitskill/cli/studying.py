"""The work on a run, with what is open for it: all traces at once, or round after round."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from gitskill.cli import engines
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.analyse import Tell, Work
    from gitskill.cli.working import Job
    from gitskill.consolidate.ahead import Ahead
    from gitskill.fate import TraceFate
    from gitskill.model.stack import Opened
    from gitskill.plan import Plan
    from gitskill.skill.snapshot import Skill
    from gitskill.store.analyses import Finished, Writer

_ABREAST = 3
"""Traces that are begun for each question that may be under way: the next one is ready when an answer comes."""

Save = Callable[[Sequence["Finished"]], "tuple[TraceFate, ...]"]


@dataclass(frozen=True, slots=True)
class Study:
    """A run, and what is open to work on it."""

    session: Session
    job: "Job"
    writer: "Writer"
    opened: "Opened | None"
    """The model; None for the offline engine."""
    tell: "Tell"

    async def go_on(self, known: "Mapping[int, TraceFate]") -> None:
        """Study what is not `known`, to the end or to what stops it."""
        from gitskill.plan import Strategy

        await (self._in_rounds if self.job.plan.recipe.strategy is Strategy.SEQUENTIAL else self._at_once)(known)

    async def _at_once(self, known: "Mapping[int, TraceFate]") -> None:
        """Study all traces on the frozen base; where that is asked for, settle each group while others are studied."""
        from gitskill.analyse import analyse

        work = self._work(self.job.plan, self.session.reader.read(self.job.run.base), self.writer.save)
        self.writer.note(work.engine.anomalies)
        told: list[Tell] = [self.tell]
        async with AsyncExitStack() as stack:
            if self.opened and self.job.onward:
                ahead = self._ahead(self.opened)
                ahead.tell(known.values())
                told.append(ahead.tell)
                await stack.enter_async_context(ahead.beside(work.bench.turn))
            await analyse(work, known, self._abreast, lambda fates: [tell(fates) for tell in told])

    def _ahead(self, opened: "Opened") -> "Ahead":
        """Prepare to settle each group while others are still studied."""
        from gitskill.cli.consolidate import by_model
        from gitskill.consolidate.ahead import Ahead
        from gitskill.consolidate.run import Tree

        session, job = self.session, self.job
        tree = Tree(job.plan.groups, len(job.plan.assignments))
        settler = partial(by_model, session, job.run, job.chosen, opened)
        return Ahead(session.nodes, job.run, tree, settler, session.who())

    async def _in_rounds(self, known: "Mapping[int, TraceFate]") -> None:
        """Study a round, join what it taught, and go on with the next on what came of that."""
        from gitskill.analyse import analyse
        from gitskill.consolidate.rounds import Rounds

        plan, done = self.job.plan, dict(known)
        line = Rounds(self.session.nodes, self.job.run, len(plan.assignments))

        def told(fates: "Sequence[TraceFate]") -> None:
            done.update((each.number, each) for each in fates)
            self.tell(fates)

        for number, members in enumerate(plan.rounds, start=1):
            if any(each.number not in done for each in members):
                save = partial(self.writer.save, base=line.tip, under=line.batch)
                work = self._work(replace(plan, assignments=members), line.skill, save)
                await analyse(work, done, self._abreast, told)
            await line.join(number, [one for each in members for one in done[each.number].lessons])

    @property
    def _abreast(self) -> int:
        return _ABREAST * self.job.chosen.workers

    def _work(self, plan: "Plan", skill: "Skill", save: Save) -> "Work":
        """Give the traces of `plan` to analysts who see `skill`."""
        from gitskill.analyse import Work
        from gitskill.examine import Bench
        from gitskill.store.rejections import rejections

        job, opened, load = self.job, self.opened, engines.loader(self.session)
        redactor = job.chosen.redactor
        turned_down = rejections(self.session.repository)
        if opened:
            bench = Bench(skill, redactor, opened.calm, turned_down)
            return Work(job.run.id, plan, bench, engines.model_engine(job, bench, opened), load, save)
        bench = Bench(skill, redactor, turned_down=turned_down)
        return Work(job.run.id, plan, bench, engines.offline_engine(job, bench, load), load, save)
