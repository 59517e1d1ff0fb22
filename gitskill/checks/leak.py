"""What belongs to one task and is no use to the next: its id, its answer, the names of its files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gitskill.checks.finding import Finding, Level
from gitskill.checks.secrets import ChangedFile, changed_files
from gitskill.checks.task_files import TaskFiles, paths_in, suffixes, words
from gitskill.skill.snapshot import Skill
from gitskill.trace import Trace
from gitskill.visible import visible

CHECK = "leak"
_SHOWN = 80


# ids of tasks
_SHORT_ID, _SHORT_NUMBER, _LONG_ID, _MAX_ID = 4, 6, 20, 200
_RARE_NUMBER = re.compile(r"(?<!\d)(?=\d*[1-9]\d{0,2}(?!\d))\d{5,}(?!\d)")
"""The number of an issue or a record: long, and not round."""
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_COMMON = words("example level page part phase python section sheet step task test utf version")
"""What is counted in any text: `step-1` need not be a task."""

# answers
_MIN_ANSWER, _MAX_ANSWER, _MIN_COMMAND = 6, 200, 20
_TAIL = 1000
"""How much of a long last word is searched for an answer; it is more than an answer may have."""
_LAST = re.compile(r"\banswer(?: is)?\s*:?\s*(\S[^\n]*)\s*$", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{([^{}]+)\}")
_WRAPPED = re.compile(r"([\"'`*]{1,3})(.+)\1", re.DOTALL)
_CODE = re.compile(r"[|<>{}\[\]$\\/=*_`~^@#]|(?:^|\s)--?[A-Za-z]")
_INNER_CAPITAL = re.compile(r"[a-z][A-Z]")


@dataclass(frozen=True, slots=True)
class Source:
    """A run that a lesson was made from, as the checks see it."""

    trace: Trace
    task: str
    """The task's id as the run's plan has it; empty where nobody knows it."""
    solved: bool = False
    """The run is labelled a success: what it submitted is the task's answer."""


@dataclass(frozen=True, slots=True)
class _Told:
    """One text that a lesson adds, and where it stands."""

    text: str
    path: str = ""
    numbers: tuple[int, ...] = ()
    """The number of each of its lines in the file."""

    def finding(self, at: int, what: str, level: Level = Level.INVALID) -> Finding:
        line = self.numbers[self.text.count("\n", 0, at)] if self.numbers else None
        return Finding(CHECK, level, self.path, line, what)


def leak_findings(
    base: Skill, skill: Skill, texts: Mapping[str, str], sources: Iterable[Source]
) -> tuple[Finding, ...]:
    """Refuse what belongs to the tasks of `sources` in what `skill` adds to `base`, and in the named `texts`.

    That is a task's id, the answer of a run that solved it, and the names of
    its files. What the base says already is no finding. A name that may well
    be anybody's is a warning, or none.
    """
    told = [
        *map(_added, changed_files(base, skill)),
        *(_Told(path, path) for path in sorted(skill.files.keys() - base.files.keys())),
        *(_Told(text) for text in texts.values()),
    ]
    known = _said(base)
    found: list[Finding] = []
    for source in sources:
        for what, pattern in (*_ids(source), *_answers(source)):
            if not pattern.search(known):
                found += [each.finding(m.start(), what) for each in told for m in pattern.finditer(each.text)]
        names = TaskFiles(source.trace)
        for each in told:
            found += _named(each, names, known, base)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4)
def _said(base: Skill) -> str:
    return "\n".join([*base.files, *(data.decode("utf-8", "replace") for data in base.files.values())])


def _added(changed: ChangedFile) -> _Told:
    numbers = sorted(changed.added)
    text = "\n".join(changed.lines[number] for number in numbers)
    return _Told(text, changed.path, tuple(number + 1 for number in numbers))


def _ids(source: Source) -> Iterator[tuple[str, re.Pattern[str]]]:
    for task in dict.fromkeys((source.task.strip(), source.trace.task.strip())):
        what = f"holds the id of its task: {_shown(task)}"
        parts = _PARTS.findall(task)
        if len(task) > _MAX_ID:
            continue
        if _is_telling(task, parts):
            body = _id_pattern(parts) if any(map(str.isdigit, parts)) else _spaced(task)
            yield what, re.compile(rf"(?<![^\W_]){body}(?![^\W_])", re.IGNORECASE)
        for number in _RARE_NUMBER.findall(task):
            yield what, re.compile(rf"(?<![\w.,]){number}(?![\w]|[.,]\d)")


def _id_pattern(parts: list[str]) -> str:
    """Write an id with a digit in it as a pattern; however its parts are joined, it is told from prose.

    A space may stand in it only where it is long: `case 4` is prose.
    """
    is_long = len(parts) > 2 or any(part.isdigit() and len(part) > 2 for part in parts)
    between = r"[-\s_.:#/\\]{0,4}" if is_long else r"[-_.:#/\\]{0,4}"
    return between.join(map(re.escape, parts))


def _is_telling(task: str, parts: list[str]) -> bool:
    """Tell whether a text that holds this id can hardly mean anything else."""
    letters = [part.lower() for part in parts if not part.isdigit()]
    digits = "".join(part for part in parts if part.isdigit())
    if not digits:
        return len(task) >= _LONG_ID and len(parts) > 1
    if not letters:
        return len(parts) > 1 and len(task) >= _SHORT_NUMBER
    is_counted = len(digits) <= 2 and len(letters) == 1 and (letters[0] in _COMMON or len(letters[0]) == 1)
    return len(task) >= _SHORT_ID and not is_counted


def _answers(source: Source) -> Iterator[tuple[str, re.Pattern[str]]]:
    result = source.trace.result.strip()[-_TAIL:] if source.solved else ""
    found = [result, *(match[1] for match in (_LAST.search(result), *_BOXED.finditer(result)) if match)]
    for raw in dict.fromkeys(found):
        wrapped = _WRAPPED.fullmatch(raw.strip().rstrip("."))
        answer = (wrapped[2] if wrapped else raw).strip().rstrip(".")
        if _is_specific(answer, marked=bool(wrapped) or raw != result):
            before = r"(?<!\w)" if answer[:1].isalnum() else ""
            after = r"(?!\w)" if answer[-1:].isalnum() else ""
            yield f"holds the answer of its run: {_shown(answer)}", re.compile(before + _spaced(answer) + after)


def _is_specific(answer: str, *, marked: bool) -> bool:
    """Tell whether an answer is no prose, no plain word and no short command, so that it is the task's own.

    `marked` says that it stands in quotes, or behind the word that says what it is.
    """
    if not _MIN_ANSWER <= len(answer) <= _MAX_ANSWER:
        return False
    has_digit = any(map(str.isdigit, answer))
    if len(answer.split()) == 1:
        return has_digit or marked or bool(_CODE.search(answer) or _INNER_CAPITAL.search(answer))
    if _CODE.search(answer):
        return marked or len(answer) >= _MIN_COMMAND
    return has_digit


def _named(told: _Told, names: TaskFiles, known: str, base: Skill) -> Iterator[Finding]:
    for at, path in paths_in(told.text):
        level = next(filter(None, map(names.level, suffixes(path))), None)
        if level and not _is_said(path.strip("/"), known) and not any(path.endswith(f"/{own}") for own in base.files):
            yield told.finding(at, f"names a file of its task: {_shown(path)}", level)


def _is_said(name: str, known: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", known) is not None


def _spaced(text: str) -> str:
    """Write `text` as a pattern that does not care where its lines are broken."""
    return r"\s+".join(map(re.escape, text.split()))


def _shown(text: str) -> str:
    return visible(" ".join(text.split())[:_SHOWN])
