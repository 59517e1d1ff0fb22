"""The error analyst: an agent that looks for the one decision that made a run fail, and proves it where it can."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gitskill.analysts.desk import Desk, said, taught, valued
from gitskill.analysts.draft import Studied
from gitskill.analysts.rendering import fenced, overview, skill_text
from gitskill.analysts.room import BARE, Block, Equipment, Room
from gitskill.analysts.shapes import Act, Lessons, LessonShape, Report, suggestion, suggestions
from gitskill.analysts.suggestion import Suggestion, Taught
from gitskill.model.request import Answer, Message, Question
from gitskill.outcome import Outcome
from gitskill.skill.snapshot import SKILL_FILE
from gitskill.trace import Artifact, shortened

TURNS = 20
_REQUEST = 4_000
_RESULT = 1_000
_FILES = 50


@dataclass(slots=True)
class _Talk:
    """A conversation as it grows: the room, and what was done in it since it last changed."""

    room: Room
    messages: list[Message]
    done: dict[str, int] = field(default_factory=dict)
    """The turn of each act."""


@dataclass(frozen=True, slots=True)
class Error:
    """Learns from what went wrong, in at most `turns` questions a run."""

    desk: Desk
    turns: int = TURNS
    tools: Equipment = BARE

    async def study(self, runs: Sequence[Studied], slot: str = "") -> Taught:
        """Say what one run teaches, or raise NoAnswer, ModelUnusable or Paused."""
        [run] = runs
        talk = _Talk(Room.of(run, self.desk.skill, self.tools), self._opening(run))
        for turn in range(1, self.turns):
            asked = self._question(talk, run, slot, last=False)
            answer = await self.desk.model.ask(asked)
            act = valued(answer, self.tools.turn).act
            if isinstance(act, Report):
                return await self._reported(talk.room, (asked, answer), act, more=True)
            talk.messages.append(said(answer))
            talk.messages.append(Message("user", await self._result(talk, act, turn)))
        asked = self._question(talk, run, slot, last=True)
        answer = await self.desk.model.ask(asked)
        return await self._reported(talk.room, (asked, answer), valued(answer, Lessons), more=False)

    def _opening(self, run: Studied) -> list[Message]:
        prompts, skill = self.desk.prompts, self.desk.skill
        acts = [prompts.text("analyst-acts.md")]
        if self.tools.runner:
            acts.append(prompts.text("analyst-acts-sandbox.md"))
        if self.tools.runner and self.tools.checker:
            acts.append(prompts.text("analyst-acts-check.md"))
        system = prompts.text(
            "analyst-error.md",
            acts="\n".join(acts),
            rules=prompts.text("analyst-rules.md"),
            skill=skill_text(skill, only=SKILL_FILE),
        )
        task = prompts.text("analyst-error-task.md", run=fenced(_first_sight(run)))
        return [Message("system", system), Message("user", task)]

    def _question(self, talk: _Talk, run: Studied, slot: str, *, last: bool) -> Question:
        """Ask what to do next or, the last time, for the report alone."""
        messages = list(talk.messages)
        if last:
            told = f"{messages[-1].content}\n\n{self.desk.prompts.text('analyst-error-last.md')}"
            messages[-1] = Message("user", told)
        return self.desk.question(messages, Lessons if last else self.tools.turn, (run.id,), slot)

    async def _result(self, talk: _Talk, act: Act, turn: int) -> str:
        """Do the act and write what came of it; one that would show the same again is not done."""
        prompts, key = self.desk.prompts, act.model_dump_json()
        if key in talk.done:
            told = prompts.text("analyst-error-repeated.md", turn=str(talk.done[key]))
        else:
            room, blocks = await talk.room.done(act)
            if room.files != talk.room.files:
                talk.done.clear()
            else:
                talk.done[key] = turn
            talk.room = room
            told = "\n".join(map(_shown, blocks))
        return prompts.text("analyst-error-result.md", result=told, left=str(self.turns - turn))

    async def _reported(
        self, room: Room, last: tuple[Question, Answer], told: Report | Lessons, *, more: bool
    ) -> Taught:
        def read(shape: LessonShape) -> Suggestion:
            return suggestion(shape, (room.run.id,), room.verified)

        found: Sequence[Suggestion] = suggestions(told.lessons, read)
        if more:
            found = await self.desk.corrected(*last, found, read)
        return taught(found, told.reason)


def _shown(block: Block) -> str:
    return f"{block.told}\n{fenced(block.data)}" if block.data else block.told


def _first_sight(run: Studied) -> str:
    """Write what one knows of a run before looking into it."""
    trace = run.trace
    parts = [
        ("Outcome", _ended(run.outcome)),
        ("Task", shortened(trace.request, _REQUEST)),
        ("Outside the agent", shortened(trace.error, _RESULT)),
        (f"The {len(trace.steps)} steps", overview(trace)),
        ("Its last word", shortened(trace.result, _RESULT)),
        ("Files it left", _names(trace.artifacts)),
    ]
    return "\n\n".join(f"{name}:\n{text}" for name, text in parts if text)


def _ended(outcome: Outcome) -> str:
    reward = "" if outcome.reward is None else f", reward {outcome.reward:g}"
    wanted = "" if outcome.reward is None or outcome.threshold is None else f" of {outcome.threshold:g} needed"
    note = f": {shortened(outcome.note, _RESULT)}" if outcome.note else ""
    return f"{outcome.status}{reward}{wanted}{note}"


def _names(artifacts: Sequence[Artifact]) -> str:
    names = [f"{' '.join(each.name.split())[:200]} ({len(each.text):,} characters)" for each in artifacts]
    more = [f"and {len(names) - _FILES} more"] if len(names) > _FILES else []
    return "\n".join(names[:_FILES] + more)
