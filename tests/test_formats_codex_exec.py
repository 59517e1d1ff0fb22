import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import codex_exec
from gitskill.formats.inner import codex_events
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Status
from gitskill.trace import Artifact, Observation, Origin, Usage
from mutations import mutations
from reading_runs import FIXTURES, readings, written

THREAD = FIXTURES / "codex-exec" / "thread.jsonl"
MESSAGES = FIXTURES / "codex-exec" / "messages.jsonl"

START = {"type": "thread.started", "thread_id": "t1"}
HELLO = {"type": "item.completed", "item": {"id": "item_0", "type": "agent_message", "text": "Hello."}}


def only(path: Path) -> Reading:
    (found,) = readings(codex_exec, path)
    return found


def log(folder: Path, *records: Any) -> Reading:
    return only(written(folder / "codex.txt", START, *records))


def done(**item: Any) -> dict[str, Any]:
    return {"type": "item.completed", "item": item}


def begun(**item: Any) -> dict[str, Any]:
    return {"type": "item.started", "item": item}


def used(given: int, got: int) -> dict[str, Any]:
    usage = {"input_tokens": given, "cached_input_tokens": 0, "output_tokens": got}
    return {"type": "turn.completed", "usage": usage}


def test_a_thread() -> None:
    found = only(THREAD)
    trace = found.trace
    assert (found.outcome, found.place) == (UNLABELLED, "")
    assert (trace.format, trace.agent, trace.session, trace.request) == ("codex-exec", "codex", "0199-aaaa", "")
    assert trace.usage == Usage(input=5000, output=200, cached=3000)
    assert (trace.result, trace.error) == ("Prices are rounded.", "")
    tested, changed, searched, opened, web, warned, last = trace.steps
    assert tested.thought == "**Looking at prices**"
    assert [call.name for call in tested.calls] == ["command_execution", "todo_list"]
    assert tested.calls[0].arguments == {"command": "bash -lc 'pytest -q'"}
    assert tested.calls[0].observation == Observation("1 failed\n", 1, is_error=True)
    assert changed.calls[0].arguments == {"changes": [{"path": "shop.py", "kind": "update"}]}
    assert changed.calls[0].observation == Observation("completed")
    assert [call.name for call in searched.calls] == ["todo_list", "docs.search"]
    assert searched.calls[0].arguments == {"items": [{"text": "Round", "completed": True}]}
    assert searched.calls[1].arguments == {"query": "round"}
    assert searched.calls[1].observation == Observation("round(number, ndigits)")
    assert (opened.calls[0].name, opened.calls[0].arguments) == ("docs.open", {"page": 1})
    assert opened.calls[0].observation == Observation("no such page", is_error=True)
    assert web.calls[0].arguments == {"query": "python round", "action": {"type": "search"}}
    assert (warned.origin, warned.text) == (Origin.SYSTEM, "a hook was slow")
    assert (last.text, last.calls) == ("Prices are rounded.", ())


def test_the_older_messages() -> None:
    found = only(MESSAGES)
    trace = found.trace
    assert found.outcome == UNLABELLED
    assert (trace.request, trace.model) == ("Round prices to two digits.", "gpt-5")
    assert trace.artifacts == (Artifact("turn.diff", "--- a/shop.py\n+++ b/shop.py\n@@ -1 +1 @@\n-a\n+b\n"),)
    assert trace.usage == Usage(input=1500, output=70, cached=600)
    tested, patched, searched, planned, last = trace.steps
    assert (tested.thought, tested.calls[0].name) == ("**Looking at prices**", "shell")
    assert tested.calls[0].arguments == {"command": ["bash", "-lc", "pytest -q"], "workdir": "/srv/shop"}
    assert tested.calls[0].observation == Observation("1 failed\nwarning\n", 1)
    assert patched.calls[0].name == "apply_patch"
    assert "unified_diff" in patched.calls[0].arguments["changes"]["/srv/shop/shop.py"]["update"]
    assert patched.calls[0].observation == Observation("Success. Updated the following files:\nM shop.py\n")
    assert (searched.calls[0].name, searched.calls[0].arguments) == ("docs.search", {"query": "round"})
    assert searched.calls[0].observation == Observation("round(number, ndigits)", is_error=True)
    assert [(call.name, call.arguments) for call in planned.calls] == [
        ("web_search", {"query": "python round"}),
        ("update_plan", {"plan": [{"step": "Round", "status": "completed"}]}),
    ]
    assert (last.text, last.usage) == ("Prices are rounded.", Usage(input=500, output=20, cached=400))


def test_session_and_model_of_the_older_messages(tmp_path: Path) -> None:
    configured = {"id": "", "msg": {"type": "session_configured", "session_id": "s1", "model": "o3"}}
    spoken = {"id": "0", "msg": {"type": "agent_message", "message": "Hello."}}
    aborted = {"id": "0", "msg": {"type": "turn_aborted", "reason": "interrupted"}}
    again = {"id": "", "msg": {"type": "session_configured"}}
    trace = only(written(tmp_path / "log", configured, again, spoken, aborted)).trace
    assert (trace.session, trace.model, trace.result) == ("s1", "o3", "Hello.")
    assert trace.notes == ("a turn was aborted: interrupted",)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"Err": "timed out"}, Observation("timed out", is_error=True)),
        ({"Ok": {"content": [{"type": "text", "text": "a"}], "is_error": False}}, Observation("a")),
        ({"Ok": {"content": [], "is_error": True}}, Observation("", is_error=True)),
    ],
)
def test_what_a_server_returned_in_the_older_messages(
    tmp_path: Path, result: dict[str, Any], expected: Observation
) -> None:
    # The first versions had server and tool in the event itself.
    began = {"type": "mcp_tool_call_begin", "call_id": "c", "server": "docs", "tool": "open", "arguments": {"page": 1}}
    ended = {"type": "mcp_tool_call_end", "call_id": "c", "result": result}
    trace = only(written(tmp_path / "log", {"id": "0", "msg": began}, {"id": "0", "msg": ended})).trace
    (call,) = trace.steps[0].calls
    assert (call.name, call.arguments, call.observation) == ("docs.open", {"page": 1}, expected)


def test_a_patch_that_was_not_applied(tmp_path: Path) -> None:
    began = {"type": "patch_apply_begin", "call_id": "c", "changes": {}}
    ended = {"type": "patch_apply_end", "call_id": "c", "stdout": "", "stderr": "denied", "success": False}
    trace = only(written(tmp_path / "log", {"id": "0", "msg": began}, {"id": "0", "msg": ended})).trace
    assert trace.steps[0].calls[0].observation == Observation("denied", is_error=True)


def test_usage_is_the_sum_since_the_thread_began(tmp_path: Path) -> None:
    assert log(tmp_path, HELLO, used(100, 10), used(250, 15)).trace.usage.input == 250
    assert log(tmp_path, HELLO, used(100, 10), used(40, 5)).trace.usage == Usage(input=140, output=15, cached=0)


def test_a_failed_turn_is_broken(tmp_path: Path) -> None:
    failed = {"type": "turn.failed", "error": {"message": "stream disconnected"}}
    found = log(tmp_path, HELLO, {"type": "error", "message": "stream disconnected"}, failed)
    assert (found.outcome.status, found.outcome.source) == (Status.INFRA_ERROR, "turn.failed")
    assert found.trace.error == found.outcome.note == "stream disconnected"


def test_an_error_of_the_older_messages_breaks_the_run(tmp_path: Path) -> None:
    error = {"id": "0", "msg": {"type": "error", "message": "quota"}}
    found = only(written(tmp_path / "log", error))
    assert (found.outcome.note, found.outcome.source) == ("quota", "error")


@pytest.mark.parametrize("after", [HELLO, used(1, 1)])
def test_an_error_that_was_outlived_breaks_nothing(tmp_path: Path, after: dict[str, Any]) -> None:
    first = done(id="item_9", type="reasoning", text="Hm.")
    found = log(tmp_path, first, {"type": "error", "message": "Reconnecting... 1/5"}, after)
    assert (found.outcome, found.trace.error) == (UNLABELLED, "")


def test_a_thread_without_any_step_is_broken(tmp_path: Path) -> None:
    found = log(tmp_path, {"type": "turn.started"})
    assert found.outcome.note == "no step taken by the agent"


def test_a_command_that_never_ended_has_no_answer(tmp_path: Path) -> None:
    command = begun(id="item_0", type="command_execution", command="sleep 9", status="in_progress")
    (step,) = log(tmp_path, command).trace.steps
    assert step.calls[0].observation is None


def test_a_completion_said_twice_is_read_once(tmp_path: Path) -> None:
    command = done(id="item_1", type="command_execution", command="ls", aggregated_output="a", exit_code=0)
    trace = log(tmp_path, HELLO, HELLO, command, command).trace
    assert [(step.text, len(step.calls)) for step in trace.steps] == [("Hello.", 1)]


def test_items_without_ids_are_all_kept(tmp_path: Path) -> None:
    words = [done(type="agent_message", text=text) for text in ("One.", "Two.")]
    command = done(type="command_execution", command="ls", aggregated_output="a")
    trace = log(tmp_path, *words, command).trace
    assert [step.text for step in trace.steps] == ["One.", "Two."]
    assert trace.steps[1].calls[0].observation == Observation("a")


def test_words_count_once_they_are_complete(tmp_path: Path) -> None:
    begins = begun(id="item_0", type="agent_message", text="Hel")
    assert [step.text for step in log(tmp_path, begins, HELLO).trace.steps] == ["Hello."]


def test_a_plan_is_what_the_agent_says(tmp_path: Path) -> None:
    assert log(tmp_path, done(id="item_0", type="plan", text="First, look.")).trace.result == "First, look."


def test_a_server_that_only_tells_a_status(tmp_path: Path) -> None:
    call = done(id="item_0", type="mcp_tool_call", server="docs", tool="open", arguments={}, status="failed")
    (step,) = log(tmp_path, call).trace.steps
    assert step.calls[0].observation == Observation("failed", is_error=True)


def test_an_error_of_a_server_without_a_status(tmp_path: Path) -> None:
    call = done(id="item_0", type="mcp_tool_call", server="docs", tool="open", arguments={}, error={"message": "no"})
    (step,) = log(tmp_path, call).trace.steps
    assert step.calls[0].observation == Observation("no", is_error=True)


def test_a_call_to_another_agent(tmp_path: Path) -> None:
    states = {"t2": {"status": "running", "message": None}}
    call = done(
        id="item_0",
        type="collab_tool_call",
        tool="spawn_agent",
        prompt="Count.",
        status="completed",
        agents_states=states,
    )
    (step,) = log(tmp_path, call).trace.steps
    assert (step.calls[0].name, step.calls[0].arguments) == ("spawn_agent", {"prompt": "Count."})


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"type": "error", "message": "gone"}, "gone"),
        ({"type": "turn.failed", "error": "gone"}, "gone"),
        ({"type": "turn.failed"}, "an error without a message"),
        ({"id": "0", "msg": {"type": "stream_error"}}, "an error without a message"),
    ],
)
def test_where_the_message_of_an_error_stands(tmp_path: Path, error: dict[str, Any], message: str) -> None:
    assert log(tmp_path, HELLO, error).trace.error == message


def test_what_follows_an_error_does_not_rename_its_place(tmp_path: Path) -> None:
    errors = [{"id": "0", "msg": {"type": kind, "message": "gone"}} for kind in ("error", "task_complete")]
    assert log(tmp_path, HELLO, *errors).outcome.source == "error"


def test_a_command_told_as_one_text_in_the_older_messages(tmp_path: Path) -> None:
    began = {"type": "exec_command_begin", "call_id": "c", "command": ["ls"]}
    ended = {"type": "exec_command_end", "call_id": "c", "stdout": "a", "aggregated_output": "a and b", "exit_code": 0}
    thought = {"type": "agent_reasoning_raw_content", "text": "Hm."}
    (step,) = log(tmp_path, *({"id": "0", "msg": msg} for msg in (thought, began, ended))).trace.steps
    assert (step.thought, step.calls[0].observation) == ("Hm.", Observation("a and b", 0))


@pytest.mark.parametrize("kind", sorted(codex_events.KINDS))
def test_an_older_stream_is_known_by_any_of_its_events(tmp_path: Path, kind: str) -> None:
    record = {"id": "0", "msg": {"type": kind}}
    assert codex_exec.recognise(Source(written(tmp_path / "log", record)))
    assert not codex_exec.recognise(Source(written(tmp_path / "log", {"msg": {"type": kind}})))


@pytest.mark.parametrize("kind", ["turn.started", "turn.completed", "turn.failed", "thread.started"])
def test_a_stream_is_known_by_any_of_its_events(tmp_path: Path, kind: str) -> None:
    assert codex_exec.recognise(Source(written(tmp_path / "log", {"type": kind})))


def test_a_command_that_was_declined_is_an_error(tmp_path: Path) -> None:
    command = done(id="item_1", type="command_execution", command="ls", aggregated_output="", status="declined")
    (step,) = log(tmp_path, command).trace.steps
    assert step.calls[0].observation == Observation("", is_error=True)


def test_a_thread_resumed_in_the_same_file_is_one_run(tmp_path: Path) -> None:
    again = done(id="item_0", type="agent_message", text="Again.")
    command = begun(id="item_1", type="command_execution", command="ls")
    trace = log(tmp_path, HELLO, command, START, again, command).trace
    assert [(step.text, len(step.calls)) for step in trace.steps] == [("Hello.", 1), ("Again.", 1)]


def test_another_thread_in_the_same_file_is_another_run(tmp_path: Path) -> None:
    other = {"type": "thread.started", "thread_id": "t2"}
    found = readings(codex_exec, written(tmp_path / "log", START, HELLO, other, HELLO))
    assert [(item.trace.session, item.place) for item in found] == [("t1", "line 1"), ("t2", "line 3")]


def test_the_first_names_of_items_and_threads(tmp_path: Path) -> None:
    created = {"type": "session.created", "session_id": "s1"}
    item = {"id": "item_0", "item_type": "assistant_message", "text": "Hello."}
    trace = only(written(tmp_path / "log", created, {"type": "item.completed", "item": item})).trace
    assert (trace.session, trace.result) == ("s1", "Hello.")


@pytest.mark.parametrize(
    "records",
    [
        [{"type": "session_meta", "payload": {"id": "1"}}, {"type": "event_msg", "payload": {"type": "error"}}],
        [{"type": "system", "subtype": "init"}, {"type": "result"}],
        [{"type": "thread.run.created"}, {"type": "error", "message": "x"}],
        [{"type": "item.completed"}, {"type": "item.started", "item": "x"}],
        [{"id": "0", "msg": "hello"}, {"id": "0", "msg": {"type": "chat"}}],
        [[1], 2, None, "x"],
    ],
)
def test_other_logs_are_not_recognised(tmp_path: Path, records: list[Any]) -> None:
    assert not codex_exec.recognise(Source(written(tmp_path / "log", *records)))


@pytest.mark.parametrize("path", [THREAD, MESSAGES], ids=["thread", "messages"])
def test_a_stream_cut_in_the_middle_is_damaged(tmp_path: Path, path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(Damaged, match=r"^line \d+: "):
        list(codex_exec.read(Source(cut)))


@pytest.mark.parametrize("path", [THREAD, MESSAGES], ids=["thread", "messages"])
def test_a_record_wrong_in_one_place_raises_nothing_but_damaged(tmp_path: Path, path: Path) -> None:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for changed in (copy for record in records for copy in mutations([record])):
        source = Source(written(tmp_path / "changed", records[0], *changed, records[-1]))
        codex_exec.recognise(source)
        assert len(list(codex_exec.read(source))) in {1, 2}
