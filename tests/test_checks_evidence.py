"""A quote must stand in the step that is named."""

import pytest

from gitskill.checks.evidence import evidence_findings
from gitskill.lesson import Evidence
from gitskill.trace import Call, Observation, Origin, Step, Trace

ID = "3f9ac1d2" * 8
CALL = Call("bash", {"command": "cat b"}, Observation("cat: b: No such file", 1))
TRACE = Trace("own", "t", "Go.", (Step(Origin.USER, "Go."), Step(Origin.AGENT, "I look.", "hm", (CALL,))))


@pytest.mark.parametrize("quote", ["I look", "hm", "cat b", "No such file", "bash"])
def test_text_of_the_step_is_evidence_whoever_wrote_it(quote: str) -> None:
    assert evidence_findings([Evidence(ID, 2, quote)], {ID: TRACE}) == ()


@pytest.mark.parametrize(
    ("evidence", "problem"),
    [
        (Evidence(ID, 1, "I look"), "3f9ac1d23f step 1: the step does not hold the quoted text"),
        (Evidence(ID, 2, "i look"), "3f9ac1d23f step 2: the step does not hold the quoted text"),
        (Evidence(ID, 0, "Go."), "3f9ac1d23f step 0: the trace has 2 steps"),
        (Evidence(ID, 3, "Go."), "3f9ac1d23f step 3: the trace has 2 steps"),
        (Evidence(ID, 1, " \n"), "3f9ac1d23f step 1: nothing is quoted"),
        (Evidence("ab" * 32, 1, "Go."), "ababababab step 1: the lesson was not made from this trace"),
    ],
)
def test_anything_else_is_refused_with_its_reason(evidence: Evidence, problem: str) -> None:
    [finding] = evidence_findings([evidence], {ID: TRACE})

    assert (finding.check, finding.message) == ("evidence", problem)
