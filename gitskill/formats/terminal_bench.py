"""terminal-bench before Harbor: `results.json` of a run, or of one trial in `<run>/<task>/<trial>/`.

Upstream: laude-institute/terminal-bench, `terminal_bench/harness/models.py`.
The label is `is_resolved`. What the agent did is not in it: it is read from the
trial's folder, for Terminus as episodes, for all others as what the terminal
showed. The trap: `false` is also the label of a run whose agent was never
installed, and `null` that of one that was never graded.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gitskill.formats.inner.folder import present, tail, within
from gitskill.formats.inner.spoken import spoken
from gitskill.formats.inner.terminal import logged, missing, plain, recorded
from gitskill.formats.loose import count, flag, mapping, mappings, moment, string
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome
from gitskill.trace import UNKNOWN, Artifact, Call, Observation, Origin, Step, Trace, Usage

NAME = "terminal-bench"

_KEYS = {"task_id", "trial_name", "is_resolved"}
_BROKEN = {"agent_installation_failed", "unknown_agent_error", "parse_error", "test_timeout"}
"""Failures of the harness, the installation and the tests; running out of time or context is the agent's."""
_EPISODES = 2000
NO_LOG = "no log of the agent beside results.json"

_BESIDE = ("agent-logs", "sessions", "panes", "commands.txt", "agent.log", "agent.cast", "tests.log", "tests.cast")


def recognise(source: Source) -> bool:
    """Look for a trial, or for a list of them."""
    whole = {} if source.is_lines else mapping(source.document)
    trials = mappings(whole.get("results"))
    return whole.keys() >= _KEYS or bool(trials and trials[0].keys() >= _KEYS)


def is_metadata(document: Any) -> bool:
    """Tell what is said of a whole run, which is read with its trials."""
    return {"run_id", "agent_name", "output_path"} <= mapping(document).keys()


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the trial, or every trial of the run with its folder."""
    whole = mapping(source.document)
    folder = source.path.parent
    if not isinstance(whole.get("results"), list):
        metadata = mapping(source.beside("../../run_metadata.json"))
        yield _trial(whole, folder, metadata, "", present(folder, _BESIDE))
        return
    metadata = mapping(source.beside("run_metadata.json"))
    for number_, trial in enumerate(whole["results"]):
        own = mapping(trial)
        where = within(folder, f"{string(own.get('task_id'))}/{string(own.get('trial_name'))}")
        parts = (where,) if where and where.is_dir() else ()
        yield _trial(own, where if parts else None, metadata, f"results[{number_}]", parts)


def _trial(
    trial: dict[str, Any], folder: Path | None, metadata: dict[str, Any], place: str, parts: tuple[Path, ...]
) -> Reading | Refused:
    if not trial.keys() >= _KEYS:
        return Refused("no trial with a task, a name and a verdict", place, parts)
    taken = tuple(_taken(folder, moment(trial.get("agent_started_at")))) if folder else ()
    outcome = _outcome(trial, taken)
    if not taken and flag(trial.get("is_resolved")):
        return Refused(NO_LOG, place, parts)
    asked = string(trial.get("instruction"))
    trace = Trace(
        format=NAME,
        task=string(trial.get("task_id")),
        request=asked,
        steps=(Step(Origin.USER, asked), *taken) if asked else taken,
        agent=string(metadata.get("agent_name")),
        model=string(metadata.get("model_name")),
        session=string(trial.get("trial_name")),
        result=next((step.text for step in reversed(taken) if step.text), ""),
        artifacts=tuple(_artifacts(trial, folder)),
        usage=_usage(trial),
        error=outcome.note,
    )
    return Reading(trace, outcome, place, parts)


def _outcome(trial: dict[str, Any], taken: tuple[Step, ...]) -> Outcome:
    resolved, mode = flag(trial.get("is_resolved")), string(trial.get("failure_mode"))
    if resolved:
        return Outcome.judged(True, "is_resolved")
    if mode in _BROKEN or resolved is None:
        return Outcome.broken(mode if mode in _BROKEN else f"never graded: {mode}", "failure_mode")
    shown = "\n".join(call.observation.text for step in taken for call in step.calls if call.observation)
    if program := missing(shown):
        return Outcome.broken(f"{program}: command not found", "the terminal")
    return Outcome.judged(False, "is_resolved") if taken else Outcome.broken(NO_LOG, "the trial's folder")


def _usage(trial: dict[str, Any]) -> Usage:
    """Read the tokens. Zero of both means that the agent did not tell."""
    sent, received = count(trial.get("total_input_tokens")), count(trial.get("total_output_tokens"))
    return Usage(sent, received) if sent or received else UNKNOWN


def _artifacts(trial: dict[str, Any], folder: Path | None) -> Iterator[Artifact]:
    if tests := mapping(trial.get("parser_results")):
        yield Artifact("test-results.txt", "".join(f"{string(verdict)} {name}\n" for name, verdict in tests.items()))
    if shown := plain(tail(within(folder, "panes/post-test.txt"))) if folder else "":
        yield Artifact("post-test.txt", shown)


def _taken(folder: Path, time: str) -> Iterator[Step]:
    """Give the agent's steps: its episodes, or as one step all that the terminal showed."""
    episodes = list(_episodes(folder))
    if episodes:
        yield from episodes
        return
    commands = logged(within(folder, "commands.txt"))
    shown = logged(within(folder, "sessions/agent.log")) or recorded(within(folder, "sessions/agent.cast"))
    shown = shown or logged(within(folder, "panes/post-agent.txt"))
    if commands.strip() or shown.strip():
        call = Call("terminal", {"commands": commands}, Observation(shown) if shown.strip() else None)
        yield Step(Origin.AGENT, calls=(call,), time=time)


def _episodes(folder: Path) -> Iterator[Step]:
    """Read what Terminus said in each episode, and what the next one was asked with: the terminal after it."""
    for number_ in range(_EPISODES):
        said = _episode(folder, number_, "response.txt") or _episode(folder, number_, "response.json")
        if not said:
            return
        calls = spoken(said) or [Call("terminal", {})]
        answer = _episode(folder, number_ + 1, "prompt.txt")
        calls[-1] = Call(calls[-1].name, calls[-1].arguments, Observation(answer) if answer else None)
        yield Step(Origin.AGENT, said, calls=tuple(calls))


def _episode(folder: Path, number_: int, name: str) -> str:
    return logged(within(folder, f"agent-logs/episode-{number_}/{name}"))
