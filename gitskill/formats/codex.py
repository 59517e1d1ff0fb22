"""Codex CLI: a session log of OpenAI's coding agent, one record on each line.

Lies in `~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`. Newer versions
put every record into an envelope `{timestamp, type, payload}`; before 0.40 or so
the items stood bare after a first line `{id, timestamp, instructions}`; the
first, TypeScript versions wrote one document `{session, items}`. There is no
label. What costs most: nearly everything is said twice, as a `response_item` and
as an `event_msg`, and a forked session begins with a copy of the older one.
"""

from collections.abc import Iterator
from typing import Any

from gitskill.formats.inner.codex_items import asked, request_of, tell, text_of
from gitskill.formats.inner.codex_story import Meter, Story, last_word, outcome
from gitskill.formats.loose import count, mapping, mappings, moment, string
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.trace import Origin, Trace

NAME = "codex"

_ENVELOPES = {"session_meta", "response_item", "event_msg", "turn_context"}
_FIRST_LINE = {"id", "timestamp", "instructions", "git"}
_HARMLESS = {"thread_rollback_failed", "active_turn_not_steerable"}
"""Errors about what the user wanted to do beside the run."""


def recognise(source: Source) -> bool:
    """Look for an enveloped record, for the first line of the bare shape, or for a session with its items."""
    records = [record for record in source.opening if isinstance(record, dict)]
    if any(string(record.get("type")) in _ENVELOPES and _is_object(record, "payload") for record in records):
        return True
    first = records[0] if records else {}
    if _is_object(first, "session") and isinstance(first.get("items"), list):
        return "timestamp" in first["session"]
    is_state = any(string(record.get("record_type")) == "state" for record in records)
    return {"id", "timestamp", "instructions"} <= first.keys() and (is_state or first.keys() <= _FIRST_LINE)


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the one run of the file."""
    run = _Run()
    for _, record in source.records():
        run.take(mapping(record))
    yield run.reading()


def _is_object(record: dict[str, Any], key: str) -> bool:
    return isinstance(record.get(key), dict)


class _Run:
    """What is known of a run while its records are read."""

    def __init__(self) -> None:
        self.story = Story()
        self.meter = Meter()
        self.meta: dict[str, Any] = {}
        self.models: dict[str, None] = {}
        self.notes: dict[str, None] = {}
        self.asked: list[str] = []
        """What users asked, by the items."""
        self.typed: list[str] = []
        """The same by the events, which hold it as it was typed."""

    def take(self, record: dict[str, Any]) -> None:
        """Add one record, in an envelope or bare."""
        kind, time = string(record.get("type")), moment(record.get("timestamp"))
        if _is_object(record, "payload"):
            self._open(kind, record["payload"], time)
        elif _is_object(record, "session"):
            self._meta(record["session"], time)
            for item in mappings(record.get("items")):
                self._item(item, moment(item.get("timestamp")))
        elif kind or "role" in record:
            self._item(record, time)
        elif "id" in record:
            self._meta(record, time)

    def reading(self) -> Reading:
        """Give the run as a whole."""
        steps, fault = self.story.steps(), self.story.fault
        models = list(self.models)
        notes = [*self.notes, *(f"also used model {name}" for name in models[1:])]
        trace = Trace(
            format=NAME,
            task="",
            request=next(iter(self.typed or self.asked), ""),
            steps=steps,
            agent=f"codex {string(self.meta.get('cli_version'))}".strip(),
            model=next(iter(models), ""),
            session=string(self.meta.get("id")),
            result=last_word(steps),
            usage=self.meter.used,
            error=fault,
            notes=tuple(notes),
        )
        return Reading(trace, outcome(steps, fault, "event_msg error"))

    def _open(self, kind: str, payload: dict[str, Any], time: str) -> None:
        if kind == "response_item":
            self._item(payload, time)
        elif kind == "event_msg":
            self._event(string(payload.get("type")), payload, time)
        elif kind == "session_meta":
            self._meta(payload, time)
        elif kind == "turn_context":
            self._uses(string(payload.get("model")))
        elif kind == "compacted":
            # Its replacement history repeats steps that stand above, in fewer words.
            self._note("the agent's context was compacted")
        elif kind == "inter_agent_communication":
            self.story.hear(Origin.TOOL, text_of(payload.get("content")), time)

    def _meta(self, payload: dict[str, Any], time: str) -> None:
        """Take the first description of the session. Any later one was copied from an older session."""
        if self.meta:
            if (other := string(payload.get("id"))) != string(self.meta.get("id")):
                self._note(f"begins with a copy of session {other}")
            return
        self.meta = payload
        self._uses(string(payload.get("model")))
        if subagent := mapping(payload.get("source")).get("subagent"):
            parent = string(mapping(mapping(subagent).get("thread_spawn")).get("parent_thread_id"))
            self._note(f"the log of a sub-agent of session {parent}" if parent else "the log of a sub-agent")
        self.story.hear(Origin.SYSTEM, string(mapping(payload.get("base_instructions")).get("text")), time)

    def _item(self, item: dict[str, Any], time: str) -> None:
        tell(self.story, item, time)
        if request := request_of(item):
            self.asked.append(request)

    def _event(self, kind: str, payload: dict[str, Any], time: str) -> None:
        """Take from an event what no item tells."""
        if kind == "token_count":
            self.story.spend(self.meter.take(mapping(payload.get("info")) or payload))
        elif kind in {"agent_reasoning", "agent_reasoning_raw_content"}:
            self.story.overhear(string(payload.get("text")))
        elif kind == "user_message":
            self.typed += filter(None, [asked(string(payload.get("message")))])
        elif kind in {"error", "stream_error"}:
            self._error(kind, payload, time)
        elif kind == "turn_aborted":
            self._note(f"a turn was aborted: {string(payload.get('reason')) or 'no reason given'}")
        elif kind == "context_compacted":
            self._note("the agent's context was compacted")
        elif kind == "thread_rolled_back":
            self._take_back(count(payload.get("num_turns")) or 0)

    def _error(self, kind: str, payload: dict[str, Any], time: str) -> None:
        """Take an error. One of the stream is followed by another try: it counts only at the very end."""
        message = string(payload.get("message")) or "an error without a message"
        info = payload.get("codex_error_info")
        if kind == "error":
            self.story.hear(Origin.SYSTEM, message, time)
        if not _HARMLESS & (info.keys() if isinstance(info, dict) else {string(info)}):
            self.story.fail(message)

    def _take_back(self, turns: int) -> None:
        """Forget what was asked in turns that the user took back. What the agent did in them it has done."""
        if turns:
            del self.asked[-turns:], self.typed[-turns:]
            self._note(f"turns that the user took back: {turns}; their steps are kept")

    def _uses(self, model: str) -> None:
        if model:
            self.models[model] = None

    def _note(self, note: str) -> None:
        self.notes[note] = None
