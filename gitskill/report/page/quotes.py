"""Evidence in its step: the quote, with what stood around it in the trace."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from gitskill.lesson import Evidence, TraceRef
from gitskill.report.evidence import stored
from gitskill.report.page.values import Quote
from gitskill.report.trace import told
from gitskill.store.repository import Repository
from gitskill.trace import Step

_LINES = 3
_WIDE = 400
_CALL = 300


class Quotes:
    """Looks quotes up in the traces that are stored here."""

    def __init__(self, repository: Repository) -> None:
        self._trace = lru_cache(maxsize=16)(lambda trace: stored(repository, trace))

    def of(self, evidence: Evidence, refs: Mapping[str, TraceRef]) -> Quote:
        """Give a quote with its surroundings."""
        ref = refs.get(evidence.trace)
        named = (ref.task, ref.outcome) if ref else ("", "")
        plain = Quote(evidence.trace, evidence.step, evidence.quote, *named)
        trace = self._trace(evidence.trace)
        if isinstance(trace, str):
            return _with(plain, problem=trace)
        if not 1 <= evidence.step <= len(trace.steps):
            return _with(plain, problem="the trace has no such step")
        for who, call, text in _texts(trace.steps[evidence.step - 1]):
            before, there, after = text.partition(evidence.quote)
            if there:
                return _with(plain, who=who, call=call, before=_tail(before), after=_head(after))
        return _with(plain, problem="the step does not hold the quoted text")

    @staticmethod
    def bare(evidence: Evidence, refs: Mapping[str, TraceRef]) -> Quote:
        """Give a quote by itself."""
        ref = refs.get(evidence.trace)
        return Quote(evidence.trace, evidence.step, evidence.quote, *((ref.task, ref.outcome) if ref else ("", "")))


def _with(quote: Quote, **more: str) -> Quote:
    return Quote(quote.trace, quote.step, quote.text, quote.task, quote.outcome, **more)


def _texts(step: Step) -> Iterator[tuple[str, str, str]]:
    """Give every text of a step with who wrote it and the call that it answers."""
    for call in step.calls:
        if call.observation:
            yield "tool", f"{call.name}: {told(call)}"[:_CALL], call.observation.text
        yield "agent", "", f"{call.name}: {told(call)}"
    yield from ((str(origin), "", text) for origin, text in step.texts())


def _tail(text: str) -> str:
    """Keep the last lines before a quote."""
    kept = "\n".join(text.split("\n")[-_LINES - 1 :])
    return kept if len(kept) <= _WIDE else f"…{kept[-_WIDE:]}"


def _head(text: str) -> str:
    """Keep the first lines after a quote."""
    kept = "\n".join(text.split("\n")[: _LINES + 1])
    return kept if len(kept) <= _WIDE else f"{kept[:_WIDE]}…"
