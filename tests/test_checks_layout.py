"""The format check of a whole skill."""

import pytest

from gitskill.checks.finding import Finding, Level, verdict
from gitskill.checks.layout import check_skill
from gitskill.skill.snapshot import Skill

HEAD = "---\nname: pdf\ndescription: Fills forms.\n---\n"
WARNING, INVALID = Level.WARNING, Level.INVALID


def skill(text: str = HEAD, **files: str | bytes) -> Skill:
    """Build a skill; `references__a_md` stands for references/a.md."""
    paths = {name.replace("__", "/").replace("_md", ".md"): data for name, data in files.items()}
    return Skill(
        {"SKILL.md": text.encode()}
        | {path: data.encode() if isinstance(data, str) else data for path, data in paths.items()}
    )


def said(found: tuple[Finding, ...]) -> list[tuple[Level, str, int | None, str]]:
    assert all(f.message.isprintable() for f in found)
    return [(f.level, f.path, f.line, f.message) for f in found]


def test_a_good_skill_is_ok() -> None:
    text = HEAD + "See [a](references/a.md#x), `b.md` and scripts/c.py.\n"

    assert (
        check_skill(skill(text, references__a_md="[up](../SKILL.md)\n", references__b_md="", scripts__c="x"), "pdf")
        == ()
    )


@pytest.mark.parametrize(
    ("matter", "level", "line", "message"),
    [
        ("", INVALID, 1, "no frontmatter: the first line is not ---"),
        ("---\nname: pdf\n", INVALID, 1, "the frontmatter has no closing --- line"),
        ("---\nname: pdf\ndescription: *x\n---\n", INVALID, 3, "the frontmatter has an alias (*name)"),
        ("---\ndescription: x\n---\n", INVALID, 1, "the frontmatter has no name"),
        ("---\nname: pdf\n---\n", INVALID, 1, "the frontmatter has no description"),
        ("---\nname:\ndescription: x\n---\n", INVALID, 2, "the name is empty or no text"),
        ("---\nname: pdf\ndescription: [x]\n---\n", INVALID, 3, "the description is empty or no text"),
        (
            f"---\nname: pdf\ndescription: {'x' * 1025}\n---\n",
            INVALID,
            3,
            "the description is longer than 1024 characters",
        ),
        ("---\nname: other\ndescription: x\n---\n", WARNING, 2, "the name 'other' is not that of the folder, 'pdf'"),
        (
            "---\nname: pdf\ndescription: x\nversion: 1\n---\n",
            WARNING,
            4,
            "the key 'version' is not in the specification; it is kept as it is",
        ),
        (
            f"---\nname: pdf\ndescription: x\ncompatibility: {'x' * 501}\n---\n",
            WARNING,
            4,
            "the compatibility is longer than 500 characters",
        ),
        (
            '---\nname: pdf\ndescription: "x\\u202e"\n---\n',
            INVALID,
            3,
            "the value of 'description' hides U+202E (right-to-left override)",
        ),
        (
            '---\nname: pdf\ndescription: x\nmetadata:\n  a: {"\\u2066": ["\\U000e0041"]}\n---\n',
            INVALID,
            4,
            "the value of 'metadata' hides U+2066 (left-to-right isolate), U+E0041 (tag latin capital letter a)",
        ),
    ],
)
def test_what_is_wrong_with_the_frontmatter(matter: str, level: Level, line: int, message: str) -> None:
    assert said(check_skill(skill(matter + "# PDF\n"), "pdf")) == [(level, "SKILL.md", line, message)]


@pytest.mark.parametrize("name", ["PDF", "p_df", "-pdf", "p--df", "a" * 65])
def test_a_name_that_breaks_the_rules_is_invalid(name: str) -> None:
    text = f"---\nname: {name}\ndescription: x\n---\n"

    assert verdict(check_skill(skill(text), "")) == "invalid"


@pytest.mark.parametrize(
    "extra", ["allowed-tools: [Read, Grep]", "metadata: {a: b}", "license: 'MIT'", "description : >-\n  a\n  b"]
)
def test_valid_yaml_is_accepted_in_every_style(extra: str) -> None:
    rest = "" if extra.startswith("description") else "description: x\n"

    assert check_skill(skill(f"---\nname: pdf\n{rest}{extra}\n---\n"), "pdf") == ()


def test_a_skill_needs_skill_md_in_utf_8() -> None:
    missing = check_skill(Skill({"skill.md": HEAD.encode()}), "pdf")
    latin = check_skill(Skill({"SKILL.md": HEAD.encode() + b"caf\xe9"}), "pdf")
    binary = check_skill(Skill({"SKILL.md": HEAD.encode() + b"\0[a](b.md)"}), "pdf")

    assert said(missing) == [(INVALID, "SKILL.md", None, "the skill has no SKILL.md")]
    assert said(latin) == [(INVALID, "SKILL.md", None, "SKILL.md is not UTF-8 text")]
    assert said(binary) == [
        (INVALID, "SKILL.md", None, "SKILL.md is not UTF-8 text"),
        (WARNING, "SKILL.md", 5, "links to 'b.md', which is not in the skill"),
    ]


def test_references_should_be_utf_8_and_assets_may_be_anything() -> None:
    found = check_skill(
        skill(HEAD + "a.md b.md\n", references__a_md=b"caf\xe9", references__b_md=b"\0", assets__c=b"\xff\0"), "pdf"
    )

    assert said(found) == [
        (WARNING, "references/a.md", None, "'references/a.md' is not UTF-8 text"),
        (WARNING, "references/b.md", None, "'references/b.md' is not UTF-8 text"),
    ]


@pytest.mark.parametrize(
    ("body", "line", "target"),
    [
        pytest.param("[x](no.md)", 5, "no.md", id="link"),
        pytest.param("![x](no.png)", 5, "no.png", id="image"),
        pytest.param("a\nb [x](no.md#part)\nc", 6, "no.md", id="second line of a paragraph"),
        pytest.param("a  \nb [x](no.md)", 6, "no.md", id="after a hard line break"),
        pytest.param("# T\n\n- a\n  - b [x](./no.md?raw)", 8, "./no.md", id="in a list"),
        pytest.param("| a |\n|---|\n| [x](no.md) |", 7, "no.md", id="in a table"),
        pytest.param(
            "| a |\n|---|\n" + "| a somewhat long cell |\n" * 400 + "| [x](no.md) |", 407, "no.md", id="in a long table"
        ),
        pytest.param("> [x][r]\n\n[r]: no.md", 5, "no.md", id="by a definition below"),
        pytest.param("[x](<my file.md>)", 5, "my file.md", id="with a blank"),
        pytest.param("[x](%6eo.md)", 5, "no.md", id="percent-encoded"),
        pytest.param("[![x](references/a.md)](no.md)", 5, "no.md", id="around an image"),
        pytest.param("[x](refs)", 5, "refs", id="folder"),
        pytest.param("[x](References/a.md)", 5, "References/a.md", id="case"),
    ],
)
def test_a_link_to_nothing_is_found_where_it_stands(body: str, line: int, target: str) -> None:
    found = check_skill(skill(HEAD + body + "\n\na.md", references__a_md=""), "pdf")

    assert said(found) == [(WARNING, "SKILL.md", line, f"links to {target!r}, which is not in the skill")]


@pytest.mark.parametrize(
    "body",
    [
        "`[x](no.md)`",
        "```\n[x](no.md)\n```",
        "    [x](no.md)",
        "<!-- [x](no.md) -->",
        r"\[x](no.md)",
        "[x](https://example.com/no.md) <https://example.com> [m](mailto:a@example.com) [c](//cdn/no.md)",
        "[x](#part) [y](/root.md) [z]()",
        "[x](references/) [x](references) [x](./references/../SKILL.md) [x](.)",
        "[x](references/a.md) [x](references/a%2emd)",
        "[x](linked) [x](linked/deep/a.md)",
        "[x] [x][no.md] (no.md)",
    ],
)
def test_other_links_are_none_of_our_business(body: str) -> None:
    here = skill(HEAD + body + "\n\na.md", references__a_md="[x](references/a.md) [x](a.md)")
    here = Skill(here.files, foreign={"linked": "symlink"})

    assert [f for f in check_skill(here, "pdf") if f.check == "format"] == []


def test_a_link_out_of_the_skill_says_so() -> None:
    found = check_skill(
        skill(HEAD + "a.md [x](../other/SKILL.md) [y](..)", references__a_md="\n[x](../../y.md) [z](..)"), "pdf"
    )

    assert said(found) == [
        (WARNING, "SKILL.md", 5, "links to '..', outside the skill"),
        (WARNING, "SKILL.md", 5, "links to '../other/SKILL.md', outside the skill"),
        (WARNING, "references/a.md", 2, "links to '../../y.md', outside the skill"),
    ]


def test_a_huge_paragraph_is_named_not_searched() -> None:
    text = HEAD + ("![" * 2500 + "](b)x\n\n") * 40

    found = check_skill(skill(text), "pdf")

    message = "a paragraph is longer than 5,000 characters; its links are not checked"
    assert (WARNING, "SKILL.md", 5, message) in said(found)
    assert len(found) == 41  # and the tokens


def test_a_reference_that_nothing_names_is_an_orphan() -> None:
    found = check_skill(
        skill(
            HEAD + "Read `b.md`, then xc.md and d.mdx.\n",
            references__a_md="a.md is me",
            references__b_md="",
            references__c_md="",
            references__d_md="",
            references__e_md="",
            scripts__run="# see references/e.md.",
        ),
        "pdf",
    )

    assert said(found) == [
        (WARNING, f"references/{name}.md", None, f"no other file links to or mentions 'references/{name}.md'")
        for name in "acd"
    ]


def test_conflict_markers_are_found_in_every_text_file() -> None:
    text = HEAD + "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n"
    other = skill(text, scripts__run="\n>>>>>>> theirs\n", scripts__ok="<<<<<<<\n x <<<<<<< y\n======= \n")

    assert said(check_skill(other, "pdf")) == [
        (WARNING, "SKILL.md", 6, "'SKILL.md' has a conflict marker"),
        (WARNING, "scripts/run", 2, "'scripts/run' has a conflict marker"),
    ]


def test_unsafe_names_and_foreign_entries_are_named() -> None:
    files = dict.fromkeys(["LICENSE.txt", "evals/evals.json", "assets/CON", "assets/x", "assets/X", "a\x1b"], b"")
    here = Skill(
        {"SKILL.md": HEAD.encode(), **files},
        foreign={"lib": "submodule", "LIB": "symlink", "scripts/evil\u202e": "symlink"},
    )

    assert said(check_skill(here, "pdf")) == [
        (WARNING, "LIB", None, "'LIB' is a symlink: it is never followed or changed"),
        (
            WARNING,
            "a\x1b",
            None,
            r"the path 'a\x1b' has the name 'a\x1b'; a name is a letter or digit, then up to 63 of A-Z a-z 0-9 . _ -",
        ),
        (WARNING, "assets/CON", None, "the path 'assets/CON' has the name 'CON', a device on Windows"),
        (WARNING, "assets/x", None, "the path 'assets/x' clashes with 'assets/X' where case does not count"),
        (WARNING, "lib", None, "'lib' is a submodule: it is never followed or changed"),
        (WARNING, "lib", None, "the path 'lib' clashes with 'LIB' where case does not count"),
        (WARNING, "scripts/evil\u202e", None, r"'scripts/evil\u202e' is a symlink: it is never followed or changed"),
    ]


def test_a_whole_skill_over_its_limits_is_warned() -> None:
    here = Skill(
        {
            "SKILL.md": (HEAD + "x" * 19_503 + "\n" * 498).encode(),
            "assets/a": b"x" * (256 * 1024 + 1),
            **{f"assets/{n}": b"x" * 10_000 for n in range(499)},
        }
    )

    assert said(check_skill(here, "pdf")) == [
        (WARNING, "", None, "the skill has 5,272,190 bytes; the limit is 5,242,880"),
        (WARNING, "", None, "the skill has 501 files; the limit is 500"),
        (WARNING, "SKILL.md", None, "'SKILL.md' has 5,001 tokens; the limit is 5,000"),
        (WARNING, "SKILL.md", None, "'SKILL.md' has 502 lines; the limit is 500"),
        (WARNING, "assets/a", None, "'assets/a' has 262,145 bytes; the limit is 262,144"),
    ]


def test_a_skill_at_every_limit_is_ok() -> None:
    here = Skill(
        {
            "SKILL.md": (HEAD + "x" * 19_504 + "\n" * 496).encode(),
            "assets/a": b"x" * (256 * 1024),
            **{f"assets/{n}": b"" for n in range(498)},
        }
    )

    assert check_skill(here, "pdf") == ()
