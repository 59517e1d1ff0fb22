"""A quote must stand in the step that is named."""

import pytest

from gitskill.checks.evidence import evidence_findings
from gitskill.lesson import Evidence
from gitskill.trace import Call, Observation, Origin, Step, Trace

ID = "3f9ac1d2" * 8
SHORT = "the quote is too short: 8 characters, or a whole line"
CALL = Call("bash", {"command": "cat b"}, Observation("cat: b: No such file", 1))
TRACE = Trace("own", "t", "Go.", (Step(Origin.USER, "Go."), Step(Origin.AGENT, "I look.", "hm", (CALL,))))


@pytest.mark.parametrize("quote", ["I look.", "cat b", "No such file", "bash", "cat: b: No"])
def test_text_of_the_step_is_evidence_whoever_wrote_it(quote: str) -> None:
    assert evidence_findings([Evidence(ID, 2, quote)], {ID: TRACE}) == ()


@pytest.mark.parametrize(
    ("evidence", "problem"),
    [
        (Evidence(ID, 1, "I look"), "3f9ac1d23f step 1: the step does not hold the quoted text"),
        (Evidence(ID, 2, "i look"), "3f9ac1d23f step 2: the step does not hold the quoted text"),
        (Evidence(ID, 2, "I look"), f"3f9ac1d23f step 2: {SHORT}"),
        (Evidence(ID, 2, "cat: b: "), f"3f9ac1d23f step 2: {SHORT}"),
        (Evidence(ID, 2, "e"), f"3f9ac1d23f step 2: {SHORT}"),
        (Evidence(ID, 2, "hm"), f"3f9ac1d23f step 2: {SHORT}"),
        (Evidence(ID, 0, "Go."), "3f9ac1d23f step 0: the trace has 2 steps"),
        (Evidence(ID, 3, "Go."), "3f9ac1d23f step 3: the trace has 2 steps"),
        (Evidence(ID, 1, " \n"), "3f9ac1d23f step 1: nothing is quoted"),
        (Evidence("ab" * 32, 1, "Go."), "ababababab step 1: the lesson was not made from this trace"),
    ],
)
def test_anything_else_is_refused_with_its_reason(evidence: Evidence, problem: str) -> None:
    [finding] = evidence_findings([evidence], {ID: TRACE})

    assert (finding.check, finding.message) == ("evidence", problem)


def told(*quotes: Evidence) -> list[str]:
    return [finding.message for finding in evidence_findings(quotes, {ID: TRACE})]


def test_the_same_quote_twice_is_refused() -> None:
    once = Evidence(ID, 2, "No such file")

    assert told(once, once, once) == ["3f9ac1d23f step 2: quoted twice"]
    assert told(once, Evidence(ID, 2, "such file")) == []


def test_at_most_ten_quotes_are_read() -> None:
    line = "cat: b: No such file"
    quotes = [Evidence(ID, 2, line[: len(line) - at]) for at in range(11)]

    assert told(*quotes) == ["11 quotes, at most 10 are read"]
    assert told(*quotes[:10]) == []
