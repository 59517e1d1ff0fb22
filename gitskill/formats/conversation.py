"""Building the steps of a run: answers find the calls that they belong to."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gitskill.formats.loose import items, mapping, mappings, string, text, unpacked
from gitskill.trace import Call, Observation, Origin, Step

_ORIGINS = {
    "system": Origin.SYSTEM,
    "developer": Origin.SYSTEM,
    "user": Origin.USER,
    "human": Origin.USER,
    "assistant": Origin.AGENT,
    "model": Origin.AGENT,
    "ai": Origin.AGENT,
    "tool": Origin.TOOL,
    "function": Origin.TOOL,
}


class Conversation:
    """The steps of one run while they are read. A call and its answer may stand far apart, or in one record."""

    def __init__(self) -> None:
        self._steps: list[tuple[Step, list[Call]]] = []
        """Each step with its calls, which may still get answers."""
        self._open: dict[str, tuple[int, int]] = {}
        """Where the call with each id stands, until its answer comes."""
        self._answered = False
        """Whether the newest step has got an answer."""

    def add(self, step: Step, keys: Iterable[str] = ()) -> None:
        """Append a step; `keys` are the ids of its calls, in their order. One without any text or call is left out."""
        if step.text.strip() or step.thought.strip() or step.calls:
            self._open |= {key: (len(self._steps), which) for which, key in enumerate(keys) if key}
            self._steps.append((step, list(step.calls)))
            self._answered = any(call.observation for call in step.calls)

    def call(self, key: str, call: Call, *, step: Step | None = None) -> None:
        """Append a call that has a record of its own: to the agent's newest step while no answer has come.

        `step` is what to open otherwise.
        """
        opened = step or Step(Origin.AGENT)
        newest = self._steps[-1][0] if self._steps else None
        if newest is None or newest.origin is not Origin.AGENT or newest.agent != opened.agent or self._answered:
            self._steps.append((opened, []))
            self._answered = False
        calls = self._steps[-1][1]
        calls.append(call)
        if call.observation:
            self._answered = True
        elif key:
            self._open[key] = (len(self._steps) - 1, len(calls) - 1)

    def answer(self, key: str, observation: Observation, *, step: Step | None = None) -> None:
        """Give the call with this id its answer; `step` is what to append where no call waits for it."""
        if (place := self._open.pop(key, None)) is None:
            self.add(replace(step or Step(Origin.TOOL), text=observation.text))
            return
        at, which = place
        calls = self._steps[at][1]
        calls[which] = replace(calls[which], observation=observation)
        self._answered = self._answered or at == len(self._steps) - 1

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far."""
        return tuple(replace(step, calls=tuple(calls)) for step, calls in self._steps)


def converse(messages: Iterable[Any]) -> Conversation:
    """Read messages as chat models take and give them, in OpenAI's shape or Anthropic's, or a mix of the two."""
    conversation = Conversation()
    for message in messages:
        if isinstance(message, dict):
            _message(conversation, message)
    return conversation


def _message(conversation: Conversation, message: dict[str, Any]) -> None:
    role = string(message.get("role") or message.get("type"))
    origin = _ORIGINS.get(role, Origin.USER)
    content = message.get("content")
    parts = mappings(content)
    if origin is Origin.TOOL:
        answered = Observation(text(content), is_error=bool(message.get("error") or message.get("is_error")))
        conversation.answer(_key(message), answered)
        return
    for part in parts:
        if part.get("type") == "tool_result":
            answered = Observation(text(part.get("content")), is_error=part.get("is_error") is True)
            conversation.answer(string(part.get("tool_use_id")), answered)
    said = [part for part in items(content) if not _is_special(part)] if isinstance(content, list) else content
    calls = list(_calls(message, parts))
    step = Step(origin, text(said), thought_of(message), tuple(call for _, call in calls))
    conversation.add(step, [key for key, _ in calls])


def _key(message: dict[str, Any]) -> str:
    """Give the id of the call that a message answers. SWE-agent lists it; a tool that is old gives its name alone."""
    listed = next(iter(items(message.get("tool_call_ids"))), None)
    return string(message.get("tool_call_id") or listed or message.get("id") or message.get("name"))


def thought_of(message: dict[str, Any]) -> str:
    """Give what a message holds of the model's reasoning, in any of the usual places."""
    for key in ("reasoning_content", "reasoning", "thinking"):
        if found := text(message.get(key)):
            return found
    blocks = [*mappings(message.get("thinking_blocks")), *mappings(message.get("content"))]
    thoughts = [string(part.get("thinking")) or string(part.get("reasoning")) for part in blocks]
    return "\n".join(filter(None, thoughts))


def _is_special(part: Any) -> bool:
    special = {"tool_use", "tool_result", "thinking", "redacted_thinking", "reasoning"}
    return mapping(part).get("type") in special


def _calls(message: dict[str, Any], parts: list[dict[str, Any]]) -> Iterable[tuple[str, Call]]:
    for told in map(unpacked, items(message.get("tool_calls"))):
        inner = mapping(mapping(told).get("function")) or mapping(told)
        name = string(inner.get("name")) or string(mapping(told).get("function"))
        if name:
            yield string(mapping(told).get("id")), Call(name, unpacked(inner.get("arguments")))
    if name := string(mapping(message.get("function_call")).get("name")):
        yield name, Call(name, unpacked(message["function_call"].get("arguments")))
    for part in parts:
        if part.get("type") == "tool_use":
            yield string(part.get("id")), Call(string(part.get("name")), part.get("input"))
