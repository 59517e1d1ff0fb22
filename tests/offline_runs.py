"""Runs made for the tests of the offline analyst: a few commands or calls with what came back."""

from collections.abc import Sequence
from typing import Any

from gitskill.analysts.draft import Draft, Studied
from gitskill.analysts.offline.study import Study, study
from gitskill.outcome import Outcome
from gitskill.trace import Call, Observation, Origin, Step, Trace

SOLVED = Outcome.judged(good=True, source="test")
FAILED = Outcome.judged(good=False, source="test")


def command(line: str, answer: str = "", code: int | None = None, reward: float | None = None) -> Step:
    """One shell command. Without a code it is marked as an error where its answer is not empty."""
    code = (1 if answer else 0) if code is None else code
    seen = Observation(answer, exit_code=code, reward=reward)
    return Step(Origin.AGENT, calls=(Call("bash", {"command": line}, seen),))


def call(tool: str, answer: str = "{}", /, **arguments: Any) -> Step:
    """One call of a tool; an answer that begins with `Error` is marked as one."""
    return Step(Origin.AGENT, calls=(Call(tool, arguments, Observation(answer, is_error=answer.startswith("Error"))),))


def run(*steps: Step, name: str = "r1", task: str = "t1", outcome: Outcome = FAILED, format_: str = "made") -> Studied:
    """A run of these steps, after a request."""
    return Studied(name, Trace(format_, task, "Do it.", (Step(Origin.USER, "Do it."), *steps)), outcome)


def lessons(*runs: Studied) -> list[Draft]:
    """Every draft of a study of these runs."""
    return [draft for drafts in study(runs).lessons.values() for draft in drafts]


def rules(*runs: Studied) -> list[str]:
    """The rules of every draft."""
    return [draft.rule for draft in lessons(*runs)]


def quoted_exactly(runs: Sequence[Studied], found: Study) -> bool:
    """Tell whether every quote stands in its step, byte for byte, and is short."""
    traces = {one.id: one.trace for one in runs}
    quotes = [quote for drafts in found.lessons.values() for draft in drafts for quote in draft.evidence]
    quotes += [quote for odd in found.anomalies for quote in odd.evidence]
    return all(
        0 < len(quote.quote) <= 120
        and any(quote.quote in text for _, text in traces[quote.trace].steps[quote.step - 1].texts())
        for quote in quotes
    )
