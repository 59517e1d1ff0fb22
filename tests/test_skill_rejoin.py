"""Two descendants of one version joined: what one of them changed stays, what both changed is named."""

import pytest

from conftest import SKILL
from gitskill.skill.rejoin import Clash, clashes, merge
from gitskill.skill.snapshot import Skill

BASE = Skill({"SKILL.md": SKILL.encode(), "references/a.md": b"one\ntwo\n"}, foreign={"README.md": "other"})


def said(old: str, new: str) -> Skill:
    assert old in SKILL
    return BASE.with_file("SKILL.md", SKILL.replace(old, new).encode())


SAVE, KEEP, READ = "- Save to a new file.", "- Keep formulas as formulas.", "- Read values and formulas apart."


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        (said(SAVE, "- Save."), said(READ, "- Read."), ()),
        (said(SAVE, "- Save."), said(KEEP, "- Keep."), ()),
        (said(SAVE, "- Save."), said(SAVE, "- Save."), ()),
        (said(KEEP, f"{KEEP}\n- Ours."), said(KEEP, f"{KEEP}\n- Theirs."), ()),
        (said(SAVE, "- Save."), said(SAVE, "- Store."), (Clash("SKILL.md", 10, 10),)),
        (said(f"{SAVE}\n{KEEP}", "- Both."), said(KEEP, "- Keep."), (Clash("SKILL.md", 10, 11),)),
        (said(KEEP, f"{KEEP}\n- A.\n- B."), said(KEEP, f"{KEEP}\n- A.\n- C."), (Clash("SKILL.md", 12, 12),)),
        (
            BASE.with_file("references/a.md", None),
            BASE.with_file("references/a.md", b"one\n"),
            (Clash("references/a.md"),),
        ),
        (
            BASE.with_file("references/b.md", b"x\n"),
            BASE.with_file("references/b.md", b"y\n"),
            (Clash("references/b.md"),),
        ),
        (BASE.with_file("references/b.md", b"x\n"), BASE.with_file("references/b.md", b"x\n"), ()),
        (BASE.with_file("assets/b", b"\0"), BASE.with_file("assets/b", b"\0\0"), (Clash("assets/b"),)),
    ],
)
def test_only_what_both_changed_otherwise_is_a_clash(ours: Skill, theirs: Skill, wanted: tuple[Clash, ...]) -> None:
    assert clashes(BASE, ours, theirs) == wanted
    assert clashes(BASE, theirs, ours) == wanted


def test_the_join_has_what_each_side_changed_and_the_modes_of_ours() -> None:
    ours = Skill({**said(SAVE, "- Save.").files, "scripts/x.sh": b"true\n"}, frozenset({"scripts/x.sh"}), BASE.foreign)
    theirs = said(READ, "- Read.").with_file("references/a.md", None).with_file("references/b.md", b"new\n")

    found = merge(BASE, ours, theirs)

    assert found.files == {
        "SKILL.md": SKILL.replace(SAVE, "- Save.").replace(READ, "- Read.").encode(),
        "references/b.md": b"new\n",
        "scripts/x.sh": b"true\n",
    }
    assert (found.executable, found.foreign) == (ours.executable, ours.foreign)


@pytest.mark.parametrize(
    ("clash", "text"),
    [
        (Clash("SKILL.md", 12, 14), "SKILL.md lines 12-14"),
        (Clash("SKILL.md", 12, 12), "SKILL.md line 12"),
        (Clash("a.md"), "a.md"),
    ],
)
def test_a_clash_names_its_place(clash: Clash, text: str) -> None:
    assert str(clash) == text
