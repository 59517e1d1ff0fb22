"""InterCode: one JSON object of episodes, a command with its reward at every turn.

Upstream: princeton-nlp/intercode, what `experiments/eval_*.py` write below
`data/results/`, for bash, SQL, Python and CTF tasks. The label is
`summary.max_reward`: 1 is solved, all below is not. The trap: `task_id` counts
anew in every data set, so a task is named by its data set too. What the right
command printed lies in `info`, which is not read.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import Any

from gitskill.formats.loose import items, mapping, number, string, text, written
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome
from gitskill.trace import Call, Observation, Origin, Step, Trace

NAME = "intercode"

_MODEL = re.compile(r"_multiturn_(.+)_\d+_turns")
_BLOCKED = "blocked"
"""What stands for an action where the model's server refused or failed; no answer follows it."""
_EXCEEDED = "EXCEEDED MAX TURNS: submit"
"""The thought beside an action that the harness took."""


def recognise(source: Source) -> bool:
    """Look for a query and a history of turns in the first episode."""
    episode = mapping(next(iter(_episodes(source.opening[0] if source.opening else None).values()), None))
    history = mapping(episode.get("turn_history"))
    return {"query", "turn_history"} <= episode.keys() and {"actions", "rewards"} <= history.keys()


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each episode."""
    for key, item in _episodes(source.document).items():
        episode = mapping(item)
        if not isinstance(mapping(episode.get("turn_history")).get("actions"), list):
            yield Refused("no list `actions` in the history of this episode", f"[{key}]")
        else:
            yield _reading(episode, source.path.stem, key)


def _episodes(document: Any) -> dict[str, Any]:
    """Give the episodes: the document itself, or in runs of plan & solve what stands beside `meta`."""
    found = mapping(document)
    return mapping(found["logs"]) if "logs" in found else found


def _reading(episode: dict[str, Any], stem: str, key: str) -> Reading:
    turns, note = _turns(mapping(episode["turn_history"]))
    tool = re.sub(r"^ic_|_task_\d+$", "", string(episode.get("environment"))) or "execute"
    steps = [_step(tool, turn) for turn in turns]
    commands = [call.arguments["command"] for step in steps for call in step.calls]
    named = _MODEL.search(stem)
    request = string(episode.get("query"))
    trace = Trace(
        format=NAME,
        task=_task(episode),
        request=request,
        steps=(Step(Origin.USER, request), *steps),
        agent=NAME,
        model=named[1] if named else "",
        session=f"{stem}-{key}",
        result=next((command for command in reversed(commands) if command != "submit"), ""),
        notes=(note,) if note else (),
    )
    return Reading(trace, _outcome(episode), f"[{key}]")


def _task(episode: dict[str, Any]) -> str:
    data = PurePosixPath(string(episode.get("dataset"))).stem
    named = [string(episode.get("environment")), data, string(episode.get("task_id"))]
    return "-".join(filter(None, named)) if named[2] else ""


def _outcome(episode: dict[str, Any]) -> Outcome:
    reward = number(mapping(episode.get("summary")).get("max_reward"))
    return Outcome() if reward is None else Outcome.scored(reward, "summary.max_reward")


def _turns(history: dict[str, Any]) -> tuple[list[tuple[Any, ...]], str]:
    """Give what belongs to each of the agent's actions; and a note if the last one was not the agent's own."""
    actions, answers = items(history["actions"]), items(history.get("observations"))
    thoughts = items(history.get("thoughts")) or items(history.get("steps"))
    note = ""
    if actions[-1:] == [_BLOCKED] and len(answers) < len(actions):
        actions, note = actions[:-1], "the model gave no further answer"
    elif thoughts[len(actions) - 1 :] == [_EXCEEDED]:
        actions, note = actions[:-1], "the harness submitted when no turn was left"
    columns = (thoughts, answers, items(history.get("rewards")), items(history.get("valid_action")))
    return list(zip_longest(*(column[: len(actions)] for column in (actions, *columns)))), note


def _step(tool: str, turn: tuple[Any, ...]) -> Step:
    """Read one turn. An action may be empty, or a list of which the first was run."""
    action, thought, answer, reward, valid = turn
    command = text(action[0] if isinstance(action, list) and action else action)
    told = answer is not None or reward is not None
    shown = written(answer) if isinstance(answer, list) else text(answer)  # rows of SQL
    observation = Observation(shown, is_error=valid is False, reward=number(reward)) if told else None
    return Step(Origin.AGENT, thought=text(thought), calls=(Call(tool, {"command": command}, observation),))
