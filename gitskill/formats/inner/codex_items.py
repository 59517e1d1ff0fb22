"""Codex's items: the messages, thoughts, calls and answers that both shapes of its session logs are made of."""

import re
from typing import Any

from gitskill.formats.inner.codex_story import Story
from gitskill.formats.loose import mapping, mappings, number, string, unpacked, written
from gitskill.trace import Call, Observation, Origin

_CONTEXT = (
    "<environment_context",
    "<user_instructions",
    "<INSTRUCTIONS>",
    "# AGENTS.md instructions",
    "<turn_aborted",
    "<permissions",
    "<collaboration_mode",
    "<model_switch",
    "<personality_spec",
    "<skill",
    "<plugins",
    "<apps_instructions",
    "<app-context",
    "<subagent",
    "<user_shell_command",
    "<user_action",
    "<hook_prompt",
    "<goal_context",
    "Another language model started to solve this problem",
)
"""How texts begin that Codex adds in the user's name."""

_REQUEST = "## My request for Codex:"
"""What an editor's plug-in puts between its own context and the user's words."""

_HEADER = re.compile(
    r"(?:(?:Chunk ID|Wall time|Command|Warning|Total output lines|Execution outcome)\b[^\n]*\n|\n)*"
    r"(?:Exit code:|Process exited with code) (-?\d{1,9})\b"
)
"""What stands above a command's output since outputs are plain text."""

_DENIED = re.compile(r"failed in sandbox \w+ with execution error: [^\n]*?exit code: (-?\d{1,9})\b")

_FAILED = (
    "apply_patch verification failed",
    "failed in sandbox",
    "execution error:",
    "exec command rejected",
    "exec command failed",
    "exec_command failed",
    "write_stdin failed",
    "patch rejected",
    "sandbox error",
    "failed to parse function arguments",
    "failed to parse exec_command arguments",
    "unsupported call:",
    "unsupported custom tool call",
    "tool call error:",
    "error: ",
    'err: "',
    "aborted by user",
)
"""How Codex begins an answer when a tool could not do its work."""


def tell(story: Story, item: dict[str, Any], time: str) -> None:
    """Add an item to the story. Kinds that are neither message, thought, call nor answer are left out."""
    kind = string(item.get("type"))
    if kind in {"message", ""}:
        _message(story, item, time)
    elif kind == "reasoning":
        parts = [*mappings(item.get("summary")), *mappings(item.get("content"))]
        story.think([string(part.get("text")) for part in parts], time)
    elif kind == "agent_message":
        story.hear(Origin.TOOL, text_of(item.get("content")), time)
    elif kind.endswith("_call"):
        story.call(string(item.get("call_id")) or string(item.get("id")), _call(kind, item), time)
    elif kind.endswith("_output"):
        story.answer(string(item.get("call_id")), _observation(item), time)


def request_of(item: dict[str, Any]) -> str:
    """Give what a user asked in this item, or the agent that this one works for; if anybody did."""
    if string(item.get("type")) == "agent_message":
        return text_of(item.get("content")).strip()
    if string(item.get("role")) != "user":
        return ""
    return asked("\n".join(part for part in _parts(item.get("content")) if not is_context(part)))


def asked(message: str) -> str:
    """Take the user's words out of a message that an editor, or Codex itself, wrapped in context."""
    if is_context(message):
        return ""
    before, marker, after = message.partition(_REQUEST)
    return (after if marker else before).strip()


def is_context(message: str) -> bool:
    """Tell whether Codex wrote this text in the user's name."""
    return message.lstrip().startswith(_CONTEXT)


def _message(story: Story, item: dict[str, Any], time: str) -> None:
    """Add a message. What Codex put beside the user's words is told apart from them."""
    parts = _parts(item.get("content"))
    role = string(item.get("role"))
    if role == "assistant":
        story.say("\n".join(parts), time)
    elif role == "user":
        story.hear(Origin.SYSTEM, "\n".join(filter(is_context, parts)), time)
        story.hear(Origin.USER, "\n".join(part for part in parts if not is_context(part)), time)
    else:
        story.hear(Origin.SYSTEM, "\n".join(parts), time)


def _parts(content: Any) -> list[str]:
    return [_part(part) for part in (content if isinstance(content, list) else [content])]


def _part(part: Any) -> str:
    if isinstance(part, dict):
        told, kind = part.get("text"), string(part.get("type"))
        if isinstance(told, str):
            return told
        if "image" in kind:
            return f"[{kind}]"
    return "" if part is None else written(part)


def text_of(content: Any) -> str:
    """Give the text of content in any of the shapes of OpenAI and of tool servers."""
    return "\n".join(filter(None, _parts(content)))


def _call(kind: str, item: dict[str, Any]) -> Call:
    """Read any kind of call: a function's arguments, a free text, or an action that the model's server knows."""
    name = string(item.get("name")) or kind.removesuffix("_call")
    if namespace := string(item.get("namespace")):
        name = f"{namespace.rstrip('_')}__{name.lstrip('_')}"
    for key in ("arguments", "input", "action", "revised_prompt"):
        if item.get(key) is not None:
            return Call(name, unpacked(item[key]) if key == "arguments" else item[key])
    return Call(name, None)


def _observation(item: dict[str, Any]) -> Observation:
    """Read what a tool returned: text, JSON in a text, parts, or an object that says whether it went well."""
    told = item.get("output", item.get("tools"))
    if isinstance(told, dict):
        inner = _read(text_of(told.get("content", told.get("output", told))))
        return Observation(inner.text, inner.exit_code, inner.is_error or told.get("success") is False)
    return _read(text_of(told))


def _read(told: str) -> Observation:
    """Find the exit code: beside the output in JSON, or in the lines above it."""
    document = mapping(unpacked(told))
    if "output" in document and isinstance(document.get("metadata"), dict):
        return Observation(written(document["output"]), code(document["metadata"].get("exit_code")))
    found = _HEADER.match(told) or _DENIED.match(told)
    return Observation(told, int(found[1]) if found else None, told == "aborted" or told.startswith(_FAILED))


def code(value: Any) -> int | None:
    """Give an exit code."""
    found = number(value)
    return None if found is None or abs(found) > 2**32 else int(found)
