import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import tau_bench
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Status
from gitskill.trace import Call, Observation, Origin, Step, leaves
from mutations import mutations
from reading_runs import RUNS, outcomes, readings, written

POLICY = {"role": "system", "content": "# Retail agent policy\n\nBe kind."}
HELLO = {"role": "user", "content": "Where is my order?"}


def run(*messages: Any, **more: Any) -> dict[str, Any]:
    told = {"instruction": "You are Ada.", "actions": [{"name": "GOLD", "kwargs": {}}], "outputs": ["GOLD"]}
    info = {"task": told, "source": "user", "reward_info": {"reward": 1.0, "actions": told["actions"]}}
    return {"task_id": 7, "reward": 1.0, "info": info, "traj": [POLICY, HELLO, *messages], "trial": 2} | more


def kept(folder: Path, *runs: Any, name: str = "runs.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(list(runs)))
    return path


def only(folder: Path, *runs: Any, name: str = "runs.json") -> Reading:
    (found,) = readings(tau_bench, kept(folder, *runs, name=name))
    return found


def test_the_published_runs_are_read_whole() -> None:
    found = readings(tau_bench, RUNS / "tau-bench" / "gpt-4o-airline.json")
    first = found[0].trace

    assert outcomes(found) == {Status.SUCCESS: 84, Status.FAILURE: 116}
    assert len({item.trace.task for item in found}) == 50
    assert len({item.trace.session for item in found}) == 200
    assert {item.trace.model for item in found} == {"gpt-4o"}
    assert (first.task, first.agent, first.format) == ("airline-0", "tau-bench", "tau-bench")
    assert first.request.startswith("You are mia_li_3668. You want to fly from New York to Seattle on May 20")
    assert [len(first.steps), first.actions] == [24, 15]
    assert (found[0].outcome.reward, found[0].outcome.source, found[0].place) == (0.0, "reward", "[0]")
    assert first.result.startswith("Your flight from New York (JFK) to Seattle (SEA) has been successfully booked.")


def test_a_call_has_its_arguments_and_its_answer() -> None:
    trace = readings(tau_bench, RUNS / "tau-bench" / "gpt-4o-airline.json")[0].trace
    calls = [call for step in trace.steps for call in step.calls]

    assert (calls[0].name, calls[0].arguments) == ("get_user_details", {"user_id": "mia_li_3668"})
    assert calls[0].observation is not None
    assert calls[0].observation.text.startswith('{"name": {"first_name": "Mia", "last_name": "Li"}')
    assert all(call.observation for call in calls)
    assert not [step for step in trace.steps if step.origin is Origin.TOOL]


def test_errors_that_the_environment_answers_are_marked() -> None:
    found = readings(tau_bench, RUNS / "tau-bench" / "gpt-4o-airline.json")
    answers = [call.observation for item in found for step in item.trace.steps for call in step.calls]

    failed = [answer.text for answer in answers if answer and answer.is_error]
    assert len(failed) == 73
    assert all(text.startswith("Error: ") for text in failed)


def test_agentrx_is_the_same_format_and_its_annotations_are_not() -> None:
    found = readings(tau_bench, RUNS / "agentrx" / "tau_retail_failed.json")

    assert outcomes(found) == {Status.FAILURE: 29}
    assert {item.trace.task.rpartition("-")[0] for item in found} == {"retail"}
    assert {item.trace.model for item in found} == {""}
    assert not tau_bench.recognise(Source(RUNS / "agentrx" / "tau_ground_truth.json"))


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt-4o-retail.json", "gpt-4o"),
        ("sonnet-35-new-airline.json", "sonnet-35-new"),
        ("tool-calling-gpt-4o-0.0_range_0--1_user-gpt-4-llm_0101010101.json", "gpt-4o"),
        ("react-claude-3-opus-1.0_range_0-5_user-gpt-4o-llm_0101010101.json", "claude-3-opus"),
        ("few-shot-retail-my-own-model-0.7_range_0--1_user-gpt-4o-llm_0101010101.json", "my-own-model"),
        ("failed-retail.json", ""),
        ("results.json", ""),
    ],
)
def test_the_model_is_read_from_a_name_that_tells_it(tmp_path: Path, name: str, model: str) -> None:
    assert only(tmp_path, run(), name=name).trace.model == model


@pytest.mark.parametrize(
    ("messages", "name", "task"),
    [
        ([POLICY], "gpt-4o-airline.json", "retail-7"),
        ([HELLO], "gpt-4o-airline.json", "airline-7"),
        ([{"role": "system", "content": "# Telecom Agent Policy"}], "runs.json", "telecom-7"),
        ([], "runs.json", "tau-7"),
        ([], "detailing.json", "tau-7"),
    ],
)
def test_a_task_is_named_by_its_domain(tmp_path: Path, messages: list[Any], name: str, task: str) -> None:
    assert only(tmp_path, run(traj=messages), name=name).trace.task == task


def test_the_right_actions_are_not_given_away(tmp_path: Path) -> None:
    trace = only(tmp_path, run()).trace

    assert trace.request == "You are Ada."
    assert not [text for step in trace.steps for _, text in step.texts() if "GOLD" in text]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"error": "RateLimitError: slow down", "traceback": "Traceback\nx"}, "RateLimitError: slow down"),
        ({"error": "", "traceback": "Traceback:\n  here\nAssertionError\n"}, "AssertionError"),
        ({"error": ""}, "an error without a message"),
    ],
)
def test_a_run_that_broke_is_no_failure(tmp_path: Path, error: dict[str, str], reason: str) -> None:
    found = only(tmp_path, run(reward=0.0, info=error, traj=[]))

    assert (found.outcome.status, found.outcome.note, found.outcome.reward) == (Status.INFRA_ERROR, reason, 0.0)
    assert (found.outcome.source, found.trace.error, found.trace.request) == ("info.error", reason, "")


def test_a_reward_is_1_but_for_rounding_or_it_is_no_success(tmp_path: Path) -> None:
    rewards: tuple[Any, ...] = (0.9999999, 0.99, None)
    found = readings(tau_bench, kept(tmp_path, *(run(reward=reward) for reward in rewards)))

    assert [item.outcome.status for item in found] == [Status.SUCCESS, Status.FAILURE, Status.UNLABELLED]


def test_actions_that_react_agents_write_as_text_are_calls(tmp_path: Path) -> None:
    steps = only(
        tmp_path,
        run(
            {
                "role": "assistant",
                "content": 'Thought:\nLook.\nAction:\n{"name": "get_order", "arguments": {"id": "W1"}}',
            },
            {"role": "user", "content": "API output: Error: order not found"},
            {"role": "assistant", "content": 'Action:\n{"name": "respond", "arguments": {"content": "Which order?"}}'},
            {"role": "user", "content": "API output: is what I read"},
            {"role": "assistant", "content": "Thought:\nHm.\nAction:\nI cannot."},
            {"role": "assistant", "content": 'Action:\n{"name": "get_order"}'},
            {"role": "assistant", "content": '{"name": "get_order", "arguments": {}}'},
        ),
    ).trace.steps

    answer = Observation("Error: order not found", is_error=True)
    assert steps[2:] == (
        Step(Origin.AGENT, thought="Look.", calls=(Call("get_order", {"id": "W1"}, answer),)),
        Step(Origin.AGENT, "Which order?"),
        Step(Origin.TOOL, "is what I read"),
        Step(Origin.AGENT, "Thought:\nHm.\nAction:\nI cannot."),
        Step(Origin.AGENT, 'Action:\n{"name": "get_order"}'),
        Step(Origin.AGENT, '{"name": "get_order", "arguments": {}}'),
    )


def test_the_first_turn_of_a_user_is_never_an_answer(tmp_path: Path) -> None:
    steps = only(tmp_path, run(traj=[{"role": "user", "content": "API output: hello"}])).trace.steps

    assert steps == (Step(Origin.USER, "API output: hello"),)


def test_runs_may_stand_on_lines_and_a_damaged_one_does_not_hide_the_others(tmp_path: Path) -> None:
    path = written(tmp_path / "runs.jsonl", run(), run(traj="gone"))
    with path.open("a") as file:
        file.write('{"torn": \n' + json.dumps(run()) + "\n")

    found = list(tau_bench.read(Source(path)))

    assert [item.place for item in found] == ["line 1", "line 2", "line 3", "line 4"]
    assert [isinstance(item, Refused) for item in found] == [False, True, True, False]
    assert isinstance(found[1], Refused)
    assert found[1].reason == "no list `traj` in this run"


def test_a_file_that_ends_too_early_is_damaged(tmp_path: Path) -> None:
    whole = kept(tmp_path, run(), run())
    whole.write_text(whole.read_text()[:-40])

    with pytest.raises(Damaged, match="cut off"):
        list(tau_bench.read(Source(whole)))


def test_no_damage_in_a_run_does_more_than_damage_it(tmp_path: Path) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "get", "arguments": '{"id": 1}'}}
    valid = [
        run(
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "name": "get", "content": "Error: none"},
            {"role": "assistant", "content": 'Action: {"name": "respond", "arguments": {"content": "x"}}'},
        )
    ]
    for wrong in (*mutations(valid), None, {}, "x", 7, [[]], [None], [[[]]]):
        path = tmp_path / "wrong.json"
        path.write_text(json.dumps(wrong))
        source = Source(path)
        try:
            found = [*tau_bench.read(source)] if tau_bench.recognise(source) else []
        except Damaged:
            continue
        assert all(isinstance(item.trace.task, str) for item in found if isinstance(item, Reading))
        assert not [
            x
            for item in found
            if isinstance(item, Reading)
            for s in item.trace.steps
            for x in leaves(s.text)
            if "GOLD" in x
        ]
