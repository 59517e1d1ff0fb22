"""Labels that a person brings along: a file that says of runs how they ended."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import StringIO
from typing import Any

from gitskill.errors import InvalidInput
from gitskill.outcome import Outcome

KEYS = ("trace", "id", "path", "file", "session", "session_id", "task", "task_id", "instance_id", "name")
"""What a row may name a run by; the first one that it has counts."""

VERDICTS = ("outcome", "status", "label", "success", "resolved", "passed", "is_solved", "is_correct", "result")
REWARDS = ("reward", "score")

_ID = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Labels:
    """Outcomes by what names a run: the trace's id, its session, its file or its task."""

    outcomes: Mapping[str, Outcome]
    used: set[str] = field(default_factory=set)

    @cached_property
    def _lengths(self) -> list[int]:
        """How much of an id the names give that look like one."""
        return sorted({len(name) for name in self.outcomes if _ID.fullmatch(name)}, reverse=True)

    def find(self, trace: str, names: Iterable[str]) -> Outcome | None:
        """Give the label of the trace with this id and these names, the closest name first."""
        for name in (*(trace[:length] for length in self._lengths), *names):
            if name in self.outcomes:
                self.used.add(name)
                return self.outcomes[name]
        return None

    @property
    def unused(self) -> list[str]:
        """The names that no run had."""
        return sorted(self.outcomes.keys() - self.used)


def parse_labels(text: str, source: str, *, threshold: float = 1.0, who: str = "") -> Labels:
    """Read labels from JSON, JSON lines or CSV, or raise InvalidInput that names the row."""
    outcomes: dict[str, Outcome] = {}
    for number, (name, row) in enumerate(_rows(text.removeprefix("\ufeff"), source), start=1):
        where = f"{source}, label {number}"
        if not name:
            raise InvalidInput(f"{where} names no run: it has none of {', '.join(KEYS)}")
        found = _outcome(row, source, threshold)
        if found is None:
            raise InvalidInput(f"{where} ({name}) has no outcome that can be read", hint=_HINT)
        found = replace(found, who=who)
        if outcomes.setdefault(name, found) != found:
            raise InvalidInput(f"{where}: {name} was labelled {outcomes[name].status} before")
    if not outcomes:
        raise InvalidInput(f"{source} holds no labels")
    return Labels(outcomes)


_HINT = "outcome: success, failure, infra_error or unlabelled; or reward: a number"


def _rows(text: str, source: str) -> Iterator[tuple[str, Any]]:
    """Give each row as the name of its run and what it says of it."""
    if not text.lstrip().startswith(("{", "[")):
        yield from _table(text)
        return
    for value in _values(text, source):
        if isinstance(value, list):
            yield from map(_named, value)
        elif isinstance(value, dict) and not any(key in value for key in KEYS):
            yield from value.items()
        else:
            yield _named(value)


def _values(text: str, source: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        lines = enumerate(text.split("\n"), start=1)  # then it is JSON line by line, or not at all
    return [_value(line, f"{source} line {number}") for number, line in lines if line.strip()]


def _value(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where} is not JSON: {error}") from error


def _table(text: str) -> Iterator[tuple[str, Any]]:
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    try:
        for row in csv.DictReader(StringIO(text, newline=""), delimiter=delimiter):
            yield _named({str(key).strip().lower(): value for key, value in row.items()})
    except csv.Error as error:
        raise InvalidInput(f"the table of labels cannot be read: {error}") from error


def _named(row: Any) -> tuple[str, Any]:
    if not isinstance(row, dict):
        return "", row
    name = next((row[key] for key in KEYS if row.get(key) not in (None, "")), "")
    return str(name), row


def _outcome(row: Any, source: str, threshold: float) -> Outcome | None:
    if not isinstance(row, dict):
        return Outcome.told(row, source, threshold=threshold)
    verdict = next((row[key] for key in VERDICTS if row.get(key) not in (None, "")), None)
    reward = next((row[key] for key in REWARDS if row.get(key) not in (None, "")), None)
    scored = Outcome.told(reward, source, threshold=threshold) if reward is not None else None
    judged = Outcome.told(verdict, source, threshold=threshold) if verdict is not None else None
    if (reward is not None and scored is None) or (verdict is not None and judged is None):
        return None
    if judged is not None and scored is not None:
        return replace(judged, reward=scored.reward, threshold=scored.threshold)
    return judged or scored
