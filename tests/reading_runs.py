"""Reading runs in tests, as `traces add` reads them: recognise, then read."""

import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

from conftest import SHARED
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Status

RUNS = SHARED / "trajectories"
"""Real runs, outside the repository."""

FIXTURES = Path(__file__).parent / "runs"
"""Runs that were made for a test, where there is no real one."""


def readings(module: ModuleType, path: Path) -> list[Reading]:
    """Read a file of which nothing may be refused, and which the format must know as its own."""
    source = Source(path)
    assert module.recognise(source)
    found = list(module.read(source))
    assert [item for item in found if isinstance(item, Refused)] == []
    return [item for item in found if isinstance(item, Reading)]


def outcomes(found: list[Reading]) -> Counter[Status]:
    """Count how the runs ended."""
    return Counter(item.outcome.status for item in found)


def written(path: Path, *records: Any) -> Path:
    """Write records as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
