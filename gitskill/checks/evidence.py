"""Whether a lesson's evidence is what it says: text that stands, letter for letter, in the step that is named."""

from collections.abc import Iterable, Mapping

from gitskill.checks.finding import Finding, Level
from gitskill.lesson import Evidence
from gitskill.trace import Trace


def evidence_findings(evidence: Iterable[Evidence], traces: Mapping[str, Trace]) -> tuple[Finding, ...]:
    """Refuse every quote that is not in its step; `traces` are those that the lesson was made from, by id."""
    return tuple(
        Finding("evidence", Level.INVALID, "", None, f"{item.trace[:10]} step {item.step}: {problem}")
        for item in evidence
        if (problem := _problem(item, traces.get(item.trace)))
    )


def _problem(item: Evidence, trace: Trace | None) -> str:
    if trace is None:
        return "the lesson was not made from this trace"
    if not item.quote.strip():
        return "nothing is quoted"
    if not 1 <= item.step <= len(trace.steps):
        return f"the trace has {len(trace.steps)} steps"
    if not any(item.quote in text for _, text in trace.steps[item.step - 1].texts()):
        return "the step does not hold the quoted text"
    return ""
