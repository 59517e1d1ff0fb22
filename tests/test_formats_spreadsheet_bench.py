import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import spreadsheet_bench
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Refused
from gitskill.formats.source import Source
from gitskill.outcome import Status
from gitskill.trace import Origin, Step
from mutations import mutations
from reading_runs import FIXTURES, readings, written

FOLDER = FIXTURES / "trace2skill"
RUNNER = FOLDER / "outputs" / "results.json"
GRADED = FOLDER / "outputs" / "eval_official_results.json"


def test_the_runners_answers_are_read_where_no_log_tells_of_the_run() -> None:
    """13-1 has a log, 92-1 has no answer."""
    deleted, bold = readings(spreadsheet_bench, RUNNER)

    assert (deleted.trace.task, bold.trace.task) == ("90-1", "91-1")
    assert bold.trace.steps == (Step(Origin.USER, "Bold the header."), Step(Origin.AGENT, "Header is bold."))
    assert (bold.trace.request, bold.trace.result, bold.trace.model) == (
        "Bold the header.",
        "Header is bold.",
        "qwen-test",
    )
    assert bold.trace.notes == (spreadsheet_bench.ONLY_ANSWER,)


def test_the_runners_success_is_no_label_and_failed_grading_says_nothing() -> None:
    deleted, bold = readings(spreadsheet_bench, RUNNER)

    assert bold.outcome.status is Status.UNLABELLED
    assert (deleted.outcome.status, deleted.outcome.note) == (Status.INFRA_ERROR, "Spreadsheet directory not found")


def test_an_exception_breaks_a_run(tmp_path: Path) -> None:
    case = {"agent_answer": "Error: 503", "error": "Exception during execution: 503", "input_file": "1_init.xlsx"}
    row = {"id": "1", "instruction": "Go.", "success": False, "error": "", "test_cases": [case]}
    path = written(tmp_path / "results.json", {"agent_name": "a", "model": "m", "results": [row]})

    (reading,) = readings(spreadsheet_bench, path)

    assert (reading.outcome.status, reading.trace.error) == (Status.INFRA_ERROR, "Exception during execution: 503")
    assert reading.trace.session == "1-1_init.xlsx"


@pytest.mark.parametrize(
    ("row", "status", "reward"),
    [
        ({"hard_score": 1, "soft_score": 1.0}, Status.SUCCESS, 1.0),
        ({"hard_score": 0, "soft_score": 0.67, "success": True}, Status.FAILURE, 0.0),
        ({"soft_score": 0.67}, Status.FAILURE, 0.67),
        ({"success": True}, Status.SUCCESS, None),
        ({"success": "x"}, Status.UNLABELLED, None),
    ],
    ids=str,
)
def test_the_hard_score_is_the_label(tmp_path: Path, row: Any, status: Status, reward: float | None) -> None:
    other = {"id": "0", "hard_score": 1}
    written(tmp_path / GRADED.name, {"summary": {}, "results": [other, row | {"id": 7}]})

    found = spreadsheet_bench.graded(Source(tmp_path / "log.md"), "7")

    assert found
    assert (found.outcome.status, found.outcome.reward) == (status, reward)
    assert found.path == tmp_path / GRADED.name


def test_graders_results_are_labels_and_no_runs() -> None:
    assert spreadsheet_bench.is_results(json.loads(GRADED.read_text()))
    assert not spreadsheet_bench.is_results(json.loads(RUNNER.read_text()))
    assert not spreadsheet_bench.recognise(Source(GRADED))


@pytest.mark.parametrize(
    "value", [None, [], {}, "x", 7, {"results": [1], "summary": 1}, {"results": {}, "summary": {}}]
)
def test_other_json_is_neither(tmp_path: Path, value: Any) -> None:
    assert not spreadsheet_bench.is_results(value)
    assert not spreadsheet_bench.recognise(Source(written(tmp_path / "x.json", value)))


def test_a_result_that_is_none_is_refused(tmp_path: Path) -> None:
    row = {"id": "1", "instruction": "Go.", "test_cases": [{"agent_answer": "Done."}]}
    path = written(tmp_path / "results.json", {"agent_name": "a", "model": "m", "results": [row, 7, {"id": "2"}]})

    _, *refused = spreadsheet_bench.read(Source(path))

    assert refused == [Refused("no list `test_cases` in this result", f"[{at}]") for at in (1, 2)]


def test_a_name_that_leads_elsewhere_is_looked_up_nowhere(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "x")
    document = json.loads(RUNNER.read_text())
    document["agent_name"] = "../../x/logs/cli_skill_agent"

    path = written(tmp_path / "x" / "outputs" / "results.json", document)

    assert [each.trace.task for each in readings(spreadsheet_bench, path)] == ["13-1", "90-1", "91-1"]


def test_results_that_are_wrong_in_one_place_raise_nothing_but_damaged(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    for origin in (RUNNER, GRADED):
        for wrong in mutations(json.loads(origin.read_text())):
            written(path, wrong)
            written(tmp_path / GRADED.name, wrong)
            source = Source(path)
            spreadsheet_bench.is_results(wrong)
            try:
                spreadsheet_bench.recognise(source)
                list(spreadsheet_bench.read(source))
            except Damaged:
                continue
