"""Calls that a chat holds in its text, as models write them who were given no tools: found, and paired with answers.

`<function=name><parameter=key>value</parameter></function>` (OpenHands, SWE-smith,
Qwen), `<invoke name="..."><parameter name="key">` (Claude) and `<tool_call>{"name":
..., "arguments": ...}</tool_call>` (Hermes). Their answers come as the user's next
message, or as a tool's that names no call.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gitskill.formats.inner.spoken import parameters
from gitskill.formats.loose import mapping, string, text, unpacked

_NAME = re.compile(r"[\w.:/-]{1,100}")
_WRAPPERS = re.compile(r"</?(?:tool_call|function_calls)>")
_RESPONSES = (("<tool_response>", "</tool_response>"), ("<function_results>", "</function_results>"))
_ANSWER = re.compile(r"\s*(?:OBSERVATION:|EXECUTION RESULT of \[[^\]\n]{1,100}\]:)[ \t]*\n?")
_ANSWERERS = {"user", "tool", "function"}


def called(messages: Iterable[Any]) -> Iterator[Any]:
    """Give messages as a model with tools would have written them; those without calls in their text as they are."""
    waiting: list[str] = []
    for at, message in enumerate(messages):
        told = mapping(message)
        role = string(told.get("role"))
        if role == "assistant":
            made = _acted(told, str(at))
            waiting = [call["id"] for call in made.get("tool_calls", ())]
            yield made or message
        elif waiting and role in _ANSWERERS and (found := _answers(told, role, len(waiting))):
            yield from _paired(waiting, found)
            waiting = waiting[len(found) :]
        else:
            yield message


def _paired(keys: list[str], answers: list[str]) -> Iterator[dict[str, Any]]:
    for key, answer in zip(keys, answers, strict=False):
        yield {"role": "tool", "tool_call_id": key, "content": answer}


def _acted(message: dict[str, Any], at: str) -> dict[str, Any]:
    """Take the calls out of the text of an answer; empty where it has none, or has calls of its own."""
    said = message.get("content")
    if not isinstance(said, str) or message.get("tool_calls") or message.get("function_call"):
        return {}
    before, thought, after = said.partition("</think>")
    rest, calls = _calls(after if thought else said)
    if not calls or not all(_NAME.fullmatch(name) for name, _ in calls):
        return {}
    made = [
        {"id": f"{at} {place}", "function": {"name": name, "arguments": to}} for place, (name, to) in enumerate(calls)
    ]
    hidden = {"reasoning_content": before.strip().removeprefix("<think>").strip()} if thought else {}
    return {**message, **hidden, "content": rest, "tool_calls": made}


def _calls(said: str) -> tuple[str, list[tuple[str, Any]]]:
    """Give a text without its calls, and these by name."""
    found: list[tuple[str, Any]] = []
    rest, functions = _cut(said, "<function=", "</function>")
    for name, _, given in (inside.partition(">") for inside in functions):
        found.append((name.strip(), dict(parameters(given))))
    rest, invoked = _cut(rest, '<invoke name="', "</invoke>")
    for name, _, given in (inside.partition('">') for inside in invoked):
        found.append((name.strip(), dict(parameters(given, '<parameter name="', '">'))))
    if not found:
        rest, objects = _cut(rest, "<tool_call>", "</tool_call>")
        told = [mapping(unpacked(each.strip())) for each in objects]
        found = [(string(each.get("name")), each.get("arguments")) for each in told]
    return _WRAPPERS.sub("", rest).strip(), found


def _cut(said: str, opening: str, closing: str) -> tuple[str, list[str]]:
    """Take what stands between marks out of a text; only the last one may be left open."""
    head, *parts = said.split(opening)
    rest, found = [head], []
    for at, part in enumerate(parts, start=1):
        inside, closed, after = part.partition(closing)
        if closed or at == len(parts):
            found.append(inside)
            rest.append(after)
        else:
            rest.append(opening + part)
    return "".join(rest), found


def _answers(message: dict[str, Any], role: str, most: int) -> list[str]:
    """Give what the tools returned, without what marks it in a text; nothing for words of the user's own."""
    if message.get("tool_call_id") or message.get("tool_call_ids"):
        return []
    said = text(message.get("content"))
    for opening, closing in _RESPONSES:
        rest, found = _cut(said, opening, closing)
        if found:
            is_each = not rest.strip() and len(found) <= most
            return [each.strip("\n") for each in found] if is_each else [said]
    if marked := _ANSWER.match(said):
        return [said[marked.end() :]]
    return [] if role == "user" else [said]
