"""What is shown holds nothing that a terminal obeys or a reader cannot see."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.visible import visible


@pytest.mark.parametrize(
    "text",
    ["", "plain", "two\nlines\tand a tab", "Überschrift", "日本語", "🙂", "a\u00a0b", "e\u0301"],
    ids=["empty", "ascii", "newline-and-tab", "accents", "ideographs", "emoji", "no-break-space", "combining"],
)
def test_text_that_a_reader_sees_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\x1b[31mred", "\\u{1b}[31mred", id="colour"),
        pytest.param("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}", id="window-title"),
        pytest.param("a\x00b", "a\\u{0}b", id="nul"),
        pytest.param("over\rwritten", "over\\u{d}written", id="carriage-return"),
        pytest.param("ab\b\x7f", "ab\\u{8}\\u{7f}", id="backspace-and-delete"),
        pytest.param("\x9b31m", "\\u{9b}31m", id="one-byte-escape"),
        pytest.param("\u202eevil", "\\u{202e}evil", id="right-to-left"),
        pytest.param("a\u2066b\u2069", "a\\u{2066}b\\u{2069}", id="isolates"),
        pytest.param("a\u200bb", "a\\u{200b}b", id="zero-width-space"),
        pytest.param("👩\u200d💻", "👩\\u{200d}💻", id="joiner-in-an-emoji"),
        pytest.param("\ufeffx", "\\u{feff}x", id="byte-order-mark"),
        pytest.param("\U000e0041", "\\u{e0041}", id="tag"),
        pytest.param("a\u2028b\u2029", "a\\u{2028}b\\u{2029}", id="line-separators"),
        pytest.param("\udcff", "\\u{dcff}", id="a-byte-that-is-not-utf-8"),
        pytest.param("\ue000", "\\u{e000}", id="private-use"),
        pytest.param("a\u3164b\u115f", "a\\u{3164}b\\u{115f}", id="letters-without-a-shape"),
    ],
)
def test_what_a_terminal_obeys_or_nobody_sees_is_written_as_its_number(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_nothing_unseen_is_left_and_showing_twice_changes_nothing(text: str) -> None:
    shown = visible(text)

    unseen = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert [char for char in shown if unicodedata.category(char) in unseen and char not in "\n\t"] == []
    assert visible(shown) == shown
