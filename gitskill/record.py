"""The release record: what a tag says of its version, as canonical YAML below the tag's subject.

Each record holds the hash of the message of the tag before it, so that the
versions of a skill are a chain: none can be taken out of it or put into it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, RunId
from gitskill.skill import safe_yaml
from gitskill.version import Version

_FORMAT = "1"
_MARK = "gitskill: "
_NOTHING = "null"


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run came to."""

    traces: int = 0
    """Those that were studied."""
    proposed: int = 0
    """The sum of the other five."""
    merged: int = 0
    folded: int = 0
    dropped: int = 0
    held: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a skill, and where it is from. Empty is what does not apply."""

    version: Version
    skill: str
    """The skill's folder."""
    commit: CommitId
    tree: str
    """The id of the skill's files as a git tree; of a skill at the root, of its own files alone."""
    base: str = ""
    """The tag of the version that the run stands on."""
    runs: tuple[RunId, ...] = ()
    models: tuple[str, ...] = ()
    """Who proposed the lessons: models, `offline`, `person`."""
    counts: Counts = Counts()
    rollback: str = ""
    """The tag whose text this version brings back."""
    previous_tag: str = ""
    """The tag before this one in its history."""
    previous: str = ""
    """The SHA-256 of that tag's message without its signature."""

    def message(self, subject: str) -> str:
        """Write the tag's message: the same record is the same bytes."""
        return f"{subject}\n\n" + "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{_MARK}{_FORMAT}"
        yield f"version: {_quoted(str(self.version))}"
        yield f"skill: {_quoted(self.skill)}"
        yield f"commit: {_quoted(self.commit)}"
        yield f"tree: {_quoted(self.tree)}"
        yield f"base: {_quoted(self.base) if self.base else _NOTHING}"
        yield f"runs: [{', '.join(_quoted(str(run)) for run in self.runs)}]"
        yield f"models: [{', '.join(map(_quoted, self.models))}]"
        yield "counts:"
        for each in fields(Counts):
            yield f"  {each.name}: {getattr(self.counts, each.name)}"
        yield f"gate: {_NOTHING}"
        yield f"rollback: {_quoted(self.rollback) if self.rollback else _NOTHING}"
        yield f"previous_tag: {_quoted(self.previous_tag) if self.previous_tag else _NOTHING}"
        yield f"previous: {_quoted(self.previous) if self.previous else _NOTHING}"

    @classmethod
    def read(cls, message: str) -> Self | None:
        """Read the record of a tag's message. None where it has none; InvalidInput where it has, and it is damaged."""
        body = message.partition("\n\n")[2]
        if not body.startswith(_MARK):
            return None
        found = safe_yaml.load(body)
        if not isinstance(found, dict):
            raise InvalidInput("the record is no mapping")
        if found["gitskill"] != _FORMAT:
            raise InvalidInput("the record was written by a newer gitskill")
        version = Version.read(_text(found, "version"))
        if version is None:
            raise InvalidInput("the record has no version")
        return cls(
            version=version,
            skill=_text(found, "skill"),
            commit=CommitId(_text(found, "commit")),
            tree=_text(found, "tree"),
            base=_optional(found, "base"),
            runs=tuple(RunId.parse(run) for run in _texts(found, "runs")),
            models=_texts(found, "models"),
            counts=_counts(found.get("counts")),
            rollback=_optional(found, "rollback"),
            previous_tag=_optional(found, "previous_tag"),
            previous=_optional(found, "previous"),
        )


def _quoted(text: str) -> str:
    # A JSON string is a YAML string whatever it holds: no word in it is taken for a number or a date.
    return json.dumps(text)


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key, "")
    if not isinstance(value, str):
        raise InvalidInput(f"{key} in the record is no text")
    return value


def _optional(found: Mapping[str, Any], key: str) -> str:
    value = _text(found, key)
    return "" if value == _NOTHING else value


def _texts(found: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = found.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidInput(f"{key} in the record is no list of texts")
    return tuple(values)


def _counts(found: object) -> Counts:
    values = found if isinstance(found, dict) else {}
    told = {each.name: values.get(each.name, "0") for each in fields(Counts)}
    if wrong := [name for name, value in told.items() if not (str(value).isascii() and str(value).isdecimal())]:
        raise InvalidInput(f"{wrong[0]} in the record is no number")
    return Counts(**{name: int(str(value)[:9]) for name, value in told.items()})
