"""A trace as a person looks at it: what failed where, and what many of them add up to."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gitskill.outcome import Status
from gitskill.store.traces import Entry
from gitskill.trace import Call, Step, Trace


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that went wrong."""

    step: int
    call: Call
    how: str


def failed_calls(trace: Trace) -> list[Failed]:
    """Give the calls that went wrong, in their order."""
    every = ((number, call) for number, step in enumerate(trace.steps, start=1) for call in step.calls)
    return [Failed(number, call, ended(call)) for number, call in every if _failed(call)]


def ended(call: Call) -> str:
    """Say how a call ended, as far as its log tells: `exit 2`, `error`, or nothing."""
    observation = call.observation
    if observation is None:
        return "no answer"
    if observation.exit_code is not None:
        return f"exit {observation.exit_code}"
    return "error" if observation.is_error else ""


def _failed(call: Call) -> bool:
    observation = call.observation
    return observation is not None and (observation.is_error or bool(observation.exit_code))


@dataclass
class Totals:
    """What many traces add up to."""

    traces: int = 0
    steps: int = 0
    outcomes: Counter[Status] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    tasks: dict[str, set[Status]] = field(default_factory=lambda: defaultdict(set))
    input: int = 0
    output: int = 0
    cost: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    @property
    def mixed(self) -> int:
        """Count the tasks that some runs did and others did not: where the two can be compared."""
        return sum({Status.SUCCESS, Status.FAILURE} <= found for found in self.tasks.values())


def totals(traces: Iterable[tuple[Entry, Trace]]) -> Totals:
    """Add up traces."""
    found = Totals()
    for entry, trace in traces:
        found.traces += 1
        found.steps += entry.steps
        found.outcomes[entry.outcome.status] += 1
        found.formats[entry.format] += 1
        found.tasks[entry.task].add(entry.outcome.status)
        found.input += trace.usage.input or 0
        found.output += trace.usage.output or 0
        found.cost += trace.usage.cost or 0.0
        for call in (call for step in trace.steps for call in step.calls):
            found.calls[call.name] += 1
            found.failed[call.name] += _failed(call)
    return found


def told(call: Call) -> str:
    """Write a call's arguments for reading: the one text as it is, several with their names."""
    arguments = call.arguments
    if isinstance(arguments, dict):
        if len(arguments) == 1:
            return _written(next(iter(arguments.values())))
        return "  ".join(f"{key}={_written(value)}" for key, value in arguments.items())
    return _written(arguments)


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def brief(text: str, lines: int, width: int) -> Iterator[str]:
    """Give the first lines of a text, each no wider than `width`, and say what is left out."""
    every = text.strip("\n").split("\n") if text.strip() else []
    for line in every[:lines]:
        yield line if len(line) <= width else f"{line[: width - 3]}..."
    if len(every) > lines:
        yield f"... {len(every) - lines} more lines"


def speaker(step: Step) -> str:
    """Name who took a step."""
    return f"{step.origin} {step.agent[:8]}" if step.agent else str(step.origin)
