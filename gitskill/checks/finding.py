"""What the checks say, as values."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a finding means for what was examined."""

    WARNING = "warning"
    HELD = "held"
    """A person must decide."""
    INVALID = "invalid"


class Verdict(StrEnum):
    """What all findings together mean: the worst of them."""

    OK = "ok"
    WARNINGS = "warnings"
    HELD = "held"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that one check has to say about one file."""

    check: str
    """The name of the check, as in the table of checks: `path`, `format`, `hidden`, `size`."""
    level: Level
    path: str
    """Inside the skill. It may hold any character: escape it before showing it."""
    line: int | None
    """Counted from 1; None where the finding is about the whole file."""
    message: str
    """One line, safe to show."""


def verdict(findings: Iterable[Finding]) -> Verdict:
    """Give the worst of `findings`: invalid beats held beats warnings."""
    levels = {finding.level for finding in findings}
    if Level.INVALID in levels:
        return Verdict.INVALID
    if Level.HELD in levels:
        return Verdict.HELD
    return Verdict.WARNINGS if levels else Verdict.OK


def to_json(findings: Iterable[Finding]) -> dict[str, object]:
    """Give the document that `gitskill check --json` prints; its keys are stable."""
    findings = tuple(findings)
    return {
        "verdict": str(verdict(findings)),
        "findings": [
            {"check": f.check, "level": str(f.level), "path": f.path, "line": f.line, "message": f.message}
            for f in findings
        ],
    }
