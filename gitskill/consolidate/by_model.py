"""The settler that asks a model: one question settles all clashes of a group, and code verifies the answer.

An answer that cannot be carried out goes back once with the reasons; then the
group's sets are asked about in halves; a set that even alone gets no usable
answer is settled by rule, and the commit says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gitskill.analysts.rendering import fenced, skill_text
from gitskill.analysts.shapes import EditShape, edits_of
from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.checks.reach import reach_findings
from gitskill.consolidate.alike import connected, pairs, text_of
from gitskill.consolidate.clashes import find_clashes
from gitskill.consolidate.polarity import turned
from gitskill.consolidate.rules import by_support
from gitskill.consolidate.settle import Group, Rewritten, Settlement
from gitskill.errors import InvalidInput
from gitskill.ids import LessonId
from gitskill.lesson import Lesson
from gitskill.model.failures import NoAnswer, Why
from gitskill.model.request import Answer, Label, Message, Model, Question
from gitskill.node import Kind, Live
from gitskill.prompts import Prompts
from gitskill.skill.compose import apply_parts
from gitskill.skill.diff import changes_between
from gitskill.skill.edits import apply_edits
from gitskill.skill.snapshot import Skill

STAGE = "consolidate"

Known = Mapping[LessonId, Lesson]
"""The lessons that are spoken of, by their ids."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Decision(_Shape):
    """What becomes of some lessons."""

    do: Literal["keep", "drop", "rewrite"]
    lessons: list[str]
    reason: str
    edits: list[EditShape]


class Decisions(_Shape):
    """Every lesson of every set, in exactly one decision."""

    decisions: list[Decision]


@dataclass(frozen=True, slots=True)
class ByModel:
    """Asks a model, which must be a Validated one."""

    model: Model
    name: str
    prompts: Prompts
    base: Skill
    lessons: Known
    run: str
    max_tokens: int = 8192

    async def settle(self, group: Group) -> Settlement:
        """Decide. Where nothing clashes, and nothing is alike or contrary, nobody is asked."""
        overlaps = [(clash.first, clash.second) for clash in group.clashes]
        sets = connected([*overlaps, *((pair.first, pair.second) for pair in pairs(group.live))])
        return await self._settled(group, sets) if sets else Settlement()

    async def _settled(self, group: Group, sets: Sequence[tuple[LessonId, ...]]) -> Settlement:
        try:
            return await self._asked(group, sets)
        except NoAnswer:
            if len(sets) > 1:
                half = len(sets) // 2
                first, second = sets[:half], sets[half:]
                parts = [
                    await self._settled(_without(group, second), first),
                    await self._settled(_without(group, first), second),
                ]
                together = _together(parts)
                # Two rewrites, of which neither answer knew the other, may take the same lines.
                if not find_clashes(_standing(group, self.base, together), self.base):
                    return together
        return by_support(group)

    async def _asked(self, group: Group, sets: Sequence[tuple[LessonId, ...]]) -> Settlement:
        """Ask, and once more with what is wrong; raises NoAnswer where that does not help."""
        asked = self._question(group, sets)
        answer = await self.model.ask(asked)
        try:
            return self._read(group, sets, answer)
        except InvalidInput as error:
            told = self.prompts.text("consolidate-again.md", problems=str(error))
        turns = (*asked.messages, Message("assistant", answer.text), Message("user", told))
        try:
            return self._read(group, sets, await self.model.ask(replace(asked, messages=turns)))
        except InvalidInput as error:
            raise NoAnswer(Why.INVALID, str(error)) from error

    def _question(self, group: Group, sets: Sequence[tuple[LessonId, ...]]) -> Question:
        inside = set(chain.from_iterable(sets))
        shown = [
            f"Set {number}:\n{fenced(chr(10).join(self._shown(group, item) for item in group.of(keys)))}"
            for number, keys in enumerate(sets, start=1)
        ]
        others = [self._shown(group, item) for item in group.live if item.key not in inside]
        task = self.prompts.text(
            "consolidate-group.md", sets="\n\n".join(shown), others=fenced("\n".join(others) or "(none)")
        )
        system = self.prompts.text("consolidate.md", skill=skill_text(self.base))
        about = sorted({ref.trace for item in group.live for key in item.lessons for ref in self.lessons[key].traces})
        return Question(
            model=self.name,
            messages=(Message("system", system), Message("user", task)),
            schema=Decisions,
            max_tokens=self.max_tokens,
            about=tuple(about),
            label=Label(self.run, STAGE, group.place.short),
        )

    def _shown(self, group: Group, item: Live) -> str:
        support = group.support[item.key]
        where = ", ".join(sorted({change.path for change in item.changes}))
        lesson = self.lessons[item.key]
        text = text_of(item.changes).strip() or "(removes text)"
        return f"{item.key.short} ({support} traces, {support.tasks} tasks; {where}): {lesson.title}\n{text}\n"

    def _read(self, group: Group, sets: Sequence[tuple[LessonId, ...]], answer: Answer) -> Settlement:
        """Turn an answer into a settlement, or raise InvalidInput with all that is wrong with it."""
        if not isinstance(answer.value, Decisions):
            raise NoAnswer(Why.INVALID, "it calls a tool instead of answering")
        found = _Reading(group, self.base, f"model:{self.name}")
        problems = [*found.account(answer.value, sets), *found.carry_out(answer.value)]
        if problems:
            raise InvalidInput("\n".join(problems))
        return found.settlement()


class _Reading:
    """An answer, as it is carried out step by step."""

    def __init__(self, group: Group, base: Skill, by: str) -> None:
        self._group = group
        self._base = base
        self._by = by
        self._parts = {item.key.short: item for item in group.live}
        self._dropped: dict[LessonId, str] = {}
        self._rewritten: list[Rewritten] = []

    def account(self, told: Decisions, sets: Sequence[tuple[LessonId, ...]]) -> Iterator[str]:
        """Hold the decisions against the lessons: each once, none invented."""
        named = [name for each in told.decisions for name in each.lessons]
        wanted = {key.short for keys in sets for key in keys}
        yield from (f"{name} is no lesson of this group" for name in sorted(set(named) - self._parts.keys()))
        yield from (f"{name} is not decided" for name in sorted(wanted - set(named)))
        yield from (
            f"{name} is decided {named.count(name)} times" for name in sorted(set(named)) if named.count(name) > 1
        )
        extra = [each for each in told.decisions if each.do == "rewrite" and not set(each.lessons) <= wanted]
        yield from (f"{', '.join(each.lessons)}: only lessons of the sets can be rewritten" for each in extra)

    def carry_out(self, told: Decisions) -> Iterator[str]:
        """Make each decision, and see whether what is left can stand."""
        for each in told.decisions:
            parts = tuple(self._parts[name] for name in each.lessons if name in self._parts)
            if each.do == "drop":
                if not each.reason.strip():
                    yield f"{', '.join(each.lessons)}: dropped without a reason"
                reason = " ".join(each.reason.split())[:300]
                self._dropped |= {lesson: reason for part in parts for lesson in part.lessons}
            elif each.do == "rewrite" and parts:
                yield from self._rewrite(each, parts)
        yield from self._still_clashing()

    def _rewrite(self, each: Decision, parts: tuple[Live, ...]) -> Iterator[str]:
        name = ", ".join(each.lessons)
        try:
            skill = apply_edits(self._base, edits_of(each.edits))
        except InvalidInput as error:
            yield f"{name}: {error}"
            return
        wrong = [found.message for found in check_change(self._base, skill) if found.level is not Level.WARNING]
        changes = changes_between(self._base, skill)
        sources = [text_of(part.changes) for part in parts]
        if new := turned(sources, text_of(changes)):
            wrong.append(f"the lessons do not say {new!r}")
        allowed = {found.message for part in parts for found in reach_findings(self._base, _alone(self._base, part))}
        wrong += [
            f"{f.message}, which no lesson has" for f in reach_findings(self._base, skill) if f.message not in allowed
        ]
        if wrong:
            yield f"{name}: {'; '.join(wrong)}"
        else:
            path = changes[0].path if changes else ""
            self._rewritten.append(Rewritten(parts, skill, f"{self._kind(parts)} {path}"))

    def _kind(self, parts: tuple[Live, ...]) -> str:
        keys = {part.key for part in parts}
        if any({clash.first, clash.second} <= keys for clash in self._group.clashes):
            return "overlap"
        near = [pair for pair in pairs(self._group.live) if {pair.first, pair.second} <= keys]
        return "contradiction" if near and all(pair.is_contrary for pair in near) else "similar"

    def _still_clashing(self) -> Iterator[str]:
        standing = _standing(self._group, self._base, self.settlement())
        yield from (f"both cannot stand: {clash}" for clash in find_clashes(standing, self._base))

    def settlement(self) -> Settlement:
        return Settlement(self._dropped, tuple(self._rewritten), self._by)


def _without(group: Group, sets: Sequence[tuple[LessonId, ...]]) -> Group:
    """Leave out the sets that are asked about apart: nothing is said of them here, and nothing may be decided."""
    others = set(chain.from_iterable(sets))
    clashes = tuple(clash for clash in group.clashes if others.isdisjoint({clash.first, clash.second}))
    return replace(group, live=tuple(item for item in group.live if item.key not in others), clashes=clashes)


def _standing(group: Group, base: Skill, decided: Settlement) -> list[Live]:
    """Give what is left of a group, with each rewrite in the place of its parts."""
    gone = {part.key for each in decided.rewritten for part in each.of}
    kept = [item for item in group.live if item.key not in gone and not decided.dropped.keys() >= set(item.lessons)]
    for each in decided.rewritten:
        sources = tuple(source for part in each.of for source in part.sources)
        kept.append(Live(each.of[0].commit, Kind.RESOLUTION, sources, changes_between(base, each.skill)))
    return kept


def _alone(base: Skill, part: Live) -> Skill:
    return apply_parts(base, {part.key: part.changes})


def _together(parts: Sequence[Settlement]) -> Settlement:
    """Put the settlements of several sets together. Where a rule decided for one, its reasons say so."""
    dropped: dict[LessonId, str] = {}
    for part in parts:
        dropped |= part.dropped
    by = next((part.by for part in parts if part.rewritten), parts[0].by)
    return Settlement(dropped, tuple(each for part in parts for each in part.rewritten), by)
