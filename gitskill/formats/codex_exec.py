"""Codex, run as `codex exec --json`: the events it prints, one on each line.

Whoever started Codex saves them from its output, so they lie anywhere. The newer
events are `thread.started`, `item.completed`, `turn.completed` and the like; the
older ones `{"id": …, "msg": {…}}` behind a line of settings and one `{"prompt": …}`.
The newer stream does not hold the request. There is no label. What costs most: the
usage of a completed turn is the sum since the thread began, not that turn's own.
"""

from collections.abc import Iterator
from typing import Any

from gitskill.formats.inner import codex_events
from gitskill.formats.inner.codex_items import code, text_of
from gitskill.formats.inner.codex_story import Meter, Story, last_word, outcome
from gitskill.formats.loose import mapping, string
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.trace import Artifact, Call, Observation, Origin, Trace

NAME = "codex-exec"

_ITEMS = {"item.started", "item.updated", "item.completed"}
_STARTS = {"thread.started", "session.created"}
_KINDS = _ITEMS | _STARTS | {"turn.started", "turn.completed", "turn.failed"}
_WORDS = {"agent_message", "assistant_message", "plan", "reasoning", "error"}

_NOT_ASKED = {"id", "type", "item_type", "status", "aggregated_output", "exit_code", "result", "error", "agents_states"}
"""Fields of an item that are not what the agent asked of its tool."""


def recognise(source: Source) -> bool:
    """Look for an event of either kind among the first records."""
    records = [record for record in source.opening if isinstance(record, dict)]
    return any(_is_event(record) or _is_message(record) for record in records)


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each thread in the file."""
    runs = [_Run()]
    for number, record in source.records():
        event = mapping(record)
        thread = _thread(event)
        if thread and runs[-1].thread not in {"", thread}:
            runs.append(_Run(number))
        runs[-1].take(event)
    for run in runs:
        yield run.reading(f"line {run.line}" if len(runs) > 1 else "")


def _is_event(record: dict[str, Any]) -> bool:
    kind = string(record.get("type"))
    return kind in _KINDS and (kind not in _ITEMS or isinstance(record.get("item"), dict))


def _is_message(record: dict[str, Any]) -> bool:
    return "id" in record and string(mapping(record.get("msg")).get("type")) in codex_events.KINDS


def _thread(event: dict[str, Any]) -> str:
    """Give the id of the thread that this event begins."""
    if string(event.get("type")) not in _STARTS:
        return ""
    return string(event.get("thread_id")) or string(event.get("session_id"))


class _Run:
    """What is known of a run while its events are read."""

    def __init__(self, line: int = 1) -> None:
        self.line = line
        self.thread = ""
        self._story = Story()
        self._meter = Meter()
        self._model = ""
        self._request = ""
        self._diff = ""
        self._notes: dict[str, None] = {}
        self._started: set[str] = set()
        self._done: set[str] = set()
        self._failed = ""

    def take(self, event: dict[str, Any]) -> None:
        """Add one event of either kind."""
        kind = string(event.get("type"))
        if isinstance(event.get("msg"), dict):
            self._message(event["msg"])
        elif kind in _ITEMS:
            self._item(kind == "item.completed", mapping(event.get("item")))
        elif kind == "turn.completed":
            self._meter.take({"total_token_usage": event.get("usage")})
            self._story.fail("")
        elif kind in {"turn.failed", "error"}:
            self._failed = kind
            self._story.fail(_message_of(event.get("error")) or _message_of(event) or "an error without a message")
        elif kind in _STARTS:
            self.thread = _thread(event) or self.thread
            # Resumed in the same file: the ids of its items begin anew.
            self._started.clear()
            self._done.clear()
        elif not kind:
            # What the older stream opens with.
            self._request = self._request or string(event.get("prompt"))
            self._model = self._model or string(event.get("model"))

    def reading(self, place: str) -> Reading:
        """Give the run as a whole."""
        steps, fault = self._story.steps(), self._story.fault
        trace = Trace(
            format=NAME,
            task="",
            request=self._request,
            steps=steps,
            agent="codex",
            model=self._model,
            session=self.thread,
            result=last_word(steps),
            artifacts=(Artifact("turn.diff", self._diff),) if self._diff else (),
            usage=self._meter.used,
            error=fault,
            notes=tuple(self._notes),
        )
        return Reading(trace, outcome(steps, fault, self._failed), place)

    def _item(self, done: bool, item: dict[str, Any]) -> None:
        """Add an item: words once they are complete, a call when it starts, its answer when it is done."""
        kind, key = string(item.get("type")) or string(item.get("item_type")), string(item.get("id"))
        if key and key in self._done:
            return
        if done:
            self._done.add(key)
        if kind not in _WORDS:
            self._call(kind, key or kind, done, item)
        elif done:
            self._words(kind, item)

    def _words(self, kind: str, item: dict[str, Any]) -> None:
        if kind == "reasoning":
            self._story.think([string(item.get("text"))], "")
        elif kind == "error":
            self._story.hear(Origin.SYSTEM, _message_of(item), "")
        else:
            self._story.say(string(item.get("text")), "")

    def _call(self, kind: str, key: str, done: bool, item: dict[str, Any]) -> None:
        # A list of things to do is changed in place: each state of it is a call of its own, and has no answer.
        is_list = kind == "todo_list"
        if key not in self._started or (is_list and not done):
            self._story.call(key, _asked(kind, item), "")
            self._started.add(key)
        if done and not is_list:
            self._story.answer(key, _returned(item), "")

    def _message(self, event: dict[str, Any]) -> None:
        """Add an event of the older kind."""
        kind = string(event.get("type"))
        if kind == "token_count":
            self._story.spend(self._meter.take(mapping(event.get("info")) or event))
        elif kind == "session_configured":
            self.thread = string(event.get("session_id")) or self.thread
            self._model = string(event.get("model")) or self._model
        elif kind == "turn_diff":
            self._diff = string(event.get("unified_diff"))
        elif kind == "turn_aborted":
            self._notes[f"a turn was aborted: {string(event.get('reason')) or 'no reason given'}"] = None
        else:
            self._failed = kind if "error" in kind else self._failed
            codex_events.tell(self._story, event)


def _message_of(told: Any) -> str:
    return string(told) or string(mapping(told).get("message"))


def _asked(kind: str, item: dict[str, Any]) -> Call:
    """Read what the agent asked for. Only a server's tool has arguments of its own."""
    tool, server = string(item.get("tool")), string(item.get("server"))
    if server:
        return Call(f"{server}.{tool}", item.get("arguments"))
    return Call(tool or kind, {key: value for key, value in item.items() if key not in {*_NOT_ASKED, "tool"}})


def _returned(item: dict[str, Any]) -> Observation:
    """Read what came of it: a command's output, a server's result or error, else no more than how it ended."""
    status = string(item.get("status"))
    error = _message_of(item.get("error")) or None
    told = next((item[key] for key in ("aggregated_output", "result") if item.get(key) is not None), error)
    content = told["content"] if isinstance(told, dict) and "content" in told else told
    is_error = error is not None or status in {"failed", "declined"}
    return Observation(status if content is None else text_of(content), code(item.get("exit_code")), is_error)
