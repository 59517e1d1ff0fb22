"""One record of Claude Code, of a session's log or of its output stream: the messages it holds, the error it tells."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from gitskill.formats.inner.anthropic_blocks import Message, answers, is_answer, spoken
from gitskill.formats.inner.claude_texts import INTERRUPTED, Said, sorted_out
from gitskill.formats.loose import items, mapping, moment, number, string, text
from gitskill.trace import Origin

SYNTHETIC = "<synthetic>"
"""The model of a message that the program has put into the agent's mouth."""

_FAILURES = (
    "API Error",
    "Prompt is too long",
    "Credit balance is too low",
    "Invalid API key",
    "Please run /login",
    "Claude AI usage limit reached",
    "Claude usage limit reached",
)


def messages_of(record: dict[str, Any], *, side: bool) -> Iterator[Message]:
    """Give what a record says, one message for each who speaks in it. In a sub-agent's log the user is an agent."""
    time = moment(record.get("timestamp"))
    match string(record.get("type")):
        case "assistant":
            yield _assistant(record, time)
        case "user":
            content = mapping(record.get("message")).get("content")
            if returned := answers(content, record.get("toolUseResult") or record.get("tool_use_result")):
                yield Message(Origin.TOOL, answers=returned, time=time)
            yield from _grouped(_user(record, content), time, side=side)
        case "attachment":
            yield from _grouped(_queued(mapping(record.get("attachment"))), time, side=side)
        case "system":
            yield Message(Origin.SYSTEM, _system(record), time=time)
        case _:
            pass


def failure_of(record: dict[str, Any]) -> str:
    """Give the error that a record tells of a model that could not be reached, or nothing."""
    if record.get("type") == "system" and record.get("subtype") == "api_error":
        return _reason(record)
    is_marked, body = record.get("isApiErrorMessage") is True, mapping(record.get("message"))
    if record.get("type") != "assistant" or not (is_marked or body.get("model") == SYNTHETIC):
        return ""
    said = text(body.get("content")).strip()
    return said or "API error" if is_marked or record.get("error") or said.startswith(_FAILURES) else ""


def _assistant(record: dict[str, Any], time: str) -> Message:
    """Read an answer of the model; one that the program made up is the program's."""
    body = mapping(record.get("message"))
    if body.get("model") == SYNTHETIC or failure_of(record):
        return Message(Origin.SYSTEM, text(body.get("content")), time=time)
    return spoken(body, time, number(record.get("costUSD")))


def _user(record: dict[str, Any], content: Any) -> Iterator[Said]:
    """Give the texts of a user's record, block by block."""
    is_own = not any(record.get(flag) is True for flag in ("isMeta", "isCompactSummary", "isSynthetic"))
    is_own = is_own and mapping(record.get("origin")).get("kind") != "task-notification"
    blocks = [block for block in items(content) if not is_answer(block)] if isinstance(content, list) else [content]
    for said in map(text, blocks):
        if is_own:
            yield from sorted_out(said)
        elif said.strip():
            yield Origin.SYSTEM, said


def _queued(attachment: dict[str, Any]) -> Iterator[Said]:
    """Give what the user typed while the agent was at work: it has no record of its own."""
    if attachment.get("type") == "queued_command" and attachment.get("commandMode") != "task-notification":
        yield from sorted_out(text(attachment.get("prompt")))


def _grouped(texts: Iterator[Said], time: str, *, side: bool) -> Iterator[Message]:
    for origin, group in groupby(texts, key=lambda said: said[0]):
        whole = "\n".join(said for _, said in group)
        is_agent = side and origin is Origin.USER and not whole.startswith(INTERRUPTED)
        yield Message(Origin.AGENT if is_agent else origin, whole, time=time)


def _system(record: dict[str, Any]) -> str:
    """Give what the program says for itself; not its reports on hooks, which name the call they belong to."""
    if record.get("subtype") == "api_error":
        return _reason(record)
    shown = record.get("content")
    return shown if isinstance(shown, str) and not record.get("toolUseID") else ""


def _reason(record: dict[str, Any]) -> str:
    """Give the words of a failed request to the model, wherever they stand, with its status."""
    error = mapping(record.get("error"))
    inner = mapping(error.get("error"))
    innermost = mapping(inner.get("error"))
    cause = mapping(record.get("cause")) or mapping(error.get("cause"))
    places = (innermost.get("message"), inner.get("message"), error.get("message"), record.get("error"))
    words = (string(place) for place in (*places, record.get("content"), cause.get("code"), error.get("type")))
    return " ".join(filter(None, ("API error", string(error.get("status")), next(filter(None, words), ""))))
