"""Codex's own events, as `codex exec --json` printed them until 0.43: `{"id": …, "msg": {"type": …}}`."""

from typing import Any

from gitskill.formats.inner.codex_items import code, text_of
from gitskill.formats.inner.codex_story import Story
from gitskill.formats.loose import mapping, string
from gitskill.trace import Call, Observation

KINDS = {
    "agent_message",
    "agent_reasoning",
    "error",
    "exec_command_begin",
    "mcp_tool_call_begin",
    "patch_apply_begin",
    "session_configured",
    "task_complete",
    "task_started",
    "token_count",
}
"""Enough of them to know the stream by."""


def tell(story: Story, event: dict[str, Any]) -> None:
    """Add an event to the story. Announcements of parts, and what is told elsewhere, are left out."""
    kind = string(event.get("type"))
    if kind == "agent_message":
        story.say(string(event.get("message")), "")
    elif kind in {"agent_reasoning", "agent_reasoning_raw_content"}:
        story.think([string(event.get("text"))], "")
    elif kind == "plan_update":
        story.call("", Call("update_plan", {"plan": event.get("plan")}), "")
    elif kind == "web_search_end":
        story.call("", Call("web_search", {"query": event.get("query")}), "")
    elif kind in {"error", "stream_error"}:
        story.fail(string(event.get("message")) or "an error without a message")
    elif call := _call(kind, event):
        story.call(string(event.get("call_id")), call, "")
    elif answer := _answer(kind, event):
        story.answer(string(event.get("call_id")), answer, "")


def _call(kind: str, event: dict[str, Any]) -> Call | None:
    if kind == "exec_command_begin":
        return Call("shell", {"command": event.get("command"), "workdir": event.get("cwd")})
    if kind == "patch_apply_begin":
        return Call("apply_patch", {"changes": event.get("changes")})
    if kind == "mcp_tool_call_begin":
        # The first versions had what is now the invocation in the event itself.
        invocation = mapping(event.get("invocation")) or event
        name = f"{string(invocation.get('server'))}.{string(invocation.get('tool'))}"
        return Call(name, invocation.get("arguments"))
    return None


def _answer(kind: str, event: dict[str, Any]) -> Observation | None:
    if kind == "exec_command_end":
        told = string(event.get("aggregated_output")) or _output(event)
        return Observation(told, code(event.get("exit_code")))
    if kind == "patch_apply_end":
        return Observation(_output(event), is_error=event.get("success") is False)
    if kind == "mcp_tool_call_end":
        return _returned(mapping(event.get("result")))
    return None


def _returned(result: dict[str, Any]) -> Observation:
    """Read what a server gave, as Rust writes a result down."""
    if "Err" in result:
        return Observation(text_of(result["Err"]), is_error=True)
    inner = mapping(result.get("Ok"))
    is_error = True in {inner.get("is_error") is True, inner.get("isError") is True}
    return Observation(text_of(inner.get("content")), is_error=is_error)


def _output(event: dict[str, Any]) -> str:
    return string(event.get("stdout")) + string(event.get("stderr"))
