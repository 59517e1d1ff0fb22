import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill import codec
from gitskill.formats import own
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import BY_HAND, UNLABELLED, Outcome, Status
from gitskill.trace import Call, Observation, Origin, Trace, Usage
from gitskill.trace_document import to_document
from mutations import mutations
from reading_runs import readings, written
from test_trace_document import traces

DOCUMENT: dict[str, Any] = {
    "gitskill_trace": 1,
    "task": "sort-1",
    "request": "Sort the list.",
    "steps": [
        {"origin": "user", "text": "Sort the list."},
        {
            "origin": "agent",
            "text": "I sort it.",
            "calls": [
                {
                    "name": "bash",
                    "arguments": {"command": "sort list"},
                    "observation": {"text": "sort: list: No such file", "exit_code": 2},
                }
            ],
            "usage": {"input": 40, "output": 5},
        },
    ],
    "outcome": {"status": "failure", "reward": 0, "source": "check.sh"},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Give the document with one value set; `path` as in the messages, with dots."""
    document: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    place: Any = document
    *way, last = path.split(".")
    for key in way:
        place = place[int(key) if key.isdecimal() else key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


def refused(folder: Path, document: Any) -> Refused:
    (found,) = own.read(Source(written(folder / "run.json", document)))
    assert isinstance(found, Refused)
    return found


def test_a_document_is_read_with_its_outcome(tmp_path: Path) -> None:
    (reading,) = readings(own, written(tmp_path / "run.json", DOCUMENT))

    trace = reading.trace
    assert (trace.format, trace.task, trace.request) == (own.NAME, "sort-1", "Sort the list.")
    observed = Observation("sort: list: No such file", exit_code=2)
    assert trace.steps[1].calls == (Call("bash", {"command": "sort list"}, observed),)
    assert (trace.steps[1].origin, trace.steps[1].usage) == (Origin.AGENT, Usage(40, 5))
    assert reading.outcome == Outcome(Status.FAILURE, 0.0, source="outcome, check.sh")


def test_a_format_is_a_plain_name(tmp_path: Path) -> None:
    path = written(tmp_path / "run.json", {**DOCUMENT, "format": "codex\noutcome  success"})

    [refused] = own.read(Source(path))
    assert refused == Refused("format is 'codex\\noutcome  success', not a name in small letters")


def test_a_log_cannot_pass_for_a_persons_word(tmp_path: Path) -> None:
    forged = {"status": "success", "source": BY_HAND, "who": "Ada"}
    (reading,) = readings(own, written(tmp_path / "run.json", changed("outcome", forged)))

    assert reading.outcome == Outcome(Status.SUCCESS, source=f"outcome, {BY_HAND}")


def test_without_an_outcome_a_run_has_no_label(tmp_path: Path) -> None:
    (reading,) = readings(own, written(tmp_path / "run.json", changed("outcome", None)))

    assert reading.outcome == UNLABELLED


@given(traces, st.sampled_from([UNLABELLED, Outcome.scored(0.5, "reward"), Outcome.broken("container", "harness")]))
def test_any_trace_that_is_written_is_read_back(trace: Trace, outcome: Outcome) -> None:
    trace = replace(trace, format="own-1")
    document = {**to_document(trace), "outcome": codec.dump(outcome)}
    with tempfile.TemporaryDirectory() as folder:
        both = written(Path(folder) / "runs.jsonl", document, document)
        one = written(Path(folder) / "run.json", document)

        source = f"outcome, {outcome.source}" if outcome.source else "outcome"
        outcome = replace(outcome, source=source)
        assert [(each.trace, each.outcome) for each in readings(own, both)] == [(trace, outcome)] * 2
        assert [(each.trace, each.outcome) for each in readings(own, one)] == [(trace, outcome)]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("gitskill_trace", 2, "gitskill_trace is 2, this gitskill reads 1"),
        ("task", None, "task is missing"),
        ("tsk", "x", "tsk is no key of a trace (did you mean task?)"),
        ("steps", {}, "steps is {}, not a list"),
        ("steps.1.calls.0.name", None, "steps[1].calls[0].name is missing"),
        ("steps.1.calls.0.name", 7, "steps[1].calls[0].name is 7, not text"),
        (
            "steps.1.calls.0.observation.exit_code",
            "2",
            'steps[1].calls[0].observation.exit_code is "2", not a whole number',
        ),
        ("outcome.status", "won", "outcome.status is 'won', not one of success, failure, infra_error, unlabelled"),
        ("outcome", "success", 'outcome is "success", not an object'),
        ("outcome.rewrd", 1, "outcome.rewrd is no key of a trace (did you mean reward?)"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, path: str, value: Any, said: str) -> None:
    assert refused(tmp_path, changed(path, value)).reason == said


def test_a_wrong_line_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    good = json.dumps(DOCUMENT)
    path.write_text("\n".join([good, json.dumps(changed("request", None)), good[:50], "7", good]))

    found = list(own.read(Source(path)))

    assert [each.place for each in found] == [f"line {at}" for at in range(1, 6)]
    assert [isinstance(each, Reading) for each in found] == [True, False, False, False, True]
    assert isinstance(found[3], Refused)
    assert found[3].reason == "not a trace: the key gitskill_trace is missing"


def test_a_file_that_was_cut_off_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(DOCUMENT)[:-9])

    with pytest.raises(Damaged):
        list(own.read(Source(path)))


def test_documents_that_are_wrong_in_one_place_raise_nothing_but_damaged(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    for wrong in mutations(DOCUMENT):
        written(path, wrong)
        source = Source(path)
        try:
            own.recognise(source)
            list(own.read(source))
        except Damaged:
            continue


@pytest.mark.parametrize("value", [None, [], {}, 7, "gitskill_trace", ["gitskill_trace"], {"trace": 1}])
def test_other_json_is_no_trace(tmp_path: Path, value: Any) -> None:
    assert not own.recognise(Source(written(tmp_path / "x.json", value)))
