"""The two engines: a model's analysts, or the offline one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gitskill.analyse import Studies
from gitskill.analysts.desk import Desk
from gitskill.analysts.draft import Studied
from gitskill.analysts.error import Error
from gitskill.analysts.offline.suggest import Offline
from gitskill.analysts.room import Equipment
from gitskill.analysts.success import Success
from gitskill.examine import Bench, Case, problem
from gitskill.fate import Anomaly
from gitskill.plan import OFFLINE, Analyst, Assignment
from gitskill.skill.snapshot import Skill


class OfflineEngine:
    """One analyst that has studied all runs together."""

    def __init__(self, runs: Sequence[Studied], skill: Skill) -> None:
        self._offline = Offline(runs, skill)
        self.anomalies = tuple(Anomaly(each.what, each.evidence) for each in self._offline.anomalies)

    def name(self, _: Assignment) -> str:
        """Name the analyst."""
        return OFFLINE

    def analyst(self, _: Assignment, _case: Case) -> Studies:
        """Give the analyst."""
        return self._offline

    def suspects(self, trace: str) -> tuple[int, ...]:
        """Give the steps of a failed trace to look at first."""
        return tuple(self._offline.suspects.get(trace, ()))


@dataclass(frozen=True, slots=True)
class ModelEngine:
    """An error analyst for each failed trace, a success analyst for each successful one, or each batch of them."""

    desk: Desk
    bench: Bench
    turns: int
    equipped: Callable[[str], Equipment]
    """Gives what there is to try a fix with for a trace."""

    def name(self, assignment: Assignment) -> str:
        """Name the analyst of a trace with its model and prompts."""
        return f"{assignment.analyst} {self.desk.name} prompts:{self.desk.prompts.hash}"

    def analyst(self, assignment: Assignment, case: Case) -> Studies:
        """Give an analyst, who is told what the checks would refuse."""
        desk = replace(self.desk, problem=partial(problem, self.bench, case))
        if assignment.analyst is Analyst.SUCCESS:
            return Success(desk)
        return Error(desk, self.turns, self.equipped(assignment.trace))

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """Name none: a model sees one run at a time."""
        return ()

    def suspects(self, _: str) -> tuple[int, ...]:
        """Name none: the lessons name their steps."""
        return ()
