"""Gemini CLI: a session of Google's coding agent.

Lies in the `chats` folder of a project below `~/.gemini/tmp`: `session-*.json`, one
document, or in newer versions `session-*.jsonl`, where a line is the session's data,
a message, a change of the data (`$set`) or the way back to a message (`$rewindTo`).
There is no label. What costs most: a message is written again whenever its tokens
or the results of its calls are known, and only the last writing counts.
"""

from collections.abc import Iterator
from typing import Any

from gitskill.formats.inner.gemini_messages import KINDS, Teller
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import mapping, mappings, string
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.trace import Trace

NAME = "gemini"


def recognise(source: Source) -> bool:
    """Look for a session's data: with a project, or with messages of the kinds that this agent writes."""
    return any(_is_session(record) for record in source.opening if isinstance(record, dict))


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the one run of the file."""
    session = _Session()
    for _, record in source.records():
        session.take(mapping(record))
    if not session.data:
        raise Damaged("no session of Gemini CLI")
    yield _reading(session)


def _is_session(record: dict[str, Any]) -> bool:
    if not isinstance(record.get("sessionId"), str) or "uuid" in record:
        return False
    kinds = {string(message.get("type")) for message in mappings(record.get("messages"))[:8]}
    return isinstance(record.get("projectHash"), str) or ("startTime" in record and bool(kinds) and kinds <= KINDS)


class _Session:
    """A session as its log leaves it."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        """By id, in the order in which they began."""

    def take(self, record: dict[str, Any]) -> None:
        """Apply one record."""
        if isinstance(record.get("$rewindTo"), str):
            self._rewind(record["$rewindTo"])
        elif "$set" in record:
            self._set(mapping(record["$set"]))
        elif "sessionId" in record:
            self._set(record)
        elif "type" in record:
            self.messages[string(record.get("id")) or self._new_key()] = record

    def _set(self, data: dict[str, Any]) -> None:
        """Change the session's data.

        Messages among them are what the model is still shown: of a message that is known
        the log's own record is fuller, and one that is missing there has happened all the same.
        """
        self.data |= {key: value for key, value in data.items() if key != "messages"}
        for message in mappings(data.get("messages")):
            self.messages.setdefault(string(message.get("id")) or self._new_key(), message)

    def _rewind(self, key: str) -> None:
        """Go back to before a message; to the very beginning if there is no such message."""
        while self.messages:
            if self.messages.popitem()[0] == key:
                return

    def _new_key(self) -> str:
        return f"?{len(self.messages)}"


def _reading(session: _Session) -> Reading:
    teller = Teller()
    for message in session.messages.values():
        teller.tell(message)
    trace = Trace(
        format=NAME,
        task="",
        request=teller.request,
        steps=teller.steps,
        agent="gemini-cli",
        model=next(iter(teller.models), ""),
        session=string(session.data.get("sessionId")),
        result=teller.result,
        usage=summed(teller.used),
        error=teller.fault,
        notes=tuple(_notes(session.data, list(teller.models))),
    )
    return Reading(trace, _outcome(trace))


def _outcome(trace: Trace) -> Outcome:
    """Label a run that broke. How well the agent did, the log does not say."""
    if trace.error:
        return Outcome.broken(trace.error, "error message")
    return UNLABELLED if trace.actions else Outcome.broken("no step taken by the agent", "log")


def _notes(data: dict[str, Any], models: list[str]) -> Iterator[str]:
    if string(data.get("kind")) == "subagent":
        yield "the log of a sub-agent"
    yield from (f"also used model {model}" for model in models[1:])
    # The tool guesses it from the commands it saw: not a label.
    if status := string(mapping(data.get("memoryScratchpad")).get("validationStatus")):
        yield f"Gemini CLI's own guess at the validation: {status}"
