"""SpreadsheetBench: what a runner and its graders write beside the logs of the agent.

Graders (`eval_official_results.json`, `eval_results.json`) say for each instance
whether it was done: labels and no runs, see `is_results`. The runner's own
`results.json` has the request and the agent's last answer but none of its
steps, so it is read only for instances without a log (formats/trace2skill.py).
Its `success` means that an output file was made: it is no label.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitskill.formats.loose import flag, items, mapping, mappings, number, string
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source, is_plain_name
from gitskill.outcome import Outcome, Status
from gitskill.trace import Origin, Step, Trace

NAME = "spreadsheetbench"

RESULTS = ("eval_official_results.json", "eval_results.json")
_PLACES = ("", "..", "../..")
_BESIDE = ("", "outputs", "output", "results", "outputs/spreadsheetbench")
"""Where the graders' file lies, seen from the folder of a log or one of the two above it."""
_LOGS = ("", "logs", "trajectories", "../logs", "../trajectories")
ONLY_ANSWER = "the runner's file holds the last answer only, not the steps"


@dataclass(frozen=True, slots=True)
class Graded:
    """What the graders say of one instance, and in which file."""

    outcome: Outcome
    path: Path


def is_results(document: Any) -> bool:
    """Tell whether a document is a graders' file: labels for runs that lie elsewhere."""
    rows = mappings(mapping(document).get("results"))
    return "summary" in mapping(document) and any("hard_score" in row or "soft_score" in row for row in rows[:50])


def graded(source: Source, instance: str) -> Graded | None:
    """Look for the label of an instance beside a file that tells of its run."""
    folder = source.path.parent
    seed = folder.name if folder.name.startswith("seed_") and is_plain_name(folder.name) else ""
    for up in _PLACES:
        for beside in _BESIDE:
            for last in dict.fromkeys((seed, "")):
                for name in RESULTS:
                    relative = "/".join(filter(None, (up, beside, last, name)))
                    if found := _row(source.beside(relative), instance):
                        return Graded(_outcome(found, name), Path(os.path.normpath(folder / relative)))
    return None


def _row(document: Any, instance: str) -> dict[str, Any] | None:
    if not is_results(document):
        return None
    return next((row for row in mappings(document["results"]) if string(row.get("id")) == instance), None)


def _outcome(row: dict[str, Any], name: str) -> Outcome:
    """Read the hard score; where grading itself failed there is none, and nothing is known of the agent."""
    for key in ("hard_score", "soft_score"):
        if (score := number(row.get(key))) is not None:
            return Outcome.scored(score, f"{name} {key}")
    if error := string(row.get("error")):
        return Outcome.broken(error, f"{name} error")
    success = flag(row.get("success"))
    return Outcome() if success is None else Outcome.judged(success, f"{name} success")


def recognise(source: Source) -> bool:
    """Look for the runner's results: an agent, and the instances with their test cases."""
    document = mapping(source.opening[0]) if source.opening and not source.is_lines else {}
    rows = mappings(document.get("results"))
    return {"agent_name", "model"} <= document.keys() and any(
        {"instruction", "test_cases"} <= row.keys() for row in rows
    )


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each test case that has an answer and no log of its own."""
    document = mapping(source.document)
    agent = string(document.get("agent_name"))
    for at, row in enumerate(items(document.get("results"))):
        place = f"[{at}]"
        if not isinstance(row, dict) or not isinstance(row.get("test_cases"), list):
            yield Refused("no list `test_cases` in this result", place)
        elif not _has_log(source, agent, string(row.get("id"))):
            yield from _readings(source, document, row, place)


def _has_log(source: Source, agent: str, instance: str) -> bool:
    stem = f"{agent}_{instance}"
    names = [f"{stem}{mark}.{suffix}" for mark in ("", "_SUCCEED", "_FAILED") for suffix in ("md", "jsonl")]
    folder = source.path.parent
    return is_plain_name(stem) and any((folder / each / name).is_file() for each in _LOGS for name in names)


def _readings(source: Source, document: dict[str, Any], row: dict[str, Any], place: str) -> Iterator[Reading]:
    instance = string(row.get("id"))
    label = graded(source, instance)
    for case in mappings(row["test_cases"]):
        answer, error = string(case.get("agent_answer")), string(case.get("error") or row.get("error"))
        if not answer.strip():
            continue
        trace = Trace(
            format=NAME,
            task=instance,
            request=string(row.get("instruction")),
            steps=(Step(Origin.USER, string(row.get("instruction"))), Step(Origin.AGENT, answer)),
            agent=string(document.get("agent_name")),
            model=string(document.get("model")),
            session="-".join(filter(None, (instance, string(case.get("input_file"))))),
            result=answer,
            error=error if is_exception(error) else "",
            notes=(ONLY_ANSWER,),
        )
        yield Reading(trace, settled(label.outcome if label else Outcome(), trace.error), place)


def is_exception(error: str) -> bool:
    """Tell whether something broke around the agent; a file that it did not make is its own failure."""
    return error.startswith("Exception during") or "Traceback (most recent call last)" in error


def settled(outcome: Outcome, error: str) -> Outcome:
    """Set aside a run that broke: unless it was found to be done all the same, its score says nothing."""
    if error and outcome.status is not Status.SUCCESS:
        return Outcome.broken(error.splitlines()[0], "error", reward=outcome.reward)
    return outcome
