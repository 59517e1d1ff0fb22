"""Building the steps of a Codex run: what the agent thought, said and called in one answer is one step."""

from dataclasses import dataclass, field
from typing import Any

from gitskill.formats.conversation import Conversation
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import count, mapping
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.trace import UNKNOWN, Call, Observation, Origin, Step, Usage

NO_STEP = "no step taken by the agent"


@dataclass(slots=True)
class _Answer:
    """One answer of the model, until something else follows it."""

    time: str = ""
    text: str = ""
    thoughts: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    usage: Usage = UNKNOWN


class Story:
    """The steps of one run while its log is read."""

    def __init__(self) -> None:
        self.fault = ""
        """The last error after which the agent did nothing more."""
        self._conversation = Conversation()
        self._answer: _Answer | None = None
        self._spent = UNKNOWN
        self._overheard: list[str] = []
        self._thought: set[str] = set()

    def think(self, parts: list[str], time: str) -> None:
        """Add what the model told itself; without any text of its own, what its announcements said."""
        found = [part for part in parts if part.strip()]
        self._thought, heard, self._overheard = set(found), self._overheard, []
        self._open_new(time).thoughts += found or heard

    def overhear(self, text: str) -> None:
        """Remember an announced thought: it counts only if no record of the thought itself carries text."""
        if text.strip() and text not in self._thought:
            self._overheard.append(text)

    def say(self, text: str, time: str) -> None:
        """Add what the agent said."""
        self._open_new(time).text = text

    def call(self, key: str, call: Call, time: str) -> None:
        """Add a call to the model's newest answer."""
        answer = self._open(time)
        answer.calls.append(call)
        answer.keys.append(key)

    def answer(self, key: str, observation: Observation, time: str) -> None:
        """Give the call with this id what its tool returned."""
        self._close_answer()
        self._conversation.answer(key, observation, step=Step(Origin.TOOL, time=time))

    def hear(self, origin: Origin, text: str, time: str) -> None:
        """Add what somebody else said."""
        self._close_answer()
        self._conversation.add(Step(origin, text, time=time))

    def spend(self, used: Usage) -> None:
        """Add what one answer used: the open one, or the next, since old versions told it beforehand."""
        if self._answer:
            self._answer.usage = summed([self._answer.usage, used])
        else:
            self._spent = summed([self._spent, used])

    def fail(self, error: str) -> None:
        """Remember an error. It ends the run unless the agent goes on."""
        self.fault = error

    def steps(self) -> tuple[Step, ...]:
        """Give all steps."""
        self._close_answer()
        return self._conversation.steps

    def _open(self, time: str) -> _Answer:
        """Give the answer that is being told, or begin one."""
        self.fault = ""
        if self._answer is None:
            self._answer, self._spent = _Answer(time, usage=self._spent), UNKNOWN
        return self._answer

    def _open_new(self, time: str) -> _Answer:
        """Do the same, but begin a new answer behind words or calls."""
        if self._answer and (self._answer.text or self._answer.calls):
            self._close_answer()
        return self._open(time)

    def _close_answer(self) -> None:
        told, self._answer = self._answer, None
        heard, self._overheard = self._overheard, []
        if told is None and not heard:
            return
        if told is None:
            told, self._spent = _Answer(usage=self._spent), UNKNOWN
        told.thoughts += heard
        thought = "\n\n".join(told.thoughts)
        step = Step(Origin.AGENT, told.text, thought, tuple(told.calls), told.usage, told.time)
        self._conversation.add(step, told.keys)


class Meter:
    """What a run used, from events that tell its running total, the newest share of it, or both."""

    def __init__(self) -> None:
        self.used = UNKNOWN
        self._seen: tuple[Any, Any] = (None, None)
        self._total = UNKNOWN

    def take(self, told: dict[str, Any]) -> Usage:
        """Give what is new in an event. One that repeats the last one tells nothing new."""
        total, share = mapping(told.get("total_token_usage")), mapping(told.get("last_token_usage"))
        if not total and not share:
            share = told
        if (total, share) == self._seen:
            return UNKNOWN
        self._seen = (total, share)
        before, self._total = self._total, _usage(total)
        new = _usage(share) if share else _since(self._total, before)
        if not new.input and not new.output:
            return UNKNOWN
        self.used = summed([self.used, new])
        return new


def outcome(steps: tuple[Step, ...], fault: str, source: str) -> Outcome:
    """Label a run that broke. How well the agent did, no log of Codex says."""
    if fault:
        return Outcome.broken(fault, source)
    has_acted = any(step.origin is Origin.AGENT for step in steps)
    return UNLABELLED if has_acted else Outcome.broken(NO_STEP, "log")


def last_word(steps: tuple[Step, ...]) -> str:
    """Give the last text of the agent."""
    return next((step.text for step in reversed(steps) if step.origin is Origin.AGENT and step.text), "")


def _usage(told: dict[str, Any]) -> Usage:
    """Read a usage: OpenAI counts cached tokens as input, and thoughts as output."""
    return Usage(
        count(told.get("input_tokens")), count(told.get("output_tokens")), count(told.get("cached_input_tokens"))
    )


def _since(now: Usage, before: Usage) -> Usage:
    """Subtract one total from the next; a smaller one was counted anew, in a session that was resumed."""
    if (now.input or 0) < (before.input or 0) or (now.output or 0) < (before.output or 0):
        return now

    def less(left: int | None, right: int | None) -> int | None:
        return None if left is None else max(0, left - (right or 0))

    return Usage(less(now.input, before.input), less(now.output, before.output), less(now.cached, before.cached))
