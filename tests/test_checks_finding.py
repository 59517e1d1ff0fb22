"""What findings amount to."""

import pytest

from gitskill.checks.finding import Finding, Level, to_json, verdict


def finding(level: Level) -> Finding:
    return Finding("format", level, "SKILL.md", 3, "the name is empty")


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([], "ok"),
        ([Level.WARNING], "warnings"),
        ([Level.HELD, Level.WARNING], "held"),
        ([Level.WARNING, Level.HELD, Level.INVALID], "invalid"),
    ],
)
def test_the_worst_finding_is_the_verdict(levels: list[Level], expected: str) -> None:
    assert verdict(map(finding, levels)) == expected


def test_the_document_for_scripts() -> None:
    assert to_json(iter([finding(Level.HELD)])) == {
        "verdict": "held",
        "findings": [
            {"check": "format", "level": "held", "path": "SKILL.md", "line": 3, "message": "the name is empty"}
        ],
    }
