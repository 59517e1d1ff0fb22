"""The lessons of a run as they are now: a person may have amended one, deleted its branch, or added another."""

from collections.abc import Mapping
from dataclasses import dataclass

from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.checks.hidden import hidden_names
from gitskill.checks.reach import reach_findings
from gitskill.errors import InvalidInput
from gitskill.fate import LessonFate, State
from gitskill.ids import LessonId
from gitskill.lesson import PERSON, Lesson, TraceRef
from gitskill.node import Live
from gitskill.store import lessons
from gitskill.store.lessons import Recorded
from gitskill.store.nodes import NodeStore
from gitskill.store.runs import Run


@dataclass(frozen=True, slots=True)
class Gathered:
    """The lessons of a run as their branches have them now."""

    live: Mapping[LessonId, Live]
    lessons: Mapping[LessonId, Lesson]
    by_person: frozenset[LessonId]
    left_out: Mapping[LessonId, str]
    """Lessons that cannot take part, each with the reason."""

    @property
    def taught(self) -> Mapping[LessonId, tuple[TraceRef, ...]]:
        """The traces behind each lesson."""
        return {lesson: found.traces for lesson, found in self.lessons.items()}


def gather(nodes: NodeStore, run: Run, fates: Mapping[str, LessonFate]) -> Gathered:
    """Read every lesson of a run that has a branch."""
    live: dict[LessonId, Live] = {}
    read: dict[LessonId, Lesson] = {}
    left_out: dict[LessonId, str] = {}
    people: set[LessonId] = set()
    here = {found.id: found for found in lessons.listed(nodes.reader.repository, run.id)}
    for slot, fate in fates.items():
        lesson = LessonId.parse(f"{run.id}/{slot}")
        if lesson not in here and fate.state is State.PROPOSED:
            left_out[lesson] = "its branch was deleted"
    for lesson, found in here.items():
        fate_ = fates.get(lesson.short)
        if fate_ and fate_.state is State.HELD and fate_.commit == found.commit:
            continue  # it waits for a person, and its run's record says so
        try:
            recorded = nodes.lesson(found.commit)
            _refuse_unfit(nodes, run, recorded)
        except InvalidInput as error:
            left_out[lesson] = str(error)
            continue
        live[lesson] = nodes.live(found.commit, run.base)
        read[lesson] = recorded.lesson
        people |= {lesson} if recorded.lesson.analyst == PERSON else set()
    return Gathered(live, read, frozenset(people), left_out)


def _refuse_unfit(nodes: NodeStore, run: Run, recorded: Recorded) -> None:
    """Check a lesson as its branch has it now."""
    if recorded.base != run.base:
        raise InvalidInput("it does not stand on the base of its run")
    if not recorded.changes:
        raise InvalidInput("it changes nothing")
    if hidden := hidden_names(f"{recorded.lesson.title} {recorded.lesson.cause}".replace("\n", " ")):
        raise InvalidInput(f"its message hides {hidden}")
    before, after = nodes.reader.read(recorded.base), nodes.reader.read(recorded.commit)
    of_analyst = recorded.lesson.analyst != PERSON
    findings = (*check_change(before, after), *(reach_findings(before, after) if of_analyst else ()))
    if wrong := [each for each in findings if each.level in {Level.INVALID, Level.HELD}]:
        held = "held: " if wrong[0].level is Level.HELD else ""
        raise InvalidInput(f"{held}{wrong[0].check}: {wrong[0].message}")
