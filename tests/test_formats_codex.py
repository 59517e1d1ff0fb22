import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import codex
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Status
from gitskill.trace import UNKNOWN, Observation, Origin, Trace, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, readings, written

REAL = RUNS / "codex"
NEWER = FIXTURES / "codex" / "newer.jsonl"
BARE = FIXTURES / "codex" / "bare.jsonl"
TYPESCRIPT = FIXTURES / "codex" / "typescript.json"

META = {"timestamp": "2026-01-01T00:00:00Z", "type": "session_meta", "payload": {"id": "s1", "cli_version": "0.98.0"}}
Log = Callable[..., Trace]


def item(**payload: Any) -> dict[str, Any]:
    return {"timestamp": "2026-01-01T00:00:01Z", "type": "response_item", "payload": payload}


def event(**payload: Any) -> dict[str, Any]:
    return {"timestamp": "2026-01-01T00:00:01Z", "type": "event_msg", "payload": payload}


def said(role: str, *texts: str) -> dict[str, Any]:
    return item(type="message", role=role, content=[{"type": "input_text", "text": text} for text in texts])


def tokens(total: Any, last: Any) -> dict[str, Any]:
    return event(type="token_count", info={"total_token_usage": total, "last_token_usage": last})


def total(given: int, got: int) -> dict[str, Any]:
    return tokens({"input_tokens": given, "output_tokens": got}, None)


def only(path: Path) -> Reading:
    (found,) = readings(codex, path)
    return found


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return lambda *records: only(written(tmp_path / "rollout.jsonl", META, *records)).trace


def observations(trace: Trace) -> list[Observation | None]:
    return [call.observation for step in trace.steps for call in step.calls]


def observed(log: Log, output: Any) -> Observation:
    call = item(type="function_call", name="shell", arguments="{}", call_id="c1")
    (found,) = observations(log(call, item(type="function_call_output", call_id="c1", output=output)))
    assert found is not None
    return found


def test_a_real_session() -> None:
    found = only(REAL / "rollout-2025-09-25T15-12-14-019982b8-3422-79e0-8b3b-05abaf4f3c3e.jsonl")
    trace = found.trace
    assert found.outcome == UNLABELLED
    assert (trace.format, trace.task, trace.error, trace.notes) == ("codex", "", "", ())
    assert (trace.agent, trace.model) == ("codex 0.40.0", "gpt-5-codex")
    assert trace.session == "019982b8-3422-79e0-8b3b-05abaf4f3c3e"
    assert trace.request.startswith("Evaluate @packages/services and create a new")
    assert trace.request.endswith("Please present your full proposal to me.")
    assert [step.origin for step in trace.steps[:2]] == [Origin.SYSTEM, Origin.USER]
    assert (len(trace.steps), trace.actions, len(observations(trace))) == (37, 35, 34)
    assert trace.result.startswith("**Findings**\n- `@repo/services` wraps Supabase CRUD")
    assert trace.usage == Usage(input=536_834, output=6_654, cached=472_320)
    first = trace.steps[2]
    assert (first.time, first.thought) == ("2025-09-25T21:12:18.169Z", "**Evaluating repo structure and planning**")
    assert first.usage == Usage(input=2_899, output=100, cached=2_560)
    (call,) = first.calls
    assert (call.name, call.arguments["command"]) == ("shell", ["bash", "-lc", "ls"])
    assert call.observation is not None
    assert call.observation.text.startswith("CLAUDE.md\nREADME.md\n")
    assert call.observation.exit_code == 0
    assert all(answer for answer in observations(trace))


def test_a_real_session_whose_token_totals_begin_anew() -> None:
    trace = only(REAL / "rollout-2025-09-25T08-02-05-0199812e-64f0-7f73-91fc-095dda01c36e.jsonl").trace
    assert trace.request.startswith("Quality score")
    assert (len(trace.steps), trace.actions) == (62, 58)
    # The last event tells a total of 37,208 only.
    assert trace.usage == Usage(input=1_392_279, output=8_672, cached=1_310_208)
    assert sum(step.usage.input or 0 for step in trace.steps) == trace.usage.input
    failed = [answer for answer in observations(trace) if answer and answer.is_error]
    assert len(failed) == 12
    assert {answer.exit_code for answer in failed} == {1, 2}
    assert failed[0].text.startswith("failed in sandbox MacosSeatbelt with execution error")


def test_a_newer_log() -> None:
    found = only(NEWER)
    trace = found.trace
    assert found.outcome == UNLABELLED
    assert [step.origin.value for step in trace.steps] == [
        *["system"] * 3,
        "user",
        *["agent"] * 4,
    ]
    assert trace.steps[0].text == "You are Codex."
    assert trace.steps[2].text.startswith("# AGENTS.md instructions for /srv/shop")
    assert trace.request == "Round prices to two digits."
    assert trace.result == "Prices are rounded."
    looked, patched, asked, done = trace.steps[4:]
    assert (looked.thought, looked.text) == ("**Looking at prices**", "I look at the code first.")
    assert [call.arguments for call in looked.calls] == [{"cmd": "grep -n price shop.py"}, {"cmd": "pytest -q"}]
    assert [call.observation and call.observation.exit_code for call in looked.calls] == [0, 1]
    assert looked.calls[0].observation == Observation(
        "Exit code: 0\nWall time: 0 seconds\nOutput:\n7:price = 1 / 3\n", 0
    )
    assert patched.calls[0].name == "apply_patch"
    assert patched.calls[0].arguments.startswith("*** Begin Patch\n*** Update File: shop.py")
    assert [call.name for call in asked.calls] == ["mcp__docs__search", "web_search", "local_shell"]
    assert asked.calls[0].observation == Observation("round(number, ndigits)\n[input_image]")
    assert (asked.calls[1].arguments, asked.calls[1].observation) == ({"type": "search", "query": "python round"}, None)
    assert asked.calls[2].arguments["command"] == ["pytest", "-q"]
    assert asked.calls[2].observation == Observation("2 passed\n", 0)
    assert done.usage == Usage(input=600, output=20, cached=500)


def test_usage_of_a_newer_log_stands_behind_the_items_and_is_counted_once() -> None:
    trace = only(NEWER).trace
    assert [step.usage.input for step in trace.steps[4:]] == [1000, 1500, 500, 600]
    assert trace.usage == Usage(input=3600, output=120, cached=1900)


def test_a_fork_keeps_its_own_name_and_compaction_repeats_no_step() -> None:
    trace = only(NEWER).trace
    assert (trace.session, trace.agent) == ("aaaa-1", "codex 0.98.0")
    assert trace.notes == ("begins with a copy of session bbbb-2", "the agent's context was compacted")
    assert [step.text for step in trace.steps].count("Round prices to two digits.") == 1


def test_a_patch_that_failed_is_an_error() -> None:
    told = "apply_patch verification failed: Failed to find expected lines in shop.py"
    assert observations(only(NEWER).trace)[2] == Observation(told, is_error=True)


@pytest.mark.parametrize("path", [BARE, TYPESCRIPT], ids=["bare", "typescript"])
def test_older_shapes(path: Path) -> None:
    trace = only(path).trace
    assert trace.request == "List the files."
    assert trace.session in {"cccc-3", "dddd-4"}
    called = next(step for step in trace.steps if step.calls)
    assert (called.calls[0].name, called.calls[0].arguments) == ("shell", {"command": ["ls"]})
    assert called.calls[0].observation == Observation("shop.py\n", 0)
    assert trace.result.startswith("One file")
    assert trace.steps[-1].origin is Origin.AGENT


def test_bare_state_lines_are_no_steps() -> None:
    trace = only(BARE).trace
    assert [step.origin.value for step in trace.steps] == ["system", "user", "agent", "agent"]
    assert trace.steps[2].thought == "**Listing**"
    assert trace.agent == "codex"


def test_a_bare_message_without_a_type(tmp_path: Path) -> None:
    first = {"id": "1", "timestamp": "2026-01-01", "instructions": None}
    trace = only(written(tmp_path / "log.jsonl", first, {"role": "user", "content": "Hi."})).trace
    assert trace.request == "Hi."


def test_the_model_of_a_typescript_session() -> None:
    assert only(TYPESCRIPT).trace.model == "o4-mini"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('{"output":"a\\n","metadata":{"exit_code":-1}}', Observation("a\n", -1)),
        ('{"output":"error: inside","metadata":{}}', Observation("error: inside")),
        ('{"output":"a"}', Observation('{"output":"a"}')),
        ('{"torn', Observation('{"torn')),
        ("Exit code: 124\nWall time: 1 seconds\n", Observation("Exit code: 124\nWall time: 1 seconds\n", 124)),
        ("Wall time: 1 s\nProcess running\n", Observation("Wall time: 1 s\nProcess running\n")),
        ("the test says\nExit code: 3", Observation("the test says\nExit code: 3")),
        ({"content": "no such tool", "success": False}, Observation("no such tool", is_error=True)),
        ({"content": '{"output":"a","metadata":{"exit_code":0}}', "success": True}, Observation("a", 0)),
        ([{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}], Observation("one\ntwo")),
        ("aborted by the tests", Observation("aborted by the tests")),
        ({"content": "execution error: x"}, Observation("execution error: x", is_error=True)),
        ({"body": "x"}, Observation('{"body": "x"}')),
        ('{"metadata":{"exit_code":0}}', Observation('{"metadata":{"exit_code":0}}')),
        ('{"output":"a","metadata":{"exit_code":1e300}}', Observation("a")),
        (None, Observation("")),
        (7, Observation("7")),
    ],
)  # fmt: skip
def test_what_a_tool_returned(log: Log, output: Any, expected: Observation) -> None:
    assert observed(log, output) == expected


@pytest.mark.parametrize(
    "told",
    [
        *("aborted", "aborted by user after 3.2s", "exec command rejected by user", "patch rejected by user"),
        *("apply_patch verification failed: no such file", "failed in sandbox LinuxSeccomp", "execution error: Io"),
        *(
            "exec command failed: gone",
            "exec_command failed for `ls`: gone",
            "write_stdin failed: Unknown process id 4",
        ),
        *("sandbox error: denied", "failed to parse function arguments: missing field", "unsupported call: magic"),
        *(
            "failed to parse exec_command arguments: EOF",
            "unsupported custom tool call: magic",
            "tool call error: gone",
        ),
        *("error: invalid patch", 'err: "timed out"'),
    ],
)
def test_a_tool_that_could_not_do_its_work(log: Log, told: str) -> None:
    assert observed(log, told) == Observation(told, is_error=True)


def test_free_text_for_a_tool_stays_text(log: Log) -> None:
    (step,) = log(item(type="custom_tool_call", name="js", input='{"a": 1}', call_id="c1")).steps
    assert step.calls[0].arguments == '{"a": 1}'


def test_a_call_without_a_call_id_is_answered_by_its_id(log: Log) -> None:
    call = item(type="local_shell_call", id="ls_1", call_id=None, action={"type": "exec", "command": ["ls"]})
    (step,) = log(call, item(type="function_call_output", call_id="ls_1", output="a")).steps
    assert step.calls[0].observation == Observation("a")


def test_a_picture_that_was_made(log: Log) -> None:
    (step,) = log(item(type="image_generation_call", id="ig_1", revised_prompt="A cat.", result="iVBORw0KGgo")).steps
    assert (step.calls[0].name, step.calls[0].arguments) == ("image_generation", "A cat.")


def test_kinds_of_items_that_are_no_steps(log: Log) -> None:
    assert log(said("user", "Hi."), item(type="compaction", call_id="c1", output="secret")).actions == 0
    assert len(log(said("user", "Hi."), item(type="compaction", call_id="c1", output="secret")).steps) == 1


@pytest.mark.parametrize(
    "context",
    [
        "<environment_context>\n  <cwd>/x</cwd>\n</environment_context>",
        "<user_instructions>\n\nBe kind.\n\n</user_instructions>",
        "# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\nBe kind.\n</INSTRUCTIONS>",
        "<INSTRUCTIONS>\nBe kind.\n</INSTRUCTIONS>",
        "\n<turn_aborted>\n  <reason>interrupted</reason>\n</turn_aborted>",
        "<permissions instructions>ask</permissions instructions>",
        "<collaboration_mode>Plan</collaboration_mode>",
        "<model_switch>Be another.</model_switch>",
        "<personality_spec>Be warm.</personality_spec>",
        "<skill>\n<name>sheets</name>\n</skill>",
        "<skills_instructions>Use them.</skills_instructions>",
        "<plugins_instructions>Use them.</plugins_instructions>",
        "<apps_instructions>Use them.</apps_instructions>",
        "<app-context>Desktop</app-context>",
        "<subagent_notification>{}</subagent_notification>",
        "<user_shell_command>\n<command>ls</command>\n</user_shell_command>",
        "<user_action>\n<action>review</action>\n</user_action>",
        "<hook_prompt>Go on.</hook_prompt>",
        "<goal_context>Count.</goal_context>",
        "Another language model started to solve this problem and produced a summary",
    ],
)
def test_context_in_the_users_name_is_no_request(log: Log, context: str) -> None:
    trace = log(
        said("user", context),
        event(type="user_message", message=context, kind="environment_context"),
        said("user", "Fix it."),
        said("assistant", "Done."),
    )
    assert trace.request == "Fix it."
    assert [step.origin for step in trace.steps] == [Origin.SYSTEM, Origin.USER, Origin.AGENT]


def test_the_request_is_what_was_typed(log: Log) -> None:
    shown = "<image name=[Image #1]>", "</image>", "Fix it."
    trace = log(said("user", *shown), event(type="user_message", message="Fix it."), said("assistant", "Done."))
    assert trace.request == "Fix it."
    assert trace.steps[0].text == "\n".join(shown)


def test_context_beside_the_users_words_is_told_apart(log: Log) -> None:
    trace = log(said("user", "<environment_context>x</environment_context>", "Fix it."), said("assistant", "Done."))
    assert [(step.origin, step.text[:5]) for step in trace.steps[:2]] == [
        (Origin.SYSTEM, "<envi"),
        (Origin.USER, "Fix i"),
    ]
    assert trace.request == "Fix it."


def test_a_developers_message_is_of_the_system(log: Log) -> None:
    trace = log(said("developer", "Be brief."), said("user", "Hi."), said("assistant", "Hello."))
    assert trace.steps[0].origin is Origin.SYSTEM
    assert trace.request == "Hi."


def test_what_was_taken_back_is_not_the_request(log: Log) -> None:
    trace = log(
        *(said("user", "Delete it."), event(type="user_message", message="Delete it."), said("assistant", "Deleted.")),
        event(type="thread_rolled_back", num_turns=1),
        *(said("user", "Fix it."), event(type="user_message", message="Fix it."), said("assistant", "Fixed.")),
    )
    assert trace.request == "Fix it."
    assert len(trace.steps) == 4
    assert trace.notes == ("turns that the user took back: 1; their steps are kept",)


def test_an_announced_thought_counts_where_the_thought_has_no_text(log: Log) -> None:
    call = item(type="function_call", name="shell", arguments="{}", call_id="c1")
    trace = log(
        event(type="agent_reasoning", text="Look."),
        item(type="reasoning", summary=[], encrypted_content="AAAA"),
        call,
        item(type="function_call_output", call_id="c1", output="x"),
        event(type="agent_reasoning", text="Say."),
        said("assistant", "Done."),
        event(type="agent_reasoning", text="Never said."),
    )
    assert [step.thought for step in trace.steps] == ["Look.", "Say.\n\nNever said."]


def test_an_announced_thought_is_told_once(log: Log) -> None:
    trace = log(
        event(type="agent_reasoning", text="Look."),
        event(type="agent_reasoning", text="Again."),
        item(
            type="reasoning",
            summary=[{"type": "summary_text", "text": "Look."}, {"type": "summary_text", "text": "Again."}],
            content=[{"type": "reasoning_text", "text": "I look."}],
        ),
        event(type="agent_reasoning_raw_content", text="I look."),
        said("assistant", "Done."),
    )
    assert [step.thought for step in trace.steps] == ["Look.\n\nAgain.\n\nI look."]


def test_a_new_answer_is_a_new_step(log: Log) -> None:
    thought = item(type="reasoning", summary=[{"type": "summary_text", "text": "Hm."}])
    call = item(type="function_call", name="wait", arguments="{}", call_id="c1")
    trace = log(said("assistant", "One."), call, said("assistant", "Two."), thought, call)
    assert [(step.text, step.thought, len(step.calls)) for step in trace.steps] == [
        ("One.", "", 1),
        ("Two.", "", 0),
        ("", "Hm.", 1),
    ]


def test_a_thought_that_was_only_announced_is_a_step(log: Log) -> None:
    (step,) = log(event(type="agent_reasoning", text=""), event(type="agent_reasoning", text="Hm.")).steps
    assert (step.origin, step.thought) == (Origin.AGENT, "Hm.")


def test_tokens_told_before_a_user_speaks_are_of_the_next_answer(log: Log) -> None:
    trace = log(total(5, 1), said("user", "Hi."), said("assistant", "Hello."), said("user", "Bye."))
    assert [step.usage.input for step in trace.steps] == [None, 5, None]
    assert trace.result == "Hello."


@pytest.mark.parametrize("kind", ["error", "stream_error"])
def test_a_run_that_an_error_ended_is_broken(tmp_path: Path, kind: str) -> None:
    records = said("user", "Hi."), said("assistant", "Hello."), event(type=kind, message="usage limit reached")
    found = only(written(tmp_path / "rollout.jsonl", META, *records))
    assert found.trace.error == "usage limit reached"
    assert found.outcome.status is Status.INFRA_ERROR
    assert (found.outcome.note, found.outcome.source) == ("usage limit reached", "event_msg error")


def test_an_error_after_a_thought_ends_the_run(log: Log) -> None:
    assert log(event(type="agent_reasoning", text="Hm."), event(type="stream_error", message="gone")).error == "gone"


def test_an_error_that_the_agent_outlived_is_a_step(tmp_path: Path) -> None:
    records = said("user", "Hi."), event(type="error", message="try again"), said("assistant", "Hello.")
    found = only(written(tmp_path / "rollout.jsonl", META, *records))
    assert (found.outcome, found.trace.error) == (UNLABELLED, "")
    assert (found.trace.steps[1].origin, found.trace.steps[1].text) == (Origin.SYSTEM, "try again")


@pytest.mark.parametrize("info", ["thread_rollback_failed", {"active_turn_not_steerable": {"turn_kind": "review"}}])
def test_an_error_beside_the_run_breaks_nothing(log: Log, info: Any) -> None:
    assert log(said("assistant", "Hello."), event(type="error", message="no", codex_error_info=info)).error == ""


def test_a_run_without_any_step_of_the_agent_is_broken(tmp_path: Path) -> None:
    found = only(written(tmp_path / "rollout.jsonl", META, said("user", "Hi.")))
    assert (found.outcome.status, found.outcome.note) == (Status.INFRA_ERROR, "no step taken by the agent")
    assert (found.trace.request, found.trace.error, found.outcome.source) == ("Hi.", "", "log")


def test_notes_on_turns_models_and_sub_agents(tmp_path: Path) -> None:
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "p1", "depth": 1}}}
    meta = {"type": "session_meta", "payload": {"id": "s1", "source": source}}
    contexts = [{"type": "turn_context", "payload": {"model": model}} for model in ("a", "b", "a")]
    aborted = event(type="turn_aborted", reason="interrupted")
    trace = only(written(tmp_path / "r.jsonl", meta, *contexts, said("assistant", "Hi."), aborted)).trace
    assert trace.model == "a"
    assert trace.notes == (
        "the log of a sub-agent of session p1",
        "a turn was aborted: interrupted",
        "also used model b",
    )


@pytest.mark.parametrize(
    ("record", "notes"),
    [
        ({"type": "compacted", "payload": {"message": "Summary"}}, ("the agent's context was compacted",)),
        (event(type="context_compacted"), ("the agent's context was compacted",)),
        (event(type="turn_aborted"), ("a turn was aborted: no reason given",)),
        (event(type="thread_rolled_back"), ()),
        (event(type="thread_goal_updated", num_turns=1), ()),
        ({"type": "world_state", "payload": {"content": "x", "model": "y"}}, ()),
        ({"type": "session_meta", "payload": {"id": "s1"}}, ()),
        ({"record_type": "state"}, ()),
    ],
)
def test_records_that_are_no_steps(log: Log, record: dict[str, Any], notes: tuple[str, ...]) -> None:
    trace = log(said("user", "Hi."), said("assistant", "Hello."), record)
    assert (trace.notes, trace.request, len(trace.steps), trace.model) == (notes, "Hi.", 2, "")


def test_a_sub_agent_of_an_unnamed_session(tmp_path: Path) -> None:
    meta = {"type": "session_meta", "payload": {"id": "s1", "source": {"subagent": "review"}}}
    assert only(written(tmp_path / "r.jsonl", meta)).trace.notes == ("the log of a sub-agent",)


def test_what_another_agent_said_by_the_older_record(log: Log) -> None:
    trace = log(said("user", "Hi."), {"type": "inter_agent_communication", "payload": {"content": "Counted."}})
    assert (trace.steps[1].origin, trace.steps[1].text) == (Origin.TOOL, "Counted.")


def test_an_error_without_a_message(log: Log) -> None:
    assert log(event(type="error")).error == "an error without a message"


def test_an_error_of_the_stream_is_no_step(log: Log) -> None:
    assert log(event(type="stream_error", message="Reconnecting... 1/5")).steps == ()


def test_what_another_agent_asks(log: Log) -> None:
    asked = item(type="agent_message", author="/root", recipient="/root/one", content=[{"text": "Count."}])
    trace = log(asked, said("assistant", "Two."))
    assert trace.request == "Count."
    assert (trace.steps[0].origin, trace.steps[0].text) == (Origin.TOOL, "Count.")


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([total(10, 1), total(15, 3)], Usage(input=15, output=3)),
        ([total(10, 5), total(4, 1)], Usage(input=14, output=6)),
        ([total(10, 5), total(12, 1)], Usage(input=22, output=6)),
        ([total(10, 1), total(4, 3)], Usage(input=14, output=4)),
        ([tokens({"input_tokens": 10}, None), tokens({"input_tokens": 4}, None)], Usage(input=14)),
        ([tokens({"output_tokens": 2}, None), tokens({"output_tokens": 5}, None)], Usage(output=5)),
        ([tokens(None, {"input_tokens": 5, "output_tokens": 0})], Usage(input=5, output=0)),
        ([tokens(None, {"input_tokens": 0, "output_tokens": 3})], Usage(input=0, output=3)),
        ([event(type="token_count", input_tokens=10, cached_input_tokens=4, output_tokens=2)], Usage(10, 2, 4)),
        ([event(type="token_count", info=None)], UNKNOWN),
        # After a compaction the total is guessed, and nothing was sent.
        ([tokens({"total_tokens": 9}, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 9})], UNKNOWN),
    ],
)  # fmt: skip
def test_token_counts(log: Log, records: list[Any], expected: Usage) -> None:
    assert log(said("assistant", "Hi."), *records).usage == expected


def test_an_answer_without_its_call_is_a_step_of_the_tool(log: Log) -> None:
    trace = log(said("assistant", "Hi."), item(type="custom_tool_call_output", call_id="lost", output="found"))
    assert (trace.steps[1].origin, trace.steps[1].text, trace.steps[1].time) == (
        Origin.TOOL,
        "found",
        "2026-01-01T00:00:01.000Z",
    )


@pytest.mark.parametrize(
    "records",
    [
        [{"type": "user", "uuid": "1", "message": {"role": "user", "content": "Hi."}}],
        [{"type": "thread.started", "thread_id": "1"}],
        [{"id": "0", "msg": {"type": "task_started"}}],
        [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}],
        [{"id": "1", "timestamp": "2026-01-01", "instructions": "x", "messages": []}],
        [{"type": "event_msg", "payload": "text"}],
        [{"type": "message", "payload": {"id": "1"}}],
        [{"id": "1", "timestamp": "2026-01-01", "instructions": "x", "type": "function_call"}],
        [[1], 2, None, "x"],
    ],
)
def test_other_logs_are_not_recognised(tmp_path: Path, records: list[Any]) -> None:
    assert not codex.recognise(Source(written(tmp_path / "log.jsonl", *records)))


@pytest.mark.parametrize("kind", ["session_meta", "response_item", "event_msg", "turn_context"])
def test_any_record_in_an_envelope_is_recognised(tmp_path: Path, kind: str) -> None:
    assert codex.recognise(Source(written(tmp_path / "log.jsonl", {"type": kind, "payload": {}})))


def test_a_bare_first_line_is_recognised(tmp_path: Path) -> None:
    first = {"id": "1", "timestamp": "2026-01-01", "instructions": None}
    assert codex.recognise(Source(written(tmp_path / "log.jsonl", first)))
    assert codex.recognise(Source(written(tmp_path / "log.jsonl", {**first, "git": {}})))
    for key in first:
        rest = {name: value for name, value in first.items() if name != key}
        assert not codex.recognise(Source(written(tmp_path / "log.jsonl", rest, {"record_type": "state"})))


@pytest.mark.parametrize("document", [{"session": {"id": "1"}, "items": []}, {"session": {"timestamp": "x"}}])
def test_a_document_that_is_no_session(tmp_path: Path, document: dict[str, Any]) -> None:
    assert not codex.recognise(Source(written(tmp_path / "log.json", document)))


def test_a_bare_first_line_with_newer_fields_is_recognised_by_its_state(tmp_path: Path) -> None:
    first = {"id": "1", "timestamp": "2026-01-01", "instructions": None, "cwd": "/x"}
    assert codex.recognise(Source(written(tmp_path / "log.jsonl", first, {"record_type": "state"})))


@pytest.mark.parametrize("path", [NEWER, BARE, TYPESCRIPT], ids=["newer", "bare", "typescript"])
def test_a_log_cut_in_the_middle_is_damaged(tmp_path: Path, path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(Damaged):
        list(codex.read(Source(cut)))


def test_a_torn_line_is_named(tmp_path: Path) -> None:
    lines = NEWER.read_bytes().splitlines(keepends=True)
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(b"".join([*lines[:6], lines[6][:40] + b"\n", *lines[7:]]))
    with pytest.raises(Damaged, match=r"^line 7: "):
        list(codex.read(Source(torn)))


@pytest.mark.parametrize("path", [NEWER, BARE, TYPESCRIPT], ids=["newer", "bare", "typescript"])
def test_a_document_wrong_in_one_place_raises_nothing_but_damaged(tmp_path: Path, path: Path) -> None:
    for changed in _changed(path):
        file = tmp_path / "changed.json"
        file.write_text(changed)
        source = Source(file)
        try:
            codex.recognise(source)
            found = list(codex.read(source))
        except Damaged:
            continue
        assert len(found) == 1


def _changed(path: Path) -> Iterator[str]:
    if path.suffix == ".json":
        yield from map(json.dumps, mutations(json.loads(path.read_text())))
        return
    first, *records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in (first, *records):
        for changed in mutations([record]):
            yield "".join(json.dumps(told) + "\n" for told in (first, *changed, records[-1]))
