"""What a model returns to an analyst, and how that becomes suggestions.

What pydantic writes about these shapes is sent: docstrings are short, and
defaults and limits, which not every endpoint takes, are left out of it, and so
are titles, which only repeat names.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from gitskill.analysts.suggestion import MOST, Suggestion
from gitskill.errors import InvalidInput
from gitskill.lesson import MAX_TITLE, Evidence
from gitskill.skill.anchors import NO_TEXT
from gitskill.skill.edits import Edit, parse_edits

Op = Literal[
    "append_to_section",
    "insert_after",
    "insert_before",
    "replace_in_section",
    "add_section",
    "delete_section",
    "create",
    "delete_file",
]

READ = 10
"""Lessons of one answer that are read. Those beyond `MOST` are refused, and not the run that they are about."""
TOO_MANY = "more than three lessons"
_LEFT_OUT = ("default", "maxItems", "title")
_KINDS = {kind.op: kind for kind in get_args(Edit)}


def _plain(schema: dict[str, Any]) -> None:
    for each in schema.get("properties", {}).values():
        for key in _LEFT_OUT:
            each.pop(key, None)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_plain)


class EditShape(_Shape):
    """A change to one file of the skill. Fields that its op does not need are empty."""

    op: Op
    file: str
    target_section: str = ""
    target_text: str = ""
    old_text: str = ""
    content: str = ""
    after_section: str = ""


class Quote(_Shape):
    """Text copied from a step of a run."""

    run: int = 1
    step: int
    text: str


class LessonShape(_Shape):
    """One rule, why it holds, and the edits that write it into the skill."""

    title: str
    cause: str
    rule: str
    evidence: list[Quote]
    edits: list[EditShape]
    critical: bool = False


class Lessons(_Shape):
    """At most three lessons, or none and the reason."""

    lessons: list[LessonShape] = Field(max_length=READ)
    reason: str = ""


class ReadSteps(_Shape):
    """Read steps of the run."""

    do: Literal["read_steps"]
    first: int
    last: int


class Search(_Shape):
    """Find a text in the run."""

    do: Literal["search"]
    text: str


class ReadSkill(_Shape):
    """Read a file of the skill."""

    do: Literal["read_skill"]
    file: str


class ReadArtifact(_Shape):
    """Read a file of the run, from a line on."""

    do: Literal["read_artifact"]
    name: str
    line: int = 1


class WriteFile(_Shape):
    """Write a file in the sandbox."""

    do: Literal["write_file"]
    name: str
    content: str


class RunCommand(_Shape):
    """Run a program in the sandbox; no shell reads the words."""

    do: Literal["run"]
    command: list[str]


class CheckFix(_Shape):
    """Have a mended file checked."""

    do: Literal["check_fix"]
    name: str


class Report(_Shape):
    """End: at most three lessons, or none and the reason."""

    do: Literal["report"]
    lessons: list[LessonShape] = Field(max_length=READ)
    reason: str = ""


Act = ReadSteps | Search | ReadSkill | ReadArtifact | WriteFile | RunCommand | CheckFix


class ReadingTurn(_Shape):
    """What to do next."""

    thought: str
    act: ReadSteps | Search | ReadSkill | ReadArtifact | Report


class TryingTurn(_Shape):
    """What to do next."""

    thought: str
    act: ReadSteps | Search | ReadSkill | ReadArtifact | WriteFile | RunCommand | Report


class CheckingTurn(_Shape):
    """What to do next."""

    thought: str
    act: ReadSteps | Search | ReadSkill | ReadArtifact | WriteFile | RunCommand | CheckFix | Report


Turn = ReadingTurn | TryingTurn | CheckingTurn


def suggestions(shapes: Sequence[LessonShape], read: Callable[[LessonShape], Suggestion]) -> list[Suggestion]:
    """Read the lessons of one answer, each to a suggestion; those beyond the most that one may have are refused."""
    found = [read(each) for each in shapes]
    return [*found[:MOST], *(replace(each, problem=TOO_MANY) for each in found[MOST:])]


def suggestion(shape: LessonShape, ids: Sequence[str], verified: str = "") -> Suggestion:
    """Read a lesson as a model wrote it about the runs `ids`. What is wrong with it becomes its `problem`."""
    title = " ".join(shape.title.split())
    evidence, problems = _evidence(shape.evidence, ids)
    if not title:
        problems.append("it has no title")
    if len(title) > MAX_TITLE:
        problems.append(f"the title has {len(title)} characters, at most {MAX_TITLE} fit")
    edits: tuple[Edit, ...] = ()
    try:
        edits = edits_of(shape.edits)
    except InvalidInput as error:
        problems.append(str(error))
    return Suggestion(title, shape.cause, shape.rule, evidence, edits, verified, shape.critical, "; ".join(problems))


def _evidence(quotes: Sequence[Quote], ids: Sequence[str]) -> tuple[tuple[Evidence, ...], list[str]]:
    """Say from which trace each quote is. Where there is one run, no number can name another."""
    found, problems = [], []
    for each in quotes:
        run = 1 if len(ids) == 1 else each.run
        if 1 <= run <= len(ids):
            found.append(Evidence(ids[run - 1], each.step, each.text))
        else:
            problems.append(f"it quotes run {each.run}, and the runs are 1 to {len(ids)}: {each.text[:100]!r}")
    if not quotes:
        problems.append("it quotes nothing as evidence")
    return tuple(found), problems


def edits_of(shapes: Sequence[EditShape]) -> tuple[Edit, ...]:
    """Read edits, or raise InvalidInput that names what is wrong with each."""
    if not shapes:
        raise InvalidInput("it has no edits")
    told = [_fields(shape) for shape in shapes]
    if problems := [f"edit {number}: {hidden}" for number, each in enumerate(told, 1) for hidden in _hidden(each)]:
        raise InvalidInput("; ".join(problems))
    return parse_edits(json.dumps(told, ensure_ascii=False))


def _hidden(told: Mapping[str, str]) -> Iterator[str]:
    """Name the control characters, which no file may have; a model that reads only `must be text` cannot mend it."""
    for name, text in told.items():
        if found := dict.fromkeys(NO_TEXT.findall(text)):
            yield f"the {name} hides {', '.join(f'U+{ord(char):04X}' for char in found)}"


def _fields(shape: EditShape) -> dict[str, str]:
    """Keep what the op needs, and what else it takes and is not empty: models fill in all that a schema has."""
    named = fields(_KINDS[shape.op])
    told = {each.name: str(getattr(shape, each.name)) for each in named if each.default is MISSING}
    more = {each.name: str(getattr(shape, each.name)) for each in named if getattr(shape, each.name)}
    return {"op": shape.op, **told, **more}
