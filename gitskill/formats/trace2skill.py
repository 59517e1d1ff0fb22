"""Trace2Skill: the chat histories of its ReAct agents, one file for each instance.

`logs/<agent>_<instance>.md`, or `.jsonl`, sometimes with `_SUCCEED` or `_FAILED`
at the end of the name. That is a label, and so are the graders' results beside
it; the log's own `Success` only means that the agent finished. An observation
may hold lines that look like the log's own headings: its fence tells them apart.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from gitskill.formats.loose import mapping, moment, string
from gitskill.formats.parse import Damaged, is_deep
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.formats.spreadsheet_bench import Graded, graded, is_exception, settled
from gitskill.outcome import Outcome, Status
from gitskill.trace import Call, Observation, Origin, Step, Trace

NAME = "trace2skill"

NOT_GRADED = "the log's own `success` means that the agent finished: it was not taken as a label"
NO_RESULT = "the log has no result: the run was cut off"
NO_STEP = "no step taken by the agent"

_TITLE = "# Chat History: "
_ROLES = {"system": Origin.SYSTEM, "user": Origin.USER, "assistant": Origin.AGENT}
_HEADING = re.compile(r"## \[([0-9]{1,6})\] ([A-Z]+)\n\n")
_END = "\n\n---\n\n"
_FENCE = re.compile(r"Observation:\n(`{3,})\n")
_MARKS = (("_SUCCEED", True), ("_FAILED", False))
_TIMESTAMP = re.compile(r"[0-9]{8}_[0-9]{6}")
_ACTION = re.compile(r"^Action:\s*(?:```(?:json)?\s*)?(?=\{)", re.MULTILINE)
_TOOL_NAME = re.compile(r'"name"\s*:\s*"([^"]+)"')
_DONE = re.compile(r"^[ \t]*ACTION:[ \t]*TASK_COMPLETE[ \t]*$", re.MULTILINE)
_THOUGHT = re.compile(r"\A\s*(?:<think>)?(.*?)</think>\s*", re.DOTALL)
_EXIT = re.compile(r"\n?\[Exit code: (-?[0-9]{1,6})\]\Z")
_RESULT = re.compile(r"## RESULT\n\n- Success: (\w+)\n- Total Turns: [0-9]+\n?(?:- Error: (.*))?", re.DOTALL)
_DECODER = json.JSONDecoder(strict=False, parse_constant=str)


@dataclass(frozen=True, slots=True)
class _Log:
    """What either way of writing says."""

    agent: str
    messages: list[tuple[str, str, str]] = field(default_factory=list)
    """Role, text and time."""
    result: tuple[bool, str] | None = None
    """Whether the agent finished, and what went wrong."""
    time: str = ""


def recognise(source: Source) -> bool:
    """Look for the title of a chat history, or for a session that starts with the name of an agent."""
    if source.magic.startswith(_TITLE.encode()):
        return b"**Timestamp**" in source.magic[:1000]
    first = mapping(source.opening[0]) if source.magic.startswith(b"{") and source.opening else {}
    return first.get("type") == "session_start" and "agent_name" in first


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the one run of the file."""
    log = _markdown(source.text()) if source.magic.startswith(_TITLE.encode()) else _lines(source)
    task, mark = _named(source, log.agent)
    steps = _steps(log)
    error = log.result[1] if log.result else ""
    trace = Trace(
        format=NAME,
        task=task,
        request=_request(steps),
        steps=steps,
        agent=log.agent,
        session=source.path.stem,
        result=next((step.text for step in reversed(steps) if step.origin is Origin.AGENT and step.text), ""),
        error=error if is_exception(error) else "",
        notes=((NOT_GRADED,) if log.result else (NO_RESULT,)) + ((error,) if error and not is_exception(error) else ()),
    )
    found = graded(source, task) if task else None
    yield Reading(trace, _outcome(trace, mark, found), parts=(found.path,) if found else ())


def _markdown(text: str) -> _Log:
    """Split a log at its headings. They are numbered, so that only the next one counts."""
    text = text.rstrip("\n") + "\n\n"
    title, _, rest = text.partition("\n")
    stamp = re.search(r"\*\*Timestamp\*\*: (\S+)", rest[:200])
    messages: list[tuple[str, str, str]] = []
    at = text.find("## [1] ")
    while at >= 0 and (heading := _HEADING.match(text, at)):
        start = heading.end()
        end = _end(text, start, len(messages) + 2)
        if end is None:
            raise Damaged(f"the log ends inside message {len(messages) + 1}")
        messages.append((heading[2].lower(), text[start:end], ""))
        at = end + len(_END)
    result = _RESULT.match(text, at) if at >= 0 else None
    told = (result[1] == "True", (result[2] or "").strip()) if result else None
    if at >= 0 and not result and text[at:].strip():
        raise Damaged(f"the log ends inside the heading after message {len(messages)}")
    return _Log(title.removeprefix(_TITLE).strip(), messages, told, moment(stamp[1]) if stamp else "")


def _end(text: str, start: int, following: int) -> int | None:
    """Find where a message ends: before the next number's heading, the result, or the end of the file."""
    opened = _FENCE.match(text, start)
    if opened:
        closing = text.find(f"\n{opened[1]}{_END}", opened.end() - 1)
        return None if closing < 0 else closing + 1 + len(opened[1])
    at = text.find(_END, start)
    while at >= 0:
        after = at + len(_END)
        if after >= len(text) or text.startswith((f"## [{following}] ", "## RESULT\n\n- Success: "), after):
            return at
        at = text.find(_END, at + 1)
    return None


def _lines(source: Source) -> _Log:
    log = _Log("")
    for number, value in source.records():
        record = mapping(value)
        kind, text = record.get("type"), string(record.get("content"))
        if kind == "session_start":
            if log.messages:
                raise Damaged(f"line {number}: a second session starts")
            log = replace(log, agent=string(record.get("agent_name")), time=moment(record.get("timestamp")))
        elif kind == "message":
            log.messages.append((string(record.get("role")).lower(), text, moment(record.get("timestamp"))))
        elif kind == "result":
            log = replace(log, result=(record.get("success") is True, string(record.get("error"))))
    return log


def _steps(log: _Log) -> tuple[Step, ...]:
    """Make steps, in which an observation is the answer to the action before it."""
    steps: list[Step] = []
    for role, text, time in log.messages:
        origin = _ROLES.get(role, Origin.USER)
        seen = _observed(text) if origin is Origin.USER else None
        if origin is Origin.AGENT:
            steps.append(replace(_acted(text), time=time))
        elif seen is None:
            steps.append(Step(origin, text, time=time))
        elif steps and steps[-1].calls:
            call = steps[-1].calls[0]
            steps[-1] = replace(steps[-1], calls=(replace(call, observation=_observation(call.name, seen)),))
        else:  # an answer of the harness itself: the message held no action that it could read
            steps.append(Step(Origin.TOOL, seen, time=time))
    if steps and log.time and not steps[0].time:
        steps[0] = replace(steps[0], time=log.time)
    return tuple(steps)


def _observed(text: str) -> str | None:
    """Give what an observation holds, without its fence; None for a message of the user's own."""
    if opened := _FENCE.match(text):
        return text[opened.end() :].removesuffix(opened[1]).removesuffix("\n")
    return text.removeprefix("Observation:").removeprefix(" ") if text.startswith("Observation:") else None


def _observation(tool: str, text: str) -> Observation:
    """Read the exit code, which the tool `bash` writes at the end where it is not 0."""
    if found := _EXIT.search(text, max(0, len(text) - 32)):
        return Observation(text, int(found[1]))
    is_error = text.startswith("[ERROR] ")
    is_whole = tool == "bash" and not is_error and "truncated" not in text
    return Observation(text, 0 if is_whole else None, is_error)


def _acted(text: str) -> Step:
    """Read what the agent said: its thought, its text and the one action that it took."""
    hidden = _THOUGHT.match(text) if "</think>" in text else None
    thought, said = (hidden[1].strip(), text[hidden.end() :]) if hidden else ("", text)
    if not (action := _ACTION.search(said)):
        return Step(Origin.AGENT, _DONE.sub("", said).strip(), thought)
    value, end = _json(said, action.end())
    name = string(mapping(value).get("name"))
    if not name and (found := _TOOL_NAME.search(said, action.end())):
        name = found[1]
    if not name:
        return Step(Origin.AGENT, said.strip(), thought)
    rest = said[: action.start()].rstrip() + re.sub(r"\A\s*```", "", said[end:])
    return Step(Origin.AGENT, rest.strip(), thought, (Call(name, mapping(value).get("arguments")),))


def _json(text: str, at: int) -> tuple[Any, int]:
    """Read the JSON that starts there; one that a model wrote badly is the argument as it stands."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return {"arguments": text[at:]}, len(text)
    return ({"arguments": text[at:]}, len(text)) if is_deep(value) else (value, end)


def _request(steps: Iterable[Step]) -> str:
    """Take the instruction out of the task; a task of another shape is the request as it is."""
    task = next((step.text for step in steps if step.origin is Origin.USER), "").removeprefix("Task: ")
    _, opened, rest = task.partition("### instruction\n")
    instruction, closed, _ = rest.partition("\n\n### ")
    return instruction.strip() if opened and closed else task


def _named(source: Source, agent: str) -> tuple[str, bool | None]:
    """Read the instance and the label from the file's name."""
    stem, mark = source.path.stem, None
    for suffix, good in _MARKS:
        if stem.endswith(suffix):
            stem, mark = stem.removesuffix(suffix), good
    if stem == "agent_log":  # a copy for the error analysis, in a folder with the instance's name
        return source.path.parent.name.partition("_seed_")[0], mark
    instance = stem.removeprefix(f"{agent}_") if agent and stem.startswith(f"{agent}_") else stem.rpartition("_")[2]
    return "" if _TIMESTAMP.fullmatch(instance) or instance == agent else instance, mark


def _outcome(trace: Trace, mark: bool | None, found: Graded | None) -> Outcome:
    outcome = found.outcome if found else Outcome()
    if mark is not None:
        named = Outcome.judged(mark, "file name")
        if outcome.status in {Status.SUCCESS, Status.FAILURE} and outcome.status is not named.status:
            return Outcome(note=f"the file's name says {named.status}, {outcome.source} says {outcome.status}")
        outcome = outcome if outcome.status is named.status else named
    if not trace.actions and outcome.status is not Status.SUCCESS:
        return Outcome.broken(trace.error or NO_STEP, "error" if trace.error else "messages", reward=outcome.reward)
    return settled(outcome, trace.error)
