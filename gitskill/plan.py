"""What a run will do, fixed before anything is paid: which traces, which analysts, which tree of merges."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gitskill.errors import InvalidInput
from gitskill.outcome import Status

OFFLINE = "offline"
"""The engine that asks no model."""
MIN_FAN_IN, MAX_FAN_IN = 2, 32
_TRACE = re.compile(r"[0-9a-f]{8,64}")
MAX_BATCH = 16
MAX_TURNS = 200


class Signal(StrEnum):
    """Which runs teach."""

    ERROR = "error"
    SUCCESS = "success"
    COMBINED = "combined"


class Strategy(StrEnum):
    """In which order the traces are studied."""

    PARALLEL = "parallel"
    """All on the frozen base; what they teach is joined in a tree."""
    SEQUENTIAL = "sequential"
    """In rounds, each on what the round before it made of the skill: the baseline to compare with."""


class Analyst(StrEnum):
    """Who studies a trace."""

    ERROR = "error"
    SUCCESS = "success"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every setting that decides what a run comes to: the same recipe on the same traces and skill is the same run."""

    engine: str = OFFLINE
    """The model's name, or `offline`."""
    prompts: str = ""
    """The hash of the analysts' prompts."""
    signal: Signal = Signal.COMBINED
    batch: int = 1
    """Successful traces in one call; of a sequential run the traces of a round."""
    turns: int = 20
    verify: str = "off"
    """`sandbox` where analysts may try a fix, else `off`."""
    checker: str = ""
    """The command that judges a fix, as it was given."""
    references: str = ""
    """A hash of the known answers that are no fix."""
    max_traces: int | None = None
    seed: int = 0
    fan_in: int = 16
    strategy: Strategy = Strategy.PARALLEL

    def __post_init__(self) -> None:
        if self.strategy is Strategy.SEQUENTIAL and self.engine == OFFLINE:
            raise InvalidInput(
                "the offline analyst studies all traces together: there are no rounds",
                hint="choose a model with --model, or leave --strategy out",
            )
        if not MIN_FAN_IN <= self.fan_in <= MAX_FAN_IN:
            raise InvalidInput(f"a merge joins {MIN_FAN_IN} to {MAX_FAN_IN} groups, not {self.fan_in}")
        for name, value, most in (("batch", self.batch, MAX_BATCH), ("turns", self.turns, MAX_TURNS)):
            if not 1 <= value <= most:
                raise InvalidInput(f"{name} is {value}, not 1 to {most}")
        if self.max_traces is not None and self.max_traces < 1:
            raise InvalidInput("at least one trace must be drawn")


@dataclass(frozen=True, slots=True)
class Material:
    """What a plan must know of a trace."""

    trace: str
    task: str
    status: Status
    size: int
    """Bytes of the trace as it is stored."""
    signature: str = ""
    """The error that recurs most in it; traces with the same one become neighbours."""
    twin: str = ""
    """The trace of the same run in another format, where that one is studied."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One trace that is studied."""

    number: int
    """Its place in the plan, from 1: its lessons are `l0042a`, `l0042b`, …"""
    trace: str
    task: str
    status: Status
    analyst: Analyst
    size: int


class Why(StrEnum):
    """Why a trace is not studied."""

    INFRA_ERROR = "infra_error"
    UNLABELLED = "unlabelled"
    TWIN = "twin"
    SIGNAL = "signal"
    NOT_DRAWN = "not_drawn"


WHY = {
    Why.INFRA_ERROR: "failed outside the agent",
    Why.UNLABELLED: "unlabelled",
    Why.TWIN: "the same run in another format",
    Why.SIGNAL: "of another outcome than the signal asks for",
    Why.NOT_DRAWN: "not drawn",
}
"""The reasons in words."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """One trace that is not studied, and why."""

    trace: str
    task: str
    status: Status
    why: Why


@dataclass(frozen=True, slots=True)
class Plan:
    """The traces in their order, and the tree in which their lessons will be merged."""

    recipe: Recipe
    assignments: tuple[Assignment, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def groups(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """Give each level's groups: of numbers of traces on the first, of the groups below on the others.

        The rounds of a sequential run are the groups of its one level.
        """
        if self.recipe.strategy is Strategy.SEQUENTIAL:
            return (tuple(tuple(each.number for each in members) for members in self.rounds),)
        return tree(len(self.assignments), self.recipe.fan_in)

    @property
    def rounds(self) -> tuple[tuple[Assignment, ...], ...]:
        """Give the traces that are studied on one and the same skill: all, or a batch at a time."""
        if self.recipe.strategy is Strategy.PARALLEL:
            return (self.assignments,)
        return _shares(self.assignments, self.recipe.batch)

    @property
    def units(self) -> tuple[tuple[Assignment, ...], ...]:
        """Give what one analyst studies at a time: one trace, or a batch of successful ones."""
        return tuple(unit for members in self.rounds for unit in _units(members, self.recipe.batch))

    @property
    def depth(self) -> int:
        """Count the steps that wait for one another, an analyst's study and the settling of a level being one each."""
        if self.recipe.engine == OFFLINE:
            return 0
        return len(self.rounds) + (len(self.groups) if self.recipe.strategy is Strategy.PARALLEL else 0)

    def counted(self, analyst: Analyst) -> int:
        """Count the traces of an analyst."""
        return sum(each.analyst is analyst for each in self.assignments)


def _units(members: Sequence[Assignment], size: int) -> list[tuple[Assignment, ...]]:
    batches = _shares([each for each in members if each.analyst is Analyst.SUCCESS], size)
    alone = [(each,) for each in members if each.analyst is not Analyst.SUCCESS]
    return sorted([*batches, *alone], key=lambda unit: unit[0].number)


def _shares(members: Sequence[Assignment], size: int) -> tuple[tuple[Assignment, ...], ...]:
    return tuple(tuple(members[at : at + size]) for at in range(0, len(members), size))


def make(materials: Sequence[Material], recipe: Recipe) -> Plan:
    """Plan a run: the same materials and recipe are the same plan, in whatever order they come."""
    known = sorted(materials, key=lambda each: each.trace)
    skipped = {each.trace: why for each in known if (why := _unfit(each, recipe.signal))}
    chosen = [each for each in known if each.trace not in skipped]
    if recipe.max_traces is not None and len(chosen) > recipe.max_traces:
        drawn = {each.trace for each in sorted(chosen, key=_lot(recipe.seed))[: recipe.max_traces]}
        skipped |= {each.trace: Why.NOT_DRAWN for each in chosen if each.trace not in drawn}
        chosen = [each for each in chosen if each.trace in drawn]
    return Plan(
        recipe,
        tuple(
            Assignment(number, each.trace, each.task, each.status, _analyst(each.status, recipe), each.size)
            for number, each in enumerate(_neighbours(chosen), start=1)
        ),
        tuple(
            Skipped(each.trace, each.task, each.status, skipped[each.trace]) for each in known if each.trace in skipped
        ),
    )


def _unfit(material: Material, signal: Signal) -> Why | None:
    if material.status is Status.INFRA_ERROR:
        return Why.INFRA_ERROR
    if material.status is Status.UNLABELLED:
        return Why.UNLABELLED
    if material.twin:
        return Why.TWIN
    wanted = {Signal.ERROR: Status.FAILURE, Signal.SUCCESS: Status.SUCCESS}.get(signal, material.status)
    return None if material.status is wanted else Why.SIGNAL


def _lot(seed: int) -> Callable[[Material], str]:
    """Draw by a hash: a trace that is added later changes little of what was drawn before."""
    return lambda each: hashlib.sha256(f"{seed} {each.trace}".encode()).hexdigest()


def _neighbours(materials: Sequence[Material]) -> list[Material]:
    """Put the runs of one task side by side, and tasks beside those that mostly met the same error."""
    tasks: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in materials:
        tasks[each.task][each.signature] += bool(each.signature)
    usual = {task: _commonest(counts) for task, counts in tasks.items()}
    return sorted(materials, key=lambda each: (usual[each.task], each.task, each.signature, each.trace))


def _commonest(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


def _analyst(status: Status, recipe: Recipe) -> Analyst:
    if recipe.engine == OFFLINE:
        return Analyst.OFFLINE
    return Analyst.ERROR if status is Status.FAILURE else Analyst.SUCCESS


def unsound(plan: Plan) -> str:
    """Say why a plan that was read cannot be one that `make` made; empty if it may be."""
    for number, each in enumerate(plan.assignments, start=1):
        if each.number != number:
            return f"trace {number} has the number {each.number}"
        if each.status not in {Status.SUCCESS, Status.FAILURE} or each.analyst is not _analyst(
            each.status, plan.recipe
        ):
            return f"trace {number}, a {each.status}, is given to the analyst {each.analyst}"
        if not _TRACE.fullmatch(each.trace):
            return f"trace {number} has no id"
    return ""


def tree(count: int, fan_in: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Share `count` members out in groups of nearly equal size, and these in turn, until one is left."""
    levels: list[tuple[tuple[int, ...], ...]] = []
    while count and (count > 1 or not levels):
        groups = -(-count // fan_in)
        ends = [count * at // groups for at in range(groups + 1)]
        levels.append(tuple(tuple(range(ends[at] + 1, ends[at + 1] + 1)) for at in range(groups)))
        count = groups
    return tuple(levels)
