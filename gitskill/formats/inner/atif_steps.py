"""The steps of ATIF trajectories, those of sub-agents after the step that started them."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from gitskill.formats.conversation import Conversation
from gitskill.formats.inner.spoken import spoken
from gitskill.formats.loose import count, mapping, mappings, moment, number, string, text, unpacked
from gitskill.trace import Call, Observation, Origin, Step, Usage

_ORIGINS = {"system": Origin.SYSTEM, "user": Origin.USER, "agent": Origin.AGENT}
_CODES = ("exit_code", "exitCode", "returncode", "return_code")
_FIRST = re.compile(r"(?:Process exited with code|Exit code:?|<returncode>) ?(-?\d{1,9})", re.IGNORECASE)
_LAST = re.compile(
    r"\[(?:The command completed|Command finished) with exit code (-?\d{1,9})\.?\]"
    r"|^\[exit_code\] (-?\d{1,9})$|^Exit Code: (-?\d{1,9})$",
    re.MULTILINE,
)
_END = 400
"""The last characters of an answer: only there do agents write exit codes, and not what they quote."""
_FAILED = "[error] tool reported failure"
_EXECUTED = re.compile(r"Executed \S+ \S+")
"""What Harbor writes where the agent said nothing."""


class Teller:
    """Reads trajectories, one after the other, into the steps of one run."""

    def __init__(self, beside: Callable[[str], dict[str, Any]]) -> None:
        self._beside = beside
        """Reads another document by the name that a trajectory refers to it with."""
        self._conversation = Conversation()
        self._copied: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far."""
        return self._conversation.steps

    @property
    def copied(self) -> tuple[Step, ...]:
        """What was left out because it had been told in an earlier trajectory."""
        return tuple(self._copied)

    def tell(self, trajectory: dict[str, Any], agent: str = "") -> None:
        """Add the steps of a trajectory and of those inside it. `agent` names the sub-agent whose it is."""
        own = string(mapping(trajectory.get("agent")).get("name"))
        inner = {string(sub.get("trajectory_id")): sub for sub in mappings(trajectory.get("subagent_trajectories"))}
        for told in mappings(trajectory.get("steps")):
            step, keys = _step(told, agent)
            if told.get("is_copied_context") is True:
                self._copied.append(step)
                continue
            self._conversation.add(step, keys)
            self._answers(told, keys, step)
            for ref in _references(told):
                name = string(ref.get("trajectory_id"))
                path = string(ref.get("trajectory_path"))
                sub = inner.pop(name, None) or (self._beside(path) if path else {})
                self.tell(sub, _named(sub, own))
        for sub in inner.values():
            self.tell(sub, _named(sub, own))

    def _answers(self, told: dict[str, Any], keys: list[str], step: Step) -> None:
        """Give the calls of a step their results. One that names no call answers the last that has none."""
        waiting = list(keys)
        for result in mappings(mapping(told.get("observation")).get("results")):
            key = string(result.get("source_call_id")) or (waiting[-1] if waiting else "")
            if key in waiting:
                waiting.remove(key)
            alone = len(keys) <= 1
            self._conversation.answer(key, _observation(result, told, alone=alone), step=_tool(step))


def _tool(step: Step) -> Step:
    return Step(Origin.TOOL, time=step.time, agent=step.agent)


def _named(sub: dict[str, Any], parent: str) -> str:
    """Name a sub-agent: by its own name, unless that is its parent's."""
    name = string(mapping(sub.get("agent")).get("name"))
    other = "" if name == parent else name
    return other or string(sub.get("trajectory_id")) or string(sub.get("session_id")) or "sub-agent"


def _references(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for result in mappings(mapping(told.get("observation")).get("results")):
        refs = result.get("subagent_trajectory_ref")
        yield from mappings(refs if isinstance(refs, list) else [refs])


def _step(told: dict[str, Any], agent: str) -> tuple[Step, list[str]]:
    origin = _ORIGINS.get(string(told.get("source")), Origin.SYSTEM)
    said = text(told.get("message"))
    calls = [(string(call.get("tool_call_id")), _call(call)) for call in mappings(told.get("tool_calls"))]
    if not calls and origin is Origin.AGENT:
        calls = [("", call) for call in spoken(said)]
    extra = mapping(told.get("extra"))
    aside = extra.get("is_sidechain") is True or extra.get("isSidechain") is True
    step = Step(
        origin,
        "" if calls and _EXECUTED.fullmatch(said) else said,
        text(told.get("reasoning_content")),
        tuple(call for _, call in calls),
        _usage(mapping(told.get("metrics"))),
        moment(told.get("timestamp")),
        agent or (string(extra.get("agent_id")) or "sidechain" if aside else ""),
    )
    return step, [key or f"#{number_}" for number_, (key, _) in enumerate(calls)]


def _call(call: dict[str, Any]) -> Call:
    return Call(string(call.get("function_name")) or "?", unpacked(call.get("arguments")))


def _usage(metrics: dict[str, Any]) -> Usage:
    return Usage(
        input=count(metrics.get("prompt_tokens")),
        output=count(metrics.get("completion_tokens")),
        cached=count(metrics.get("cached_tokens")),
        cost=number(metrics.get("cost_usd")),
    )


def _observation(result: dict[str, Any], told: dict[str, Any], *, alone: bool) -> Observation:
    """Read a result, with what is said beside it or, if it is the only one, of its step."""
    of_step = mapping(told.get("extra"))
    of_call = mapping(of_step.get("tool_call_details")).get(string(result.get("source_call_id")))
    extras = (mapping(result.get("extra")), mapping(of_call), of_step if alone else {})
    found = [one for extra in extras if extra for one in _nested(extra)]
    code = next((code for one in found for key in _CODES if (code := number(one.get(key))) is not None), None)
    failed = any(one.get(key) is True for one in found for key in ("is_error", "tool_result_is_error"))
    said = text(result.get("content"))
    return Observation(said, _written(said) if code is None else int(code), failed or said.endswith(_FAILED))


def _nested(extra: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give what an extra says itself, and in the places where converters put the agent's own record."""
    yield extra
    for key in ("metadata", "tool_metadata", "tool_result_metadata"):
        if inner := mapping(extra.get(key)):
            yield inner
            yield mapping(inner.get("tool_use_result"))


def _written(said: str) -> int | None:
    """Read an exit code out of an answer, where agents are known to write it."""
    if found := _FIRST.match(said):
        return int(found[1])
    last = [*_LAST.finditer(said[-_END:])]
    return int(next(filter(None, last[-1].groups()))) if last else None
