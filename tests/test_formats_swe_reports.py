import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats.inner.swe_reports import is_report, label, outcome
from gitskill.formats.source import Source
from gitskill.formats.table import is_label_file
from gitskill.outcome import UNLABELLED, Outcome, Status
from mutations import mutations
from reading_runs import RUNS, written

ONE = "calc__calc-1"


def put(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def run(folder: Path, name: str = f"trajs/{ONE}/{ONE}.traj.json") -> Source:
    return Source(put(folder / name, {}))


def test_the_real_layouts_give_every_run_its_label() -> None:
    logs = [*RUNS.glob("swe-agent/trajectories/*/*.traj"), *RUNS.glob("mini-swe-agent/trajs/*/*.traj.json")]
    found = sorted((path.parts[len(RUNS.parts)], label(Source(path), path.parent.name).status) for path in logs)
    assert found == [
        *[("mini-swe-agent", Status.FAILURE)] * 6,
        *[("mini-swe-agent", Status.SUCCESS)] * 6,
        *[("swe-agent", Status.FAILURE)] * 1,
        *[("swe-agent", Status.SUCCESS)] * 2,
    ]


@pytest.mark.parametrize(
    "place",
    [
        f"trajs/{ONE}/report.json",
        f"logs/{ONE}/report.json",
        f"trajs/eval/{ONE}/report.json",
        f"run_evaluation/{ONE}/report.json",
        f"evaluation/gpt-5/{ONE}/report.json",
        f"logs/run_evaluation/run1/gpt-5/{ONE}/report.json",
        f"reports/run1/{ONE}/report.json",
    ],
)
@pytest.mark.parametrize("document", [{"resolved": True}, {ONE: {"resolved": True, "patch_exists": True}}])
def test_a_report_on_the_instance_is_found_in_the_places_of_graders(
    tmp_path: Path, place: str, document: dict[str, Any]
) -> None:
    source = run(tmp_path)
    put(tmp_path / place, document)
    assert label(source, ONE) == Outcome.judged(True, "report.json resolved")


@pytest.mark.parametrize("name", ["report.json", "final_report.json", "results.json", "preds.json", "gpt-5.run1.json"])
@pytest.mark.parametrize("level", ["", "trajs/", f"trajs/{ONE}/"])
def test_a_summary_is_found_in_the_folders_above(tmp_path: Path, name: str, level: str) -> None:
    source = run(tmp_path)
    put(tmp_path / level / name, {"resolved_ids": ["calc__calc-2"], "unresolved_ids": [ONE]})
    assert label(source, ONE) == Outcome.judged(False, f"{name} unresolved_ids")


@pytest.mark.parametrize(
    ("summary", "status", "key"),
    [
        ({"resolved_ids": [ONE], "error_ids": [ONE]}, Status.SUCCESS, "resolved_ids"),
        ({"ids_resolved": [ONE], "resolved": 1}, Status.SUCCESS, "ids_resolved"),
        ({"ids_unresolved": [ONE], "resolved": 0}, Status.FAILURE, "ids_unresolved"),
        ({"resolved": [ONE], "applied": [ONE]}, Status.SUCCESS, "resolved"),
        ({"resolved": [], "applied": [ONE]}, Status.FAILURE, ": not among the resolved"),
        ({"resolved_ids": [], "empty_patch_ids": [ONE]}, Status.FAILURE, "empty_patch_ids"),
        ({"resolved": [], "no_generation": [ONE]}, Status.FAILURE, "no_generation"),
        ({"resolved": [], "none": [ONE], "generated": []}, Status.FAILURE, "none"),
        ({"resolved_ids": [], "error_ids": [ONE]}, Status.INFRA_ERROR, "error_ids"),
        ({"resolved_ids": [], "unresolved_ids": [ONE], "error_ids": [ONE]}, Status.FAILURE, "unresolved_ids"),
        ({"resolved_per_project": {"calc": [ONE]}}, Status.SUCCESS, "resolved_per_project"),
        ({"resolved": {"calc": [ONE]}}, Status.SUCCESS, "resolved"),
        ({"resolved_ids": [], "incomplete_ids": [ONE]}, Status.UNLABELLED, ""),
        ({"resolved_ids": ["calc__calc-11"]}, Status.UNLABELLED, ""),
        ({"resolved_ids": 7, "resolved": None}, Status.UNLABELLED, ""),
    ],
)
def test_every_shape_of_summary_is_read(tmp_path: Path, summary: dict[str, Any], status: Status, key: str) -> None:
    source = run(tmp_path)
    put(tmp_path / "final_report.json", summary)
    found = label(source, ONE)
    assert found.status is status
    assert found.source == (f"final_report.json {key}".replace(" :", ":") if key else "")


def test_a_verdict_without_a_name_counts_only_beside_the_log_or_in_the_instances_folder(tmp_path: Path) -> None:
    source = run(tmp_path)
    put(tmp_path / "report.json", {"resolved": True})
    put(tmp_path / "trajs/report.json", {"resolved": True})
    assert label(source, ONE) == UNLABELLED


def test_a_report_on_the_instance_comes_before_a_summary_and_a_near_one_before_a_far_one(tmp_path: Path) -> None:
    source = run(tmp_path)
    put(tmp_path / "report.json", {"resolved_ids": [ONE]})
    put(tmp_path / f"logs/{ONE}/report.json", {"resolved": True})
    put(tmp_path / f"trajs/logs/{ONE}/report.json", {"resolved": False})
    assert label(source, ONE).status is Status.FAILURE


@pytest.mark.parametrize(("run_name", "status"), [("run2", Status.FAILURE), ("run1", Status.SUCCESS)])
def test_of_several_runs_that_counts_whose_name_the_log_lies_under(
    tmp_path: Path, run_name: str, status: Status
) -> None:
    source = run(tmp_path, f"{run_name}/{ONE}/{ONE}.traj")
    put(tmp_path / f"logs/run_evaluation/run1/gpt-5/{ONE}/report.json", {ONE: {"resolved": True}})
    put(tmp_path / f"logs/run_evaluation/run2/gpt-5/{ONE}/report.json", {ONE: {"resolved": False}})
    assert label(source, ONE).status is status


def test_reports_of_several_runs_that_disagree_label_nothing(tmp_path: Path) -> None:
    source = run(tmp_path)
    put(tmp_path / f"eval/run1/{ONE}/report.json", {"resolved": True})
    put(tmp_path / f"eval/run2/{ONE}/report.json", {"resolved": False})
    assert label(source, ONE) == Outcome(note="2 reports of different runs disagree on it")


def test_summaries_of_several_models_that_disagree_label_nothing(tmp_path: Path) -> None:
    source = run(tmp_path)
    put(tmp_path / "gpt-4.run.json", {"resolved_ids": [ONE]})
    put(tmp_path / "gpt-5.run.json", {"unresolved_ids": [ONE]})
    assert label(source, ONE).status is Status.UNLABELLED


def test_a_folder_of_many_json_files_is_not_searched_for_summaries(tmp_path: Path) -> None:
    source = run(tmp_path)
    for number in range(11):
        put(tmp_path / f"{number}.json", {"resolved_ids": [ONE]})
    assert label(source, ONE) == UNLABELLED


def test_a_file_too_large_for_a_report_is_none(tmp_path: Path) -> None:
    source = run(tmp_path)
    put(tmp_path / "report.json", {"padding": "x" * 8_000_000, "resolved_ids": [ONE]})
    assert label(source, ONE) == UNLABELLED


@pytest.mark.parametrize("linked", ["logs", f"logs/{ONE}", f"logs/{ONE}/report.json"])
def test_no_link_is_followed(tmp_path: Path, linked: str) -> None:
    real = put(tmp_path / f"elsewhere/logs/{ONE}/report.json", {"resolved": True}).parents[2]
    source = run(tmp_path, f"here/trajs/{ONE}/{ONE}.traj")
    link = tmp_path / "here" / linked
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(real / linked)
    assert label(source, ONE) == UNLABELLED


@pytest.mark.parametrize("instance", ["..", "../calc__calc-1", "a/b", "", ".git", "x" * 300, "a\0b"])
def test_a_name_that_is_no_plain_name_leads_nowhere(tmp_path: Path, instance: str) -> None:
    source = run(tmp_path)
    put(tmp_path / "report.json", {"resolved_ids": [instance]})
    assert label(source, instance) == UNLABELLED


@pytest.mark.parametrize("text", ["", "{", '{"resolved": tru', "[]", "7", '"resolved"', "\0resolved"])
def test_a_damaged_report_is_no_report(tmp_path: Path, text: str) -> None:
    source = run(tmp_path)
    (tmp_path / f"trajs/{ONE}/report.json").write_text(text)
    put(tmp_path / "results.json", {"resolved_ids": [ONE]})
    assert label(source, ONE) == Outcome.judged(True, "results.json resolved_ids")


def test_a_report_wrong_in_any_place_is_read_or_passed_over(tmp_path: Path) -> None:
    source = run(tmp_path)
    document = {ONE: {"resolved": True}, "resolved_ids": [ONE], "resolved": {"calc": [ONE]}, "error_ids": [ONE]}
    for wrong in mutations(document):
        put(tmp_path / "report.json", wrong)
        assert isinstance(label(source, ONE), Outcome)
        assert is_report(wrong) in {True, False}


def test_a_broken_run_is_broken_unless_its_report_calls_it_a_success(tmp_path: Path) -> None:
    source = run(tmp_path)
    put(tmp_path / "report.json", {"resolved_ids": [ONE], "unresolved_ids": ["calc__calc-2"]})
    assert outcome(source, ONE, "exit_api", "info").status is Status.SUCCESS
    assert outcome(source, "calc__calc-2", "exit_api", "info") == Outcome.broken("exit_api", "info")
    assert outcome(source, "calc__calc-2", "", "info").status is Status.FAILURE


@pytest.mark.parametrize(
    "document",
    [
        {"resolved": True, "tests_status": {}},
        {ONE: {"resolved": False}},
        {"total_instances": 3, "resolved_ids": []},
        {"ids_resolved": [], "ids_unresolved": []},
        {"resolved": [], "no_generation": []},
        {ONE: {"instance_id": ONE, "model_name_or_path": "gpt-5", "model_patch": ""}},
        [{"instance_id": ONE, "model_patch": ""}],
        [{"instance_id": ONE, "statuses": ["generated", "applied"], "stats": {}}],
    ],
)
def test_reports_and_predictions_are_told_from_runs(document: Any) -> None:
    assert is_report(document)


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        [],
        [7],
        {"messages": [], "resolved": True},
        {"trajectory": [], "info": {}},
        {"results": [], "resolved_ids": []},
        {"a": {"b": 1}},
        {"resolved": 3},
        [{"model_patch": "", "messages": []}],
    ],
)
def test_runs_and_other_documents_are_no_reports(document: Any) -> None:
    assert not is_report(document)


@pytest.mark.parametrize(
    ("summary", "status"),
    [
        ({"resolved": ["calc__calc-2"], "no_generation": [], "no_logs": []}, Status.FAILURE),
        ({"resolved": [], "no_generation": [], "no_logs": []}, Status.UNLABELLED),
        ({"resolved": ["calc__calc-2"], "applied": []}, Status.UNLABELLED),
    ],
)
def test_what_a_summary_of_a_submission_does_not_name_has_failed(tmp_path: Path, summary: Any, status: Status) -> None:
    put(tmp_path / "results/results.json", summary)
    assert label(run(tmp_path), ONE).status is status


def test_predictions_on_lines_are_no_runs(tmp_path: Path) -> None:
    path = written(
        tmp_path / "all_preds.jsonl", *[{"instance_id": ONE, "model_patch": "", "model_name_or_path": "m"}] * 2
    )
    assert is_label_file(Source(path))
