"""tau-bench: a JSON list of runs, several trials of each task, with the reward inside.

Upstream: sierra-research/tau-bench, `historical_trajectories/*.json` and what its
`run.py` writes to `results/`. The label is `reward`; the model is in the file's
name only. The trap: a run that broke has a reward of 0 too, beside `info.error`.
The right actions lie in `info.task` and `info.reward_info`, which are not read.
"""

import re
from collections.abc import Iterator
from typing import Any

from gitskill.formats.conversation import converse
from gitskill.formats.loose import items, mapping, mappings, number, string, text, unpacked
from gitskill.formats.reading import Reading, Refused, per_row
from gitskill.formats.source import Source
from gitskill.outcome import Outcome
from gitskill.trace import Origin, Trace

NAME = "tau-bench"

_POLICY = re.compile(r"\W*(\w+) agent policy", re.IGNORECASE)
_DOMAIN = re.compile(r"(?<![a-z])(airline|retail|telecom)(?![a-z])", re.IGNORECASE)
_FAMILY = r"(?:gpt|o[134]|claude|sonnet|opus|haiku|gemini|gemma|llama|mi[sx]tral|qwen|deepseek|grok|kimi|glm|phi)"
_WRITTEN = re.compile(r"(?:\w+-)?(?:tool-calling|react|act|few-shot)-(.+)-\d+(?:\.\d+)?_range_")
"""How `run.py` names its files: strategy, model, temperature, range of tasks."""
_PUBLISHED = re.compile(rf"({_FAMILY}\b.*)-(?:airline|retail|telecom)", re.IGNORECASE)
_RETURNED = "API output: "
"""What stands before an answer that the ReAct and Act agents get as a user's turn."""
_FAILED = ("Error: ", "Unknown action ")


def recognise(source: Source) -> bool:
    """Look for a task, a reward and a `traj` in the first run."""
    first = mapping(source.opening[0]) if source.opening else {}
    return {"task_id", "reward", "info", "traj"} <= first.keys()


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each item."""
    return per_row(source, lambda run, place: _run(mapping(run), place, source.path.stem))


def _run(run: dict[str, Any], place: str, stem: str) -> Reading | Refused:
    if not isinstance(run.get("traj"), list):
        return Refused("no list `traj` in this run", place)
    return Reading(_trace(run, stem), _outcome(run), place)


def _trace(run: dict[str, Any], stem: str) -> Trace:
    steps = converse(_called(items(run["traj"]))).steps
    task = string(run.get("task_id"))
    return Trace(
        format=NAME,
        task=f"{_domain(run, stem)}-{task}" if task else "",
        request=string(mapping(mapping(run.get("info")).get("task")).get("instruction")),
        steps=steps,
        agent=NAME,
        model=_model(stem),
        session=f"{stem}-{task}-{string(run.get('trial'))}",
        result=next((step.text for step in reversed(steps) if step.origin is Origin.AGENT and step.text), ""),
        error=_error(run),
    )


def _domain(run: dict[str, Any], stem: str) -> str:
    """Name the domain by the policy that the agent was given, else by the file's name."""
    first = next(iter(mappings(run["traj"])), {})
    policy = _POLICY.match(text(first.get("content"))) if first.get("role") == "system" else None
    named = policy or _DOMAIN.search(stem)
    return named[1].lower() if named else "tau"


def _model(stem: str) -> str:
    """Read the model in a name as the harness or its authors write it; other names may hold anything."""
    named = _WRITTEN.match(stem) or _PUBLISHED.fullmatch(stem)
    return _DOMAIN.sub("", named[1]).strip("-") if named else ""


def _error(run: dict[str, Any]) -> str:
    """Say what broke the run. Some exceptions have no message of their own: then the traceback's last line."""
    info = mapping(run.get("info"))
    if info.get("error") is None:
        return ""
    trail = text(info.get("traceback")).strip()
    return text(info["error"]) or trail.rpartition("\n")[2] or "an error without a message"


def _outcome(run: dict[str, Any]) -> Outcome:
    """Read the reward. With an error beside it the run broke, and its reward of 0 says nothing."""
    reward = number(run.get("reward"))
    if error := _error(run):
        return Outcome.broken(error, "info.error", reward=reward)
    return Outcome() if reward is None else Outcome.scored(reward, "reward")


def _called(messages: list[Any]) -> Iterator[dict[str, Any]]:
    """Give the messages as a model that calls tools would write them: the ReAct and Act agents write text."""
    waiting = ""
    for place, message in enumerate(mappings(messages)):
        role, content = string(message.get("role")), text(message.get("content"))
        if role == "tool":
            yield message | {"is_error": content.startswith(_FAILED)}
        elif role == "user" and waiting and content.startswith(_RETURNED):
            found = content.removeprefix(_RETURNED)
            yield {"role": "tool", "tool_call_id": waiting, "content": found, "is_error": found.startswith(_FAILED)}
        elif role == "assistant" and not message.get("tool_calls") and (acted := _acted(content, str(place))):
            yield acted
        else:
            yield message
        waiting = str(place) if role == "assistant" else ""


def _acted(content: str, key: str) -> dict[str, Any]:
    """Read an action that was written as text; empty where there is none."""
    before, _, written = content.rpartition("Action:")
    action = mapping(unpacked(written.strip())) if before or written != content else {}
    if not isinstance(action.get("name"), str) or "arguments" not in action:
        return {}
    message = {"role": "assistant", "reasoning": before.strip().removeprefix("Thought:").strip()}
    if action["name"] == "respond":
        return message | {"content": text(mapping(action["arguments"]).get("content"))}
    return message | {"tool_calls": [{"id": key, "function": action}]}
