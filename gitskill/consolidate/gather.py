"""The lessons of a run as they are now: a person may have amended one, deleted its branch, or added another."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.checks.hidden import hidden_names
from gitskill.checks.reach import reach_findings
from gitskill.errors import InvalidInput, NotFound
from gitskill.fate import Aside, LessonFate, State
from gitskill.ids import CommitId, LessonId
from gitskill.lesson import PERSON, Lesson, TraceRef
from gitskill.node import Live
from gitskill.skill.hunks import Hunk, heading_level
from gitskill.store import lessons
from gitskill.store.blame import blame
from gitskill.store.lessons import Found, Recorded
from gitskill.store.nodes import NodeStore
from gitskill.store.runs import Run


@dataclass(frozen=True, slots=True)
class Gathered:
    """The lessons of a run as their branches have them now."""

    live: Mapping[LessonId, Live]
    lessons: Mapping[LessonId, Lesson]
    by_person: frozenset[LessonId]
    aside: tuple[Aside, ...] = ()
    """Lessons that take no part, each with the reason."""

    @property
    def critical(self) -> frozenset[LessonId]:
        """The lessons that stand in SKILL.md however rarely they were seen."""
        return frozenset(lesson for lesson, found in self.lessons.items() if found.critical)

    @property
    def taught(self) -> Mapping[LessonId, tuple[TraceRef, ...]]:
        """The traces behind each lesson."""
        return {lesson: found.traces for lesson, found in self.lessons.items()}


def _refuse_absent(nodes: NodeStore, run: Run, fates: Mapping[str, LessonFate]) -> None:
    """Refuse a run whose record came from somebody else without its lessons: nobody here has deleted them."""
    made = [fate.commit for fate in fates.values() if fate.commit]
    if made and not any(commit in nodes.reader.repository.git for commit in made):
        raise NotFound(f"the lessons of {run.id} are not here", hint=f"gitskill sync --lessons {run.id}")


def gather(
    nodes: NodeStore, run: Run, fates: Mapping[str, LessonFate], there: Iterable[Found] | None = None
) -> Gathered:
    """Read every lesson of a run that has a branch, or those that are `there`."""
    live: dict[LessonId, Live] = {}
    read: dict[LessonId, Lesson] = {}
    aside: list[Aside] = []
    people: set[LessonId] = set()
    known = partial(sources, nodes, run.base)
    if there is None:
        _refuse_absent(nodes, run, fates)
        there = lessons.listed(nodes.reader.repository, run.id)
    here = {found.id: found for found in there}
    for slot, fate in fates.items():
        lesson = LessonId.parse(f"{run.id}/{slot}")
        if lesson not in here and fate.state is State.PROPOSED:
            aside.append(Aside(slot, is_said=False, by="person", reason="its branch was deleted"))
    for lesson, found in here.items():
        fate_ = fates.get(lesson.short)
        if fate_ and fate_.state is State.HELD and fate_.commit == found.commit:
            continue  # it waits for a person, and its run's record says so
        try:
            recorded = nodes.lesson(found.commit)
            refuse_unfit(nodes, run.base, recorded)
        except InvalidInput as error:
            aside.append(Aside(lesson.short, is_said=False, by="check", reason=str(error)))
            continue
        if recorded.lesson.analyst != PERSON and (source := said(recorded, known)):
            aside.append(Aside(lesson.short, is_said=True, by=source, reason=f"the skill says it already: {source}"))
            continue
        live[lesson] = nodes.live(found.commit, run.base)
        read[lesson] = recorded.lesson
        people |= {lesson} if recorded.lesson.analyst == PERSON else set()
    return Gathered(live, read, frozenset(people), tuple(sorted(aside, key=lambda each: each.slot)))


def said(recorded: Recorded, known: Callable[[], Mapping[str, str]]) -> str:
    """Name the lesson, or `base`, that says in the base all that this one adds; empty where it says anything new."""
    hunks = [change for change in recorded.changes if isinstance(change, Hunk) and change.is_insert]
    added = [line for hunk in hunks for line in hunk.lines if line.strip() and not heading_level((line,))]
    if len(hunks) < len(recorded.changes) or not added:
        return ""
    lines = known()
    return lines[added[0].strip()] if all(line.strip() in lines for line in added) else ""


@lru_cache(maxsize=1)
def sources(nodes: NodeStore, base: CommitId) -> Mapping[str, str]:
    """Give every line of the base with the lesson that taught it."""
    return {
        line.text.strip(): str(line.lessons[0]) if line.lessons else "base"
        for path in nodes.reader.read(base).files
        if path.endswith(".md")
        for line in blame(nodes, path, base)
    }


def refuse_unfit(nodes: NodeStore, base: CommitId, recorded: Recorded) -> None:
    """Check a lesson as its branch has it now."""
    if recorded.base != base:
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
