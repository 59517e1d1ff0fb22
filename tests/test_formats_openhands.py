"""OpenHands before its SDK: rows of evaluations and of the resolver, and events alone."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import openhands, openhands_sdk
from gitskill.formats.inner.openhands_history import history_of
from gitskill.formats.inner.openhands_rows import is_own
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import UNKNOWN, Artifact, Observation, Origin, Step, Trace, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, outcomes, readings, written

REAL = RUNS / "openhands"
MADE = FIXTURES / "openhands"
PATCH = "diff --git a/orders.py b/orders.py\n"


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (MADE / "output.jsonl").read_text().splitlines()]


def events() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rows()[0]["history"]
    return found


def one(folder: Path, **changes: Any) -> Reading:
    """Read the last row, that of a run that nobody graded, with changes."""
    (found,) = readings(openhands, written(folder / "output.jsonl", rows()[-1] | changes))
    return found


def trajectory(folder: Path, value: Any) -> Trace:
    path = folder / "trajectory.json"
    path.write_text(json.dumps(value))
    (found,) = readings(openhands, path)
    return found.trace


def action(kind: str, **args: Any) -> dict[str, Any]:
    return {"id": 90, "source": "agent", "action": kind, "args": args}


def observation(kind: str, content: str = "", **extras: Any) -> dict[str, Any]:
    return {"id": 91, "source": "environment", "observation": kind, "content": content, "cause": 90, "extras": extras}


# Real files


def test_a_real_row_of_a_benchmark() -> None:
    (found,) = readings(openhands, REAL / "multi_swe_bench_output.jsonl")
    trace = found.trace
    assert (trace.task, trace.agent) == ("ponylang__ponyc-4593", "openhands 0.35.0")
    assert trace.model == "openai/openrouter-llama-4-maverick"
    assert trace.request.startswith("CommandParser ignores parent default options when parsing leaf command\n")
    assert (len(trace.steps), trace.actions) == (36, 33)
    call = trace.steps[3].calls[0]
    assert (call.name, call.arguments) == ("execute_bash", {"command": "ls src/lib"})
    assert call.observation == Observation("ls: cannot access 'src/lib': No such file or directory", exit_code=2)
    assert trace.steps[2].usage == Usage(input=5549, output=88)
    assert trace.usage == Usage(input=410169, output=5156, cached=0, cost=0.0)
    assert trace.steps[14].origin is Origin.TOOL, "an error that answers no action"
    assert trace.result.startswith("Unable to make necessary changes to the file")
    assert [(artifact.name, len(artifact.text)) for artifact in trace.artifacts] == [("git_patch", 533)]
    assert found.outcome == Outcome()


def test_the_real_rows_of_the_resolver() -> None:
    found = readings(openhands, REAL / "resolver_output.jsonl")
    assert outcomes(found) == {Status.SUCCESS: 2}
    assert {item.outcome.source for item in found} == {"success"}
    assert found[0].outcome.note == "a model's opinion of the patch"
    first = found[0].trace
    assert (first.task, found[0].place) == ("neubig/pr-viewer#5", "line 1")
    assert first.request == "Add MIT license\n\nWe can license this repo under the MIT license."
    assert [step.origin for step in first.steps] == [Origin.USER, *[Origin.AGENT] * 4]
    call = first.steps[1].calls[0]
    assert (call.name, call.arguments) == ("run", {"command": "touch LICENSE"})
    assert call.observation == Observation("\r\nroot@bcd3959393a1:/workspace # ", exit_code=0)
    assert first.result.startswith("The MIT License has been successfully added")
    assert first.usage.cost == 0.070713
    assert all(step.calls[0].observation for step in found[1].trace.steps[1:-1]), "answers follow their actions"
    assert (len(found[1].trace.steps), len(found[1].trace.artifacts[0].text)) == (23, 2123)


def test_the_sdks_events_are_not_ours() -> None:
    assert not openhands.recognise(Source(REAL / "sdk_v1_events.jsonl"))
    assert not openhands.recognise(Source(MADE / "sdk_output.jsonl"))
    assert not openhands_sdk.recognise(Source(MADE / "output.jsonl"))
    assert not openhands_sdk.recognise(Source(MADE / "trajectory.json"))


# Rows


def test_the_rows_of_an_evaluation() -> None:
    found = readings(openhands, MADE / "output.jsonl")
    assert [item.outcome.status for item in found] == [
        Status.SUCCESS,
        Status.FAILURE,
        Status.INFRA_ERROR,
        Status.FAILURE,
        Status.SUCCESS,
        Status.UNLABELLED,
    ]
    sources = ["test_result.report.resolved"] * 2 + ["error", "test_result.resolved", "report.resolved", ""]
    assert [item.outcome.source for item in found] == sources
    assert [item.place for item in found] == [f"line {line}" for line in range(1, 7)]
    assert found[0].trace.request == "The total leaves out the tax."
    assert found[0].trace.artifacts == (Artifact("git_patch", PATCH),)
    assert found[3].trace.artifacts == ()


def test_the_events_of_a_row(tmp_path: Path) -> None:
    trace = one(tmp_path).trace
    assert [step.origin for step in trace.steps[:3]] == [Origin.SYSTEM, Origin.USER, Origin.SYSTEM]
    assert trace.steps[2].text == "Use make test.\n\nNever push."
    first, second, edit, finish = trace.steps[3:]
    assert (first.text, second.text) == ("I look at both files.", "")
    assert second.calls[0].arguments == {"command": "cat tax.py", "is_input": "false"}
    assert second.calls[0].observation == Observation("cat: tax.py: No such file or directory", exit_code=1)
    assert edit.calls[0].name == "str_replace_editor"
    assert edit.calls[0].observation == Observation("The old text is not unique.", is_error=True)
    assert (finish.text, trace.result) == ("Done.", "The total holds the tax.")
    assert first.time == "2025-05-01T10:00:04.000Z"


def test_the_usage_of_an_answer_with_two_calls_counts_once(tmp_path: Path) -> None:
    used = [step.usage for step in one(tmp_path).trace.steps[3:]]
    assert used == [Usage(500, 40, 300), UNKNOWN, Usage(600, 50), Usage(700, 10)]
    assert one(tmp_path, metrics=None).trace.usage == Usage(1800, 100, 300)


def test_two_calls_of_one_answer_that_wait_together_are_one_step() -> None:
    told = events()
    steps = history_of([*told[4:5], *told[6:7], told[5], told[7]]).steps
    assert [[call.observation.text for call in step.calls if call.observation] for step in steps] == [
        ["return net", "cat: tax.py: No such file or directory"]
    ]


@pytest.mark.parametrize(
    "error",
    [
        "RuntimeError: There was an error",
        "AgentRuntimeTimeoutError: no answer",
        "STATUS$ERROR_LLM_AUTHENTICATION",
        "BadRequestError: litellm.BadRequestError",
    ],
)
def test_an_error_from_outside_breaks_the_run(tmp_path: Path, error: str) -> None:
    report = {"git_patch": PATCH, "report": {"resolved": False}}
    found = one(tmp_path, error=error, test_result=report)
    assert (found.trace.error, found.outcome) == (error, Outcome.broken(error, "error"))
    report["report"] = {"resolved": True}
    assert one(tmp_path, error=error, test_result=report).outcome.status is Status.SUCCESS


@pytest.mark.parametrize(
    "error",
    [
        "AgentStuckInLoopError: Agent got stuck in a loop",
        "RuntimeError: Agent reached maximum iteration in headless mode. Current iteration: 100, max iteration: 100",
        "RuntimeError: Agent reached maximum budget for conversation",
        "LLMContextWindowExceedError: Conversation history longer than LLM context window limit",
        "MaxIterationsReached: Agent reached maximum iterations limit (500)",
    ],
)
def test_an_error_of_the_agents_own_is_no_broken_run(tmp_path: Path, error: str) -> None:
    assert is_own(error)
    found = one(tmp_path, error=error)
    assert (found.trace.error, found.trace.notes) == ("", (f"the run ended with: {error}",))
    assert found.outcome.status is Status.UNLABELLED
    failed = one(tmp_path, error=error, test_result={"resolved": False})
    assert failed.outcome.status is Status.FAILURE


def test_a_grader_that_broke_says_nothing_of_the_agent(tmp_path: Path) -> None:
    found = one(tmp_path, test_result={"report": {"resolved": False, "error_eval": True}})
    assert found.outcome == Outcome.broken("the grader broke", "test_result.report.error_eval")


def test_a_run_in_which_the_agent_took_no_step_broke(tmp_path: Path) -> None:
    found = one(tmp_path, history=events()[:2], test_result={"resolved": False})
    assert found.outcome == Outcome.broken("the agent took no step", "history")


@pytest.mark.parametrize("told", ["x", 7, None, [], "true"])
def test_only_true_and_false_are_labels(tmp_path: Path, told: Any) -> None:
    assert one(tmp_path, success=told).outcome == Outcome()


def test_the_instruction_is_the_request_where_the_problem_is_not_told(tmp_path: Path) -> None:
    instruction = "<uploaded_files>/w</uploaded_files> Fix the total."
    assert one(tmp_path, instance=None).trace.request == instruction
    assert one(tmp_path, instance=None, instruction=None).trace.request == instruction, "the user's message"


def test_damaged_rows_are_refused_and_the_others_read(tmp_path: Path) -> None:
    path = written(tmp_path / "output.jsonl", *rows())
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], lines[1][:500] + "\n", '{"instance_id": "x"}\n', lines[4]]))
    found = list(openhands.read(Source(path)))
    assert [isinstance(item, Reading) for item in found] == [True, False, False, True]
    assert [item.place for item in found] == ["line 1", "line 2", "line 3", "line 4"]
    assert isinstance(found[2], Refused)
    assert found[2].reason == "neither a history nor an error in this row"


def test_a_graders_rows_are_no_runs(tmp_path: Path) -> None:
    row = {"instance_id": "a", "test_result": {"report": {"resolved": True}}, "history": None, "error": None}
    assert not openhands.recognise(Source(written(tmp_path / "output.swebench_eval.jsonl", row, row)))


def test_old_histories_are_pairs_without_ids() -> None:
    found = readings(openhands, MADE / "pairs.jsonl")
    assert outcomes(found) == {Status.SUCCESS: 1, Status.FAILURE: 1}
    steps = found[0].trace.steps
    assert [step.origin for step in steps] == [Origin.USER, Origin.AGENT, Origin.AGENT, Origin.AGENT]
    assert steps[1].calls[0].arguments == {"code": "print(1)"}
    assert steps[1].calls[0].observation == Observation("1")
    assert steps[2].calls[0].observation == Observation("", exit_code=1)
    assert found[0].trace.result == "Printed."


def test_pairs_with_ids_need_no_cause() -> None:
    made = {"id": 1, "source": "agent", "action": "run", "args": {"command": "ls"}}
    told = {"id": 2, "observation": "run", "content": "a", "extras": {}}
    assert history_of([[made, told]]).steps[0].calls[0].observation == Observation("a")
    assert history_of([made, told]).steps[0].calls[0].observation is None


def test_old_messages_without_a_source_alternate() -> None:
    told = [
        {"action": "message", "content": "Fix it."},
        {"action": "run", "command": "ls"},
        {"observation": "run", "content": "a", "exit_code": 0},
        {"action": "message", "content": "Is this right?", "wait_for_response": True},
        {"action": "message", "content": "Yes."},
        {"action": "message", "content": "Then I am done."},
    ]
    origins = [Origin.USER, Origin.AGENT, Origin.AGENT, Origin.USER, Origin.AGENT]
    assert [step.origin for step in history_of(told).steps] == origins


# Events alone


def test_a_trajectory() -> None:
    (found,) = readings(openhands, MADE / "trajectory.json")
    trace = found.trace
    assert trace.request == "<uploaded_files>/w</uploaded_files> Fix the total."
    assert [step.agent for step in trace.steps] == ["", "", "", "", "", "BrowsingAgent", "", ""]
    ask, browse, think, say = trace.steps[4:]
    assert ask.calls[0].observation == Observation("BrowsingAgent finishes task with: 19")
    assert (browse.calls[0].name, browse.text) == ("browse", "I open it.")
    assert (think.text, think.calls[0].arguments) == ("", {"thought": "So 19 percent."})
    assert trace.result == say.text == "The rate is 19 percent."
    assert trace.usage == Usage(input=90, output=9, cached=0, cost=0.5)
    assert found.outcome == Outcome()


def test_a_trajectory_as_the_server_gives_it(tmp_path: Path) -> None:
    assert len(trajectory(tmp_path, {"trajectory": events()}).steps) == 7


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (observation("agent_state_changed", agent_state="error", reason="STATUS$ERROR_LLM_TIMEOUT"), True),
        (observation("agent_state_changed", agent_state="error", reason="AgentStuckInLoopError: loop"), False),
        (observation("agent_state_changed", agent_state="finished"), False),
        (observation("error", "no answer", error_id="STATUS$ERROR_LLM_TIMEOUT"), True),
        (observation("error", "no such file", error_id="AGENT_ERROR$ERROR"), False),
    ],
)
def test_how_a_trajectory_ends(tmp_path: Path, last: dict[str, Any], error: bool) -> None:
    told = [*events()[:6], action("run", command="ls"), last]
    assert bool(trajectory(tmp_path, told).error) is error
    assert trajectory(tmp_path, [*told, action("run", command="pwd")]).error == "", "the agent went on"


@pytest.mark.parametrize(
    ("event", "step"),
    [
        (observation("microagent", "Use uv."), Step(Origin.SYSTEM, "Use uv.")),
        (action("condensation", summary="So far."), Step(Origin.SYSTEM, "So far.")),
        (action("run", command="ls") | {"source": "user"}, Step(Origin.USER, "ls")),
        (action("message", content="Time is up.") | {"source": "environment"}, Step(Origin.SYSTEM, "Time is up.")),
        (action("message", content="Hello."), Step(Origin.AGENT, "Hello.")),
    ],
)
def test_who_wrote_an_event(event: dict[str, Any], step: Step) -> None:
    assert history_of([event]).steps == (step,)


@pytest.mark.parametrize(
    "event",
    [
        action("recall", query="x"),
        action("change_agent_state", agent_state="running"),
        action("null"),
        observation("null"),
        observation("recall", "Added workspace context", repo_instructions=""),
        observation("condense", "x"),
        observation("agent_state_changed", agent_state="running"),
    ],
)
def test_what_openhands_does_by_itself_is_no_step(event: dict[str, Any]) -> None:
    assert history_of([event]).steps == ()


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (observation("run", "x", metadata={"exit_code": 3}), Observation("x", exit_code=3)),
        (observation("run", "x", exit_code=4), Observation("x", exit_code=4)),
        (observation("run", "x", metadata={"exit_code": -1}), Observation("x")),
        (observation("browse", "x", error=True), Observation("x", is_error=True)),
        (observation("user_rejected", "x"), Observation("x", is_error=True)),
        (observation("read", "x", error=""), Observation("x")),
    ],
)
def test_what_an_observation_tells(told: dict[str, Any], answer: Observation) -> None:
    assert history_of([action("run", command="ls"), told]).steps[0].calls[0].observation == answer


def test_arguments_without_a_model_answer_are_what_openhands_understood() -> None:
    made = action("run", command="ls", thought="I look.", hidden=False, blocking=True, security_risk=None)
    step = history_of([made]).steps[0]
    assert (step.text, step.calls[0].name, step.calls[0].arguments) == ("I look.", "run", {"command": "ls"})
    tool = history_of([action("call_tool_mcp", name="fetch", arguments={"url": "u"})]).steps[0].calls[0]
    assert (tool.name, tool.arguments) == ("fetch", {"url": "u"})


def test_newer_thoughts_keep_the_reasoning_apart() -> None:
    step = history_of([action("run", thought={"text": "I look.", "reasoning_content": "Where?"})]).steps[0]
    assert (step.text, step.thought) == ("I look.", "Where?")


def test_a_session_of_one_file_for_each_event() -> None:
    folder = MADE / "session" / "shop-1" / "events"
    (found,) = readings(openhands, folder / "0.json")
    assert (found.trace.session, len(found.trace.steps)) == ("shop-1", 6)
    assert found.trace.steps[3].calls[0].observation == Observation("return net", exit_code=0)
    assert found.outcome.status is Status.INFRA_ERROR
    assert found.trace.error.startswith("STATUS$ERROR_LLM_SERVICE_UNAVAILABLE: The model's server")
    assert set(found.parts) == {path for path in folder.iterdir() if path.name != "0.json"}
    assert [path.name for path in sorted(folder.iterdir()) if openhands.recognise(Source(path))] == ["0.json"]


def test_a_damaged_event_of_a_session_is_told(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(MADE / "session", tmp_path / "s")) / "shop-1" / "events"
    (folder / "5.json").write_text("{")
    (folder / "10.json").write_text(json.dumps(action("message", content="The end.")))
    (found,) = readings(openhands, folder / "0.json")
    assert found.trace.notes[0].startswith("events that could not be read (1): 5.json: ")
    assert found.trace.result == "The end.", "10 comes after 8"


@pytest.mark.parametrize(
    "value",
    [
        [],
        [[]],
        [{"action": "ls", "observation": "a", "thought": "", "state": "{}", "response": ""}],
        {"trajectory": [{"action": "ls", "observation": "a"}], "history": [], "info": {}},
        [{"source": "agent", "observation": {"results": []}}],
        {"instance_id": "x", "model_patch": ""},
        7,
        None,
    ],
)
def test_other_files_are_not_recognised(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(value))
    assert not openhands.recognise(Source(path))


def test_no_value_in_a_trajectory_raises_anything_but_damaged(tmp_path: Path) -> None:
    path = tmp_path / "trajectory.json"
    whole = json.loads((MADE / "trajectory.json").read_text())
    for changed in mutations([*whole[:6], *whole[-4:]]):
        path.write_text(json.dumps(changed))
        _survives(path)


@pytest.mark.parametrize("name", ["pairs.jsonl", "output.jsonl"])
def test_no_value_in_a_row_raises_anything_but_damaged(name: str, tmp_path: Path) -> None:
    row = json.loads((MADE / name).read_text().splitlines()[0])
    row["history"] = row["history"][:2]
    for changed in mutations(row):
        _survives(written(tmp_path / name, changed))


def test_no_value_in_a_real_row_raises_anything_but_damaged(tmp_path: Path) -> None:
    row = json.loads((REAL / "resolver_output.jsonl").read_text().splitlines()[0])
    for changed in mutations(row):
        _survives(written(tmp_path / "output.jsonl", changed))


def _survives(path: Path) -> None:
    try:
        openhands.recognise(Source(path))
        list(openhands.read(Source(path)))
    except Damaged:
        return
