import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import gemini
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Status
from gitskill.trace import UNKNOWN, Observation, Origin, Trace, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, readings, written

REAL = RUNS / "gemini"
AUDIT = REAL / "session-2025-10-27T19-55-981c87cb.json"
LINES = FIXTURES / "gemini" / "session.jsonl"

META = {"sessionId": "s1", "projectHash": "ab12", "startTime": "2026-01-01T00:00:00Z"}
OTHERS = {"functionResponse": {"id": "c2", "name": "ls", "response": {"output": "not mine"}}}
Log = Callable[..., Trace]


def said(kind: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"id": f"{kind}-{content}", "timestamp": "2026-01-01T00:00:01Z", "type": kind, "content": content, **more}


def called(**call: Any) -> dict[str, Any]:
    return said("gemini", "", toolCalls=[{"id": "c1", "name": "run_shell_command", "args": {"command": "ls"}, **call}])


def answer(**response: Any) -> list[dict[str, Any]]:
    return [{"functionResponse": {"id": "c1", "name": "run_shell_command", "response": response}}]


def only(path: Path) -> Reading:
    (found,) = readings(gemini, path)
    return found


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return lambda *records: only(written(tmp_path / "session.jsonl", META, *records)).trace


def test_a_real_session() -> None:
    found = only(AUDIT)
    trace = found.trace
    assert found.outcome == UNLABELLED
    assert (trace.format, trace.task, trace.error, trace.notes) == ("gemini", "", "", ())
    assert (trace.agent, trace.model) == ("gemini-cli", "gemini-2.5-pro")
    assert trace.session == "981c87cb-90ef-4c7f-948d-23173ff43e4e"
    assert trace.request == "Can you make me an ai agent in python that I can execute built in pythin"
    assert (len(trace.steps), trace.actions) == (18, 15)
    assert [step.text for step in trace.steps if step.origin is Origin.USER][1:] == [
        "python",
        "can you audit this codebase and provide me with detailed suggestions for improvement?",
    ]
    assert trace.result.startswith("I've updated `main.py`. You can run the agent with:")
    assert trace.usage == Usage(input=102_805, output=6_456, cached=45_385)
    listed = trace.steps[1]
    assert listed.time == "2025-10-27T19:56:04.625Z"
    assert listed.thought.startswith("Considering Project Structure\nI've started by listing the files")
    assert listed.usage == Usage(input=5_377, output=57, cached=0)
    (call,) = listed.calls
    assert call.name == "list_directory"
    assert call.arguments == {"path": "/home/user/Dev/playground/src/test-project/"}
    assert call.observation == Observation("Directory /home/user/Dev/playground/src/test-project/ is empty.")


def test_what_failed_in_a_real_session() -> None:
    calls = [call for step in only(AUDIT).trace.steps for call in step.calls]
    told = {call.arguments.get("command"): call.observation for call in calls if call.name == "run_shell_command"}
    assert [answer.exit_code for answer in told.values() if answer] == [None, 127, 1, 0, 0]
    cancelled = told["python3"]
    assert cancelled == Observation("[Operation Cancelled] Reason: User cancelled the operation.", is_error=True)
    assert Observation("Path must be absolute: .", is_error=True) in [call.observation for call in calls]
    assert sum(call.observation.is_error for call in calls if call.observation) == 2


def test_a_real_session_with_an_edit() -> None:
    trace = only(REAL / "session-2025-10-29T10-36-453aa339.json").trace
    assert trace.request == "Change 'Hello' to 'Goodbye' in /tmp/gemini-test/created.txt"
    assert [call.name for step in trace.steps for call in step.calls] == ["read_file", "replace", "read_file"]
    assert (trace.result, trace.actions) == ("Done.", 4)
    assert trace.usage == Usage(input=21_694, output=563, cached=4_029)


def test_a_session_in_lines() -> None:
    found = only(LINES)
    trace = found.trace
    assert found.outcome == UNLABELLED
    assert (trace.session, trace.request) == ("9999-eeee", "Round the prices in @shop.py")
    assert [step.origin.value for step in trace.steps] == [
        *("system", "user", "system", "user", "agent", "system", "agent"),
    ]
    assert trace.steps[3].text.endswith("--- Content from referenced files ---\nprice = 1 / 3\n")
    tested = trace.steps[4]
    assert (tested.text, tested.thought) == ("I run the tests.", "Testing\nThe tests come first.")
    assert len(tested.calls) == 1
    observation = tested.calls[0].observation
    assert observation == Observation("Output: Exit Code: 7\n1 failed\nExit Code: 1\nProcess Group PGID: 4242", 1)
    assert trace.result == "Prices are rounded."


def test_tokens_of_a_message_that_was_written_three_times_count_once() -> None:
    assert only(LINES).trace.usage == Usage(input=2000, output=40, cached=1300)


def test_what_was_taken_back_is_gone() -> None:
    texts = [step.text for step in only(LINES).trace.steps]
    assert "This way is wrong." not in texts
    assert "No." not in texts


def test_what_the_tool_guesses_is_a_note() -> None:
    assert only(LINES).trace.notes == (
        "also used model gemini-3-flash",
        "Gemini CLI's own guess at the validation: failed",
    )


def test_the_way_back_to_an_unknown_message_leads_to_the_beginning(log: Log) -> None:
    trace = log(said("user", "One"), said("gemini", "1"), {"$rewindTo": "x"}, said("user", "Two"), said("gemini", "2"))
    assert [step.text for step in trace.steps] == ["Two", "2"]


def test_messages_that_are_only_set_are_read(log: Log) -> None:
    assert log({"$set": {"messages": [said("user", "Hi."), said("gemini", "Hello.")]}}).result == "Hello."


def test_messages_without_ids_are_all_kept(tmp_path: Path) -> None:
    messages = [{"type": kind, "content": content} for kind, content in (("user", "Hi."), ("gemini", "Hello."))]
    path = tmp_path / "session.json"
    path.write_text(json.dumps({**META, "messages": messages}))
    assert [step.text for step in only(path).trace.steps] == ["Hi.", "Hello."]


@pytest.mark.parametrize("command", ["/stats", "/chat save one", "?", " /mcp:list "])
def test_a_slash_command_is_no_request(log: Log, command: str) -> None:
    trace = log(said("user", command), said("user", [{"text": "Fix it."}]), said("gemini", "Done."))
    assert trace.request == "Fix it."
    assert trace.steps[0].origin is Origin.USER


@pytest.mark.parametrize("request_", ["/srv/shop has a fault", "Is it?", "// is a comment"])
def test_what_only_looks_like_a_command_is_a_request(log: Log, request_: str) -> None:
    assert log(said("user", request_), said("gemini", "Done.")).request == request_


@pytest.mark.parametrize(
    "context",
    [
        "<session_context>\nToday is Monday.\n</session_context>",
        "This is the Gemini CLI. We are setting up the context for our chat.",
        "<state_snapshot>…</state_snapshot>",
        "<hook_context>…</hook_context>",
        "Here is the user's editor context as a JSON object.",
        "Here is a summary of changes in the user's editor context, in JSON format.",
        "System: Please continue.",
    ],
)
def test_context_in_the_users_name_is_no_request(log: Log, context: str) -> None:
    trace = log(said("user", context), said("user", "Fix it."), said("gemini", "Done."))
    assert trace.request == "Fix it."
    assert trace.steps[0].origin is Origin.SYSTEM


def test_the_request_is_what_was_typed(log: Log) -> None:
    sent = said("user", "Fix it. Here is the whole manual.", displayContent=[{"text": "Fix it."}])
    trace = log(sent, said("gemini", "Done."))
    assert trace.request == "Fix it."
    assert trace.steps[0].text == "Fix it. Here is the whole manual."


def test_an_error_at_the_end_breaks_the_run(tmp_path: Path) -> None:
    records = said("user", "Hi."), said("gemini", "Hello."), said("error", "[API Error: quota exceeded]")
    found = only(written(tmp_path / "s.jsonl", META, *records))
    assert (found.outcome.status, found.outcome.source) == (Status.INFRA_ERROR, "error message")
    assert found.trace.error == found.outcome.note == "[API Error: quota exceeded]"
    assert (found.trace.steps[2].origin, found.trace.steps[2].text) == (Origin.SYSTEM, found.trace.error)


@pytest.mark.parametrize(
    "records",
    [
        [said("error", "[API Error: 503]"), said("gemini", "Hello.")],
        [said("gemini", "Hello."), said("user", "/nonsense"), said("error", "Unknown command: /nonsense")],
        [said("gemini", "Hello."), said("warning", "slow")],
        [said("gemini", "Hello."), said("info", "Request cancelled.")],
    ],
)
def test_what_breaks_nothing(tmp_path: Path, records: list[Any]) -> None:
    found = only(written(tmp_path / "s.jsonl", META, *records))
    assert (found.outcome, found.trace.error) == (UNLABELLED, "")


def test_a_session_without_any_step_of_the_agent_is_broken(tmp_path: Path) -> None:
    found = only(written(tmp_path / "s.jsonl", META, said("user", "/quit")))
    assert (found.outcome.status, found.outcome.note) == (Status.INFRA_ERROR, "no step taken by the agent")
    assert (found.trace.request, found.outcome.source) == ("", "log")


def test_a_sub_agent_is_a_run_with_a_note(tmp_path: Path) -> None:
    meta = {**META, "kind": "subagent"}
    found = only(written(tmp_path / "s.jsonl", meta, said("user", "Count."), said("gemini", "Two.")))
    assert found.trace.notes == ("the log of a sub-agent",)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"status": "success", "result": answer(output="a\nExit Code: 3")}, Observation("a\nExit Code: 3", 3)),
        ({"status": "success", "result": answer(output="Exit Code: 3\na")}, Observation("Exit Code: 3\na")),
        ({"status": "success", "result": answer(output="Exit Code: 3"), "name": "read"}, Observation("Exit Code: 3")),
        ({"status": "error", "result": answer(error="no")}, Observation("no", is_error=True)),
        ({"status": "success", "result": answer(error="no")}, Observation("no", is_error=True)),
        ({"status": "cancelled", "result": answer(output="no")}, Observation("no", is_error=True)),
        ({"status": "success", "result": answer(rows=[1])}, Observation('{"rows": [1]}')),
        ({"status": "success", "result": "text"}, Observation("text")),
        ({"status": "success", "result": {"text": "text"}}, Observation("text")),
        ({"status": "success", "result": [*answer(output="a"), {"inlineData": {"mimeType": "image/png"}}]},
         Observation("a\n[image/png]")),
        ({"status": "success", "result": [*answer(output="mine"), OTHERS]}, Observation("mine")),
        ({"status": "error", "result": None, "resultDisplay": "not found"}, Observation("not found", is_error=True)),
        ({"status": "success", "resultDisplay": "shown"}, Observation("shown")),
        ({"status": "success", "result": answer(content="a")}, Observation("a")),
        ({"status": "success", "result": answer(result=[{"text": "a"}, "b"])}, Observation("ab")),
        ({"status": "success", "result": answer(output={"rows": 1})}, Observation('{"rows": 1}')),
        ({"status": "success", "result": [{"functionResponse": {"response": {"output": "a"}}}]}, Observation("a")),
        ({"status": "success", "result": [{"functionResponse": {"id": "c1"}}]}, Observation("")),
        ({"status": "success", "result": [{"fileData": {"fileUri": "gs://a"}}]}, Observation("[fileData]")),
        ({"status": "cancelled", "result": None}, Observation("", is_error=True)),
        ({"status": "success", "result": None}, None),
        ({"status": "executing", "resultDisplay": "half"}, None),
        ({"status": "awaiting_approval", "resultDisplay": "half"}, None),
        ({"status": "validating", "resultDisplay": "half"}, None),
        ({"status": "scheduled", "resultDisplay": "half"}, None),
    ],
)  # fmt: skip
def test_what_a_tool_returned(log: Log, call: dict[str, Any], expected: Observation | None) -> None:
    (found,) = log(called(**call)).steps[0].calls
    assert found.observation == expected


def test_calls_and_answers_that_stand_in_the_content(log: Log) -> None:
    asked = said("gemini", [{"text": "Hm.", "thought": True}, {"functionCall": {"name": "ls", "args": {"path": "."}}}])
    answered = said("user", [{"functionResponse": {"name": "ls", "response": {"output": "a"}}}])
    (step,) = log(asked, answered).steps
    assert (step.text, step.thought) == ("", "Hm.")
    assert (step.calls[0].name, step.calls[0].arguments) == ("ls", {"path": "."})
    assert step.calls[0].observation == Observation("a")


def test_an_answer_that_stands_beside_the_call_is_told_once(log: Log) -> None:
    again = said("user", answer(output="a"))
    trace = log(called(status="success", result=answer(output="a")), again)
    assert [len(step.calls) for step in trace.steps] == [1]


def test_calls_of_one_name_are_answered_by_their_ids(log: Log) -> None:
    asked = said("gemini", [{"functionCall": {"id": key, "name": "ls", "args": {}}} for key in ("a", "b")])
    told = [{"functionResponse": {"id": key, "name": "ls", "response": {"output": key}}} for key in ("b", "a")]
    (step,) = log(asked, said("user", told)).steps
    assert [call.observation for call in step.calls] == [Observation("a"), Observation("b")]


def test_a_call_that_stands_in_the_content_too_is_told_once(log: Log) -> None:
    call = called(status="success", result=answer(output="a"))
    part = {"functionCall": {"name": "run_shell_command", "args": {"command": "ls"}}}
    (step,) = log({**call, "content": part}).steps
    assert len(step.calls) == 1


def test_a_call_as_the_only_part(log: Log) -> None:
    (step,) = log(said("gemini", {"functionCall": {"name": "ls", "args": {}}})).steps
    assert step.calls[0].name == "ls"


def test_the_last_word_may_stand_before_the_last_call(log: Log) -> None:
    assert log(said("gemini", "I look."), called(status="scheduled")).result == "I look."


def test_unknown_kinds_of_messages_are_no_steps(log: Log) -> None:
    assert [step.text for step in log(said("banner", "New!"), said("gemini", ["Hel", "lo."])).steps] == ["Hello."]


def test_messages_without_ids_in_lines_are_all_kept(log: Log) -> None:
    told = [{"type": "gemini", "content": content} for content in ("One.", "Two.")]
    assert [step.text for step in log(*told).steps] == ["One.", "Two."]


def test_an_error_without_a_message(log: Log) -> None:
    assert log(said("gemini", "Hello."), said("error", "")).error == "an error without a message"


def test_an_error_before_any_step(tmp_path: Path) -> None:
    found = only(written(tmp_path / "s.jsonl", META, said("user", "Hi."), said("error", "quota")))
    assert (found.outcome.note, found.outcome.source) == ("quota", "error message")


def test_an_answer_that_comes_later_finds_its_call(log: Log) -> None:
    (step,) = log(called(status="executing"), said("user", answer(output="a"))).steps
    assert step.calls[0].observation == Observation("a")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (None, UNKNOWN),
        ({}, UNKNOWN),
        ({"input": 5, "cached": 2}, Usage(input=5, cached=2)),
        ({"output": 5}, Usage(output=5)),
        ({"thoughts": 5}, Usage(output=5)),
        ({"input": 5, "output": 1, "thoughts": 3, "cached": 2, "total": 9}, Usage(input=5, output=4, cached=2)),
    ],
)
def test_tokens(log: Log, tokens: Any, expected: Usage) -> None:
    assert log(said("gemini", "Hello.", tokens=tokens)).usage == expected


@pytest.mark.parametrize("kind", ["user", "gemini", "info", "warning", "error"])
def test_an_older_document_is_known_by_its_messages(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "session.json"
    path.write_text(json.dumps({"sessionId": "s", "startTime": "x", "messages": [said(kind, "Hi.")]}))
    assert gemini.recognise(Source(path))


@pytest.mark.parametrize(
    "records",
    [
        [{"type": "user", "sessionId": "s", "uuid": "u", "projectHash": "x", "message": {"content": "Hi."}}],
        [{"sessionId": "s", "startTime": "x", "messages": [{"type": "assistant"}]}],
        [{"sessionId": "s", "startTime": "x", "messages": []}],
        [{"sessionId": "s", "messages": [{"type": "user"}]}],
        [{"sessionId": 7, "projectHash": "x"}],
        [[1], 2, None, "x"],
    ],
)
def test_other_logs_are_not_recognised(tmp_path: Path, records: list[Any]) -> None:
    assert not gemini.recognise(Source(written(tmp_path / "log", *records)))


@pytest.mark.parametrize("path", [AUDIT, LINES], ids=["document", "lines"])
def test_a_session_cut_in_the_middle_is_damaged(tmp_path: Path, path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(Damaged):
        list(gemini.read(Source(cut)))


def test_a_file_without_a_session_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="no session"):
        list(gemini.read(Source(written(tmp_path / "log", 7))))


def test_a_document_wrong_in_one_place_raises_nothing_but_damaged(tmp_path: Path) -> None:
    document = json.loads(AUDIT.read_text())
    document["messages"] = [document["messages"][at] for at in (0, 5, 11)]
    for changed in mutations(document):
        _read(written(tmp_path / "session.json", changed))


def test_a_record_wrong_in_one_place_raises_nothing_but_damaged(tmp_path: Path) -> None:
    records = [json.loads(line) for line in LINES.read_text().splitlines()]
    for changed in (copy for record in records for copy in mutations([record])):
        _read(written(tmp_path / "session.jsonl", records[0], *changed, records[-1]))


def _read(path: Path) -> None:
    source = Source(path)
    gemini.recognise(source)
    try:
        assert len(list(gemini.read(source))) == 1
    except Damaged:
        return
