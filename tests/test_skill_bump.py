"""The bump between two versions of a skill."""

import pytest

from conftest import SKILL
from gitskill.skill.bump import Bump, bump
from gitskill.skill.snapshot import Skill
from gitskill.version import Version

RUN = "scripts/run.sh"
REFERENCE = "references/dates.md"
BASE = Skill(
    {
        "SKILL.md": SKILL.encode(),
        REFERENCE: b"# Dates\n\n- One.\n\n## Zones\n\nTwo.\n",
        RUN: b"true\n",
        "assets/a.bin": b"\0",
    }
)


def said(old: str, new: str) -> Skill:
    assert old in SKILL
    return BASE.with_file("SKILL.md", SKILL.replace(old, new).encode())


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        (BASE, Bump.NONE),
        (Skill(BASE.files, foreign={"README.md": "other"}), Bump.NONE),
        (said("Use for xlsx files.", "Use for all files."), Bump.MAJOR),
        (BASE.with_file(RUN, b"false\n"), Bump.MAJOR),
        (BASE.with_file(RUN, None), Bump.MAJOR),
        (BASE.with_file("scripts/new.py", b""), Bump.MAJOR),
        (Skill(BASE.files, frozenset({"assets/a.bin"})), Bump.MAJOR),
        (Skill(BASE.files, foreign={"references/x": "symlink"}), Bump.MAJOR),
        (said("## Reading\n\n- Read values and formulas apart.\n\n", ""), Bump.MAJOR),
        (said("## Reading", "## Looking"), Bump.MAJOR),
        (BASE.with_file(REFERENCE, b"# Dates\n\n- One.\n"), Bump.MAJOR),
        (BASE.with_file(REFERENCE, None), Bump.MAJOR),
        (said("## Reading", "## reading"), Bump.MINOR),
        (said("- Keep formulas as formulas.", "- Keep formulas as formulas.\n- Read back."), Bump.MINOR),
        (said("- Keep formulas as formulas.", "- Keep formulas as they are."), Bump.MINOR),
        (said("- Keep formulas as formulas.\n", ""), Bump.MINOR),
        (said("## Dates\n", "## Dates\n\n## Zones\n"), Bump.MINOR),
        (said("## Reading\n\n", "## Reading\n\n\n"), Bump.PATCH),
        (BASE.with_file(REFERENCE, b"# Dates\n\n- One.\n- Three.\n\n## Zones\n\nTwo.\n"), Bump.PATCH),
        (BASE.with_file("references/new.md", b"# New\n"), Bump.PATCH),
        (BASE.with_file("assets/a.bin", b"\0\0"), Bump.PATCH),
    ],
)
def test_the_worst_of_what_differs_decides(after: Skill, wanted: Bump) -> None:
    assert bump(BASE, after) is wanted


def test_a_section_that_moved_to_a_reference_is_not_gone() -> None:
    section = "## Reading\n\n- Read values and formulas apart.\n\n"
    after = said(section, "").with_file("references/reading.md", section.encode())

    assert bump(BASE, after) is Bump.MINOR


def test_files_of_a_windows_checkout_say_the_same() -> None:
    body = SKILL.partition("---\n\n")[2]

    assert bump(BASE, said(body, body.replace("\n", "\r\n"))) is Bump.PATCH


def test_the_next_version_starts_the_smaller_numbers_anew() -> None:
    now = Version(1, 9, 3)

    assert [str(now.after(each)) for each in Bump] == ["v2.0.0", "v1.10.0", "v1.9.4", "v1.9.3"]
