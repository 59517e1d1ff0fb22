"""tau2-bench: one JSON document of tasks and simulations, or `results.json` beside `simulations/<id>.json`.

Upstream: sierra-research/tau2-bench, `data/simulations/`. The label is
`reward_info.reward`. The traps: a simulation that broke has a reward of 0 too,
and `termination_reason` tells; users call tools as well as agents; and in some
published files `task_id` names another task of the list than the one that was
run, which shows in the actions that were checked. The right actions lie in
`tasks[].evaluation_criteria` and `reward_info`: they are compared, never given.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from gitskill.formats.conversation import Conversation, thought_of
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import count, mapping, mappings, moment, number, string, text, written
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import Call, Observation, Origin, Step, Trace, Usage

NAME = "tau2-bench"

_ENDED = {"user_stop", "agent_stop", ""}
_OUTSIDE = {"infrastructure_error", "user_error", "unexpected_error", "context_window_exceeded"}
"""No fault of the agent's, or none that the benchmark itself counts: a reward of 0 is only a default here."""
_UNGRADED = {"too_many_errors", "agent_error", "timeout"}
"""The agent's failure where there is a reward; without one the run just broke."""
_ORIGINS = {"assistant": Origin.AGENT, "system": Origin.SYSTEM}
_TOLD = {
    "reason_for_call": "Reason for call",
    "known_info": "Known info",
    "unknown_info": "Unknown info",
    "task_instructions": "Task instructions",
}


@dataclass(frozen=True, slots=True)
class _Batch:
    """What simulations that were run together share."""

    info: dict[str, Any]
    tasks: dict[str, dict[str, Any]]
    fits: bool = True
    """No simulation was checked against other actions than those of its task."""


def recognise(source: Source) -> bool:
    """Look for tasks beside the settings of agent and environment, or for one simulation."""
    if source.is_lines or not isinstance(source.document, dict):
        return False
    return _is_run(source.document) or _is_batch(source.document)


def _is_run(document: dict[str, Any]) -> bool:
    return {"task_id", "termination_reason"} <= document.keys() and bool({"messages", "ticks"} & document.keys())


def _is_batch(document: dict[str, Any]) -> bool:
    return (
        isinstance(document.get("tasks"), list)
        and {"agent_info", "environment_info"} <= mapping(document.get("info")).keys()
    )


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each simulation, wherever it lies."""
    document = mapping(source.document)
    if _is_run(document):
        found = mapping(source.beside("../results.json"))
        parts = (source.path.parent.parent / "results.json",) if _is_batch(found) else ()
        yield _read(document, _batch(found), "", parts)
    elif isinstance(document.get("simulations"), list):
        batch = _batch(document)
        for which, run in enumerate(document["simulations"]):
            yield _read(run, batch, f"[{which}]", ())
    else:
        yield from _apart(source.path.parent / "simulations", _batch(document))


def _apart(folder: Path, batch: _Batch) -> Iterator[Reading | Refused]:
    """Read the simulations that lie in files of their own."""
    if folder.is_symlink():
        raise Damaged("the folder `simulations` is a symbolic link")
    for path in sorted(folder.glob("*.json")):
        place = f"simulations/{path.name}"
        try:
            run = Source(path).document
        except Damaged as error:
            yield Refused(str(error), place, (path,))
        else:
            yield _read(run, batch, place, (path,))


def _batch(document: dict[str, Any]) -> _Batch:
    tasks = {string(task.get("id")): task for task in mappings(document.get("tasks"))}
    runs = mappings(document.get("simulations"))
    fits = all(_fits(run, tasks.get(string(run.get("task_id")), {})) is not False for run in runs)
    return _Batch(mapping(document.get("info")), tasks, fits)


def _fits(run: dict[str, Any], task: dict[str, Any]) -> bool | None:
    """Tell whether the actions that were checked are those of the task; None where none were checked."""
    checks = mappings(mapping(run.get("reward_info")).get("action_checks"))
    checked = {_action(mapping(check.get("action"))) for check in checks}
    right = {_action(action) for action in mappings(mapping(task.get("evaluation_criteria")).get("actions"))}
    return checked <= right if checked else None


def _action(action: dict[str, Any]) -> str:
    return json.dumps([action.get("name"), action.get("arguments")], sort_keys=True)


def _read(item: Any, batch: _Batch, place: str, parts: tuple[Path, ...]) -> Reading | Refused:
    run = mapping(item)
    if not isinstance(run.get("messages"), list) and not isinstance(run.get("ticks"), list):
        return Refused("neither `messages` nor `ticks` in this simulation", place, parts)
    return Reading(_trace(run, batch), _outcome(run), place, parts)


def _trace(run: dict[str, Any], batch: _Batch) -> Trace:
    steps = tuple(_steps(run))
    environment, agent = mapping(batch.info.get("environment_info")), mapping(batch.info.get("agent_info"))
    domain, task, reason = (string(environment.get("domain_name")), string(run.get("task_id")), _reason(run))
    request, notes = _request(run, batch, steps)
    if policy := string(run.get("policy")) or string(environment.get("policy")):
        steps = (Step(Origin.SYSTEM, policy), *steps)
    return Trace(
        format=NAME,
        task=f"tau2-{domain}-{task}" if domain and task else "",
        request=request,
        steps=steps,
        agent=f"{NAME} {string(agent.get('implementation'))}".strip(),
        model=string(agent.get("llm")),
        session=string(run.get("id")),
        result=next((step.text for step in reversed(steps) if step.origin is Origin.AGENT and step.text), ""),
        usage=_total(steps, number(run.get("agent_cost"))),
        error=_broke(run) if reason in _OUTSIDE else "",
        notes=(*notes, *([] if reason in _ENDED else [f"ended by {reason}"])),
    )


def _request(run: dict[str, Any], batch: _Batch, steps: tuple[Step, ...]) -> tuple[str, tuple[str, ...]]:
    """Give what the user was told to ask for, if it is sure which task this was; else the user's first words."""
    task = batch.tasks.get(string(run.get("task_id")), {})
    first = next((step.text for step in steps if step.origin is Origin.USER), "")
    fits = _fits(run, task)
    if task and not (batch.fits if fits is None else fits):
        return first, ("its task_id names another task of the list than the one that was run",)
    if "solo" in string(mapping(batch.info.get("agent_info")).get("implementation")) and task.get("ticket"):
        return text(task["ticket"]), ()
    told = mapping(task.get("user_scenario")).get("instructions")
    if isinstance(told, dict):
        told = "\n".join(f"{label}: {text(told[key])}" for key, label in _TOLD.items() if told.get(key))
    return text(told) or text(task.get("ticket")) or first, ()


def _reason(run: dict[str, Any]) -> str:
    return string(run.get("termination_reason"))


def _broke(run: dict[str, Any]) -> str:
    """Say what broke outside the agent: the run, or the grading of it."""
    told, reason = mapping(run.get("reward_info")), _reason(run)
    if reason in _OUTSIDE or (reason in _UNGRADED and number(told.get("reward")) is None):
        return ": ".join(filter(None, (reason, text(mapping(run.get("info")).get("error")))))
    error = text(mapping(told.get("info")).get("error"))
    return f"the grading broke: {error}" if error else ""


def _outcome(run: dict[str, Any]) -> Outcome:
    reward = number(mapping(run.get("reward_info")).get("reward"))
    scored = Outcome() if reward is None else Outcome.scored(reward, "reward_info.reward")
    broke = _broke(run)
    if not broke or scored.status is Status.SUCCESS:
        return scored
    return Outcome.broken(broke, "termination_reason" if _reason(run) not in _ENDED else "reward_info", reward=reward)


def _steps(run: dict[str, Any]) -> tuple[Step, ...]:
    conversation = Conversation()
    for message in _messages(run):
        if message.get("role") == "tool":
            for answer in mappings(message.get("tool_messages")) or [message]:
                observation = Observation(text(answer.get("content")), is_error=answer.get("error") is True)
                conversation.answer(_key(answer.get("requestor"), answer), observation)
        else:
            _add(conversation, message)
    return conversation.steps


def _key(requestor: Any, told: dict[str, Any]) -> str:
    """Name a call: the user's and the agent's may have the same id."""
    return f"{string(requestor) or 'assistant'} {string(told.get('id'))}"


def _add(conversation: Conversation, message: dict[str, Any]) -> None:
    """Add a turn. A user's calls are told in its text: they are nothing that the agent did."""
    origin, said = _ORIGINS.get(string(message.get("role")), Origin.USER), _words(message)
    calls = mappings(message.get("tool_calls"))
    if origin is not Origin.AGENT:
        called = [f"[calls {string(call.get('name'))} {written(call.get('arguments'))}]" for call in calls]
        conversation.add(Step(origin, "\n".join(filter(None, (said, *called))), time=moment(message.get("timestamp"))))
        return
    step = Step(
        origin,
        said,
        _thought(message),
        tuple(Call(string(call.get("name")), call.get("arguments")) for call in calls),
        _usage(message),
        moment(message.get("timestamp")),
    )
    conversation.add(step, [_key("assistant", call) for call in calls])


def _words(message: dict[str, Any]) -> str:
    """Give what was said; where the content is sound, the words that it was made from."""
    return string(message.get("audio_script_gold")) if message.get("is_audio") is True else text(message.get("content"))


def _thought(message: dict[str, Any]) -> str:
    """Look for the model's reasoning in the message, and in the server's answer that it was made from."""
    raw = mapping(message.get("raw_data"))
    choice = next(iter(mappings(raw.get("choices"))), raw)
    return thought_of(message) or thought_of(mapping(choice.get("message")) or choice)


def _usage(message: dict[str, Any]) -> Usage:
    told = mapping(message.get("usage"))
    details = mapping(mapping(mapping(message.get("raw_data")).get("usage")).get("prompt_tokens_details"))
    return Usage(
        count(told.get("prompt_tokens")),
        count(told.get("completion_tokens")),
        count(details.get("cached_tokens")),
        number(message.get("cost")),
    )


def _total(steps: tuple[Step, ...], cost: float | None) -> Usage:
    """Add up what the agent used; the user's model is not the agent's."""
    found = summed(step.usage for step in steps)
    return found if cost is None else replace(found, cost=cost)


def _messages(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the messages; of a run that was spoken, whole turns instead of the pieces of each tick."""
    ticks = mappings(run.get("ticks"))
    pieces = mappings(run.get("messages")) or [piece for tick in ticks for piece in _pieces(tick)]
    if not ticks:
        yield from pieces
        return
    heard = [piece for piece in pieces if not _is_speech(piece) or _words(piece)]
    turns = groupby(enumerate(heard), lambda item: string(item[1].get("role")) if _is_speech(item[1]) else item[0])
    for _, turn in turns:
        group = [piece for _, piece in turn]
        if len(group) == 1:
            yield group[0]
        else:
            yield {**group[0], "is_audio": False, "content": "".join(map(_words, group))}


def _is_speech(piece: dict[str, Any]) -> bool:
    return piece.get("role") != "tool" and not piece.get("tool_calls")


def _pieces(tick: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for who, role in (("agent", "assistant"), ("user", "user")):
        chunk = mapping(tick.get(f"{who}_chunk"))
        yield {**chunk, "role": role, "tool_calls": tick.get(f"{who}_tool_calls")}
        for answer in mappings(tick.get(f"{who}_tool_results")):
            yield {**answer, "role": "tool", "requestor": role}
