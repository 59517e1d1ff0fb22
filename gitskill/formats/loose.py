"""What can be had out of JSON of unknown shape: each function takes anything and gives its type."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from gitskill.formats.parse import is_deep

_MILLISECONDS = 100_000_000_000
"""From here on a number of seconds would lie after the year 5000: it counts milliseconds."""


def mapping(value: Any) -> dict[str, Any]:
    """Give an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Give a list, or an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[dict[str, Any]]:
    """Give the objects in a list; an object that names others instead gives those it names."""
    return [item for item in (value if isinstance(value, list) else []) if isinstance(item, dict)]


def string(value: Any) -> str:
    """Give a string; a number as it is written; of anything else nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def text(value: Any) -> str:
    """Give the text of a message's content: a string, or parts one after the other, or else JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(part for part in map(_part, value) if part)
    return _part(value)


def _part(value: Any) -> str:
    if not isinstance(value, dict):
        return text(value) if isinstance(value, str | list) else "" if value is None else written(value)
    for key in ("text", "content", "input_text", "output_text", "refusal"):
        if isinstance(value.get(key), str | list):
            return text(value[key])
    kind = string(value.get("type"))
    if "image" in kind or "audio" in kind or "file" in kind or "document" in kind:
        return f"[{kind}]"
    return written(value)


def written(value: Any) -> str:
    """Write a value as text: a string as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def unpacked(value: Any) -> Any:
    """Read the JSON inside a string, as models send arguments; what is none stays as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        found = json.loads(value, parse_constant=str)
    except (ValueError, RecursionError):
        return value
    return value if is_deep(found) else found


def number(value: Any) -> float | None:
    """Give a finite number, also one written as text; None for all else. True is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: Any) -> int | None:
    """Give a whole number that is not negative, also one written as text or as a float."""
    found = number(value)
    return int(found) if found is not None and 0 <= found < 1e15 else None


def flag(value: Any) -> bool | None:
    """Give true or false; None for all else."""
    return value if isinstance(value, bool) else None


def moment(value: Any) -> str:
    """Give a time as ISO 8601 in UTC, from such a text or from (milli)seconds since 1970; else nothing."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            found = datetime.fromisoformat(value)
        elif (seconds := number(value)) is not None and seconds > 0:
            found = datetime.fromtimestamp(seconds / 1000 if seconds > _MILLISECONDS else seconds, UTC)
        else:
            return ""
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
