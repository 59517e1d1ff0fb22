"""Everything that a lesson must pass before it becomes a commit, in one place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gitskill.checks.change import check_change
from gitskill.checks.evidence import evidence_findings
from gitskill.checks.finding import Finding, Level
from gitskill.checks.hidden import hidden_names
from gitskill.checks.leak import Source, leak_findings
from gitskill.checks.reach import reach_findings
from gitskill.checks.secrets import secrets_findings
from gitskill.checks.size import words_findings
from gitskill.fate import State
from gitskill.lesson import MAX_TITLE, Evidence
from gitskill.redact.redactor import Redactor
from gitskill.skill.snapshot import Skill
from gitskill.visible import visible

MAX_REASON = 500

Sources = Mapping[str, Source]
"""The runs that a lesson was made from, by the ids of their traces."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a lesson says outside the skill's files."""

    title: str
    cause: str
    rule: str
    verified: str = ""
    """What was tried to prove it; empty where nothing was."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all findings together mean for a lesson."""

    state: State
    by: str = ""
    """The check that decided; empty where none did."""
    reason: str = ""
    """One line, safe to show."""


_STATES = {Level.INVALID: State.REJECTED, Level.HELD: State.HELD}


def check_lesson(
    base: Skill, skill: Skill, words: Words, evidence: Iterable[Evidence], sources: Sources, redactor: Redactor
) -> tuple[Finding, ...]:
    """Run every check on a lesson that makes `skill` of `base`. The same lesson gets the same findings in one order.

    No finding shows a secret, whichever check met it.
    """
    evidence = tuple(evidence)
    quotes = {f"quote {number}": item.quote for number, item in enumerate(evidence, start=1)}
    texts = {"title": words.title, "cause": words.cause, "rule": words.rule, "verified": words.verified, **quotes}
    taught = {"title": words.title, "rule": words.rule}
    found = (
        *_form_findings(base, skill, words),
        *words_findings({name: text for name, text in texts.items() if name != "title"}),
        *check_change(base, skill),
        *_hidden_findings(texts),
        *_evidence_findings(evidence, sources),
        *secrets_findings(base, skill, texts, redactor),
        *leak_findings(base, skill, taught, sources.values()),
        *reach_findings(base, skill),
    )
    return tuple(dict.fromkeys(_safe(finding, redactor) for finding in found))


def judgement(findings: Iterable[Finding]) -> Judgement:
    """Say what becomes of a lesson with these findings, by which check, and why: the worst level decides."""
    findings = tuple(findings)
    for level, state in _STATES.items():
        if those := [finding for finding in findings if finding.level is level]:
            return Judgement(state, those[0].check, _reason(those))
    return Judgement(State.PROPOSED)


def _form_findings(base: Skill, skill: Skill, words: Words) -> Iterator[Finding]:
    if base == skill:
        yield _invalid("format", "the lesson changes nothing")
    for name, text in (("title", words.title), ("cause", words.cause), ("rule", words.rule)):
        if not text.strip():
            yield _invalid("format", f"the {name} is empty")
    if (length := len(" ".join(words.title.split()))) > MAX_TITLE:
        yield _invalid("format", f"the title has {length} characters, at most {MAX_TITLE} fit")


def _hidden_findings(texts: Mapping[str, str]) -> Iterator[Finding]:
    for name, text in texts.items():
        lines = text.replace("\r\n", "\n").split("\n")
        if names := next(filter(None, map(hidden_names, lines)), ""):
            yield _invalid("hidden", f"the {name} hides {names}")


def _evidence_findings(evidence: Sequence[Evidence], sources: Sources) -> tuple[Finding, ...]:
    if not evidence:
        return (_invalid("evidence", "the lesson quotes nothing"),)
    return evidence_findings(evidence, {trace: source.trace for trace, source in sources.items()})


def _invalid(check: str, message: str) -> Finding:
    return Finding(check, Level.INVALID, "", None, message)


def _safe(finding: Finding, redactor: Redactor) -> Finding:
    """Take out of a finding what no check may show: a path or a link may hold a secret too."""
    redaction = redactor.session()
    message = " ".join(visible(redaction.text(finding.message)).split("\n"))
    return replace(finding, path=redaction.text(finding.path), message=message)


def _reason(findings: Sequence[Finding]) -> str:
    text = "; ".join(dict.fromkeys(map(_told, findings)))
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 1].rstrip() + "…"


def _told(finding: Finding) -> str:
    """Say where and what, neither of them twice."""
    path = "" if not finding.path or finding.path in finding.message else visible(finding.path)
    line = "" if finding.line is None or f"line {finding.line} " in finding.message else str(finding.line)
    if path and line:
        return f"{path}:{line}: {finding.message}"
    return f"{path}: {finding.message}" if path else finding.message
