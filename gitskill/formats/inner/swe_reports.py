"""SWE-bench style reports: whether the patch of a run resolved its issue. No runs, but the label of runs.

Graders write them apart from the agent, beside its logs: a `report.json` for
each instance, and a summary with lists of instances. Each grader has its own
shape. The trap: above a log lie the reports of other runs and models too, so a
report counts only where it names the instance, and several that disagree
label nothing.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from gitskill.formats.inner.folder import MOST, ending, files, folders, within
from gitskill.formats.loose import flag, items, mapping, mappings
from gitskill.formats.parse import Damaged
from gitskill.formats.source import Source, is_plain_name
from gitskill.outcome import UNLABELLED, Outcome, Status

_LEVELS = 4
"""Folders that are searched: the log's own, and three above it."""

_GRADED = ("logs", "run_evaluation", "logs/run_evaluation", "evaluation", "reports", "eval")
"""Where graders put a folder for each instance, or for each run and in it for each instance."""

_SUMMARIES = ("report.json", "final_report.json", "results.json", "results/results.json", "preds.json")

_LARGEST = 8_000_000
_FEW = 10
"""In a folder with more JSON files than this, none is a summary with a name of its own."""

_SUCCESS = ("resolved", "resolved_per_project")
_FAILURE = ("unresolved", "empty_patch", "no_generation", "not_generated", "none", "no_apply")
_BROKEN = ("error", "no_logs", "install_fail", "reset_failed")
_SITE = {"resolved", "no_generation", "no_logs"}
"""All that a summary of a submission to SWE-bench's site has: what it does not name was graded, and failed."""
_GRADED_AT_ALL = ("completed", "applied", "with_logs", "generated")

_RUN_KEYS = {"messages", "trajectory", "history", "steps", "results", "attempts"}


def label(source: Source, instance: str) -> Outcome:
    """Find what a report beside a log says of its instance; UNLABELLED where there is none."""
    if not is_plain_name(instance):
        return UNLABELLED
    return next(_verdicts(source.path.absolute(), instance), UNLABELLED)


def outcome(source: Source, instance: str, broken: str, where: str) -> Outcome:
    """Label a run by its report, or as broken for the reason given, if no report calls it a success."""
    found = label(source, instance)
    return Outcome.broken(broken, where) if broken and found.status is not Status.SUCCESS else found


def is_report(document: Any) -> bool:
    """Tell a report, a summary of reports or a file of predictions from a run."""
    if isinstance(document, list):
        return bool(document) and all(_is_prediction(item) or _is_card(item) for item in document)
    whole = mapping(document)
    if not whole or _RUN_KEYS & whole.keys():
        return False
    if flag(whole.get("resolved")) is not None:
        return True
    if any({f"{stem}_ids", f"ids_{stem}"} & whole.keys() for stem in ("resolved", "unresolved")):
        return True
    if isinstance(whole.get("resolved"), list) and len(whole) > 1:
        return True
    return all(_is_prediction(item) or flag(mapping(item).get("resolved")) is not None for item in whole.values())


def _is_prediction(item: Any) -> bool:
    return "model_patch" in mapping(item) and not _RUN_KEYS & item.keys()


def _is_card(item: Any) -> bool:
    """Tell what the grader of SWE-agent 0.x wrote of an instance."""
    return {"instance_id", "statuses"} <= mapping(item).keys() and not _RUN_KEYS & item.keys()


def _verdicts(path: Path, instance: str) -> Iterator[Outcome]:
    """Give what is said of the instance: by reports on it alone first, by what is near before what is far."""
    levels = list(path.parents)[:_LEVELS]
    yield from _said(within(levels[0], "report.json"), instance, alone=True)
    for level in levels:
        yield from _reports(level, instance, set(path.parts))
    for level in levels:
        for name in _SUMMARIES:
            yield from _said(within(level, name), instance)
        yield from _named_otherwise(level, path, instance)


def _named_otherwise(level: Path, path: Path, instance: str) -> Iterator[Outcome]:
    """Read summaries that are named by model and run."""
    known = {path.name, *_SUMMARIES}
    others = [other for other in files(level) if other.suffix == ".json" and other.name not in known]
    if len(others) <= _FEW:
        found = [(set(other.stem.split(".")), said) for other in others for said in _said(other, instance)]
        yield from _agreed(found, set(path.parts))


def _reports(level: Path, instance: str, own: set[str]) -> Iterator[Outcome]:
    """Give the verdict of the reports on one instance in the places of one folder."""
    for base in filter(None, (within(level, name) for name in _GRADED)):
        yield from _said(within(base, f"{instance}/report.json"), instance, alone=True)
        runs = folders(base)
        models = islice((model for run in runs for model in folders(run)), MOST)
        yield from _agreed([*_of_runs(base, runs, instance)] or [*_of_runs(base, models, instance)], own)


def _of_runs(base: Path, runs: Iterable[Path], instance: str) -> Iterator[tuple[set[str], Outcome]]:
    for run in runs:
        for said in _said(within(run, f"{instance}/report.json"), instance, alone=True):
            yield set(run.relative_to(base).parts), said


def _agreed(found: list[tuple[set[str], Outcome]], own: set[str]) -> Iterator[Outcome]:
    """Give the one verdict of several runs: of those that share a name with the log's own path, if there are any."""
    said = [verdict for names, verdict in found if names & own] or [verdict for _, verdict in found]
    if len({verdict.status for verdict in said}) == 1:
        yield said[0]
    elif said:
        yield Outcome(note=f"{len(said)} reports of different runs disagree on it")


def _said(path: Path | None, instance: str, *, alone: bool = False) -> Iterator[Outcome]:
    """Give what a file says of an instance, if anything. `alone`: it need not name the instance."""
    if path is None:
        return
    if not (document := _document(path, "" if alone else instance)):
        yield from _unnamed(path)
        return
    own = mapping(document.get(instance)) or (document if alone else {})
    if (resolved := flag(own.get("resolved"))) is not None:
        yield Outcome.judged(resolved, f"{path.name} resolved")
    else:
        yield from _listed(document, instance, path.name)


def _unnamed(path: Path) -> Iterator[Outcome]:
    """Tell of an instance that a summary does not name: that of SWE-bench's own site lists no failures."""
    whole = _document(path, "") if path.name == "results.json" else {}
    if whole.keys() == _SITE and whole["resolved"]:
        yield Outcome.judged(False, f"{path.name}: not among the resolved")


def _document(path: Path, instance: str) -> dict[str, Any]:
    """Read a small JSON object that speaks of the instance at all: its bytes are searched before they are parsed."""
    data = ending(path, _LARGEST)
    if len(data) == _LARGEST or b"resolved" not in data or instance.encode() not in data:
        return {}
    try:
        return mapping(Source(path).document)
    except Damaged:
        return {}


def _listed(summary: dict[str, Any], instance: str, name: str) -> Iterator[Outcome]:
    """Read the lists of a summary. An instance in the list of errors alone was never graded."""
    for stems, status in ((_SUCCESS, Status.SUCCESS), (_FAILURE, Status.FAILURE), (_BROKEN, Status.INFRA_ERROR)):
        if key := _listing(summary, stems, instance):
            note = "the grader failed on it" if status is Status.INFRA_ERROR else ""
            yield Outcome(status, source=f"{name} {key}", note=note)
            return
    if _listing(summary, _GRADED_AT_ALL, instance):
        yield Outcome.judged(False, f"{name}: not among the resolved")


def _listing(summary: dict[str, Any], stems: tuple[str, ...], instance: str) -> str:
    """Name the list that the instance is in."""
    keys = (key for stem in stems for key in (f"{stem}_ids", f"ids_{stem}", stem))
    return next((key for key in keys if _holds(summary.get(key), instance)), "")


def _holds(names: Any, instance: str) -> bool:
    """Search a list of names, or such lists by project."""
    if isinstance(names, dict):
        return any(instance in items(listed) for listed in names.values())
    return instance in items(names) or any(item.get("instance_id") == instance for item in mappings(names))
