"""What kind of new reach a change brings, for a person who has a minute: the worst first."""

from collections.abc import Iterable
from enum import StrEnum

from gitskill.checks.finding import Finding


class Risk(StrEnum):
    """The kinds, the worst last."""

    NONE = "none"
    REMOVAL = "removal"
    HOST = "new host"
    COMMAND = "new command"
    SCRIPT = "script"
    FRONTMATTER = "frontmatter"
    HIDDEN = "hidden text"


_ORDER = tuple(Risk)
_SAID = {
    "removes ": Risk.REMOVAL,
    "new host": Risk.HOST,
    "new command": Risk.COMMAND,
    "new script": Risk.SCRIPT,
    "a new script": Risk.SCRIPT,
    "a changed script": Risk.SCRIPT,
    "the frontmatter": Risk.FRONTMATTER,
}


def risk_of(finding: Finding) -> Risk:
    """Say of what kind a finding of the reach check is. One of no known kind counts as the worst."""
    return next((risk for words, risk in _SAID.items() if finding.message.startswith(words)), Risk.HIDDEN)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Order findings of the reach check by their kind; those of one kind stay in their order."""
    return tuple(sorted(findings, key=lambda each: -_ORDER.index(risk_of(each))))


def worst(findings: Iterable[Finding]) -> Risk:
    """Give the worst kind among findings of the reach check."""
    return max(map(risk_of, findings), key=_ORDER.index, default=Risk.NONE)
