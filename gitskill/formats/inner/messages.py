"""Messages in the shapes in which frameworks log them, read into one.

OpenAI (chat and responses), Anthropic's blocks, Gemini and ADK, LangChain,
Vercel's AI SDK, AutoGen, LlamaIndex, Bedrock, and the parts of the OpenTelemetry
conventions: they differ in the names of a few fields, which this module knows.
"""

from typing import Any

from gitskill.formats.inner.message_parts import Answer, Message, Parts, call_of, decoded, key_of, kind_of, observation
from gitskill.formats.loose import items, mapping, mappings, string, text, unpacked, written
from gitskill.trace import Observation, Origin

_NAMES = {
    Origin.SYSTEM: "system developer systemmessage system_instruction",
    Origin.USER: "user human usermessage humanmessage humanmessagechunk textmessage",
    Origin.AGENT: "assistant model ai agent assistantmessage aimessage aimessagechunk",
    Origin.TOOL: "tool function toolmessage functionmessage functionexecutionresultmessage tool-response",
}
_ORIGINS = {name: origin for origin, names in _NAMES.items() for name in names.split()}

_WRAPPERS = (
    "messages",
    "chat_history",
    "contents",
    "choices",
    "candidates",
    "generations",
    "response",
    "output",
    "message",
)
_FIRST = {"choices", "candidates", "generations"}
"""Alternatives: the run went on with the first."""
_TEXTS = ("prompt", "user_msg", "query", "question", "input", "task", "text", "completion", "answer", "result", "value")

MAX_INSIDE = 16
"""How deep messages may lie inside lists and objects."""


def messages(value: Any, default: Origin, room: int = MAX_INSIDE) -> list[Message]:
    """Give the messages in a logged input or output; a text alone is from `default`."""
    value = decoded(value)
    if isinstance(value, str):
        return [Message(default, value)] if value.strip() else []
    if isinstance(value, list) and room:
        return _listed([decoded(item) for item in value], default, room - 1)
    return _object(value, default, room - 1) if isinstance(value, dict) and room else []


def _listed(values: list[Any], default: Origin, room: int) -> list[Message]:
    """Read messages, or the items of one answer of the model: those that are no message of their own are joined."""
    made: list[Message] = []
    for value in values:
        is_item = isinstance(value, dict) and _origin(value) is None
        for message in messages(value, default, room):
            if made and is_item and message.origin is made[-1].origin is Origin.AGENT and not made[-1].answers:
                made[-1] = _joined(made[-1], message)
            else:
                made.append(message)
    return made


def _joined(one: Message, two: Message) -> Message:
    said, thought = (one.text, two.text), (one.thought, two.thought)
    calls = (*one.calls, *two.calls)
    return Message(one.origin, "\n".join(filter(None, said)), "\n".join(filter(None, thought)), calls, two.answers)


def _object(value: dict[str, Any], default: Origin, room: int) -> list[Message]:
    value = _plain(value)
    if value == {"content": "role"}:  # LangSmith's exporter writes this where it means the whole history
        return []
    if (origin := _origin(value)) is not None:
        return [] if _is_definition(value) else [_message(value, origin)]
    if kind_of(value):
        parts = Parts()
        parts.take(value)
        return [parts.message(Origin.TOOL if parts.answers else Origin.AGENT if not parts.texts else default)]
    return _opened(value, default, room)


def _opened(value: dict[str, Any], default: Origin, room: int) -> list[Message]:
    """Look inside an object that is no message for those that it holds."""
    instruction = _system(value)
    system = [Message(Origin.SYSTEM, instruction)] if instruction.strip() else []
    for key in _WRAPPERS:
        if isinstance(value.get(key), list | dict):
            inner = items(value[key])[:1] if key in _FIRST else value[key]
            return system + messages(inner, Origin.AGENT if key in _FIRST else default, room)
    if isinstance(value.get("content") or value.get("parts"), str | list | dict):
        return [*system, _message(value, default)]
    for key in (*_TEXTS, *_WRAPPERS):
        if isinstance(value.get(key), str | list):
            return system + messages(value[key], default, room)
    return system + ([Message(default, written(value))] if default is Origin.AGENT and value else [])


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Take what LangChain, Semantic Kernel and ADK put around a message away from it."""
    if "gen_ai.event.content" in value:
        inner = mapping(decoded(value["gen_ai.event.content"]))
        return {"role": value.get("role"), **(mapping(inner.get("message")) or inner)}
    for key in ("kwargs", "data"):
        inner = mapping(value.get(key))
        if inner and ("content" in inner or "tool_calls" in inner):
            names = items(value.get("id"))
            return {"type": string(names[-1]) if names else value.get("type"), **inner}
    content = mapping(value.get("content"))
    return {**value, **content} if isinstance(content.get("parts"), list) and "content" not in content else value


def _origin(value: dict[str, Any]) -> Origin | None:
    """Tell who wrote a message; None where it does not say, and so is none."""
    for key in ("role", "type"):
        name = string(value.get(key)).rpartition(".")[2].lower()
        if name in _ORIGINS and ("content" in value or "parts" in value or key == "role"):
            return _ORIGINS[name]
    return Origin.AGENT if string(value.get("role")) == "tool-call" else None


def _is_definition(value: dict[str, Any]) -> bool:
    """Tell whether it describes a tool: LangChain's tracer appends those to the input, as messages of a tool."""
    content = mapping(value.get("content"))
    return content.get("type") == "function" and "function" in content and not value.get("tool_call_id")


def _message(value: dict[str, Any], origin: Origin) -> Message:
    content = value.get("content")
    parts = Parts()
    blocks = next((value[key] for key in ("parts", "blocks") if isinstance(value.get(key), list)), None)
    if blocks is None:
        blocks = content if isinstance(content, list) else [content]
    told = [part for part in blocks if part is not None]
    if origin is Origin.TOOL and not any(kind_of(part) == "answer" for part in told):
        return Message(origin, answers=(_told(value, content if blocks is content or told == [content] else told),))
    for part in told:
        parts.take(part)
    for call in _asked(value):
        parts.calls.append(call_of(call))
    parts.thoughts += [text(value[key]) for key in ("reasoning_content", "reasoning", "thinking") if value.get(key)]
    return parts.message(origin)


def _told(value: dict[str, Any], content: Any) -> Answer:
    """Read a message that is a tool's answer as a whole."""
    found = observation(content)
    is_error = found.is_error or value.get("status") == "error" or bool(value.get("error") or value.get("is_error"))
    key = key_of(value, mapping(value.get("additional_kwargs")))
    return Answer(key, string(value.get("name")), Observation(found.text, is_error=is_error))


def _asked(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the calls that stand beside a message's content."""
    extra = mapping(value.get("additional_kwargs"))
    for place in (value, extra):
        for key in ("tool_calls", "toolCalls"):
            if found := mappings([unpacked(call) for call in items(decoded(place.get(key)))]):
                return found
    single = mapping(value.get("function_call")) or mapping(extra.get("function_call"))
    return [single] if single else []


def _system(value: dict[str, Any]) -> str:
    for place in (value, mapping(value.get("config"))):
        for key in ("system", "instructions", "system_instruction", "systemInstruction"):
            given = decoded(place.get(key))
            if found := text(mapping(given).get("parts") or given):
                return found
    return ""
