import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import terminal_bench
from gitskill.formats.inner import swe_reports
from gitskill.formats.inner.terminal import plain, recorded
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import UNKNOWN, Artifact, Call, Observation, Origin, Step, Usage
from mutations import mutations
from reading_runs import FIXTURES, outcomes, readings

RUN = FIXTURES / "terminal-bench/2026-01-01__10-00-00"
HELLO = RUN / "hello-world/hello-world.1-of-1.demo"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Copy the run, to be changed."""
    return Path(shutil.copytree(RUN, tmp_path / "run"))


def read(path: Path) -> Reading:
    (found,) = readings(terminal_bench, path)
    return found


def change(trial: Path, **values: Any) -> Path:
    path = trial / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return path


def test_a_run_gives_its_trials_with_their_folders_and_labels() -> None:
    found = readings(terminal_bench, RUN / "results.json")
    assert outcomes(found) == {Status.SUCCESS: 1, Status.INFRA_ERROR: 2, Status.FAILURE: 1}
    assert [item.trace.task for item in found] == ["hello-world", "fix-git", "crack-zip", "count-lines"]
    assert [item.place for item in found] == [f"results[{number}]" for number in range(4)]
    assert found[0].parts == (HELLO,)
    assert {item.trace.model for item in found} == {"anthropic/claude-sonnet-4-5"}


def test_what_is_said_of_a_whole_run_is_no_run() -> None:
    assert terminal_bench.is_metadata({"run_id": "r", "agent_name": "terminus", "output_path": "runs/r"})
    assert not terminal_bench.is_metadata({"run_id": "r"})


def test_a_trial_alone_is_read_as_it_is_in_its_run() -> None:
    found = read(HELLO / "results.json")
    trace = found.trace
    assert trace == readings(terminal_bench, RUN / "results.json")[0].trace
    assert (trace.agent, trace.session) == ("mini-swe-agent", "hello-world.1-of-1.demo")
    assert trace.request == "Write hello to hello.txt"
    assert trace.usage == UNKNOWN
    assert trace.artifacts == (
        Artifact("test-results.txt", "passed test_hello_file_exists\n"),
        Artifact("post-test.txt", "PASSED test_hello_file_exists\n"),
    )
    assert found.outcome == Outcome.judged(True, "is_resolved")
    assert found.parts == (HELLO / "commands.txt", HELLO / "panes", HELLO / "sessions")


def test_what_the_terminal_showed_is_one_step_without_its_escapes() -> None:
    assert read(HELLO / "results.json").trace.steps == (
        Step(Origin.USER, "Write hello to hello.txt"),
        Step(
            Origin.AGENT,
            calls=(
                Call(
                    "terminal",
                    {"commands": "['mini -t \"Write hello\"', 'Enter']\n"},
                    Observation("$ echo hello > hello.txt\n100%\n"),
                ),
            ),
            time="2026-01-01T10:00:05.000Z",
        ),
    )


def test_episodes_are_steps_that_the_next_prompt_answers() -> None:
    trace = readings(terminal_bench, RUN / "results.json")[3].trace
    first, second = trace.steps[1:]
    assert first.calls == (
        Call(
            "bash_command",
            {"keystrokes": "wc -l a.txt\n", "duration": 0.1},
            Observation("New Terminal Output:\n12 a.txt\n"),
        ),
    )
    assert (second.text, second.calls[0].observation) == ("I see twelve lines.", None)
    assert trace.usage == Usage(700, 60)


def test_an_agent_that_was_not_installed_is_no_failure() -> None:
    lost = readings(terminal_bench, RUN / "results.json")[1]
    assert lost.outcome == Outcome.broken("mini: command not found", "the terminal")
    assert lost.trace.error == "mini: command not found"
    assert lost.trace.artifacts[0].text == "failed test_merge\npassed test_log\n"


@pytest.mark.parametrize(
    ("resolved", "mode", "expected"),
    [
        (True, "unset", Status.SUCCESS),
        (True, "agent_timeout", Status.SUCCESS),
        (False, "unset", Status.FAILURE),
        (False, "agent_timeout", Status.FAILURE),
        (False, "context_length_exceeded", Status.FAILURE),
        (False, "unknown_agent_error", Status.INFRA_ERROR),
        (False, "agent_installation_failed", Status.INFRA_ERROR),
        (None, "agent_installation_failed", Status.INFRA_ERROR),
        (None, "parse_error", Status.INFRA_ERROR),
        (None, "unset", Status.INFRA_ERROR),
        ("yes", "unset", Status.INFRA_ERROR),
    ],
)
def test_a_verdict_counts_unless_the_harness_failed(run: Path, resolved: Any, mode: str, expected: Status) -> None:
    path = change(run / HELLO.relative_to(RUN), is_resolved=resolved, failure_mode=mode)
    assert read(path).outcome.status is expected


def test_a_trial_without_a_log_is_broken_and_a_success_without_one_is_refused(run: Path) -> None:
    trial = run / HELLO.relative_to(RUN)
    for path in (trial / "sessions", trial / "panes"):
        shutil.rmtree(path)
    (trial / "commands.txt").unlink()
    assert list(terminal_bench.read(Source(trial / "results.json"))) == [Refused(terminal_bench.NO_LOG)]
    failed = read(change(trial, is_resolved=False))
    assert failed.outcome == Outcome.broken(terminal_bench.NO_LOG, "the trial's folder")


def test_a_trial_of_the_run_without_a_folder_or_a_name_is_told(run: Path) -> None:
    shutil.rmtree(run / "count-lines")
    results = json.loads((run / "results.json").read_text())
    results["results"] += [7, {**results["results"][0], "task_id": "../hello-world"}]
    (run / "results.json").write_text(json.dumps(results))
    found = list(terminal_bench.read(Source(run / "results.json")))
    assert isinstance(found[3], Reading)
    assert found[3].outcome.note == terminal_bench.NO_LOG
    assert found[4] == Refused("no trial with a task, a name and a verdict", "results[4]")
    assert found[5] == Refused(terminal_bench.NO_LOG, "results[5]")


def test_the_log_of_the_terminal_comes_before_its_recording_and_the_last_screen_after(run: Path) -> None:
    trial = run / HELLO.relative_to(RUN)

    def shown() -> str:
        observation = read(trial / "results.json").trace.steps[1].calls[0].observation
        return observation.text if observation else ""

    (trial / "panes/post-agent.txt").write_text("screen\n")
    (trial / "sessions/agent.log").write_text("log\n")
    assert shown() == "log\n"
    (trial / "sessions/agent.log").unlink()
    (trial / "sessions/agent.cast").unlink()
    assert shown() == "screen\n"


def test_no_link_is_followed(run: Path) -> None:
    trial = run / HELLO.relative_to(RUN)
    shutil.move(trial / "sessions", run / "elsewhere")
    (trial / "sessions").symlink_to(run / "elsewhere")
    (call,) = read(trial / "results.json").trace.steps[1].calls
    assert call.observation is None


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("a\x1b[31mb\x1b[0mc", "abc"),
        ("\x1b]0;title\x07x\x1b]8;;http://a\x1b\\y", "xy"),
        ("\x1b(B\x1b=\x1b7z\x08", "z"),
        ("10%\r50%\r100%\r\ndone", "100%\ndone"),
        ("tab\tkept\n", "tab\tkept\n"),
        ("\x1b[", ""),
    ],
)
def test_escapes_are_left_out(shown: str, expected: str) -> None:
    assert plain(shown) == expected


def test_a_recording_of_the_first_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "agent.cast"
    path.write_text(json.dumps({"version": 1, "stdout": [[0.1, "a"], [0.2, "b\r\n"], 7, []]}))
    assert recorded(path) == "ab\n"


def test_a_torn_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text((RUN / "results.json").read_text()[:-30])
    with pytest.raises(Damaged):
        list(terminal_bench.read(Source(path)))


def test_its_results_are_no_report() -> None:
    assert not swe_reports.is_report(json.loads((RUN / "results.json").read_text()))


@pytest.mark.parametrize("document", [{"results": []}, {"results": [{"id": 1}]}, {"task_id": "a"}, [], None])
def test_other_results_are_not_its_own(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document))
    assert not terminal_bench.recognise(Source(path))


@pytest.mark.parametrize("name", ["results.json", "hello-world/hello-world.1-of-1.demo/results.json"])
def test_a_document_wrong_in_any_place_is_read_or_refused(run: Path, name: str) -> None:
    for wrong in mutations(json.loads((run / name).read_text())):
        (run / name).write_text(json.dumps(wrong))
        source = Source(run / name)
        assert terminal_bench.recognise(source) in {True, False}
        assert all(isinstance(item, Reading | Refused) for item in terminal_bench.read(source))


def test_a_recording_wrong_in_any_place_is_read(run: Path) -> None:
    cast = run / HELLO.relative_to(RUN) / "sessions/agent.cast"
    rows = [json.loads(line) for line in cast.read_text().splitlines()[:-1]]
    for wrong in mutations(rows):
        cast.write_text("".join(json.dumps(row) + "\n" for row in wrong))
        assert isinstance(recorded(cast), str)
