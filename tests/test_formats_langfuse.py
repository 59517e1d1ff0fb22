import json
from pathlib import Path
from typing import Any

import pytest

from chat_shapes import ANSWER, ARGUMENTS, QUESTION, SHAPES, WORDS, Shape
from gitskill.formats import langfuse
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Status
from gitskill.trace import Call, Observation, Origin, Usage
from mutations import mutations
from reading_runs import RUNS, readings, written

JOKES = "pydantic-ai-tools-2025-12-04.trace.json"


def real(name: str) -> Reading:
    (reading,) = readings(langfuse, RUNS / "langfuse" / name)
    return reading


def calls(reading: Reading) -> list[Call]:
    return [call for step in reading.trace.steps for call in step.calls]


def observed(key: str, at: int, kind: str = "GENERATION", **told: Any) -> dict[str, Any]:
    made = {"id": key, "type": kind, "name": "chat", "startTime": f"2025-01-01T00:00:{at:02}.000Z", "level": "DEFAULT"}
    return made | {"parentObservationId": "root", "input": None, "output": None, "metadata": "{}"} | told


def export(*observations: dict[str, Any], **trace: Any) -> dict[str, Any]:
    root = observed("root", 0, "SPAN", parentObservationId=None)
    told: dict[str, Any] = {
        "id": "t1",
        "name": "bot",
        "timestamp": "2025-01-01T00:00:00Z",
        "input": None,
        "output": None,
        "scores": [],
    }
    return {"trace": told | trace, "observations": [*observations, root]}


def two(shape: Shape, *, packed: bool = False) -> dict[str, Any]:
    sent, made, history, last = [json.dumps(each) if packed and not isinstance(each, str) else each for each in shape]
    first = observed("g1", 1, input=sent, output=made, usageDetails={"input": 10, "output": 2})
    second = observed("g2", 5, input=history, output=last, usageDetails={"input": 20, "output": 3})
    return export(second, first)


def one(folder: Path, *documents: Any) -> Reading:
    (reading,) = readings(langfuse, written(folder / "runs.json", *documents))
    return reading


@pytest.mark.parametrize("name", sorted(path.name for path in (RUNS / "langfuse").glob("*.json")))
def test_every_call_of_a_real_trace_is_told_once_with_its_answer(name: str) -> None:
    told: dict[str, Any] = {
        "claude-agent-2025-12-22.trace.json": [
            ("mcp__weather__get_weather", {"city": "Berlin"}, "Weather in Berlin: Cloudy, 59°F"),
            ("mcp__weather__get_weather", {"city": "New York"}, "Weather in New York: Sunny, 75°F"),
        ],
        "langgraph-python-2025-08-22.trace.json": [
            (
                "Web-Search",
                {"query": "example"},
                '[{"url": "https://example.com", "title": "Example Result", "q": "example"}]',
            )
        ],
        "openai-agents-2025-09-30.trace.json": [
            ("get_weather", {"city": "Tokyo"}, "The weather in Tokyo is sunny."),
        ],
    }
    if name != JOKES:
        found = [(call.name, call.arguments, call.observation and call.observation.text) for call in calls(real(name))]
        assert found == told[name]


@pytest.mark.parametrize(
    ("name", "request_", "steps", "usage"),
    [
        (
            "claude-agent-2025-12-22",
            "What's the weather like in Berlin and New York?",
            5,
            Usage(34, 232, None, 0.003582),
        ),
        ("langgraph-python-2025-08-22", "Search the web for 'example' and summarize.", 4, Usage(168, 66, 0, 0.000234)),
        ("openai-agents-2025-09-30", "What's the weather in Tokyo?", 4, Usage(140, 44, 0, 0.000632)),
    ],
)
def test_real_traces_give_request_steps_and_usage(name: str, request_: str, steps: int, usage: Usage) -> None:
    trace = real(f"{name}.trace.json").trace

    assert (trace.request, len(trace.steps), trace.usage) == (request_, steps, usage)
    assert trace.result == trace.steps[-1].text


def test_a_history_that_is_repeated_in_every_call_is_told_once() -> None:
    reading = real(JOKES)

    origins = [step.origin.value for step in reading.trace.steps]
    assert origins == ["system", "user", "agent", "agent", "user", "agent", "system", "user", "agent"]
    assert [call.name for call in reading.trace.steps[2].calls] == [
        "get_pun_suggestion",
        "get_dad_joke_suggestion",
        "get_one_liner_suggestion",
    ]
    assert calls(reading)[1].observation == Observation(
        "Dad joke idea: Use a classic setup-punchline format about 'programming' with a groan-worthy twist"
    )


def test_the_agent_of_a_step_is_named_where_it_is_not_the_runs_own() -> None:
    trace = real(JOKES).trace

    assert [step.agent for step in trace.steps] == [""] * 6 + ["evaluator_agent"] * 3
    assert (trace.agent, trace.model, trace.session) == (
        "joke-generator",
        "gpt-4o-mini-2024-07-18",
        "7a38edd8123db47ad8dcb8aa4c5e3926",
    )


def test_what_the_application_returned_is_the_result_and_is_unpacked() -> None:
    assert real(JOKES).trace.result == "Why do programmers hate nature?  \nIt has too many bugs!"


def test_usage_is_that_of_the_generations_and_not_of_the_spans_around_them() -> None:
    trace = real(JOKES).trace

    assert trace.usage == Usage(1315, 209, None, 0.00032265)
    assert [step.usage.input for step in trace.steps if step.usage.input] == [265, 417, 502, 131]


def test_the_system_prompt_in_an_answers_instructions_comes_first_and_once() -> None:
    steps = real("openai-agents-2025-09-30.trace.json").trace.steps

    assert [step.text for step in steps if step.origin is Origin.SYSTEM] == ["You are a helpful agent."]
    assert steps[0].origin is Origin.SYSTEM


def test_what_a_model_thought_of_a_real_run_is_no_label() -> None:
    judged = real("claude-agent-2025-12-22.trace.json").outcome

    assert judged.status is Status.UNLABELLED
    assert judged.note == "only a model judged it: correctness 0, hallucination 1, toxicity 0"
    assert real(JOKES).outcome.status is Status.UNLABELLED


@pytest.mark.parametrize("packed", [False, True], ids=["objects", "text"])
@pytest.mark.parametrize("shape", SHAPES)
def test_all_frameworks_come_to_the_same_steps(tmp_path: Path, shape: str, packed: bool) -> None:
    trace = one(tmp_path, two(SHAPES[shape], packed=packed)).trace

    asked, acted, said = trace.steps
    assert (asked.origin, asked.text) == (Origin.USER, QUESTION)
    assert acted.calls == (Call("weather", ARGUMENTS, Observation(ANSWER)),)
    assert (acted.text, acted.origin, said.text, said.origin) == ("", Origin.AGENT, WORDS, Origin.AGENT)
    assert (trace.request, trace.result, trace.usage) == (QUESTION, WORDS, Usage(30, 5))


def test_an_answer_that_only_the_tools_own_span_holds_is_filled_in(tmp_path: Path) -> None:
    sent, made, _, last = SHAPES["openai"]
    answer = {"content": [{"type": "text", "text": "Sun"}]}
    tool = observed("s1", 3, "TOOL", name="weather", input=ARGUMENTS, output=answer)
    reading = one(tmp_path, export(observed("g1", 1, input=sent, output=made), tool, observed("g2", 5, output=last)))

    assert calls(reading) == [Call("weather", ARGUMENTS, Observation("Sun"))]


def test_two_calls_that_are_alike_get_their_own_answers(tmp_path: Path) -> None:
    call = {"id": "c1", "function": {"name": "roll", "arguments": "{}"}}
    made = {"role": "assistant", "tool_calls": [call, call | {"id": "c2"}]}
    tools = [observed(f"s{at}", at, "TOOL", name="roll", input={}, output=f"rolled {at}") for at in (3, 4)]

    found = calls(one(tmp_path, export(observed("g1", 1, input="Roll twice.", output=made), *tools)))

    assert [call.observation for call in found] == [Observation("rolled 3"), Observation("rolled 4")]


def test_a_tool_that_no_message_tells_of_stands_at_its_time(tmp_path: Path) -> None:
    tool = observed("s1", 3, "TOOL", name="search", input={"q": "Oslo"}, output="nothing")
    first, last = (observed(f"g{at}", at, input="Go.", output=f"word {at}") for at in (1, 5))

    steps = one(tmp_path, export(first, tool, last)).trace.steps

    assert [step.text or step.calls[0].name for step in steps] == ["Go.", "word 1", "search", "word 5"]
    assert steps[2].calls == (Call("search", {"q": "Oslo"}, Observation("nothing")),)


def test_a_failed_tools_message_is_its_answer(tmp_path: Path) -> None:
    tool = observed("s1", 3, "TOOL", name="weather", input=ARGUMENTS, level="ERROR", statusMessage="no such city")
    sent, made, *_ = SHAPES["openai"]

    reading = one(tmp_path, export(observed("g1", 1, input=sent, output=made), tool))

    assert calls(reading)[0].observation == Observation("no such city", is_error=True)
    assert reading.outcome.status is Status.UNLABELLED


def test_a_call_that_was_logged_by_framework_and_client_counts_once(tmp_path: Path) -> None:
    sent, made, history, last = SHAPES["openai"]
    used = {"input": 10, "output": 2}
    outer = observed("g1", 1, input=sent, output=made, usageDetails=used)
    inner = observed("g2", 2, parentObservationId="g1", input=sent, output=made, usageDetails=used)
    end = observed("g3", 5, input=history, output=last, usageDetails=used)

    trace = one(tmp_path, export(outer, inner, end)).trace

    assert (len(trace.steps), trace.usage) == (3, Usage(20, 4))


def test_a_question_that_is_asked_again_is_told_again(tmp_path: Path) -> None:
    again = [{"role": "user", "content": "again"}, {"role": "assistant", "content": "one"}]
    first = observed("g1", 1, input=again[:1], output="one")
    second = observed("g2", 2, input=[*again, again[0]], output="one")

    steps = one(tmp_path, export(first, second)).trace.steps

    assert [step.text for step in steps] == ["again", "one", "again", "one"]


def test_a_trace_without_generations_tells_what_its_root_was_asked_and_gave(tmp_path: Path) -> None:
    document = export(observed("s1", 1, "SPAN"))
    document["observations"][-1] |= {"input": {"question": "Why?"}, "output": {"answer": "Because."}}

    trace = one(tmp_path, document).trace

    assert [(step.origin.value, step.text) for step in trace.steps] == [("user", "Why?"), ("agent", "Because.")]


def test_messages_that_were_kept_as_attributes_of_the_span_are_read(tmp_path: Path) -> None:
    parts = [{"role": "user", "parts": [{"type": "text", "content": "Hi."}]}]
    kept = {"gen_ai.input.messages": json.dumps(parts), "gen_ai.completion": "Hello."}

    trace = one(tmp_path, export(observed("g1", 1, metadata=json.dumps({"attributes": kept})))).trace

    assert [step.text for step in trace.steps] == ["Hi.", "Hello."]


@pytest.mark.parametrize(
    ("score", "status", "reward"),
    [
        ({"name": "success", "value": 1, "dataType": "BOOLEAN", "stringValue": "True"}, Status.SUCCESS, None),
        ({"name": "resolved", "value": 0, "dataType": "BOOLEAN", "stringValue": "False"}, Status.FAILURE, None),
        ({"name": "Task Success", "stringValue": "pass", "dataType": "CATEGORICAL"}, Status.SUCCESS, None),
        ({"name": "outcome", "value": 1, "stringValue": "failed", "dataType": "CATEGORICAL"}, Status.FAILURE, None),
        ({"name": "reward", "value": 0.4, "dataType": "NUMERIC"}, Status.FAILURE, 0.4),
        ({"name": "my-check", "value": 1, "dataType": "NUMERIC"}, Status.SUCCESS, 1.0),
        ({"name": "toxicity", "value": 1, "dataType": "NUMERIC"}, Status.UNLABELLED, None),
        ({"name": "score", "value": 87, "dataType": "NUMERIC"}, Status.UNLABELLED, None),
        ({"name": "outcome", "stringValue": "infra_error", "dataType": "CATEGORICAL"}, Status.INFRA_ERROR, None),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_a_score_labels(tmp_path: Path, score: dict[str, Any], status: Status, reward: float | None) -> None:
    outcome = one(tmp_path, export(observed("g1", 1, input="Go.", output="Done."), scores=[score])).outcome

    assert (outcome.status, outcome.reward) == (status, reward)


def test_scores_that_disagree_label_nothing(tmp_path: Path) -> None:
    scores = [{"name": "reward", "value": 1}, {"name": "correctness", "value": 0.2}]

    outcome = one(tmp_path, export(observed("g1", 1, input="Go.", output="Done."), scores=scores)).outcome

    assert (outcome.status, outcome.note) == (
        Status.UNLABELLED,
        "labels that contradict each other: correctness 0.2, reward 1",
    )


def test_a_score_of_one_part_counts_only_where_the_run_has_none(tmp_path: Path) -> None:
    part, whole = {"name": "success", "value": False, "observationId": "g1"}, {"name": "success", "value": True}
    made = observed("g1", 1, input="Go.", output="Done.")

    assert one(tmp_path / "a", export(made, scores=[part, whole])).outcome.status is Status.SUCCESS
    assert one(tmp_path / "b", export(made, scores=[part])).outcome.status is Status.FAILURE


def test_an_error_of_the_root_or_of_the_last_call_breaks_the_run(tmp_path: Path) -> None:
    failed = observed("g1", 1, input="Go.", level="ERROR", statusMessage="429 rate limit")

    reading = one(tmp_path / "a", export(failed))
    good = one(tmp_path / "b", export(failed, scores=[{"name": "success", "value": True}]))

    assert (reading.trace.error, reading.outcome.status) == ("429 rate limit", Status.INFRA_ERROR)
    assert good.outcome.status is Status.SUCCESS


def test_tokens_of_a_cache_are_part_of_the_input(tmp_path: Path) -> None:
    details = {"input": 5, "input_cache_read": 40, "cache_creation_input_tokens": 3, "output": 2, "total": 50}

    trace = one(tmp_path, export(observed("g1", 1, input="Go.", output="Done.", usageDetails=details))).trace

    assert trace.usage == Usage(48, 2, 40)


def test_a_trace_from_the_api_and_lines_of_exports_are_read(tmp_path: Path) -> None:
    document = two(SHAPES["openai"])
    inside = {**document["trace"], "observations": document["observations"]}

    assert one(tmp_path / "a", inside).trace == one(tmp_path / "b", document).trace
    assert len(readings(langfuse, written(tmp_path / "c" / "runs.jsonl", document, inside))) == 2
    assert [each.place for each in readings(langfuse, written(tmp_path / "d" / "x.json", [document, inside]))] == [
        "[0]",
        "[1]",
    ]


def test_a_trace_without_messages_is_refused_with_the_reason(tmp_path: Path) -> None:
    empty = written(tmp_path / "a.json", export(observed("g1", 1)))
    lines = tmp_path / "b.jsonl"
    lines.write_text(json.dumps(two(SHAPES["openai"])) + "\n" + '{"trace": {"id": \n')

    assert list(langfuse.read(Source(empty))) == [Refused(langfuse.NOT_KEPT)]
    good, torn = langfuse.read(Source(lines))
    assert isinstance(good, Reading)
    assert isinstance(torn, Refused)
    assert torn.place == "line 2"


def test_a_file_that_was_cut_off_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_bytes((RUNS / "langfuse" / JOKES).read_bytes()[:5000])

    with pytest.raises(Damaged):
        list(langfuse.read(Source(path)))


def test_documents_that_are_wrong_in_one_place_raise_nothing_but_damaged(tmp_path: Path) -> None:
    tool = observed("s1", 3, "TOOL", name="weather", input=ARGUMENTS, output=ANSWER, metadata={"attributes": {}})
    scores = [{"name": "success", "value": 1, "dataType": "NUMERIC", "comment": "x"}]
    path = tmp_path / "x.json"
    for shape in ("openai", "responses", "gemini", "vercel", "semantic_kernel", "langchain"):
        document = two(SHAPES[shape])
        document["observations"].append(tool)
        document["trace"]["scores"] = scores
        for wrong in mutations(document):
            written(path, wrong)
            source = Source(path)
            try:
                langfuse.recognise(source)
                list(langfuse.read(source))
            except Damaged:
                continue


@pytest.mark.parametrize("value", [[], {}, None, "x", 7, [[]], [None], {"trace": 1}, {"trace": {}, "observations": 3}])
def test_other_json_is_not_langfuse(tmp_path: Path, value: Any) -> None:
    assert not langfuse.recognise(Source(written(tmp_path / "x.json", value)))


def test_a_chat_history_of_llama_index_is_read_with_the_tool_that_it_names_in_its_own_place(tmp_path: Path) -> None:
    user: dict[str, Any] = {"role": "user", "blocks": [{"block_type": "text", "text": QUESTION}]}
    call = {"id": "call_1", "function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)}}
    called = {"role": "assistant", "blocks": [], "additional_kwargs": {"tool_calls": [call]}}
    told = [{"block_type": "text", "text": ANSWER}]
    tool = {"role": "tool", "additional_kwargs": {"tool_call_id": "call_1"}, "blocks": told}
    last = {"message": {"role": "assistant", "blocks": [{"block_type": "text", "text": WORDS}]}}
    shape = {"chat_history": [user]}, {"message": called}, {"chat_history": [user, called, tool], "tools": []}, last
    trace = one(tmp_path, two(shape)).trace

    assert (trace.request, trace.result) == (QUESTION, WORDS)
    assert [call for step in trace.steps for call in step.calls] == [Call("weather", ARGUMENTS, Observation(ANSWER))]


def test_a_tool_that_was_given_its_arguments_in_a_shell_has_them_without(tmp_path: Path) -> None:
    tool = observed("t", 2, "TOOL", name="weather", input={"kwargs": ARGUMENTS}, output=ANSWER)
    model = observed(
        "g", 3, input=[{"role": "user", "content": QUESTION}], output={"role": "assistant", "content": WORDS}
    )

    assert calls(one(tmp_path, export(tool, model))) == [Call("weather", ARGUMENTS, Observation(ANSWER))]


def test_what_a_user_said_to_a_workflow_is_the_request(tmp_path: Path) -> None:
    model = observed("g", 3, input=[{"role": "user", "content": "x"}], output={"role": "assistant", "content": WORDS})

    assert one(tmp_path, export(model, input={"user_msg": QUESTION})).trace.request == QUESTION
