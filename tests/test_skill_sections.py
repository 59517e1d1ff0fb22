"""Sections and lines as a Markdown parser reads them, and the places of quoted text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.errors import InvalidInput
from gitskill.skill import anchors
from gitskill.skill.anchors import Span, find_text
from gitskill.skill.sections import Outline, Role, find_section, line_kinds, outline
from gitskill.skill.text import Text

REAL = sorted((Path(__file__).parents[2] / "shared" / "data" / "skills").rglob("*.md"))
FENCE = "```"


def heads(text: str) -> list[tuple[int, str, int, int, int, int]]:
    return [(s.level, s.title, s.start, s.body, s.own_end, s.end) for s in outline(text).sections]


def roles(text: str) -> str:
    """Write the roles of all lines as one word, a letter each."""
    letters = {
        Role.FRONTMATTER: "f",
        Role.HEADING: "h",
        Role.FENCE: "(",
        Role.CODE: "c",
        Role.FENCE_END: ")",
        Role.HTML: "<",
        Role.TABLE: "|",
        Role.TEXT: "t",
        Role.OTHER: "o",
        Role.BLANK: ".",
    }
    return "".join(letters[kind.role] for kind in line_kinds(text))


def test_sections_know_their_lines_and_their_ancestors() -> None:
    text = "# A\n\n## B\nb\n\n### C\n\n## D\nd\n# E\n"

    assert heads(text) == [
        (1, "A", 0, 1, 2, 9),
        (2, "B", 2, 3, 5, 7),
        (3, "C", 5, 6, 7, 7),
        (2, "D", 7, 8, 9, 9),
        (1, "E", 9, 10, 10, 10),
    ]
    assert [section.path for section in outline(text).sections][2:4] == [("A", "B", "C"), ("A", "D")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("text\n- item\n", [], id="no-headings"),
        pytest.param("", [], id="empty"),
        pytest.param("---\nname: x\n---\n", [], id="only-frontmatter"),
        pytest.param("---\nname: x\n---", [], id="only-frontmatter-open"),
        pytest.param("---\nname: x\n# no\n---\n# A\n", [(1, "A", 4, 5, 5, 5)], id="frontmatter"),
        pytest.param("## Title ##\n", [(2, "Title", 0, 1, 1, 1)], id="closing-marks"),
        pytest.param("#\n##\n", [(1, "", 0, 1, 1, 2), (2, "", 1, 2, 2, 2)], id="empty-headings"),
        pytest.param("A\nb\n===\n\nC\n---\n", [(1, "A b", 0, 3, 4, 6), (2, "C", 4, 6, 6, 6)], id="setext"),
        pytest.param("- # in item\n\n> # in quote\n", [], id="in-containers"),
        pytest.param("```\n# a\n```\n~~~\n# b\n```\n# c\n", [], id="fences"),
        pytest.param("- ```\n  # a\n  ```\n\n# A\n", [(1, "A", 4, 5, 5, 5)], id="fence-in-item"),
        pytest.param("<!--\n# a\n\n# b\n-->\n# A\n", [(1, "A", 5, 6, 6, 6)], id="comment"),
        pytest.param("| a |\n|---|\n| # |\n# A", [(1, "A", 3, 4, 4, 4)], id="table-and-open-end"),
        pytest.param("# A\r\n\r\n## B\r\n", [(1, "A", 0, 1, 2, 3), (2, "B", 2, 3, 3, 3)], id="crlf"),
        pytest.param("a\rb\r\n\r# A\n# B\n", [(1, "A", 1, 2, 2, 2), (1, "B", 2, 3, 3, 3)], id="lone-return"),
        pytest.param("\ufeff# A\n", [(1, "A", 0, 1, 1, 1)], id="bom"),
        pytest.param("\ufeff---\nname: x\n---\n# A\n", [(1, "A", 3, 4, 4, 4)], id="bom-and-frontmatter"),
        pytest.param("# \udcff\n\n[a]: \udcff\n", [(1, "\ufffd", 0, 1, 3, 3)], id="not-utf8"),
        pytest.param("#hashtag\n\n    # code\n", [], id="no-heading-after-all"),
    ],
)
def test_only_what_the_parser_reads_as_one_is_a_heading(
    text: str, expected: list[tuple[int, str, int, int, int, int]]
) -> None:
    assert heads(text) == expected


def test_each_line_has_its_kind() -> None:
    text = f"""---
name: x
---
# A
text
- item

  {FENCE}py
  x = 1

  {FENCE}

    indented
***
<div>
</div>

| a |
|---|
| 1 |

[ref]: http://x
{FENCE}
open
"""
    assert roles(text) == "fffhtt.(cc).to<<.|||.o(c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("    a\n\n    b\n\nc", "c.c.t", id="indented"),
        pytest.param("> ```\n> a\n\nb", "(c.t", id="fence-ended-by-its-quote"),
        pytest.param("<!-- a\n\nb\n", "<<<", id="open-comment"),
        pytest.param("```\n```\n", "()", id="empty-fence"),
        pytest.param("a\n---\n", "hh", id="setext"),
        pytest.param("", "", id="empty"),
        pytest.param("---\nname: x\n---", "fff", id="only-frontmatter"),
    ],
)
def test_kinds_of_special_blocks(text: str, expected: str) -> None:
    assert roles(text) == expected


def test_a_kind_tells_levels_apart() -> None:
    assert [kind.level for kind in line_kinds("# a\n### b\n")] == [1, 3]
    assert [kind.depth for kind in line_kinds("a\n\n- b\n  - c\n\n> d\n")] == [0, 0, 1, 2, 0, 1]


def test_a_list_is_loose_by_its_own_paragraphs_only() -> None:
    items = outline("- a\n  - b\n\n    c\n\n- d\n\n1. e\n2. - f\n\n     g\n3. > h\n").items

    assert [(item.start, item.end, item.indent, item.tight) for item in items] == [
        (0, 4, 0, False),
        (1, 4, 2, False),
        (5, 6, 0, False),
        (7, 8, 0, True),
        (8, 11, 0, True),
        (8, 11, 0, False),
        (11, 12, 0, True),
    ]


@given(st.text(alphabet="#-=`~>|<! \t\r\nab1.\ufeff\udc80", max_size=80))
def test_every_line_has_one_kind_and_sections_nest(text: str) -> None:
    known = outline(text)

    assert len(known.kinds) == len(Text.parse(text.encode("utf-8", "surrogateescape")).lines)
    starts = [section.start for section in known.sections]
    assert [section.own_end for section in known.sections] == [*starts[1:], len(known.kinds)][: len(starts)]
    for section in known.sections:
        assert section.start < section.body <= section.own_end <= section.end <= len(known.kinds)
        assert known.kinds[section.start].level == section.level


def test_the_real_skills_are_there() -> None:
    assert len(REAL) > 100


@pytest.mark.parametrize("path", REAL, ids=lambda path: "/".join(path.parts[-3:]))
def test_the_outline_of_a_real_file_covers_it(path: Path) -> None:
    text = str(Text.parse(path.read_bytes()))
    known = outline(text)
    lines = text.split("\n")

    edges = [section.start for section in known.sections] + [len(known.kinds)]
    assert [section.own_end for section in known.sections] == edges[1:]
    assert {line for line, kind in enumerate(known.kinds) if kind.role is Role.HEADING and not kind.depth} == {
        line for section in known.sections for line in range(section.start, section.body)
    }
    for section in known.sections:
        assert section.title.split() == lines[section.start].strip().strip("#").split()


DUPLICATES = outline(
    "# Guide\n\n## Usage\n\n### Run `it`\n\n# Reference\n\n## Usage\n\n## *Output*  files\n\n### A > B\n"
)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        pytest.param("Guide", 0, id="title"),
        pytest.param("## *Output*  files", 10, id="heading"),
        pytest.param("output FILES", 10, id="folded"),
        pytest.param("Run it", 4, id="marks"),
        pytest.param("Guide > Usage", 2, id="path"),
        pytest.param("Reference > ## usage", 8, id="folded-path"),
        pytest.param("## Reference > Usage", 8, id="level-of-a-path"),
        pytest.param("A > B", 12, id="title-with-a-sign"),
    ],
)
def test_a_section_is_found_by_its_name(name: str, line: int) -> None:
    assert find_section(DUPLICATES, name).start == line


def test_an_exact_title_wins_over_a_folded_one() -> None:
    assert find_section(outline("# usage\n\n# Usage\n"), "Usage").start == 2


@pytest.mark.parametrize(
    ("known", "name", "reason"),
    [
        pytest.param(
            DUPLICATES,
            "Usage",
            "section 'Usage' found at lines 3 and 9: say which with 'Guide > Usage' or 'Reference > Usage'",
            id="twice",
        ),
        pytest.param(
            outline("# A\n# A\n"),
            "A",
            "section 'A' found at lines 1 and 2, and no path tells them apart: quote the text instead",
            id="twins",
        ),
        pytest.param(DUPLICATES, "Usages", "no section 'Usages' (closest: 'Usage')", id="close"),
        pytest.param(DUPLICATES, "# Usage", "no section '# Usage' (closest: 'Usage', 'Guide')", id="wrong-level"),
        pytest.param(DUPLICATES, "zzz", "no section 'zzz' (closest: 'Guide', 'Usage', 'Run `it`')", id="nothing-close"),
        pytest.param(outline("text\n"), "A", "no section 'A' (the file has no headings)", id="no-headings"),
    ],
)
def test_a_section_that_is_not_one_says_what_there_is(known: Outline, name: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_section(known, name)

    assert str(caught.value) == reason


LINES = [
    "# Title\r",
    "Always recalculate  after\r",
    "writing a workbook.\r",
    "\r",
    "- Use openpyxl, not pandas.\r",
    "x",
]


@pytest.mark.parametrize(
    ("quote", "span"),
    [
        pytest.param("openpyxl", Span(4, 6, 4, 14), id="part"),
        pytest.param("after\nwriting", Span(1, 20, 2, 7), id="over-lines"),
        pytest.param("after\r\nwriting\r\n", Span(1, 20, 2, 7), id="crlf"),
        pytest.param("recalculate after writing a", Span(1, 7, 2, 9), id="folded"),
        pytest.param("- Use openpyxl, never pandas.", Span(4, 0, 4, 27), id="close"),
        pytest.param("Always recalculate after\nwriting the workbook.", Span(1, 0, 2, 19), id="close-over-lines"),
    ],
)
def test_quoted_text_is_found(quote: str, span: Span) -> None:
    assert find_text(LINES, quote, 0, len(LINES)) == span


def test_only_the_given_lines_are_searched() -> None:
    assert find_text(["x", "x", "x"], "x", 1, 2) == Span(1, 0, 1, 1)


@pytest.mark.parametrize(
    ("lines", "quote", "reason"),
    [
        pytest.param(["a b", "a b"], "a b", "'a b' found 2 times, at lines 1, 2: quote more of it", id="twice"),
        pytest.param(["a  b a\tb"], "a b", "'a b' found 2 times, at lines 1: quote more of it", id="twice-folded"),
        pytest.param(["aaa"], "aa", "'aa' found 2 times, at lines 1: quote more of it", id="overlapping"),
        pytest.param(
            ["x"] * 200, "x", "'x' found many times, at lines 1, 2, 3, 4, 5 and 95 more: quote more of it", id="many"
        ),
        pytest.param(["a"], " \n", "the quoted text is empty", id="empty"),
        pytest.param(
            ["Check the first sheet.", "", "Check the third sheet."],
            "Check the fifth sheet.",
            "'Check the fifth sheet.' not found, and lines 1, 3 are about equally close",
            id="two-close",
        ),
        pytest.param(
            ["# Title", "Write the file."],
            "Write nothing at all to the disk.",
            "'Write nothing at all to the disk.' not found; the nearest is line 2: 'Write the file.'",
            id="nearest",
        ),
        pytest.param(["# Title"], "zzzzzzzz", "'zzzzzzzz' not found", id="nothing-near"),
    ],
)
def test_text_without_one_place_is_refused(lines: list[str], quote: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_text(lines, quote, 0, len(lines))

    assert str(caught.value) == reason


@given(st.lists(st.text(alphabet="ab  \r", max_size=6), min_size=1, max_size=8), st.data())
def test_what_stands_once_is_found_where_it_stands(lines: list[str], data: st.DataObject) -> None:
    lines = [line.replace("\r", "") for line in lines]
    text = "\n".join(lines)
    begin = data.draw(st.integers(0, len(text)))
    quote = text[begin : data.draw(st.integers(begin, len(text)))].strip("\n")
    if quote.strip() and text.find(quote) == text.rfind(quote):
        span = find_text(lines, quote, 0, len(lines))
        found = "\n".join(lines[span.line : span.end_line + 1])
        cut = len(lines[span.end_line]) - span.end_column
        assert found[span.column : len(found) - cut] == quote


def test_windows_that_share_lines_are_one_place() -> None:
    lines = [f"Rule {number}: check the sheet before you write to it." for number in range(20)]
    quote = "\n".join(["Rules for sheets", *lines[3:17]])

    assert find_text(lines, quote, 0, 20).line in (2, 3)


def test_a_very_long_quote_must_be_exact() -> None:
    lines = ["word " * 400 + f"and number {number}" for number in range(3)]

    assert find_text(lines, lines[1], 0, 3).line == 1
    with pytest.raises(InvalidInput, match="not found; the nearest is line"):
        find_text(lines[1:2], lines[1].replace("number", "digit"), 0, 1)


def test_few_windows_of_a_large_file_are_compared_letter_by_letter() -> None:
    lines = [f"Check sheet number {number} for empty cells." for number in range(6000)]

    assert len(anchors._promising(lines, "Check sheet number for blank cells.", 1)) == anchors._TRIES  # noqa: SLF001
    with pytest.raises(InvalidInput, match="not found"):
        find_text(lines, "Check the sheet number for blank cells.\n" * 60, 0, len(lines))
