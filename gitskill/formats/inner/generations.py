"""Runs that were logged as spans: calls of a model, each with its whole history, and tools beside them.

Every call of the model repeats all messages before it, so a run of n steps is
logged n times over. Here each message is taken where it is seen first. Answers
of tools stand in the next call's history, or only in a span of their own.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitskill.formats.inner.message_parts import Answer, Message, decoded
from gitskill.formats.inner.messages import messages
from gitskill.trace import UNKNOWN, Call, Observation, Origin, Step, Usage

MAX_PARENTS = 64
Identity = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """One call of a model."""

    start: str
    """ISO 8601, so that texts sort as times do."""
    sent: Sequence[Message]
    made: Sequence[Message]
    agent: str = ""
    usage: Usage = UNKNOWN


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One run of a tool, as its own span tells it."""

    start: str
    key: str
    call: Call
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """What a span says of its place: enough to find what it belongs to."""

    key: str
    parent: str
    agent: str = ""
    """The agent that it names itself."""
    is_model: bool = False
    is_tool: bool = False


def agents(spans: Iterable[Span]) -> dict[str, str]:
    """Name, for each span, the nearest agent at or above it."""
    known = {span.key: span for span in spans}
    found: dict[str, str] = {}
    for span in known.values():
        found[span.key] = next((each.agent for each in _line(span, known) if each.agent), "")
    return found


def wrappers(spans: Iterable[Span]) -> set[str]:
    """Find the calls of a model that only wrap another one: frameworks and clients both log the same call."""
    known = {span.key: span for span in spans}
    found: set[str] = set()
    for span in known.values():
        if span.is_model:
            for each in _line(span, known)[1:]:
                if each.is_tool or each.agent:
                    break
                if each.is_model:
                    found.add(each.key)
    return found


def _line(span: Span, known: dict[str, Span]) -> list[Span]:
    """Give a span and what it stands in, from the inside out."""
    line = [span]
    while len(line) < MAX_PARENTS and line[-1].parent and (above := known.get(line[-1].parent)) and above is not span:
        line.append(above)
    return line


class Histories:
    """Reads what the model was sent, call after call: what the call before was sent too is not read again."""

    def __init__(self) -> None:
        self._value: list[Any] = []
        self._messages: list[Message] = []

    def messages(self, value: Any) -> list[Message]:
        """Give the messages in a logged input."""
        value = decoded(value)
        if not isinstance(value, list):
            return messages(value, Origin.USER)
        known = len(self._value)
        if known and value[:known] == self._value:
            found = self._messages + messages(value[known:], Origin.USER)
        else:
            found = messages(value, Origin.USER)
        self._value, self._messages = value, found
        return found


def _starts_with(sent: Sequence[Message], before: Sequence[Message]) -> bool:
    return len(sent) >= len(before) and all(one is two or one == two for one, two in zip(before, sent, strict=False))


def request_of(sent: Iterable[Message]) -> str:
    """Give what was asked: the user's last text before the model first answered; what stands before is history."""
    return next((each.text for each in [*sent][::-1] if each.origin is Origin.USER and each.text.strip()), "")


def steps_of(generations: Iterable[Generation], tools: Iterable[ToolRun]) -> tuple[Step, ...]:
    """Build the steps of a run."""
    run = _Run()
    ordered = sorted(generations, key=lambda each: each.start)
    main = ordered[0].agent if ordered else ""
    for generation in ordered:
        run.follow(replace(generation, agent="" if generation.agent == main else generation.agent))
    return run.with_tools(sorted(tools, key=lambda each: each.start), main)


@dataclass(slots=True)
class _Place:
    """Where a call stands among the steps."""

    step: int
    at: int
    is_taken: bool = False
    """A span has been found that tells of it."""


class _Run:
    """The steps while they are gathered, with what has been seen."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._seen: Counter[Identity] = Counter()
        self._keys: set[Identity] = set()
        self._sent: Sequence[Message] = ()
        self._history: Counter[Identity] = Counter()
        """What the newest call of the model was sent, and how often each thing stood in it."""
        self._open: dict[str, list[_Place]] = defaultdict(list)
        """Calls that wait for their answer, by id and by name."""
        self._calls: dict[str, list[_Place]] = defaultdict(list)
        """All calls, by id, and by name and arguments."""

    def follow(self, generation: Generation) -> None:
        """Add what a call of the model tells that is new."""
        told = [each for each in generation.made if each.origin is Origin.SYSTEM]
        made = [each for each in generation.made if each.origin is Origin.AGENT or each.answers]
        step = Step(Origin.USER, agent=generation.agent, time=generation.start)
        self._hear(told, Counter(), step)
        start = len(self._sent) if _starts_with(generation.sent, self._sent) else 0
        self._sent = generation.sent
        self._history = Counter(self._history) if start else Counter()
        self._hear(generation.sent[start:], self._history, step)
        usage = generation.usage
        for message in made:
            for identity in _identities(message):
                self._seen[identity] += 1
            step = Step(message.origin, agent=generation.agent, time=generation.start, usage=usage)
            usage = UNKNOWN if message.origin is Origin.AGENT else usage
            self._add(message, step)

    def _hear(self, messages: Sequence[Message], history: Counter[Identity], step: Step) -> None:
        for message in messages:
            self._add(self._new(message, history), replace(step, origin=message.origin))
        self._seen |= history

    def _new(self, message: Message, history: Counter[Identity]) -> Message:
        """Leave of a message what no earlier call of the model has told."""
        calls = tuple(each for each in message.calls if self._is_new(_of_call(*each), each[0], history))
        answers = tuple(each for each in message.answers if self._is_new(_of_answer(each), each.key, history))
        text = message.text if self._is_new(_of_text(message), "", history) else ""
        thought = message.thought if text or calls or not (message.text or message.calls) else ""
        return Message(message.origin, text, thought, calls, answers)

    def _is_new(self, identity: Identity, key: str, history: Counter[Identity]) -> bool:
        """Tell whether something was not seen yet: by its id, else by how often it stands in the history."""
        history[identity] += 1
        if key and (identity[0], key) in self._keys:
            return False
        return history[identity] > self._seen[identity] or (bool(key) and identity[0] == "answer")

    def _add(self, message: Message, step: Step) -> None:
        for answer in message.answers:
            self._answer(answer, step)
        calls = tuple(call for _, call in message.calls)
        if not (message.text.strip() or message.thought.strip() or calls):
            return
        for at, (key, call) in enumerate(message.calls):
            place = _Place(len(self._steps), at)
            self._keys.add(("call", key))
            for name in {key, call.name} - {""}:
                self._open[name].append(place)
            for name in {key, _signature(call), call.name} - {""}:
                self._calls[name].append(place)
        origin = Origin.AGENT if calls else message.origin
        self._steps.append(replace(step, origin=origin, text=message.text, thought=message.thought, calls=calls))

    def _answer(self, answer: Answer, step: Step) -> None:
        """Give the call with this id its answer, or the oldest one of this name that waits."""
        self._keys.add(("answer", answer.key))
        waiting = self._open.get(answer.key) or ([] if answer.key else self._open.get(answer.name, []))
        place = next((each for each in waiting if self._call(each).observation is None), None)
        if place:
            self._fill(place, answer.observation)
            waiting.remove(place)
        elif answer.observation.text.strip():
            self._steps.append(replace(step, origin=Origin.TOOL, text=answer.observation.text))

    def _call(self, place: _Place) -> Call:
        return self._steps[place.step].calls[place.at]

    def _fill(self, place: _Place, observation: Observation) -> None:
        step = self._steps[place.step]
        calls = list(step.calls)
        calls[place.at] = replace(calls[place.at], observation=observation)
        self._steps[place.step] = replace(step, calls=tuple(calls))

    def with_tools(self, tools: Sequence[ToolRun], main: str) -> tuple[Step, ...]:
        """Give the steps, with the answers that only the tools' own spans hold and the calls that no message tells."""
        apart: list[Step] = []
        for tool in tools:
            if place := self._place(tool):
                place.is_taken = True
                if self._call(place).observation is None and tool.call.observation:
                    self._fill(place, tool.call.observation)
            else:
                agent = "" if tool.agent == main else tool.agent
                apart.append(Step(Origin.AGENT, calls=(tool.call,), time=tool.start, agent=agent))
        return _woven(self._steps, apart)

    def _place(self, tool: ToolRun) -> _Place | None:
        names = [tool.key] if tool.key in self._calls else [_signature(tool.call)]
        names += [] if tool.call.arguments else [tool.call.name]
        return next((each for name in names for each in self._calls.get(name, ()) if not each.is_taken), None)


def _woven(steps: list[Step], apart: list[Step]) -> tuple[Step, ...]:
    """Put steps between others by their times."""
    woven: list[Step] = []
    waiting = apart[::-1]
    for step in steps:
        while waiting and step.time and waiting[-1].time and waiting[-1].time < step.time:
            woven.append(waiting.pop())
        woven.append(step)
    return (*woven, *waiting[::-1])


def _identities(message: Message) -> Iterable[Identity]:
    yield _of_text(message)
    yield from (_of_call(*each) for each in message.calls)
    yield from (_of_answer(each) for each in message.answers)


def _of_text(message: Message) -> Identity:
    said = message.text.strip() or message.thought.strip() if not message.calls else message.text.strip()
    return ("text", message.origin, said)


def _of_call(_key: str, call: Call) -> Identity:
    return ("call", _signature(call))


def _of_answer(answer: Answer) -> Identity:
    return ("answer", answer.observation.text.strip())


def _signature(call: Call) -> str:
    return f"{call.name} {json.dumps(call.arguments, sort_keys=True)}"
