"""ATIF, the Agent Trajectory Interchange Format, v1.0 to v1.8: one JSON document for each trajectory.

Upstream: harbor-framework/harbor, `agent/trajectory.json` in a trial; other
tools export it too. There is no label in it: it stands in the trial's
`result.json` (harbor.py). The trap: a run may be cut into several documents,
whose sums count what came before, and whose first steps are copies.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitskill.formats.inner.atif_steps import Teller
from gitskill.formats.inner.folder import within
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import count, mapping, mappings, number, string
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.trace import UNKNOWN, Origin, Step, Trace, Usage

NAME = "atif"

_MOST = 100
"""Other documents that one run is put together from."""
_PROMPTS = (
    ("\nTask Description:\n", "\n\nCurrent terminal state:\n"),
    ("\nInstruction:\n", "\n\nYour response must be a JSON object"),
    ("- NEW TASK DESCRIPTION ---------------------\n", "\n--------------------- END OF NEW TASK"),
)
_API_ERROR = re.compile(r"\s*API Error\b")


def recognise(source: Source) -> bool:
    """Look for the version of the schema."""
    return not source.is_lines and _is_trajectory(source.document)


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the one run in the file, with the documents beside it that continue it or that it hands work to."""
    whole = mapping(source.document)
    if not isinstance(whole.get("steps"), list):
        yield Refused("no list `steps`")
        return
    parts = _Beside(source.path.parent, {source.path})
    run = list(_segments(whole, parts))
    trace = _trace(run, parts)
    yield Reading(trace, _outcome(trace), parts=tuple(sorted(parts.taken - {source.path})))


@dataclass(slots=True)
class _Beside:
    """The documents beside a trajectory that it names, each read once."""

    folder: Path
    taken: set[Path]
    missing: list[str] = field(default_factory=list)

    def named(self, name: str) -> dict[str, Any]:
        """Read the trajectory with this name; nothing where it is not there, or has been read."""
        path = within(self.folder, name.removeprefix("./"))
        if path in self.taken or len(self.taken) > _MOST:
            return {}
        try:
            found = Source(path).document if path else None
        except Damaged:
            found = None
        if path is None or not _is_trajectory(found):
            self.missing.append(name)
            return {}
        self.taken.add(path)
        return mapping(found)


def _is_trajectory(document: Any) -> bool:
    return string(mapping(document).get("schema_version")).startswith("ATIF")


def _segments(whole: dict[str, Any], beside: _Beside) -> Iterator[dict[str, Any]]:
    """Give a trajectory and, one after the other, those that continue it."""
    while whole:
        yield whole
        following = string(whole.get("continued_trajectory_ref"))
        whole = beside.named(following) if following else {}


def _trace(run: list[dict[str, Any]], beside: _Beside) -> Trace:
    first = run[0]
    agent = mapping(first.get("agent"))
    teller = Teller(beside.named)
    for segment in run:
        teller.tell(segment)
    steps = teller.steps
    version = string(agent.get("version"))
    return Trace(
        format=NAME,
        task="",
        request=_request(steps) or _request(teller.copied),
        steps=steps,
        agent=f"{string(agent.get('name'))} {'' if version == 'unknown' else version}".strip(),
        model=_model(string(agent.get("model_name")), run),
        session=string(first.get("session_id")) or string(first.get("trajectory_id")),
        result=next((word for step in reversed(steps) if _is_own(step) and (word := step.text)), ""),
        usage=_usage(run[-1], steps, is_rest=bool(teller.copied) and len(run) == 1),
        error=_error(steps),
        notes=tuple(_notes(teller, beside)),
    )


def _outcome(trace: Trace) -> Outcome:
    if trace.error:
        return Outcome.broken(trace.error, "the last step")
    return UNLABELLED if trace.actions else Outcome.broken("no step taken by the agent", "steps")


def _is_own(step: Step) -> bool:
    return step.origin is Origin.AGENT and not step.agent


def _request(steps: tuple[Step, ...]) -> str:
    """Give the first thing that the user said. Claude Code's `Warmup` of a sub-agent is nobody's request."""
    said = (step.text for step in steps if step.origin is Origin.USER and not step.agent)
    return _unwrapped(next((words for words in said if words.strip() != "Warmup"), ""))


def _unwrapped(said: str) -> str:
    """Take the task out of the prompts that Terminus and OpenHands put around it."""
    for before, after in _PROMPTS:
        _, found, rest = said.partition(before)
        inside, closed, _ = rest.rpartition(after)
        if found and closed:
            return inside.strip()
    return said


def _model(named: str, run: list[dict[str, Any]]) -> str:
    """Give the model that took most steps: older exports name that of the first sub-agent for the whole run."""
    steps = (step for segment in run for step in mappings(segment.get("steps")) if step.get("source") == "agent")
    most = Counter(name for step in steps if (name := string(step.get("model_name")))).most_common(1)
    return most[0][0] if most and not named.endswith(most[0][0]) else named


def _usage(last: dict[str, Any], steps: tuple[Step, ...], *, is_rest: bool) -> Usage:
    """Sum up. The sums of a continuation count what came before it, so one that is read alone counts its steps."""
    final = mapping(last.get("final_metrics"))
    told = Usage(
        input=count(final.get("total_prompt_tokens")),
        output=count(final.get("total_completion_tokens")),
        cached=count(final.get("total_cached_tokens")),
        cost=number(final.get("total_cost_usd")),
    )
    sums = summed(step.usage for step in steps)
    return sums if told == UNKNOWN or (is_rest and sums != UNKNOWN) else told


def _error(steps: tuple[Step, ...]) -> str:
    """Give the error of the model's server that the run ended with."""
    own = [step for step in steps if _is_own(step)]
    return own[-1].text if own and not own[-1].calls and _API_ERROR.match(own[-1].text) else ""


def _notes(teller: Teller, beside: _Beside) -> Iterator[str]:
    if teller.copied:
        yield f"{len(teller.copied)} steps copied from an earlier trajectory were left out"
    if beside.missing:
        yield f"not found beside it: {', '.join(beside.missing)}"
