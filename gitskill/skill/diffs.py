"""A unified diff from a person, applied to a skill: lenient about counts and places, strict about all else."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchSet

from gitskill.errors import InvalidInput
from gitskill.skill.files import check_deletable, check_free, text_file
from gitskill.skill.snapshot import Skill
from gitskill.skill.text import Text

_MAX_BYTES = 64 * 1024
_NONE = "/dev/null"
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_BINARY = re.compile("[\0\\ud800-\\udc7f\\udd00-\\udfff]")

_REFUSED = re.compile(
    "rename |copy |similarity |old mode |new mode |GIT binary patch|Binary files "
    "|new file mode (?!100644$)|deleted file mode (?!100644$|100755$)|index .* (?!100644$|100755$)"
)
"""Lines of a git header that change more than lines: names, modes, links and what has no lines."""


@dataclass(frozen=True, slots=True)
class _Section:
    """What a diff says about one file: its hunks as lines, recounted."""

    path: str
    old: str
    new: str
    lines: list[str]


def apply_diff(skill: Skill, diff: str, *, folder: str = "") -> Skill:
    """Return `skill` with the unified `diff` applied, all of it; `folder` is where the skill lies in its repository.

    A hunk goes where its header says, or to the one other place where its old
    lines stand. Raises InvalidInput, and says why, for anything else.
    """
    new = skill
    seen: set[str] = set()
    for section in _sections(_lines(diff), folder.strip("/")):
        if section.path in seen:
            raise InvalidInput(f"{section.path} has two sections in the diff")
        seen.add(section.path)
        try:
            new = new.with_file(section.path, _patched(new, section))
        except InvalidInput as error:
            raise InvalidInput(f"{section.path}: {error}") from error
    if new == skill:
        colours = ": it has colours, make it with git diff --color=never" if "\x1b[" in diff else ""
        raise InvalidInput("the diff changes nothing" if seen else f"no diff found{colours}")
    return new


def _lines(diff: str) -> list[str]:
    if len(diff.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        raise InvalidInput(f"the diff is longer than {_MAX_BYTES} bytes")
    if _BINARY.search(diff):
        raise InvalidInput("the diff is no text")
    lines = diff.removesuffix("\n").split("\n")
    # A diff saved with Windows line ends says nothing about the file's own.
    converted = all(line.endswith("\r") for line in lines if line)
    lines = [line.removesuffix("\r") for line in lines] if converted else lines
    return [*lines, "diff --git "]  # whoever looks for the end of a file's part finds the next one


def _sections(lines: Sequence[str], folder: str) -> Iterator[_Section]:
    at, git, begun = 0, "", False
    while at < len(lines):
        line = lines[at]
        if line.startswith("diff --git "):
            if git:
                raise InvalidInput(f"no line changes below {git!r}")
            git, begun = line, True
        elif _is_header(lines, at):
            at, section = _section(lines, at, git, folder)
            yield section
            git, begun = "", True
            continue
        elif begun:
            _check_between(line, git, at)
        at += 1


def _check_between(line: str, git: str, at: int) -> None:
    if (git or "inary" in line) and _REFUSED.match(line):
        raise InvalidInput(f"the diff may change lines of plain files only: {line!r}")
    if line.startswith(("@@", "+", "-")) and not line.startswith(("-- ", "---")):
        raise InvalidInput(f"line {at + 1} of the diff belongs to no file or hunk: {line[:60]!r}")


def _is_header(lines: Sequence[str], at: int) -> bool:
    return lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")


def _section(lines: Sequence[str], at: int, git: str, folder: str) -> tuple[int, _Section]:
    old, new = _names(lines[at][4:], lines[at + 1][4:], git)
    path = new if old == _NONE else old
    body: list[str] = []
    at += 2
    while at < len(lines) and (header := _HUNK.match(lines[at])):
        end = _end(lines, at + 1, int(header[2] or 1), int(header[4] or 1))
        body += _recounted(header, lines[at + 1 : end])
        at = end
    if not body:
        raise InvalidInput(f"{path}: no hunk follows its header")
    return at, _Section(path.removeprefix(f"{folder}/") if folder else path, old, new, body)


def _names(old: str, new: str, git: str) -> tuple[str, str]:
    """Give the two paths of a file header, or /dev/null, without prefixes and timestamps."""
    names = [name.partition("\t")[0] for name in (old, new)]
    marks = [_NONE if name == _NONE else name[:2] for name in names]
    if marks[0] != marks[1] and all(mark == _NONE or mark in ("a/", "b/", "c/", "i/", "o/", "w/") for mark in marks):
        names = [name if name == _NONE else name[2:] for name in names]
    paths = [name for name in names if name != _NONE]
    for path in paths:
        if '"' in path[:1] or "\r" in path or any(part in ("", ".", "..") for part in path.split("/")):
            raise InvalidInput(f"{path!r} is no plain relative path")
    if not paths or paths[0] != paths[-1]:
        raise InvalidInput(f"the header names two files: {names[0]!r} and {names[1]!r}")
    path = re.escape(paths[0])
    if git and not re.fullmatch(rf"diff --git (\w/)?{path} (\w/)?{path}", git):
        raise InvalidInput(f"the header names {paths[0]!r} below {git!r}")
    return names[0], names[1]


def _end(lines: Sequence[str], at: int, old: int, new: int) -> int:
    """Return the line after the hunk that begins at `at`: by its counts if they can be right, else by its looks."""
    end = at
    while end < len(lines) and (old > 0 or new > 0):
        mark = lines[end].strip("\r")[:1] or " "
        old, new = old - (mark in " -"), new - (mark in " +")
        if mark not in " +-\\" or min(old, new) < 0:
            return _scanned(lines, at)
        end += 1
    while end < len(lines) and lines[end].startswith("\\"):
        end += 1
    rest = next((n for n in range(end, len(lines)) if lines[n].strip("\r")), len(lines))
    over = rest == len(lines) or lines[rest][0] not in " +-\\" or lines[rest] == "-- " or _is_header(lines, rest)
    return end if over and not (old or new) else _scanned(lines, at)


def _scanned(lines: Sequence[str], at: int) -> int:
    end = at
    while end < len(lines) and (lines[end].strip("\r")[:1] or " ") in " +-\\" and lines[end] != "-- ":
        if _is_header(lines, end):
            raise InvalidInput(f"line {end + 1} of the diff may be a header or text: the counts above it are wrong")
        end += 1
    if end < len(lines) and not lines[end].startswith(("@@", "diff ", "Index: ", "From ", "-- ")):
        raise InvalidInput(f"line {end + 1} of the diff begins with none of ' ', '+' and '-': {lines[end][:60]!r}")
    while end > at and not lines[end - 1].strip("\r"):
        end -= 1
    return end


def _recounted(header: re.Match[str], lines: Sequence[str]) -> list[str]:
    body = [line if line.strip("\r") else f" {line}" for line in lines]
    old, new = (sum(line[0] in marks for line in body) for marks in (" -", " +"))
    if not body:
        raise InvalidInput(f"an empty hunk: {header[0]}")
    return [f"@@ -{header[1]},{old} +{header[3]},{new} @@", *body]


def _patched(skill: Skill, section: _Section) -> bytes | None:
    """Give what `section` makes of its file; None removes it."""
    try:
        files = PatchSet([f"{line}\n" for line in (f"--- {section.old}", f"+++ {section.new}", *section.lines)])
    except UnidiffParseError as error:
        raise InvalidInput(f"not a diff: {error}") from error
    changes = [_Change.of(hunk) for file in files for hunk in file]
    if section.old == _NONE:
        check_free(skill, section.path)
        return _changed(Text(()), changes).encode()
    new = _changed(text_file(skill, section.path), changes)
    if section.new != _NONE:
        return new.encode()
    check_deletable(skill, section.path)
    if new.lines:
        raise InvalidInput("the diff removes the file but not all of its lines")
    return None


@dataclass(frozen=True, slots=True)
class _Change:
    """One hunk: its lines with their marks, and on which sides the file then ends without a newline."""

    header: str
    start: int
    body: list[tuple[str, str]]
    old: tuple[str, ...]
    """The lines that must be in the file."""
    open_sides: str

    @classmethod
    def of(cls, hunk: Hunk) -> Self:
        body: list[tuple[str, str]] = []
        sides = ""
        for line in hunk:
            if line.line_type == "\\":
                sides += "-+" if body[-1][0] == " " else body[-1][0]
                continue
            body.append((line.line_type, line.value.removesuffix("\n")))
            if (line.line_type == " " and sides) or line.line_type in sides:
                raise InvalidInput("a line follows the end of the file")
        # Lines are counted from 1, but an insert without context names the line above it.
        start = hunk.source_start - 1 if hunk.source_length else hunk.source_start
        return cls(str(hunk).split("\n")[0], start, body, tuple(text for mark, text in body if mark != "+"), sides)


def _changed(text: Text, changes: Sequence[_Change]) -> Text:
    # Many tools show and save a CRLF file's diff without its returns.
    bare = text.crlf and not any("\r" in line for change in changes for _, line in change.body)
    if bare and any(change.old for change in changes):
        with suppress(InvalidInput):
            return _applied(text, changes, returns=False)
    return _applied(text, changes, returns=bare)


def _applied(text: Text, changes: Sequence[_Change], *, returns: bool) -> Text:
    base = tuple(line.removesuffix("\r") for line in text.lines) if returns else text.lines
    lines: list[str] = []
    at, ends = 0, text.ends
    for change in changes:
        place = _place(Text(base, text.ends), change, at)
        lines += text.lines[at:place]
        at = place
        for mark, line in change.body:
            if mark == "+":
                lines.append(line + "\r" * returns)
            else:
                lines += text.lines[at : at + 1] if mark == " " else ()
                at += 1
        ends = "+" not in change.open_sides if change.open_sides else ends
        if "+" in change.open_sides:
            lines[-1] = lines[-1].removesuffix("\r" * returns)
            if at < len(base):
                raise InvalidInput(f"{change.header}: the diff ends the file, which goes on")
    return Text((*lines, *text.lines[at:]), ends or not (lines or text.lines[at:]))


def _place(text: Text, change: _Change, at: int) -> int:
    old, last = change.old, len(text.lines) - len(change.old)
    shut = "-" in change.open_sides

    def fits(place: int) -> bool:
        return text.lines[place : place + len(old)] == old and not (shut and (text.ends or place != last))

    if at <= change.start <= last and fits(change.start):
        return change.start
    if not old:
        raise InvalidInput(f"{change.header}: no such line to insert at")
    places = [place for place in range(at, last + 1) if text.lines[place] == old[0] and fits(place)]
    if len(places) > 1:
        found = ", ".join(str(place + 1) for place in places[:5])
        raise InvalidInput(f"{change.header}: its old lines stand at several places, lines {found}")
    if not places:
        raise InvalidInput(f"{change.header}: {_misfit(text, change.start, old)}")
    return places[0]


def _misfit(text: Text, start: int, old: Sequence[str]) -> str:
    for number, line in enumerate(old, start):
        there = repr(text.lines[number][:60]) if number < len(text.lines) else "the end of the file"
        if there != repr(line[:60]):
            return f"line {number + 1} should be {line[:60]!r}, but is {there}"
    return "the old lines are not in the file, or the file does not end as the diff says"
