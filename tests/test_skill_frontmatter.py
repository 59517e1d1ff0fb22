"""SKILL.md is cut without losing a byte, and no YAML can hurt."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitskill.errors import InvalidInput
from gitskill.skill import safe_yaml, tokens
from gitskill.skill.frontmatter import Frontmatter, split
from gitskill.skill.text import Text

MERGE_BOMB = "".join(
    ["a0: &a0 {k: v}\n", *(f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 25)), "z:\n  <<: *a24\n"]
)
ALIAS_BOMB = 'a: &a ["x", "x"]\n' + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: b\nc: \x00", "line 2: found a control character", id="NUL"),
        pytest.param("é: b\nc: \x07d", "line 2: found a control character", id="bell after two-byte characters"),
        pytest.param('a: b\nc: "\\0"', "line 2: found a control character", id="NUL by an escape"),
        pytest.param('"\\e": b', "line 1: found a control character", id="escape by an escape, in a key"),
        pytest.param('a: "\\x9f"', "line 1: found a control character", id="C1 by an escape"),
        pytest.param("a: b\nc: \ud800", "line 2: found bytes that are not UTF-8", id="lone surrogate"),
        pytest.param("a: &b c", "line 1: found an anchor (&name)", id="anchor"),
        pytest.param("a: &b [c]", "line 1: found an anchor (&name)", id="anchor of a list"),
        pytest.param("a: b\nc: *a", "line 2: found an alias (*name)", id="alias"),
        pytest.param("a: !!python/object:os.system b", "line 1: found a tag (!name)", id="python tag"),
        pytest.param("a: !!int 3", "line 1: found a tag (!name)", id="int tag"),
        pytest.param("a: !x {b: c}", "line 1: found a tag (!name)", id="tag of a mapping"),
        pytest.param("a: b\n<<:\n  c: d", "line 2: found a merge key (<<)", id="merge key"),
        pytest.param("a: b\nc: d\na: e", "line 3: found the key 'a' twice", id="duplicate key"),
        pytest.param("1: b\n'1': e", "line 2: found the key '1' twice", id="duplicate key, spelled twice"),
        pytest.param("[a]: b", "line 1: found a list or mapping as a key", id="list as a key"),
        pytest.param("a: b\n---\nc: d", "line 2: found a second document", id="two documents"),
        pytest.param("- - - - - - - - - a", "line 1: found nesting deeper than 8", id="nine lists"),
        pytest.param("[" * 10_000, "line 1: found nesting deeper than 8", id="10 KB of ["),
        pytest.param("- a\n" * 2000, "line 1998: found more than 2000 parts", id="many parts"),
        pytest.param("a: [" + "1," * 500_000, "line 1: found more than 16384 bytes", id="1 MB flow list"),
        pytest.param("é" * 8193, "line 1: found more than 16384 bytes", id="bytes, not characters"),
        pytest.param(MERGE_BOMB, "line 1: found an anchor (&name)", id="merge key bomb"),
        pytest.param(ALIAS_BOMB, "line 1: found an anchor (&name)", id="alias bomb"),
        pytest.param("a: b\nc: d: e", "line 2: found broken YAML (mapping values are not allowed in this context)"),
        pytest.param("a:\n\tb: c", "line 2: found broken YAML (found character that cannot start any token)"),
    ],
)
def test_what_is_refused_is_refused_where_it_begins(text: str, message: str) -> None:
    """The line is that of the first event that breaks a rule: nothing after it was read, let alone built."""
    with pytest.raises(InvalidInput) as caught:
        safe_yaml.load(text)

    assert str(caught.value) == message


def test_every_scalar_is_a_string() -> None:
    text = "a: 1\nb: yes\nc: 2026-01-01\nd:\ne: ~\nf: [1.5, {0x1f: null}]\ng: <<\n'<<': h\n"

    assert safe_yaml.load(text) == {
        "a": "1",
        "b": "yes",
        "c": "2026-01-01",
        "d": "",
        "e": "~",
        "f": ["1.5", {"0x1f": "null"}],
        "g": "<<",
        "<<": "h",
    }


def test_a_number_of_5000_digits_is_5000_characters() -> None:
    assert safe_yaml.load("a: " + "1" * 5000) == {"a": "1" * 5000}


def test_a_text_at_every_limit_is_read() -> None:
    assert safe_yaml.load("- - - - - - - - a") == [[[[[[[["a"]]]]]]]]
    assert safe_yaml.load("- a\n" * 1994) == ["a"] * 1994
    assert safe_yaml.load("a" * 16_384) == "a" * 16_384
    assert safe_yaml.load("# nothing") is None


def test_limits_are_the_callers_choice() -> None:
    with pytest.raises(InvalidInput, match="more than 3 bytes"):
        safe_yaml.load("abcd", max_bytes=3)
    with pytest.raises(InvalidInput, match="more than 3 parts"):
        safe_yaml.load("a: b", max_events=3)
    with pytest.raises(InvalidInput, match="nesting deeper than 1"):
        safe_yaml.load("a: [b]", max_depth=1)


@pytest.mark.parametrize(
    "text", ["a: [b]", "a: {b: c}", "a:\n  b: c\nd:\n    e: f"], ids=["flow list", "flow mapping", "uneven mappings"]
)
def test_strict_reading_refuses_what_is_valid_yaml(text: str) -> None:
    assert safe_yaml.load(text)
    with pytest.raises(InvalidInput):
        safe_yaml.load(text, strict=True)


def test_strict_reading_takes_block_style() -> None:
    assert safe_yaml.load("a:\n  b: c\nd:\n  e: f\ng:\n- h\n", strict=True) == {
        "a": {"b": "c"},
        "d": {"e": "f"},
        "g": ["h"],
    }


@given(st.text(alphabet=st.sampled_from("ab01:-?,[]{}#&*!|>'\"%@`<. \n\r\t\0\x85\u2028\ufeff\ud800\\"), max_size=60))
def test_nothing_but_invalid_input_escapes(text: str) -> None:
    message = ""
    try:
        safe_yaml.load(text)
    except InvalidInput as error:
        message = str(error)

    assert message.isprintable()


PIECES = st.sampled_from(
    [
        "---",
        "--- ",
        "---x",
        " ---",
        "...",
        "\n",
        "\r\n",
        "\r",
        "\ufeff",
        "name: a",
        "a: '---'",
        "  ",
        "\udcff",
        "\0",
        "é",
    ]
)


def lines(text: str) -> tuple[str, ...]:
    return Text.parse(text.encode("utf-8", "surrogateescape")).lines


@given(st.lists(PIECES, max_size=14).map("".join))
@example("\ufeff---\nname: a\n---\nbody")
@example("---\r\nname: a\r\n---\r\n\r\nbody\r\n")
@example("---\nname: a\n---")
def test_splitting_loses_no_byte_and_never_fails(text: str) -> None:
    matter = split(text)

    assert matter.raw + matter.body == text
    assert lines(text)[matter.body_line :] == lines(matter.body)
    assert bool(matter.fields) != bool(matter.problem)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        pytest.param("---\nname: a\n---\nbody", "---\nname: a\n---\n", id="plain"),
        pytest.param("\ufeff---\nname: a\n---\nbody", "\ufeff---\nname: a\n---\n", id="byte order mark"),
        pytest.param("---\r\nname: a\r\n---\r\nbody", "---\r\nname: a\r\n---\r\n", id="CRLF"),
        pytest.param("--- \nname: a\n---\t\nbody", "--- \nname: a\n---\t\n", id="blanks after the dashes"),
        pytest.param("---\nname: a\n---", "---\nname: a\n---", id="no last newline"),
        pytest.param("---\nname: a --- b\n---\nx\n---\n", "---\nname: a --- b\n---\n", id="dashes in a value"),
        pytest.param("---\nname: a\nd: |\n  ---\n---\n", "---\nname: a\nd: |\n  ---\n---\n", id="dashes indented"),
        pytest.param("---\nname: a\n---\n\n---\n", "---\nname: a\n---\n", id="a rule in the body"),
    ],
)
def test_the_frontmatter_ends_at_its_closing_line(text: str, raw: str) -> None:
    matter = split(text)

    assert matter.raw == raw
    assert matter.problem == ""
    assert matter.fields["name"] in {"a", "a --- b"}


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("", "no frontmatter: the first line is not ---", 1),
        ("# Title\n", "no frontmatter: the first line is not ---", 1),
        ("\n---\nname: a\n---\n", "no frontmatter: the first line is not ---", 1),
        ("----\nname: a\n----\n", "no frontmatter: the first line is not ---", 1),
        ("---\rname: a\r---\rbody", "no frontmatter: the first line is not ---", 1),
        ("---\nname: a\n", "the frontmatter has no closing --- line", 1),
        ("---\n---\n", "the frontmatter has no `key: value` lines", 1),
        ("---\n# name: a\n---\n", "the frontmatter has no `key: value` lines", 1),
        ("---\n- a\n---\n", "the frontmatter has no `key: value` lines", 1),
        ("---\nname: a\nb: 'c\n---\n", "the frontmatter has broken YAML (found unexpected end of stream)", 4),
        ("---\nname: *a\n---\n", "the frontmatter has an alias (*name)", 2),
        ("---\na: " + "b" * 17_000 + "\n---\n", "the frontmatter has more than 16384 bytes", 1),
    ],
)
def test_broken_frontmatter_is_a_problem_with_a_line(text: str, problem: str, line: int) -> None:
    matter = split(text)

    assert (matter.problem, matter.problem_line) == (problem, line)
    assert matter.fields == {}


def test_a_key_is_found_in_the_file() -> None:
    matter = split("---\nnames: a\n'name' : b\nmetadata:\n  version: 1\ndescription: x\n---\ndescription: y\n")

    assert [matter.line_of(key) for key in ("name", "description", "version")] == [3, 6, 1]


def test_fields_cannot_be_changed() -> None:
    fields = {"name": "a"}
    matter = Frontmatter("", "", fields)

    fields["name"] = "b"

    assert matter.fields == {"name": "a"}
    with pytest.raises(TypeError):
        matter.fields["name"] = "c"  # type: ignore[index]


def test_tokens_are_quarter_characters_rounded_up() -> None:
    assert [tokens.estimate("é" * n) for n in (0, 1, 4, 5)] == [0, 1, 1, 2]
