"""mini-swe-agent trajectories: one JSON document for each run, `<instance>.traj.json`.

Upstream: SWE-agent/mini-swe-agent. v0 is a bare list of messages; v1
(`mini-swe-agent-1`) has commands in the text, as a fenced block, and answers as
user messages; v2 (`mini-swe-agent-1.1`) keeps commands, exit codes and outputs
in `extra`, for models with and without tool calls. The label is not in the file
but in the grader's reports (swe_reports.py). The trap: what v1 calls the
submission of a run that broke is the text of the exception.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from gitskill.formats.inner import swe_reports
from gitskill.formats.inner.mini_messages import steps_of
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import mapping, mappings, number, string, text
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.trace import Artifact, Origin, Step, Trace, Usage

NAME = "mini-swe-agent"

_ANSWERED = re.compile(r"\s*(<exception>.*?</exception>\s*)?<returncode>", re.DOTALL)
_LOOKED_AT = 40
_TASK = re.compile(r"{{-?\s*task\s*-?}}")

_EXCEPTION = re.compile(r"(Error|Exception|Expired|Timeout|Interrupt|Exit)$")
_OWN = {
    "RepeatedFormatError",
    "FormatError",
    "ContextWindowExceededError",
    "ExecutionTimeoutError",
    "OutputLengthError",
}
"""Ends that are named like exceptions, and are the agent's own."""
_TOO_LONG = re.compile(r"context.{0,10}(window|length)", re.IGNORECASE)


def recognise(source: Source) -> bool:
    """Look for the format's name, or for the messages with what v1 says of the run; in v0 for a command's answer."""
    if source.is_lines:
        return False
    whole = source.document
    if isinstance(whole, list):
        return _is_bare(mappings(whole[:_LOOKED_AT]))
    run = mapping(whole)
    info = mapping(run.get("info"))
    if not isinstance(run.get("messages"), list):
        return False
    named = string(run.get("trajectory_format")).startswith("mini-swe-agent")
    return named or "mini_version" in info or {"exit_status", "submission", "model_stats"} <= info.keys()


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the one run in the file."""
    whole = source.document
    run = mapping(whole) if not isinstance(whole, list) else {"messages": whole}
    messages = mappings(run.get("messages"))
    info = mapping(run.get("info"))
    if not isinstance(run.get("messages"), list):
        yield Refused("no list `messages`")
        return
    status = _status(info, messages)
    trace = _trace(run, messages, status, source)
    broken = trace.error or ("" if trace.actions else f"no step taken by the agent: {status}".removesuffix(": "))
    yield Reading(trace, swe_reports.outcome(source, trace.task, broken, "info.exit_status"))


def _is_bare(messages: list[dict[str, Any]]) -> bool:
    """Tell v0 from other lists of messages: the agent is answered with an exit code, by a user."""
    return any(_is_answered(asked, told) for asked, told in pairwise(messages))


def _is_answered(asked: dict[str, Any], told: dict[str, Any]) -> bool:
    if (asked.get("role"), told.get("role")) != ("assistant", "user") or not isinstance(told.get("content"), str):
        return False
    return "```bash" in text(asked.get("content")) and bool(_ANSWERED.match(told["content"]))


def _status(info: dict[str, Any], messages: list[dict[str, Any]]) -> str:
    last = mapping(messages[-1].get("extra")) if messages else {}
    return string(info.get("exit_status")) or string(last.get("exit_status"))


def _trace(run: dict[str, Any], messages: list[dict[str, Any]], status: str, source: Source) -> Trace:
    info = mapping(run.get("info"))
    config = mapping(info.get("config"))
    steps = steps_of(messages)
    broken = _is_broken(status, _exception(info, messages))
    submission = "" if broken else string(info.get("submission"))
    asked = next((step.text for step in steps if step.origin is Origin.USER), "")
    return Trace(
        format=NAME,
        task=_task(run, source),
        request=_request(asked, string(mapping(config.get("agent")).get("instance_template"))),
        steps=steps,
        agent=f"mini-swe-agent {string(info.get('mini_version'))}".strip(),
        model=string(mapping(config.get("model")).get("model_name")),
        result=submission or next((step.text for step in reversed(steps) if step.origin is Origin.AGENT), ""),
        artifacts=tuple(_artifacts(submission)),
        usage=_usage(steps, info),
        error=f"{status}: {_exception(info, messages)}".removesuffix(": ") if broken else "",
        notes=() if status or not info else ("the run has no end: it was stopped, or goes on",),
    )


def _task(run: dict[str, Any], source: Source) -> str:
    """Name the instance. The oldest logs of a benchmark tell it by their folder alone."""
    stem = source.path.name.removesuffix(".json").removesuffix(".traj")
    return string(run.get("instance_id")) or (stem if stem == source.path.parent.name else "")


def _request(asked: str, template: str) -> str:
    """Take the task out of the message that it was put into; where that cannot be done, give it whole."""
    before, _, after = _TASK.sub("\0", template, count=1).partition("\0")
    head = re.split(r"}}|%}", before)[-1]
    tail = re.split(r"{{|{%", after)[0].rstrip()[:200]
    start = asked.find(head)
    end = asked.find(tail, start + len(head)) if tail else len(asked)
    return asked[start + len(head) : end].strip() if before != template and 0 <= start < end else asked


def _exception(info: dict[str, Any], messages: list[dict[str, Any]]) -> str:
    """Give the words of the exception that ended a run: v1 keeps them as the submission."""
    last = mapping(messages[-1].get("extra")) if messages else {}
    told = string(info.get("exception_str")) or string(last.get("exception_str"))
    return told or string(info.get("submission")).strip()


def _is_broken(status: str, exception: str) -> bool:
    """Tell the end of the server, the container or the harness from those that are the agent's: limits, its context."""
    own = status in _OWN or bool(_TOO_LONG.search(exception[:500]))
    return bool(_EXCEPTION.search(status)) and not own


def _artifacts(submission: str) -> Iterator[Artifact]:
    if submission.strip():
        is_patch = submission.lstrip().startswith(("diff --git ", "--- "))
        yield Artifact("patch.diff" if is_patch else "submission.txt", submission)


def _usage(steps: tuple[Step, ...], info: dict[str, Any]) -> Usage:
    total = summed(step.usage for step in steps)
    cost = number(mapping(info.get("model_stats")).get("instance_cost"))
    return total if cost is None else replace(total, cost=cost)
