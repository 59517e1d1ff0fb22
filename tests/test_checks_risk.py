"""The kind of reach that a finding is about: told from the real check's own findings."""

import pytest

from conftest import SKILL
from gitskill.checks.finding import Finding, Level
from gitskill.checks.reach import reach_findings
from gitskill.checks.risk import Risk, risk_of, worst, worst_first
from gitskill.skill.snapshot import Skill

BASE = Skill({"SKILL.md": SKILL.encode(), "scripts/a.sh": b"true\n", "references/x.md": b"# X\n"})


def said(text: str) -> Skill:
    return BASE.with_file("SKILL.md", (SKILL + text).encode())


@pytest.mark.parametrize(
    ("skill", "wanted"),
    [
        (BASE, []),
        (said("\nSee https://fonts.example.net/a for more.\n"), [Risk.HOST]),
        (said("\nRun `pip install x` first.\n"), [Risk.COMMAND]),
        (said("\nRun `tidy.py` first.\n"), [Risk.SCRIPT]),
        (BASE.with_file("scripts/b.sh", b"true\n"), [Risk.SCRIPT]),
        (BASE.with_file("scripts/a.sh", b"false\n"), [Risk.SCRIPT]),
        (BASE.with_file("SKILL.md", SKILL.replace("xlsx", "csv").encode()), [Risk.FRONTMATTER]),
        (BASE.with_file("references/x.md", None), [Risk.REMOVAL]),
        (said("\n<!-- unseen -->\n"), [Risk.HIDDEN]),
        (said("\nThe p\u0430th.\n"), [Risk.HIDDEN]),
    ],
)
def test_every_finding_of_the_check_has_its_kind(skill: Skill, wanted: list[Risk]) -> None:
    assert [risk_of(each) for each in reach_findings(BASE, skill)] == wanted


def test_the_worst_stands_first_and_names_the_whole() -> None:
    found = reach_findings(BASE, said("\nhttps://a.example.net `pip install x` <!-- -->\n").with_file("scripts/b", b""))

    assert [risk_of(each) for each in worst_first(found)] == [Risk.HIDDEN, Risk.SCRIPT, Risk.COMMAND, Risk.HOST]
    assert worst(found) is Risk.HIDDEN
    assert worst(()) is Risk.NONE


def test_a_finding_of_no_known_kind_counts_as_the_worst() -> None:
    assert risk_of(Finding("reach", Level.HELD, "SKILL.md", 1, "something new")) is Risk.HIDDEN
