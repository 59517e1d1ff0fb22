"""OpenCode: the events that `opencode run --format json` prints, one on each line.

Upstream: anomalyco/opencode, `packages/opencode/src/cli/cmd/run.ts`. The label: none. The traps: the user's turn is
not among them, so there is no request; a part that changes after it ended is printed again.
"""

from collections.abc import Iterator
from typing import Any

from gitskill.formats.inner.opencode_messages import failure, last_words
from gitskill.formats.inner.opencode_parts import Turn
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import items, mapping, moment, string
from gitskill.formats.opencode import outcome_of
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.trace import Origin, Step, Trace

NAME = "opencode-events"

_KINDS = {"step_start", "step_finish", "text", "tool_use", "reasoning", "error"}
_USERS = {"user", "user_message", "prompt"}


def recognise(source: Source) -> bool:
    """Look for an event of a session with a part or an error."""
    return any(_is_event(mapping(record)) for record in source.opening)


def _is_event(record: dict[str, Any]) -> bool:
    told = mapping(record.get("part")).get("type") or (record.get("type") == "error" and "error" in record)
    known = isinstance(record.get("type"), str) and record["type"] in _KINDS
    return known and isinstance(record.get("sessionID"), str) and "timestamp" in record and bool(told)


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the run that the events tell of."""
    run = _Run()
    for _, record in source.records():
        run.take(mapping(record))
    trace = run.trace()
    yield Reading(trace, outcome_of(trace))


class _Run:
    """One run while its events are read."""

    def __init__(self) -> None:
        self._turn = Turn()
        self._session = ""
        self._request = ""
        self._seen: set[tuple[str, str]] = set()
        self._error = ""
        self._notes: list[str] = []

    def take(self, record: dict[str, Any]) -> None:
        self._session = self._session or string(record.get("sessionID"))
        kind, part = string(record.get("type")), mapping(record.get("part"))
        if kind == "error":
            self._fail(record.get("error"))
        elif kind in _USERS:
            self._ask(string(part.get("text")) or string(record.get("text")) or string(record.get("message")), record)
        elif kind == "done" and (refused := items(record.get("rejected"))):
            self._notes.append(f"permission was not given: {', '.join(filter(None, map(string, refused)))}")
        elif part and self._is_new(part):
            self._part(part, moment(record.get("timestamp")))

    def _is_new(self, part: dict[str, Any]) -> bool:
        """Tell a part from one that was printed before."""
        key = string(part.get("type")), string(part.get("id"))
        if key[1] and key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _part(self, part: dict[str, Any], time: str) -> None:
        """Read a part. Where the agent goes on after an error, the error did not end the run."""
        if self._error and part.get("type") in {"text", "tool"}:
            self._notes.append(f"a message ended early: {self._error}")
            self._error = ""
        owner = string(part.get("sessionID"))
        agent = owner if owner != self._session else ""
        if agent != self._turn.agent:
            self._turn.close()
            self._turn.agent = agent
        self._turn.take(part, time)

    def _ask(self, text: str, record: dict[str, Any]) -> None:
        self._turn.close()
        self._request = self._request or text
        if text:
            self._turn.steps.append(Step(Origin.USER, text, time=moment(record.get("timestamp"))))

    def _fail(self, error: Any) -> None:
        text, is_outside = failure(error)
        if is_outside:
            self._error = text
        elif text:
            self._notes.append(f"a message ended early: {text}")

    def trace(self) -> Trace:
        self._turn.close()
        steps = tuple(self._turn.steps)
        return Trace(
            format=NAME,
            task="",
            request=self._request,
            steps=steps,
            agent="opencode",
            session=self._session,
            result=last_words(steps),
            usage=summed(step.usage for step in steps),
            error=self._error,
            notes=tuple(dict.fromkeys(self._notes)),
        )
