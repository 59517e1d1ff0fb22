"""The steps of a run of Claude Code: answers stand with their calls, sub-agents after the call that started them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gitskill.formats.inner.anthropic_blocks import Message, joined
from gitskill.formats.loose import mapping, string
from gitskill.trace import Call, Observation, Origin, Step


@dataclass(frozen=True, slots=True)
class Thread:
    """What a sub-agent said and did."""

    agent: str
    call: str
    """The id of the call that started it; empty where nothing tells."""
    messages: Sequence[Message]

    @property
    def prompt(self) -> str:
        """The text that it was started with."""
        return next((message.text for message in self.messages if message.text), "").strip()


_Turns = Iterator[tuple[Step, Sequence[tuple[str, Call]]]]


def woven(main: Sequence[Message], threads: Iterable[Thread]) -> tuple[Step, ...]:
    """Give the steps of a run. Sub-agents that no call has started come last."""
    waiting: dict[str, list[Thread]] = {}
    for at, thread in enumerate(threads):
        waiting.setdefault(thread.call or f"#{at}", []).append(thread)
    steps = list(_run(_turns(main, ""), waiting))
    while waiting:
        for thread in waiting.pop(next(iter(waiting))):
            steps.extend(_run(_turns(thread.messages, thread.agent), waiting))
    return tuple(steps)


def _run(first: _Turns, waiting: dict[str, list[Thread]]) -> Iterator[Step]:
    """Give steps, each followed by those of the sub-agents that its calls have started."""
    open_turns = [first]
    while open_turns:
        turn = next(open_turns[-1], None)
        if turn is None:
            open_turns.pop()
            continue
        step, calls = turn
        yield step
        started = [(thread, call) for key, call in calls for thread in waiting.pop(key, [])]
        open_turns.extend(_turns(thread.messages, thread.agent, prompt_of(call)) for thread, call in started[::-1])


def prompt_of(call: Call) -> str:
    """Give the text that a call starts a sub-agent with, if it starts one."""
    return string(mapping(call.arguments).get("prompt")).strip()


def _turns(messages: Sequence[Message], agent: str, prompt: str = "") -> _Turns:
    """Give each step with its calls. `prompt` stands in the call already, and is left out."""
    observed = dict(answer for message in messages for answer in message.answers)
    called = {key for message in messages for key, _ in message.calls}
    for message in joined(messages):
        for key, observation in message.answers:
            if key not in called and observation.text.strip():
                yield Step(Origin.TOOL, observation.text, time=message.time, agent=agent), ()
        is_prompt = bool(prompt) and not message.calls and message.text.strip() == prompt
        if not is_prompt and (message.text.strip() or message.thought.strip() or message.calls):
            yield _step(message, agent, observed), message.calls


def _step(message: Message, agent: str, observed: Mapping[str, Observation]) -> Step:
    calls = tuple(replace(call, observation=observed.get(key)) for key, call in message.calls)
    return Step(message.origin, message.text, message.thought, calls, message.usage, message.time, agent)
