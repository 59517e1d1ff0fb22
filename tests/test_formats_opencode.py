"""OpenCode: exports, events and the storage on disk. The real files are fictional sessions in the real layouts."""

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gitskill.formats import opencode, opencode_events, opencode_storage
from gitskill.formats.inner.opencode_parts import called, told_usage
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import UNKNOWN, Artifact, Observation, Origin, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, outcomes, readings, written

LETTA = RUNS / "opencode" / "letta-trajectory"
STORAGES = RUNS / "opencode" / "agent-sessions"
V2 = STORAGES / "storage_v2" / "session" / "proj_test"
MADE = FIXTURES / "opencode"
PARENT = "session/9c2f/ses_4a1parent.json"
CHILD = "session/9c2f/ses_4a0child.json"
MODULES = (opencode, opencode_events, opencode_storage)


def run_of(module: ModuleType, path: Path) -> Reading:
    (found,) = readings(module, path)
    return found


def document() -> Any:
    return json.loads((MADE / "export.json").read_text())


def saved(folder: Path, value: Any) -> Path:
    path = folder / "export.json"
    path.write_text(json.dumps(value))
    return path


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MADE / "storage", tmp_path / "storage"))


def test_a_real_export() -> None:
    found = run_of(opencode, LETTA / "tool-calls" / "input.json")
    trace = found.trace
    assert (trace.format, trace.task, trace.session) == ("opencode", "", "oc-session-1")
    assert (trace.agent, trace.model) == ("opencode 1.2.21", "gpt-test")
    assert trace.request == "Inspect the project notes."
    assert [step.origin for step in trace.steps] == [Origin.USER, Origin.AGENT, Origin.AGENT]
    assert trace.steps[1].thought == "I should list the note files first."
    (call,) = trace.steps[1].calls
    assert (call.name, call.arguments) == ("glob", {"pattern": "notes/*.md"})
    assert call.observation == Observation("notes/plan.md")
    assert trace.steps[0].time == "2026-01-01T00:00:01.000Z"
    assert trace.result == trace.steps[2].text == "I found the project plan."
    assert found.outcome == Outcome()


def test_a_tools_error_is_its_answer_and_an_unknown_part_is_read_over() -> None:
    trace = run_of(opencode, LETTA / "cleanup" / "input.json").trace
    assert trace.steps[1].calls[0].observation == Observation("permission denied", is_error=True)
    assert [step.text for step in trace.steps] == ["Read the protected file.", "", "The file could not be read."]
    assert trace.error == ""


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("case", ["cleanup", "tool-calls"])
def test_what_another_converter_expects_is_no_run(module: ModuleType, case: str) -> None:
    assert not module.recognise(Source(LETTA / case / "expected.json"))


def test_an_export_with_all_that_a_session_has() -> None:
    trace = run_of(opencode, MADE / "export.json").trace
    assert trace.request == "The total in orders.py leaves out the tax. Fix it."
    assert trace.steps[0].text == f"{trace.request}\n[file: orders.py]"
    assert trace.steps[1].origin is Origin.SYSTEM
    assert trace.steps[1].text.startswith("Called the Read tool")
    assert trace.model == "acme/swift-2"
    first, second, third = trace.steps[2:]
    assert first.text == "I run the tests and let a helper look for callers."
    assert [call.name for call in first.calls] == ["bash", "task"]
    assert first.calls[0].observation == Observation("1 failed, 4 passed\n", exit_code=1)
    assert second.calls[0].observation == Observation("File has not been read yet.", is_error=True)
    assert trace.result == third.text == "The total holds the tax now."
    assert first.usage == Usage(input=1170, output=42, cached=1000, cost=0.002)
    assert trace.usage == Usage(input=3620, output=62, cached=3370, cost=0.005)
    assert trace.artifacts == (Artifact("orders.py", "return net + tax\n"),)


def test_usage_counts_the_cache_as_sent_and_reasoning_only_where_it_stands_apart() -> None:
    tokens = {"input": 1, "output": 10, "reasoning": 4, "cache": {"read": 100, "write": 1000}}
    assert told_usage(tokens, 0.5) == Usage(1101, 10, 100, 0.5)
    assert told_usage({"total": 1115, **tokens}, None) == Usage(1101, 14, 100)
    assert told_usage(None, {"input": 24, "output": 8}) == UNKNOWN


def test_a_message_without_finished_steps_tells_its_usage_itself(tmp_path: Path) -> None:
    value = document()
    reply = value["messages"][1]
    reply["parts"] = [part for part in reply["parts"] if part["type"] != "step-finish"]
    value["messages"] = value["messages"][:2]
    assert run_of(opencode, saved(tmp_path, value)).trace.usage == Usage(1170, 42, 1000, 0.002)


def test_usage_of_a_step_without_words_goes_to_the_step_before(tmp_path: Path) -> None:
    value = document()
    finish = value["messages"][1]["parts"][-1]
    value["messages"][1]["parts"] += [{"type": "step-start"}, finish]
    trace = run_of(opencode, saved(tmp_path, value)).trace
    assert trace.steps[2].usage == Usage(2340, 84, 2000, 0.004)


@pytest.mark.parametrize(
    ("state", "observation"),
    [
        ({"status": "running", "input": {}, "metadata": {"output": "half"}}, None),
        ({"status": "pending", "input": {}, "output": ""}, None),
        ({"status": "success", "output": "ok"}, Observation("ok")),
        ({"status": "completed", "output": "", "metadata": {"exit": None}}, Observation("")),
        ({"status": "completed", "output": "", "metadata": {"exit": 0}}, Observation("", exit_code=0)),
        (
            {"status": "error", "error": "aborted", "metadata": {"interrupted": True, "output": "half"}},
            Observation("half", is_error=True),
        ),
        (
            {"status": "error", "error": "aborted", "metadata": {"output": "half"}},
            Observation("aborted", is_error=True),
        ),
    ],
)
def test_the_states_of_a_tool(state: dict[str, Any], observation: Observation | None) -> None:
    assert called({"tool": "bash", "state": state}).observation == observation


def test_a_call_that_opencode_could_not_make_is_an_error() -> None:
    assert called({"tool": "invalid", "state": {"status": "completed", "output": "no such tool"}}).observation == (
        Observation("no such tool", is_error=True)
    )


@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        ("ProviderAuthError", "ProviderAuthError: no key", Status.INFRA_ERROR),
        ("APIError", "APIError: no key", Status.INFRA_ERROR),
        ("UnknownError", "UnknownError: no key", Status.INFRA_ERROR),
        ("MessageAbortedError", "", Status.UNLABELLED),
        ("MessageOutputLengthError", "", Status.UNLABELLED),
        ("ContextOverflowError", "", Status.UNLABELLED),
    ],
)
def test_an_error_in_the_last_message_ends_the_run(tmp_path: Path, name: str, error: str, status: Status) -> None:
    value = document()
    value["messages"][-1]["info"]["error"] = {"name": name, "data": {"message": "no key"}}
    found = run_of(opencode, saved(tmp_path, value))
    assert (found.trace.error, found.outcome.status) == (error, status)
    assert bool(found.trace.notes) is not bool(error)


def test_an_error_after_which_the_agent_went_on_is_a_note(tmp_path: Path) -> None:
    value = document()
    value["messages"][1]["info"]["error"] = {"name": "APIError", "data": {"message": "overloaded"}}
    found = run_of(opencode, saved(tmp_path, value))
    assert found.trace.error == ""
    assert found.trace.notes == ("a message ended early: APIError: overloaded",)
    assert found.outcome.status is Status.UNLABELLED


def test_a_session_in_which_only_the_user_spoke_broke(tmp_path: Path) -> None:
    value = document()
    value["messages"] = value["messages"][:1]
    assert run_of(opencode, saved(tmp_path, value)).outcome == Outcome.broken("the agent took no step", "messages")


def test_what_compaction_writes_is_not_the_agents_last_word(tmp_path: Path) -> None:
    value = document()
    asked = {"info": {"role": "user", "id": "m"}, "parts": [{"type": "compaction", "auto": True}]}
    summary = {"info": {"role": "assistant", "summary": True}, "parts": [{"type": "text", "text": "So far: all."}]}
    value["messages"] += [asked, summary]
    trace = run_of(opencode, saved(tmp_path, value)).trace
    assert (trace.steps[-1].text, trace.steps[-1].agent) == ("So far: all.", "compaction")
    assert trace.result == "The total holds the tax now."
    assert trace.notes == ("the context was compacted (times: 1)",)


def test_what_was_tried_again_is_a_note(tmp_path: Path) -> None:
    value = document()
    value["messages"][1]["parts"].append({"type": "retry", "attempt": 1, "error": {"name": "APIError"}})
    trace = run_of(opencode, saved(tmp_path, value)).trace
    assert trace.notes == ("the model was asked again after an error (times: 1)",)


def test_the_model_is_the_one_that_answered_or_else_was_chosen(tmp_path: Path) -> None:
    value = document()
    value["messages"][1]["info"] |= {"providerID": "", "modelID": "other"}
    assert run_of(opencode, saved(tmp_path, value)).trace.model == "other"
    value["messages"] = value["messages"][:1]
    assert run_of(opencode, saved(tmp_path, value)).trace.model == "acme/swift-2"
    value["messages"][0]["info"].pop("model")
    assert run_of(opencode, saved(tmp_path, value)).trace.model == ""


def test_the_words_of_a_command_are_the_prompt_it_stands_for(tmp_path: Path) -> None:
    value = document()
    value["messages"][0]["parts"] = [{"type": "subtask", "prompt": "Review the change.", "agent": "plan"}]
    assert run_of(opencode, saved(tmp_path, value)).trace.request == "Review the change."


def test_messages_as_the_server_gives_them_are_a_session(tmp_path: Path) -> None:
    trace = run_of(opencode, saved(tmp_path, document()["messages"])).trace
    assert (trace.session, len(trace.steps)) == ("ses_4a1parent", 5)


def test_a_session_that_was_not_the_users_says_so(tmp_path: Path) -> None:
    value = document()
    value["info"]["parentID"] = "ses_0"
    assert run_of(opencode, saved(tmp_path, value)).trace.notes == ("a sub-session of ses_0",)


@pytest.mark.parametrize("extra", [{"info": {"exit_status": "Submitted"}, "messages": []}, {"messages": []}, [], [[]]])
def test_other_documents_are_no_exports(tmp_path: Path, extra: Any) -> None:
    assert not opencode.recognise(Source(saved(tmp_path, extra)))


def test_mini_swe_agents_messages_are_none_of_ours(tmp_path: Path) -> None:
    value = {"info": {"id": "x"}, "messages": [{"role": "user", "content": "Fix it."}]}
    assert not opencode.recognise(Source(saved(tmp_path, value)))


# The events of `opencode run --format json`


def test_events() -> None:
    found = run_of(opencode_events, MADE / "events.jsonl")
    trace = found.trace
    assert (trace.format, trace.session, trace.request) == ("opencode-events", "ses_4a1parent", "")
    assert [step.text for step in trace.steps][::2] == [
        "I run the tests and let a helper look for callers.",
        "The total holds the tax now.",
    ]
    assert trace.steps[0].thought == "Look at the tests first."
    assert trace.steps[0].calls[0].observation == Observation("1 failed, 4 passed\n", exit_code=1)
    assert len(trace.steps[0].calls) == 1, "an event that is printed twice counts once"
    assert trace.usage == Usage(input=3620, output=62, cached=3370, cost=0.005)
    assert trace.notes == ("permission was not given: webfetch",)
    assert found.outcome.status is Status.UNLABELLED


def event(kind: str, **told: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": 1767225600000, "sessionID": "ses_1", **told}


def say(text: str, session: str = "ses_1") -> dict[str, Any]:
    return event("text", part={"type": "text", "text": text, "sessionID": session})


FAILED = event("error", error={"name": "APIError", "data": {"message": "quota"}})


def test_an_error_at_the_end_of_the_events_broke_the_run(tmp_path: Path) -> None:
    found = run_of(opencode_events, written(tmp_path / "e.jsonl", say("I begin."), FAILED))
    assert found.outcome == Outcome.broken("APIError: quota", "error")
    assert found.trace.steps[0].time == "2026-01-01T00:00:00.000Z"


def test_an_error_alone_is_a_broken_run(tmp_path: Path) -> None:
    assert run_of(opencode_events, written(tmp_path / "e.jsonl", FAILED)).trace.error == "APIError: quota"


def test_an_error_before_more_events_is_a_note(tmp_path: Path) -> None:
    trace = run_of(opencode_events, written(tmp_path / "e.jsonl", FAILED, say("I go on."))).trace
    assert (trace.error, trace.notes) == ("", ("a message ended early: APIError: quota",))


def test_a_run_that_the_user_aborted_is_not_broken(tmp_path: Path) -> None:
    aborted = event("error", error={"name": "MessageAbortedError", "data": {"message": "aborted"}})
    found = run_of(opencode_events, written(tmp_path / "e.jsonl", say("I begin."), aborted))
    assert found.trace.notes == ("a message ended early: the user aborted it",)
    assert found.outcome.status is Status.UNLABELLED


def test_parts_of_another_session_are_a_sub_agents(tmp_path: Path) -> None:
    path = written(tmp_path / "e.jsonl", say("I ask."), say("I look.", "ses_2"), say("Done."))
    trace = run_of(opencode_events, path).trace
    assert [(step.text, step.agent) for step in trace.steps] == [("I ask.", ""), ("I look.", "ses_2"), ("Done.", "")]
    assert trace.result == "Done."


def test_a_users_turn_among_the_events_is_the_request(tmp_path: Path) -> None:
    path = written(tmp_path / "e.jsonl", event("user", part={"type": "text", "text": "Fix it."}), say("Done."))
    trace = run_of(opencode_events, path).trace
    assert (trace.request, trace.steps[0].origin) == ("Fix it.", Origin.USER)


def test_torn_events_are_damaged(tmp_path: Path) -> None:
    path = written(tmp_path / "e.jsonl", say("I begin."), say("I go on."))
    path.write_text(path.read_text()[:-20])
    with pytest.raises(Damaged, match="line 2"):
        list(opencode_events.read(Source(path)))


@pytest.mark.parametrize(
    "record",
    [
        {"type": "text", "session_id": "s", "timestamp": 1, "part": {"type": "text"}},
        {"type": "assistant", "sessionId": "s", "timestamp": 1, "message": {"content": []}},
        {"type": "text", "sessionID": "s", "timestamp": 1, "text": "x"},
        {"type": "error", "sessionID": "s", "timestamp": 1},
    ],
)
def test_other_events_are_none_of_ours(tmp_path: Path, record: Any) -> None:
    assert not opencode_events.recognise(Source(written(tmp_path / "e.jsonl", record, record)))


# The storage


def test_the_real_layout_with_a_folder_for_each_message() -> None:
    found = run_of(opencode_storage, V2 / "ses_s_stage0_small.json")
    trace = found.trace
    assert (trace.session, trace.agent, trace.model) == ("s_stage0_small", "opencode 1.3.17", "openai/gpt-4o-mini")
    assert [step.text for step in trace.steps] == ["Hello", "", "Found 2 files."]
    assert trace.steps[1].calls[0].arguments["command"] == "ls"
    assert trace.steps[1].calls[0].observation == Observation("a.txt\nb.txt\n", exit_code=0)
    root = STORAGES / "storage_v2"
    assert set(found.parts) == {
        root / "message" / "s_stage0_small",
        root / "part" / "m_user_small",
        root / "part" / "m_assistant_small",
    }


def test_the_real_layout_with_a_schema_that_drifted() -> None:
    trace = run_of(opencode_storage, V2 / "ses_s_stage0_large.json").trace
    call, added, thought = trace.steps[1:4]
    assert call.calls[0].observation == Observation("ls: /non-existent-directory: No such file or directory\n", 1)
    assert (added.origin, added.text) == (Origin.SYSTEM, "Command failed with exit code 1.")
    assert thought.thought == "Investigating failing command."
    assert trace.usage == Usage(input=120, output=16, cost=0.0011)
    assert trace.result == "Ok"
    assert trace.error == "", "the user aborted the first message, and went on"
    assert trace.notes == ("a message ended early: the user aborted it", "the context was compacted (times: 1)")


def test_the_real_layout_with_all_parts_in_one_folder() -> None:
    root = STORAGES / "storage_legacy"
    found = run_of(opencode_storage, root / "session" / "proj_test" / "ses_s_stage0_drift.json")
    assert found.trace.request == "Open README"
    assert "summary" in found.trace.notes[0]
    assert found.trace.steps[1].calls[0].observation == Observation("# Title\n\nBody\n")
    assert {path.name for path in found.parts} == {"s_stage0_drift", "prt_0001.json", "prt_0002.json"}


def test_the_oldest_layout_keeps_parts_in_the_message() -> None:
    found = run_of(opencode_storage, MADE / "oldest" / "session" / "info" / "ses_old.json")
    trace = found.trace
    assert (trace.request, trace.model) == ("List the files.", "acme/swift-1")
    assert [step.text for step in trace.steps] == ["List the files.", "You are opencode.", "", "There is a.txt."]
    assert trace.steps[1].origin is Origin.SYSTEM
    assert trace.steps[2].calls[0].arguments == {"command": "ls"}
    assert trace.steps[2].calls[0].observation == Observation("a.txt\n", exit_code=0)
    assert trace.steps[2].time == "2026-01-01T00:00:00.003Z"
    assert trace.usage == Usage(input=14, output=4, cached=3, cost=0.01)
    assert found.parts == (MADE / "oldest" / "session" / "message" / "ses_old",)


def test_an_oldest_tool_that_failed(storage: Path) -> None:
    oldest = Path(shutil.copytree(MADE / "oldest", storage / "oldest"))
    path = oldest / "session" / "message" / "ses_old" / "msg_002.json"
    path.write_text(path.read_text().replace('"title": "ls"', '"error": true'))
    trace = run_of(opencode_storage, oldest / "session" / "info" / "ses_old.json").trace
    assert trace.steps[2].calls[0].observation == Observation("a.txt\n", exit_code=0, is_error=True)


def test_exactly_one_file_of_each_real_run_is_recognised() -> None:
    files = [path for path in sorted((RUNS / "opencode").rglob("*")) if path.is_file()]
    known = [path.name for path in files for module in MODULES if _knows(module, path)]
    assert sorted(known) == [
        "input.json",
        "input.json",
        "ses_s_stage0_drift.json",
        "ses_s_stage0_large.json",
        "ses_s_stage0_small.json",
    ]


def _knows(module: ModuleType, path: Path) -> bool:
    try:
        return bool(module.recognise(Source(path)))
    except Damaged:
        return False


def test_a_task_brings_its_own_session(storage: Path) -> None:
    found = run_of(opencode_storage, storage / PARENT)
    steps = found.trace.steps
    assert [step.agent for step in steps] == ["", "", "", "ses_4a0child", "ses_4a0child", "", ""]
    assert [call.name for call in steps[2].calls] == ["bash", "task"]
    assert steps[3].calls[0].name == "grep"
    assert "Find who calls total()." not in [step.text for step in steps], "it stands in the call"
    assert found.trace.usage == Usage(input=3680, output=67, cached=3370, cost=0.0055)
    assert found.trace.result == "The total holds the tax now."
    assert found.trace.artifacts == (Artifact("orders.py", "return net + tax\n"),)
    names = {path.relative_to(storage).as_posix() for path in found.parts}
    assert {CHILD, "message/ses_4a0child", "part/msg_102", "session_diff/ses_4a1parent.json"} <= names
    assert "todo/ses_4a1parent.json" in names


def test_every_file_of_a_session_is_one_of_its_parts(storage: Path) -> None:
    (found,) = (item for item in opencode_storage.read(Source(storage / PARENT)) if isinstance(item, Reading))
    own = {storage / PARENT, storage / "project" / "9c2f.json"}
    left = [path for path in storage.rglob("*") if path.is_file() and path not in own]
    assert [path for path in left if not {path, *path.parents} & set(found.parts)] == []


def test_a_sub_session_is_read_with_its_parent_and_else_alone(storage: Path) -> None:
    source = Source(storage / CHILD)
    assert opencode_storage.recognise(source)
    reason = "a part of an OpenCode session: it is read with its session file"
    assert list(opencode_storage.read(source)) == [Refused(reason)]
    (storage / PARENT).unlink()
    trace = run_of(opencode_storage, storage / CHILD).trace
    assert trace.request == "Find who calls total()."
    assert trace.notes == ("a sub-session of ses_4a1parent",)


def test_a_sub_session_that_no_task_names_is_a_run(storage: Path) -> None:
    part = storage / "part" / "msg_002" / "prt_008.json"
    part.write_text(part.read_text().replace("sessionId", "other"))
    assert run_of(opencode_storage, storage / CHILD).trace.result == "Only checkout.py calls it."
    assert len(run_of(opencode_storage, storage / PARENT).trace.steps) == 5


@pytest.mark.parametrize("parent", ["ses_other", "ses_4a0child"])
def test_a_session_that_is_not_a_child_stays_a_run_of_its_own(storage: Path, parent: str) -> None:
    child = storage / CHILD
    child.write_text(child.read_text().replace("ses_4a1parent", parent))
    found = run_of(opencode_storage, storage / PARENT)
    assert child not in found.parts
    assert len(found.trace.steps) == 5


def test_sessions_that_start_each_other_end(storage: Path) -> None:
    part = storage / "part" / "msg_102" / "prt_102.json"
    part.write_text(part.read_text().replace('"matches": 1', '"sessionId": "ses_4a1parent"'))
    assert len(run_of(opencode_storage, storage / PARENT).trace.steps) == 7


def test_a_damaged_file_is_told_and_the_rest_is_read(storage: Path) -> None:
    (storage / "part" / "msg_002" / "prt_007.json").write_text('{"type": "tool", "state"')
    trace = run_of(opencode_storage, storage / PARENT).trace
    assert [call.name for call in trace.steps[2].calls] == ["task"]
    assert trace.notes[0].startswith("files that could not be read (1): part/msg_002/prt_007.json: ")


def test_what_is_odd_about_a_part_is_odd_about_the_run(storage: Path) -> None:
    part = storage / "part" / "msg_003" / "prt_014.json"
    part.write_bytes(part.read_bytes().replace(b"tax now", b"t\xe4x now"))
    source = Source(storage / PARENT)
    list(opencode_storage.read(source))
    assert source.notes == {"not UTF-8; read as Latin-1"}


def test_a_session_without_messages_is_refused(storage: Path) -> None:
    shutil.rmtree(storage / "message" / "ses_4a1parent")
    (found,) = opencode_storage.read(Source(storage / PARENT))
    assert isinstance(found, Refused)
    assert found.reason == "no message of this session is in the storage"


def test_no_link_and_no_path_is_followed(storage: Path, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere"
    shutil.copytree(storage / "message" / "ses_4a1parent", secret)
    shutil.rmtree(storage / "message" / "ses_4a1parent")
    (storage / "message" / "ses_4a1parent").symlink_to(secret)
    assert isinstance(next(opencode_storage.read(Source(storage / PARENT))), Refused)
    session = storage / PARENT
    session.write_text(session.read_text().replace('"ses_4a1parent"', '"../../elsewhere"'))
    assert isinstance(next(opencode_storage.read(Source(session))), Refused)
    child = storage / "part" / "msg_002" / "prt_008.json"
    child.write_text(child.read_text().replace('"ses_4a0child"', '"../9c2f/ses_4a0child"'))
    (storage / "message" / "ses_4a1parent").unlink()
    shutil.copytree(secret, storage / "message" / "ses_4a1parent")
    session.write_text(session.read_text().replace("../../elsewhere", "ses_4a1parent"))
    assert len(run_of(opencode_storage, session).trace.steps) == 5


def test_a_linked_part_is_not_read(storage: Path) -> None:
    part = storage / "part" / "msg_003" / "prt_014.json"
    part.rename(storage / "moved.json")
    part.symlink_to(storage / "moved.json")
    assert run_of(opencode_storage, storage / PARENT).trace.result.startswith("I run the tests")


# Whatever is in the files


def test_no_value_in_an_export_raises_anything_but_damaged(tmp_path: Path) -> None:
    value = document()
    value["messages"] = value["messages"][:2]
    for changed in mutations(value):
        _survives(opencode, saved(tmp_path, changed))


def test_no_value_in_an_event_raises_anything_but_damaged(tmp_path: Path) -> None:
    events = [json.loads(line) for line in (MADE / "events.jsonl").read_text().splitlines()]
    path = tmp_path / "events.jsonl"
    for changed in mutations([*events[:4], events[5], FAILED, events[-1]]):
        path.write_text("\n".join(map(json.dumps, changed)))
        _survives(opencode_events, path)


@pytest.mark.parametrize(
    "name",
    [
        PARENT,
        CHILD,
        "message/ses_4a1parent/msg_002.json",
        "part/msg_002/prt_008.json",
        "session_diff/ses_4a1parent.json",
    ],
)
def test_no_value_in_the_storage_raises_anything_but_damaged(name: str, storage: Path) -> None:
    path = storage / name
    for changed in mutations(json.loads(path.read_text()), most=150):
        path.write_text(json.dumps(changed))
        _survives(opencode_storage, storage / PARENT)
        _survives(opencode_storage, storage / CHILD)


def test_no_value_in_an_oldest_message_raises_anything_but_damaged(tmp_path: Path) -> None:
    root = Path(shutil.copytree(MADE / "oldest", tmp_path / "oldest"))
    path = root / "session" / "message" / "ses_old" / "msg_002.json"
    for changed in mutations(json.loads(path.read_text())):
        path.write_text(json.dumps(changed))
        _survives(opencode_storage, root / "session" / "info" / "ses_old.json")


def _survives(module: ModuleType, path: Path) -> None:
    try:
        module.recognise(Source(path))
        list(module.read(Source(path)))
    except Damaged:
        return


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("text", ["", "[", "null", "7", '"x"', "[[]]", "{}", '{"info": 7, "messages": {}}'])
def test_other_files_are_not_recognised(module: ModuleType, text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    assert not _knows(module, path)


def test_a_truncated_export_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text((MADE / "export.json").read_text()[:2000])
    with pytest.raises(Damaged):
        list(opencode.read(Source(path)))


def test_the_real_runs_have_no_label() -> None:
    found = [run_of(opencode_storage, path) for path in sorted(V2.iterdir())]
    assert outcomes(found) == {Status.UNLABELLED: 2}
