"""What a lesson adds holds no secret and no personal data; what the skill had before is not its fault."""

import base64
import json
import random
from urllib.parse import quote

import pytest

from conftest import SHARED, SKILL
from gitskill.checks.finding import Finding, Level
from gitskill.checks.secrets import changed_files, secrets_findings
from gitskill.redact.redactor import Redactor
from gitskill.skill.snapshot import Skill
from planted import SHAPES, Shape

REDACTOR = Redactor()
BASE = Skill({"SKILL.md": SKILL.encode()})
LAST = SKILL.count("\n") + 1
BY_NAME = [pytest.param(shape, id=shape.name) for shape in SHAPES]
[AWS] = (shape for shape in SHAPES if shape.name == "aws-AKIA")
KEY = AWS.make(random.Random(5))  # noqa: S311 - a repeatable fake


def with_line(line: str, base: Skill = BASE) -> Skill:
    return base.with_file("SKILL.md", base.files["SKILL.md"] + f"{line}\n".encode("utf-8", "surrogateescape"))


def found(skill: Skill, base: Skill = BASE, redactor: Redactor = REDACTOR, **texts: str) -> list[Finding]:
    return list(secrets_findings(base, skill, texts, redactor))


def messages(line: str) -> list[str]:
    return [finding.message for finding in found(with_line(line))]


@pytest.mark.parametrize("shape", BY_NAME)
def test_every_shape_of_secret_is_refused_in_a_line_and_in_a_text_and_never_shown(shape: Shape) -> None:
    secret = shape.make(random.Random(shape.name))  # noqa: S311 - a repeatable fake
    for line in (shape.line(secret), json.dumps(shape.line(secret))):
        in_skill, in_text = found(with_line(line)), found(BASE, cause=line)

        assert {item.level for item in in_skill + in_text} == {Level.INVALID}
        assert {item.path for item in in_skill} == {"SKILL.md"}
        assert {item.line for item in in_skill} <= set(range(LAST, LAST + 1 + line.count("\n")))
        assert all(item.message.startswith("the cause holds a secret (") for item in in_text)
        assert in_skill
        assert in_text
        assert secret not in repr(in_skill + in_text)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Ask ann.lee@corp.org first.", "an e-mail address"),
        ("Look in /home/annlee/notes first.", "a personal path"),
        ("Look in C:\\Users\\annlee\\notes first.", "a personal path"),
        ("The card is 4111 1111 1111 1111.", "a card number"),
        ("Pay to DE89 3704 0044 0532 0130 00.", "an account number"),
        ("The SSN is 123-45-6789.", "a social security number"),
    ],
)
def test_personal_data_is_refused_by_its_kind(line: str, kind: str) -> None:
    assert messages(line) == [f"holds {kind}"]


@pytest.mark.parametrize("address", ["user@example.com", "Ann@mail.example.org", "ann@corp.test"])
def test_an_address_that_is_reserved_for_examples_is_nobodys(address: str) -> None:
    assert messages(f"Mail {address} first.") == []
    assert messages(f"Mail {address}.de first.") == ["holds an e-mail address"]


def escapes(text: str) -> dict[str, str]:
    return {
        "percent": "".join(f"%{ord(char):02X}" for char in text),
        "hex": "".join(f"\\x{ord(char):02x}" for char in text),
        "unicode": "".join(f"\\u{ord(char):04X}" for char in text),
        "braces": "".join(f"\\u{{{ord(char):x}}}" for char in text),
        "long": "".join(f"\\U{ord(char):08x}" for char in text),
        "octal": "".join(f"\\{ord(char):03o}" for char in text),
        "html": "".join(f"&#{ord(char)};" for char in text),
        "base64": base64.b64encode(f"key={text}".encode()).decode(),
        "base64url": base64.urlsafe_b64encode(f"??>{text}".encode()).decode().rstrip("="),
        "partly": quote(text[:4]) + "".join(f"%{ord(char):x}" for char in text[4:]),
    }


@pytest.mark.parametrize("way", escapes(KEY))
def test_a_secret_behind_an_escape_is_refused_in_its_line(way: str) -> None:
    [finding] = found(with_line(f"Use {escapes(KEY)[way]} here."))

    assert (finding.line, finding.message) == (LAST, "holds a secret (aws-key)")


def test_an_escape_that_means_a_line_break_does_not_move_what_follows() -> None:
    skill = with_line(f"a%0Ab &#10; \\x0a c\n{escapes(KEY)['percent']}")

    assert [finding.line for finding in found(skill)] == [LAST + 1]


@pytest.mark.parametrize(
    "line", ["100 % of %USER%", "\\U99999999 \\u{110000}", "aGVsbG8gd29ybGQgaGVsbG8=", "&amp; &x;"]
)
def test_what_only_looks_like_an_escape_is_left_alone(line: str) -> None:
    assert messages(line) == []


def test_what_the_base_has_is_no_finding_wherever_it_moves_and_whatever_else_changes_in_its_line() -> None:
    base = with_line(f"Ask ann.lee@corp.org, or use {escapes(KEY)['percent']}.")
    edited = base.files["SKILL.md"].replace(b"Ask ", b"First ask ")
    moved = Skill({"SKILL.md": SKILL.encode(), "references/a.md": base.files["SKILL.md"].split(b"\n")[-2]})

    assert found(with_line("Save often.", base), base) == []
    assert found(Skill({"SKILL.md": edited}), base) == []
    assert found(moved, base) == []
    assert found(base, base, title="Ask ann.lee@corp.org") == []
    assert [item.message for item in found(with_line("Ask lee@corp.org", base), base)] == ["holds an e-mail address"]


def test_a_line_that_moved_or_was_indented_is_not_added() -> None:
    base = Skill({"SKILL.md": b"one\ntwo\n", "references/a.md": b"three\n"})
    skill = Skill({"SKILL.md": b"three\n  one\n\nfour\n", "references/b.md": b"two\r\n"})

    assert [(file.path, file.added) for file in changed_files(base, skill)] == [("SKILL.md", frozenset({3}))]


def test_a_value_that_becomes_a_secret_beside_a_line_of_the_base_is_refused() -> None:
    base = with_line('aws_secret_access_key = """')
    [shape] = (shape for shape in SHAPES if shape.name == "aws-secret")
    half = shape.make(random.Random(3))  # noqa: S311 - a repeatable fake

    assert [item.line for item in found(with_line(f"x\n    password = '{half}'", base), base)] == [LAST + 2]


def test_the_environments_own_secrets_are_refused_whatever_their_shape() -> None:
    redactor = Redactor({"SERVICE_TOKEN": "violet-harbour-kettle-92"})

    assert [item.message for item in found(with_line("violet-harbour-kettle-92"), redactor=redactor)] == [
        "holds a secret (own)"
    ]


@pytest.mark.parametrize("text", [KEY, "".join(f"{char}\0" for char in KEY)])
def test_a_binary_file_is_searched_for_what_can_be_read_in_it(text: str) -> None:
    skill = BASE.with_file("assets/a.bin", b"\0\xff\x01" + text.encode() + b"\xfe\0")
    old = skill.with_file("assets/a.bin", b"\0\xff\x02" + text.encode() + b"\xfe\0")

    [finding] = found(skill)
    assert (finding.path, finding.line, finding.message) == ("assets/a.bin", None, "holds a secret (aws-key)")
    assert found(old, skill) == []


def test_markdown_with_a_nul_is_still_searched_by_lines() -> None:
    assert [item.line for item in found(with_line(f"\0\n{KEY}"))] == [LAST + 1]


def test_the_name_of_a_new_file_is_searched_and_not_shown() -> None:
    skill = BASE.with_file(f"references/{KEY}.md", b"Fine.\n")

    [finding] = found(skill)
    assert (finding.path, finding.message) == ("", "the name of a new file holds a secret (aws-key)")
    assert found(skill.with_file("SKILL.md", b"x"), skill) == []


@pytest.mark.parametrize("left", ["\u2039SECRET:aws-key:1\u203a", "\u2039EMAIL:2\u203a", "\u2039HOME:1\u203a"])
def test_a_placeholder_is_refused_in_the_skill_and_stands_in_quotes(left: str) -> None:
    what = f"holds {left}, which stands for something that was removed from the trace"

    assert messages(f"Log in with {left}.") == [what]
    assert found(BASE, quote=left, cause=left) == []
    assert found(with_line(f"Use {left}.", with_line(left)), with_line(left)) == []


def test_a_kind_is_told_once_for_a_line() -> None:
    assert messages(f"{KEY} ann@corp.org {AWS.make(random.Random(6))} bob@corp.org") == [  # noqa: S311
        "holds a secret (aws-key)",
        "holds an e-mail address",
    ]


def test_real_skills_and_plain_controls_added_as_a_whole_raise_few_alarms() -> None:
    """The addresses and keys in real skills are examples; a lesson that adds one is looked at, so few may have one."""
    skills = sorted(SHARED.glob("skills/*/*/SKILL.md"))
    control = (SHARED / "security" / "own-fixtures" / "control_no_secrets.txt").read_text()
    alarmed = [path for path in skills if found(Skill({"SKILL.md": path.read_bytes()}), Skill({}))]

    assert messages(control.replace("\n", " ")) == []
    assert len(skills) > 30
    assert len(alarmed) <= len(skills) * 0.1
