"""OpenHands' SDK: conversations in folders, events as lines, rows of benchmarks."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import openhands_sdk
from gitskill.formats.inner.openhands_rows import History
from gitskill.formats.inner.openhands_sdk_events import sdk_history
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import Observation, Origin, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, outcomes, readings, written

REAL = RUNS / "openhands" / "sdk_v1_events.jsonl"
MADE = FIXTURES / "openhands"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MADE / "sdk" / "6f1c1a52", tmp_path / "6f1c1a52"))


def first_event(folder: Path) -> Path:
    return min((folder / "events").iterdir())


def run_of(path: Path) -> Reading:
    (found,) = readings(openhands_sdk, path)
    return found


def event(kind: str, source: str = "agent", **told: Any) -> dict[str, Any]:
    return {"id": "e", "timestamp": "2026-03-01T08:00:00", "source": source, "kind": kind, **told}


def act(name: str = "terminal", arguments: Any = None, **told: Any) -> dict[str, Any]:
    tool_call = {"id": "c", "name": name, "arguments": arguments}
    return event("ActionEvent", tool_name=name, tool_call_id="c", tool_call=tool_call, **told)


def update(key: str, value: Any) -> dict[str, Any]:
    return event("ConversationStateUpdateEvent", "environment", key=key, value=value)


def told(*events: dict[str, Any]) -> History:
    return sdk_history(events, {})


def test_a_real_log() -> None:
    found = run_of(REAL)
    trace = found.trace
    assert (trace.format, trace.agent, trace.model) == ("openhands-sdk", "openhands-sdk", "litellm_proxy/minimax-m2.7")
    assert [step.origin for step in trace.steps] == [Origin.AGENT, Origin.TOOL, Origin.AGENT]
    first, orphan, second = trace.steps
    assert first.text.startswith("I'll help you review PR #3745")
    assert first.thought.startswith("Let me analyze the task.")
    assert first.calls[0].arguments["summary"] == "Build session URL from environment"
    assert first.calls[0].observation
    assert first.calls[0].observation.is_error
    assert first.calls[0].observation.exit_code is None
    assert orphan.text.startswith("Cannot execute multiple commands at once.")
    assert (second.text, second.thought) == ("", "Let me chain these properly with && and ;\n")
    assert second.calls[0].observation
    assert second.calls[0].observation.exit_code == 1
    assert trace.usage == Usage(input=107458, output=1347, cached=68193, cost=0.0), "the last sum, not the sum of sums"
    assert found.outcome == Outcome()


def test_a_conversation_in_a_folder(folder: Path) -> None:
    found = run_of(folder / "base_state.json")
    trace = found.trace
    assert (trace.session, trace.model) == ("6f1c1a52-0000-4000-8000-000000000001", "acme/swift-3")
    assert trace.request == "Fix the total."
    assert [step.origin for step in trace.steps[:3]] == [Origin.SYSTEM, Origin.USER, Origin.SYSTEM]
    assert trace.steps[0].text == "You are OpenHands.\n\nToday is Sunday."
    assert trace.steps[2].text == "Skill tax: rates change."
    both, edit, summary, wait, finish = trace.steps[3:]
    assert (both.text, both.thought) == ("I look at both.", "Two files matter.")
    assert [call.observation for call in both.calls] == [
        Observation("return net", exit_code=0),
        Observation("No such file", exit_code=1),
    ]
    assert (edit.text, edit.thought) == ("Now the edit.", "Add the tax.")
    assert edit.calls[0].observation == Observation("Error validating args: path is missing", is_error=True)
    assert (summary.origin, summary.text) == (Origin.SYSTEM, "The agent looked at orders.py.")
    assert wait.calls[0].observation == Observation("still running"), "-1 is no exit code"
    assert (finish.calls[0].name, trace.result) == ("finish", "The total holds the tax.")
    assert trace.usage == Usage(input=910, output=91, cached=450, cost=0.091)
    assert found.parts == (folder / "events",)
    assert found.outcome == Outcome()


def test_exactly_one_file_of_a_conversation_is_recognised(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert [path.name for path in files if openhands_sdk.recognise(Source(path))] == ["base_state.json"]
    (folder / "base_state.json").unlink()
    known = [path for path in files[1:] if openhands_sdk.recognise(Source(path))]
    assert known == [first_event(folder)]


@pytest.mark.parametrize("state", [None, "{", "[]", '{"id": "x"}'])
def test_a_conversation_without_its_state_is_read_from_its_first_event(folder: Path, state: str | None) -> None:
    (folder / "base_state.json").unlink()
    if state is not None:
        (folder / "base_state.json").write_text(state)
        assert not _knows(folder / "base_state.json")
    found = run_of(first_event(folder))
    assert (found.trace.session, len(found.trace.steps)) == ("", 8)
    assert found.trace.usage == Usage(input=110, output=11, cached=50, cost=0.011)
    assert set(found.parts) == set((folder / "events").iterdir()) - {first_event(folder)}


def _knows(path: Path) -> bool:
    try:
        return openhands_sdk.recognise(Source(path))
    except Damaged:
        return False


def test_full_outputs_beside_the_events_are_a_part(folder: Path) -> None:
    (folder / "observations").mkdir()
    assert run_of(folder / "base_state.json").parts == (folder / "events", folder / "observations")


def test_a_state_without_events_is_no_run(folder: Path) -> None:
    shutil.rmtree(folder / "events")
    assert not openhands_sdk.recognise(Source(folder / "base_state.json"))


def test_a_damaged_event_is_told_and_the_others_are_read_in_order(folder: Path) -> None:
    first_event(folder).write_text("{")
    last = event("MessageEvent", llm_message={"role": "assistant", "content": [{"type": "text", "text": "The end."}]})
    (folder / "events" / "event-100000-aaaaaaaa.json").write_text(json.dumps(last))
    trace = run_of(folder / "base_state.json").trace
    assert trace.notes[0].startswith("events that could not be read (1): event-00000-")
    assert trace.steps[-1].text == trace.result == "The end."


def test_linked_events_are_not_read(folder: Path) -> None:
    (folder / "events").rename(folder / "other")
    (folder / "events").symlink_to(folder / "other")
    assert not openhands_sdk.recognise(Source(folder / "base_state.json"))


def test_rows_of_a_benchmark() -> None:
    found = readings(openhands_sdk, MADE / "sdk_output.jsonl")
    assert outcomes(found) == {Status.UNLABELLED: 2, Status.INFRA_ERROR: 1}
    first, broken, limited = found
    assert (first.trace.task, first.trace.request) == ("shop__orders-1", "The total leaves out the tax.")
    assert (first.trace.format, first.place) == ("openhands-sdk", "line 1")
    assert first.trace.usage == Usage(input=5, output=6, cached=1, cost=0.3)
    assert first.trace.artifacts[0].text == "diff"
    assert broken.outcome == Outcome.broken("Remote conversation error: LLMServiceUnavailableError", "error")
    assert limited.trace.error == ""
    assert limited.trace.notes[0].startswith("the run ended with: MaxIterationsReached")


def test_damaged_rows_are_refused_and_the_others_read(tmp_path: Path) -> None:
    lines = (MADE / "sdk_output.jsonl").read_text().splitlines(keepends=True)
    path = tmp_path / "output.jsonl"
    path.write_text("".join([lines[0], lines[1][:80] + "\n", '{"instance_id": "x"}\n', lines[2]]))
    found = list(openhands_sdk.read(Source(path)))
    assert [isinstance(item, Reading) for item in found] == [True, False, False, True]
    assert [item.place for item in found] == ["line 1", "line 2", "line 3", "line 4"]


def test_a_graded_row(tmp_path: Path) -> None:
    row = json.loads((MADE / "sdk_output.jsonl").read_text().splitlines()[0])
    row["test_result"]["report"] = {"resolved": False}
    assert run_of(written(tmp_path / "output.jsonl", row)).outcome == Outcome.judged(
        good=False, source="test_result.report.resolved"
    )


@pytest.mark.parametrize(
    ("observation", "answer"),
    [
        ({"content": "x", "exit_code": 2}, Observation("x", exit_code=2)),
        ({"output": "x", "metadata": {"exit_code": 3}, "exit_code": None}, Observation("x", exit_code=3)),
        ({"content": [], "error": "no such path"}, Observation("no such path", is_error=True)),
        ({"output": "x", "error": False}, Observation("x")),
        ({"message": "Done."}, Observation("Done.")),
        ({}, Observation("")),
    ],
)
def test_observations_of_every_version(observation: Any, answer: Observation) -> None:
    given = event("ObservationEvent", "environment", action_id="e", tool_call_id="c", observation=observation)
    assert told(act(), given).steps[0].calls[0].observation == answer


def test_an_observation_finds_its_call_by_the_tool_call() -> None:
    given = event("ObservationEvent", "environment", tool_call_id="c", observation={"content": "x"})
    assert told(act(), given).steps[0].calls[0].observation == Observation("x")


def test_a_rejected_action_is_an_error() -> None:
    given = event("UserRejectObservation", "environment", action_id="e", rejection_reason="Not now.")
    assert told(act(), given).steps[0].calls[0].observation == Observation("Not now.", is_error=True)


def test_arguments_are_the_models_or_else_the_actions() -> None:
    assert told(act(arguments='{"command": "ls"}')).steps[0].calls[0].arguments == {"command": "ls"}
    understood = act(action={"kind": "TerminalAction", "command": "ls"})
    assert told(understood).steps[0].calls[0].arguments == {"command": "ls"}
    function = act() | {"tool_call": {"function": {"name": "terminal", "arguments": "{}"}}}
    assert told(function).steps[0].calls[0].arguments == {}


def test_reasoning_in_all_its_places() -> None:
    blocks = act(thinking_blocks=[{"type": "thinking", "thinking": "Hm."}])
    item = act(responses_reasoning_item={"summary": ["Hm."]})
    inside = act(thought=[{"type": "text", "text": "<think>Hm.</think>"}])
    assert [told(one).steps[0].thought for one in (blocks, item, inside)] == ["Hm."] * 3


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (
            event("ConversationErrorEvent", "environment", code="LLMTimeoutError", detail="late"),
            "LLMTimeoutError: late",
        ),
        (event("ConversationStateUpdateEvent", key="execution_status", value="error"), "execution status: error"),
        (
            event("ConversationStateUpdateEvent", key="full_state", value={"agent_status": "error"}),
            "execution status: error",
        ),
        (event("ConversationStateUpdateEvent", key="execution_status", value="finished"), ""),
        (event("PauseEvent", "user"), ""),
    ],
)
def test_how_a_conversation_ends(last: dict[str, Any], error: str) -> None:
    assert told(act(), last).error == error


@pytest.mark.parametrize(
    "last",
    [
        event("ConversationErrorEvent", code="MaxIterationsReached", detail="Agent reached maximum iterations limit."),
        event("ConversationIterationLimitEvent", iteration=5, max_iterations=5, detail="Stopped at 5 max iterations"),
        update("execution_status", "stuck"),
    ],
)
def test_an_end_that_is_the_agents_own_is_no_broken_run(last: dict[str, Any], tmp_path: Path) -> None:
    found = run_of(written(tmp_path / "events.jsonl", act(), last))
    assert (found.trace.error, found.outcome) == ("", Outcome())
    assert found.trace.notes[-1].startswith("the run ended with: ")


def test_an_error_after_which_the_agent_went_on_is_a_note() -> None:
    failed = event("ConversationErrorEvent", code="LLMTimeoutError", detail="late")
    history = told(act(), failed, act())
    assert (history.error, history.notes) == ("", ("the run was interrupted: LLMTimeoutError: late",))


def test_calls_of_another_agent_are_told_twice() -> None:
    begun = event("ACPToolCallEvent", tool_call_id="a", title="Read x", tool_kind="read", status="in_progress")
    ended = {**begun, "status": "failed", "raw_output": "no such file"}
    (step,) = told(begun | {"raw_input": {"path": "x"}}, ended, ended).steps
    assert (step.calls[0].name, step.calls[0].arguments) == ("read", {"path": "x"})
    assert step.calls[0].observation == Observation("no such file", is_error=True)


def test_who_wrote_a_message() -> None:
    message = {"llm_message": {"content": [{"type": "text", "text": "Hello."}]}}
    steps = told(*(event("MessageEvent", source, **message) for source in ("user", "agent", "environment"))).steps
    assert [step.origin for step in steps] == [Origin.USER, Origin.AGENT, Origin.SYSTEM]


def test_a_torn_log_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(REAL.read_text()[:-100])
    with pytest.raises(Damaged, match="line 10"):
        list(openhands_sdk.read(Source(path)))


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        7,
        {"kind": "ActionEvent"},
        {"kind": "Pod", "source": "x"},
        {"id": "x", "agent": {}},
        {"kind": [], "source": "x"},
    ],
)
def test_other_files_are_not_recognised(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "base_state.json"
    path.write_text(json.dumps(value))
    assert not openhands_sdk.recognise(Source(path))


def test_no_value_in_a_log_raises_anything_but_damaged(tmp_path: Path) -> None:
    events = [json.loads(path.read_text()) for path in sorted((MADE / "sdk" / "6f1c1a52" / "events").iterdir())]
    whole = list({event["kind"]: event for event in reversed(events)}.values())
    assert len(whole) == 7
    path = tmp_path / "events.json"
    for changed in mutations(whole):
        path.write_text(json.dumps(changed))
        _survives(path)


def test_no_value_in_a_row_raises_anything_but_damaged(tmp_path: Path) -> None:
    row = json.loads((MADE / "sdk_output.jsonl").read_text().splitlines()[0])
    row["history"] = row["history"][:2]
    for changed in mutations(row):
        _survives(written(tmp_path / "output.jsonl", changed))


def test_no_value_in_a_state_raises_anything_but_damaged(folder: Path) -> None:
    path = folder / "base_state.json"
    for changed in mutations(json.loads(path.read_text())):
        path.write_text(json.dumps(changed))
        _survives(path)
        _survives(first_event(folder))


def _survives(path: Path) -> None:
    try:
        openhands_sdk.recognise(Source(path))
        list(openhands_sdk.read(Source(path)))
    except Damaged:
        return
