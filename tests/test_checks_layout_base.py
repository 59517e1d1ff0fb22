"""The format check of a change: what was wrong before does not count, what is newly wrong does."""

import pytest

from gitskill.checks.finding import Level, verdict
from gitskill.checks.layout import check_skill
from gitskill.skill.snapshot import Skill
from test_checks_layout import HEAD, said, skill

WARNING, HELD, INVALID = Level.WARNING, Level.HELD, Level.INVALID

OLD = (
    "---\nname: PDF\ndescription: x\nversion: 1\n---\n"
    "[x](no.md) [y](../out.md)\n<<<<<<< ours\n" + "line\n" * 500 + "word " * 4000
)


def test_what_was_wrong_before_is_no_reason_to_refuse_a_lesson() -> None:
    base = Skill(skill(OLD, references__a_md=b"\xff", assets__CON="", assets__con="").files, foreign={"x": "symlink"})
    lesson = base.with_file(
        "SKILL.md", OLD.replace("---\n[x]", "---\n\nNew.\n\n[x]").replace("line\n" * 9, "").encode()
    )

    assert verdict(check_skill(base, "pdf")) == "invalid"
    assert check_skill(lesson, "pdf", base=base) == ()


def change(new: str, old: str = "a.md\n", **files: str) -> list[tuple[Level, str, int | None, str]]:
    return said(check_skill(skill(HEAD + new, **files), "pdf", base=skill(HEAD + old, references__a_md="")))


def test_a_new_broken_link_is_invalid() -> None:
    assert change("a.md [x](no.md)", references__a_md="") == [
        (INVALID, "SKILL.md", 5, "links to 'no.md', which is not in the skill")
    ]


def test_removing_what_a_link_leads_to_is_invalid() -> None:
    link = "[x](references/a.md)\n"

    assert change(link, link) == [(INVALID, "SKILL.md", 5, "links to 'references/a.md', which is not in the skill")]


def test_a_new_orphan_is_invalid() -> None:
    message = "no other file links to or mentions 'references/{}.md'"

    assert change("b\n", references__a_md="") == [(INVALID, "references/a.md", None, message.format("a"))]
    assert change("a.md\n", references__a_md="", references__b_md="") == [
        (INVALID, "references/b.md", None, message.format("b"))
    ]


def test_a_new_conflict_marker_is_for_a_person() -> None:
    assert change("a.md\n<<<<<<< ours\n", references__a_md="") == [
        (HELD, "SKILL.md", 6, "'SKILL.md' has a conflict marker")
    ]


def test_a_new_unsafe_name_is_invalid() -> None:
    assert change("a.md\n", references__a_md="", scripts__AUX="") == [
        (INVALID, "scripts/AUX", None, "the path 'scripts/AUX' has the name 'AUX', a device on Windows")
    ]


@pytest.mark.parametrize(
    ("matter", "line", "message"),
    [
        ("", 1, "no frontmatter: the first line is not ---"),
        ("---\nname: pdf\n---\n", 1, "the frontmatter has no description"),
        ("---\ndescription: x\n---\n", 1, "the frontmatter has no name"),
        ("---\ndescription: x\nname: pdg\n---\n", 3, "the name changed from 'pdf' to 'pdg'"),
        (
            f"---\nname: pdf\ndescription: x\ncompatibility: {'x' * 501}\n---\n",
            4,
            "the compatibility is longer than 500 characters",
        ),
    ],
)
def test_a_change_must_leave_the_frontmatter_whole(matter: str, line: int, message: str) -> None:
    found = check_skill(skill(matter), "", base=skill(HEAD))

    assert said(found) == [(INVALID, "SKILL.md", line, message)]


def test_an_unknown_key_is_a_warning_also_when_it_is_new() -> None:
    found = check_skill(skill(HEAD.replace("name:", "model: x\nname:")), "", base=skill(HEAD))

    assert [(f.level, f.line) for f in found] == [(WARNING, 2)]


def test_a_change_may_go_over_what_is_advised_but_not_over_what_we_handle() -> None:
    base = skill(HEAD + "line\n" * 490, assets__a="x" * 300_000)
    longer = skill(HEAD + "line\n" * 500, assets__a="x" * 300_001, assets__b="x" * 300_000)
    shorter = skill(HEAD + "line\n" * 498, assets__a="x" * 299_999)

    assert said(check_skill(longer, "", base=base)) == [
        (WARNING, "SKILL.md", None, "'SKILL.md' has 504 lines; the limit is 500"),
        (INVALID, "assets/a", None, "'assets/a' has 300,001 bytes; the limit is 262,144"),
        (INVALID, "assets/b", None, "'assets/b' has 300,000 bytes; the limit is 262,144"),
    ]
    assert said(check_skill(shorter, "", base=longer)) == []
