"""The strict verdict, against the specification's own validator."""

from pathlib import Path

import pytest
from skills_ref.validator import validate

from gitskill.checks.finding import Level
from gitskill.checks.specification import spec_findings
from gitskill.skill.snapshot import Skill

NAME = "name: pdf-tools"
TEXT = "description: Fills PDF forms."
GOOD = f"{NAME}\n{TEXT}\n"


def top(yaml: str) -> str:
    return f"---\n{yaml}\n---\n\n# PDF\n"


def named(name: str) -> str:
    return top(f"name: {name}\n{TEXT}")


def described(description: str) -> str:
    return top(f"{NAME}\ndescription: {description}")


def with_metadata(yaml: str) -> str:
    return top(GOOD + yaml)


CASES = {
    "good": top(GOOD),
    "every key": with_metadata("license: MIT\ncompatibility: any\nmetadata:\n  a: b\nallowed-tools: Read Bash(ls *)"),
    "CRLF": top(GOOD).replace("\n", "\r\n"),
    "no body": f"---\n{GOOD}---",
    "comments": top(f"# x\n{GOOD}  # y"),
    "blanks after the dashes": f"--- \n{GOOD}--- \n",
    "document end": top(GOOD + "..."),
    "byte order mark": "\ufeff" + top(GOOD),
    "empty file": "",
    "no frontmatter": "# PDF\n",
    "blank line first": "\n" + top(GOOD),
    "not closed": f"---\n{GOOD}",
    "four dashes": f"----\n{GOOD}----\n",
    "empty frontmatter": top(""),
    "only a comment": top("# x"),
    "a list": top("- name: x"),
    "a word": top("word"),
    "name missing": top(TEXT),
    "description missing": top(NAME),
    "capital key": top(f"Name: pdf-tools\n{TEXT}"),
    "name empty": named(""),
    "name empty in quotes": named("''"),
    "name of blanks": named("'  '"),
    "name with blanks around": named("' pdf-tools '"),
    "name quoted": named('"pdf-tools"'),
    "name is null": named("null"),
    "name is a tilde": named("~"),
    "name is a list": named("\n  - pdf-tools"),
    "name is a mapping": named("\n  pdf: tools"),
    "name in capitals": named("PDF-tools"),
    "name with underscore": named("pdf_tools"),
    "name with a space": named("pdf tools"),
    "name with a dot": named("pdf.tools"),
    "name with a slash": named("pdf/tools"),
    "name with a hyphen first": named("-pdf"),
    "name with a hyphen last": named("pdf-"),
    "name is a hyphen": named("'-'"),
    "name with two hyphens": named("pdf--tools"),
    "name of another folder": named("pdf-tool"),
    "name of 65": named("a" * 65),
    "description empty": described(""),
    "description of blanks": described("'   '"),
    "description is a list": described("\n  - a"),
    "description is a mapping": described("\n  a: b"),
    "description of 1024": described("a" * 1024),
    "description of 1025": described("a" * 1025),
    "description of 1024 two-byte characters": described("\u00e9" * 1024),
    "description in a block": described("|\n  a\n  b"),
    "description folded": described(">-\n  a\n  b"),
    "description of 1024 and a newline": described("|\n  " + "a" * 1024),
    "description over two lines": described("a\n  b"),
    "description with a colon": described("Use when: asked"),
    "description with a colon in quotes": described("'Use when: asked'"),
    "description with a hash": described("a # b"),
    "description begins with a backtick": described("`pdf` files"),
    "description begins with an at sign": described("@pdf"),
    "description begins with a percent sign": described("%pdf"),
    "description begins with a star": described("*pdf*"),
    "description is a flow list": described("[a, b]"),
    "description has brackets later": described("a [b, c] {d}"),
    "description with emoji": described("\U0001f600 \u4e2d\u6587"),
    "description with an open quote": described("'a"),
    "description with text after the quote": described("'a' b"),
    "description is a number": described("42"),
    "description is a date": described("2026-01-01"),
    "description of 5,000 digits": described("1" * 5000),
    "control character": described("a\x07b"),
    "NUL": described("a\0b"),
    "unknown key": with_metadata("version: 1"),
    "two unknown keys": with_metadata("version: 1\nx: y"),
    "duplicate key": with_metadata(TEXT),
    "duplicate key in metadata": with_metadata("metadata:\n  a: b\n  a: c"),
    "anchor": described("&a text"),
    "alias": with_metadata("license: &a MIT\ncompatibility: *a"),
    "tag": described("!!str text"),
    "own tag": described("!x text"),
    "merge key": with_metadata("<<: x"),
    "metadata is a text": with_metadata("metadata: x"),
    "metadata is empty": with_metadata("metadata:"),
    "metadata with numbers": with_metadata("metadata:\n  version: 1.0\n  internal: true"),
    "metadata in braces": with_metadata("metadata: {a: b}"),
    "metadata nested": with_metadata("metadata:\n  a:\n    b: c"),
    "metadata nested unevenly": with_metadata("metadata:\n  a:\n    b: c\n  d:\n      e: f"),
    "metadata with a list": with_metadata("metadata:\n  tags:\n    - a\n    - b"),
    "metadata with a flow list": with_metadata("metadata:\n  tags: [a, b]"),
    "compatibility of 500": with_metadata("compatibility: " + "a" * 500),
    "compatibility of 501": with_metadata("compatibility: " + "a" * 501),
    "compatibility empty": with_metadata("compatibility:"),
    "compatibility is a list": with_metadata("compatibility:\n  - a"),
    "tools as a list": with_metadata("allowed-tools:\n  - Read\n  - Grep"),
    "tools as a flow list": with_metadata("allowed-tools: [Read]"),
    "tools with commas": with_metadata("allowed-tools: Read, Grep"),
    "license empty": with_metadata("license:"),
    "tab for indent": with_metadata("metadata:\n\ta: b"),
    "wrong indent": top(f"{NAME}\n {TEXT}"),
    "everything indented": top(f"  {NAME}\n  {TEXT}"),
    "key without a space": top(f"name:pdf-tools\n{TEXT}"),
    "explicit key": top(f"? name\n: pdf-tools\n{TEXT}"),
    "list as a key": with_metadata("? - a\n: b"),
    "quoted key": top(f"'name': pdf-tools\n{TEXT}"),
}


def judged(tmp_path: Path, content: bytes, folder: str, file: str = "SKILL.md") -> tuple[bool, bool]:
    """Say whether we accept a skill, and whether its validator does; where that one crashes, it does not."""
    root = tmp_path / folder
    root.mkdir()
    (root / file).write_bytes(content)
    try:
        theirs = not validate(root)
    except (AssertionError, AttributeError, UnicodeDecodeError):
        theirs = False
    return not spec_findings(Skill({file: content}), folder), theirs


@pytest.mark.parametrize("case", CASES)
def test_both_say_the_same(tmp_path: Path, case: str) -> None:
    ours, theirs = judged(tmp_path, CASES[case].encode(), "pdf-tools")

    assert ours == theirs


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("a" * 64, "a" * 64),
        ("b", "b"),
        ("1", "1"),
        ("caf\u00e9", "caf\u00e9"),
        ("cafe\u0301", "caf\u00e9"),
        ("caf\u00e9", "cafe\u0301"),
        ("\u6280\u80fd", "\u6280\u80fd"),
        ("CAF\u00c9", "CAF\u00c9"),
        ("\ufb01x", "fix"),
        ("\u00b2", "\u00b2"),
        ("-a", "-a"),
        ("a-", "a-"),
        ("a--b", "a--b"),
        ("a_b", "a_b"),
        ("A", "A"),
        ("\u0130", "\u0130"),
        ("a-\U0001f600", "a-\U0001f600"),
        ("\ufb03" * 22, "\ufb03" * 22),
    ],
)
def test_both_say_the_same_of_a_name(tmp_path: Path, name: str, folder: str) -> None:
    ours, theirs = judged(tmp_path, named(name).encode(), folder)

    assert ours == theirs


def test_the_cases_are_of_both_kinds() -> None:
    accepted = [not spec_findings(Skill({"SKILL.md": text.encode()}), "pdf-tools") for text in CASES.values()]

    assert accepted.count(True) > 25
    assert accepted.count(False) > 50


def test_bytes_that_are_not_utf_8_are_refused_by_both(tmp_path: Path) -> None:
    assert judged(tmp_path, top(GOOD).encode() + b"caf\xe9", "pdf-tools") == (False, False)


@pytest.mark.parametrize(
    ("content", "ours"),
    [
        pytest.param(described("'a --- b'"), True, id="it ends the frontmatter inside a value"),
        pytest.param(f"---\n{GOOD}license: MIT --- x\n", False, id="it takes dashes in a value for the end"),
        pytest.param(described("a\tb"), True, id="it refuses tabs between words"),
        pytest.param(top(GOOD).replace("\n", "\r"), False, id="it takes lone carriage returns for lines"),
        pytest.param(described('"a\\0b"'), False, id="it takes a NUL made by an escape"),
        pytest.param(with_metadata("metadata:\n  a: " + "b" * 16_384), False, id="it takes frontmatter of any size"),
    ],
)
def test_where_the_validator_errs_we_follow_the_text(tmp_path: Path, content: str, *, ours: bool) -> None:
    assert judged(tmp_path, content.encode(), "pdf-tools") == (ours, not ours)


def test_only_skill_md_in_capitals_counts(tmp_path: Path) -> None:
    assert judged(tmp_path, top(GOOD).encode(), "pdf-tools", "skill.md") == (False, True)


def test_every_problem_is_told_in_its_line() -> None:
    text = top(
        "license: [MIT]\nname: -PDF__Tools--x\ndescription: ''\ncompatibility: " + "a" * 501 + "\nversion: 1\nauthor: x"
    )

    found = spec_findings(Skill({"SKILL.md": b"\xef\xbb\xbf" + text.encode()}), "pdf")

    assert {(f.check, f.level, f.path) for f in found} == {("specification", Level.INVALID, "SKILL.md")}
    assert [(f.line, f.message) for f in found] == [
        (1, "SKILL.md begins with a byte order mark"),
        (2, "the frontmatter has a list or mapping in brackets, which the specification's YAML lacks"),
        (7, "the key 'author' is unknown"),
        (6, "the key 'version' is unknown"),
        (3, "the name has capital letters"),
        (3, "the name begins or ends with a hyphen"),
        (3, "the name has two hyphens in a row"),
        (3, "the name has other characters than letters, digits and hyphens"),
        (3, "the name '-PDF__Tools--x' is not that of the folder, 'pdf'"),
        (4, "the description is empty or no text"),
        (5, "the compatibility is longer than 500 characters"),
    ]


def test_an_unknown_folder_is_no_reason() -> None:
    assert spec_findings(Skill({"SKILL.md": named("any").encode()}), "") == ()


def test_a_skill_without_its_file() -> None:
    (found,) = spec_findings(Skill({"references/a.md": b""}), "x")

    assert found.message == "the skill has no SKILL.md"
