"""What redaction promises of any text, measured on planted secrets, on real texts, and on hostile ones."""

import json
import random
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import planted
from conftest import SHARED
from gitskill.redact.kinds import KINDS
from gitskill.redact.named import NAMES
from gitskill.redact.page import PLACEHOLDER
from gitskill.redact.phrases import PHRASES
from gitskill.redact.redactor import Redaction, Redactor
from gitskill.trace import leaves
from planted import SHAPES, Shape

REDACTOR = Redactor()
BAR = 0.95
BY_NAME = [pytest.param(shape, id=shape.name) for shape in SHAPES]


def made(shape: Shape) -> Iterator[str]:
    """Throw three secrets of a shape, the same ones every time."""
    dice = random.Random(shape.name)  # noqa: S311  # repeatable fakes
    return (shape.make(dice) for _ in range(3))


def hides(text: str, secret: str) -> bool:
    """Tell whether redaction leaves no useful part of the secret."""
    out = REDACTOR.session().text(text)
    return "SECRET:" in out and not planted.remains(secret, out)


@pytest.mark.parametrize("shape", BY_NAME)
def test_every_shape_is_found_raw_and_in_json_in_a_text(shape: Shape) -> None:
    for secret in made(shape):
        assert hides(shape.line(secret), secret)
        assert hides(planted.escaped(shape.line(secret)), secret)
        assert hides(json.dumps(planted.escaped(shape.line(secret))), secret)


@pytest.mark.parametrize("shape", BY_NAME)
def test_every_shape_is_found_over_two_lines(shape: Shape) -> None:
    hidden = [hides(text, secret) for secret in made(shape) for text in planted.split(shape, secret)]

    assert sum(hidden) >= BAR * len(hidden)


@pytest.mark.parametrize("shape", BY_NAME)
def test_what_stands_around_a_secret_stays(shape: Shape) -> None:
    for secret in made(shape):
        out = REDACTOR.session().text(shape.line(secret))

        assert out.startswith(shape.line("\0").partition("\0")[0].removesuffix("sig="))
        assert out.endswith(shape.line("\0").partition("\0")[2])


def strings(path: Path) -> Iterator[str]:
    """Give every text in a file of test data, decoded."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (text for name in archive.namelist() for text in leaves(json.loads(archive.read(name))))
        return
    text = path.read_text(errors="replace")
    if path.suffix in {".json", ".traj"}:
        yield from leaves(json.loads(text))
    elif path.suffix == ".jsonl":
        yield from (leaf for line in text.splitlines() if line.strip() for leaf in leaves(json.loads(line)))
    else:
        yield text


MAILS = {"noah.patel", "openhands", "gael.varoquaux", "yara_garcia_1905", "sophia_silva_7557"}
"""The true ones in the test data, beside those at example.com: named in simulated talks, and in quoted sources."""


@pytest.mark.parametrize("folder", ["trajectories", "skills"])
def test_real_texts_without_secrets_stay_as_they_are(folder: str) -> None:
    texts = {text for path in (SHARED / folder).rglob("*") if path.is_file() for text in strings(path)}

    found = [(span.label, text[span.start : span.end]) for text in texts for span in REDACTOR.spans(text)]

    assert len(texts) > 100
    assert {label for label, _ in found} <= {"EMAIL"}
    assert {name for _, mail in found for name, _, domain in [mail.partition("@")] if "example" not in domain} <= MAILS


def hostile() -> Iterator[str]:
    """Give what one comparison could get lost in: beginnings without an end, and what patterns repeat."""
    yield from ("a", "A", "1", "A1b", "-", "_", ".", "@", "a@", "@a.", "://a:", "://a:b@", "\\", "\\n", "\\u002d")
    yield from (
        "/home/",
        "/home/a",
        "C:\\Users\\",
        "-home-a",
        "A0",
        "0000-",
        "0000 ",
        "cookie: a=b;",
        '"\n"',
        "\\\\\\n",
    )
    yield from (
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----A",
        "Ab1Cd2Ef3\n",
    )
    yield from ("Ab1Cd2Ef3\n", "\\\\\\n", "\u00e9", "\ud800", "\u2039", "\u2039HOME:1\u203a")
    for kind in KINDS:
        for literal in kind.literals:
            yield from (literal.decode() + end for end in ("", "-", "\n", "\n\n", "aB1.", "a" * 20 + "\n"))
    for word in {row.literal.decode() for row in (*NAMES, *PHRASES)}:
        yield from (word + end for end in ("", "=", '="', ": a1", "=Ab1%", "=abc\n", "word is ", " is "))


@pytest.mark.parametrize("seed", sorted(set(hostile())))
def test_time_grows_as_the_text_does(seed: str) -> None:
    # A quadratic search takes a hundred times as long for ten times the text; a busy machine may take twenty-five.
    def seconds(size: int) -> float:
        text = (seed * (size // len(seed) + 1))[:size]
        start = time.process_time()
        REDACTOR.session().text(text)
        return time.process_time() - start

    small = max(seconds(2_000), 0.0003)
    assert min(seconds(20_000), seconds(20_000)) < 25 * small


PIECES = st.one_of(
    st.text(max_size=12),
    st.text(alphabet=" \n\t\"'\\=:@/.-_<>&;,%$\0\u2039\u203a1aA", max_size=8),
    st.sampled_from(
        ("password=", "token: ", "key", "secret is ", "/home/", "/Users/", "C:\\Users\\", "-home-", "://", "user:", "@")
    ),
    st.sampled_from(("Bearer ", "Cookie: a=", "\\n", "\\u002d", "--token ", "a.com", "\ud800", "bob" + "@x.io")),
    st.sampled_from(("\u2039EMAIL:1\u203a", "\u2039SECRET:key:2\u203a")),
    st.sampled_from(("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----")),
    st.builds(lambda shape, seed: shape.make(random.Random(seed)), st.sampled_from(SHAPES), st.integers(0, 9)),  # noqa: S311
    st.builds(
        lambda shape, seed: shape.line(shape.make(random.Random(seed))),  # noqa: S311
        st.sampled_from(SHAPES),
        st.integers(0, 9),
    ),
)
TEXTS = st.lists(PIECES, max_size=9).map("".join)


@given(TEXTS)
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = REDACTOR.session().text(text)

    assert REDACTOR.session().text(once) == once
    once.encode()


@given(st.lists(TEXTS, max_size=4))
def test_the_counts_add_up_to_the_placeholders(parts: list[str]) -> None:
    session = REDACTOR.session()
    before = sum(len(PLACEHOLDER.findall(text)) for text in parts)

    after = sum(len(PLACEHOLDER.findall(session.text(text))) for text in parts)

    assert sum(session.counts.values()) == after - before


@given(TEXTS, st.sampled_from(SHAPES), st.integers(0, 99))
def test_the_same_value_gets_the_same_placeholder(text: str, shape: Shape, seed: int) -> None:
    secret = shape.make(random.Random(seed))  # noqa: S311
    session = REDACTOR.session()

    first = session.text(shape.line(secret))
    session.text(text)

    assert session.text(shape.line(secret)) == first


@given(st.lists(st.from_regex(re.compile(r"[A-Za-z]{1,12}|[0-9]{1,6}|[(){}\[\]+*#!?,;]"), fullmatch=True), max_size=40))
def test_words_and_numbers_stay(words: list[str]) -> None:
    text = " ".join(words)

    assert REDACTOR.session().text(text) == text


@given(TEXTS)
def test_a_session_changes_only_what_it_counts(text: str) -> None:
    session: Redaction = REDACTOR.session()
    plain = re.sub(r"[\ud800-\udfff]", "\ufffd", text)

    assert (session.text(text) == plain) == (not session.counts)
