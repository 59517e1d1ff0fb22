"""Frozen values as JSON, and back. What is empty is left out; reading is strict and says where it failed."""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from gitskill.errors import InvalidInput


def canonical(document: Mapping[str, Any]) -> bytes:
    """Write JSON so that equal documents are equal bytes."""
    try:
        text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:  # a number such as 1e999 in the arguments of a call
        text = json.dumps(_finite(document), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"{text}\n".encode(errors="replace")


def dump(value: Any) -> Any:
    """Write a value as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: dump(found) for name, empty in _shape(type(value)) if (found := getattr(value, name)) != empty}
    return [dump(item) for item in value] if isinstance(value, tuple) else value


@cache
def _shape(kind: type) -> tuple[tuple[str, Any], ...]:
    """Give each field with the value that goes without saying."""
    return tuple((each.name, each.default) for each in fields(kind))


def load(hint: Any, value: Any, where: str = "") -> Any:
    """Read `value` as what `hint` says, or raise InvalidInput that names the place."""
    kind = get_origin(hint)
    if hint is Any:
        return value
    if kind is types.UnionType:
        return None if value is None else load(get_args(hint)[0], value, where)
    if kind is tuple:
        if not isinstance(value, list):
            raise _wrong(where, "a list", value)
        return tuple(load(get_args(hint)[0], item, f"{where}[{at}]") for at, item in enumerate(value))
    if is_dataclass(hint):
        return _object(hint, value, where)
    return _plain(hint, value, where)


def _object(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    hints = _hints(kind)
    dot = f"{where}." if where else ""
    for key in value:
        if key not in hints:
            close = get_close_matches(key, hints, 1)
            raise InvalidInput(f"{dot}{key} is no key of a trace", hint=f"did you mean {close[0]}?" if close else "")
    for each in fields(kind):
        if each.default is MISSING and each.name not in value:
            raise InvalidInput(f"{dot}{each.name} is missing")
    return kind(**{key: load(hints[key], item, dot + key) for key, item in value.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _plain(hint: Any, value: Any, where: str) -> Any:
    if issubclass(hint, StrEnum):
        if not isinstance(value, str) or value not in set(hint):
            raise InvalidInput(f"{where} is {value!r}, not one of {', '.join(hint)}")
        return hint(value)
    is_number = hint is float and type(value) is int
    if type(value) is not hint and not is_number:
        raise _wrong(where, _NAMES[hint], value)
    if hint is float:
        return _finite_number(value, where)
    return value


def _finite_number(value: float, where: str) -> float:
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise _wrong(where, "a finite number", value)
    return found


def _wrong(where: str, wanted: str, value: Any) -> InvalidInput:
    return InvalidInput(f"{where or 'the document'} is {json.dumps(value)[:40]}, not {wanted}")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
