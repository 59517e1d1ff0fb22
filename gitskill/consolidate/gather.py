"""The lessons of a run as they are now: a person may have amended one, deleted its branch, or added another."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.checks.hidden import hidden_names
from gitskill.checks.reach import reach_findings
from gitskill.errors import GitRefused, InvalidInput, NotFound
from gitskill.fate import Aside, LessonFate, State
from gitskill.ids import CommitId, LessonId
from gitskill.lesson import PERSON, Lesson, TraceRef
from gitskill.node import Live
from gitskill.skill.hunks import Hunk, heading_level
from gitskill.store import lessons
from gitskill.store.blame import blame
from gitskill.store.lessons import Found, Recorded
from gitskill.store.nodes import NodeStore
from gitskill.store.rejections import name_of, rejections
from gitskill.store.runs import Run
from gitskill.store.verdicts import verdicts


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


def refuse_absent(nodes: NodeStore, run: Run, fates: Mapping[str, LessonFate]) -> None:
    """Refuse a run whose record came from somebody else without its lessons: nobody here has deleted them."""
    made = [fate.commit for fate in fates.values() if fate.commit]
    if made and not any(commit in nodes.reader.repository.git for commit in made):
        raise NotFound(f"the lessons of {run.id} are not here", hint=f"gitskill sync --lessons {run.id}")


def gather(
    nodes: NodeStore, run: Run, fates: Mapping[str, LessonFate], there: Iterable[Found] | None = None
) -> Gathered:
    """Read every lesson of a run that has a branch, or those that are `there`, and obey what people decided."""
    live: dict[LessonId, Live] = {}
    read: dict[LessonId, Lesson] = {}
    aside: list[Aside] = []
    people: set[LessonId] = set()
    court = _Court(nodes, run)
    if there is None:
        refuse_absent(nodes, run, fates)
        there = lessons.listed(nodes.reader.repository, run.id)
    here = {found.id: found for found in there}
    for slot, fate in fates.items():
        lesson = LessonId.parse(f"{run.id}/{slot}")
        if lesson not in here and fate.state is State.PROPOSED and slot not in court.verdicts:
            aside.append(Aside(slot, is_said=False, by="person", reason="its branch was deleted"))
    for lesson, found in here.items():
        fate_ = fates.get(lesson.short)
        if back := court.aside(found, fate_):
            aside.append(back)
            continue
        if court.is_decided(found, fate_):
            continue  # its run's record says so
        recorded = nodes.lesson(found.commit)
        live[lesson] = nodes.live(found.commit, run.base)
        read[lesson] = recorded.lesson
        if recorded.lesson.analyst == PERSON or court.is_accepted(recorded):
            people.add(lesson)
    return Gathered(live, read, frozenset(people), tuple(sorted(aside, key=lambda each: each.slot)))


class _Court:
    """What people have decided, and what the base says already."""

    def __init__(self, nodes: NodeStore, run: Run) -> None:
        self._nodes = nodes
        self._run = run
        self.verdicts = verdicts(nodes.reader.repository, run)
        self._rejections = rejections(nodes.reader.repository)
        self._known = partial(sources, nodes, run.base)

    def is_decided(self, found: Found, fate: LessonFate | None) -> bool:
        """Tell whether a lesson takes no part by what the run's record says of it as it is."""
        verdict = self.verdicts.get(found.id.short)
        if verdict:
            return bool(verdict.again) or verdict.ruling(found.commit)[0] is not State.PROPOSED
        return fate is not None and fate.state is not State.PROPOSED and fate.commit == found.commit

    def is_accepted(self, recorded: Recorded) -> bool:
        """Tell whether a person accepted a lesson as it is."""
        verdict = self.verdicts.get(recorded.lesson.id.short)
        return verdict is not None and verdict.is_accepted(recorded.commit)

    def aside(self, found: Found, fate: LessonFate | None) -> Aside | None:
        """Say why a lesson takes no part, where its run's record does not say so yet."""
        is_decided = self.is_decided(found, fate)
        if is_decided and (found.id.short in self.verdicts or not self._rejections):
            return None
        try:
            recorded = self._nodes.lesson(found.commit)
            return self._turned_down(recorded) or (None if is_decided else self._aside(recorded))
        except InvalidInput as error:
            return None if is_decided else Aside(found.id.short, is_said=False, by="check", reason=str(error))

    def _turned_down(self, recorded: Recorded) -> Aside | None:
        """Say who turned down what an analyst proposes, in this run or an earlier one."""
        if recorded.lesson.analyst == PERSON or not self._rejections or self.is_accepted(recorded):
            return None
        known = self._rejections.get(name_of(self._nodes.reader.read(recorded.base), recorded.changes))
        slot = recorded.lesson.id.short
        return Aside(slot, is_said=False, by="person", reason=known.told, is_rejected=True) if known else None

    def _aside(self, recorded: Recorded) -> Aside | None:
        slot, is_accepted = recorded.lesson.id.short, self.is_accepted(recorded)
        by_analyst = recorded.lesson.analyst != PERSON
        original = _original(self._nodes, recorded)
        if original and (source := said(original, self._known) or "base"):
            return Aside(slot, is_said=True, by=source, reason=f"the skill says it already: {source}")
        if recorded.lesson.clash and not is_accepted and self._is_untouched(recorded):
            return Aside(slot, is_said=False, by="base", reason=f"held: {recorded.lesson.clash}")
        refuse_unfit(self._nodes, self._run.base, recorded, is_accepted=is_accepted)
        if by_analyst and (source := said(recorded, self._known)):
            return Aside(slot, is_said=True, by=source, reason=f"the skill says it already: {source}")
        return None

    def _is_untouched(self, recorded: Recorded) -> bool:
        """Tell whether nobody has committed on a lesson since it was made."""
        return self._nodes.reader.repository.parents(recorded.commit) == [recorded.base]


def _original(nodes: NodeStore, recorded: Recorded) -> Recorded | None:
    """Give the lesson that this one was made of, where nothing of it is left to change on its new base."""
    of = recorded.lesson.of
    if recorded.changes or of is None:
        return None
    try:
        return nodes.lesson(of[1])
    except (GitRefused, InvalidInput):  # not in this clone: then it is the base that says it
        return recorded


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


def refuse_unfit(nodes: NodeStore, base: CommitId, recorded: Recorded, *, is_accepted: bool = False) -> None:
    """Check a lesson as its branch has it now; one that a person accepted is not held."""
    if recorded.base != base:
        raise InvalidInput("it does not stand on the base of its run")
    if not recorded.changes:
        raise InvalidInput("it changes nothing")
    if hidden := hidden_names(f"{recorded.lesson.title} {recorded.lesson.cause}".replace("\n", " ")):
        raise InvalidInput(f"its message hides {hidden}")
    before, after = nodes.reader.read(recorded.base), nodes.reader.read(recorded.commit)
    of_analyst = recorded.lesson.analyst != PERSON
    findings = (*check_change(before, after), *(reach_findings(before, after) if of_analyst else ()))
    levels = {Level.INVALID} if is_accepted else {Level.INVALID, Level.HELD}
    if wrong := [each for each in findings if each.level in levels]:
        held = "held: " if wrong[0].level is Level.HELD else ""
        raise InvalidInput(f"{held}{wrong[0].check}: {wrong[0].message}")
