"""What belongs to one task and is no use to the next: its id, its answer, the names of its files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from gitskill.checks.finding import Finding, Level
from gitskill.checks.secrets import ChangedFile, changed_files
from gitskill.skill.snapshot import Skill
from gitskill.trace import Trace, leaves
from gitskill.visible import visible

CHECK = "leak"
_SHOWN = 80


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# ids of tasks
_SHORT_ID, _SHORT_NUMBER, _LONG_ID, _MAX_ID = 4, 6, 20, 200
_RARE_NUMBER = re.compile(r"(?<!\d)(?=\d*[1-9]\d{0,2}(?!\d))\d{5,}(?!\d)")
"""The number of an issue or a record: long, and not round."""
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_COMMON = _words("example level page part phase python section sheet step task test utf version")
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

# names of files
_MAX_PATH, _MAX_FOLDERS = 200, 12
_RUN = re.compile(r"[\w./+@~-]+")
_DOCUMENTS = _words(
    "7z avi bmp bz2 csv dat db dcm doc docx eml fasta geojson gif gpkg gz h5 jpeg jpg mdb mov mp3 mp4 npy npz ods odt"
    " out parquet pcap pdf pickle pkl png ppt pptx rar rtf sqlite svg tar tgz tif tiff tsv txt wav webp xls xlsm xlsx"
    " xz zip"
)
"""What people work on, rather than what programs are made of."""
_ENDINGS = _DOCUMENTS | _words(
    "bash bat c cc cfg conf cpp cs css diff go h hpp htm html ini ipynb java jl js json jsonl jsx kt lean log"
    " lua md mjs pem php pl pony proto ps1 py pyi pyx r rb rs rst scala sh sql svelte swift tex tf toml ts tsx"
    " vue xml yaml yml"
)
_ROOTS = _words("bin dev etc lib lib64 opt proc root run sbin sys usr var")  # the machine's own
_PLAIN = _words(
    "app application archive assets backup bar base baz book build cargo changelog chart client cmake code common"
    " compose conda config configuration conftest constants contributing copy core data dataset demo dest dev dir dist"
    " doc docker dockerfile docs document dummy entry env environment error errors eval example examples file filename"
    " files final folder foo gemfile go gradle hello helper helpers home hosts image images img import in index info"
    " init input inputs items lib license local lock log logs main makefile manage manifest md migrations mod models"
    " module my name new node notes npm null old other out output outputs package page path pip pnpm project public"
    " pyproject python qux readme repo report requirements result results root run sample samples schema script"
    " scripts server settings setup sha sheet skill source src static store strings stuff style styles sum table temp"
    " template templates test testbed tests text the tmp todo tox train ts tsconfig txt types untitled urls user users"
    " util utils val version views webpack workbook workspace world yarn your"
)
"""Words that stand in names everywhere."""


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
    known = "\n".join([*base.files, *(data.decode("utf-8", "replace") for data in base.files.values())])
    found: list[Finding] = []
    for source in sources:
        for what, pattern in (*_ids(source), *_answers(source)):
            if not pattern.search(known):
                found += [each.finding(m.start(), what) for each in told for m in pattern.finditer(each.text)]
        names = _Names(source.trace)
        for each in told:
            found += _named(each, names, known, base)
    return tuple(dict.fromkeys(found))


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


class _Names:
    """The files that a run is about, by every way to write their paths shorter."""

    def __init__(self, trace: Trace) -> None:
        own = chain((trace.request,), (artifact.name for artifact in trace.artifacts))
        called = (text for step in trace.steps for call in step.calls for text in leaves(call.arguments))
        self.own = _shorter(own)
        """From the task's own words, and what the run left behind."""
        self.called = _shorter(called)
        """Named by the agent when it acted."""

    def level(self, path: str) -> Level | None:
        """Say how surely `path` is a file of the task and of no other; None where the run did not name it."""
        name = path.strip("/")
        is_own = name in self.own
        return _level(path, is_own=is_own) if is_own or name in self.called else None


def _shorter(texts: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for text in texts:
        for _, path in _paths(text):
            parts = path.strip("/").split("/")
            if not _is_shared(path, parts):
                found |= {"/".join(parts[at:]) for at in range(max(0, len(parts) - _MAX_FOLDERS), len(parts))}
                found |= {"/".join(parts[:at]) for at in range(2, len(parts))}
    return frozenset(found)


def _is_shared(path: str, parts: list[str]) -> bool:
    """Tell whether a path leads to the machine's own files, or to those that tools keep: `/etc`, `~/.ssh`, `.venv`."""
    return (path[0] == "/" and parts[0] in _ROOTS) or any(part.startswith(".") for part in parts[:-1])


def _paths(text: str) -> Iterator[tuple[int, str]]:
    """Give everything in `text` that can only be a path or the name of a file, and where it starts."""
    for match in _RUN.finditer(text):
        path = match[0].rstrip("./-+").removeprefix("./").lstrip("-+@")
        if path.startswith("//"):  # an address: its host is another check's
            path = path[2:].partition("/")[2]
        if 0 < len(path) <= _MAX_PATH and _is_path(path):
            yield match.start(), path


def _is_path(path: str) -> bool:
    parts = path.strip("/").split("/")
    stem, _, ending = parts[-1].rpartition(".")
    if ending.lower() in _ENDINGS and any(map(str.isalnum, stem)):
        return True
    is_deep = len(parts) > 2 and any(map(str.isalpha, path)) and any(map(str.isdigit, path))
    return is_deep or (path[0] in "/~" and len(parts) > 1)


def _named(told: _Told, names: _Names, known: str, base: Skill) -> Iterator[Finding]:
    for at, path in _paths(told.text):
        level = next(filter(None, map(names.level, _suffixes(path))), None)
        if level and not _is_said(path.strip("/"), known) and not any(path.endswith(f"/{own}") for own in base.files):
            yield told.finding(at, f"names a file of its task: {_shown(path)}", level)


def _suffixes(path: str) -> Iterator[str]:
    """Give the path, and what is left of it when its first folders are."""
    yield path
    parts = path.strip("/").split("/")
    yield from (rest for at in range(1, len(parts)) if _is_path(rest := "/".join(parts[at:])))


def _is_said(name: str, known: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", known) is not None


def _level(path: str, *, is_own: bool) -> Level | None:
    parts = path.strip("/").split("/")
    if path[0] in "/~" and len(parts) > 1:
        return _absolute_level(parts, is_own=is_own)
    odd = [part for part in parts if not _is_plain(part)]
    if not odd:
        return None
    has_number = any(any(map(str.isdigit, part.rpartition(".")[0] or part)) for part in odd)
    if has_number or (is_own and (len(parts) > 1 or _is_document(parts[0]))):
        return Level.INVALID
    return Level.WARNING


def _absolute_level(parts: list[str], *, is_own: bool) -> Level | None:
    if parts[0] == "tmp" and not is_own:
        return None
    is_file = is_own and parts[-1].rpartition(".")[2].lower() in _ENDINGS
    is_told = is_file or len(parts) > 2 or not all(map(_is_plain, parts)) or any(map(str.isdigit, "".join(parts)))
    return Level.INVALID if is_told else None


def _is_plain(name: str) -> bool:
    """Tell whether a name is made of words that stand in names everywhere; `data2` is, `data_20240117` is not."""
    stem = name.rpartition(".")[0] or name
    if re.search(r"\d{3}", stem) and not stem.lower().startswith("sha"):
        return False
    return all(len(word) == 1 or word in _PLAIN for word in re.findall(r"[^\W\d_]+", stem.lower()))


def _is_document(name: str) -> bool:
    stem, _, ending = name.rpartition(".")
    return ending.lower() in _DOCUMENTS and len(_PARTS.findall(stem)) > 1


def _spaced(text: str) -> str:
    """Write `text` as a pattern that does not care where its lines are broken."""
    return r"\s+".join(map(re.escape, text.split()))


def _shown(text: str) -> str:
    return visible(" ".join(text.split())[:_SHOWN])
