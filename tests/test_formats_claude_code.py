"""Claude Code's session log: what was recorded, the tree, the answers in pieces, what broke."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_log import SESSION, Json, agent, reading, record, returned, texts, use, user
from gitskill.formats import claude_code
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Status
from gitskill.trace import Origin, Trace, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, outcomes, readings, written

RECORDED = RUNS / "claude-code"
MADE = FIXTURES / "claude-code" / "5f0c9d1e-7a31-4c55-9b0e-2f6a1d3c8e77.jsonl"


def recorded(name: str) -> Trace:
    (found,) = readings(claude_code, RECORDED / name)
    return found.trace


def test_a_recorded_session_has_its_request_behind_a_local_command() -> None:
    trace = recorded("full-session-two.jsonl")
    assert trace.request.startswith("please move the + button to it's own button to the right of the search in @apps")
    assert [step.origin for step in trace.steps[:4]] == [Origin.SYSTEM, Origin.SYSTEM, Origin.USER, Origin.AGENT]
    assert trace.steps[1].text == "/clear"
    assert (len(trace.steps), trace.actions) == (19, 11)
    assert trace.agent == "claude-code 2.0.26"
    assert trace.model == "claude-sonnet-4-5-20250929"
    assert trace.session == "8a2518dd-ff41-4d5f-83a1-407b03598cc6"
    assert trace.result.startswith("Done! I've changed the button variant")
    assert trace.notes == ()


def test_an_answer_in_three_records_is_one_step_and_its_usage_counts_once() -> None:
    trace = recorded("full-session-two.jsonl")
    step = trace.steps[3]
    assert step.text.startswith("I'll help you move")
    assert [call.arguments["file_path"].rpartition("/")[2] for call in step.calls] == [
        "CommandMenu.tsx",
        "NewSessionButton.tsx",
    ]
    assert [call.observation is not None and call.observation.text[:20] for call in step.calls] == [
        '     1→"use client";',
        "     1→import { useN",
    ]
    assert step.usage == Usage(23964, 7, 13168)
    assert trace.usage == Usage(371011, 107, 307871)
    assert step.time == "2025-10-24T20:54:43.031Z"


def test_an_interruption_is_the_users_and_a_refused_call_is_an_error() -> None:
    steps = recorded("full-session-two.jsonl").steps
    assert (steps[4].origin, steps[4].text) == (Origin.USER, "[Request interrupted by user]")
    refused = steps[8].calls[0].observation
    assert refused is not None
    assert refused.text.startswith("The user doesn't want to proceed")
    assert (refused.is_error, refused.exit_code) == (True, None)


def test_the_last_usage_of_an_answer_counts_and_a_command_that_ended_has_an_exit_code() -> None:
    trace = recorded("full-session-three.jsonl")
    step = trace.steps[5]
    assert [call.name for call in step.calls] == ["Bash", "Read", "Bash"]
    assert [call.observation and call.observation.exit_code for call in step.calls] == [0, None, 0]
    assert step.calls[2].arguments == {"command": "ls -la", "description": "List root directory contents"}
    assert trace.steps[6].usage.output == 210  # the records before say 25
    assert [call.observation for call in trace.steps[11].calls] == [None, None, None]
    assert trace.usage == Usage(208328, 833, 185540)


def test_titles_of_other_sessions_are_no_part_of_a_run() -> None:
    trace = recorded("full-session-five.jsonl")
    assert trace.request == "search the web for the claude code response types"
    assert (len(trace.steps), trace.session) == (4, "10cd5911-8704-4996-9e33-32010589c357")


def test_recorded_sessions_have_no_label() -> None:
    found = [item for path in sorted(RECORDED.glob("*.jsonl")) for item in readings(claude_code, path)]
    assert outcomes(found) == {Status.UNLABELLED: 4}
    assert {item.outcome for item in found} == {UNLABELLED}


def test_thoughts_calls_and_answers_of_one_message_come_together_though_they_branch() -> None:
    (found,) = readings(claude_code, MADE)
    first = found.trace.steps[1]
    assert (first.thought, first.text) == ("Two things at once.", "I look at the test and send an agent.")
    assert [call.name for call in first.calls] == ["Bash", "Agent"]
    failed = first.calls[0].observation
    assert failed is not None
    assert (failed.exit_code, failed.is_error) == (1, True)
    assert first.usage == Usage(2312, 91, 2000)
    assert found.trace.notes == ()


def test_only_the_branch_of_the_last_record_is_the_run(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        [
            user("u1", None, "Paint it."),
            agent("a1", "u1", "Which colour?"),
            user("u2", "a1", "Red."),
            agent("a2", "u2", "Red it is.", use("t1", "Paint")),
            returned("r1", "a2", "t1"),
            user("u3", "a1", "Blue."),
            agent("a3", "u3", "Blue it is."),
        ],
    )
    assert texts(found) == ["Paint it.", "Which colour?", "Blue.", "Blue it is."]
    assert found.trace.notes == ("3 messages stand on branches that were left: not read",)
    assert found.trace.usage.output == 20


def test_going_back_to_the_first_message_starts_over(tmp_path: Path) -> None:
    records = [
        user("u1", None, "Paint it."),
        agent("a1", "u1", "No."),
        user("u2", None, "Please."),
        agent("a2", "u2", "Ok"),
    ]
    assert texts(reading(tmp_path, records)) == ["Please.", "Ok"]


@pytest.mark.parametrize("last", ["r1", "r2"])
def test_answers_to_parallel_calls_are_kept_whichever_goes_on(tmp_path: Path, last: str) -> None:
    found = reading(
        tmp_path,
        [
            user("u1", None, "Go."),
            agent("a1", "u1", use("t1"), id="m1"),
            agent("a2", "a1", use("t2"), id="m1"),
            returned("r1", "a1", "t1", "one"),
            returned("r2", "a2", "t2", "two"),
            agent("a3", last, "Done."),
        ],
    )
    step = found.trace.steps[1]
    assert [call.observation and call.observation.text for call in step.calls] == ["one", "two"]
    assert len(found.trace.steps) == 3


@pytest.mark.parametrize("last", ["r1", "r2"])
def test_an_answer_on_the_branch_goes_before_one_beside_it(tmp_path: Path, last: str) -> None:
    start = [user("u1", None, "Go."), agent("a1", "u1", use("t1"))]
    both = [returned(uuid, "a1", "t1", uuid) for uuid in ("r1", "r2")]
    (call,) = reading(tmp_path, [*start, *both, agent("a2", last, "Done.")]).trace.steps[1].calls
    assert call.observation is not None
    assert call.observation.text == last


def test_a_compaction_goes_on_from_where_it_says(tmp_path: Path) -> None:
    boundary = record("system", "b1", None, subtype="compact_boundary", content="Compacted")
    left = [user("u2", "a1", "Stop."), agent("a2", "u2", "I stop.")]
    start = [user("u1", None, "Go."), agent("a1", "u1", "Off."), *left]
    found = reading(tmp_path, [*start, boundary | {"logicalParentUuid": "a1"}, agent("a3", "b1", "On.")])
    assert texts(found) == ["Go.", "Off.", "Compacted", "On."]


@pytest.mark.parametrize("logical", ["a1", "gone"])
def test_a_compaction_is_bridged_and_its_summary_is_not_the_users(tmp_path: Path, logical: str) -> None:
    boundary = record("system", "b1", None, subtype="compact_boundary", content="Conversation compacted")
    found = reading(
        tmp_path,
        [
            user("u1", None, "Sort the list."),
            agent("a1", "u1", "Sorting."),
            boundary | {"logicalParentUuid": logical},
            user("c1", "b1", "Summary: a list is sorted.", isCompactSummary=True),
            agent("a2", "c1", "Sorted."),
        ],
    )
    assert texts(found)[:2] == ["Sort the list.", "Sorting."]
    assert [step.origin for step in found.trace.steps[2:4]] == [Origin.SYSTEM, Origin.SYSTEM]
    assert found.trace.result == "Sorted."


def test_a_summary_without_a_link_follows_what_stands_before_it(tmp_path: Path) -> None:
    summary = "This session is being continued from a previous conversation that ran out of context."
    found = reading(tmp_path, [user("u1", None, "Go."), agent("a1", "u1", "Off."), user("c1", None, summary)])
    assert [step.origin for step in found.trace.steps] == [Origin.USER, Origin.AGENT, Origin.SYSTEM]


def test_lost_links_are_bridged_but_two_from_one_place_are_branches(tmp_path: Path) -> None:
    start = [user("u1", "elsewhere", "Go."), agent("a1", "u1", "Off.")]
    resumed = [user("u2", "nowhere", "On."), agent("a2", "u2", "Yes.")]
    assert texts(reading(tmp_path, [*start, *resumed])) == ["Go.", "Off.", "On.", "Yes."]
    again = [user("u3", "nowhere", "Back."), agent("a3", "u3", "Sure.")]
    assert texts(reading(tmp_path, [*start, *resumed, *again])) == ["Go.", "Off.", "Back.", "Sure."]


def test_links_in_a_circle_lose_nothing(tmp_path: Path) -> None:
    records = [user("u1", None, "Go."), agent("a1", "a2", "One."), agent("a2", "a1", "Two.")]
    assert texts(reading(tmp_path, records)) == ["Go.", "One.", "Two."]


def test_a_record_that_stands_twice_counts_once(tmp_path: Path) -> None:
    twice = [user("s1", None, "From nowhere.", isSidechain=True)] * 2
    records = [*[user("u1", None, "Hi.")] * 2, *[agent("a1", "u1", "Hello.")] * 2, *twice]
    assert texts(reading(tmp_path, records)) == ["Hi.", "Hello.", "From nowhere."]


def test_a_block_that_was_logged_again_under_another_id_counts_once(tmp_path: Path) -> None:
    pieces = [agent(f"a{n}", f"a{n - 1}", "Hello.", use("t1"), id="m") for n in (1, 2)]
    (_, step) = reading(tmp_path, [user("a0", None, "Hi."), *pieces]).trace.steps
    assert (step.text, len(step.calls), step.usage.output) == ("Hello.", 1, 10)


def test_the_model_is_that_of_most_answers_not_of_most_records(tmp_path: Path) -> None:
    pieces = [agent(f"a{n}", f"a{n - 1}", f"{n}", id="m") for n in (1, 2, 3)]
    others = [agent(f"a{n}", f"a{n - 1}", f"{n}", message={"model": "claude-opus-4"}) for n in (4, 5)]
    assert reading(tmp_path, [user("a0", None, "Hi."), *pieces, *others]).trace.model == "claude-opus-4"


def test_records_without_ids_are_read_in_their_order(tmp_path: Path) -> None:
    bare = [{"type": "assistant", "message": {"content": [{"type": "text", "text": word}]}} for word in ("a", "b")]
    assert texts(reading(tmp_path, [user("u1", None, "Hi."), *bare])) == ["Hi.", "a", "b"]


def fails(uuid: str, parent: str, words: str, **more: Any) -> Json:
    return agent(uuid, parent, words, message={"model": "<synthetic>"}, **more)


@pytest.mark.parametrize(
    "last",
    [
        fails("e1", "u1", "API Error: 529 Overloaded", isApiErrorMessage=True),
        fails("e1", "u1", "API Error: 529 Overloaded"),
        record("system", "e1", "u1", subtype="api_error", error={"status": 529, "error": {"message": "Overloaded"}}),
    ],
)
def test_a_run_that_ends_in_an_api_error_is_broken(tmp_path: Path, last: Json) -> None:
    found = reading(tmp_path, [user("u0", None, "Hi."), agent("a1", "u0", "Hello."), user("u1", "a1", "Go."), last])
    assert found.trace.error.replace(":", "").lower() == "api error 529 overloaded"
    assert found.outcome.status is Status.INFRA_ERROR
    assert found.trace.steps[-1].origin is Origin.SYSTEM
    assert (found.trace.result, found.trace.model) == ("Hello.", "claude-sonnet-4-5")


def test_an_api_error_that_was_overcome_is_a_note(tmp_path: Path) -> None:
    error = fails("e1", "u1", "You've hit your limit", error="rate_limit")
    found = reading(tmp_path, [user("u1", None, "Hi."), error, user("u2", "e1", "Go on."), agent("a1", "u2", "Done.")])
    assert (found.trace.error, found.outcome) == ("", UNLABELLED)
    assert found.trace.notes == ("1 API errors on the way, of which the run recovered",)


def test_other_words_of_the_program_are_neither_the_agents_nor_an_error(tmp_path: Path) -> None:
    idle = fails("s1", "u1", "No response requested.")
    found = reading(tmp_path, [user("u1", None, "Hi."), idle])
    assert found.trace.steps[1].origin is Origin.SYSTEM
    assert (found.outcome.status, found.outcome.note) == (Status.INFRA_ERROR, "no step taken")


def test_costs_are_added_up_where_the_log_has_them(tmp_path: Path) -> None:
    old = [user("u1", None, "Hi."), agent("a1", "u1", "A", costUSD=0.25), agent("a2", "a1", "B", costUSD=0.5)]
    assert reading(tmp_path, old).trace.usage.cost == 0.75
    whole = {"type": "cost-state", "sessionId": SESSION, "totalCostUSD": 2.5}
    assert reading(tmp_path, [*old, whole]).trace.usage.cost == 2.5


def test_a_file_of_notes_alone_holds_no_run(tmp_path: Path) -> None:
    notes = [{"type": "summary", "summary": f"{n}", "leafUuid": f"{n}"} for n in range(3)]
    source = Source(written(tmp_path / "s.jsonl", *notes))
    assert claude_code.recognise(source)
    assert list(claude_code.read(source)) == [Refused("no message in it, only notes on other sessions")]


def test_many_notes_before_the_first_message_do_not_hide_the_session(tmp_path: Path) -> None:
    notes = [{"type": "summary", "summary": f"{n}", "leafUuid": f"{n}"} for n in range(60)]
    assert texts(reading(tmp_path, [*notes, user("u1", None, "Hi."), agent("a1", "u1", "Yes.")])) == ["Hi.", "Yes."]


@pytest.mark.parametrize(
    "foreign",
    [
        {"type": "assistant", "message": {"content": []}, "session_id": "s", "uuid": "e", "parent_tool_use_id": None},
        {"type": "session_meta", "payload": {}, "timestamp": ""},
        {"role": "user", "content": "Hi."},
        {"type": "summary", "text": "of something else"},
    ],
)
def test_other_logs_are_not_taken_for_a_session(tmp_path: Path, foreign: Json) -> None:
    assert not claude_code.recognise(Source(written(tmp_path / "x.jsonl", foreign, foreign)))


def test_a_torn_log_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl"
    path.write_bytes(MADE.read_bytes()[:-40])
    with pytest.raises(Damaged, match="line 15"):
        list(claude_code.read(Source(path)))


def test_a_record_of_any_shape_raises_nothing_but_damaged(tmp_path: Path) -> None:
    records = [json.loads(line) for line in MADE.read_text().splitlines()]
    records += [
        record("system", "x1", "a7", subtype="api_error", error={"error": {"message": "m"}}, cause={"code": "c"}),
        record("attachment", "x2", "x1", attachment={"type": "queued_command", "prompt": "p", "commandMode": "prompt"}),
        user("x3", "x2", [{"type": "text", "text": "<command-name>/x</command-name>"}], origin={"kind": "human"}),
    ]
    for index in range(len(records)):
        for changed in mutations(records[index]):
            path = written(tmp_path / "m.jsonl", *records[:index], changed, *records[index + 1 :])
            try:
                source = Source(path)
                claude_code.recognise(source)
                assert all(isinstance(item, Reading | Refused) for item in claude_code.read(source))
            except Damaged:
                pass
