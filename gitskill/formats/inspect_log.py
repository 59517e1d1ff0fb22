"""Inspect: a log of one evaluation, `.eval` (a ZIP archive) or `.json`, with a run for each sample and epoch.

Written by inspect_ai to `logs/`. The label is the value of a sample's first
score. The traps: values are C, I, P, N, numbers, truth values, words, or several
of them; long texts stand elsewhere and are named `attachment://`; Inspect writes
NaN, which is no JSON, for a sample that could not be scored; and what a sample
used includes what its graders used. The right answer lies in `target`, and
quoted in a score's explanation: neither is read.
"""

import re
from collections.abc import Iterator
from typing import Any

from gitskill.formats.conversation import Conversation
from gitskill.formats.inner.inspect_archive import Closed, opened
from gitskill.formats.inner.inspect_score import outcome_of
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import count, items, mapping, mappings, moment, number, string, text, unpacked
from gitskill.formats.parse import Damaged, parse
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.trace import UNKNOWN, Call, Observation, Origin, Step, Trace, Usage

NAME = "inspect"

_ZIP = b"PK\3\4"
_HEADER, _START = "header.json", "_journal/start.json"
"""What a finished log tells of the evaluation; and one that is not finished, or whose writer died."""
_ATTACHED = ("attachment://", "tc://")
_NO_JSON = re.compile(rb'("(?:[^"\\]++|\\.)*+")|-?Infinity|NaN', re.DOTALL)


def recognise(source: Source) -> bool:
    """Look for the members of an archive that Inspect writes, or for an evaluation with its status."""
    if source.magic.startswith(_ZIP):
        with opened(source.path) as archive:
            names = archive.names
        return _START in names or (_HEADER in names and any(name.startswith("samples/") for name in names))
    if source.is_lines:
        return False
    log = mapping(_document(source))
    return isinstance(log.get("status"), str) and {"task", "model"} <= mapping(log.get("eval")).keys()


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each sample and epoch."""
    if source.magic.startswith(_ZIP):
        yield from _packed(source)
        return
    log = mapping(_document(source))
    for which, sample in enumerate(items(log.get("samples"))):
        yield _read(sample, mapping(log.get("eval")), f"samples[{which}]")


def _packed(source: Source) -> Iterator[Reading | Refused]:
    with opened(source.path) as archive:
        names = archive.names
        if (header := next((name for name in (_HEADER, _START) if name in names), "")) == "":
            raise Damaged(f"neither {_HEADER} nor {_START} in the archive")
        spec = mapping(mapping(_parsed(archive.read(header), source.notes)).get("eval"))
        for name in names:
            if not name.startswith("samples/") or not name.endswith(".json"):
                continue
            try:
                sample = _parsed(archive.read(name), source.notes)
            except Closed:
                raise
            except Damaged as error:
                yield Refused(str(error), name)
            else:
                yield _read(sample, spec, name)


def _document(source: Source) -> Any:
    """Read a log that is JSON, or would be without Inspect's NaN."""
    try:
        return source.document
    except Damaged as error:
        if "NaN" not in str(error) and "Infinity" not in str(error):
            raise
    return _parsed(source.text().encode(), source.notes) if b'"eval"' in source.magic else None


def _parsed(data: bytes, notes: set[str]) -> Any:
    """Read JSON in which a number may be none: null stands for it then."""
    if b"NaN" in data or b"Infinity" in data:
        data = _NO_JSON.sub(lambda found: found[1] or b"null", data)
    return parse(data, notes)


def _read(item: Any, spec: dict[str, Any], where: str) -> Reading | Refused:
    sample = mapping(item)
    if not string(sample.get("id")):
        return Refused("no sample: it has no id", where)
    outcome, notes = outcome_of(sample)
    place = f"sample {string(sample['id'])} epoch {string(sample.get('epoch')) or 1}"
    return Reading(_trace(sample, spec, notes), outcome, place)


def _trace(sample: dict[str, Any], spec: dict[str, Any], notes: tuple[str, ...]) -> Trace:
    attachments = mapping(sample.get("attachments")) or mapping(mapping(sample.get("transcript")).get("content"))
    messages = mappings(_resolved(sample.get("messages"), attachments))
    steps, said = _steps(messages, _generated(sample)), _completion(sample)
    if said and not any(step.origin is Origin.AGENT for step in steps):
        steps = (*steps, Step(Origin.AGENT, said))
    task, version = string(spec.get("task")), string(mapping(spec.get("packages")).get("inspect_ai"))
    solver = string(spec.get("solver"))
    return Trace(
        format=NAME,
        task=f"{task}-{string(sample['id'])}" if task else "",
        request=_request(sample, attachments),
        steps=steps,
        agent=" ".join(filter(None, ("inspect_ai", version, f"({solver})" if solver else ""))),
        model=string(spec.get("model")),
        session=string(sample.get("uuid")),
        result=said or next((step.text for step in reversed(steps) if step.origin is Origin.AGENT and step.text), ""),
        usage=summed([_usage(told) for told in mapping(sample.get("model_usage")).values()]),
        error=text(mapping(sample.get("error")).get("message")),
        notes=notes,
    )


def _resolved(value: Any, attachments: dict[str, Any]) -> Any:
    """Put the attached texts in their places."""
    if isinstance(value, str):
        if not value.startswith(_ATTACHED):
            return value
        found = attachments.get(value.partition("://")[2])
        return found if isinstance(found, str) else value
    if isinstance(value, dict):
        return {key: _resolved(item, attachments) for key, item in value.items()}
    return [_resolved(item, attachments) for item in value] if isinstance(value, list) else value


def _request(sample: dict[str, Any], attachments: dict[str, Any]) -> str:
    """Give the input; of a conversation its last question, as Inspect has it. Choices are part of a question."""
    asked = _resolved(sample.get("input"), attachments)
    users = [message for message in mappings(asked) if message.get("role") == "user"]
    question = asked if isinstance(asked, str) else _said(users[-1].get("content")) if users else ""
    choices = [text(choice) for choice in items(sample.get("choices"))]
    return "\n".join([question, *(f"{chr(65 + which)}) {choice}" for which, choice in enumerate(choices))])


def _completion(sample: dict[str, Any]) -> str:
    output = mapping(sample.get("output"))
    choice = next(iter(mappings(output.get("choices"))), {})
    return string(output.get("completion")) or _said(mapping(choice.get("message")).get("content"))


def _generated(sample: dict[str, Any]) -> dict[str, tuple[Usage, str]]:
    """Tell of each message that a model wrote what it used and when it came, by the message's id."""
    found = {}
    for event in mappings(sample.get("events")) or mappings(mapping(sample.get("transcript")).get("events")):
        output = mapping(event.get("output"))
        for choice in mappings(output.get("choices"))[:1] if event.get("event") == "model" else ():
            when = moment(event.get("completed")) or moment(event.get("timestamp"))
            found[string(mapping(choice.get("message")).get("id"))] = (_usage(output.get("usage")), when)
    found.pop("", None)
    return found


def _steps(messages: list[dict[str, Any]], generated: dict[str, tuple[Usage, str]]) -> tuple[Step, ...]:
    conversation = Conversation()
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if role == "tool":
            conversation.answer(string(message.get("tool_call_id")), _observation(message))
            continue
        origin = {"assistant": Origin.AGENT, "system": Origin.SYSTEM}.get(string(role), Origin.USER)
        if origin is Origin.USER and message.get("tool_call_id"):
            origin = Origin.TOOL  # a picture, say, that a tool returned
        calls = [*_calls(message), *_served(content)] if origin is Origin.AGENT else []
        usage, when = generated.get(string(message.get("id")), (UNKNOWN, ""))
        step = Step(origin, _said(content), _thought(message), tuple(call for _, call in calls), usage, when)
        conversation.add(step, [key for key, _ in calls])
    return conversation.steps


def _observation(message: dict[str, Any]) -> Observation:
    """Read what a tool returned: of an error models get the message and nothing else."""
    error = string(mapping(message.get("error")).get("message")) or string(message.get("tool_error"))
    return Observation(error or _said(message.get("content")), is_error=bool(error or message.get("error")))


def _said(content: Any) -> str:
    """Give what was said; of pictures, sounds and documents only that they were there."""
    if not isinstance(content, list):
        return string(content)
    parts = [part if isinstance(part, dict) else {"type": "text", "text": part} for part in content]
    kinds = [(string(part.get("type")), part) for part in parts]
    silent = {"reasoning", "tool_use", "data", ""}
    told = [string(part.get("text")) if kind == "text" else f"[{kind}]" for kind, part in kinds if kind not in silent]
    return "\n".join(filter(None, told))


def _thought(message: dict[str, Any]) -> str:
    """Give the reasoning; where it is encrypted, its summary."""
    parts = [part for part in mappings(message.get("content")) if part.get("type") == "reasoning"]
    told = ["" if part.get("redacted") is True else string(part.get("reasoning")) for part in parts]
    whole = [said or string(part.get("summary")) for said, part in zip(told, parts, strict=True)]
    return "\n".join(filter(None, [string(message.get("reasoning")), *whole]))


def _calls(message: dict[str, Any]) -> Iterator[tuple[str, Call]]:
    for call in mappings(message.get("tool_calls")):
        yield string(call.get("id")), Call(string(call.get("function")), unpacked(call.get("arguments")))


def _served(content: Any) -> Iterator[tuple[str, Call]]:
    """Give the calls that the model's server ran itself; their answers are with them."""
    for part in mappings(content):
        if part.get("type") == "tool_use":
            failed = string(part.get("error"))
            returned = Observation(string(part.get("result")) or failed, is_error=bool(failed))
            yield "", Call(string(part.get("name")), unpacked(part.get("arguments")), returned)


def _usage(value: Any) -> Usage:
    """Read what a model used. Some logs count cached tokens as input, which their total shows; most do not."""
    told = mapping(value)
    sent, written = count(told.get("input_tokens")), count(told.get("output_tokens"))
    cached = count(told.get("input_tokens_cache_read"))
    if sent is not None and count(told.get("total_tokens")) != sent + (written or 0):
        sent += (cached or 0) + (count(told.get("input_tokens_cache_write")) or 0)
    return Usage(sent, written, cached, number(told.get("total_cost")))
