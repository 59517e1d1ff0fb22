"""The rounds of a sequential run: what each one taught becomes one octopus, and the next round stands on that.

Nothing of it is stored but the lessons: the same lessons make the same
octopuses again, id by id, when a run goes on and when it is consolidated.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from gitskill.consolidate.gather import refuse_unfit, said, sources
from gitskill.consolidate.group import Ground, merge_group
from gitskill.consolidate.rules import BySupport
from gitskill.errors import InvalidInput
from gitskill.fate import Aside, LessonFate, State
from gitskill.ids import CommitId, LessonId, NodeId
from gitskill.lesson import TraceRef
from gitskill.node import Live, Node
from gitskill.skill.hunks import Hunk
from gitskill.skill.snapshot import Skill
from gitskill.store.lessons import Recorded
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.repository import Who
from gitskill.store.runs import Run

_COMMIT = re.compile(r"[0-9a-f]{40}")


class Rounds:
    """Joins round after round. Clashes within one are decided by support: no model is asked between two rounds."""

    def __init__(self, nodes: NodeStore, run: Run, of: int) -> None:
        """Begin at the base of `run`; support is out of `of` traces."""
        self._nodes = nodes
        self._run = run
        self._of = of
        self.tip: CommitId = run.base
        """What the next round stands on."""
        self.batch = Batch(nodes.reader.repository)
        """What the last join has made."""
        self.made: list[Node] = []
        self.aside: list[Aside] = []

    @property
    def skill(self) -> Skill:
        """The skill that the next round is shown."""
        return self._nodes.reader.read(self.tip)

    async def join(self, number: int, fates: Iterable[LessonFate]) -> None:
        """Join the lessons of round `number`, as its analysts proposed them; where there are none, nothing changes."""
        live: list[Live] = []
        taught: dict[LessonId, tuple[TraceRef, ...]] = {}
        for fate in fates:
            if fate.state is State.PROPOSED and (recorded := self._fit(fate)):
                live.append(self._nodes.live(recorded.commit, self.tip))
                taught[recorded.lesson.id] = recorded.lesson.traces
        self.batch = Batch(self._nodes.reader.repository)
        if not live:
            return
        ground = Ground(self._nodes, self.batch, self.tip, taught, self._of, self._who(live[0]))
        node = await merge_group(ground, NodeId(self._run.id, 1, number), live, (), BySupport())
        self.batch.write()
        self.made.append(node)
        self.tip = node.commit
        for part in node.live:
            for line in _added(part):
                self._taught.setdefault(line, str(part.key))

    def _fit(self, fate: LessonFate) -> Recorded | None:
        """Read a lesson as its analyst proposed it; None where it takes no part."""
        recorded = self._read(fate)
        try:
            refuse_unfit(self._nodes, self.tip, recorded)
        except InvalidInput as error:
            self.aside.append(Aside(fate.slot, is_said=False, by="check", reason=str(error)))
            return None
        if source := said(recorded, self._said):
            self.aside.append(Aside(fate.slot, is_said=True, by=source, reason=f"the skill says it already: {source}"))
            return None
        return recorded

    def _read(self, fate: LessonFate) -> Recorded:
        wanted = LessonId.parse(f"{self._run.id}/{fate.slot}")
        found = self._nodes.lesson(CommitId(fate.commit)) if _COMMIT.fullmatch(fate.commit) else None
        if found is None or (found.lesson.id, found.base) != (wanted, self.tip):
            raise InvalidInput(
                f"{wanted} does not stand on what the round before it made of the skill",
                hint="its record was changed, or a trace of it forgotten: begin a new run with --new",
            )
        return found

    @cached_property
    def _taught(self) -> dict[str, str]:
        """Every line that the skill has had so far, with the lesson that taught it."""
        return dict(sources(self._nodes, self._run.base))

    def _said(self) -> Mapping[str, str]:
        """Give every line of the skill as it is now, with the lesson that taught it."""
        texts = (data.decode("utf-8", "replace") for path, data in self.skill.files.items() if path.endswith(".md"))
        lines = (line.strip() for text in texts for line in text.split("\n"))
        return {line: self._taught.get(line, "base") for line in lines}

    def _who(self, first: Live) -> Who:
        """Give the stamp of a join: that of its first lesson, whoever runs this the next time."""
        committer = self._nodes.reader.repository.read_commit(first.commit).committer
        return Who(committer.name, committer.email, self._run.started)


def _added(part: Live) -> Iterable[str]:
    return (line.strip() for change in part.changes if isinstance(change, Hunk) for line in change.lines)
