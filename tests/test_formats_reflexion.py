import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import reflexion
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Status
from gitskill.trace import Origin, Step
from mutations import mutations
from reading_runs import RUNS, outcomes, readings, written

SIMPLE, REFLECTED = (RUNS / "reflexion" / f"{name}_mbpp_py.jsonl" for name in ("simple", "reflexion"))


def row(**more: Any) -> dict[str, Any]:
    return {
        "name": "HumanEval_7_double",
        "language": "rs",
        "prompt": "fn double(n: i32) -> i32 {",
        "entry_point": "double",
        "test": "GOLD assert_eq!(double(2), 4)",
        "canonical_solution": "GOLD n * 2 }",
        "is_solved": True,
        "solution": "fn double(n: i32) -> i32 { n + n }",
    } | more


def only(folder: Path, *rows: Any, name: str = "run.jsonl") -> Reading:
    (found,) = readings(reflexion, written(folder / name, *rows))
    return found


def test_the_published_runs_have_the_outcomes_of_their_authors() -> None:
    assert outcomes(readings(reflexion, SIMPLE)) == {Status.SUCCESS: 318, Status.FAILURE: 79}
    assert outcomes(readings(reflexion, REFLECTED)) == {Status.SUCCESS: 306, Status.FAILURE: 91}


def test_a_row_is_a_problem_and_a_program() -> None:
    found = readings(reflexion, SIMPLE)[0]
    asked, wrote = found.trace.steps

    assert (found.place, found.outcome.source) == ("line 1", "is_solved")
    assert found.trace.task == "mbpp_234_volume_cube-py"
    assert found.trace.request == asked.text
    assert asked.text.startswith("def volume_cube(l: int) -> int:")
    assert wrote == Step(Origin.AGENT, found.trace.result)
    assert found.trace.result.endswith("return l ** 3")
    assert (found.trace.agent, found.trace.model) == ("reflexion", "")


def test_two_runs_of_a_problem_are_of_one_task_and_have_two_names() -> None:
    simple, reflected = readings(reflexion, SIMPLE), readings(reflexion, REFLECTED)

    assert {item.trace.task for item in simple} == {item.trace.task for item in reflected}
    assert not {item.trace.session for item in simple} & {item.trace.session for item in reflected}


def test_hidden_tests_are_never_given_away() -> None:
    for found in readings(reflexion, REFLECTED):
        assert not [text for step in found.trace.steps for _, text in step.texts() if "def check(candidate)" in text]


def test_reflections_on_attempts_that_are_not_in_the_log_stand_alone() -> None:
    found = next(item for item in readings(reflexion, REFLECTED) if item.trace.task.startswith("mbpp_584_"))
    _, *thoughts, last = found.trace.steps

    assert (len(thoughts), found.outcome.status) == (4, Status.FAILURE)
    assert all(step.thought and not step.text for step in thoughts)
    assert (last.text, last.thought) == (found.trace.result, "")
    assert found.trace.notes == ("the log does not say which attempt each reflection is about",)


def test_an_attempt_has_the_reflection_that_led_to_it_and_the_answer_of_its_tests(tmp_path: Path) -> None:
    more = {"implementations": ["one", "two"], "reflections": ["I was wrong."], "test_feedback": ["failed", "passed"]}
    found = only(tmp_path, row(**more, solution="two"))

    assert found.trace.steps[1:] == (
        Step(Origin.AGENT, "one"),
        Step(Origin.TOOL, "failed"),
        Step(Origin.AGENT, "two", "I was wrong."),
        Step(Origin.TOOL, "passed"),
    )
    assert found.trace.notes == ()
    assert not [text for step in found.trace.steps for _, text in step.texts() if "GOLD" in text]


def test_a_solution_that_is_none_of_the_attempts_comes_last(tmp_path: Path) -> None:
    found = only(tmp_path, row(implementations=["one"], test_feedback=[], solution="two"))

    assert [step.text for step in found.trace.steps[1:]] == ["one", "two"]


def test_reflections_of_several_passes_are_not_put_where_they_do_not_belong(tmp_path: Path) -> None:
    found = only(tmp_path, row(implementations=["1", "2", "3", "4"], reflections=["a", "b"], solution="4"))

    assert [(step.text, step.thought) for step in found.trace.steps[1:]] == [
        ("", "a"), ("", "b"), ("1", ""), ("2", ""), ("3", ""), ("4", "")
    ]  # fmt: skip


def test_a_problem_in_another_language_is_another_task(tmp_path: Path) -> None:
    assert only(tmp_path, row()).trace.task == "HumanEval_7_double-rs"
    assert only(tmp_path, row(language=None)).trace.task == "HumanEval_7_double"
    assert only(tmp_path, row(name=None, task_id="HumanEval/7", language=None)).trace.task == "HumanEval/7"
    assert only(tmp_path, row(name=None, language=None)).trace.task == "double"


def test_the_model_is_in_the_name_that_the_harness_gives_a_file(tmp_path: Path) -> None:
    name = "humaneval-py._reflexion_2_gpt-3.5-turbo_pass_at_k_1_py.jsonl"

    assert only(tmp_path, row(), name=name).trace.model == "gpt-3.5-turbo"


def test_a_row_without_a_program_has_no_step_of_the_agent(tmp_path: Path) -> None:
    found = only(tmp_path, row(solution="", is_solved=False))

    assert (found.trace.actions, found.outcome.status) == (0, Status.FAILURE)


def test_a_row_without_a_verdict_is_unlabelled(tmp_path: Path) -> None:
    assert only(tmp_path, row(is_solved=None)).outcome.status is Status.UNLABELLED


def test_rows_that_cannot_be_read_do_not_hide_the_others(tmp_path: Path) -> None:
    path = written(tmp_path / "run.jsonl", row(), row(solution=["assert f(1) == 1"]), row(prompt=None))
    path.write_text(path.read_text() + '{"torn": \n' + json.dumps(row()) + "\n")

    found = list(reflexion.read(Source(path)))

    assert [item.place for item in found] == [f"line {number}" for number in range(1, 6)]
    assert [item.reason.split(":")[0] for item in found if isinstance(item, Refused)] == [
        "the agent wrote tests, not a program (strategy test-acc)",
        "no `prompt` or no `is_solved` in this row",
        "line 4",
    ]


def test_a_problem_set_is_no_log_of_runs(tmp_path: Path) -> None:
    problem = {key: value for key, value in row().items() if key not in {"is_solved", "solution"}}

    assert not reflexion.recognise(Source(written(tmp_path / "problems.jsonl", problem, problem)))
    assert not reflexion.recognise(Source(written(tmp_path / "chat.jsonl", {"prompt": "x", "is_solved": True})))


def test_no_damage_in_a_row_does_more_than_damage_it(tmp_path: Path) -> None:
    valid = row(implementations=["one", "two"], reflections=["x"], test_feedback=["no", "yes"])
    for wrong in (*mutations(valid), None, [], "x", 7, [None], [[]]):
        source = Source(written(tmp_path / "wrong.jsonl", wrong, wrong))
        try:
            found = [*reflexion.read(source)] if reflexion.recognise(source) else []
        except Damaged:
            continue
        for item in found:
            assert isinstance(item, Refused) or all(
                "GOLD" not in text for s in item.trace.steps for _, text in s.texts()
            )


@pytest.mark.parametrize("text", ["", "\n\n", '{"prompt": "x", "is_sol'])
def test_a_file_that_holds_nothing_whole_is_damaged_or_not_ours(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)

    with pytest.raises(Damaged):
        reflexion.recognise(Source(path))


def test_a_problem_is_known_by_its_program_where_its_tests_are_named_otherwise(tmp_path: Path) -> None:
    told = {
        "name": "HumanEval_7",
        "language": "rs",
        "prompt": "fn",
        "tests": "GOLD",
        "solution": "x",
        "is_solved": True,
    }
    assert only(tmp_path, told).trace.task == "HumanEval_7-rs"
