"""Ways of writing a command that go before an error far more often than not.

The unit is a task, not a step: of each task counts the first command with the
construct and the first without it. A construct stands only if it passes the
correction for all that were tried, and if it does so again in the other half of
the tasks, over many seeded halves.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from gitskill.analysts.offline.acts import Act, Kind, Run
from gitskill.analysts.offline.commands import programs, stages, without_documents
from gitskill.analysts.offline.errors import INTENDED, Failure, failure, noise_of
from gitskill.analysts.offline.statistics import false_discovery, greater

LEAST_TASKS = 5
HALVES = 100
_SEED = 20261121
_Q = 0.1
_P = 0.05
_REPEATS = 0.5

QUOTED_TWICE = "a double quote inside single quotes"
SUBSTITUTED = 'a command substitution inside double quotes, `"$(\u2026)"`'
_SHAPES: Mapping[str, re.Pattern[str]] = {
    QUOTED_TWICE: re.compile(r"(?<![\\\w])'[^'\n]*\"[^'\n]*'"),
    SUBSTITUTED: re.compile(r"\"[^\"\n]*\$\("),
    "a command substitution, `$(\u2026)`": re.compile(r"\$\("),
    "backticks": re.compile(r"(?<!\\)`[^`\n]+`"),
    "a here-document": re.compile(r"<<-?\s*['\"]?\w"),
    "a process substitution, `<(\u2026)`": re.compile(r"<\("),
}
ABOUT_DOUBLE_QUOTES = {QUOTED_TWICE, SUBSTITUTED}
_FLAG = re.compile(r"-{1,2}[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Row:
    """One command of a task, with the constructs in it and the error that it gave."""

    run: Run
    act: Act
    held: frozenset[str]
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Construct:
    """A construct that passed, with its counts by task."""

    name: str
    erring: int
    of: int
    erring_without: int
    of_without: int
    q: float
    repeated: float
    """The share of halves in which it was selected, where the other half said the same."""
    failures: tuple[Row, ...]
    """Commands with the construct that gave the error that most of them gave."""


_Table = tuple[int, int, int, int]
_Firsts = Mapping[str, Mapping[str, tuple[bool | None, bool | None]]]


def rows_of(runs: Iterable[Run], *, lowered: bool = False) -> list[Row]:
    """Read every shell command. Where the harness takes capitals, commands that may have lost some are left out."""
    rows = []
    for run in runs:
        noise = noise_of(run.acts)
        shell = [act for act in run.acts if act.kind is Kind.SHELL and act.program.strip()]
        for act in shell:
            if lowered and act.program == shell[0].program and act.program == act.program.lower():
                continue
            wrong = failure(act, noise)
            rows.append(Row(run, act, held_by(act.program), None if wrong and wrong.kind in INTENDED else wrong))
    return rows


def held_by(command: str) -> frozenset[str]:
    """Name the constructs of a command: shapes of quoting, programs, flags of programs."""
    text = without_documents(command)
    shapes = {name for name, shape in _SHAPES.items() if shape.search(text)}
    flags = {
        f"`{stage.program.rsplit('/', 1)[-1]} {word}`"
        for stage in stages(command)
        for word in stage.words[1:]
        if _FLAG.fullmatch(word) and not {"-exec", "-execdir", "xargs"} & {*stage.words}
    }
    return frozenset(shapes | flags | {f"`{name}`" for name in programs(command)})


def constructs(rows: Sequence[Row]) -> list[Construct]:
    """Find the constructs that stand, the surest first."""
    firsts = _firsts(rows)
    tasks = sorted({task for by_task in firsts.values() for task in by_task})
    tables = {name: _table(firsts[name], None) for name in firsts}
    tables = {name: table for name, table in tables.items() if table[1] >= LEAST_TASKS and table[3]}
    q = _q_of(tables)
    likely = {name for name in tables if q[name] < _Q and _is_worse(tables[name])}
    if not likely:
        return []
    repeated = _repeated(firsts, tuple(tables), tasks)
    found = [_construct(name, tables[name], q[name], repeated.get(name, 0.0), rows) for name in sorted(likely)]
    # What errs mostly for another reason than its own is another construct's shadow.
    kept = [each for each in found if each.repeated >= _REPEATS and each.failures]
    return sorted(kept, key=lambda each: (each.q, each.name))


def _firsts(rows: Sequence[Row]) -> dict[str, dict[str, tuple[bool | None, bool | None]]]:
    """Say of each construct and task whether the first command with it erred, and the first without it."""
    by_task: dict[str, list[Row]] = {}
    for row in rows:
        by_task.setdefault(row.run.task, []).append(row)
    found: dict[str, dict[str, tuple[bool | None, bool | None]]] = {}
    for task, group in by_task.items():
        for name in sorted(frozenset().union(*(row.held for row in group))):
            found.setdefault(name, {})[task] = (_erred(group, name, True), _erred(group, name, False))
    plain = {task: (None, bool(group[0].failure)) for task, group in by_task.items()}
    return {name: {**plain, **by} for name, by in found.items()}


def _erred(group: Iterable[Row], name: str, with_it: bool) -> bool | None:
    return next((bool(row.failure) for row in group if (name in row.held) is with_it), None)


def _table(by_task: Mapping[str, tuple[bool | None, bool | None]], wanted: set[str] | None) -> _Table:
    counted = [by_task[task] for task in (by_task if wanted is None else wanted) if task in by_task]
    held, bare = [one for one, _ in counted if one is not None], [other for _, other in counted if other is not None]
    return sum(held), len(held), sum(bare), len(bare)


def _is_worse(table: _Table) -> bool:
    return table[0] * table[3] > table[2] * table[1]


def _q_of(tables: Mapping[str, _Table]) -> dict[str, float]:
    return dict(zip(tables, false_discovery([greater(*table) for table in tables.values()]), strict=True))


def _repeated(firsts: _Firsts, names: Sequence[str], tasks: Sequence[str]) -> dict[str, float]:
    """Select in one half of the tasks and look again in the other, over many halves."""
    chance = Random(_SEED)  # noqa: S311 - halves of tasks, nothing secret
    selected: Counter[str] = Counter()
    again: Counter[str] = Counter()
    for _ in range(HALVES):
        shuffled = chance.sample(tasks, len(tasks))
        half, other = set(shuffled[: len(tasks) // 2]), set(shuffled[len(tasks) // 2 :])
        tables = {name: _table(firsts[name], half) for name in names}
        q = _q_of({name: table for name, table in tables.items() if table[1] and table[3]})
        for name in (name for name in q if q[name] < _Q):
            table = _table(firsts[name], other)
            selected[name] += 1
            again[name] += bool(table[1]) and _is_worse(table) and greater(*table) < _P
    return {name: again[name] / selected[name] for name in selected if selected[name] >= HALVES // 10}


def _construct(name: str, table: _Table, q: float, repeated: float, rows: Sequence[Row]) -> Construct:
    erring = [row for row in rows if name in row.held and row.failure]
    counted = Counter(row.failure.signature for row in erring if row.failure)
    most = counted.most_common(1)[0][0] if counted else ""
    own = tuple(row for row in erring if row.failure and row.failure.signature == most)
    return Construct(name, *table, q, repeated, own)
