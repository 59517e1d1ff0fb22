"""Two trees to the changes between them: a function of the trees alone, whoever made them and however."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from gitskill.skill.hunks import Change, Changes, Ending, Hunk, Removal, Replacement, heading_level, insert_rank
from gitskill.skill.snapshot import Skill, is_binary
from gitskill.skill.text import Text

_Span = tuple[int, int, tuple[str, ...]]
"""Base lines from, to, and what replaces them."""

_EXHAUSTIVE = 250_000
"""Up to this many line pairs a stretch without unique lines is compared in full; a larger one is replaced whole."""
_RENAMED = 0.5
"""A file that shares at least this part of its lines with a vanished one is that file under a new name."""


def changes_between(base: Skill, new: Skill) -> Changes:
    """Return the changes that turn `base` into `new`, in normal form.

    Hunks stand in order, do not touch, replace nothing by itself and lie as far
    down as they can: an inserted section ends with its blank line. An insert
    that opens several sections is one hunk per section.
    """
    changes: list[Change] = []
    for path in sorted(base.files.keys() | new.files.keys()):
        old, data = base.files.get(path), new.files.get(path)
        if old == data:
            continue
        if data is None:
            changes.append(Removal(path))
        elif is_binary(data) or is_binary(old or b""):
            changes.append(Replacement(path, data))
        else:
            changes += _text_changes(path, old, data)
    return tuple(changes)


def _text_changes(path: str, old: bytes | None, data: bytes) -> Iterator[Change]:
    before, after = Text.parse(old or b""), Text.parse(data)
    spans = line_spans(before.lines, after.lines)
    if old is None and not spans:
        yield Hunk(path, 0, 0, ())
    for start, end, lines in spans:
        parts = _sections(lines) if start == end and path.endswith(".md") else [lines]
        for part in parts:
            yield Hunk(path, start, end, part)
    if before.ends != after.ends:
        yield Ending(path, after.ends)


def former_name(before: Skill, after: Skill, path: str) -> str | None:
    """Find the file that became `path`: itself, or the most alike of those that vanished. None where it is new."""
    if path in before.files:
        return path
    lines = set(after.text(path).lines)
    alike = {
        old: len(lines & set(before.text(old).lines)) / max(len(lines), 1)
        for old in sorted(before.files.keys() - after.files.keys())
    }
    best = max(alike, key=lambda old: alike[old], default=None)
    return best if best is not None and alike[best] >= _RENAMED else None


def line_spans(a: Sequence[str], b: Sequence[str]) -> list[_Span]:
    """Return the replaced spans of `a`, in order and in normal form."""
    spans: list[_Span] = []
    i = j = 0
    for x, y in [*matching_lines(a, b), (len(a), len(b))]:
        if i < x or j < y:
            spans.append((i, x, tuple(b[j:y])))
        i, j = x + 1, y + 1
    return _settle(a, spans)


def matching_lines(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Pair equal lines, in order: common ends first, then lines that are unique on both sides, then what is left."""
    found: list[tuple[int, int]] = []
    todo = [(0, len(a), 0, len(b))]
    while todo:
        i, x, j, y = todo.pop()
        while i < x and j < y and a[i] == b[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        while i < x and j < y and a[x - 1] == b[y - 1]:
            x, y = x - 1, y - 1
            found.append((x, y))
        if i == x or j == y:
            continue
        if anchors := _anchors(a[i:x], b[j:y]):
            corners = [(i, j), *((i + p, j + q) for p, q in anchors), (x, y)]
            todo += [(p, r, q, s) for (p, q), (r, s) in pairwise(corners)]
        elif (x - i) * (y - j) <= _EXHAUSTIVE:
            blocks = SequenceMatcher(None, a[i:x], b[j:y], autojunk=False).get_matching_blocks()
            found += [(i + p + k, j + q + k) for p, q, size in blocks for k in range(size)]
    return sorted(found)


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Return the longest rising run of lines that occur once in `a` and once in `b` (patience)."""
    in_a, in_b = Counter(a), Counter(b)
    place = {line: j for j, line in enumerate(b) if in_b[line] == 1}
    pairs = [(i, place[line]) for i, line in enumerate(a) if in_a[line] == 1 and line in place]
    tails: list[int] = []
    heads: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        slot = bisect_left(tails, j)
        tails[slot : slot + 1] = [j]
        heads[slot : slot + 1] = [index]
        before.append(heads[slot - 1] if slot else -1)
    run: list[tuple[int, int]] = []
    index = heads[-1] if heads else -1
    while index >= 0:
        run.append(pairs[index])
        index = before[index]
    return run[::-1]


def _settle(a: Sequence[str], spans: list[_Span]) -> list[_Span]:
    """Trim each span, slide it down, and join what then touches."""
    settled: list[_Span] = []
    for span in reversed(spans):
        current = _slide(a, _trim(a, span), settled[-1][0] if settled else len(a))
        while settled and current[1] == settled[-1][0]:
            _, end, lines = settled.pop()
            joined = _trim(a, (current[0], end, current[2] + lines))
            current = _slide(a, joined, settled[-1][0] if settled else len(a))
        if current[0] < current[1] or current[2]:
            settled.append(current)
    return settled[::-1]


def _trim(a: Sequence[str], span: _Span) -> _Span:
    start, end, lines = span
    while start < end and lines and a[start] == lines[0]:
        start, lines = start + 1, lines[1:]
    while start < end and lines and a[end - 1] == lines[-1]:
        end, lines = end - 1, lines[:-1]
    return start, end, lines


def _slide(a: Sequence[str], span: _Span, limit: int) -> _Span:
    start, end, lines = span
    if start == end:
        while lines and start < limit and a[start] == lines[0]:
            start, lines = start + 1, (*lines[1:], lines[0])
        return start, start, lines
    while not lines and end < limit and a[start] == a[end]:
        start, end = start + 1, end + 1
    return start, end, lines


def _sections(lines: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Cut inserted Markdown before each heading that does not lie below the one it follows.

    Blank lines at a cut stay with the text above where the insert ends with a
    blank line, and go with the heading where it does not.
    """
    cuts, depth, fence = [], 7, ""
    for number, line in enumerate(lines):
        mark = line.strip()[:3]
        if fence or mark in ("```", "~~~"):
            fence = "" if fence == mark else fence or mark
            continue
        level = heading_level(lines[number : number + 2]) if line.strip() else 0
        if 0 < level <= depth:
            cuts.append(number)
            depth = level
    if lines and lines[-1].strip():
        cuts = [_over_blanks(lines, cut) for cut in cuts]
    edges = [0, *(cut for cut in cuts if any(line.strip() for line in lines[:cut])), len(lines)]
    parts: list[tuple[str, ...]] = []
    for part in (lines[x:y] for x, y in pairwise(edges)):
        if parts and insert_rank(part) < insert_rank(parts[-1]):
            parts[-1] += part  # apart, the two would be put back the other way round
        else:
            parts.append(part)
    return parts


def _over_blanks(lines: tuple[str, ...], cut: int) -> int:
    while cut and not lines[cut - 1].strip():
        cut -= 1
    return cut
