"""Harbor: the folder of one trial, known by its `result.json`.

Upstream: harbor-framework/harbor, `jobs/<job>/<trial>/{result.json, agent/,
verifier/}`. What the agent did is read from the best log in `agent/`; the label
is `verifier_result.rewards`. The trap: a reward says nothing where the trial
broke outside the agent (`exception_info`), and a job has a `result.json` too.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from gitskill.formats.inner.folder import present, tail, within
from gitskill.formats.inner.harbor_logs import best_log
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import count, mapping, mappings, number, string
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import UNKNOWN, Artifact, Trace, Usage

NAME = "harbor"

_TELLING = {"verifier_result", "exception_info", "agent_info", "agent_result", "step_results"}
_OWN = {
    "AgentTimeoutError",
    "ContextWindowExceededError",
    "ContextLengthExceededError",
    "OutputTokenExceededError",
    "OutputLengthExceededError",
    "AgentSafetyRefusalError",
    "ContentPolicyViolationError",
}
"""Exceptions that are the agent's, as Harbor itself sees it: its reward counts. After all others it does not."""
NO_LOG = "no log of the agent in this trial"

_BESIDE = ("agent", "verifier", "steps", "artifacts", "config.json", "trial.log", "job.log", "exception.txt")


def recognise(source: Source) -> bool:
    """Look for the names of a task and a trial, and for what came of it."""
    whole = {} if source.is_lines else mapping(source.document)
    named = isinstance(whole.get("task_name"), str) and isinstance(whole.get("trial_name"), str)
    return named and bool(_TELLING & whole.keys())


def is_job(document: Any) -> bool:
    """Tell the result of a whole job, which sums up its trials and is no run; and the settings beside it."""
    whole = mapping(document)
    if "task_name" in whole:
        return False
    return {"stats", "n_total_trials"} <= whole.keys() or {"job_name", "jobs_dir", "agents"} <= whole.keys()


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the one trial, with what Harbor writes beside its result."""
    result = mapping(source.document)
    folder = source.path.parent
    parts = present(folder, _BESIDE)
    told = [found for place in _places(folder, result) if (found := best_log(place))]
    outcome = _outcome(result, told)
    if not told and outcome.status is Status.SUCCESS:
        yield Refused(NO_LOG, parts=parts)
    else:
        yield Reading(_trace(result, told, folder), outcome, parts=parts)


def _places(folder: Path, result: dict[str, Any]) -> Iterator[Path]:
    """Give the folders with the agent's logs: one, or one for each step of the task."""
    names = [string(step.get("step_name")) for step in mappings(result.get("step_results"))]
    for place in (within(folder, "agent"), *(within(folder, f"steps/{name}/agent") for name in names)):
        if place and place.is_dir():
            yield place


def _trace(result: dict[str, Any], told: list[Reading], folder: Path) -> Trace:
    logs = [reading.trace for reading in told]
    first = logs[0] if logs else Trace(NAME, "", "", ())
    agent = mapping(result.get("agent_info"))
    version = string(agent.get("version"))
    named = f"{string(agent.get('name'))} {'' if version == 'unknown' else version}".strip()
    return replace(
        first,
        format=NAME,
        task=string(result.get("task_name")),
        steps=tuple(step for log in logs for step in log.steps),
        agent=named or first.agent,
        model=string(mapping(agent.get("model_info")).get("name")) or first.model,
        session=first.session or string(result.get("trial_name")),
        result=logs[-1].result if logs else "",
        artifacts=(*(artifact for log in logs for artifact in log.artifacts), *_checked(folder, result)),
        usage=_usage(result, logs),
        error="\n".join(_broken(result)) or first.error,
        notes=(*(note for log in logs for note in log.notes), *_ended(result)),
    )


def _usage(result: dict[str, Any], logs: list[Trace]) -> Usage:
    """Read what Harbor counted, in all steps of the task; else what the logs say."""
    steps = [mapping(step.get("agent_result")) for step in mappings(result.get("step_results"))]
    told = [mapping(result.get("agent_result"))] if mapping(result.get("agent_result")) else steps
    counted = summed(
        Usage(
            input=count(one.get("n_input_tokens")),
            output=count(one.get("n_output_tokens")),
            cached=count(one.get("n_cache_tokens")),
            cost=number(one.get("cost_usd")),
        )
        for one in told
    )
    return counted if counted != UNKNOWN else summed(log.usage for log in logs)


def _checked(folder: Path, result: dict[str, Any]) -> Iterator[Artifact]:
    """Give what the tests printed: which of them failed."""
    names = [string(step.get("step_name")) for step in mappings(result.get("step_results"))]
    for place in ("verifier", *(f"steps/{name}/verifier" for name in names)):
        for name in ("test-stdout.txt", "ctrf.json"):
            if text := tail(within(folder, f"{place}/{name}")):
                yield Artifact(name if place == "verifier" else f"{place}/{name}", text)


def _exceptions(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the type and the words of what was raised, in the trial or in a step of its task."""
    for one in (result, *mappings(result.get("step_results"))):
        raised = mapping(one.get("exception_info"))
        if kind := string(raised.get("exception_type")):
            yield kind, f"{kind}: {string(raised.get('exception_message'))}".removesuffix(": ")


def _broken(result: dict[str, Any]) -> list[str]:
    return [words for kind, words in _exceptions(result) if kind not in _OWN]


def _ended(result: dict[str, Any]) -> list[str]:
    return [words for kind, words in _exceptions(result) if kind in _OWN]


def _outcome(result: dict[str, Any], told: list[Reading]) -> Outcome:
    reward, source = _reward(result)
    scored = Outcome(source=source) if reward is None else Outcome.scored(reward, source)
    if scored.status is Status.SUCCESS:
        return scored
    if broken := _broken(result):
        return Outcome.broken(broken[0], "exception_info", reward=reward)
    if not told:
        return Outcome.broken(NO_LOG, "agent/", reward=reward)
    inner = next((found.outcome for found in told if found.outcome.status is Status.INFRA_ERROR), None)
    return Outcome.broken(inner.note, inner.source, reward=reward) if inner else scored


def _reward(result: dict[str, Any]) -> tuple[float | None, str]:
    """Give the key `reward`, as Harbor does, or else the lowest: a trial succeeds if all of its rewards do."""
    verified = mapping(result.get("verifier_result"))
    rewards = mapping(verified.get("rewards")) or {"reward": verified.get("reward")}
    known = {name: value for name, told in rewards.items() if (value := number(told)) is not None}
    if not known:
        return None, ""
    name = "reward" if "reward" in known else min(known, key=lambda key: known[key])
    return known[name], f"verifier_result.rewards {name}".removesuffix(" reward")
