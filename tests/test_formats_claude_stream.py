"""Claude Code's output stream: events between the lines of other programs, and how the program ended."""

import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import claude_stream
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Status
from gitskill.trace import Origin, Usage
from mutations import mutations
from reading_runs import FIXTURES, readings, written

MADE = FIXTURES / "claude-stream" / "claude-code.txt"
EVENTS = [json.loads(line) for line in MADE.read_text().splitlines() if line.startswith("{")]
INIT, RESULT = EVENTS[0], EVENTS[-1]
SAID = EVENTS[2]

Json = dict[str, Any]


def one(path: Path) -> Reading:
    (found,) = readings(claude_stream, path)
    return found


def test_a_run_between_the_lines_of_a_shell() -> None:
    found = one(MADE)
    trace = found.trace
    assert (trace.agent, trace.model, trace.session) == (
        "claude-code 2.0.31",
        "claude-sonnet-4-5-20250929",
        "0b7e2c44-91d3-4f0a-8a57-6f2f1b9c3d10",
    )
    assert (trace.request, trace.result) == ("", "12 lines; the header cannot be read.")
    assert [step.agent for step in trace.steps] == ["", "", "toolu_2", ""]
    assert (trace.steps[0].text, trace.steps[0].calls[0].arguments) == (
        "I count the lines.",
        {"command": "wc -l data.csv"},
    )
    assert trace.steps[0].usage == Usage(2312, 2, 2000)
    failed = trace.steps[2].calls[0].observation
    assert failed is not None
    assert (failed.text, failed.exit_code, failed.is_error) == ("Exit code 1\nhead: error", 1, True)
    assert trace.notes == ("3 lines that are no events were left out", "1 calls were denied for want of a permission")
    assert found.outcome == UNLABELLED
    assert found.place == ""


def test_usage_and_cost_are_those_of_the_whole_run() -> None:
    assert one(MADE).trace.usage == Usage(36 + 6000 + 900 + 12 + 2000 + 300, 150, 8000, 0.0421)


def test_without_a_sum_by_model_turns_are_added_up_and_without_any_sum_steps(tmp_path: Path) -> None:
    turn = {key: RESULT[key] for key in RESULT if key != "modelUsage"}
    found = one(written(tmp_path / "a.jsonl", *EVENTS[:-1], turn | {"uuid": "1"}, turn | {"uuid": "2"}))
    assert found.trace.usage == Usage(2 * 6936, 240, 12000, 0.0421)
    cut = one(written(tmp_path / "b.jsonl", *EVENTS[:-1]))
    assert cut.trace.usage == Usage(4 * 2312, 15, 8000)
    assert cut.trace.notes == ("no event `result`: the output ends before the run did",)
    assert (cut.outcome, cut.trace.result) == (UNLABELLED, "12 lines; the header cannot be read.")


def test_a_list_of_events_is_the_same_run(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps(EVENTS))
    assert one(path).trace.steps == one(MADE).trace.steps


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_output_that_a_windows_shell_has_saved(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "out.txt"
    path.write_bytes("\r\n".join(json.dumps(event) for event in EVENTS).encode(encoding))
    assert one(path).trace.steps == one(MADE).trace.steps


def test_the_result_alone_is_no_run(tmp_path: Path) -> None:
    source = Source(written(tmp_path / "result.json", RESULT))
    assert claude_stream.recognise(source)
    (refused,) = claude_stream.read(source)
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("only the result of a run")


def test_a_torn_event_is_damaged_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "torn.txt"
    path.write_text(MADE.read_text()[: MADE.read_text().index('"subtype": "success"')])
    with pytest.raises(Damaged, match="line 14"):
        list(claude_stream.read(Source(path)))


def test_an_event_counts_once(tmp_path: Path) -> None:
    found = one(
        written(tmp_path / "a.jsonl", INIT, SAID | {"message": SAID["message"] | {"id": ""}}, *[SAID] * 3, RESULT)
    )
    assert [step.text for step in found.trace.steps] == ["I count the lines."]


def test_sessions_one_after_the_other_are_runs_of_their_own(tmp_path: Path) -> None:
    second = [event | {"session_id": "second", "uuid": f"second-{event['uuid']}"} for event in EVENTS]
    found = readings(claude_stream, written(tmp_path / "loop.log", *EVENTS, *second))
    assert [(item.place, item.trace.session) for item in found] == [
        ("line 1", INIT["session_id"]),
        ("line 13", "second"),
    ]
    assert found[0].trace.steps == found[1].trace.steps
    hook = {"type": "system", "subtype": "hook_started", "session_id": "first"}
    assert one(written(tmp_path / "hook.log", hook, *EVENTS)).place == ""
    again = [event | {"uuid": f"again-{event['uuid']}"} for event in EVENTS]
    assert one(written(tmp_path / "turns.log", *EVENTS, *again)).place == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"is_error": True, "result": "API Error: 500"}, "API Error: 500"),
        ({"is_error": True, "result": "Credit balance is too low"}, "Credit balance is too low"),
        ({"subtype": "error_during_execution", "result": None}, "error_during_execution"),
        ({"subtype": "error_during_execution", "result": None, "errors": ["Lost", "it"]}, "Lost; it"),
    ],
)
def test_a_result_that_tells_an_error_is_a_broken_run(tmp_path: Path, changed: Json, reason: str) -> None:
    found = one(written(tmp_path / "a.jsonl", *EVENTS[:-1], RESULT | changed))
    assert (found.outcome.status, found.outcome.note, found.outcome.source) == (
        Status.INFRA_ERROR,
        reason,
        "result.is_error",
    )
    assert found.trace.error == reason


@pytest.mark.parametrize("limit", ["error_max_turns", "error_max_budget_usd"])
def test_a_limit_of_the_users_breaks_nothing(tmp_path: Path, limit: str) -> None:
    found = one(
        written(tmp_path / "a.jsonl", *EVENTS[:-1], RESULT | {"subtype": limit, "is_error": True, "result": None})
    )
    assert (found.outcome, found.trace.error) == (UNLABELLED, "")
    assert f"stopped at a limit: {limit}" in found.trace.notes


def test_output_that_ends_in_an_api_error_is_a_broken_run(tmp_path: Path) -> None:
    body = {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error: 529"}]}
    found = one(written(tmp_path / "a.jsonl", *EVENTS[:-1], SAID | {"uuid": "z", "message": body}))
    assert (found.outcome.status, found.outcome.source) == (Status.INFRA_ERROR, "assistant")


def test_an_api_error_of_a_sub_agent_breaks_nothing(tmp_path: Path) -> None:
    body = {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error: 529"}]}
    late = SAID | {"uuid": "z", "message": body, "parent_tool_use_id": "toolu_2"}
    assert one(written(tmp_path / "a.jsonl", *EVENTS[:-1], late)).outcome == UNLABELLED


def test_a_run_without_a_step_is_broken(tmp_path: Path) -> None:
    found = one(written(tmp_path / "a.jsonl", INIT, RESULT))
    assert (found.outcome.status, found.outcome.note) == (Status.INFRA_ERROR, "no step taken")
    assert found.trace.model == "claude-sonnet-4-5-20250929"


def test_a_prompt_that_the_output_repeats_is_the_request(tmp_path: Path) -> None:
    prompt = {"type": "user", "message": {"role": "user", "content": "Count."}, "session_id": "s", "isReplay": True}
    skill = prompt | {"message": {"role": "user", "content": "Do as follows."}, "isSynthetic": True}
    found = one(written(tmp_path / "a.jsonl", INIT, skill, prompt, *EVENTS[2:]))
    assert found.trace.request == "Count."
    assert [step.origin for step in found.trace.steps[:2]] == [Origin.SYSTEM, Origin.USER]


def test_newer_output_tells_how_a_command_ended_and_names_its_agents(tmp_path: Path) -> None:
    events = json.loads(json.dumps(EVENTS))
    events[4]["tool_use_result"] = {"stdout": "12 data.csv", "stderr": "", "interrupted": False}
    events[9]["tool_use_result"] = {"agentId": "abc1234"}
    steps = one(written(tmp_path / "a.jsonl", *events)).trace.steps
    observed = steps[0].calls[0].observation
    assert observed is not None
    assert observed.exit_code == 0
    assert steps[2].agent == "abc1234"


@pytest.mark.parametrize(
    "foreign",
    [
        '{"type": "assistant", "message": {}, "uuid": "u", "parentUuid": null, "session_id": "s"}\n{}',
        '{"type": "system", "subtype": "init", "session_id": "s"}\n{"type": "tool_call", "subtype": "started"}\n',
        '{"type": "init", "session_id": "s", "model": "gemini"}\n{"type": "result", "session_id": "s"}\n',
        "Some text\nof no format.\n",
        '[INFO] starting\n{"type":"thread.started","thread_id":"t"}\n',
        "[1, 2]",
    ],
)
def test_other_logs_are_not_taken_for_output(tmp_path: Path, foreign: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(foreign)
    assert not claude_stream.recognise(Source(path))


def test_events_behind_a_line_in_brackets_are_found(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    lines = [json.dumps(event, separators=(",", ":")) for event in EVENTS]
    path.write_text("\n".join(["[setup] starting", *lines]))
    assert one(path).trace.steps == one(MADE).trace.steps


def test_output_of_any_shape_raises_nothing_but_damaged(tmp_path: Path) -> None:
    for index in range(len(EVENTS)):
        for changed in mutations(EVENTS[index]):
            path = written(tmp_path / "m.jsonl", *EVENTS[:index], changed, *EVENTS[index + 1 :])
            try:
                source = Source(path)
                claude_stream.recognise(source)
                assert all(isinstance(item, Reading | Refused) for item in claude_stream.read(source))
            except Damaged:
                pass
