"""What a release must pass: the skill as a whole, and nothing in it that nobody has looked at."""

from collections.abc import Iterable
from dataclasses import dataclass

from gitskill.checks.change import check_change
from gitskill.checks.finding import Finding, Level
from gitskill.checks.reach import reach_findings
from gitskill.checks.secrets import secrets_findings
from gitskill.checks.whole import check_whole
from gitskill.redact.redactor import Redactor
from gitskill.skill.hunks import Changes, Hunk
from gitskill.skill.snapshot import Skill

_LOOKED_AT = "\0looked-at.md"
"""The name under which the lines of lessons are held against secrets. No file of a tree can have it."""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A version of the skill that passed the checks, or was let through by a person, and what it was made of."""

    before: Skill
    after: Skill
    changes: Changes


def release_findings(
    before: Skill, after: Skill, looked_at: Iterable[LookedAt], redactor: Redactor
) -> tuple[Finding, ...]:
    """Check what a release makes of the skill `before` it.

    Every lesson passed the checks or was let through by a person, so what one
    of them has is no finding: what is left came about when they were joined.
    """
    looked_at = tuple(looked_at)
    known = {_identity(found) for each in looked_at for found in reach_findings(each.before, each.after)}
    lines = [line for each in looked_at for change in each.changes if isinstance(change, Hunk) for line in change.lines]
    said = before.with_file(_LOOKED_AT, "\n".join(lines).encode("utf-8", "surrogateescape"))
    found = (
        *unfit(after),
        *check_change(before, after),
        *(each for each in reach_findings(before, after) if _identity(each) not in known),
        *secrets_findings(said, after, {}, redactor),
    )
    return tuple(dict.fromkeys(each for each in found if each.level is not Level.WARNING))


def unfit(skill: Skill) -> tuple[Finding, ...]:
    """Give what no version may hold, whoever put it there."""
    return tuple(each for each in check_whole(skill, "") if each.level is Level.INVALID)


def _identity(finding: Finding) -> tuple[str, str]:
    """Name what was found. What is new to the skill is new wherever it stands; a file's finding is that file's."""
    return ("", finding.message) if finding.message.startswith("new ") else (finding.path, finding.message)
