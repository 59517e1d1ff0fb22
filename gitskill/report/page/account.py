"""One run as the page needs it: every lesson with its standing, its commit and what carries it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from gitskill.errors import GitskillError
from gitskill.ids import CommitId, LessonId
from gitskill.lesson import TraceRef, distinct
from gitskill.node import Live, Support
from gitskill.report.lesson import Standing, Standings, State
from gitskill.report.page.subject import Story
from gitskill.report.status import Status, status
from gitskill.skill.compose import overlapping
from gitskill.skill.hunks import Changes
from gitskill.store.history import octopuses
from gitskill.store.lessons import Recorded, listed
from gitskill.store.nodes import NodeStore


@dataclass(frozen=True)
class Account:
    """What became of every lesson of a run."""

    story: Story
    nodes: NodeStore
    standings: Mapping[LessonId, Standing]
    commits: Mapping[LessonId, CommitId]
    carriers: Mapping[LessonId, Live]
    """What carries each lesson that stands: itself, a fold or a resolution."""
    status: Status | None
    """What the run's record says; None where it is not here."""

    def in_state(self, *states: State) -> list[LessonId]:
        """Give the lessons in these states, by their ids."""
        return [lesson for lesson, standing in self.standings.items() if standing.state in states]

    def recorded(self, lesson: LessonId) -> Recorded | None:
        """Read a lesson; None where nothing of it is here, or it is damaged."""
        commit = self.commits.get(lesson)
        try:
            return self.nodes.lesson(commit) if commit else None
        except GitskillError:
            return None

    def title(self, lesson: LessonId) -> str:
        """Give a lesson's title; its id where that is not known."""
        found = self.recorded(lesson)
        kept = self.kept.get(lesson.short)
        return found.lesson.title if found else kept[0] if kept else str(lesson)

    @cached_property
    def kept(self) -> Mapping[str, tuple[str, str]]:
        """Give what the record keeps of each lesson: its title, and what it said if it was rejected."""
        fates = self.status.fates.values() if self.status else ()
        return {one.slot: (one.title, one.rule) for each in fates for one in each.lessons}

    def refs(self, lessons: Iterable[LessonId]) -> tuple[TraceRef, ...]:
        """Give the traces behind lessons, each once."""
        found = [recorded.lesson.traces for each in lessons if (recorded := self.recorded(each))]
        return tuple(dict.fromkeys(ref for refs in found for ref in refs))

    @cached_property
    def studied(self) -> int:
        """Count the traces that were studied: what support is out of."""
        told = [each.support.of for each in self.standings.values() if each.support]
        return len(self.status.fates) if self.status and self.status.fates else max(told, default=0)

    def support(self, lesson: LessonId) -> Support:
        """Give a lesson's support: as its merge counted it, else by its own traces."""
        if found := self.standings[lesson].support:
            return found
        traces, tasks = distinct(self.refs([lesson]))
        # Of a rejected lesson there is no commit: it was taught by the trace whose number it has.
        least = int(bool(self.task(lesson)))
        return Support(traces or least, self.studied, tasks or least)

    def task(self, lesson: LessonId) -> str:
        """Name the task of the trace from which a lesson came, as the plan has it."""
        planned = self.status.plan.assignments if self.status and self.status.plan else ()
        return planned[lesson.trace - 1].task if 1 <= lesson.trace <= len(planned) else ""

    def folded(self) -> Mapping[LessonId, Sequence[LessonId]]:
        """Give for each lesson that stands those that say the same."""
        found: defaultdict[LessonId, list[LessonId]] = defaultdict(list)
        for lesson, standing in self.standings.items():
            if standing.first and standing.first != lesson:
                found[standing.first].append(lesson)
        return found

    def rivals(self) -> Mapping[LessonId, Sequence[LessonId]]:
        """Pair what was dropped with what stands on the same lines, in both directions."""
        merged, dropped = set(self.in_state(State.MERGED)), set(self.in_state(State.DROPPED))
        by_base: defaultdict[CommitId, dict[LessonId, Changes]] = defaultdict(dict)
        for lesson in sorted(merged | dropped):
            if recorded := self.recorded(lesson):
                by_base[recorded.base][lesson] = recorded.changes
        found: defaultdict[LessonId, set[LessonId]] = defaultdict(set)
        for one, _, other, _ in (pair for parts in by_base.values() for pair in overlapping(parts)):
            if (one in merged) != (other in merged):
                found[one].add(other)
                found[other].add(one)
        return {lesson: sorted(others) for lesson, others in found.items()}


def account(nodes: NodeStore, story: Story) -> Account:
    """Gather a run: from its record where that is here, else from what its merges say."""
    carriers = {
        lesson: live for root in reversed(story.roots) for live in nodes.read(root).live for lesson in live.lessons
    }
    commits = {lesson: commit for live in carriers.values() for lesson, commit in live.sources}
    branches = {found.id: found.commit for found in listed(nodes.reader.repository, story.id)}
    if story.run:
        found = status(nodes, story.run)
        fates = [one for each in found.fates.values() for one in each.lessons if one.commit]
        recorded = {LessonId.parse(f"{story.id}/{one.slot}"): CommitId(one.commit) for one in fates}
        return Account(story, nodes, found.lessons, {**recorded, **branches, **commits}, carriers, found)
    merges = (each for root in story.roots for _, each in octopuses(nodes.reader.repository, root))
    ours = [says for says in merges if says.id.run == story.id]
    named = {lesson for says in ours for lesson in {*dict(says.support), *dict(says.dropped)}}
    standings = Standings(nodes)
    told = {lesson: standings.of(lesson) for lesson in sorted(named | branches.keys())}
    return Account(story, nodes, told, {**branches, **commits}, carriers, None)
