import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import intercode
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Status
from gitskill.trace import Call, Observation, Origin, Step
from mutations import mutations
from reading_runs import RUNS, outcomes, readings

BASH = RUNS / "intercode-bash"


def published(which: int) -> Path:
    return BASH / f"ic_bash_multiturn_gpt-4_10_turns_fs_{which}.json"


def episode(best: Any = 1.0, **history: Any) -> dict[str, Any]:
    turns = {"actions": ["SELECT 1"], "observations": ["[(1,)]"], "rewards": [best], "valid_action": [True]}
    return {
        "environment": "ic_sql",
        "dataset": "./data/sql/spider/ic_spider_dev.json",
        "task_id": 3,
        "query": "How many singers are there?",
        "turn_history": turns | history,
        "info": {"evaluation_observation": "GOLD", "eval_obs": "GOLD"},
        "hardness": "easy",
        "summary": {"max_reward": best, "max_reward_idx": 0, "turns_taken": 1, "turns_max": 10},
    }


def kept(folder: Path, document: Any, name: str = "ic_sql_multiturn_gpt-3.5-turbo_10_turns.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def only(folder: Path, document: Any) -> Reading:
    (found,) = readings(intercode, kept(folder, {"0": document}))
    return found


@pytest.mark.parametrize(("which", "good", "bad"), [(1, 25, 35), (2, 25, 28), (3, 31, 29), (4, 16, 11)])
def test_the_published_episodes_have_the_outcomes_of_their_authors(which: int, good: int, bad: int) -> None:
    assert outcomes(readings(intercode, published(which))) == {Status.SUCCESS: good, Status.FAILURE: bad}


def test_an_episode_is_a_question_and_a_command_at_every_turn() -> None:
    found = readings(intercode, published(1))[0]
    first, second, third, fourth = found.trace.steps

    assert (found.place, found.outcome.reward, found.outcome.source) == ("[0]", 1.0, "summary.max_reward")
    assert found.trace.request == first.text
    assert first.text.startswith("Calculate a list of duplicate md5 sum hashes")
    assert second == Step(
        Origin.AGENT,
        calls=(
            Call(
                "bash",
                {"command": 'find /testbed -type f -name "*.java" -exec md5sum {} + | sort | uniq -d -w 32'},
                Observation("f32a3a97638afeb2ee2a15cfe335ab72  /testbed/Hello.java\n", reward=0.8),
            ),
        ),
    )
    assert [call.observation.reward for step in (third, fourth) for call in step.calls if call.observation] == [
        0.81,
        1.0,
    ]
    assert found.trace.result == fourth.calls[0].arguments["command"]
    assert (found.trace.model, found.trace.agent) == ("gpt-4", "intercode")


def test_every_data_set_has_its_own_task_0() -> None:
    tasks = {reading.trace.task for which in (1, 2, 3, 4) for reading in readings(intercode, published(which))}

    assert len(tasks) == 200
    assert {"ic_bash-nl2bash_fs_1-0", "ic_bash-nl2bash_fs_2-0"} <= tasks


def test_commands_that_failed_are_marked() -> None:
    found = [reading for which in (1, 2, 3, 4) for reading in readings(intercode, published(which))]
    answers = [call.observation for item in found for step in item.trace.steps for call in step.calls]

    assert [len(answers), sum(answer.is_error for answer in answers if answer)] == [1176, 293]


def test_sql_is_read_as_bash_is_and_what_is_right_is_not_given_away(tmp_path: Path) -> None:
    found = only(tmp_path, episode())

    assert found.trace.task == "ic_sql-ic_spider_dev-3"
    assert found.trace.model == "gpt-3.5-turbo"
    assert found.trace.steps[1].calls == (Call("sql", {"command": "SELECT 1"}, Observation("[(1,)]", reward=1.0)),)
    assert not [text for step in found.trace.steps for _, text in step.texts() if "GOLD" in text]


def test_a_challenge_has_no_mark_of_validity_and_may_run_the_first_of_several_actions(tmp_path: Path) -> None:
    challenge = episode(best=-1, actions=[["ls", "cat flag"], "submit picoCTF{no}"], observations=["flag", "wrong"])
    challenge["turn_history"] |= {"rewards": [0, -1]}
    del challenge["turn_history"]["valid_action"]
    found = only(tmp_path, challenge | {"environment": "ctf_task_12"})

    assert found.outcome.status is Status.FAILURE
    assert [call.name for step in found.trace.steps for call in step.calls] == ["ctf", "ctf"]
    assert found.trace.steps[1].calls[0] == Call("ctf", {"command": "ls"}, Observation("flag", reward=0.0))
    assert found.trace.result == "submit picoCTF{no}"


@pytest.mark.parametrize(("action", "command"), [(None, ""), ("", ""), ([], ""), (7, "7")])
def test_an_empty_action_is_still_a_turn(tmp_path: Path, action: Any, command: str) -> None:
    found = only(tmp_path, episode(0, actions=[action], observations=["No code"], valid_action=[False]))

    answer = Observation("No code", is_error=True, reward=0.0)
    assert found.trace.steps[1].calls == (Call("sql", {"command": command}, answer),)


def test_what_the_server_refused_to_write_is_no_action_of_the_agent(tmp_path: Path) -> None:
    blocked = episode(0.2, actions=["SELECT 1", "blocked"], rewards=[0.2, 0])
    found = only(tmp_path, blocked)

    assert found.trace.actions == 1
    assert found.trace.notes == ("the model gave no further answer",)
    assert found.trace.result == "SELECT 1"


def test_a_command_that_says_blocked_and_got_an_answer_is_one(tmp_path: Path) -> None:
    assert only(tmp_path, episode(0, actions=["blocked"])).trace.actions == 1


def test_thoughts_stand_beside_the_actions_and_the_harness_own_one_is_left_out(tmp_path: Path) -> None:
    turns = {
        "thoughts": ["I look first.", "I am done.", "EXCEEDED MAX TURNS: submit"],
        "actions": ["execute[SHOW TABLES]", "submit", "submit"],
        "observations": ["[('singer',)]", "", ""],
        "rewards": [None, 0, 0],
        "valid_action": [True, True, True],
    }
    found = only(tmp_path, episode(0, **turns))

    assert [step.thought for step in found.trace.steps[1:]] == ["I look first.", "I am done."]
    assert found.trace.steps[1].calls[0].observation == Observation("[('singer',)]")
    assert found.trace.result == "execute[SHOW TABLES]"
    assert found.trace.notes == ("the harness submitted when no turn was left",)


def test_plan_and_solve_keeps_its_episodes_beside_its_settings(tmp_path: Path) -> None:
    planned = episode(steps=["Find the table."])
    (found,) = readings(intercode, kept(tmp_path, {"meta": {"env": "sql"}, "logs": {"5": planned}}))

    assert (found.place, found.trace.steps[1].thought) == ("[5]", "Find the table.")


def test_a_turn_of_which_nothing_is_told_has_no_answer(tmp_path: Path) -> None:
    found = only(tmp_path, episode(0, actions=["a", "b"], observations=["x", None], rewards=[None]))

    assert [step.calls[0].observation for step in found.trace.steps[1:]] == [Observation("x"), None]


@pytest.mark.parametrize("history", [{"actions": []}, {"rewards": []}, []])
def test_neighbours_are_not_mistaken(tmp_path: Path, history: Any) -> None:
    assert not intercode.recognise(Source(kept(tmp_path, {"0": {"query": "x", "turn_history": history}})))
    assert not intercode.recognise(Source(kept(tmp_path, {"0": {"turn_history": {"actions": [], "rewards": []}}})))


def test_an_episode_without_a_verdict_has_no_label(tmp_path: Path) -> None:
    assert only(tmp_path, episode() | {"summary": {}}).outcome.status is Status.UNLABELLED


def test_an_episode_without_turns_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    found = list(intercode.read(Source(kept(tmp_path, {"0": episode(), "1": {"turn_history": []}, "2": episode()}))))

    assert [isinstance(item, Refused) for item in found] == [False, True, False]
    assert found[1] == Refused("no list `actions` in the history of this episode", "[1]")


def test_a_file_that_ends_too_early_is_damaged(tmp_path: Path) -> None:
    path = kept(tmp_path, {"0": episode()})
    path.write_text(path.read_text()[:-9])

    with pytest.raises(Damaged, match="cut off"):
        list(intercode.read(Source(path)))


def test_no_damage_in_an_episode_does_more_than_damage_it(tmp_path: Path) -> None:
    valid = {"0": episode(thoughts=["t"]), "1": episode(0, actions=["blocked"], observations=[])}
    for wrong in (*mutations(valid), *mutations({"meta": {}, "logs": valid}), None, [], "x", 7, [[]], [valid]):
        source = Source(kept(tmp_path, wrong))
        try:
            found = [*intercode.read(source)] if intercode.recognise(source) else []
        except Damaged:
            continue
        for item in found:
            assert isinstance(item, Refused) or all(
                "GOLD" not in text for s in item.trace.steps for _, text in s.texts()
            )


def test_rows_of_sql_stay_rows(tmp_path: Path) -> None:
    steps = only(tmp_path, episode(observations=[[[1, "Joe"], [2, "Ann"]]])).trace.steps

    assert steps[1].calls[0].observation == Observation('[[1, "Joe"], [2, "Ann"]]', reward=1.0)
