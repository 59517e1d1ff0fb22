"""Texts for forges: whatever is filled in stays text, in its own cell, and calls nobody."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gitskill.messages import Markdown, code, markdown, plain

HOSTILE = [
    "a | b",
    "@ada and @team/owners, see #12, !3, ~bug, GH-4 and ada/sheets#5",
    "https://evil.example/x www.evil.example ada@evil.example",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "<img src=x onerror=alert(1)> <!-- hidden --> <details> &#64;ada",
    "`code` **bold** _it_ ~~gone~~ $x^2$ \\",
    "first\n\n## second\n/assign @ada\n- [ ] task",
    "/merge",
    "# heading",
    "> quoted",
    "- item",
    "12. item",
    ":::note",
    "\u202eabc\u200b \x1b[2J",
    "fixes 0123456789abcdef0123456789abcdef01234567",
]
_TABLE = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_CALLS = re.compile(r"[@#!~&][A-Za-z0-9]|GH-\d|https?://|www\.")


def shown(text: str) -> list[tuple[str, str]]:
    """Give kind and text of everything that stands in the second row of a table with `text` in its middle cell."""
    tokens = _TABLE.parse(f"| a | b | c |\n|---|---|---|\n| 1 | {text} | 3 |\n")
    kinds = [token.type for token in tokens]
    assert kinds.count("td_open") == 3
    assert kinds.count("table_open") == 1
    [_, cell, last] = [token for token in tokens if token.type == "inline"][3:]
    assert last.content == "3"
    return [(each.type, each.content) for each in cell.children or []]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is_and_calls_nobody(text: str) -> None:
    found = shown(markdown(text))

    assert {kind for kind, _ in found} <= {"text", "text_special"}
    told = "".join(content for _, content in found)
    assert told == plain(text)
    assert not _CALLS.search(told)
    assert "\u202e" not in told
    assert "fixes 0123456" not in told
    assert not re.match(r"[/#>\-]|\d+\.", markdown(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_alone_in_a_paragraph_it_is_text_too(text: str) -> None:
    tokens = _TABLE.parse(markdown(text) + "\n")

    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {each.type for each in tokens[1].children or []} <= {"text", "text_special"}


@settings(max_examples=25)
@given(st.text(st.characters(codec="utf-8") | st.sampled_from("|`\\\n*_[](){}<>&#@!~$-+.:/ "), min_size=1, max_size=40))
def test_no_text_leaves_its_cell(text: str) -> None:
    assert {kind for kind, _ in shown(markdown(text))} <= {"text", "text_special"}


@pytest.mark.parametrize("text", ["a`b", "``", "`", "a | b", "x\ny"])
def test_code_stays_code_whatever_backticks_it_holds(text: str) -> None:
    assert shown(code(text)) == [("code_inline", " ".join(text.split()))]


def test_a_title_is_one_line_of_a_bounded_length() -> None:
    assert plain("a\nb\t c") == "a b c"
    assert plain("word " * 50, 20) == "word word word wo..."
    assert plain("fix #12 for @ada") == "fix #\u200b12 for @\u200bada"


def test_what_is_markdown_already_is_told_apart() -> None:
    assert isinstance(markdown("x"), Markdown)
    assert not isinstance("x", Markdown)
