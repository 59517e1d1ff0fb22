"""A Markdown file as the parser reads it: its sections, its blocks, and what each line is."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from gitskill.errors import InvalidInput
from gitskill.skill.frontmatter import split

_UNREADABLE = re.compile("^\ufeff|\r(?!\n)|[\ud800-\udfff]")
"""What the parser must not see: a lone return is a newline to it but not to git, a BOM hides a heading."""

_PARSER = MarkdownIt("commonmark").enable("table")
_PARSER.core.ruler.disable("inline")  # blocks are all we ask for, and ten times faster


class Role(StrEnum):
    """What a line is to a reader of the file."""

    FRONTMATTER = "frontmatter"
    HEADING = "a heading"
    FENCE = "the opening of a code block"
    CODE = "code"
    FENCE_END = "the end of a code block"
    HTML = "HTML"
    TABLE = "a table row"
    TEXT = "text"
    OTHER = "a rule, a definition or an empty item"
    BLANK = "a blank line"


@dataclass(frozen=True, slots=True)
class Kind:
    """What one line is read as."""

    role: Role
    level: int = 0
    """Of a heading, 1 to 6."""
    depth: int = 0
    """How many list items and quotes stand around the line."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading outside lists and quotes, and what stands below it. Lines count from 0 over the whole file."""

    title: str
    level: int
    start: int
    """The heading's line."""
    body: int
    """The first line after the heading."""
    own_end: int
    """The line of the next heading of any level, or the end of the file."""
    end: int
    """The line of the next heading of the same or a higher level, or the end of the file."""
    path: tuple[str, ...]
    """Titles from the outermost ancestor to this section."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of lines that the parser reads as one: a paragraph, a heading, a table, a piece of code or HTML."""

    role: Role
    start: int
    end: int
    level: int
    depth: int
    fences: int
    """Lines that only open or close it: 2 for a fenced block, 1 for one without its end, else 0."""


@dataclass(frozen=True, slots=True)
class Item:
    """A list item with all that is indented below it, without the blank lines after it."""

    start: int
    end: int
    indent: int
    tight: bool
    """No blank lines stand between the items of its list."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What the parser knows of one file."""

    sections: tuple[Section, ...]
    kinds: tuple[Kind, ...]
    blocks: tuple[Block, ...]
    items: tuple[Item, ...]
    body_line: int
    """The first line after the frontmatter."""

    def block_at(self, line: int) -> Block | None:
        """Give the block that `line` belongs to; blank lines outside code and HTML have none."""
        number = bisect_right(self.blocks, line, key=lambda block: block.start) - 1
        return self.blocks[number] if number >= 0 and line < self.blocks[number].end else None

    def items_at(self, line: int) -> list[Item]:
        """List the items around `line`, the outermost first."""
        return [item for item in self.items if item.start <= line < item.end]


@lru_cache(maxsize=32)
def outline(text: str) -> Outline:
    """Read `text` as Markdown, its frontmatter set aside."""
    return read(lines_of(text), split(text).body_line)


def lines_of(text: str) -> list[str]:
    """Split `text` as the parser's lines are counted."""
    return text.removesuffix("\n").split("\n") if text else []


def read(lines: Sequence[str], body_line: int = 0) -> Outline:
    """Read lines as Markdown from `body_line` on, where the frontmatter ends."""
    readable = _UNREADABLE.sub(_harmless, "\n".join(lines)).split("\n")
    # One more blank line: what is never closed then ends below the file, whatever the file ends with.
    tokens = _PARSER.parse("\n" * body_line + "\n".join(readable[body_line:]) + "\n\n")
    blocks = tuple(_blocks(tokens))
    return Outline(
        _sections(tokens, len(lines)), _kinds(lines, body_line, blocks), blocks, _items(tokens, lines), body_line
    )


def line_kinds(text: str) -> tuple[Kind, ...]:
    """Tell for each line of `text` what it is read as."""
    return outline(text).kinds


def plain(lines: Sequence[str]) -> Outline:
    """Give the outline of a file that is no Markdown: lines without structure."""
    return Outline((), (Kind(Role.OTHER),) * len(lines), (), (), 0)


def find_section(outline: Outline, name: str) -> Section:
    """Return the one section called `name`: `Title`, `## Title` or `Parent > Title`.

    An exact title wins over one that differs in case, spacing or emphasis.
    Raises InvalidInput, with what there is instead, if none or several match.
    """
    level, title = _heading(name)
    parts = [_heading(part)[1] for part in title.split(">")]
    asked = [section for section in outline.sections if level in (0, section.level)]
    for fold in (_exact, _loose):
        found = [section for section in asked if _is_called(section, title, parts, fold)]
        if len(found) > 1:
            raise InvalidInput(_several(name, found))
        if found:
            return found[0]
    titles = list(dict.fromkeys(section.title for section in outline.sections if section.title))
    folded = {_loose(title): title for title in reversed(titles)}
    close = [folded[key] for key in get_close_matches(_loose(title), folded, cutoff=0.4)] or titles[:3]
    known = f"closest: {', '.join(map(repr, close))}" if close else "the file has no headings"
    raise InvalidInput(f"no section {name!r} ({known})")


def _harmless(match: re.Match[str]) -> str:
    return {"\ufeff": "", "\r": " "}.get(match[0], "\ufffd")


def _blocks(tokens: Sequence[Token]) -> list[Block]:
    roles = {
        "paragraph_open": Role.TEXT,
        "heading_open": Role.HEADING,
        "fence": Role.CODE,
        "code_block": Role.CODE,
        "html_block": Role.HTML,
        "table_open": Role.TABLE,
        "hr": Role.OTHER,
    }
    blocks = []
    depth = 0
    for token in tokens:
        if token.type in ("blockquote_open", "list_item_open"):
            depth += 1
        elif token.type in ("blockquote_close", "list_item_close"):
            depth -= 1
        elif token.map and (role := roles.get(token.type)):
            start, end = token.map
            # Content lines are counted by the parser: what is left over is the opening and, if there is one, the end.
            fences = end - start - token.content.count("\n") if token.type == "fence" else 0
            level = int(token.tag[1]) if role is Role.HEADING else 0
            blocks.append(Block(role, start, end, level, depth, fences))
    return blocks


def _items(tokens: Sequence[Token], lines: Sequence[str]) -> tuple[Item, ...]:
    found: list[tuple[int, int, int]] = []
    around: list[int] = []
    loose: set[int] = set()
    for number, token in enumerate(tokens):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            around.append(number)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            around.pop()
        elif token.type == "list_item_open" and token.map:
            found.append((token.map[0], token.map[1], around[-1]))
        elif token.type == "paragraph_open" and not token.hidden:
            # The parser hides the paragraphs of a tight list. They lie two levels below their list.
            loose |= {opener for opener in around[-1:] if tokens[opener].level == token.level - 2}
    return tuple(_item(lines, start, end, tight=number not in loose) for start, end, number in found)


def _item(lines: Sequence[str], start: int, end: int, *, tight: bool) -> Item:
    while end > start + 1 and (end > len(lines) or not lines[end - 1].strip()):
        end -= 1
    return Item(start, end, indent(lines[start]), tight)


def indent(line: str) -> int:
    """Give the column at which `line` begins."""
    wide = line.expandtabs(4)
    return len(wide) - len(wide.lstrip(" "))


def _kinds(lines: Sequence[str], body_line: int, blocks: Sequence[Block]) -> tuple[Kind, ...]:
    kinds = [Kind(Role.OTHER if line.strip() else Role.BLANK) for line in lines]
    kinds[:body_line] = [Kind(Role.FRONTMATTER)] * body_line
    for block in blocks:
        solid = block.fences or block.role is Role.HTML
        for number in range(block.start, min(block.end, len(lines))):
            if solid or kinds[number].role is not Role.BLANK:
                kinds[number] = Kind(block.role, block.level, block.depth)
        if block.fences:
            kinds[block.start] = Kind(Role.FENCE, 0, block.depth)
        if block.fences > 1:
            kinds[block.end - 1] = Kind(Role.FENCE_END, 0, block.depth)
    return tuple(kinds)


def _sections(tokens: Sequence[Token], last: int) -> tuple[Section, ...]:
    heads = [
        (int(token.tag[1]), token.map[0], token.map[1], " ".join(text.content.split()))
        for token, text in pairwise(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]
    ends: list[tuple[int, int]] = []
    next_of = [last] * 7
    for level, start, _, _ in reversed(heads):
        ends.append((min(next_of), min(next_of[: level + 1])))
        next_of[level] = start
    sections = []
    above: list[tuple[int, str]] = []
    for (level, start, body, title), (own_end, end) in zip(heads, reversed(ends), strict=True):
        above = [*((depth, name) for depth, name in above if depth < level), (level, title)]
        sections.append(Section(title, level, start, body, own_end, end, tuple(name for _, name in above)))
    return tuple(sections)


def _exact(title: str) -> str:
    return title.strip()


def _loose(title: str) -> str:
    return " ".join(title.translate(str.maketrans("", "", "*_`")).casefold().split())


def _heading(name: str) -> tuple[int, str]:
    """Read a section's name: its level, or 0 where it gives none, and its title."""
    tokens = _PARSER.parse(name.strip())
    if tokens and tokens[0].type == "heading_open":
        return int(tokens[0].tag[1]), tokens[1].content
    return 0, name.strip()


def _is_called(section: Section, title: str, parts: Sequence[str], fold: Callable[[str], str]) -> bool:
    if fold(title) == fold(section.title):
        return True
    ends = section.path[-len(parts) :]
    return len(parts) > 1 and [fold(name) for name in ends] == [fold(part) for part in parts]


def _several(name: str, found: Sequence[Section]) -> str:
    lines = [str(section.start + 1) for section in found]
    where = f"section {name!r} found at lines {', '.join(lines[:-1])} and {lines[-1]}"
    paths = list(dict.fromkeys(" > ".join(section.path[-2:]) for section in found))
    if len(paths) == len(found):
        return f"{where}: say which with {' or '.join(map(repr, paths))}"
    return f"{where}, and no path tells them apart: quote the text instead"
