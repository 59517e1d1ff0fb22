"""OpenHands' SDK: a conversation's folder, its events as lines, or rows with one run each.

Upstream: OpenHands/software-agent-sdk, `conversation/persistence_const.py`: `<id>/base_state.json` and
`<id>/events/event-00000-<uuid>.json`; OpenHands/benchmarks for the rows. The label: in rows only (see
`openhands_rows.py`). The trap: what the run used is told as a running sum, by each use of a model.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gitskill.formats.inner.openhands_folder import event_files, events_in, folder_reading
from gitskill.formats.inner.openhands_rows import is_row, reading_of, row_reading
from gitskill.formats.inner.openhands_sdk_events import is_sdk_event, is_sdk_row, sdk_history
from gitskill.formats.loose import items, mapping
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused, per_row
from gitskill.formats.source import Source

NAME = "openhands-sdk"

_STATE = "base_state.json"
_EVENTS = "events"
_EVENT_FILE = re.compile(r"event-(\d{5,12})-[0-9A-Za-z-]{1,80}\.json")


def recognise(source: Source) -> bool:
    """Look for events, rows with events, or a conversation's state with its events beside it."""
    if match := _EVENT_FILE.fullmatch(source.path.name):
        return int(match[1]) == 0 and not _has_state(source.path) and is_sdk_event(source.document)
    opening = source.opening
    if any(map(is_row, opening)):
        return any(map(is_sdk_row, opening))
    if opening and not source.is_lines and _is_state(opening[0]):
        return bool(event_files(source.path.parent / _EVENTS, _EVENT_FILE))
    return any(map(is_sdk_event, opening))


def _is_state(value: Any) -> bool:
    state = mapping(value)
    about = {"workspace", "persistence_dir", "stats", "execution_status", "agent_status", "max_iterations"}
    return isinstance(state.get("id"), str) and isinstance(state.get("agent"), dict) and bool(about & state.keys())


def _has_state(event: Path) -> bool:
    """Tell whether the conversation of an event is read from its state."""
    try:
        return event.parent.name == _EVENTS and _is_state(Source(event.parent.parent / _STATE).document)
    except Damaged:
        return False


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each row, or the one that the events tell of."""
    if _EVENT_FILE.fullmatch(source.path.name):
        yield _folder(source, {}, source.path.parent)
    elif any(map(is_row, source.opening)):
        yield from per_row(source, _row)
    elif not source.is_lines and _is_state(source.document):
        yield _folder(source, mapping(source.document), source.path.parent / _EVENTS)
    else:
        yield reading_of(NAME, sdk_history((event for _, event in source.records()), {}))


def _row(row: Any, place: str) -> Reading | Refused:
    if not is_row(row):
        return Refused("neither a history nor an error in this row", place)
    return row_reading(NAME, row, sdk_history(items(row.get("history")), {}), place)


def _folder(source: Source, state: dict[str, Any], folder: Path) -> Reading:
    """Read a conversation from its state, or from its first event."""
    files = event_files(folder, _EVENT_FILE)
    events, complaints = events_in(files, source.notes)
    parts = [folder, folder.parent / "observations"] if state else [path for path in files if path != source.path]
    return folder_reading(NAME, sdk_history(events, state), complaints, parts)
