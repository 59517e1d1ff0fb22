"""Where a run stands: every trace and every lesson of it accounted for, and what it cost."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitskill.fate import Anomaly, Decision, Fate, TraceFate, Verdict
from gitskill.ids import CommitId, LessonId
from gitskill.model.ledger import Bill
from gitskill.model.request import OURS, Label
from gitskill.node import Support
from gitskill.plan import Plan, Strategy
from gitskill.report.lesson import Standing, Standings, State
from gitskill.store import lookup
from gitskill.store.analyses import anomalies, fates, plan_of
from gitskill.store.history import line, octopuses
from gitskill.store.lessons import listed
from gitskill.store.nodes import NodeStore
from gitskill.store.repository import Repository
from gitskill.store.runs import Run


@dataclass(frozen=True, slots=True)
class Taught:
    """A lesson that stands, with how many traces teach it."""

    lesson: LessonId
    title: str
    support: Support


@dataclass(frozen=True, slots=True)
class Status:
    """A run."""

    run: Run
    plan: Plan | None
    """None for a run of lessons by hand."""
    fates: Mapping[int, TraceFate]
    lessons: Mapping[LessonId, Standing]
    anomalies: tuple[Anomaly, ...] = ()
    candidate: CommitId | None = None
    top: tuple[Taught, ...] = ()
    """What the candidate carries, the best supported first."""
    uncounted: tuple[LessonId, ...] = ()
    """Lessons that a person decided on since the run was consolidated last."""

    @property
    def states(self) -> Counter[State]:
        """Count the lessons by their state; what is merely proposed waits to be merged."""
        return Counter(standing.state for standing in self.lessons.values())

    @property
    def traces(self) -> dict[str, int]:
        """Count the traces by how they ended; those that nobody has studied yet are pending."""
        counts = Counter(each.fate for each in self.fates.values())
        planned = len(self.plan.assignments) if self.plan else 0
        skipped = len(self.plan.skipped) if self.plan else 0
        ends = {str(fate): counts[fate] for fate in Fate}
        return {**ends, "skipped": skipped, "pending": planned - len(self.fates)}

    @property
    def is_sequential(self) -> bool:
        """Tell whether the traces are studied in rounds."""
        return self.plan is not None and self.plan.recipe.strategy is Strategy.SEQUENTIAL

    @property
    def is_finished(self) -> bool:
        """Tell whether every trace of the plan was studied."""
        return not self.traces["pending"]


def status(nodes: NodeStore, run: Run) -> Status:
    """Gather where a run stands, from git alone."""
    repository = nodes.reader.repository
    found = fates(repository, run)
    standings = Standings(nodes)
    slots = [LessonId.parse(f"{run.id}/{one.slot}") for each in found.values() for one in each.lessons]
    there = {item.id: item.commit for item in listed(repository, run.id)}
    lessons = {lesson: standings.of(lesson) for lesson in sorted({*slots, *there})}
    candidate = lookup.find_candidate(repository, run.id)
    titles = {one.slot: one.title for each in found.values() for one in each.lessons}
    # A lesson by hand, or taken from another run, has no fate here.
    titles |= {each.short: nodes.lesson(there[each]).lesson.title for each in there if _stands(each, lessons, titles)}
    top = _top(nodes, candidate, titles) if candidate else ()
    decided = standings.verdicts(run.id)
    uncounted = tuple(lesson for lesson, one in lessons.items() if is_uncounted(one, decided.get(lesson.short)))
    return Status(run, plan_of(repository, run), found, lessons, anomalies(repository, run), candidate, top, uncounted)


def _stands(lesson: LessonId, lessons: Mapping[LessonId, Standing], titles: Mapping[str, str]) -> bool:
    return lesson.short not in titles and lessons[lesson].state in {State.MERGED, State.FOLDED}


def is_uncounted(standing: Standing, verdict: Verdict | None) -> bool:
    """Tell whether what a person decided is not yet what the candidate says."""
    if verdict is None or verdict.again:
        return False
    open_states = {State.MERGED, State.FOLDED} if verdict.decision is Decision.REJECT else {State.PROPOSED}
    return standing.state in open_states


def _top(nodes: NodeStore, candidate: CommitId, titles: Mapping[str, str]) -> tuple[Taught, ...]:
    """Give every lesson that stands in the candidate; of those that say the same, the one that speaks for all.

    A person may have committed on top of it: then its last octopus says it.
    """
    seen: dict[tuple[str, Support], Taught] = {}
    for lesson, support in _carried(nodes.reader.repository, candidate):
        title = titles.get(lesson.short, "")
        seen.setdefault((title or str(lesson), support), Taught(lesson, title, support))
    return tuple(sorted(seen.values(), key=lambda each: (-each.support.traces, -each.support.tasks, each.lesson)))


def _carried(repository: Repository, candidate: CommitId) -> Iterator[tuple[LessonId, Support]]:
    """Give what the candidate's last octopus carries, and those of its run that this stands on."""
    last = next((commit for commit, _ in octopuses(repository, candidate)), None)
    for _, says in line(repository, last) if last else ():
        yield from says.support


def total(bills: Mapping[Label, Bill]) -> Bill:
    """Add up what models were paid; what our own machine answered is no call."""
    return sum((bill for label, bill in bills.items() if label.stage != OURS), Bill())
