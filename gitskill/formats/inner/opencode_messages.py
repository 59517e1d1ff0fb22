"""What the logs of OpenCode share: messages, and how a session ended.

Upstream: anomalyco/opencode, `packages/opencode/src/session/message-v2.ts`; its forerunner `message.ts` kept the parts
inside the message, with `toolInvocation` for a tool.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gitskill.formats.inner.opencode_parts import Children, Json, Turn, filled, no_children, told_usage
from gitskill.formats.loose import flag, items, mapping, mappings, moment, string, written
from gitskill.trace import Artifact, Origin, Step

_ABORTED = "MessageAbortedError"
_OWN = {_ABORTED, "MessageOutputLengthError", "StructuredOutputError", "ContextOverflowError"}
"""Errors that end a message and come from the user or from the agent itself."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message with its parts, in the order in which they came."""

    info: Json
    parts: list[Json]

    @classmethod
    def of(cls, info: Json, parts: list[Json]) -> "Message":
        """Take a message of any version: the oldest keep parts, time, error and model in places of their own."""
        metadata = mapping(info.get("metadata"))
        if "parts" not in info or not metadata:
            return cls(info, parts or mappings(info.get("parts")))
        told = {"time": metadata.get("time"), "error": metadata.get("error"), **mapping(metadata.get("assistant"))}
        tools = mapping(metadata.get("tool"))
        return cls({**info, **told}, [_modern(part, tools) for part in mappings(info["parts"])])

    @property
    def is_agents(self) -> bool:
        """Tell whether the model wrote it."""
        return self.info.get("role") == "assistant"

    @property
    def words(self) -> str:
        """What the user typed, without what OpenCode added; of a command, the prompt it stands for."""
        typed = [part for part in self.parts if part.get("type") == "text" and not _is_added(part)]
        commands = [part for part in self.parts if part.get("type") == "subtask"]
        told = [string(part.get("text")) for part in typed] or [string(part.get("prompt")) for part in commands]
        if not self.parts:
            summary = mapping(self.info.get("summary"))
            told = [string(summary.get("body")) or string(summary.get("title"))]
        return "\n".join(filter(None, told))


def _modern(part: Json, tools: Json) -> Json:
    """Bring a tool's part of the oldest version into today's form; `tools` says more of each by its id."""
    if part.get("type") != "tool-invocation":
        return part
    told = mapping(part.get("toolInvocation"))
    more = mapping(tools.get(string(told.get("toolCallId"))))
    failed = flag(more.get("error")) or False
    status = string(told.get("state"))
    return {
        "type": "tool",
        "tool": told.get("toolName"),
        "callID": told.get("toolCallId"),
        "state": {
            "status": "error" if failed else status,
            "input": told.get("args"),
            "error" if failed else "output": told.get("result"),
            "metadata": more,
            "time": more.get("time"),
        },
    }


def _is_added(part: Json) -> bool:
    return part.get("synthetic") is True or part.get("ignored") is True


def message_steps(message: Message, agent: str = "", children: Children = no_children) -> list[Step]:
    """Read one message."""
    if not message.is_agents:
        return _user_steps(message, agent)
    is_summary = message.info.get("summary") is True
    turn = Turn(agent or ("compaction" if is_summary else ""), children)
    time = moment(mapping(message.info.get("time")).get("created"))
    for part in message.parts:
        turn.take(part, time)
    if not any(part.get("type") == "step-finish" and "tokens" in part for part in message.parts):
        turn.spend(told_usage(message.info.get("tokens"), message.info.get("cost")))
    turn.close()
    return turn.steps


def _user_steps(message: Message, agent: str) -> list[Step]:
    """Read what the user wrote, then what OpenCode added to it."""
    time = moment(mapping(message.info.get("time")).get("created"))
    files = [f"[file: {string(part.get('filename')) or string(part.get('mime'))}]" for part in _files(message)]
    added = [string(part.get("text")) for part in message.parts if part.get("synthetic") is True]
    steps = (
        Step(Origin.USER, "\n".join(filter(None, (message.words, *files))), time=time, agent=agent),
        Step(Origin.SYSTEM, "\n".join(added), time=time, agent=agent),
    )
    return [kept for step in steps for kept in filled(step)]


def _files(message: Message) -> list[Json]:
    return [part for part in message.parts if part.get("type") == "file"]


def model_of(messages: Iterable[Message]) -> str:
    """Name the first model that answered, else the one the user chose."""
    for of_agent in (True, False):
        for message in messages:
            if message.is_agents is of_agent and (found := _model(message.info)):
                return found
    return ""


def _model(info: Json) -> str:
    named = mapping(info.get("model"))
    model = string(info.get("modelID")) or string(named.get("modelID"))
    provider = string(info.get("providerID")) or string(named.get("providerID"))
    return f"{provider}/{model}" if provider and model else model


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended, if not as it should."""

    error: str = ""
    """What broke outside the agent."""
    notes: tuple[str, ...] = ()


def failure(error: Any) -> tuple[str, bool]:
    """Give an error's text, and whether it came from outside; empty where there is none."""
    if not error:
        return "", False
    told = mapping(error)
    name, message = string(told.get("name")), string(mapping(told.get("data")).get("message"))
    if name == _ABORTED:
        return "the user aborted it", False
    text = ": ".join(filter(None, (name, message or string(told.get("message"))))) or written(error)
    return text, name not in _OWN


def ending(messages: list[Message], session: Json) -> Ending:
    """Read the errors. Only the one in the agent's last message ended the run; it went on after the others."""
    notes, error = [], ""
    told = [message.info.get("error") for message in messages if message.is_agents]
    for at, one in enumerate([*told, session.get("error")], start=1):
        text, is_outside = failure(one)
        if text and is_outside and at >= len(told):
            error = error or text
        elif text:
            notes.append(f"a message ended early: {text}")
    notes += _oddities(messages)
    return Ending(error, tuple(dict.fromkeys(notes)))


def _oddities(messages: list[Message]) -> list[str]:
    kinds = [part.get("type") for message in messages for part in message.parts]
    notes = []
    if compacted := kinds.count("compaction"):
        notes.append(f"the context was compacted (times: {compacted})")
    if retried := kinds.count("retry"):
        notes.append(f"the model was asked again after an error (times: {retried})")
    if any(not message.is_agents and not message.parts and message.words for message in messages):
        notes.append("the words of a user's message are missing; its summary stands for them")
    return notes


def changed_files(diffs: Any) -> tuple[Artifact, ...]:
    """Read what a session changed: a patch of each file, or the file as it is now."""
    found = []
    for diff in mappings(items(diffs)):
        name = string(diff.get("file")) or string(diff.get("path"))
        text = string(diff.get("patch")) or string(diff.get("diff")) or string(diff.get("after"))
        if name and text:
            found.append(Artifact(name, text))
    return tuple(found)


def last_words(steps: Iterable[Step]) -> str:
    """Give what the run's own agent said last."""
    said = [step.text for step in steps if step.origin is Origin.AGENT and not step.agent and step.text.strip()]
    return said[-1] if said else ""
