import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import atif, harbor, mini_swe_agent, swe_agent, terminal_bench
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome, Status
from gitskill.trace import Artifact, Call, Observation, Origin, Step, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, outcomes, readings

REAL = sorted((RUNS / "swe-agent/trajectories").glob("*/*.traj"))
OLD = next((FIXTURES / "swe-agent").glob("*/*.traj"))
OLD_DOCUMENT: dict[str, Any] = json.loads(OLD.read_text())


def read(path: Path) -> Reading:
    (found,) = readings(swe_agent, path)
    return found


def written(folder: Path, document: Any, name: str = "calc__calc-12.traj") -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def changed(**values: Any) -> dict[str, Any]:
    return {**OLD_DOCUMENT, **values}


def with_status(status: str | None) -> dict[str, Any]:
    return changed(info={**OLD_DOCUMENT["info"], "exit_status": status})


def test_the_real_runs_have_their_labels_and_every_step() -> None:
    found = [read(path) for path in REAL]
    assert outcomes(found) == {Status.SUCCESS: 2, Status.FAILURE: 1}
    assert [item.trace.actions for item in found] == [37, 17, 22]
    assert {item.trace.task for item in found} == {path.stem for path in REAL}


def test_a_real_run_is_read_in_full() -> None:
    found = read(REAL[0])
    trace = found.trace
    assert (trace.task, trace.agent, trace.model) == (
        "pandas-dev__pandas.95280573.pr_53652",
        "swe-agent 1.0.1",
        "claude-3-7-sonnet-20250219",
    )
    assert trace.usage == Usage(256978, 952, None, 0.34398689999999993)
    assert trace.request.startswith("<uploaded_files>\n/testbed")
    assert "BUG: [pyarrow] AttributeError: 'Index' object has no attribute 'freq'" in trace.request
    assert [step.origin for step in trace.steps[:3]] == [Origin.SYSTEM, Origin.USER, Origin.AGENT]
    assert len(trace.steps) == 39
    assert trace.artifacts == (Artifact("patch.diff", trace.result),)
    assert trace.result.startswith("diff --git a/pandas/core/indexes/base.py")
    assert found.outcome == Outcome.judged(True, "report.json resolved")


def test_a_tool_call_keeps_its_name_and_arguments_and_its_answer_to_the_letter() -> None:
    step = read(REAL[0]).trace.steps[3]
    assert step.thought == "Let's look at the specific file mentioned in the PR description:"
    (call,) = step.calls
    assert call.name == "str_replace_editor"
    assert call.arguments == {
        "command": "view",
        "path": "/testbed/pandas/core/indexes/base.py",
        "view_range": [6035, 6050],
    }
    assert call.observation is not None
    assert call.observation.text.startswith("Here's the result of running `cat -n`")
    assert "\r\n  6050\t        return indexer" in call.observation.text


def test_an_old_run_tells_demonstration_task_steps_and_its_end_apart() -> None:
    found = read(OLD)
    trace = found.trace
    assert trace.request == "ISSUE:\nadd(2, 2) gives 0\n\nINSTRUCTIONS:\nSolve it."
    assert "demonstration" not in "".join(text for step in trace.steps for _, text in step.texts())
    assert trace.steps[2:] == (
        Step(
            Origin.AGENT,
            thought="Let me look for it.\n",
            calls=(
                Call(
                    "bash",
                    {"command": "search_dir add\n"},
                    Observation('Found 1 match for "add" in /calc:\n/calc/add.py (1 match)'),
                ),
            ),
        ),
        Step(Origin.AGENT, "I forgot the command."),
        Step(
            Origin.AGENT,
            thought="Fix.\n",
            calls=(
                Call(
                    "bash",
                    {"command": "edit 3:3\nreturn a + b\nend_of_edit\n"},
                    Observation("[File: /calc/add.py]\n3:return a + b"),
                ),
            ),
        ),
        Step(Origin.SYSTEM, "Exit due to cost limit"),
    )
    assert trace.model == "gpt-4-1106-preview"
    assert trace.usage == Usage(290000, 5100, None, 3.01)
    assert found.outcome == Outcome.judged(False, "results.json: not among the resolved")


@pytest.mark.parametrize("flag", [{"is_demo": True}, {"message_type": "demonstration"}, {"agent": "demo"}])
def test_every_mark_of_a_demonstration_counts(tmp_path: Path, flag: dict[str, Any]) -> None:
    history = [{"role": "user", "content": "Watch me", **flag}, {"role": "user", "content": "Your task"}]
    assert read(written(tmp_path, changed(history=history))).trace.request == "Your task"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("submitted", Status.UNLABELLED),
        ("submitted (exit_cost)", Status.UNLABELLED),
        ("exit_context", Status.UNLABELLED),
        ("exit_format", Status.UNLABELLED),
        ("exit_command_timeout", Status.UNLABELLED),
        ("exit_api", Status.INFRA_ERROR),
        ("submitted (exit_api)", Status.INFRA_ERROR),
        ("exit_environment_error", Status.INFRA_ERROR),
        ("exit_error", Status.INFRA_ERROR),
        ("early_exit", Status.UNLABELLED),
        (None, Status.UNLABELLED),
    ],
)
def test_only_ends_outside_the_agent_break_a_run(tmp_path: Path, status: str | None, expected: Status) -> None:
    assert read(written(tmp_path, with_status(status))).outcome.status is expected


def test_what_broke_is_told_in_the_words_of_the_harness(tmp_path: Path) -> None:
    words = "Exit due to unknown error: litellm.BadRequestError: model not found"
    broken = with_status("exit_error")
    broken["trajectory"] = [
        *broken["trajectory"][:3],
        {"action": "", "observation": "", "response": words, "thought": words},
    ]
    found = read(written(tmp_path, broken))
    assert found.trace.error == f"exit_error: {words}"
    assert found.outcome == Outcome.broken(f"exit_error: {words}", "info.exit_status")
    assert found.trace.steps[-1] == Step(Origin.SYSTEM, words)


def test_a_broken_run_that_its_report_calls_resolved_is_a_success(tmp_path: Path) -> None:
    path = written(tmp_path, with_status("submitted (exit_api)"))
    (tmp_path / "results.json").write_text(json.dumps({"resolved": ["calc__calc-12"]}))
    assert read(path).outcome.status is Status.SUCCESS


@pytest.mark.parametrize("steps", [[], [OLD_DOCUMENT["trajectory"][3]]])
def test_a_run_without_a_step_of_the_agent_is_broken(tmp_path: Path, steps: list[Any]) -> None:
    found = read(written(tmp_path, changed(trajectory=steps)))
    assert found.outcome.status is Status.INFRA_ERROR
    assert found.outcome.note == "no step taken by the agent: submitted (exit_cost)"


def test_of_several_attempts_the_chosen_one_is_read_and_else_the_last(tmp_path: Path) -> None:
    first = changed(trajectory=OLD_DOCUMENT["trajectory"][:1])
    attempts = [first, OLD_DOCUMENT]
    last = read(written(tmp_path, {"attempts": attempts}, "a.traj")).trace
    chosen = read(written(tmp_path, {**first, "attempts": attempts}, "b.traj")).trace
    assert (last.actions, chosen.actions) == (3, 1)
    assert last.notes == chosen.notes == ("one of 2 attempts",)


def test_turns_match_steps_though_some_stand_in_the_trajectory_only(tmp_path: Path) -> None:
    tool = {"function": {"name": "edit", "arguments": '{"line": 3}'}, "id": "call_1", "type": "function"}
    history = [*OLD_DOCUMENT["history"]]
    history[5] = {**history[5], "tool_calls": [tool], "thinking_blocks": [{"type": "thinking", "thinking": "Line 3."}]}
    steps = read(written(tmp_path, changed(history=history))).trace.steps
    assert (steps[4].calls[0].name, steps[4].calls[0].arguments) == ("edit", {"line": 3})
    assert (steps[4].text, steps[4].thought) == ("Fix.\n", "Line 3.")
    assert steps[2].calls[0].name == "bash"


@pytest.mark.parametrize("other", [{"content": "Fix another.\n"}, {"action": "another"}])
def test_a_turn_that_differs_is_not_the_steps(tmp_path: Path, other: dict[str, str]) -> None:
    tool = {"function": {"name": "edit", "arguments": "{}"}}
    turn = {**OLD_DOCUMENT["history"][5], "tool_calls": [tool], **other}
    found = read(written(tmp_path, changed(history=[turn])))
    assert {call.name for step in found.trace.steps for call in step.calls} == {"bash"}


def test_a_copy_with_another_name_is_named_by_its_settings(tmp_path: Path) -> None:
    settings = json.dumps(
        {"problem_statement": {"id": "calc__calc-12"}, "agent": {"agent_configs": [{"model": {"name": "gpt-5"}}]}}
    )
    path = written(tmp_path, changed(replay_config=settings), "swe-agent.trajectory.json")
    trace = read(path).trace
    assert (trace.task, trace.model) == ("calc__calc-12", "gpt-5")
    assert read(written(tmp_path, OLD_DOCUMENT, "calc__calc-9.traj.json")).trace.task == "calc__calc-9"


def test_without_a_history_the_first_steps_question_tells_the_task(tmp_path: Path) -> None:
    steps = [{**OLD_DOCUMENT["trajectory"][0], "query": [{"role": "user", "content": "The task"}]}]
    assert read(written(tmp_path, {"trajectory": steps, "info": {}})).trace.request == "The task"


def test_a_run_of_which_only_the_end_is_missing_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "torn.traj"
    path.write_bytes(REAL[0].read_bytes()[:-1000])
    with pytest.raises(Damaged, match="cut off"):
        swe_agent.recognise(Source(path))


def test_a_document_without_steps_is_refused(tmp_path: Path) -> None:
    assert list(swe_agent.read(Source(written(tmp_path, {"trajectory": {}})))) == [Refused("no list `trajectory`")]


@pytest.mark.parametrize("other", ["atif", "mini-swe-agent/trajs", "tau-bench", "openhands", "intercode-bash"])
def test_other_formats_are_not_mistaken_for_it(other: str) -> None:
    for path in (RUNS / other).rglob("*.json*"):
        assert not swe_agent.recognise(Source(path))


@pytest.mark.parametrize("neighbour", [atif, harbor, mini_swe_agent, terminal_bench])
def test_it_is_not_mistaken_for_other_formats(neighbour: Any) -> None:
    assert not neighbour.recognise(Source(OLD))


def test_a_log_without_reports_is_unlabelled(tmp_path: Path) -> None:
    assert read(Path(shutil.copy(OLD, tmp_path))).outcome == UNLABELLED


def test_a_document_wrong_in_any_place_is_read_or_refused(tmp_path: Path) -> None:
    tool = {"function": {"name": "edit", "arguments": "{}"}, "id": "1"}
    turn = {**OLD_DOCUMENT["history"][3], "tool_calls": [tool], "thinking_blocks": [{"thinking": "x"}]}
    history = [*OLD_DOCUMENT["history"][:3], turn]
    settings = {"problem_statement": {"id": "a"}, "agent": {"model": {"name": "m"}}}
    document = changed(history=history, replay_config=settings, attempts=[{"trajectory": [], "info": {}}])
    for wrong in mutations(document):
        source = Source(written(tmp_path, wrong))
        assert swe_agent.recognise(source) in {True, False}
        assert all(isinstance(item, Reading | Refused) for item in swe_agent.read(source))
