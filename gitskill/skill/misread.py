"""Whether a change alters how lines that it does not touch are read: as code, since a fence is never closed."""

from collections.abc import Sequence

from gitskill.errors import InvalidInput
from gitskill.skill.frontmatter import split
from gitskill.skill.sections import Section, line_kinds, lines_of, outline, read


def misread(base: str, new: str, origin: Sequence[int | None]) -> None:
    """Refuse `new` if a line of `base`, found in it by `origin`, is read as something else there."""
    if not _may_be_misread(base, new, origin):
        return
    before, after, lines = line_kinds(base), line_kinds(new), base.split("\n")
    pairs = [(number, kind) for number, kind in zip(origin, after, strict=True) if number is not None]
    wrong = [(number, kind) for number, kind in pairs if kind != before[number]]
    if wrong:
        number, kind = min(wrong, key=lambda pair: not lines[pair[0]].strip())
        was = before[number].role
        how = f"from {was} to {kind.role}" if was != kind.role else "its level"
        raise InvalidInput(f"line {number + 1} would change {how}: {lines[number].strip()[:60]!r}")


def _may_be_misread(base: str, new: str, origin: Sequence[int | None]) -> bool:
    """Look only from the heading above the first change to the heading below the last: a whole file is slow to read.

    Nothing that stands around a heading of one line, outside lists and quotes,
    reaches beyond it. So if that heading below is still one, all below it is
    read as before.
    """
    known, lines, old = outline(base), lines_of(new), lines_of(base)
    if split(new).body_line != known.body_line:
        return True
    most = min(len(old), len(lines))
    first = next((at for at in range(most) if origin[at] != at), most)
    same = next((at for at in range(most - first) if origin[-1 - at] != len(old) - 1 - at), most - first)
    heads = [section.start for section in known.sections if _is_one_line(old[section.start], section)]
    start = next((at for at in reversed(heads) if at < first), known.body_line)
    below = next((at for at in heads if at >= len(old) - same), None)
    if start > first:
        return True
    end = len(lines) if below is None else below + len(lines) - len(old) + 1
    part = read(lines[start:end])
    if below is not None and not any(section.start == end - start - 1 for section in part.sections):
        return True
    return any(
        at is not None and kind != known.kinds[at] for at, kind in zip(origin[start:end], part.kinds, strict=True)
    )


def _is_one_line(line: str, section: Section) -> bool:
    return section.body == section.start + 1 and line.lstrip().startswith("#")
