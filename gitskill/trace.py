"""One run of an agent as a value: what it was asked, what it did step by step, what came of it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum, StrEnum
from functools import cache
from typing import Any

Json = Any
"""What `json.loads` gives: tool arguments are kept as the agent gave them."""


class Origin(StrEnum):
    """Who wrote a text. What a tool returned may hold anybody's words."""

    SYSTEM = "system"
    USER = "user"
    AGENT = "agent"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a step or a run used, as its log says; None where the log is silent."""

    input: int | None = None
    """Tokens sent, those read from a cache included."""
    output: int | None = None
    cached: int | None = None
    cost: float | None = None
    """US dollars."""


UNKNOWN = Usage()


@dataclass(frozen=True, slots=True)
class Observation:
    """What a tool returned to the agent."""

    text: str
    exit_code: int | None = None
    is_error: bool = False
    """The log itself marks it as an error. A failed command without such a mark has an exit code."""
    reward: float | None = None
    """What the environment gave for this one action, where it scores each."""


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a tool."""

    name: str
    arguments: Json
    observation: Observation | None = None
    """None where the log has no answer to it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One message: an instruction, a user's turn, or what the agent said and did, with the answers it got.

    Steps have no number of their own: the first of a trace is step 1.
    """

    origin: Origin
    text: str = ""
    thought: str = ""
    """What the agent told itself, where the log keeps that apart."""
    calls: tuple[Call, ...] = ()
    usage: Usage = UNKNOWN
    time: str = ""
    """ISO 8601 in UTC, or empty."""
    agent: str = ""
    """The sub-agent that took the step; empty for the run's own agent."""

    def texts(self) -> Iterator[tuple[Origin, str]]:
        """Give every text of the step with the one who wrote it."""
        yield self.origin, self.text
        yield Origin.AGENT, self.thought
        for call in self.calls:
            yield Origin.AGENT, call.name
            yield from ((Origin.AGENT, text) for text in leaves(call.arguments))
            if call.observation:
                yield Origin.TOOL, call.observation.text


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or patch that the run left behind, as far as its log holds it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One run. Immutable; its id is the hash of its canonical JSON, its outcome is kept beside it."""

    format: str
    """The format it was read from: a name of the table in `formats/table.py`."""
    task: str
    """The id of the task, by which runs of the same task find each other; empty until somebody gives it one."""
    request: str
    """The task's text: what the agent was asked."""
    steps: tuple[Step, ...]
    agent: str = ""
    model: str = ""
    session: str = ""
    """The id that the agent or harness gave to this run."""
    result: str = ""
    """The agent's last word, or what it submitted."""
    artifacts: tuple[Artifact, ...] = ()
    usage: Usage = UNKNOWN
    """Of the whole run, as its log sums it up; else the sum of its steps."""
    error: str = ""
    """What broke outside the agent: the harness, the model's server, the container."""
    notes: tuple[str, ...] = ()
    """What was odd about the log, for whoever reads the trace."""

    @property
    def actions(self) -> int:
        """Count the steps that the agent took."""
        return sum(step.origin is Origin.AGENT for step in self.steps)


def fingerprint(trace: Trace) -> str:
    """Name what the agent did: another log of the same run has the same fingerprint. Empty where it did too little."""
    calls = [call for step in trace.steps for call in step.calls]
    if len(calls) < _FEW:
        return ""
    told = "\n".join(" ".join(text.split()) for call in calls for text in _values(call.arguments))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


_FEW = 3
"""Two runs that made fewer calls, the same ones, may be two runs all the same."""


def _values(arguments: Json) -> Iterator[str]:
    """Give the strings in the arguments, by the order of their keys, whatever these are called."""
    if isinstance(arguments, str):
        yield arguments
    elif isinstance(arguments, Mapping):
        for key in sorted(arguments):
            yield from _values(arguments[key])
    elif isinstance(arguments, list):
        for item in arguments:
            yield from _values(item)


def leaves(value: Json) -> Iterator[str]:
    """Give every string in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)


Change = Callable[[str, str], str]
"""What becomes of a text; the first argument is the key under which it stands in a JSON object, or empty."""


def with_texts(trace: Trace, change: Change) -> Trace:
    """Give the trace with every text in it changed: none is forgotten, also where a value gains a field."""
    changed: Trace = _changed(trace, change, "")
    return changed


def _changed(value: Any, change: Change, key: str) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else change(key, value)
    if isinstance(value, tuple | list):
        return type(value)(_changed(item, change, key) for item in value)
    if isinstance(value, Mapping):
        return _renamed(value, change)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(*(_changed(getattr(value, name), change, "") for name in _fields(type(value))))
    return value


def _renamed(value: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """Change the texts and the keys of an object. Two keys that become one are told apart by a mark."""
    found: dict[str, Any] = {}
    taken: Counter[str] = Counter()
    for key, item in value.items():
        name = change("", key)
        while name in found:
            taken[name] += 1
            name = f"{name}'{taken[name]}"
        found[name] = _changed(item, change, key)
    return found


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def shortened(text: str, limit: int) -> str:
    """Keep the head and the tail of a long text, and say between them how much was cut."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters cut ...]\n{text[-half:]}"
