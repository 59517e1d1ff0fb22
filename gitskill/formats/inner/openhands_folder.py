"""A conversation of OpenHands that lies in a folder, with one event in each file."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from gitskill.formats.inner.openhands_rows import History, reading_of
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading
from gitskill.formats.source import Source

_SHOWN = 5


def event_files(folder: Path, name: re.Pattern[str]) -> list[Path]:
    """List the files with events by the number in their names; a folder that cannot be listed is as good as empty."""
    try:
        entries = [] if folder.is_symlink() else list(os.scandir(folder))
    except OSError:
        return []
    named = [(match, entry) for entry in entries if (match := name.fullmatch(entry.name))]
    found = sorted((int(match[1]), entry.name) for match, entry in named if entry.is_file(follow_symlinks=False))
    return [folder / name for _, name in found]


def events_in(files: list[Path], notes: set[str]) -> tuple[list[Any], list[str]]:
    """Read events, and say which could not be read; what is odd about a file is added to `notes`."""
    events, damaged = [], []
    for path in files:
        source = Source(path)
        try:
            events.append(source.document)
        except Damaged as error:
            damaged.append(f"{path.name}: {error}")
        notes |= source.notes
    shown = "; ".join(damaged[:_SHOWN]) + ("; ..." if len(damaged) > _SHOWN else "")
    return events, [f"events that could not be read ({len(damaged)}): {shown}"] if damaged else []


def folder_reading(name: str, history: History, complaints: list[str], parts: list[Path]) -> Reading:
    """Give the run of a folder, with all that belongs to it."""
    told = replace(history, notes=(*history.notes, *complaints))
    return replace(
        reading_of(name, told), parts=tuple(path for path in parts if path.exists() and not path.is_symlink())
    )
