"""What the attributes of a span say of an agent's run, in each of the conventions in use.

OpenTelemetry's `gen_ai.*` (messages as JSON, as numbered attributes, or as
events), OpenInference's `llm.*`, Vercel's `ai.*` and OpenLLMetry's `traceloop.*`.
"""

import re
from dataclasses import replace
from typing import Any

from gitskill.formats.inner.generations import Histories
from gitskill.formats.inner.message_parts import Message, decoded, observation
from gitskill.formats.inner.messages import messages
from gitskill.formats.loose import count, items, mapping, number, string
from gitskill.trace import Call, Observation, Origin, Usage

Attributes = dict[str, Any]

_SENT = ("gen_ai.input.messages", "ai.prompt.messages", "ai.prompt", "gen_ai.prompt", "input.value")
_MADE = ("gen_ai.output.messages", "gen_ai.completion", "output.value")
_MODEL_WORK = {"chat", "text_completion", "generate_content", "completion"}
_DOTS = 16
_PLACE = re.compile(r"[0-9]{1,6}")
_PREFIX = re.compile(r"execute_tool |running tool: |tool: ")
_INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.promptTokens")
_OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.completionTokens",
)
_CACHED = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "llm.token_count.prompt_details.cache_read",
)
_COST = ("gen_ai.usage.cost", "llm.cost.total", "operation.cost")


def is_model_work(told: Attributes) -> bool:
    """Tell whether a span is one call of a model."""
    kind, operation = string(told.get("openinference.span.kind")).upper(), string(told.get("gen_ai.operation.name"))
    if kind or operation:
        return kind == "LLM" or operation in _MODEL_WORK
    if identity := string(told.get("ai.operationId")):
        return identity.rpartition(".")[2] in {"doGenerate", "doStream"}
    return "llm.request.type" in told or any(key in told for key in ("gen_ai.output.messages", "gen_ai.response.model"))


def is_tool_work(told: Attributes) -> bool:
    """Tell whether a span is one run of a tool."""
    kinds = (told.get("openinference.span.kind"), told.get("traceloop.span.kind"))
    if told.get("gen_ai.operation.name") == "execute_tool" or any(string(kind).lower() == "tool" for kind in kinds):
        return True
    return "ai.toolCall.name" in told or ("gen_ai.tool.name" in told and not is_model_work(told))


def agent_of(told: Attributes) -> str:
    """Give the agent that a span names as its own."""
    kinds = (told.get("openinference.span.kind"), told.get("traceloop.span.kind"))
    named = _text(told, "gen_ai.agent.name", "agent.name", "graph.node.id")
    is_own = told.get("gen_ai.operation.name") == "invoke_agent" or any(
        string(kind).lower() == "agent" for kind in kinds
    )
    return named or (_text(told, "traceloop.entity.name") if is_own else "")


def model_of(told: Attributes) -> str:
    """Give the model that answered, or else the one that was asked."""
    keys = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.response.model", "ai.model.id")
    return _text(told, *keys)


def usage_of(told: Attributes) -> Usage:
    """Give what a call of a model used."""
    cost = next((found for key in _COST if (found := number(told.get(key))) is not None), None)
    return Usage(_count(told, _INPUT), _count(told, _OUTPUT), _count(told, _CACHED), cost)


def sent_in(told: Attributes, histories: Histories) -> list[Message]:
    """Give the messages that the model was sent."""
    system = messages({"system": told.get("gen_ai.system_instructions")}, Origin.SYSTEM)
    if numbered := _numbered(told, "gen_ai.prompt.", "llm.input_messages."):
        return system + histories.messages(numbered)
    given = next((told[key] for key in _SENT if told.get(key)), None)
    return system + histories.messages(given)


def made_in(told: Attributes) -> list[Message]:
    """Give the messages that the model made."""
    if numbered := _numbered(told, "gen_ai.completion.", "llm.output_messages."):
        return messages(numbered, Origin.AGENT)
    if given := next((told[key] for key in _MADE if told.get(key)), None):
        return messages(given, Origin.AGENT)
    calls = decoded(told.get("ai.response.toolCalls"))
    said = _text(told, "ai.response.text", "ai.response.object")
    found = {"role": "assistant", "content": said, "tool_calls": items(calls)}
    return messages(found, Origin.AGENT) if said or items(calls) else []


def tool_of(told: Attributes, name: str, sent: Any = None, made: Any = None) -> tuple[str, Call]:
    """Give the run of a tool, with the id of the call it answers; `name` is the span's own."""
    named = _text(told, "gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name")
    keys = ("gen_ai.tool.call.arguments", "tool_arguments", "ai.toolCall.args", "input.value", "traceloop.entity.input")
    given = sent if sent is not None else _given(told, keys)
    keys = ("gen_ai.tool.call.result", "tool_response", "ai.toolCall.result", "output.value", "traceloop.entity.output")
    answer = made if made is not None else _given(told, keys)
    call = Call(named or _PREFIX.sub("", name, count=1), _arguments(given), _observation(answer))
    return _text(told, "gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id", "tool.id"), call


def failed(call: Call, error: str) -> Call:
    """Mark the answer of a tool whose span failed; where it has none, the error is what it answered."""
    if not error:
        return call
    text = call.observation.text if call.observation else error
    return replace(call, observation=Observation(text, is_error=True))


def _arguments(given: Any) -> Any:
    """Unpack what a tool was given; LangSmith, OpenLLMetry and LlamaIndex put a shell around it."""
    found = decoded(given)
    for shell in ("input", "inputs", "tool_args", "kwargs"):
        if isinstance(found, dict) and isinstance(found.get(shell), dict) and len(found) == 1:
            return found[shell]
    return found


def _observation(answer: Any) -> Observation | None:
    return None if answer is None else observation(answer, is_packed=True)


def _given(told: Attributes, keys: tuple[str, ...]) -> Any:
    return next((told[key] for key in keys if told.get(key) is not None), None)


def _text(told: Attributes, *keys: str) -> str:
    return next((found for key in keys if (found := string(told.get(key)))), "")


def _count(told: Attributes, keys: tuple[str, ...]) -> int | None:
    return next((found for key in keys if (found := count(told.get(key))) is not None), None)


def _numbered(told: Attributes, *prefixes: str) -> list[Any]:
    """Build messages out of attributes such as `llm.input_messages.0.message.content`."""
    for prefix in prefixes:
        own = {
            key[len(prefix) :]: value
            for key, value in told.items()
            if key.startswith(prefix) and key.count(".") < _DOTS
        }
        if own:
            return [_unwrapped(message) for message in items(_tree(own))]
    return []


def _tree(flat: Attributes) -> Any:
    """Build objects and lists out of keys with dots; a number in a key is a place in a list."""
    below: dict[str, Attributes] = {}
    for key, value in flat.items():
        head, _, rest = key.partition(".")
        below.setdefault(head, {})[rest] = value
    found = {head: inner[""] if "" in inner else _tree(inner) for head, inner in below.items()}
    if found and all(_PLACE.fullmatch(head) for head in found):
        return [found[head] for head in sorted(found, key=int)]
    return found


def _unwrapped(value: Any) -> Any:
    """Take away the names that OpenInference puts between the levels."""
    message = mapping(value).get("message", value)
    if not isinstance(message, dict):
        return message
    calls = [mapping(call).get("tool_call", call) for call in items(message.get("tool_calls"))]
    parts = [mapping(part).get("message_content", part) for part in items(message.get("contents"))]
    single = {"name": message.get("function_call_name"), "arguments": message.get("function_call_arguments_json")}
    return {
        **message,
        "content": parts or message.get("content"),
        "tool_calls": [_nested(call) for call in calls] or ([single] if single["name"] else []),
    }


def _nested(call: Any) -> Any:
    return call if isinstance(call, dict) else {}
