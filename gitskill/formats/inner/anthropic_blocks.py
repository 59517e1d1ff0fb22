"""Content blocks of the Anthropic API as Claude Code logs them: text, thoughts, calls, answers, usage.

Trap: one answer of the model stands in several records with the same `message.id`, a block in each, and
each repeats the usage.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitskill.formats.loose import count, items, mapping, mappings, string, text
from gitskill.trace import UNKNOWN, Call, Observation, Origin, Usage

_CALLS = {"tool_use", "server_tool_use", "mcp_tool_use"}
_THOUGHTS = {"thinking", "redacted_thinking"}
_EXIT = re.compile(r"(?:Error: )?Exit code (\d{1,10})\b")
_LATE_EXIT = re.compile(r"(?:\A|\n)Exit code (\d{1,10})\s*\Z")
"""How Claude Code 0.x ended the error output of a command that failed."""
_INTERPRETED = re.compile(r"code (\d{1,10})\b")


@dataclass(frozen=True, slots=True)
class Message:
    """What one record says; one answer of the model may be several of these, with the same key."""

    origin: Origin
    text: str = ""
    thought: str = ""
    calls: tuple[tuple[str, Call], ...] = ()
    """With their ids."""
    answers: tuple[tuple[str, Observation], ...] = ()
    """What tools returned, with the ids of the calls."""
    key: str = ""
    """The API's id of the model's answer."""
    usage: Usage = UNKNOWN
    time: str = ""
    model: str = ""


def spoken(body: dict[str, Any], time: str, cost: float | None) -> Message:
    """Read what the model said: the `message` of a record of type `assistant`."""
    content = body.get("content")
    blocks = mappings(content)
    plain = [block for block in items(content) if not _is_special(block)] if isinstance(content, list) else content
    return Message(
        Origin.AGENT,
        text(plain),
        "\n".join(filter(None, (string(block.get("thinking")) for block in blocks))),
        tuple((string(block.get("id")), _call(block)) for block in blocks if string(block.get("type")) in _CALLS),
        answers(content, None),
        string(body.get("id")),
        usage_of(body.get("usage"), cost),
        time,
        string(body.get("model")),
    )


def answers(content: Any, told: Any) -> tuple[tuple[str, Observation], ...]:
    """Read what tools returned. `told` is what the record says of it outside the message, in fields."""
    results = [block for block in mappings(content) if is_answer(block)]
    fields = mapping(told) if len(results) == 1 else {}
    return tuple((string(block.get("tool_use_id")), _observation(block, fields)) for block in results)


def is_answer(block: Any) -> bool:
    """Tell whether a block is what a tool returned."""
    return string(mapping(block).get("type")).endswith("tool_result")


def _is_special(block: Any) -> bool:
    return is_answer(block) or string(mapping(block).get("type")) in _CALLS | _THOUGHTS


def _call(block: dict[str, Any]) -> Call:
    return Call(string(block.get("name")), block.get("input"))


def _observation(block: dict[str, Any], told: dict[str, Any]) -> Observation:
    returned, failed = text(block.get("content")), block.get("is_error") is True
    return Observation(returned, _exit_code(returned, told, failed=failed), failed)


def _exit_code(returned: str, told: dict[str, Any], *, failed: bool) -> int | None:
    """Give a command's exit code: from the first line of an error, or from the fields beside the message.

    There is no field for it. A command that ended well has its output in fields; one that was interrupted
    or sent to the background says so; an exit code that is no error (grep without a match) has its meaning told.
    """
    if failed:
        return int(match[1]) if (match := _EXIT.match(returned)) else None
    for shell in (told, mapping(told.get("task"))):
        if "exitCode" in shell:
            return count(shell["exitCode"])
    outputs = told.get("stdout"), told.get("stderr")
    if not all(isinstance(output, str) for output in outputs) or _is_running(told):
        return None
    if meaning := string(told.get("returnCodeInterpretation")):
        return int(match[1]) if (match := _INTERPRETED.search(meaning)) else 1
    return int(match[1]) if (match := _LATE_EXIT.search(string(told["stderr"]))) else 0


def _is_running(told: dict[str, Any]) -> bool:
    """Tell whether a command had not ended by itself when its answer was written."""
    return bool(told.get("interrupted") or told.get("backgroundTaskId") or told.get("shellId"))


def usage_of(told: Any, cost: float | None = None) -> Usage:
    """Read the usage of one answer. What was read from a cache, or written to one, was sent as well."""
    fields = mapping(told)
    cached = count(fields.get("cache_read_input_tokens"))
    sent = [count(fields.get("input_tokens")), count(fields.get("cache_creation_input_tokens")), cached]
    known = [tokens for tokens in sent if tokens is not None]
    return Usage(sum(known) if known else None, count(fields.get("output_tokens")), cached, cost)


def joined(messages: Iterable[Message]) -> Iterator[Message]:
    """Make one message of all pieces with the same key, where the first of them stands."""
    groups: dict[tuple[str, int], list[Message]] = {}
    for at, message in enumerate(messages):
        groups.setdefault((message.key, 0) if message.key else ("", at), []).append(message)
    return map(_whole, groups.values())


def _whole(pieces: Sequence[Message]) -> Message:
    """Put the pieces of one answer together. The last usage counts: the earlier ones were taken while it came."""
    if len(pieces) == 1:
        return pieces[0]
    calls = {key or f"#{at}": (key, call) for at, (key, call) in enumerate(_each(pieces))}
    return replace(
        pieces[0],
        text="\n".join(dict.fromkeys(piece.text for piece in pieces if piece.text)),
        thought="\n".join(dict.fromkeys(piece.thought for piece in pieces if piece.thought)),
        calls=tuple(calls.values()),
        usage=next((piece.usage for piece in reversed(pieces) if piece.usage != UNKNOWN), UNKNOWN),
    )


def _each(pieces: Iterable[Message]) -> Iterator[tuple[str, Call]]:
    return (call for piece in pieces for call in piece.calls)
