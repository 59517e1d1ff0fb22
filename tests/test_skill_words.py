"""What changed inside lines, word by word."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.skill.words import Mark, side, word_diff

LINES = st.lists(st.text("ab`[]()#-*1. \n'", max_size=20).map(lambda text: text.replace("\n", " ")), max_size=4)


def told(old: str, new: str) -> str:
    """Write a comparison as git does."""
    signs = {Mark.SAME: "{}", Mark.REMOVED: "[-{}-]", Mark.ADDED: "{{+{}+}}"}
    return "".join(signs[piece.mark].format(piece.text) for piece in word_diff(old.split("\n"), new.split("\n")))


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("- Save the file.", "- Save the copy.", "- Save the [-file-]{+copy+}."),
        ("- Save the file.", "* Save the file.", "[-- -]{+* +}Save the file."),
        ("9. Save it now", "10. Save it now", "[-9. -]{+10. +}Save it now"),
        ("- [ ] Save it now", "- [x] Save it now", "[-- [ ] -]{+- [x] +}Save it now"),
        ("Run `a b` first", "Run `a c` first", "Run [-`a b`-]{+`a c`+} first"),
        ("See [a b](x.md) here", "See [a b](y.md) here", "See [-[a b](x.md)-]{+[a b](y.md)+} here"),
        ("## The first part", "### The first part", "[-## -]{+### +}The first part"),
        ("one two\nthree four", "one two three four", "one two[-\n-]{+ +}three four"),
        ("keep a, b and more", "keep c, d and more", "keep [-a, b-]{+c, d+} and more"),
        ("Save the file.", "Nothing in common here at all.", ""),
        ("same words", "same words", "same words"),
    ],
)
def test_words_are_told_apart_as_markdown_has_them(old: str, new: str, wanted: str) -> None:
    assert told(old, new) == wanted


def test_where_only_one_side_has_text_nothing_is_compared() -> None:
    assert word_diff([], ["one"]) == ()
    assert word_diff(["one"], []) == ()


@given(LINES, LINES)
def test_both_sides_can_be_read_from_a_comparison(old: list[str], new: list[str]) -> None:
    if pieces := word_diff(old, new):
        assert ["".join(piece.text for piece in line) for line in side(pieces, Mark.REMOVED)] == old
        assert ["".join(piece.text for piece in line) for line in side(pieces, Mark.ADDED)] == new


@pytest.mark.parametrize("text", ["`" * 50_000, "[" * 50_000, "-" * 50_000, "a." * 25_000, " " * 50_000, "a:" * 9000])
def test_text_that_is_made_to_be_slow_is_not(text: str) -> None:
    began = time.process_time()

    word_diff([text], [f"{text}b"])

    assert time.process_time() - began < 1
