"""The eight edits: anchored changes to one file, read from YAML or JSON and placed on a frozen skill by code."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from typing import ClassVar, assert_never, get_args

from gitskill.errors import InvalidInput
from gitskill.skill import safe_yaml
from gitskill.skill.anchors import NO_TEXT, Page, aligned, beside, find_text, framed, split_lines
from gitskill.skill.compose import apply_parts, compose, overlapping
from gitskill.skill.diff import line_spans
from gitskill.skill.files import check_deletable, check_free
from gitskill.skill.hunks import Changes, Hunk, Removal
from gitskill.skill.misread import misread
from gitskill.skill.sections import find_section, outline
from gitskill.skill.snapshot import Skill
from gitskill.skill.text import Text

_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class InsertAfter:
    """Put a block below a quoted text."""

    op: ClassVar[str] = "insert_after"
    file: str
    target_text: str
    content: str
    target_section: str = ""


@dataclass(frozen=True, slots=True)
class InsertBefore:
    """Put a block above a quoted text."""

    op: ClassVar[str] = "insert_before"
    file: str
    target_text: str
    content: str
    target_section: str = ""


@dataclass(frozen=True, slots=True)
class AppendToSection:
    """Put a block at the end of a section."""

    op: ClassVar[str] = "append_to_section"
    file: str
    target_section: str
    content: str


@dataclass(frozen=True, slots=True)
class ReplaceInSection:
    """Put other words in the place of a quoted text; none delete it."""

    op: ClassVar[str] = "replace_in_section"
    file: str
    old_text: str
    content: str
    target_section: str = ""


@dataclass(frozen=True, slots=True)
class AddSection:
    """Put a section, with its heading, below another one or at the end of the file."""

    op: ClassVar[str] = "add_section"
    file: str
    content: str
    after_section: str = ""


@dataclass(frozen=True, slots=True)
class DeleteSection:
    """Remove a heading and all that stands below it."""

    op: ClassVar[str] = "delete_section"
    file: str
    target_section: str


@dataclass(frozen=True, slots=True)
class Create:
    """Write a new file."""

    op: ClassVar[str] = "create"
    file: str
    content: str


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """Remove a file."""

    op: ClassVar[str] = "delete_file"
    file: str


Edit = (
    InsertAfter | InsertBefore | AppendToSection | ReplaceInSection | AddSection | DeleteSection | Create | DeleteFile
)

_OPS = {kind.op: kind for kind in get_args(Edit)}
_KEYS = sorted({field.name for kind in get_args(Edit) for field in fields(kind)})


def parse_edits(text: str) -> tuple[Edit, ...]:
    """Read edits from YAML or JSON: a list, or a mapping with the one key `edits`.

    Raises InvalidInput with every problem of every edit, so that one answer settles them all.
    """
    data = _load(text)
    if isinstance(data, dict) and data.keys() == {"edits"}:
        data = data["edits"]
    if not isinstance(data, list) or not data:
        raise InvalidInput("expected a list of edits, or a mapping with the one key 'edits' that holds one")
    problems = [f"edit {number}: {problem}" for number, item in enumerate(data, 1) for problem in _problems(item)]
    if problems:
        raise InvalidInput("; ".join(problems))
    return tuple(_OPS[item["op"]](**{key: item[key] for key in item.keys() - {"op"}}) for item in data)


def apply_edits(skill: Skill, edits: Sequence[Edit]) -> Skill:
    """Return `skill` with all of `edits`, each placed on `skill` as given: their order matters only at one point.

    Raises InvalidInput, and names every edit that cannot be placed, that
    overlaps another or that would change how untouched lines are read.
    """
    parts: dict[int, Changes] = {}
    problems = [] if edits else ["no edits"]
    for number, edit in enumerate(edits, 1):
        try:
            parts[number] = resolve(skill, edit)
        except InvalidInput as error:
            problems.append(f"edit {number} ({edit.op} in {edit.file}): {error}")
    problems += _clashes(skill, parts)
    if problems:
        raise InvalidInput("; ".join(problems))
    if len(edits) > 1:  # one alone was checked when it was placed
        for path in sorted({edit.file for edit in edits}):
            _check_structure(skill, path, parts)
    return apply_parts(skill, parts)


def resolve(skill: Skill, edit: Edit) -> Changes:
    """Place one edit on `skill`. Raises InvalidInput, with the precise reason, where it has no one place."""
    match edit:
        case InsertAfter(file, quote, content, name) | InsertBefore(file, quote, content, name):
            changes = _insert(Page.of(skill, file), (quote, name), content, after=isinstance(edit, InsertAfter))
        case AppendToSection(file, name, content):
            changes = _append(Page.of(skill, file), name, split_lines(content))
        case ReplaceInSection(file, quote, content, name):
            changes = _replace(Page.of(skill, file), (quote, name), split_lines(content, least=0))
        case AddSection(file, content, name):
            changes = _add(Page.of(skill, file), name, split_lines(content))
        case DeleteSection(file, name):
            changes = _delete(Page.of(skill, file), name)
        case Create(file, content):
            check_free(skill, file)
            changes = (Hunk(file, 0, 0, tuple(split_lines(content))),)
        case DeleteFile(file):
            check_deletable(skill, file)
            changes = (Removal(file),)
        case _:
            assert_never(edit)
    _check_structure(skill, edit.file, {0: changes})
    return changes


def _load(text: str) -> object:
    if len(text.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        raise InvalidInput(f"the edits are longer than {_MAX_BYTES} bytes")
    try:
        # YAML knows neither tabs between JSON's values nor its surrogate pairs.
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return safe_yaml.load(text, max_bytes=_MAX_BYTES, max_events=4000, max_depth=4)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise InvalidInput("a JSON object names a key twice")
    # A model fills what it does not need with null.
    return {key: value for key, value in pairs if value is not None}


def _problems(item: object) -> Iterator[str]:
    if not isinstance(item, dict):
        yield "not a mapping"
        return
    kind = _OPS.get(str(item.get("op")))
    if kind is None:
        yield f"unknown op {item['op']!r}{_guess(item['op'], _OPS)}" if "op" in item else "it has no 'op'"
    needed = {field.name: field.default is MISSING for field in fields(kind)} if kind else dict.fromkeys(_KEYS, False)
    for key in [key for key in item if key not in needed and key != "op"]:
        yield f"{item['op']} takes no {key!r}" if key in _KEYS else f"unknown key {key!r}{_guess(key, needed)}"
    for key, required in needed.items():
        value = item.get(key, "")
        if not isinstance(value, str) or NO_TEXT.search(value):
            yield f"{key!r} must be text"
        elif required and key not in item:
            yield f"{item['op']} needs {key!r}"
        elif required and not value.strip() and (kind, key) != (ReplaceInSection, "content"):
            yield f"{key!r} is empty"


def _guess(word: object, known: Iterable[str]) -> str:
    close = get_close_matches(str(word), list(known), 1)
    return f", did you mean {close[0]!r}?" if close else ""


def _scope(page: Page, name: str, start: int) -> tuple[int, int]:
    section = find_section(page.outline, name) if name else None
    return (section.start, section.end) if section else (start, len(page.text.lines))


def _insert(page: Page, target: tuple[str, str], text: str, *, after: bool) -> Changes:
    quote, name = target
    span = find_text(page.text.lines, quote, *_scope(page, name, page.outline.body_line))
    content = aligned(page, span.end_line if after else span.line, split_lines(text))
    at = beside(page, span, content, after=after)
    return page.insert(at, framed(page, at, content))


def _append(page: Page, name: str, content: list[str]) -> Changes:
    section = find_section(page.outline, name)
    heads = outline("\n".join(content)).sections
    if any(head.level <= section.level for head in heads):
        raise InvalidInput(f"the content has a heading that ends section {name!r}: use add_section")
    if heads and heads[0].start == 0:
        return page.insert_section(section.end, content)
    at = section.own_end
    while at > section.body and page.blank(at - 1):
        at -= 1
    page.check_closed(at)
    return page.insert(at, framed(page, at, content))


def _add(page: Page, name: str, content: list[str]) -> Changes:
    heads = outline("\n".join(content)).sections
    if not page.path.endswith(".md") or not heads or heads[0].start:
        raise InvalidInput("a section begins with a heading, in a Markdown file")
    return page.insert_section(_scope(page, name, 0)[1], content)


def _delete(page: Page, name: str) -> Changes:
    section = find_section(page.outline, name)
    start, end = section.start, section.end
    while end == len(page.text.lines) and start and page.blank(start - 1):
        start -= 1
    keep = ("\r" * page.text.crlf,) if end < len(page.text.lines) and not page.blank(start - 1) else ()
    return (Hunk(page.path, start, end, keep),)


def _replace(page: Page, target: tuple[str, str], content: list[str]) -> Changes:
    quote, name = target
    span = find_text(page.text.lines, quote, *_scope(page, name, 0))
    start, end = span.line, span.end_line + 1
    old = page.text.lines[start:end]
    joined = ("\r\n" if page.text.crlf else "\n").join(content)
    text = old[0][: span.column] + joined + old[-1][span.end_column :]
    new = text.split("\n") if text.strip() or content else []
    if not new and page.path.endswith(".md") and page.blank(start - 1) and page.blank(end):
        # The paragraph goes with the blank line that set it apart.
        start, end = (start, end + 1) if end < len(page.text.lines) else (max(start - 1, 0), end)
    spans = line_spans(page.text.lines[start:end], new)
    if not spans:
        raise InvalidInput("changes nothing")
    return tuple(Hunk(page.path, start + first, start + last, lines) for first, last, lines in spans)


def _clashes(skill: Skill, parts: Mapping[int, Changes]) -> Iterator[str]:
    for one, change, other, _ in overlapping(parts):
        yield f"edits {one} and {other} change the same lines of {change.path}"
    first: dict[object, int] = {}
    for number, changes in parts.items():
        for change in changes:
            # Two equal inserts would count as one, and two files of one name would be joined.
            mark = change if change.path in skill.files else change.path
            if first.setdefault(mark, number) != number:
                yield f"edits {first[mark]} and {number} make the same change to {change.path}"


def _check_structure(skill: Skill, path: str, parts: Mapping[int, Changes]) -> None:
    """Refuse changes after which a line that none of them touches is read as something else."""
    gone = any(isinstance(change, Removal) for changes in parts.values() for change in changes if change.path == path)
    if path in skill.files and path.endswith(".md") and not gone:
        base = skill.text(path)
        lines = compose(base, path, parts)
        new = str(Text(tuple(line.text for line in lines), base.ends))
        misread(str(base), new, [line.base for line in lines])
