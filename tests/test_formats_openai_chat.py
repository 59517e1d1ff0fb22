import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import openai_chat
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import Call, Observation, Origin, Usage
from mutations import mutations
from reading_runs import outcomes, readings, written

ASKED = {"role": "user", "content": "Weather in Oslo?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
TOLD = {"role": "tool", "tool_call_id": "c1", "content": "Rain"}
SAID = {"role": "assistant", "content": "It rains."}
RULES = {"role": "system", "content": "Be brief."}
CHAT = [RULES, ASKED, CALLED, TOLD, SAID]


def verifiers(**row: Any) -> dict[str, Any]:
    packed = CALLED | {"tool_calls": [json.dumps(CALL)]}
    made = {"id": 3, "prompt": [RULES, ASKED], "completion": [packed, TOLD, SAID], "answer": "SECRET-GOLD"}
    return made | {"task": "weather-env", "info": {"gold": "SECRET-GOLD"}, "reward": 1.0, "generation_ms": 12.5} | row


def one(folder: Path, row: Any) -> Reading:
    (reading,) = readings(openai_chat, written(folder / "x.jsonl", row))
    return reading


def test_a_row_of_messages_is_a_run(tmp_path: Path) -> None:
    trace = one(tmp_path, {"messages": CHAT, "tools": [{"type": "function"}]}).trace

    assert (trace.request, trace.result, trace.task) == ("Weather in Oslo?", "It rains.", "")
    assert [step.origin.value for step in trace.steps] == ["system", "user", "agent", "agent"]
    assert trace.steps[2].calls == (Call("weather", {"city": "Oslo"}, Observation("Rain")),)


def test_a_bare_list_of_messages_is_one_run_also_with_a_message_on_each_line(tmp_path: Path) -> None:
    (document,) = readings(openai_chat, written(tmp_path / "a.json", CHAT))
    (lines,) = readings(openai_chat, written(tmp_path / "b.jsonl", *CHAT))

    assert document.trace == lines.trace == one(tmp_path / "c", {"messages": CHAT}).trace


def test_results_of_verifiers_hold_their_calls_as_text_and_a_gold_answer(tmp_path: Path) -> None:
    reading = one(tmp_path, verifiers())

    assert reading.trace.steps[2].calls == (Call("weather", {"city": "Oslo"}, Observation("Rain")),)
    assert (reading.trace.task, reading.trace.request) == ("weather-env-3", "Weather in Oslo?")
    assert (reading.outcome.status, reading.outcome.reward, reading.outcome.source) == (Status.SUCCESS, 1.0, "reward")
    assert "SECRET-GOLD" not in repr(reading)


def test_in_a_prompt_with_examples_the_last_question_is_the_request(tmp_path: Path) -> None:
    example = [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}]

    reading = one(tmp_path, verifiers(prompt=[*example, ASKED]))

    assert reading.trace.request == "Weather in Oslo?"


def test_parts_of_a_reward_do_not_speak_against_it(tmp_path: Path) -> None:
    assert one(tmp_path, verifiers(correct=0.0, score=0.2)).outcome.status is Status.SUCCESS
    assert one(tmp_path, verifiers(reward=1.2)).outcome == Outcome.scored(1.2, "reward")
    assert one(tmp_path, verifiers(reward=-0.5)).outcome.status is Status.FAILURE


def test_a_completion_without_roles_is_read(tmp_path: Path) -> None:
    trace = one(tmp_path, {"prompt": "Count to 2.", "completion": "1 2", "reward": 0}).trace

    assert [(step.origin, step.text) for step in trace.steps] == [
        (Origin.USER, "Count to 2."),
        (Origin.AGENT, "1 2"),
    ]


def test_a_request_with_its_response_is_read(tmp_path: Path) -> None:
    used = {"prompt_tokens": 50, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 40}}
    answered = {"model": "gpt-x-2025", "choices": [{"message": SAID}, {"message": RULES}], "usage": used}
    trace = one(tmp_path, {"request": {"model": "gpt-x", "messages": CHAT[:4]}, "response": answered}).trace

    assert (len(trace.steps), trace.result, trace.model) == (4, "It rains.", "gpt-x-2025")
    assert trace.usage == Usage(50, 7, 40)


def test_anthropics_response_counts_its_cache_apart(tmp_path: Path) -> None:
    used = {"input_tokens": 5, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 3, "output_tokens": 2}
    answered = {"role": "assistant", "content": [{"type": "text", "text": "It rains."}], "usage": used}
    request = {"model": "claude-x", "system": "Be brief.", "messages": [ASKED]}

    trace = one(tmp_path, {"request": request, "response": answered}).trace

    assert [step.origin.value for step in trace.steps] == ["system", "user", "agent"]
    assert trace.usage == Usage(48, 2, 40)


def test_an_error_of_the_server_breaks_a_run(tmp_path: Path) -> None:
    row = {"request": {"messages": [ASKED]}, "response": {"error": {"message": "overloaded", "code": 529}}}

    reading = one(tmp_path, row)

    assert (reading.trace.error, reading.outcome.status) == ("overloaded", Status.INFRA_ERROR)
    assert one(tmp_path / "b", {"messages": CHAT, "error": "x", "resolved": True}).outcome.status is Status.SUCCESS


def test_a_pair_of_preferences_is_no_run(tmp_path: Path) -> None:
    pair = {"input": {"messages": [ASKED]}, "preferred_output": [SAID], "non_preferred_output": [SAID]}
    path = written(tmp_path / "x.jsonl", pair, pair)

    assert openai_chat.recognise(Source(path))
    assert list(openai_chat.read(Source(path))) == [Refused(openai_chat.PAIR, f"line {at}") for at in (1, 2)]


@pytest.mark.parametrize(
    ("side", "status", "reward"),
    [
        ({"resolved": True}, Status.SUCCESS, None),
        ({"is_solved": False}, Status.FAILURE, None),
        ({"is_correct": True}, Status.SUCCESS, None),
        ({"passed": False}, Status.FAILURE, None),
        ({"reward": 1}, Status.SUCCESS, 1.0),
        ({"score": 0.5}, Status.FAILURE, 0.5),
        ({"score": "0.5"}, Status.FAILURE, 0.5),
        ({"outcome": "success"}, Status.SUCCESS, None),
        ({"label": "fail"}, Status.FAILURE, None),
        ({"outcome": "infra_error"}, Status.INFRA_ERROR, None),
        ({"success": True, "reward": 0.4}, Status.SUCCESS, 0.4),
        ({"metadata": {"success": False}}, Status.FAILURE, None),
        ({"score": 85}, Status.UNLABELLED, None),
        ({"reward": -1.5}, Status.UNLABELLED, None),
        ({"label": "positive"}, Status.UNLABELLED, None),
        ({"reward": 1, "score": 0.1}, Status.UNLABELLED, None),
        ({"success": None, "reward": {}}, Status.UNLABELLED, None),
        ({"weight": 1, "answer": True}, Status.UNLABELLED, None),
    ],
    ids=str,
)
def test_keys_beside_the_messages_label(
    tmp_path: Path, side: dict[str, Any], status: Status, reward: float | None
) -> None:
    outcome = one(tmp_path, {"messages": CHAT, **side}).outcome

    assert (outcome.status, outcome.reward) == (status, reward)


def test_a_label_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert (
        one(tmp_path, {"messages": CHAT, "score": 85}).outcome.note == "not clear whether the task was done: score 85"
    )


@pytest.mark.parametrize(
    ("side", "task"),
    [
        ({"task_id": "t-1", "id": "x"}, "t-1"),
        ({"instance_id": "django__1"}, "django__1"),
        ({"example_id": 4}, "4"),
        ({"id": 7}, "7"),
        ({"task": "sort", "id": 7}, "sort-7"),
        ({"task": "Write a program that sorts."}, ""),
        ({"metadata": {"task_id": "t-2"}}, "t-2"),
        ({"id": True}, ""),
    ],
    ids=str,
)
def test_keys_beside_the_messages_name_the_task(tmp_path: Path, side: dict[str, Any], task: str) -> None:
    assert one(tmp_path, {"messages": CHAT, **side}).trace.task == task


@pytest.mark.parametrize("key", ["session_id", "trace_id", "run_id", "conversation_id"])
def test_keys_beside_the_messages_name_the_session(tmp_path: Path, key: str) -> None:
    assert one(tmp_path, {"messages": CHAT, key: "s-1"}).trace.session == "s-1"


@pytest.mark.parametrize("messages", [[ASKED], CHAT[:2], [RULES]], ids=len)
def test_a_chat_in_which_the_agent_has_not_answered_is_broken_unless_it_is_labelled(
    tmp_path: Path, messages: list[Any]
) -> None:
    bare = one(tmp_path / "a", {"messages": messages}).outcome
    labelled = one(tmp_path / "b", {"messages": messages, "reward": 0}).outcome

    assert (bare.status, bare.note) == (Status.INFRA_ERROR, openai_chat.NO_STEP)
    assert labelled.status is Status.FAILURE


def test_a_chat_that_ends_with_the_user_is_a_run_all_the_same(tmp_path: Path) -> None:
    assert one(tmp_path, {"messages": [*CHAT, ASKED]}).outcome.status is Status.UNLABELLED


def test_a_damaged_row_and_one_without_messages_are_refused_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    rows = [json.dumps({"messages": CHAT, "reward": at}) for at in (0, 1)]
    path.write_text("\n".join([rows[0], '{"messages": [', '{"text": "x"}', rows[1]]))

    found = list(openai_chat.read(Source(path)))

    assert outcomes([each for each in found if isinstance(each, Reading)]) == {Status.SUCCESS: 1, Status.FAILURE: 1}
    assert [each.place for each in found] == ["line 1", "line 2", "line 3", "line 4"]
    assert [each.reason for each in found if isinstance(each, Refused)][1] == "no messages in this row"


def test_a_list_that_was_cut_off_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(CHAT)[:-20])

    with pytest.raises(Damaged):
        list(openai_chat.read(Source(path)))


def test_rows_that_are_wrong_in_one_place_raise_nothing_but_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    pair = {"request": {"messages": CHAT}, "response": {"choices": [{"message": SAID}], "usage": {"prompt_tokens": 1}}}
    for document in ([{"messages": CHAT, "metadata": {"success": True}}], [verifiers()], [pair], CHAT):
        for wrong in mutations(document):
            written(path, wrong)
            source = Source(path)
            try:
                openai_chat.recognise(source)
                list(openai_chat.read(source))
            except Damaged:
                continue


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        7,
        [[ASKED]],
        {"messages": []},
        {"messages": [{"type": "human", "text": "x"}]},
        {"role": "user"},
        {"prompt": [ASKED]},
        {"type": "user", "message": ASKED},
    ],
)
def test_other_json_is_no_chat(tmp_path: Path, value: Any) -> None:
    assert not openai_chat.recognise(Source(written(tmp_path / "x.json", value)))


LOOK = "I look.\n\n<function=bash>\n<parameter=command>cat a.py</parameter>\n</function>"
TAGGED = [
    RULES,
    ASKED,
    {"role": "assistant", "content": LOOK},
    {"role": "user", "content": "OBSERVATION:\nx = 1"},
    SAID,
]


@pytest.mark.parametrize(
    "answer",
    [
        {"role": "user", "content": "OBSERVATION:\nx = 1"},
        {"role": "user", "content": [{"type": "text", "text": "OBSERVATION:\nx = 1"}]},
        {"role": "user", "content": "EXECUTION RESULT of [bash]:\nx = 1"},
        {"role": "user", "content": "<tool_response>\nx = 1\n</tool_response>"},
        {"role": "tool", "content": "x = 1"},
    ],
)
def test_calls_that_were_written_into_the_text_are_calls_with_their_answers(tmp_path: Path, answer: Any) -> None:
    trace = one(tmp_path, {"messages": [*TAGGED[:3], answer, SAID]}).trace

    assert [step.origin.value for step in trace.steps] == ["system", "user", "agent", "agent"]
    assert trace.steps[2].text == "I look."
    assert trace.steps[2].calls == (Call("bash", {"command": "cat a.py"}, Observation("x = 1")),)


def test_calls_in_tags_of_json_are_read_each_with_its_own_answer(tmp_path: Path) -> None:
    said = "".join(
        f'<tool_call>\n{{"name": "weather", "arguments": {{"city": "{city}"}}}}\n</tool_call>' for city in "AB"
    )
    told = "".join(f"<tool_response>\n{word}\n</tool_response>\n" for word in ("Rain", "Sun"))
    messages = [ASKED, {"role": "assistant", "content": said}, {"role": "user", "content": told}, SAID]
    trace = one(tmp_path, {"messages": messages}).trace

    assert trace.steps[1].text == ""
    assert trace.steps[1].calls == (
        Call("weather", {"city": "A"}, Observation("Rain")),
        Call("weather", {"city": "B"}, Observation("Sun")),
    )


def test_words_of_the_user_after_a_call_in_the_text_stay_the_user_s(tmp_path: Path) -> None:
    trace = one(tmp_path, {"messages": [*TAGGED[:3], {"role": "user", "content": "Stop that."}, SAID]}).trace

    assert [step.text for step in trace.steps[3:]] == ["Stop that.", "It rains."]
    assert trace.steps[2].calls[0].observation is None


@pytest.mark.parametrize(
    "row",
    [
        {"messages": json.dumps(TAGGED), "instance_id": "a__b-1", "resolved": True},
        {"trajectory": TAGGED, "instance_id": "a__b-1", "resolved": 1},
        {
            "conversations": [
                {
                    "from": {"user": "human", "assistant": "gpt"}.get(each["role"], each["role"]),
                    "value": each["content"],
                }
                for each in TAGGED
            ],
            "instance_id": "a__b-1",
            "resolved": True,
        },
    ],
)
def test_messages_are_found_as_data_sets_keep_them(tmp_path: Path, row: Any) -> None:
    reading = one(tmp_path, row)

    assert (reading.trace.task, reading.outcome.status) == ("a__b-1", Status.SUCCESS)
    assert reading.trace.steps == one(tmp_path, {"messages": TAGGED}).trace.steps


def test_an_answer_that_lists_its_call_is_found(tmp_path: Path) -> None:
    told = {"role": "tool", "tool_call_ids": ["c1"], "content": [{"type": "text", "text": "Rain"}]}
    trace = one(tmp_path, {"messages": [ASKED, CALLED, told, SAID]}).trace

    assert trace.steps[1].calls == (Call("weather", {"city": "Oslo"}, Observation("Rain")),)


def test_calls_as_claude_writes_them_are_read_with_the_thought_before_them(tmp_path: Path) -> None:
    said = "<think>\nHm.\n</think>\nI look.\n<function_calls>\n"
    said += '<invoke name="bash">\n<parameter name="command">ls</parameter>\n</invoke>\n</function_calls>'
    told = {"role": "user", "content": "<function_results>\na.py\n</function_results>"}
    trace = one(tmp_path, {"messages": [ASKED, {"role": "assistant", "content": said}, told, SAID]}).trace

    assert (trace.steps[1].thought, trace.steps[1].text) == ("Hm.", "I look.")
    assert trace.steps[1].calls == (Call("bash", {"command": "ls"}, Observation("a.py")),)


@pytest.mark.parametrize("said", ["Write <function=x y> so.", "Use <tool_call>these</tool_call>", "<tool_call>{}"])
def test_tags_that_are_no_calls_stay_text(tmp_path: Path, said: str) -> None:
    trace = one(tmp_path, {"messages": [ASKED, {"role": "assistant", "content": said}]}).trace

    assert (trace.steps[1].text, trace.steps[1].calls) == (said, ())


def test_more_in_an_answer_than_results_is_kept_whole(tmp_path: Path) -> None:
    told = {"role": "user", "content": "<tool_response>x</tool_response>\nBe quick."}
    trace = one(tmp_path, {"messages": [*TAGGED[:3], told, SAID]}).trace

    assert trace.steps[2].calls[0].observation == Observation(told["content"])


def test_a_text_of_thousands_of_tags_is_read_in_no_time(tmp_path: Path) -> None:
    said = "<tool_call>{<function=f><tool_response>" * 20_000
    messages = [ASKED, {"role": "assistant", "content": said}, {"role": "user", "content": said}]
    assert len(one(tmp_path, {"messages": messages}).trace.steps) == 2


def test_messages_beside_a_logged_answer_are_the_request(tmp_path: Path) -> None:
    reading = one(tmp_path, {"messages": [ASKED], "response": {"choices": [{"message": SAID}], "model": "m"}})

    assert (reading.trace.result, reading.outcome.status) == ("It rains.", Status.UNLABELLED)


def test_a_chat_that_ends_in_a_result_did_take_a_step(tmp_path: Path) -> None:
    assert one(tmp_path, {"messages": TAGGED[:4]}).outcome.status is Status.UNLABELLED


def test_what_verifiers_says_of_a_whole_evaluation_is_no_run() -> None:
    assert openai_chat.is_metadata({"env": "wordle", "model": "m", "num_examples": 5, "rollouts_per_example": 3})
    assert not openai_chat.is_metadata({"model": "m"})
