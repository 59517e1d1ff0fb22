"""OpenHands before its SDK: `output.jsonl` of an evaluation or of the resolver, and a run's events alone.

Upstream: All-Hands-AI/OpenHands, `openhands/events/serialization/event.py`. Events alone are a list (a trajectory), or
lie in `sessions/<session>/events/<number>.json`, which is read from `0.json`. The label is in the row (see
`openhands_rows.py`), events alone have none. The trap: old histories are pairs of an action and its observation without
ids, and what the agent said and used is repeated with each of the calls that one answer of the model had.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gitskill.formats.inner.openhands_folder import event_files, events_in, folder_reading
from gitskill.formats.inner.openhands_history import history_of, is_event
from gitskill.formats.inner.openhands_rows import is_row, reading_of, row_reading
from gitskill.formats.inner.openhands_sdk_events import is_sdk_row
from gitskill.formats.loose import items, mapping
from gitskill.formats.reading import Reading, Refused, per_row
from gitskill.formats.source import Source

NAME = "openhands"

_FEW = 3
_EVENT_FILE = re.compile(r"(\d{1,9})\.json")
_FIRST = "0.json"


def recognise(source: Source) -> bool:
    """Look for rows with a history, or for events; those of the SDK are another format."""
    opening = source.opening
    if any(map(is_row, opening)):
        return not any(map(is_sdk_row, opening))
    first = [event for item in _events(opening)[:_FEW] for event in (item if isinstance(item, list) else [item])]
    if not first or not all(map(is_event, first)):
        return False
    return not _is_one_event(source) or source.path.name == _FIRST


def _is_one_event(source: Source) -> bool:
    return not source.is_lines and is_event(source.document)


def _events(opening: list[Any]) -> list[Any]:
    """Give the events of a trajectory, also as the server wraps them."""
    return items(mapping(opening[0]).get("trajectory")) or opening if opening else []


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each row, or the one that a list of events tells of."""
    if any(map(is_row, source.opening)):
        yield from per_row(source, _row)
    elif _is_one_event(source):
        yield _folder(source)
    else:
        yield reading_of(NAME, history_of(_events([event for _, event in source.records()])))


def _folder(source: Source) -> Reading:
    """Read a session from its first event."""
    folder = source.path.parent
    files = event_files(folder, _EVENT_FILE)
    events, complaints = events_in(files, source.notes)
    history = replace(history_of(events), session=folder.parent.name)
    others = [path for path in files if path != source.path]
    return folder_reading(NAME, history, complaints, [*others, folder.parent / "event_cache"])


def _row(row: Any, place: str) -> Reading | Refused:
    if not is_row(row):
        return Refused("neither a history nor an error in this row", place)
    return row_reading(NAME, row, history_of(items(row.get("history"))), place)
