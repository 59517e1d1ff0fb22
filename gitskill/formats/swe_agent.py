"""SWE-agent trajectories (0.x and 1.x): one JSON document for each issue, `<instance>.traj`.

Upstream: SWE-agent/SWE-agent, `trajectories/<user>/<run>/<instance>/<instance>.traj`.
The label is not in the file but in the grader's reports (swe_reports.py):
`submitted` says only that there is a patch. The trap: each step repeats the
whole conversation before it (`query`, `messages`), and the words of its last
step may be the harness's own: `Exit due to cost limit`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gitskill.formats.conversation import thought_of
from gitskill.formats.inner import swe_reports
from gitskill.formats.loose import count, items, mapping, mappings, number, string, text, unpacked
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.trace import Artifact, Call, Observation, Origin, Step, Trace, Usage

NAME = "swe-agent"

_SUFFIX = re.compile(r"(\.traj(ectory)?)?(\.json)?$")
_SETTINGS = re.compile(r"__t-\d.*__p-\d.*__c-\d")
"""In the name of a run's folder: `<model>__<data set>__<config>__t-0.00__p-0.95__c-3.00__install-1` in 0.x."""
_EXIT = re.compile(r"Exit(ing)? due to ")
_BROKEN = re.compile(r"exit_api|exit_environment_error|exit_error")
"""Ends of a run that are not the agent's: those of its budget, its context and its commands are."""


def recognise(source: Source) -> bool:
    """Look for steps with an action and an observation, beside the conversation or what is said of the run."""
    whole = {} if source.is_lines else mapping(source.document)
    attempts = mappings(whole.get("attempts"))
    return _is_run(whole) or bool(attempts and _is_run(attempts[0]))


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the one run in the file; of several attempts the one that was chosen, or else the last."""
    whole = mapping(source.document)
    attempts = mappings(whole.get("attempts"))
    run = whole if isinstance(whole.get("trajectory"), list) or not attempts else {**attempts[-1], **whole}
    if not isinstance(run.get("trajectory"), list):
        yield Refused("no list `trajectory`")
        return
    settings = mapping(unpacked(run.get("replay_config")))
    trace = _trace(run, settings, source)
    if len(attempts) > 1:
        trace = replace(trace, notes=(f"one of {len(attempts)} attempts",))
    status = string(mapping(run.get("info")).get("exit_status"))
    broken = trace.error or ("" if trace.actions else f"no step taken by the agent: {status}".removesuffix(": "))
    yield Reading(trace, swe_reports.outcome(source, trace.task, broken, "info.exit_status"))


def _is_run(run: dict[str, Any]) -> bool:
    steps = run.get("trajectory")
    if not isinstance(steps, list):
        return False
    info = mapping(run.get("info"))
    if not steps:
        return bool({"exit_status", "model_stats", "swe_agent_version"} & info.keys())
    first = mapping(steps[0])
    return {"action", "observation"} <= first.keys() and bool({"response", "thought", "state"} & first.keys())


def _trace(run: dict[str, Any], settings: dict[str, Any], source: Source) -> Trace:
    info = mapping(run.get("info"))
    steps = mappings(run["trajectory"])
    history = [item for item in _history(run, steps) if not _is_demonstration(item)]
    taken = list(_taken(steps, history))
    opening = list(_opening(history))
    submission = string(info.get("submission"))
    return Trace(
        format=NAME,
        task=_task(source, settings),
        request=next((step.text for step in opening if step.origin is Origin.USER), ""),
        steps=(*opening, *taken),
        agent=f"swe-agent {string(info.get('swe_agent_version'))}".strip(),
        model=_model(settings, source),
        result=submission or _last_word(taken),
        artifacts=(Artifact("patch.diff", submission),) if submission else (),
        usage=_usage(mapping(info.get("model_stats"))),
        error=_error(string(info.get("exit_status")), taken),
    )


def _task(source: Source, settings: dict[str, Any]) -> str:
    """Name the instance, as the file is named; a copy with another name tells it by its settings."""
    stem = _SUFFIX.sub("", source.path.name)
    told = string(mapping(settings.get("problem_statement")).get("id"))
    return stem if source.path.suffix == ".traj" else told or stem


def _model(settings: dict[str, Any], source: Source) -> str:
    agent = mapping(settings.get("agent"))
    agents = [agent, *mappings(agent.get("agent_configs"))]
    told = next((name for one in agents if (name := string(mapping(one.get("model")).get("name")))), "")
    runs = (parent.name for parent in list(source.path.parents)[:2])
    return told or next((run.split("__")[0] for run in runs if _SETTINGS.search(run)), "")


def _usage(stats: dict[str, Any]) -> Usage:
    return Usage(
        input=count(stats.get("tokens_sent")),
        output=count(stats.get("tokens_received")),
        cost=number(stats.get("instance_cost")),
    )


def _error(status: str, taken: list[Step]) -> str:
    """Tell what broke outside the agent, in the harness's words where the last step has them."""
    if not _BROKEN.search(status):
        return ""
    words = next((step.text for step in reversed(taken) if step.origin is Origin.SYSTEM), "")
    return f"{status}: {words}" if words else status


def _last_word(taken: list[Step]) -> str:
    return next(
        (word for step in reversed(taken) if step.origin is Origin.AGENT and (word := step.text or step.thought)), ""
    )


def _history(run: dict[str, Any], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the conversation; where it was not saved, what the first step was asked with."""
    first = steps[0] if steps else {}
    return mappings(run.get("history")) or mappings(first.get("messages")) or mappings(first.get("query"))


def _is_demonstration(item: dict[str, Any]) -> bool:
    return item.get("is_demo") is True or item.get("message_type") == "demonstration" or item.get("agent") == "demo"


def _opening(history: list[dict[str, Any]]) -> Iterator[Step]:
    """Give what was said before the agent's first turn."""
    for item in history:
        role = string(item.get("role"))
        if role not in {"system", "user"}:
            return
        yield Step(Origin.SYSTEM if role == "system" else Origin.USER, text(item.get("content")))


def _taken(steps: list[dict[str, Any]], history: list[dict[str, Any]]) -> Iterator[Step]:
    """Give the steps. One that was refused and asked for again stands in the trajectory alone, not in the history."""
    turns = [item for item in history if item.get("role") == "assistant"]
    at = 0
    for step in steps:
        turn = turns[at] if at < len(turns) and _is_turn(turns[at], step) else {}
        at += bool(turn)
        yield _step(step, turn)


def _is_turn(item: dict[str, Any], step: dict[str, Any]) -> bool:
    said = item.get("content") == step.get("response")
    return said and ("action" not in item or item.get("action") == step.get("action"))


def _step(step: dict[str, Any], turn: dict[str, Any]) -> Step:
    action, thought, response = (text(step.get(key)) for key in ("action", "thought", "response"))
    if _EXIT.match(thought or response) and (not action.strip() or action.startswith("exit_")):
        return Step(Origin.SYSTEM, thought or response)
    if not action.strip():
        return Step(Origin.AGENT, response or thought)
    calls = _calls(turn) or [Call("bash", {"command": action})]
    calls[-1] = replace(calls[-1], observation=Observation(text(step.get("observation"))))
    if reasoning := thought_of(turn):
        return Step(Origin.AGENT, thought, reasoning, tuple(calls))
    return Step(Origin.AGENT, thought=thought, calls=tuple(calls))


def _calls(turn: dict[str, Any]) -> list[Call]:
    functions = [mapping(mapping(told).get("function")) for told in items(turn.get("tool_calls"))]
    named = [(string(function.get("name")), unpacked(function.get("arguments"))) for function in functions]
    return [Call(name, arguments) for name, arguments in named if name]
