import json
from pathlib import Path
from typing import Any

import pytest

from chat_shapes import ANSWER, ARGUMENTS, QUESTION, SHAPES, WORDS
from gitskill.formats import otel
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Status
from gitskill.trace import Call, Observation, Origin, Step, Usage
from mutations import mutations
from reading_runs import FIXTURES, readings, written

FOLDER = FIXTURES / "otel"
START = 1767600000000000000


def one(path: Path) -> Reading:
    (reading,) = readings(otel, path)
    return reading


def span(key: str, at: int, attributes: dict[str, Any], **told: Any) -> dict[str, Any]:
    """Make a span as OTLP has it, all of whose attributes are texts."""
    values = [{"key": name, "value": {"stringValue": value}} for name, value in attributes.items()]
    made = {"traceId": "t1", "spanId": key, "name": "chat", "startTimeUnixNano": str(START + at), "attributes": values}
    return made | told


def otlp(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


def chat(key: str, at: int, sent: Any, made: Any, **told: Any) -> dict[str, Any]:
    kept = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(sent)}
    return span(key, at, kept | {"gen_ai.output.messages": json.dumps(made)}, **told)


def read_back(folder: Path, *spans: dict[str, Any]) -> Reading:
    return one(written(folder / "spans.json", otlp(*spans)))


HELLO = {"role": "user", "parts": [{"type": "text", "content": "Hi."}]}
BYE = {"role": "assistant", "parts": [{"type": "text", "content": "Bye."}]}


def test_a_run_is_read_once_though_every_call_repeats_its_history() -> None:
    trace = one(FOLDER / "semconv.json").trace

    assert [(step.origin.value, len(step.calls)) for step in trace.steps] == [
        ("system", 0),
        ("user", 0),
        ("agent", 1),
        ("agent", 1),
        ("agent", 0),
    ]
    assert trace.steps[2].calls == (Call("find_order", {"id": 77}, Observation('{"state": "shipped"}')),)
    assert trace.steps[3].calls == (Call("track", {"parcel": "P1"}, Observation("in Bergen")),)
    assert trace.steps[3].thought == "The parcel has a number."


def test_the_run_is_named_by_its_conversation_and_its_agent() -> None:
    trace = one(FOLDER / "semconv.json").trace

    assert (trace.request, trace.result) == ("Where is order 77?", "It was shipped; it is in Bergen.")
    assert (trace.agent, trace.model, trace.session) == ("helper", "gpt-x-2026-01-01", "conv-9")


def test_numbers_that_are_written_as_text_are_added_up_once() -> None:
    """The span of the agent repeats the sum of its calls."""
    trace = one(FOLDER / "semconv.json").trace

    assert trace.usage == Usage(210, 29, 30)
    assert trace.steps[3].usage == Usage(70, 9, 10)
    assert trace.steps[0].time == "2026-01-05T08:00:00.000Z"


def test_an_evaluation_is_the_label() -> None:
    outcome = one(FOLDER / "semconv.json").outcome

    assert (outcome.status, outcome.source) == (Status.SUCCESS, "gen_ai.evaluation correctness")
    assert outcome.note == "It named the place."


def test_messages_in_events_and_lines_of_spans_are_read() -> None:
    added, failed = readings(otel, FOLDER / "events.jsonl")

    assert [step.text for step in added.trace.steps if not step.calls] == ["You add.", "Add 1 and 2.", "3"]
    assert added.trace.steps[2].calls == (Call("add", {"a": 1, "b": 2}, Observation("3")),)
    assert added.trace.usage == Usage(22, 6)
    assert (failed.trace.error, failed.outcome.status) == ("429 Too Many Requests", Status.INFRA_ERROR)
    assert (added.place, failed.place) == (f"trace {'1' * 32}", f"trace {'2' * 32}")


def test_openinference_is_read_with_more_than_ten_messages_in_order() -> None:
    trace = one(FOLDER / "openinference.json").trace

    first, second = trace.steps[1].calls
    assert (first, second) == (
        Call("add", {"a": 1}, Observation("2")),
        Call("add", {"a": 2}, Observation("3")),
    )
    assert [step.text for step in trace.steps if step.origin is Origin.USER][-2:] == ["x9", "x10"]
    assert (trace.usage, trace.model, trace.agent, trace.result) == (Usage(14, 4, 2), "gpt-i", "math", "2 and 3")


def test_spans_that_an_sdk_printed_one_after_the_other_are_read(tmp_path: Path) -> None:
    spans = json.loads((FOLDER / "openinference.json").read_text())
    path = tmp_path / "printed.json"
    path.write_text("".join(json.dumps(each, indent=4) + "\n" for each in spans))
    torn = tmp_path / "torn.json"
    torn.write_text(path.read_text()[:-100])

    assert one(path).trace == one(FOLDER / "openinference.json").trace
    with pytest.raises(Damaged, match="span 5"):
        list(otel.read(Source(torn)))


@pytest.mark.parametrize("shape", SHAPES)
def test_all_frameworks_come_to_the_same_steps(tmp_path: Path, shape: str) -> None:
    sent, made, history, last = SHAPES[shape]
    last = {"role": "assistant", "content": last} if isinstance(last, str) else last

    asked, acted, said = read_back(tmp_path, chat("b", 9, history, last), chat("a", 1, sent, made)).trace.steps

    assert (asked.text, said.text) == (QUESTION, WORDS)
    assert acted.calls == (Call("weather", ARGUMENTS, Observation(ANSWER)),)


VERCEL_CALL = [{"toolCallId": "c1", "toolName": "weather", "args": '{"city": "Oslo"}'}]
CALLED = Call("weather", ARGUMENTS, Observation(ANSWER))


@pytest.mark.parametrize(
    ("model", "tool"),
    [
        (
            {
                "ai.operationId": "ai.generateText.doGenerate",
                "ai.prompt.messages": json.dumps([{"role": "user", "content": QUESTION}]),
                "ai.response.toolCalls": json.dumps(VERCEL_CALL),
            },
            {
                "ai.operationId": "ai.toolCall",
                "ai.toolCall.name": "weather",
                "ai.toolCall.id": "c1",
                "ai.toolCall.args": '{"city": "Oslo"}',
                "ai.toolCall.result": ANSWER,
            },
        ),
        (
            {
                "llm.request.type": "chat",
                "gen_ai.prompt.0.role": "user",
                "gen_ai.prompt.0.content": QUESTION,
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.tool_calls.0.id": "c1",
                "gen_ai.completion.0.tool_calls.0.name": "weather",
                "gen_ai.completion.0.tool_calls.0.arguments": '{"city": "Oslo"}',
            },
            {
                "traceloop.span.kind": "tool",
                "traceloop.entity.name": "weather",
                "traceloop.entity.input": '{"inputs": {"city": "Oslo"}}',
                "traceloop.entity.output": ANSWER,
            },
        ),
        (
            {
                "gen_ai.operation.name": "chat",
                "events": json.dumps(
                    [
                        {"event.name": "gen_ai.user.message", "role": "user", "content": QUESTION},
                        {
                            "event.name": "gen_ai.choice",
                            "index": 0,
                            "message": {
                                "role": "assistant",
                                "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": ARGUMENTS}}],
                            },
                        },
                    ]
                ),
            },
            {
                "gen_ai.tool.name": "weather",
                "gen_ai.tool.call.id": "c1",
                "tool_arguments": '{"city": "Oslo"}',
                "tool_response": ANSWER,
            },
        ),
    ],
    ids=["vercel", "openllmetry", "logfire"],
)
def test_other_conventions_are_read(tmp_path: Path, model: dict[str, Any], tool: dict[str, Any]) -> None:
    steps = read_back(tmp_path, span("m", 1, model), span("t", 5, tool)).trace.steps

    assert [step.text for step in steps] == [QUESTION, ""]
    assert steps[1].calls == (CALLED,)


def test_traces_of_one_conversation_are_one_run(tmp_path: Path) -> None:
    named = {"key": "gen_ai.conversation.id", "value": {"stringValue": "c"}}
    first = chat("a", 1, [HELLO], [BYE])
    again = {"role": "user", "parts": [{"type": "text", "content": "Still there?"}]}
    second = chat("b", 5, [HELLO, BYE, again], [BYE], traceId="t2")
    for each in (first, second):
        each["attributes"].append(named)

    trace = read_back(tmp_path, second, first).trace

    assert [step.text for step in trace.steps] == ["Hi.", "Bye.", "Still there?", "Bye."]
    assert (trace.session, trace.request) == ("c", "Hi.")


def test_a_call_that_was_logged_by_framework_and_client_counts_once(tmp_path: Path) -> None:
    outer, inner = chat("a", 1, [HELLO], [BYE]), chat("b", 2, [HELLO], [BYE], parentSpanId="a")

    assert len(read_back(tmp_path, outer, inner).trace.steps) == 2


@pytest.mark.parametrize("told", [{"parentSpanId": "a"}, {"spanId": None}, {"spanId": "", "parentSpanId": ""}], ids=str)
def test_a_span_that_stands_in_itself_or_has_no_id_is_no_wrapper(tmp_path: Path, told: dict[str, Any]) -> None:
    steps = read_back(tmp_path, chat("a", 1, [HELLO], [BYE], **told)).trace.steps

    assert [step.text for step in steps] == ["Hi.", "Bye."]


def test_a_model_that_a_tool_calls_is_no_wrapper(tmp_path: Path) -> None:
    outer = chat("a", 1, [HELLO], [BYE])
    tool = span("t", 2, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ask"}, parentSpanId="a")
    inner = chat("b", 3, [{"role": "user", "content": "Sub?"}], [{"role": "assistant", "content": "Sub."}])

    steps = read_back(tmp_path, outer, tool, inner | {"parentSpanId": "t"}).trace.steps

    assert [step.text for step in steps if not step.calls] == ["Hi.", "Bye.", "Sub?", "Sub."]


def test_a_failed_tool_is_marked(tmp_path: Path) -> None:
    sent, made, *_ = SHAPES["pydantic"]
    kept = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "call_1"}
    tool = span("t", 5, kept, status={"code": "STATUS_CODE_ERROR", "message": "timed out"})

    reading = read_back(tmp_path, chat("a", 1, sent, made), tool)

    assert reading.trace.steps[1].calls[0].observation == Observation("timed out", is_error=True)
    assert reading.outcome.status is Status.UNLABELLED


def test_a_run_that_only_its_root_tells_of_is_read(tmp_path: Path) -> None:
    kept = {"gen_ai.operation.name": "invoke_agent", "input.value": "Why?", "output.value": "Because."}

    steps = read_back(tmp_path, span("a", 1, kept)).trace.steps

    assert [(step.origin, step.text) for step in steps] == [(Origin.USER, "Why?"), (Origin.AGENT, "Because.")]


def test_values_of_every_type_are_read(tmp_path: Path) -> None:
    value = {"kvlistValue": {"values": [{"key": "n", "value": {"arrayValue": {"values": [{"intValue": "7"}]}}}]}}
    made = chat("a", 1, [HELLO], [BYE])
    tool = span("t", 2, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"})
    tool["attributes"].append({"key": "gen_ai.tool.call.arguments", "value": value})

    assert read_back(tmp_path, made, tool).trace.steps[2] == Step(
        Origin.AGENT, calls=(Call("f", {"n": [7]}),), time="2026-01-05T08:00:00.000Z"
    )


def test_spans_without_a_model_or_without_messages_are_refused(tmp_path: Path) -> None:
    web = written(tmp_path / "web.json", otlp(span("a", 1, {"http.request.method": "GET"})))
    silent = written(tmp_path / "silent.json", otlp(span("a", 1, {"gen_ai.operation.name": "chat"})))

    assert list(otel.read(Source(web))) == [Refused(otel.NO_MODEL)]
    assert list(otel.read(Source(silent))) == [Refused(otel.NOT_KEPT)]


def test_lines_that_are_torn_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text((FOLDER / "events.jsonl").read_text()[:-60])

    with pytest.raises(Damaged, match="line 3"):
        list(otel.read(Source(path)))


def test_attributes_with_very_many_dots_are_passed_over(tmp_path: Path) -> None:
    kept = {"llm.input_messages." + "0." * 5000 + "x": "y", "gen_ai.operation.name": "chat", "output.value": "Hi."}

    assert read_back(tmp_path, span("a", 1, kept)).trace.result == "Hi."


def test_spans_that_are_wrong_in_one_place_raise_nothing_but_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    semconv, flat = (json.loads((FOLDER / name).read_text()) for name in ("semconv.json", "openinference.json"))
    spans = semconv["resourceSpans"][0]["scopeSpans"][0]["spans"]
    del spans[2:5]
    documents = [semconv, flat[:3], json.loads((FOLDER / "events.jsonl").read_text().partition("\n")[0])]
    for document in documents:
        for wrong in mutations(document):
            written(path, wrong)
            source = Source(path)
            try:
                otel.recognise(source)
                list(otel.read(source))
            except Damaged:
                continue


@pytest.mark.parametrize(
    "value", [None, [], {}, 7, [[]], {"resourceSpans": {}}, {"resourceSpans": [3]}, {"name": "x", "context": 7}]
)
def test_other_json_is_not_otel(tmp_path: Path, value: Any) -> None:
    assert not otel.recognise(Source(written(tmp_path / "x.json", value)))
