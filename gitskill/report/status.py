"""Where a run stands: every trace and every lesson of it accounted for, and what it cost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gitskill.fate import Anomaly, Fate, TraceFate
from gitskill.ids import LessonId
from gitskill.model.ledger import Bill
from gitskill.model.request import Label
from gitskill.model.stack import OURS
from gitskill.plan import Plan
from gitskill.report.lesson import Standing, Standings, State
from gitskill.store.analyses import anomalies, fates, plan_of
from gitskill.store.lessons import listed
from gitskill.store.nodes import NodeStore
from gitskill.store.runs import Run


@dataclass(frozen=True, slots=True)
class Status:
    """A run."""

    run: Run
    plan: Plan | None
    """None for a run of lessons by hand."""
    fates: Mapping[int, TraceFate]
    lessons: Mapping[LessonId, Standing]
    anomalies: tuple[Anomaly, ...] = ()

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
    def is_finished(self) -> bool:
        """Tell whether every trace of the plan was studied."""
        return not self.traces["pending"]


def status(nodes: NodeStore, run: Run) -> Status:
    """Gather where a run stands, from git alone."""
    repository = nodes.reader.repository
    found = fates(repository, run)
    standings = Standings(nodes)
    slots = [LessonId.parse(f"{run.id}/{one.slot}") for each in found.values() for one in each.lessons]
    by_hand = [item.id for item in listed(repository, run.id)]
    lessons = {lesson: standings.of(lesson) for lesson in sorted({*slots, *by_hand})}
    return Status(run, plan_of(repository, run), found, lessons, anomalies(repository, run))


def total(bills: Mapping[Label, Bill]) -> Bill:
    """Add up what models were paid; what our own machine answered is no call."""
    return sum((bill for label, bill in bills.items() if label.stage != OURS), Bill())
