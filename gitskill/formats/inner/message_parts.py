"""The parts of a message: texts, thoughts, calls of tools and their answers, by whatever names they were logged."""

import json
from dataclasses import dataclass
from typing import Any

from gitskill.formats.loose import count, mapping, string, text, unpacked, written
from gitskill.trace import Call, Observation, Origin, Usage

_KINDS = {
    "call": ("tool_use", "tool_call", "function_call", "server_tool_use", "mcp_call", "custom_tool_call"),
    "answer": ("tool_result", "tool_call_response", "function_call_output", "custom_tool_call_output"),
    "thought": ("thinking", "reasoning", "redacted_thinking", "thought"),
    "text": ("text", "input_text", "output_text", "refusal"),
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}
_CALL_FIELDS = ("function_call", "functionCall", "toolUse")
_ANSWER_FIELDS = ("function_response", "functionResponse", "toolResult")
_KEYS = ("tool_use_id", "tool_call_id", "call_id", "toolCallId", "toolUseId", "id")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool returned, with what tells the call that it belongs to."""

    key: str
    name: str
    observation: Observation


@dataclass(frozen=True, slots=True)
class Message:
    """One message, whatever its shape was."""

    origin: Origin
    text: str = ""
    thought: str = ""
    calls: tuple[tuple[str, Call], ...] = ()
    """With their ids, where they have one."""
    answers: tuple[Answer, ...] = ()


class Parts:
    """What the parts of one message hold, by kind."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.calls: list[tuple[str, Call]] = []
        self.answers: list[Answer] = []

    def take(self, part: Any) -> None:
        """Add a part."""
        kind = kind_of(part)
        if kind == "call":
            self.calls.append(call_of(part))
        elif kind == "answer":
            self.answers.append(answer_of(part))
        elif kind == "thought":
            self.thoughts.append(_first(part, "thinking", "content", "text", "reasoning", "summary"))
        else:
            self.texts.append(text(part))

    def message(self, origin: Origin) -> Message:
        """Give the message that the parts make up."""
        calls = tuple(call for call in self.calls if call[1].name)
        said, thought = "\n".join(filter(None, self.texts)), "\n".join(filter(None, self.thoughts))
        return Message(origin, said, thought, calls, tuple(self.answers))


def decoded(value: Any) -> Any:
    """Read the JSON inside a string, also where it was written as JSON twice; a quoted sentence stays one."""
    if isinstance(value, str) and value.startswith('"') and value.endswith('"'):
        try:
            inner = json.loads(value)
        except ValueError:
            return value
        value = inner if "\\" in value and isinstance(inner, str) else value
    return unpacked(value)


def observation(value: Any, *, is_packed: bool = False) -> Observation:
    """Read what a tool returned: a text, content in parts, or any JSON; packed, if spans keep it as JSON in a text."""
    told = mapping(decoded(value) if is_packed else value)
    is_error = _is_error(told)
    kind = string(told.get("type"))
    if "content" in told and (isinstance(told["content"], list) or kind in {"tool", "function"}):
        return Observation(text(told["content"]), is_error=is_error)
    if "value" in told and kind:  # Vercel: {"type": "error-text", "value": ...}
        return Observation(written(told["value"]), is_error=is_error or "error" in kind)
    if isinstance(value, list):
        return Observation(text(value))
    return Observation("" if value is None else written(value), is_error=is_error)


def _is_error(told: dict[str, Any]) -> bool:
    return True in (told.get("is_error"), told.get("isError")) or told.get("status") == "error"


def usage(value: Any) -> Usage:
    """Read the tokens of one call of a model, in OpenAI's words or Anthropic's."""
    told = mapping(value)
    details = mapping(told.get("prompt_tokens_details")) or mapping(told.get("input_tokens_details"))
    read = count(told.get("cache_read_input_tokens"))
    sent = _count(told, "prompt_tokens", "input_tokens", "promptTokens", "inputTokens")
    made = _count(told, "completion_tokens", "output_tokens", "completionTokens", "outputTokens")
    if sent is not None and (read is not None or "cache_creation_input_tokens" in told):  # Anthropic counts them apart
        sent += (read or 0) + (count(told.get("cache_creation_input_tokens")) or 0)
    cached = read if read is not None else count(details.get("cached_tokens"))
    return Usage(sent, made, cached)


def _count(told: dict[str, Any], *names: str) -> int | None:
    return next((found for name in names if (found := count(told.get(name))) is not None), None)


def kind_of(part: Any) -> str:
    """Name what a part of a message is: call, answer, thought, text, or nothing known."""
    if not isinstance(part, dict):
        return ""
    kind = string(part.get("type") or part.get("block_type")).replace("-", "_")
    if part.get("thought") is True:
        return "thought"
    for name, fields in (("call", _CALL_FIELDS), ("answer", _ANSWER_FIELDS)):
        if any(isinstance(part.get(field), dict) for field in fields):
            return name
    return _KIND_OF.get(kind, "") if kind else _untyped(part)


def _untyped(part: dict[str, Any]) -> str:
    """Do the same for a part that names no type, as AutoGen's and Vercel's calls."""
    if part.keys() & {"arguments", "toolName"} and not part.keys() & {"role", "content"}:
        return "call"
    return "answer" if "call_id" in part and "content" in part else ""


def call_of(part: dict[str, Any]) -> tuple[str, Call]:
    """Read a part that is a call, with its id."""
    inner = _inner(part, (*_CALL_FIELDS, "function"))
    name = _first(inner, "name", "toolName", "tool_name") or string(part.get("name")) or string(part.get("function"))
    given: Any = next((inner[key] for key in ("arguments", "args", "input") if inner.get(key) is not None), {})
    return key_of(part, inner), Call(name, unpacked(given))


def answer_of(part: dict[str, Any]) -> Answer:
    """Read a part that is an answer."""
    inner = _inner(part, _ANSWER_FIELDS)
    given = [inner[key] for key in ("output", "result", "response", "content") if inner.get(key) is not None]
    found = observation(given[0] if given else None)
    told = Observation(found.text, is_error=found.is_error or _is_error(inner))
    return Answer(key_of(inner, part), _first(inner, "name", "toolName"), told)


def _inner(part: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    for field in fields:
        if field in part and (found := mapping(part[field])):
            return found
    return part


def key_of(*places: dict[str, Any]) -> str:
    """Give the id that a call and its answer share."""
    for place in places:
        for name in _KEYS:
            if name in place and (found := _key(place[name])):
                return found
    return ""


def _key(value: Any) -> str:
    """Read a call's id; Microsoft's framework gives a list, of which one is the model's."""
    if not isinstance(value, list):
        return string(value)
    names = [string(item) for item in value]
    return next((name for name in names if name.startswith("call_")), names[-1] if names else "")


def _first(value: dict[str, Any], *keys: str) -> str:
    for key in keys:
        if key in value and (found := text(value[key])):
            return found
    return ""
