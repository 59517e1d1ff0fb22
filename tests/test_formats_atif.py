import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import atif
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome, Status
from gitskill.trace import Call, Observation, Origin, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, outcomes, readings

REAL = RUNS / "atif"
CALLS = REAL / "openhands_hello-world.trajectory.json"
NO_CALLS = REAL / "openhands_hello-world.trajectory.no_function_calling.json"
FIRST = REAL / "terminus_2_hello-world-context-summarization-linear-history.trajectory.json"
REST = REAL / "terminus_2_hello-world-context-summarization-linear-history.trajectory.cont-1.json"
MADE = FIXTURES / "harbor/job/hello-world__Ab3dE9/agent/trajectory.json"
TASK = 'Create a file called hello.txt with "Hello, world!" as the content.'


def read(path: Path) -> Reading:
    (found,) = readings(atif, path)
    return found


def written(folder: Path, document: Any, name: str = "trajectory.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def told(folder: Path, *steps: dict[str, Any], **more: Any) -> Reading:
    agent = {"name": "a", "version": "unknown"}
    return read(
        written(folder, {"schema_version": "ATIF-v1.0", "session_id": "s", "agent": agent, "steps": [*steps], **more})
    )


def acted(message: str = "m", **more: Any) -> dict[str, Any]:
    return {"step_id": 1, "source": "agent", "message": message, **more}


def called(content: Any, *, extra: Any = None, step: Any = None) -> dict[str, Any]:
    result = {"source_call_id": "c", "content": content, "extra": extra}
    call = {"tool_call_id": "c", "function_name": "bash", "arguments": {"command": "x"}}
    return acted(tool_calls=[call], observation={"results": [result]}, extra=step)


def answer(found: Reading) -> Observation:
    (call,) = found.trace.steps[0].calls
    assert call.observation is not None
    return call.observation


def test_the_real_trajectories_are_unlabelled_and_tell_the_same_task() -> None:
    found = [read(path) for path in sorted(REAL.glob("*.json"))]
    assert outcomes(found) == {Status.UNLABELLED: 4}
    assert {item.trace.request.strip() for item in found} == {TASK}
    assert [item.trace.actions for item in found] == [2, 2, 4, 3]
    assert {item.trace.task for item in found} == {""}


def test_tool_calls_have_their_answers_and_sums_come_from_the_log() -> None:
    trace = read(CALLS).trace
    assert (trace.agent, trace.session) == ("openhands 1.1.0", "NORMALIZED_SESSION_ID")
    assert [step.origin for step in trace.steps] == [
        *[Origin.SYSTEM, Origin.USER, Origin.SYSTEM, Origin.SYSTEM, Origin.AGENT, Origin.AGENT]
    ]
    (call,) = trace.steps[4].calls
    assert (call.name, call.arguments["path"]) == ("str_replace_editor", "/app/hello.txt")
    assert call.observation == Observation("File created successfully at: /app/hello.txt")
    assert trace.steps[4].usage == Usage(100, 50, None, 0.00075)
    assert trace.usage == Usage(220, 80, None, 0.00135)
    assert trace.result == "All done! What's next on the agenda?"


def test_calls_that_openhands_writes_into_the_text_are_read_with_the_exit_code_in_the_answer() -> None:
    (call,) = read(NO_CALLS).trace.steps[2].calls
    assert (call.name, call.arguments) == (
        "execute_bash",
        {"command": "cat > /app/hello.txt << 'EOF'\nHello, world!\nEOF", "security_risk": "LOW"},
    )
    assert call.observation is not None
    assert call.observation.exit_code == 0
    assert call.observation.text.startswith("\n[The command completed with exit code 0.]")


def test_commands_that_terminus_writes_into_the_text_are_calls() -> None:
    trace = read(FIRST).trace
    (call,) = trace.steps[1].calls
    assert (call.name, call.arguments) == ("bash_command", {"keystrokes": "mkdir test_dir\n", "duration": 0.1})
    assert call.observation == Observation("New Terminal Output:\n\nroot@CONTAINER_ID:/app# mkdir test_dir\n\n")
    assert read(REST).trace.steps[-1].calls[-1].name == "mark_task_complete"


def test_a_continuation_read_alone_counts_its_own_steps_and_leaves_out_the_copies() -> None:
    found = read(REST).trace
    assert found.usage == Usage(4250, 530, None, 0.015925)
    assert found.notes == ("4 steps copied from an earlier trajectory were left out",)
    assert found.steps[0].text.startswith('{\n  "analysis": "Based on the handoff')


def test_a_trajectory_and_its_continuation_beside_it_are_one_run(tmp_path: Path) -> None:
    first = tmp_path / "trajectory.json"
    rest = tmp_path / "trajectory.cont-1.json"
    first.write_bytes(FIRST.read_bytes())
    rest.write_bytes(REST.read_bytes())
    found = read(first)
    assert found.parts == (rest,)
    assert (found.trace.actions, found.trace.model) == (7, "openai/gpt-4o")
    assert found.trace.usage == Usage(7802, 1030, 0, 0.029804999999999998)
    assert "4 steps copied from an earlier trajectory were left out" in found.trace.notes


def test_what_is_named_but_not_there_is_noted() -> None:
    (note,) = read(FIRST).trace.notes
    assert note.startswith("not found beside it: trajectory.cont-1.json, trajectory.summarization-1-summary.json")


@pytest.mark.parametrize(
    "name", ["trajectory.json", "../trajectory.json", "/etc/passwd", ".x", "link.json", "text.json"]
)
def test_a_continuation_is_never_itself_nor_outside_nor_a_link(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    written(tmp_path, {"schema_version": "ATIF-v1.7", "steps": [acted("outside")]})
    (folder / "link.json").symlink_to(tmp_path / "trajectory.json")
    (folder / "text.json").write_text("no JSON")
    found = told(folder, acted("inside"), continued_trajectory_ref=name)
    assert [step.text for step in found.trace.steps] == ["inside"]
    assert found.parts == ()


def test_a_sub_agent_in_a_file_of_its_own_stands_after_the_step_that_started_it(tmp_path: Path) -> None:
    sub = {"schema_version": "ATIF-v1.7", "agent": {"name": "a"}, "session_id": "sub", "steps": [acted("below")]}
    path = written(tmp_path, sub, "sub.json")
    result = {"content": None, "subagent_trajectory_ref": [{"trajectory_path": "./sub.json", "session_id": "sub"}]}
    started = {"step_id": 1, "source": "system", "message": "handoff", "observation": {"results": [result]}}
    found = told(tmp_path, started, acted("after"))
    assert [(step.text, step.agent) for step in found.trace.steps] == [("handoff", ""), ("below", "sub"), ("after", "")]
    assert found.parts == (path,)


def test_an_embedded_sub_agent_stands_after_its_call_and_is_not_the_run() -> None:
    trace = read(MADE).trace
    assert [(step.text, step.agent) for step in trace.steps[4:]] == [
        ("Two at once.", ""),
        ("Check it", "checker"),
        ("It is right.", "checker"),
        ("I made hello.txt.", ""),
    ]
    assert trace.result == "I made hello.txt."


def test_a_sub_agent_that_no_step_names_stands_at_the_end(tmp_path: Path) -> None:
    found = told(tmp_path, acted("own"), subagent_trajectories=[{"trajectory_id": "t", "steps": [acted("sub")]}])
    assert [(step.text, step.agent) for step in found.trace.steps] == [("own", ""), ("sub", "t")]


def test_the_warm_up_of_a_sub_agent_is_neither_the_request_nor_the_model() -> None:
    trace = read(MADE).trace
    assert trace.request == "Create hello.txt\n[image]"
    assert trace.model == "claude-sonnet-4-5"
    assert [step.agent for step in trace.steps[:3]] == ["sidechain", "sidechain", ""]


def test_what_harbor_writes_for_a_silent_agent_is_left_out_and_thoughts_are_kept_apart() -> None:
    asked, step = read(MADE).trace.steps[2:4]
    assert (step.text, step.thought) == ("", "A file is wanted.")
    assert step.usage == Usage(900, 30, 800, 0.002)
    assert (asked.time, step.time) == ("2026-01-01T10:00:02.000Z", "")


def test_answers_find_their_calls_by_id_in_any_order() -> None:
    first, second = read(MADE).trace.steps[4].calls
    assert (first.arguments, first.observation) == ({"command": "echo Hello > hello.txt"}, Observation("done", 0))
    assert (second.name, second.observation) == ("Task", Observation("It is right."))


def test_an_answer_without_an_id_belongs_to_the_last_call_of_its_step(tmp_path: Path) -> None:
    calls = [{"tool_call_id": key, "function_name": key, "arguments": {}} for key in "ab"]
    found = told(tmp_path, acted(tool_calls=calls, observation={"results": [{"content": "screen"}]}))
    assert found.trace.steps[0].calls == (Call("a", {}), Call("b", {}, Observation("screen")))


def test_an_answer_to_nothing_is_a_step_of_the_tools(tmp_path: Path) -> None:
    found = told(tmp_path, acted("said", observation={"results": [{"content": "heard"}, {"content": None}]}))
    assert [(step.origin, step.text) for step in found.trace.steps] == [(Origin.AGENT, "said"), (Origin.TOOL, "heard")]


@pytest.mark.parametrize(
    ("content", "extra", "step", "expected"),
    [
        ("x", {"exit_code": 3}, None, 3),
        ("x", {"returncode": "4"}, None, 4),
        ("x", {"tool_result_metadata": {"tool_use_result": {"exitCode": 5}}}, None, 5),
        ("x", None, {"tool_metadata": {"exit_code": 6}}, 6),
        ("x", None, {"tool_call_details": {"c": {"metadata": {"exit_code": 7}}}}, 7),
        ("x", None, {"exit_code": 8}, 8),
        ("Exit code: 9\nWall time: 0.1 seconds", None, None, 9),
        ("Process exited with code 10\nOutput:", None, None, 10),
        ("[stderr]\nno\n[exit_code] 11\n[interrupted] true", None, None, 11),
        ("Output: no\nError: (none)\nExit Code: 12\nSignal: (none)", None, None, 12),
        ("done\n[Command finished with exit code -1]", None, None, -1),
        ("a log says:\nExit code: 1\nand goes on", None, None, None),
        ("Exit Code: 1\n" + "x" * 500, None, None, 1),
        ("head\nExit Code: 1\n" + "x" * 500, None, None, None),
        ("x", {"exit_code": True}, {"exit_code": "no"}, None),
    ],
)
def test_exit_codes_are_found_where_agents_put_them(
    tmp_path: Path, content: str, extra: Any, step: Any, expected: int | None
) -> None:
    assert answer(told(tmp_path, called(content, extra=extra, step=step))) == Observation(content, expected)


@pytest.mark.parametrize(
    ("content", "extra"), [("x", {"tool_result_is_error": True}), ("x\n\n[error] tool reported failure", None)]
)
def test_errors_are_found_where_converters_put_them(tmp_path: Path, content: str, extra: Any) -> None:
    assert answer(told(tmp_path, called(content, extra=extra))).is_error


def test_of_two_calls_the_steps_own_exit_code_is_nobodys(tmp_path: Path) -> None:
    calls = [{"tool_call_id": key, "function_name": key, "arguments": {}} for key in "ab"]
    results = [{"source_call_id": key, "content": key} for key in "ab"]
    found = told(tmp_path, acted(tool_calls=calls, observation={"results": results}, extra={"exit_code": 1}))
    assert [call.observation for call in found.trace.steps[0].calls] == [Observation("a"), Observation("b")]


def test_without_final_sums_the_steps_are_added(tmp_path: Path) -> None:
    metrics = {"prompt_tokens": 10, "completion_tokens": 2, "cached_tokens": 4, "cost_usd": 0.5}
    assert told(tmp_path, acted(metrics=metrics), acted(metrics=metrics)).trace.usage == Usage(20, 4, 8, 1.0)


def test_a_run_that_ends_with_an_error_of_the_server_is_broken(tmp_path: Path) -> None:
    words = "API Error: 529 overloaded"
    found = told(tmp_path, acted("work"), acted(words))
    assert (found.trace.error, found.outcome) == (words, Outcome.broken(words, "the last step"))
    assert told(tmp_path, acted(words), acted("went on")).outcome == UNLABELLED


def test_a_run_without_a_step_of_the_agent_is_broken(tmp_path: Path) -> None:
    found = told(tmp_path, {"step_id": 1, "source": "user", "message": "Do it"})
    assert found.outcome == Outcome.broken("no step taken by the agent", "steps")
    assert (found.trace.request, found.trace.agent) == ("Do it", "a")


@pytest.mark.parametrize("text", ['{"schema_version": "ATIF-v1.5", "steps": [', ""])
def test_a_torn_file_is_damaged(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trajectory.json"
    path.write_text(text)
    with pytest.raises(Damaged):
        atif.recognise(Source(path))


def test_a_document_without_steps_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"schema_version": "ATIF-v1.5", "steps": None})
    assert list(atif.read(Source(path))) == [Refused("no list `steps`")]


@pytest.mark.parametrize(
    "document", [{"schema_version": 1, "steps": []}, {"steps": []}, [{"schema_version": "ATIF"}], None]
)
def test_only_the_schema_makes_it_known(tmp_path: Path, document: Any) -> None:
    assert not atif.recognise(Source(written(tmp_path, document)))


@pytest.mark.parametrize("path", [CALLS, REST, MADE])
def test_a_document_wrong_in_any_place_is_read_or_refused(tmp_path: Path, path: Path) -> None:
    document = json.loads(path.read_text())
    document["agent"].pop("tool_definitions", None)
    for wrong in mutations(document):
        source = Source(written(tmp_path, wrong))
        assert atif.recognise(source) in {True, False}
        assert all(isinstance(item, Reading | Refused) for item in atif.read(source))
