import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import harbor
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import Artifact, Origin, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, readings

JOB = FIXTURES / "harbor/job"
TRIAL = JOB / "hello-world__Ab3dE9"
RESULT: dict[str, Any] = json.loads((TRIAL / "result.json").read_text())


def read(path: Path) -> Reading:
    (found,) = readings(harbor, path)
    return found


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """Copy the trial, to be changed."""
    return Path(shutil.copytree(TRIAL, tmp_path / "trial"))


def change(trial: Path, **values: Any) -> Path:
    path = trial / "result.json"
    path.write_text(json.dumps({**RESULT, **values}))
    return path


def raised(kind: str, message: str = "") -> dict[str, str]:
    return {"exception_type": kind, "exception_message": message, "exception_traceback": "", "occurred_at": ""}


def rewards(**values: float) -> dict[str, Any]:
    return {"rewards": values}


def test_a_trial_is_one_run_with_its_task_label_and_all_that_belongs_to_it() -> None:
    found = read(TRIAL / "result.json")
    trace = found.trace
    assert (trace.format, trace.task, trace.session) == ("harbor", "hello-world", "5b1c")
    assert (trace.agent, trace.model) == ("claude-code 2.1.0", "claude-sonnet-4-5")
    assert trace.request == "Create hello.txt\n[image]"
    assert (len(trace.steps), trace.result) == (8, "I made hello.txt.")
    assert trace.usage == Usage(3100, 95, 800, 0.021)
    assert trace.artifacts[0] == Artifact("test-stdout.txt", "PASSED test_outputs.py::test_hello\n1 passed\n")
    assert trace.artifacts[1].name == "ctrf.json"
    assert found.outcome == Outcome(Status.SUCCESS, 1.0, 1.0, "verifier_result.rewards")
    assert found.parts == tuple(TRIAL / name for name in ("agent", "config.json", "trial.log", "verifier"))


def test_the_result_of_a_whole_job_is_no_run() -> None:
    assert not harbor.recognise(Source(JOB / "result.json"))


def test_the_settings_of_a_whole_job_are_no_run() -> None:
    assert harbor.is_job({"job_name": "j", "jobs_dir": "jobs", "n_attempts": 1, "agents": [], "datasets": []})
    assert not harbor.is_job({"job_name": "j"})


def test_a_result_that_lies_among_other_files_owns_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    path = change(tmp_path, verifier_result=rewards(reward=0))
    assert read(path).parts == ()


@pytest.mark.parametrize(
    ("verified", "reward", "source"),
    [
        (rewards(reward=0.5), 0.5, "verifier_result.rewards"),
        (rewards(reward=0.0, style=1.0), 0.0, "verifier_result.rewards"),
        (rewards(accuracy=0.9), 0.9, "verifier_result.rewards accuracy"),
        (rewards(tests=1.0, style=0.25), 0.25, "verifier_result.rewards style"),
        ({"reward": 0.0}, 0.0, "verifier_result.rewards"),
    ],
)
def test_a_reward_below_one_is_a_failure(trial: Path, verified: Any, reward: float, source: str) -> None:
    assert read(change(trial, verifier_result=verified)).outcome == Outcome(Status.FAILURE, reward, 1.0, source)


@pytest.mark.parametrize("verified", [None, {}, {"rewards": None}, {"rewards": {}}, {"rewards": {"reward": "x"}}])
def test_a_trial_without_a_reward_is_unlabelled(trial: Path, verified: Any) -> None:
    assert read(change(trial, verifier_result=verified)).outcome.status is Status.UNLABELLED


@pytest.mark.parametrize(
    "kind",
    [
        "AgentSetupTimeoutError",
        "EnvironmentStartTimeoutError",
        "ApiRateLimitError",
        "NonZeroAgentExitCodeError",
        "RewardFileNotFoundError",
        "VerifierTimeoutError",
        "CancelledError",
        "DaytonaError",
    ],
)
def test_a_reward_says_nothing_where_the_trial_broke(trial: Path, kind: str) -> None:
    path = change(trial, verifier_result=rewards(reward=0.0), exception_info=raised(kind, "no container"))
    found = read(path)
    assert found.outcome == Outcome.broken(f"{kind}: no container", "exception_info", reward=0.0)
    assert found.trace.error == f"{kind}: no container"


@pytest.mark.parametrize("kind", ["AgentTimeoutError", "ContextWindowExceededError", "AgentSafetyRefusalError"])
def test_what_the_agent_ran_out_of_is_its_failure(trial: Path, kind: str) -> None:
    found = read(change(trial, verifier_result=rewards(reward=0.0), exception_info=raised(kind, "after 900 s")))
    assert found.outcome.status is Status.FAILURE
    assert (found.trace.error, found.trace.notes) == ("", (f"{kind}: after 900 s",))


def test_a_trial_that_broke_after_its_work_was_done_is_a_success(trial: Path) -> None:
    assert read(change(trial, exception_info=raised("CancelledError"))).outcome.status is Status.SUCCESS


def test_a_trial_without_a_log_is_broken(trial: Path) -> None:
    shutil.rmtree(trial / "agent")
    found = read(change(trial, verifier_result=rewards(reward=0.0)))
    assert found.outcome == Outcome.broken("no log of the agent in this trial", "agent/", reward=0.0)
    assert (found.trace.steps, found.trace.session) == ((), "hello-world__Ab3dE9")


def test_a_success_without_a_log_teaches_nothing(trial: Path) -> None:
    shutil.rmtree(trial / "agent")
    (refused,) = harbor.read(Source(trial / "result.json"))
    assert refused == Refused(
        "no log of the agent in this trial", parts=tuple(sorted(p for p in trial.iterdir() if p.name != "result.json"))
    )


LOGS = {
    "mini-swe-agent.trajectory.json": FIXTURES / "mini-swe-agent/v2/tools.traj.json",
    "swe-agent-output/calc__calc-12/calc__calc-12.traj": next((FIXTURES / "swe-agent").glob("*/*.traj")),
    "gemini-cli.trajectory.json": RUNS / "gemini/session-2025-10-29T10-36-453aa339.json",
    "sessions/projects/-app/one.jsonl": RUNS / "claude-code/full-session-two.jsonl",
    "sessions/2025/09/25/rollout-one.jsonl": next((RUNS / "codex").glob("*.jsonl")),
}


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("torn", [True, False])
def test_without_harbors_own_trajectory_the_agents_log_is_read(trial: Path, name: str, *, torn: bool) -> None:
    if torn:
        (trial / "agent/trajectory.json").write_text('{"schema_version": "ATIF-v1.5", "steps": [')
    else:
        (trial / "agent/trajectory.json").unlink()
    (trial / "agent" / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(LOGS[name], trial / "agent" / name)
    trace = read(trial / "result.json").trace
    assert trace.actions > 1
    assert trace.task == "hello-world"
    assert trace.notes == () or "is unknown" not in trace.notes[0]


def test_a_trajectory_without_a_step_of_the_agent_gives_way_to_another_log(trial: Path) -> None:
    log = json.loads((trial / "agent/trajectory.json").read_text())
    (trial / "agent/trajectory.json").write_text(
        json.dumps({**log, "steps": log["steps"][:1], "subagent_trajectories": []})
    )
    shutil.copy(LOGS["mini-swe-agent.trajectory.json"], trial / "agent/mini-swe-agent.trajectory.json")
    assert read(trial / "result.json").trace.request == "greet() greets nobody"


def test_the_log_of_a_sub_agent_is_not_the_agents(trial: Path) -> None:
    (trial / "agent/trajectory.json").unlink()
    inner = trial / "agent/sessions/projects/-app/one/subagents"
    inner.mkdir(parents=True)
    shutil.copy(RUNS / "claude-code/full-session-two.jsonl", inner / "agent-1.jsonl")
    shutil.copy(LOGS["mini-swe-agent.trajectory.json"], trial / "agent/run.json")
    assert read(trial / "result.json").trace.request == "greet() greets nobody"


def test_a_log_of_unknown_format_is_given_as_one_step(trial: Path) -> None:
    (trial / "agent/trajectory.json").unlink()
    (trial / "agent/claude-code.txt").unlink()
    (trial / "agent/aider.txt").write_text("\x1b[1mEditing\x1b[0m hello.txt\r\n")
    found = read(change(trial, verifier_result=rewards(reward=0.0)))
    (step,) = found.trace.steps
    assert step.calls[0].observation is not None
    assert (step.origin, step.calls[0].observation.text) == (Origin.AGENT, "Editing hello.txt\n")
    assert found.trace.notes == ("the format of aider.txt is unknown: what it shows is given as one step",)
    assert found.outcome.status is Status.FAILURE


def test_an_agent_that_was_not_installed_is_no_failure(trial: Path) -> None:
    (trial / "agent/trajectory.json").unlink()
    (trial / "agent/claude-code.txt").write_text("bash: line 1: claude: command not found\n")
    found = read(change(trial, verifier_result=rewards(reward=0.0)))
    assert found.outcome == Outcome.broken("claude: command not found", "claude-code.txt", reward=0.0)


def test_an_error_that_the_log_itself_tells_breaks_the_trial(trial: Path) -> None:
    log = json.loads((trial / "agent/trajectory.json").read_text())
    log["steps"].append({"step_id": 7, "source": "agent", "message": "API Error: 529 overloaded"})
    (trial / "agent/trajectory.json").write_text(json.dumps(log))
    found = read(change(trial, verifier_result=rewards(reward=0.0)))
    assert found.outcome == Outcome.broken("API Error: 529 overloaded", "the last step", reward=0.0)


def test_a_task_of_several_steps_is_one_run(trial: Path) -> None:
    for name in ("build", "test"):
        shutil.copytree(trial / "agent", trial / f"steps/{name}/agent")
        shutil.copytree(trial / "verifier", trial / f"steps/{name}/verifier")
    shutil.rmtree(trial / "agent")
    shutil.rmtree(trial / "verifier")
    counted = {"n_input_tokens": 10, "n_output_tokens": 2, "n_cache_tokens": 5, "cost_usd": 0.5}
    steps = [
        {"step_name": "build", "agent_result": counted},
        {"step_name": "test", "agent_result": counted, "exception_info": raised("ApiError", "503")},
    ]
    path = change(trial, agent_result=None, step_results=steps, verifier_result=rewards(reward=0.0))
    found = read(path)
    assert len(found.trace.steps) == 16
    assert found.trace.usage == Usage(20, 4, 10, 1.0)
    assert found.trace.error == "ApiError: 503"
    assert found.trace.artifacts[0].name == "steps/build/verifier/test-stdout.txt"


def test_without_harbors_sums_the_logs_count(trial: Path) -> None:
    assert read(change(trial, agent_result=None)).trace.usage == Usage(3000, 90, 800, 0.02)


def test_of_a_long_output_of_tests_the_end_is_kept(trial: Path) -> None:
    (trial / "verifier/test-stdout.txt").write_text("x" * 300_000 + "\n1 failed\n")
    (artifact, _) = read(trial / "result.json").trace.artifacts
    assert len(artifact.text) == 200_000
    assert artifact.text.endswith("\n1 failed\n")


def test_no_link_is_followed(trial: Path, tmp_path: Path) -> None:
    for name in ("agent", "verifier"):
        shutil.move(trial / name, tmp_path / name)
        (trial / name).symlink_to(tmp_path / name)
    found = read(change(trial, verifier_result=rewards(reward=0.0)))
    assert (found.trace.steps, found.trace.artifacts) == ((), ())


def test_a_torn_result_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(RESULT)[:-20])
    with pytest.raises(Damaged):
        list(harbor.read(Source(path)))


@pytest.mark.parametrize(
    "document",
    [
        {"task_name": "a", "trial_name": "b"},
        {"task_name": "a", "verifier_result": None},
        {"task_name": 1, "trial_name": "b", "agent_info": {}},
        {"n_total_trials": 1, "stats": {}},
        [RESULT],
        7,
    ],
)
def test_other_results_are_not_its_own(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(document))
    assert not harbor.recognise(Source(path))


def test_a_result_wrong_in_any_place_is_read_or_refused(trial: Path) -> None:
    document = {
        **RESULT,
        "exception_info": raised("ApiError"),
        "step_results": [{"step_name": "x", "agent_result": {}}],
    }
    for wrong in mutations(document):
        (trial / "result.json").write_text(json.dumps(wrong))
        source = Source(trial / "result.json")
        assert harbor.recognise(source) in {True, False}
        assert all(isinstance(item, Reading | Refused) for item in harbor.read(source))
