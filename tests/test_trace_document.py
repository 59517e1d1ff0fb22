"""A trace as JSON: what is written is read back, and what is wrong is named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.errors import InvalidInput
from gitskill.trace import Artifact, Call, Observation, Origin, Step, Trace, Usage, leaves, shortened, with_texts
from gitskill.trace_document import canonical, from_document, to_document, trace_id

text = st.text(max_size=12)
maybe_count = st.none() | st.integers(0, 10**9)
usages = st.builds(Usage, maybe_count, maybe_count, maybe_count, st.none() | st.floats(0, 100))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.dictionaries(text, inner) | st.lists(inner),
    max_leaves=6,
)
observations = st.builds(
    Observation, text, st.none() | st.integers(-9, 255), st.booleans(), st.none() | st.floats(0, 1)
)
calls = st.builds(Call, text, values, st.none() | observations)
steps = st.builds(Step, st.sampled_from(Origin), text, text, st.lists(calls, max_size=2).map(tuple), usages, text, text)
traces = st.builds(
    Trace,
    *(text, text, text, st.lists(steps, max_size=4).map(tuple), text, text, text, text),
    artifacts=st.lists(st.builds(Artifact, text, text), max_size=2).map(tuple),
    usage=usages,
    error=text,
    notes=st.lists(text, max_size=2).map(tuple),
)

SMALL = Trace("own", "t1", "Do it.", (Step(Origin.AGENT, "ok", calls=(Call("bash", {"command": "ls"}),)),))


@given(traces)
def test_a_trace_is_read_back_as_it_was_written(trace: Trace) -> None:
    assert from_document(json.loads(canonical(trace))) == trace


@given(traces)
def test_equal_traces_have_one_name_and_one_text_more_makes_another(trace: Trace) -> None:
    data = canonical(trace)

    assert data == canonical(from_document(to_document(trace)))
    assert trace_id(data) != trace_id(canonical(with_texts(trace, lambda _, each: each + "!")))


def test_what_is_empty_is_left_out() -> None:
    assert to_document(SMALL) == {
        "gitskill_trace": 1,
        "format": "own",
        "task": "t1",
        "request": "Do it.",
        "steps": [{"origin": "agent", "text": "ok", "calls": [{"name": "bash", "arguments": {"command": "ls"}}]}],
    }


def test_numbers_that_json_has_no_word_for_are_kept_as_text() -> None:
    trace = Trace("own", "", "", (Step(Origin.AGENT, calls=(Call("f", {"n": [float("inf"), 1.5]}),)),))

    assert json.loads(canonical(trace))["steps"][0]["calls"][0]["arguments"] == {"n": ["inf", 1.5]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gitskill_trace": 2}, "gitskill_trace is 2, this gitskill reads 1"),
        ({"stps": []}, "stps is no key of a trace"),
        ({"task": 7}, "task is 7, not text"),
        ({"steps": {}}, "steps is {}, not a list"),
        ({"steps": [7]}, "steps[0] is 7, not an object"),
        ({"steps": [{}]}, "steps[0].origin is missing"),
        ({"steps": [{"origin": ["agent"]}]}, "steps[0].origin is ['agent'], not one of system, user, agent, tool"),
        ({"steps": [{"origin": "agent", "calls": [{"name": "f"}]}]}, "steps[0].calls[0].arguments is missing"),
        (
            {"steps": [{"origin": "agent", "usage": {"input": True}}]},
            "steps[0].usage.input is true, not a whole number",
        ),
        ({"usage": {"cost": float("nan")}}, "usage.cost is NaN, not a finite number"),
    ],
)
def test_the_first_place_that_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_document(to_document(SMALL) | change)
    assert str(caught.value) == said


def test_a_key_that_is_nearly_right_is_guessed() -> None:
    with pytest.raises(InvalidInput) as caught:
        from_document(to_document(SMALL) | {"stepz": []})
    assert caught.value.hint == "did you mean steps?"


@pytest.mark.parametrize("document", [None, [], "x", {}, {"format": "own"}])
def test_what_is_no_trace_is_refused(document: Any) -> None:
    with pytest.raises(InvalidInput, match="not a trace"):
        from_document(document)


@given(traces)
def test_every_text_of_a_trace_is_changed_and_nothing_else(trace: Trace) -> None:
    seen: list[str] = []

    def note(_: str, each: str) -> str:
        seen.append(each)
        return each

    assert with_texts(trace, note) == trace
    told = [each for step in trace.steps for _, each in step.texts()]
    assert not set(told) - set(seen)
    assert {trace.task, trace.request, trace.error, *trace.notes, *(a.text for a in trace.artifacts)} <= set(seen)


def test_keys_that_become_one_keep_both_of_their_values() -> None:
    trace = Trace("own", "", "", (Step(Origin.AGENT, calls=(Call("f", {"a": "1", "b": "2"}),)),))
    [step] = with_texts(trace, lambda _, each: "x" if each in "ab" else each).steps

    assert step.calls[0].arguments == {"x": "1", "x'1": "2"}


def test_leaves_are_the_strings_of_a_value_and_its_keys() -> None:
    assert list(leaves({"a": ["b", 1, None, {"c": "d"}]})) == ["a", "b", "c", "d"]


@given(st.text(min_size=0, max_size=400), st.integers(2, 100))
def test_a_long_text_keeps_head_and_tail_and_says_what_is_missing(body: str, limit: int) -> None:
    short = shortened(body, limit)

    if len(body) <= limit:
        assert short == body
    else:
        half = limit // 2
        assert short.startswith(body[:half])
        assert short.endswith(body[-half:])
        assert f"[... {len(body) - 2 * half:,} characters cut ...]" in short
