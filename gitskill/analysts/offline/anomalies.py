"""Facts about the harness and the labels that would pass for lessons: told to a person, kept out of the skill."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from gitskill.analysts.draft import Anomaly
from gitskill.analysts.offline.acts import Act, Kind, Run
from gitskill.analysts.offline.masks import clip
from gitskill.analysts.offline.recoveries import is_lowered
from gitskill.analysts.offline.statistics import different
from gitskill.lesson import Evidence
from gitskill.outcome import Status
from gitskill.trace import Origin

LOWERED = "lowered"
"""The first command loses its capitals."""
UNQUOTED = "unquoted"
"""Double quotes do not reach the shell."""
SHARED = "shared state"
"""What one run defines, later runs see."""
LABELS = "labels"

_ENOUGH = 30
_SHOWN = 3
_LATER = 0.2
_P = 0.05
_FEW = 4
_ECHO = re.compile(r"(?:^|&&|\|\||;)\s*echo\s+\"(?P<text>[^\"$`\\\n]*\w \w[^\"$`\\\n]*)\"\s*$")
_CALLED = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\(")
_DEFINED = re.compile(r"^(?:async\s+)?def\s+(\w+)\s*\(|^(?:function\s+|const\s+|let\s+|var\s+)(\w+)", re.MULTILINE)

_PROPERTIES: Mapping[str, Callable[[str], bool]] = {
    "a capital letter": lambda command: command != command.lower(),
    "a double quote": lambda command: '"' in command,
    "a single quote": lambda command: "'" in command,
    "a pipe": lambda command: "|" in command,
    "a dollar sign": lambda command: "$" in command,
    "a backslash": lambda command: "\\" in command,
    "more than one line": lambda command: "\n" in command.strip(),
}


def anomalies(runs: Sequence[Run]) -> list[Anomaly]:
    """Look at the runs in the order in which they are given: it is taken for the order in which they were made."""
    by_format: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_format[run.studied.trace.format].append(run)
    found: list[Anomaly] = []
    for name in sorted(by_format):
        group = by_format[name]
        found += [*_first_commands(name, group), *_echoes(name, group)]
        found += [each for batch in _batches(group) for each in _shared(name, batch)]
        found += _labels(name, group)
    return found


def lowered_formats(found: Sequence[Anomaly]) -> frozenset[str]:
    """Name the formats whose harness takes the capitals out of commands."""
    return _tagged(found, LOWERED)


def unquoted_formats(found: Sequence[Anomaly]) -> frozenset[str]:
    """Name the formats whose harness takes double quotes out of commands."""
    return _tagged(found, UNQUOTED)


def _tagged(found: Sequence[Anomaly], tag: str) -> frozenset[str]:
    return frozenset(name for each in found if tag in each.tags for name in each.tags - {tag})


def _shell(run: Run) -> list[Act]:
    return [act for act in run.acts if act.kind is Kind.SHELL and act.program.strip()]


def _first_commands(name: str, runs: Sequence[Run]) -> Iterator[Anomaly]:
    """See what never stands in a first command and often in a second one."""
    shells = [each for run in runs if (each := _shell(run))]
    seconds = [each[1] for each in shells if len(each) > 1]
    if len(shells) < _ENOUGH or len(seconds) < _ENOUGH:
        return
    again = [each for each in shells if len(each) > 1 and is_lowered(each[0].program, each[1].program)]
    runs_of = {id(act): run for run in runs for act in run.acts}
    for what, has in _PROPERTIES.items():
        first = sum(has(each[0].program) for each in shells)
        second = sum(has(act.program) for act in seconds)
        if first or second < _LATER * len(seconds):
            continue
        cased = what == "a capital letter"
        shown = again if cased and again else [each for each in shells if len(each) > 1 and has(each[1].program)]
        told = f"; {len(again)} second commands are the first one with its capitals back" if cased and again else ""
        yield Anomaly(
            f"{name}: {what} stands in none of {len(shells)} first commands and in {second} of {len(seconds)} second "
            f"ones{told}. The harness seems to change the first command.",
            tuple(_evidence(runs_of[id(act)], act) for each in shown[:_SHOWN] for act in each[:2]),
            (("first", first / len(shells)), ("second", second / len(seconds)), ("capitals back", float(len(again)))),
            frozenset({name, LOWERED}) if cased else frozenset({name}),
        )


def _echoes(name: str, runs: Sequence[Run]) -> Iterator[Anomaly]:
    """See whether `echo "two words"` prints both."""
    asked, cut = 0, []
    for run in runs:
        for act in _shell(run):
            found = _ECHO.search(act.program)
            first = found["text"].split()[0] if found else ""
            if not found or first not in act.answer:
                continue
            asked += 1
            if found["text"].strip() not in act.answer and act.lines and act.lines[-1].strip() == first:
                cut.append((run, act))
    if len(cut) < 3 or 2 * len(cut) < asked:
        return
    yield Anomaly(
        f'{name}: in {len(cut)} of {asked} cases `echo "\u2026"` printed only the first word of its text. '
        "Double quotes seem not to reach the shell.",
        tuple(_evidence(run, act) for run, act in cut[:_SHOWN]),
        (("cut", float(len(cut))), ("asked", float(asked))),
        frozenset({name, UNQUOTED}),
    )


def _evidence(run: Run, act: Act) -> Evidence:
    return Evidence(run.id, act.step, clip(act.program.strip().split("\n")[0]))


def _batches(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """Split the runs where a task comes again: there another pass over the tasks begins."""
    batch: list[Run] = []
    seen: set[str] = set()
    for run in runs:
        if run.task in seen:
            yield batch
            batch, seen = [], set()
        batch.append(run)
        seen.add(run.task)
    if batch:
        yield batch


def _shared(name: str, batch: Sequence[Run]) -> Iterator[Anomaly]:
    """See whether a name that one run defines spoils it for the runs that come after, and use it."""
    labelled = [run for run in batch if run.studied.outcome.status in {Status.SUCCESS, Status.FAILURE}]
    texts = [_written(run) for run in labelled]
    defined = [{one or other for one, other in _DEFINED.findall(text)} for text in texts]
    using: dict[str, list[int]] = defaultdict(list)
    for which, text in enumerate(texts):
        for each in set(_CALLED.findall(text)) - defined[which]:
            using[each].append(which)
    for at, names in enumerate(defined):
        for each in sorted(names & using.keys()):
            before = [labelled[which].studied.outcome.status is Status.SUCCESS for which in using[each] if which < at]
            after = [labelled[which].studied.outcome.status is Status.SUCCESS for which in using[each] if which > at]
            if len(before) < _FEW or len(after) < _FEW or sum(after) * len(before) >= sum(before) * len(after):
                continue
            chance = different(sum(after), len(after), sum(before), len(before))
            if chance < _P:
                yield _shadowed(name, each, labelled[at], (before, after, chance))


def _shadowed(name: str, each: str, run: Run, counts: tuple[list[bool], list[bool], float]) -> Anomaly:
    before, after, chance = counts
    step, line = next(
        (number, line.strip())
        for number, step in enumerate(run.studied.trace.steps, start=1)
        for line in step.text.split("\n")
        if step.origin is Origin.AGENT and each in {found for pair in _DEFINED.findall(line) for found in pair}
    )
    return Anomaly(
        f"{name}: {sum(before)} of {len(before)} runs that use `{each}` are solved before a run defines that name "
        f"itself, and {sum(after)} of {len(after)} after it. Runs seem to share their names.",
        (Evidence(run.id, step, clip(line)),),
        (("before", sum(before) / len(before)), ("after", sum(after) / len(after)), ("p", chance)),
        frozenset({name, SHARED}),
    )


def _written(run: Run) -> str:
    return "\n".join(step.text for step in run.studied.trace.steps if step.origin is Origin.AGENT)


def _labels(name: str, runs: Sequence[Run]) -> Iterator[Anomaly]:
    """See whether the very same doing was judged both ways."""
    done: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        told = "\n".join([_written(run), *(f"{act.tool} {act.arguments}" for act in run.acts)])
        if len(told) > 40 and run.studied.outcome.status in {Status.SUCCESS, Status.FAILURE}:
            done[run.task, " ".join(told.split())].append(run)
    both = [group for group in done.values() if len({run.studied.outcome.status for run in group}) > 1]
    if both:
        yield Anomaly(
            f"{name}: {len(both)} tasks were done in exactly the same way by runs with different labels "
            f"(e.g. {both[0][0].task}).",
            (),
            (("tasks", float(len(both))),),
            frozenset({name, LABELS}),
        )
