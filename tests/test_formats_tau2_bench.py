import copy
import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import tau2_bench
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import Call, Observation, Origin, Step, Usage
from mutations import mutations
from reading_runs import FIXTURES, outcomes, readings

WHOLE = FIXTURES / "tau2-bench" / "airline.json"
SPLIT = FIXTURES / "tau2-bench" / "split"
ONE, VOICE = SPLIT / "simulations" / "aa11.json", SPLIT / "simulations" / "bb22.json"

CANCEL = "Reason for call: You want to cancel reservation ZX81QL."


@pytest.fixture
def document() -> Any:
    return json.loads(WHOLE.read_text())


def kept(folder: Path, document: Any) -> Path:
    path = folder / "runs.json"
    path.write_text(json.dumps(document))
    return path


def by_name(found: list[Reading]) -> dict[str, Reading]:
    return {item.trace.session: item for item in found}


def test_every_simulation_is_a_run() -> None:
    found = readings(tau2_bench, WHOLE)
    good = found[0]

    assert outcomes(found) == {Status.SUCCESS: 1, Status.FAILURE: 3, Status.INFRA_ERROR: 3, Status.UNLABELLED: 1}
    assert [item.place for item in found] == [f"[{which}]" for which in range(8)]
    assert (good.trace.task, good.trace.session) == ("tau2-airline-0", "s-good")
    assert (good.trace.agent, good.trace.model) == ("tau2-bench llm_agent", "gpt-4.1-mini")
    known = "Known info: You are Tamsin Vale. Your user id is tamsin_vale_100."
    assert good.trace.request.splitlines() == [CANCEL, known, "Task instructions: Be brief."]
    assert good.trace.result == "Your reservation is cancelled."
    assert good.outcome == Outcome.scored(1.0, "reward_info.reward")


def test_steps_have_their_origin_and_calls_their_answers() -> None:
    policy, hello, asked, looked, *_ = readings(tau2_bench, WHOLE)[0].trace.steps

    assert policy == Step(Origin.SYSTEM, "# Airline Agent Policy\nCancel only when the rules allow it.")
    assert (hello.origin, hello.text) == (Origin.AGENT, "Hi! How can I help you today?")
    assert (asked.origin, asked.time) == (Origin.USER, "2025-07-01T10:00:02.000Z")
    answer = Observation('{"reservation_id": "ZX81QL", "status": "booked"}')
    assert looked == Step(
        Origin.AGENT,
        thought="Look it up first.",
        calls=(Call("get_reservation_details", {"reservation_id": "ZX81QL"}, answer),),
        usage=Usage(200, 20, 128, 0.001),
        time="2025-07-01T10:00:01.000Z",
    )


def test_what_a_user_calls_is_no_call_of_the_agent() -> None:
    """Here with the id of the agent's own call, which has its answer already."""
    steps = readings(tau2_bench, WHOLE)[0].trace.steps

    assert [(step.origin, step.text) for step in steps[4:6]] == [
        (Origin.USER, '[calls check_calendar {"day": "monday"}]'),
        (Origin.TOOL, "free all day"),
    ]
    assert [call.name for step in steps for call in step.calls] == [
        "get_reservation_details",
        "cancel_reservation",
        "send_mail",
    ]


def test_several_answers_in_one_message_find_their_calls() -> None:
    calls = readings(tau2_bench, WHOLE)[0].trace.steps[6].calls

    assert [call.observation for call in calls] == [
        Observation("cancelled"),
        Observation("Error: no such tool", is_error=True),
    ]


def test_only_the_agent_s_own_use_counts() -> None:
    assert readings(tau2_bench, WHOLE)[0].trace.usage == Usage(600, 60, 128, 0.004)


def test_use_is_added_up_as_far_as_it_is_told(tmp_path: Path, document: Any) -> None:
    messages = document["simulations"][0]["messages"]
    messages[2]["usage"] = {"completion_tokens": 1}
    messages[6]["cost"] = None
    document["simulations"][0]["agent_cost"] = None

    used = readings(tau2_bench, kept(tmp_path, document))[0].trace.usage
    assert (used.input, used.output) == (400, 41)
    assert used.cost == pytest.approx(0.002)


def test_an_answer_that_names_nobody_is_for_the_agent(tmp_path: Path, document: Any) -> None:
    del document["simulations"][0]["messages"][3]["requestor"]

    assert readings(tau2_bench, kept(tmp_path, document))[0].trace == readings(tau2_bench, WHOLE)[0].trace


def test_cost_is_added_up_where_nobody_did_it(tmp_path: Path, document: Any) -> None:
    document["simulations"][0]["agent_cost"] = None

    cost = readings(tau2_bench, kept(tmp_path, document))[0].trace.usage.cost
    assert cost == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("name", "status", "source", "note"),
    [
        ("s-bad", Status.FAILURE, "reward_info.reward", ""),
        ("s-steps", Status.FAILURE, "reward_info.reward", ""),
        ("s-errors", Status.FAILURE, "reward_info.reward", ""),
        (
            "s-infra",
            Status.INFRA_ERROR,
            "termination_reason",
            "infrastructure_error: APIConnectionError: connection reset",
        ),
        ("s-null", Status.INFRA_ERROR, "termination_reason", "agent_error"),
        ("s-ungraded", Status.UNLABELLED, "", ""),
        ("s-grader", Status.INFRA_ERROR, "reward_info", "the grading broke: KeyError: 'flights'"),
    ],
)
def test_a_reward_of_0_is_no_failure_where_something_broke(name: str, status: Status, source: str, note: str) -> None:
    outcome = by_name(readings(tau2_bench, WHOLE))[name].outcome

    assert (outcome.status, outcome.source, outcome.note) == (status, source, note)


def test_what_ended_a_run_early_is_told() -> None:
    found = by_name(readings(tau2_bench, WHOLE))

    assert found["s-steps"].trace.notes == ("ended by max_steps",)
    assert found["s-infra"].trace.error == "infrastructure_error: APIConnectionError: connection reset"
    assert (found["s-good"].trace.notes, found["s-null"].trace.error) == ((), "")


@pytest.mark.parametrize("reason", ["user_error", "unexpected_error", "context_window_exceeded"])
def test_the_default_reward_of_a_run_that_broke_says_nothing(tmp_path: Path, document: Any, reason: str) -> None:
    document["simulations"][1]["termination_reason"] = reason
    document["simulations"][0]["termination_reason"] = reason

    good, bad, *_ = readings(tau2_bench, kept(tmp_path, document))
    assert (bad.outcome.status, bad.outcome.reward) == (Status.INFRA_ERROR, 0.0)
    assert good.outcome.status is Status.SUCCESS


def test_what_is_right_is_never_given_away() -> None:
    for found in (*readings(tau2_bench, WHOLE), *readings(tau2_bench, SPLIT / "results.json")):
        texts = [text for step in found.trace.steps for _, text in step.texts()]
        assert not [text for text in (*texts, found.trace.request, *found.trace.notes) if "GOLD" in text.upper()]


def test_a_task_whose_actions_were_not_the_ones_checked_is_not_believed(tmp_path: Path, document: Any) -> None:
    """Nor is any task of that file whose simulation was not checked."""
    for task, name in zip(document["tasks"], ("1", "0"), strict=True):
        task["id"] = name

    found = by_name(readings(tau2_bench, kept(tmp_path, document)))

    for name, words in (("s-good", "I want to cancel ZX81QL."), ("s-steps", "I want two bags on BB22CC.")):
        assert found[name].trace.request == words
        assert found[name].trace.notes[0].startswith("its task_id names another task")
    assert found["s-good"].trace.task == "tau2-airline-0"


def test_a_simulation_that_fits_its_task_is_believed_though_another_does_not(tmp_path: Path, document: Any) -> None:
    document["tasks"][1]["evaluation_criteria"]["actions"] = []
    found = by_name(readings(tau2_bench, kept(tmp_path, document)))

    assert found["s-good"].trace.request.splitlines()[0] == CANCEL
    assert found["s-bad"].trace.request == "I want two bags on BB22CC."


def test_an_agent_that_works_alone_is_asked_by_the_ticket(tmp_path: Path, document: Any) -> None:
    document["tasks"][0]["ticket"] = "Cancel ZX81QL for Tamsin."
    assert readings(tau2_bench, kept(tmp_path, document))[0].trace.request.splitlines()[0] == CANCEL

    document["info"]["agent_info"]["implementation"] = "llm_agent_solo"
    assert readings(tau2_bench, kept(tmp_path, document))[0].trace.request == "Cancel ZX81QL for Tamsin."


@pytest.mark.parametrize(
    ("told", "request_"), [("You are Tamsin.", "You are Tamsin."), (None, "I want to cancel ZX81QL.")]
)
def test_instructions_may_be_a_text_or_missing(tmp_path: Path, document: Any, told: Any, request_: str) -> None:
    document["tasks"][0]["user_scenario"]["instructions"] = told

    assert readings(tau2_bench, kept(tmp_path, document))[0].trace.request == request_


def test_simulations_in_files_of_their_own_are_read_with_what_they_share() -> None:
    found = readings(tau2_bench, SPLIT / "results.json")

    assert [(item.place, item.parts) for item in found] == [
        ("simulations/aa11.json", (ONE,)),
        ("simulations/bb22.json", (VOICE,)),
    ]
    assert outcomes(found) == {Status.SUCCESS: 1, Status.FAILURE: 1}


def test_such_a_file_alone_is_the_same_run() -> None:
    (alone,) = readings(tau2_bench, ONE)

    assert alone.trace == readings(tau2_bench, SPLIT / "results.json")[0].trace
    assert (alone.parts, alone.place) == ((SPLIT / "results.json",), "")


def test_a_simulation_without_what_it_shares_with_others_has_no_task(tmp_path: Path) -> None:
    path = tmp_path / "simulations" / "aa11.json"
    path.parent.mkdir()
    path.write_bytes(ONE.read_bytes())

    (found,) = readings(tau2_bench, path)
    assert (found.trace.task, found.trace.model, found.parts) == ("", "", ())
    assert found.trace.request == "I want to cancel ZX81QL."


def test_what_was_spoken_is_read_in_whole_turns() -> None:
    steps = readings(tau2_bench, VOICE)[0].trace.steps

    assert [(step.origin, step.text) for step in steps[1:]] == [
        (Origin.AGENT, "Good morning."),
        (Origin.USER, "Two bags please."),
        (Origin.AGENT, ""),
        (Origin.AGENT, "All done."),
    ]
    assert steps[3].calls[0].observation == Observation("ok")


def test_a_damaged_simulation_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "simulations").mkdir()
    (tmp_path / "results.json").write_bytes((SPLIT / "results.json").read_bytes())
    (tmp_path / "simulations" / "a.json").write_text(ONE.read_text()[:99])
    (tmp_path / "simulations" / "b.json").write_bytes(ONE.read_bytes())
    (tmp_path / "simulations" / "c.json").symlink_to(ONE)
    (tmp_path / "simulations" / "d.json").write_text("[]")

    found = list(tau2_bench.read(Source(tmp_path / "results.json")))

    assert [isinstance(item, Refused) for item in found] == [True, False, True, True]
    assert [item.parts for item in found] == [(tmp_path / "simulations" / f"{name}.json",) for name in "abcd"]
    assert [item.reason for item in found if isinstance(item, Refused)][1:] == [
        "a symbolic link",
        "neither `messages` nor `ticks` in this simulation",
    ]


def test_no_link_is_followed_to_simulations(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_bytes((SPLIT / "results.json").read_bytes())
    (tmp_path / "simulations").symlink_to(SPLIT / "simulations")

    with pytest.raises(Damaged, match="symbolic link"):
        list(tau2_bench.read(Source(tmp_path / "results.json")))


@pytest.mark.parametrize(
    "other",
    [
        {"info": {"agent_info": {}, "environment_info": {}}},
        {"tasks": [], "info": {}},
        {"task_id": 1, "messages": []},
        [{"task_id": 1, "termination_reason": "x", "messages": []}],
    ],
)
def test_neighbours_are_not_mistaken(tmp_path: Path, other: Any) -> None:
    assert not tau2_bench.recognise(Source(kept(tmp_path, other)))


def test_a_file_that_ends_too_early_is_damaged(tmp_path: Path, document: Any) -> None:
    path = kept(tmp_path, document)
    path.write_text(path.read_text()[:-99])

    with pytest.raises(Damaged, match="cut off"):
        list(tau2_bench.read(Source(path)))


def test_no_damage_in_a_document_does_more_than_damage_it(tmp_path: Path, document: Any) -> None:
    small = copy.deepcopy(document) | {"tasks": document["tasks"][:1], "simulations": document["simulations"][:1]}
    small["simulations"][0]["messages"] = small["simulations"][0]["messages"][2:8]
    voice = json.loads(VOICE.read_text())
    voice["ticks"] = voice["ticks"][2:5]
    for wrong in (*mutations(small), *mutations(voice), None, [], "x", 7, [None], [[]]):
        source = Source(kept(tmp_path, wrong))
        try:
            found = [*tau2_bench.read(source)] if tau2_bench.recognise(source) else []
        except Damaged:
            continue
        for item in found:
            assert isinstance(item, Refused) or not [x for s in item.trace.steps for _, x in s.texts() if "GOLD" in x]
