"""Traces as plans and analysts get them, out of the store."""

from collections.abc import Iterable
from dataclasses import replace

from gitskill.analysts.draft import Studied
from gitskill.analysts.offline.suggest import signature
from gitskill.outcome import Outcome, Status
from gitskill.plan import Material
from gitskill.store.traces import Entry, parse


def studied(entry: Entry, data: bytes, status: Status | None = None) -> Studied:
    """Give a run to an analyst, with the task that counts, and with the outcome that a plan froze for it."""
    is_other = status is not None and entry.outcome.status is not status
    outcome = Outcome(status) if status is not None and is_other else entry.outcome
    return Studied(entry.trace, replace(parse(data), task=entry.task), outcome)


def materials(traces: Iterable[tuple[Entry, bytes]]) -> list[Material]:
    """Look at every trace: its size, its main error, and whether another one is the same run in another format."""
    found = [
        (entry, Material(entry.trace, entry.task, entry.outcome.status, len(data), signature(studied(entry, data))))
        for entry, data in traces
    ]
    first: dict[str, Entry] = {}
    for entry, _ in sorted(found, key=lambda pair: _rank(pair[0])):
        if entry.calls:
            first.setdefault(entry.calls, entry)
    return [replace(material, twin=_twin(entry, first.get(entry.calls, entry))) for entry, material in found]


def _rank(entry: Entry) -> tuple[bool, str]:
    """Put what has an outcome first: of two logs of one run, that one is studied."""
    return entry.outcome.status not in {Status.SUCCESS, Status.FAILURE}, entry.trace


def _twin(entry: Entry, first: Entry) -> str:
    return "" if first.format == entry.format else first.trace
