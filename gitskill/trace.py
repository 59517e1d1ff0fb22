"""One run of an agent as a value: what it was asked, what it did step by step, what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

VERSION = 1
"""Of the document that a trace is stored as, and that a harness may write itself (docs/formats.md)."""

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
