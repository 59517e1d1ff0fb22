"""What the logs of OpenCode share: the agent's steps, from the parts of its messages.

Upstream: anomalyco/opencode (before: sst/opencode), `packages/opencode/src/session/message-v2.ts`. The trap:
`tokens.input` leaves out what came from the cache, and `tokens.output` leaves out the reasoning since there is a
`tokens.total`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import count, mapping, moment, number, string, unpacked, written
from gitskill.trace import UNKNOWN, Call, Observation, Origin, Step, Usage

Json = dict[str, Any]

_UNANSWERED = {"pending", "running", "call", "partial-call"}

Children = Callable[[str], list[Step]]
"""Gives the steps of a sub-session by its id, as far as they are known."""


def no_children(_: str) -> list[Step]:
    """Know of no sub-session."""
    return []


class Turn:
    """The agent's steps, from the parts of its messages as they come."""

    def __init__(self, agent: str = "", children: Children = no_children) -> None:
        self.steps: list[Step] = []
        self.agent = agent
        self._children = children
        self._newest = -1
        """Where the agent's newest step stands."""
        self._clear()

    def _clear(self) -> None:
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[Call] = []
        self._spawned: list[str] = []
        self._usage = UNKNOWN
        self._time = ""

    def take(self, part: Json, time: str = "") -> None:
        """Read the next part; `time` is when its message was begun."""
        kind = string(part.get("type"))
        time = _started(part) or time
        if kind == "text" and part.get("synthetic") is True:
            self.close()
            self.steps += filled(Step(Origin.SYSTEM, string(part.get("text")), time=time, agent=self.agent))
        elif kind in {"text", "reasoning"} and part.get("ignored") is not True:
            self._say(kind, string(part.get("text")), time)
        elif kind == "tool":
            self._calls.append(called(part))
            self._spawned += spawned(part)
            self._time = self._time or time
        elif kind == "step-start":
            self.close()
        elif kind == "step-finish":
            self.spend(told_usage(part.get("tokens"), part.get("cost")))
            self.close()

    def _say(self, kind: str, text: str, time: str) -> None:
        """Add words. Those after a call are a step of their own: the agent knew its answer."""
        if self._calls:
            self.close()
        (self._texts if kind == "text" else self._thoughts).append(text)
        self._time = self._time or time

    def spend(self, usage: Usage) -> None:
        """Note what the open step used, or else the newest one of the agent."""
        if self._texts or self._thoughts or self._calls or self._newest < 0:
            self._usage = summed((self._usage, usage))
        else:
            newest = self.steps[self._newest]
            self.steps[self._newest] = replace(newest, usage=summed((newest.usage, usage)))

    def close(self) -> None:
        """End the open step; the steps of sub-sessions that it called follow it."""
        text, thought = ("\n".join(filter(None, said)) for said in (self._texts, self._thoughts))
        step = Step(Origin.AGENT, text, thought, tuple(self._calls), self._usage, self._time, self.agent)
        if made := filled(step):
            self._newest = len(self.steps)
            self.steps += made
        for child in self._spawned:
            self.steps += self._children(child)
        left = UNKNOWN if made else self._usage
        self._clear()
        self._usage = left


def filled(step: Step) -> list[Step]:
    """Leave out a step that holds nothing."""
    return [step] if step.text.strip() or step.thought.strip() or step.calls else []


def called(part: Json) -> Call:
    """Read a tool's part: the call and, unless it never ended, what came of it."""
    state = mapping(part.get("state"))
    metadata = mapping(state.get("metadata"))
    name = string(part.get("tool"))
    arguments = unpacked(state.get("input"))
    status = string(state.get("status"))
    if status in _UNANSWERED or not ({"output", "error"} & state.keys()):
        return Call(name, arguments)
    failed = status == "error"
    kept = metadata.get("output") if failed and metadata.get("interrupted") is True else None
    told = kept if isinstance(kept, str) else state.get("error" if failed else "output")
    text = "" if told is None else written(told)
    return Call(name, arguments, Observation(text, _exit_code(metadata), failed or name == "invalid"))


def _exit_code(metadata: Json) -> int | None:
    found = number(metadata.get("exit", metadata.get("exitCode")))
    return None if found is None else int(found)


def spawned(part: Json) -> list[str]:
    """Name the sub-session that a tool's part started, if it did."""
    metadata = mapping(mapping(part.get("state")).get("metadata"))
    found = string(metadata.get("sessionId")) or string(metadata.get("sessionID"))
    return [found] if found and part.get("type") == "tool" else []


def _started(part: Json) -> str:
    return moment(mapping(part.get("time") or mapping(part.get("state")).get("time")).get("start"))


def told_usage(tokens: Any, cost: Any) -> Usage:
    """Read token counts: what was sent is what was new, and what the cache held or was given."""
    told, cache = mapping(tokens), mapping(mapping(tokens).get("cache"))
    fresh, read, out = count(told.get("input")), count(cache.get("read")), count(told.get("output"))
    dollars = number(cost if not isinstance(cost, dict) else cost.get("usd"))
    if fresh is not None:
        fresh += (read or 0) + (count(cache.get("write")) or 0)
    if out is not None and "total" in told:
        out += count(told.get("reasoning")) or 0
    return Usage(fresh, out, read, dollars)
