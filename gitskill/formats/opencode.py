"""OpenCode: one session as `opencode export <session>` writes it, or as its server gives the messages.

Upstream: anomalyco/opencode, `packages/opencode/src/cli/cmd/export.ts`: `{info, messages: [{info, parts}]}`. The
label: none. The trap: what OpenCode itself adds to a user's message (`synthetic`) is not what the user asked.
Sub-sessions are exported on their own; the task call holds what came of each.
"""

from collections.abc import Iterator
from typing import Any

from gitskill.formats.inner.opencode_messages import Message, changed_files, ending, last_words, message_steps, model_of
from gitskill.formats.inner.opencode_parts import Children, no_children
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import items, mapping, string
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.trace import Origin, Step, Trace

NAME = "opencode"


def recognise(source: Source) -> bool:
    """Look for a session with messages that keep their parts beside what is said of them."""
    if source.is_lines or not source.opening:
        return False
    first = mapping(source.opening[0])
    if isinstance(source.document, list):
        return _is_message(first)
    info, messages = mapping(first.get("info")), first.get("messages")
    if not isinstance(info.get("id"), str) or not isinstance(messages, list):
        return False
    return _is_message(messages[0]) if messages else bool({"time", "directory", "projectID"} & info.keys())


def _is_message(value: Any) -> bool:
    """Tell a message as OpenCode gives it, in any version."""
    message = mapping(value)
    told = mapping(message.get("info")) or message
    inside = "metadata" in message and isinstance(message.get("id"), str)
    return isinstance(message.get("parts"), list) and "role" in told and ("info" in message or inside)


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the session."""
    document = source.document
    whole = mapping(document)
    session = mapping(whole.get("info"))
    entries = items(whole.get("messages")) if whole else items(document)
    messages = [_message(mapping(entry)) for entry in entries if isinstance(entry, dict)]
    notes = [f"a sub-session of {parent}"] if (parent := string(session.get("parentID"))) else []
    trace = session_trace(NAME, session, messages, notes)
    yield Reading(trace, outcome_of(trace))


def _message(entry: dict[str, Any]) -> Message:
    parts = [part for part in items(entry.get("parts")) if isinstance(part, dict)]
    return Message.of(mapping(entry["info"]), parts) if "info" in entry else Message.of(entry, [])


def session_trace(
    name: str,
    session: dict[str, Any],
    messages: list[Message],
    notes: list[str],
    children: Children = no_children,
) -> Trace:
    """Build the trace of a session from its messages."""
    steps: list[Step] = []
    prompt = ""
    for message in messages:
        system = message.info.get("system")
        if (told := string(system) or "\n".join(map(string, items(system)))) and told != prompt:
            steps.append(Step(Origin.SYSTEM, prompt := told))
        steps += message_steps(message, children=children)
    ended = ending(messages, session)
    version = string(session.get("version"))
    about = next((told for message in messages if (told := string(message.info.get("sessionID")))), "")
    return Trace(
        format=name,
        task="",
        request=next((message.words for message in messages if not message.is_agents and message.words), ""),
        steps=tuple(steps),
        agent=f"opencode {version}".strip(),
        model=model_of(messages),
        session=string(session.get("id")) or about,
        result=last_words(steps),
        artifacts=changed_files(mapping(session.get("summary")).get("diffs")),
        usage=summed(step.usage for step in steps),
        error=ended.error,
        notes=(*notes, *ended.notes),
    )


def outcome_of(trace: Trace) -> Outcome:
    """Say that a run broke; whether it did its task, OpenCode does not know."""
    if trace.error:
        return Outcome.broken(trace.error, "error")
    return UNLABELLED if trace.actions else Outcome.broken("the agent took no step", "messages")
