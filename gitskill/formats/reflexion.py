"""Reflexion's programming runs: on each line a problem of a benchmark, with the program that the agent wrote.

Upstream: noahshinn/reflexion, `programming_runs/`, the JSON lines that its
strategies write to `root/<run>/`. The label is `is_solved`. The traps: each line
also holds the hidden tests and sometimes the right program (`test`,
`canonical_solution`), which are not read; older runs keep the reflections but
not the attempts that they are about. Its ALFWorld, WebShop and HotpotQA logs
are other formats.
"""

import re
from collections.abc import Iterator
from typing import Any

from gitskill.formats.loose import flag, items, mapping, string, text
from gitskill.formats.reading import Reading, Refused, per_row
from gitskill.formats.source import Source
from gitskill.outcome import Outcome
from gitskill.trace import Origin, Step, Trace

NAME = "reflexion"

_PROBLEM = {"entry_point", "test", "tests", "implementations", "solution"}
_MODEL = re.compile(r"_\d+_(.+)_pass_at_k_\d+_")
"""In the names of files: strategy, iterations, model, k, language."""


def recognise(source: Source) -> bool:
    """Look for a problem, its tests or its program, and the verdict in the first row."""
    first = mapping(source.opening[0]) if source.opening else {}
    return {"prompt", "is_solved"} <= first.keys() and bool(_PROBLEM & first.keys())


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each row."""
    return per_row(source, lambda row, place: _run(mapping(row), place, source.path.stem))


def _run(row: dict[str, Any], place: str, stem: str) -> Reading | Refused:
    if not isinstance(row.get("prompt"), str) or "is_solved" not in row:
        return Refused("no `prompt` or no `is_solved` in this row", place)
    if isinstance(row.get("solution"), list):
        return Refused("the agent wrote tests, not a program (strategy test-acc)", place)
    return Reading(_trace(row, stem), _outcome(row), place)


def _trace(row: dict[str, Any], stem: str) -> Trace:
    name = string(row.get("name")) or string(row.get("task_id")) or string(row.get("entry_point"))
    language, named = string(row.get("language")), _MODEL.search(stem)
    attempts, notes = _attempts(row)
    return Trace(
        format=NAME,
        task="-".join(filter(None, (name, language))) if name else "",
        request=row["prompt"],
        steps=(Step(Origin.USER, row["prompt"]), *attempts),
        agent=NAME,
        model=named[1] if named else "",
        session=f"{stem}-{name}",
        result=string(row.get("solution")),
        notes=notes,
    )


def _outcome(row: dict[str, Any]) -> Outcome:
    solved = flag(row["is_solved"])
    return Outcome() if solved is None else Outcome.judged(solved, "is_solved")


def _attempts(row: dict[str, Any]) -> tuple[list[Step], tuple[str, ...]]:
    """Give the attempts, each with what its own tests said and with the reflection that led to it."""
    programs = [text(program) for program in items(row.get("implementations"))]
    thoughts = [text(thought) for thought in items(row.get("reflections"))]
    answers = [text(answer) for answer in items(row.get("test_feedback"))]
    notes: tuple[str, ...] = ()
    if thoughts and len(thoughts) != len(programs) - 1:
        notes = ("the log does not say which attempt each reflection is about",)
        steps = [Step(Origin.AGENT, thought=thought) for thought in thoughts]
        thoughts = []
    else:
        steps = []
    for which, program in enumerate(programs):
        steps.append(Step(Origin.AGENT, program, thoughts[which - 1] if thoughts and which else ""))
        steps += [Step(Origin.TOOL, answer) for answer in answers[which : which + 1]]
    solution = string(row.get("solution"))
    if programs[-1:] != [solution]:
        steps.append(Step(Origin.AGENT, solution))
    return [step for step in steps if step.text.strip() or step.thought.strip()], notes
