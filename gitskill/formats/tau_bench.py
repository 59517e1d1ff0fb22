"""tau-bench: a JSON list of runs, several trials of each task, with the reward inside.

Upstream: sierra-research/tau-bench, `historical_trajectories/*.json`. The model
is in the file's name only.
"""

from collections.abc import Iterator
from typing import Any

from gitskill.formats.conversation import converse
from gitskill.formats.loose import items, mapping, number, string
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome
from gitskill.trace import Origin, Trace

NAME = "tau-bench"


def recognise(source: Source) -> bool:
    """Look for a task, a reward and a `traj` in the first run."""
    first = mapping(source.opening[0]) if source.opening else {}
    return {"task_id", "reward", "info", "traj"} <= first.keys()


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each item."""
    for number_, item in source.rows():
        place = f"[{number_ - 1}]"
        run = mapping(item)
        if not isinstance(run.get("traj"), list):
            yield Refused("no list `traj` in this run", place)
        else:
            yield Reading(_trace(run, source.path.stem), _outcome(run), place)


def _trace(run: dict[str, Any], stem: str) -> Trace:
    steps = converse(items(run["traj"])).steps
    task = mapping(mapping(run.get("info")).get("task"))
    return Trace(
        format=NAME,
        task=f"{stem}-{string(run.get('task_id'))}",
        request=string(task.get("instruction")),
        steps=steps,
        agent="tau-bench",
        session=f"{stem}-{string(run.get('task_id'))}-{string(run.get('trial'))}",
        result=next((step.text for step in reversed(steps) if step.origin is Origin.AGENT and step.text), ""),
        error=string(mapping(run.get("info")).get("error")),
    )


def _outcome(run: dict[str, Any]) -> Outcome:
    """Read the reward. With an error beside it the run broke, and its reward of 0 says nothing."""
    reward = number(run.get("reward"))
    if error := string(mapping(run.get("info")).get("error")):
        return Outcome.broken(error, "info.error", reward=reward)
    return Outcome() if reward is None else Outcome.scored(reward, "reward")
