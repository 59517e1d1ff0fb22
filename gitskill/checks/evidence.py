"""Whether a lesson's evidence is what it says: text that stands, letter for letter, in the step that is named."""

from collections.abc import Iterable, Iterator, Mapping

from gitskill.checks.finding import Finding, Level
from gitskill.lesson import Evidence
from gitskill.trace import Step, Trace

MAX_QUOTES = 10
MIN_QUOTE = 8
"""Visible characters of a quote that is part of a line; the name of a tool or a short answer is a line of its own."""
MIN_LINE = 3


def evidence_findings(evidence: Iterable[Evidence], traces: Mapping[str, Trace]) -> tuple[Finding, ...]:
    """Refuse every quote that is not in its step, or proves nothing; `traces` are those of the lesson, by id."""
    evidence = tuple(evidence)
    if len(evidence) > MAX_QUOTES:
        return (_invalid(f"{len(evidence)} quotes, at most {MAX_QUOTES} are read"),)
    return tuple(dict.fromkeys(_findings(evidence, traces)))


def _findings(evidence: tuple[Evidence, ...], traces: Mapping[str, Trace]) -> Iterator[Finding]:
    for at, item in enumerate(evidence):
        problem = "quoted twice" if item in evidence[:at] else _problem(item, traces.get(item.trace))
        if problem:
            yield _invalid(f"{item.trace[:10]} step {item.step}: {problem}")


def _invalid(message: str) -> Finding:
    return Finding("evidence", Level.INVALID, "", None, message)


def _problem(item: Evidence, trace: Trace | None) -> str:
    if trace is None:
        return "the lesson was not made from this trace"
    if not item.quote.strip():
        return "nothing is quoted"
    if not 1 <= item.step <= len(trace.steps):
        return f"the trace has {len(trace.steps)} steps"
    step = trace.steps[item.step - 1]
    if not any(item.quote in text for _, text in step.texts()):
        return "the step does not hold the quoted text"
    if not _says_enough(item.quote, step):
        return f"the quote is too short: {MIN_QUOTE} characters, or a whole line"
    return ""


def _says_enough(quote: str, step: Step) -> bool:
    """Tell whether a quote is more than a word or letter that stands everywhere."""
    length = len("".join(quote.split()))
    if length >= MIN_QUOTE:
        return True
    lines = (line.strip() for _, text in step.texts() for line in text.split("\n"))
    return length >= MIN_LINE and quote.strip() in lines
