import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import trace2skill
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading
from gitskill.formats.source import Source
from gitskill.outcome import Status
from gitskill.trace import Call, Observation, Origin, Step
from mutations import mutations
from reading_runs import FIXTURES, readings, written

LOGS = FIXTURES / "trace2skill" / "logs"
GRADED = FIXTURES / "trace2skill" / "outputs" / "eval_official_results.json"
MARKDOWN = LOGS / "cli_skill_agent_13-1.md"
LINES = LOGS / "cli_skill_agent_45-7.jsonl"


def one(path: Path) -> Reading:
    (reading,) = readings(trace2skill, path)
    return reading


def alone(folder: Path, name: str = MARKDOWN.name, text: str = "") -> Path:
    """Write a log where no results lie beside it."""
    path = folder / "a" / "b" / "c" / name
    path.parent.mkdir(parents=True)
    path.write_text(text or (LOGS / name).read_text())
    return path


def log(*messages: tuple[str, str], end: str = "## RESULT\n\n- Success: True\n- Total Turns: 1\n") -> str:
    told = "".join(f"## [{at}] {role}\n\n{text}\n\n---\n\n" for at, (role, text) in enumerate(messages, start=1))
    return f"# Chat History: bot\n\n**Timestamp**: 2026-01-05T09:30:00\n\n---\n\n{told}{end}"


def test_a_markdown_log_is_read() -> None:
    trace = one(MARKDOWN).trace

    assert (trace.task, trace.agent, trace.session) == ("13-1", "cli_skill_agent", "cli_skill_agent_13-1")
    assert trace.request == "Fill column C with twice the amount.\n\nKeep the formats."
    assert trace.result == "Thought: C2:C5 holds twice the amounts."
    assert [step.origin.value for step in trace.steps] == ["system", "user", *["agent"] * 3, "tool", "agent", "agent"]
    assert trace.steps[0].time == "2026-01-05T09:30:00.123Z"


def test_an_observation_may_look_like_the_log_itself() -> None:
    steps = one(MARKDOWN).trace.steps

    (call,) = steps[2].calls
    assert (call.name, call.arguments) == ("bash", {"command": "cat notes.md"})
    assert call.observation == Observation(
        "# Notes\n\n---\n\n## [6] ASSISTANT\n\nnot a message\n\n---\n\n"
        "## RESULT\n\n- Success: False\n- Total Turns: 99\n\n```python\nprint(1)\n```",
        exit_code=0,
    )


def test_a_thought_an_action_and_its_exit_code_are_told_apart() -> None:
    step = one(MARKDOWN).trace.steps[3]

    assert (step.thought, step.text) == ("The sheet has four rows.", "Thought: Now the script.")
    assert [call.arguments for call in step.calls] == [{"command": "python solve.py"}]
    assert step.calls[0].observation is not None
    assert step.calls[0].observation.exit_code == 1
    assert step.calls[0].observation.text.endswith("KeyError: 'Sheet2'\n[Exit code: 1]")


def test_what_the_harness_says_to_a_message_without_an_action_is_no_answer_of_a_tool() -> None:
    steps = one(MARKDOWN).trace.steps

    assert steps[4] == Step(Origin.AGENT, "Thought: I forgot the action.")
    assert steps[5].text.startswith("Invalid format: no Action found.")
    assert steps[6].calls[0].observation == Observation("[Command completed with no output]", exit_code=0)


def test_the_logs_own_success_is_no_label(tmp_path: Path) -> None:
    """The graders say that this run failed, though the agent said that it was done."""
    graded, ungraded = one(MARKDOWN), one(alone(tmp_path))

    assert (graded.outcome.status, graded.outcome.reward) == (Status.FAILURE, 0.0)
    assert graded.outcome.source == "eval_official_results.json hard_score"
    assert graded.parts == (GRADED,)
    assert (ungraded.outcome.status, ungraded.parts) == (Status.UNLABELLED, ())
    assert ungraded.trace.notes == (trace2skill.NOT_GRADED,)


def test_a_log_in_lines_is_read() -> None:
    reading = one(LINES)

    assert (reading.trace.task, reading.trace.request) == ("45-7", "Sum column B into B10.")
    call = Call("bash", {"command": "python sum.py"}, Observation("Sum: 42\nWarning: none", exit_code=0))
    assert reading.trace.steps[2] == Step(Origin.AGENT, "Thought: Sum.", calls=(call,), time="2026-01-05T10:00:03.000Z")
    assert reading.outcome.status is Status.SUCCESS


def test_the_files_name_may_hold_the_label(tmp_path: Path) -> None:
    beside, by_name = (
        one(LOGS / "cli_skill_agent_88-2_FAILED.md"),
        one(alone(tmp_path, "cli_skill_agent_88-2_FAILED.md")),
    )

    assert (beside.trace.task, beside.outcome.source) == ("88-2", "eval_official_results.json hard_score")
    assert (by_name.outcome.status, by_name.outcome.source) == (Status.FAILURE, "file name")
    assert by_name.trace.notes == (trace2skill.NOT_GRADED, "Max turns exceeded")
    assert by_name.trace.steps[-1].calls[0].observation == Observation(
        "[ERROR] Command timed out after 120 seconds", is_error=True
    )


def test_a_name_that_contradicts_the_graders_labels_nothing(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "trace2skill", tmp_path / "x")
    path = tmp_path / "x" / "logs" / "cli_skill_agent_13-1_SUCCEED.md"
    shutil.copy(MARKDOWN, path)

    outcome = one(path).outcome

    assert outcome.status is Status.UNLABELLED
    assert outcome.note == "the file's name says success, eval_official_results.json hard_score says failure"


@pytest.mark.parametrize("place", ["", "..", "../..", "../outputs", "../../outputs/spreadsheetbench"])
def test_the_graders_results_are_found_near_the_log(tmp_path: Path, place: str) -> None:
    path = alone(tmp_path)
    (path.parent / place).mkdir(parents=True, exist_ok=True)
    shutil.copy(GRADED, path.parent / place / "eval_results.json")

    assert one(path).outcome.source == "eval_results.json hard_score"


def test_results_that_lie_further_up_are_none_of_this_log(tmp_path: Path) -> None:
    path = alone(tmp_path)
    shutil.copy(GRADED, path.parents[3] / GRADED.name)

    assert one(path).outcome.status is Status.UNLABELLED


def test_each_seed_has_results_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "seed_7" / MARKDOWN.name
    path.parent.mkdir(parents=True)
    shutil.copy(MARKDOWN, path)
    row = {"id": "13-1", "hard_score": 1}
    written(tmp_path / "outputs" / "seed_7" / GRADED.name, {"summary": {}, "results": [row]})
    written(tmp_path / "outputs" / "seed_8" / GRADED.name, {"summary": {}, "results": [row | {"hard_score": 0}]})

    assert one(path).outcome.status is Status.SUCCESS


def test_a_copy_for_the_error_analysis_is_named_by_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "13-1_seed_7" / "agent_log.md"
    path.parent.mkdir()
    shutil.copy(MARKDOWN, path)

    assert one(path).trace.task == "13-1"


def test_a_log_named_by_its_time_has_no_task(tmp_path: Path) -> None:
    path = alone(tmp_path, "bot_20260105_093000.md", log(("USER", "Task: Tidy up."), ("ASSISTANT", "Done.")))

    assert (one(path).trace.task, one(path).trace.request) == ("", "Tidy up.")


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        ("Exception during execution: connection refused", Status.INFRA_ERROR, True),
        ("Max turns exceeded", Status.UNLABELLED, False),
        ("Output file was not created: /tmp/output.xlsx", Status.UNLABELLED, False),
    ],
)
def test_only_what_broke_around_the_agent_breaks_the_run(
    tmp_path: Path, error: str, status: Status, told: bool
) -> None:
    end = f"## RESULT\n\n- Success: False\n- Total Turns: 1\n- Error: {error}\n"
    path = alone(tmp_path, "bot_1.md", log(("USER", "Task: Go."), ("ASSISTANT", "Going."), end=end))

    reading = one(path)

    assert (reading.outcome.status, bool(reading.trace.error)) == (status, told)


def test_a_run_in_which_the_agent_did_nothing_is_broken(tmp_path: Path) -> None:
    reading = one(alone(tmp_path, "bot_1.md", log(("SYSTEM", "Rules."), ("USER", "Task: Go."))))

    assert (reading.outcome.status, reading.outcome.note) == (Status.INFRA_ERROR, trace2skill.NO_STEP)


@pytest.mark.parametrize(
    ("text", "call", "rest"),
    [
        (
            'Thought: x\n\nAction:\n```json\n{"name": "bash", "arguments": {"command": "ls"}}\n```',
            {"command": "ls"},
            "x",
        ),
        ('Action: {"name": "bash", "arguments": {"command": "a\nb"}}', {"command": "a\nb"}, ""),
        ('Action:\n{"name": "bash", "arguments": {"command": "echo "x""}}', '{"name": "bash", "arguments": {"com', ""),
        (
            'Action:\n{"name": "bash", "arguments": ' + "[" * 900 + "]" * 900 + "}",
            '{"name": "bash", "arguments": [[',
            "",
        ),
    ],
    ids=["fenced", "line break in a text", "no JSON", "too deep"],
)
def test_an_action_is_read_as_models_write_it(tmp_path: Path, text: str, call: Any, rest: str) -> None:
    (step,) = one(alone(tmp_path, "bot_1.md", log(("ASSISTANT", text)))).trace.steps

    found = step.calls[0].arguments
    assert step.calls[0].name == "bash"
    assert found == call or (isinstance(call, str) and found.startswith(call))
    assert step.text.removeprefix("Thought: ") == rest


@pytest.mark.parametrize("cut", [-30, -120, -700, -1500])
def test_a_log_that_was_cut_off_is_damaged(tmp_path: Path, cut: int) -> None:
    path = alone(tmp_path, text=MARKDOWN.read_text()[:cut])

    with pytest.raises(Damaged, match="the log ends inside"):
        list(trace2skill.read(Source(path)))


def test_a_log_that_ends_between_two_messages_says_so(tmp_path: Path) -> None:
    text = MARKDOWN.read_text().partition("## [9]")[0]

    reading = one(alone(tmp_path, text=text))

    assert reading.trace.notes == (trace2skill.NO_RESULT,)
    assert len(reading.trace.steps) == 6


def test_lines_that_are_torn_are_damaged(tmp_path: Path) -> None:
    path = alone(tmp_path, LINES.name, LINES.read_text()[:-40])

    with pytest.raises(Damaged, match="line 7"):
        list(trace2skill.read(Source(path)))


def test_two_sessions_in_one_file_are_damaged(tmp_path: Path) -> None:
    path = alone(tmp_path, LINES.name, LINES.read_text() * 2)

    with pytest.raises(Damaged, match="line 8: a second session starts"):
        list(trace2skill.read(Source(path)))


def test_logs_that_are_wrong_in_one_place_raise_nothing_but_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    records = [json.loads(line) for line in LINES.read_text().splitlines()]
    for wrong in mutations(records):
        written(path, *wrong)
        source = Source(path)
        try:
            trace2skill.recognise(source)
            list(trace2skill.read(source))
        except Damaged:
            continue


@pytest.mark.parametrize("text", ["", "# Notes\n\nSome text", '{"type": "session_start"}\n', "[]", "null", "7"])
def test_other_files_are_not_trace2skill(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.md"
    path.write_text(text)
    with suppress(Damaged):
        assert not trace2skill.recognise(Source(path))
