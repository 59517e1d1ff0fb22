import json
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import mini_swe_agent
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome, Status
from gitskill.trace import Artifact, Call, Observation, Origin, Step, Trace, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, outcomes, readings

REAL = {path.parent.name: path for path in (RUNS / "mini-swe-agent/trajs").glob("*/*.traj.json")}
MADE = FIXTURES / "mini-swe-agent"
BARE = MADE / "v0/greet__greet-1/greet__greet-1.traj.json"
TOOLS = MADE / "v2/tools.traj.json"
RESPONSES = MADE / "v2/responses.traj.json"
PROMPT = [{"role": "system", "content": "Act."}, {"role": "user", "content": "Fix it."}]


def read(path: Path) -> Reading:
    (found,) = readings(mini_swe_agent, path)
    return found


def written(folder: Path, document: Any, name: str = "run.traj.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def v1(folder: Path, *messages: dict[str, Any], status: str = "Submitted", **info: Any) -> Reading:
    said = {"exit_status": status, "submission": "", "model_stats": {"instance_cost": 1.5}, "mini_version": "1.15.0"}
    return read(written(folder, {"info": {**said, **info}, "messages": [*PROMPT, *messages]}))


def agent(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def user(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": text, **more}


RUN = "THOUGHT: go\n\n```bash\nmake\n```"


def calls(trace: Trace) -> list[Call]:
    return [call for step in trace.steps for call in step.calls]


def test_the_real_runs_have_their_labels_and_all_commands_have_answers() -> None:
    found = {name: read(path) for name, path in REAL.items()}
    assert outcomes([*found.values()]) == {Status.SUCCESS: 6, Status.FAILURE: 6}
    assert all(item.trace.task == name for name, item in found.items())
    assert sum(len(calls(item.trace)) for item in found.values()) == 289
    assert all(call.observation for item in found.values() for call in calls(item.trace))


def test_a_real_run_of_version_1_is_read_in_full() -> None:
    found = read(REAL["django__django-10999"])
    trace = found.trace
    assert (trace.agent, trace.model) == ("mini-swe-agent 1.15.0", "google/gemini-3-pro-preview")
    assert trace.usage == Usage(115373, 4833, 72875, 0.15756699999999998)
    assert trace.request.startswith("Fix parse_duration() for some negative durations\nDescription")
    assert "pr_description" not in trace.request
    assert (len(trace.steps), trace.actions, len(calls(trace))) == (20, 18, 18)
    assert [step.origin for step in trace.steps[:3]] == [Origin.SYSTEM, Origin.USER, Origin.AGENT]
    assert trace.artifacts == (Artifact("patch.diff", trace.result),)
    assert found.outcome == Outcome.judged(False, "report.json resolved")


def test_a_command_of_version_1_is_taken_out_of_the_text_and_its_output_out_of_the_answer() -> None:
    step = read(REAL["astropy__astropy-7166"]).trace.steps[4]
    assert step.text.startswith("THOUGHT: The file content was truncated again")
    assert "```" not in step.text
    assert step.calls == (
        Call(
            "bash",
            {"command": 'grep -n "class InheritDocstrings" astropy/utils/misc.py'},
            Observation("497:class InheritDocstrings(type):\n", 0),
        ),
    )
    assert step.usage == Usage(8250, 69, 0, 0.017328)
    assert step.time == "2025-11-19T00:24:29.000Z"


def test_of_a_long_output_both_ends_are_kept() -> None:
    observation = read(REAL["astropy__astropy-7166"]).trace.steps[2].calls[0].observation
    assert observation is not None
    assert observation.exit_code == 0
    assert observation.text.startswith(".:\nCHANGES.rst\n")
    assert " characters elided]\n" in observation.text
    assert "output_head" not in observation.text
    assert observation.text.endswith("astropy/utils/misc.py:class InheritDocstrings(type):\n")


def test_the_harness_speaks_for_itself_and_a_timeout_answers_its_command() -> None:
    trace = read(REAL["psf__requests-2317"]).trace
    (complaint,) = [step for step in trace.steps[2:] if step.origin is Origin.SYSTEM]
    assert complaint.text.startswith("Please always provide EXACTLY ONE action in triple backticks, found 2 actions.")
    late = [call.observation for call in calls(trace) if call.observation and call.observation.is_error]
    assert [one.text.partition("\n")[0] for one in late] == [
        "The last command <command>python3 test_requests.py</command> timed out and has been killed."
    ]
    assert late[0].exit_code is None


def test_what_the_last_command_gave_back_is_the_submission() -> None:
    trace = read(REAL["sympy__sympy-23534"]).trace
    assert trace.steps[-1].calls[0].observation == Observation(trace.result)


def test_version_0_is_a_bare_list() -> None:
    trace = read(BARE).trace
    assert (trace.task, trace.agent, trace.request) == (
        "greet__greet-1",
        "mini-swe-agent",
        "Please solve this issue: greet() greets nobody",
    )
    assert trace.steps[2] == Step(
        Origin.AGENT,
        "THOUGHT: look first",
        calls=(Call("bash", {"command": "cat greet.py"}, Observation("print('hello')\n", 0)),),
    )
    assert trace.steps[3].calls[0].observation == Observation("diff --git a/greet.py b/greet.py\n")
    assert (trace.notes, read(BARE).outcome) == ((), UNLABELLED)


def test_version_2_with_tools_tells_calls_codes_and_whole_outputs() -> None:
    trace = read(TOOLS).trace
    assert (trace.task, trace.agent, trace.model) == (
        "greet__greet-1",
        "mini-swe-agent 2.4.6",
        "anthropic/claude-sonnet-4-5",
    )
    assert trace.request == "greet() greets nobody"
    first = trace.steps[2]
    assert (first.text, first.thought) == ("I look at two things.", "Which file is it?")
    assert first.calls == (
        Call("bash", {"command": "cat greet.py"}, Observation("print('hello')\n" * 3, 0)),
        Call("bash", {"command": "ls nowhere"}, Observation("ls: nowhere: No such file or directory\n", 2)),
    )
    assert (first.usage, first.time) == (Usage(1000, 40, 900, 0.01), "2026-01-01T00:00:01.500Z")
    assert trace.usage == Usage(4000, 160, 3600, 0.06)
    assert trace.artifacts == (Artifact("submission.txt", "greeting fixed\n"),)


def test_version_2_keeps_a_refused_turn_with_the_complaint_only() -> None:
    refused, complaint = read(TOOLS).trace.steps[3:5]
    assert (refused.origin, refused.text, refused.usage.cost) == (Origin.AGENT, "I think I am done.", 0.02)
    assert (complaint.origin, complaint.text[:15]) == (Origin.SYSTEM, "Tool call error")


def test_version_2_tells_what_ended_a_command_early_and_what_was_submitted() -> None:
    late, last = (call.observation for call in calls(read(TOOLS).trace)[2:])
    assert late == Observation(
        "An error occurred while executing the command: Command timed out\nwaiting\n", -1, is_error=True
    )
    assert last == Observation("greeting fixed\n")


def test_version_2_with_the_responses_api_is_read_and_its_servers_error_breaks_the_run() -> None:
    found = read(RESPONSES)
    step = found.trace.steps[2]
    assert (step.text, step.thought, step.usage) == ("Listing.", "I should list.", Usage(500, 20, 100, 0.03))
    assert step.calls == (Call("bash", {"command": "ls"}, Observation("greet.py\n", 0)),)
    reason = "RateLimitError: litellm.RateLimitError: 429 too many requests"
    assert found.trace.error == reason
    assert found.outcome == Outcome.broken(reason, "info.exit_status")
    assert found.trace.artifacts == ()
    assert found.trace.steps[-1] == Step(Origin.SYSTEM, "litellm.RateLimitError: 429 too many requests")


def test_a_command_of_a_person_is_the_persons(tmp_path: Path) -> None:
    typed = user("User command: \n```bash\nls\n```", extra={"actions": [{"command": "ls"}]})
    done = user("ok", extra={"raw_output": "a\n", "returncode": 0})
    step = v1(tmp_path, typed, done).trace.steps[2]
    assert (step.origin, step.calls) == (Origin.USER, (Call("bash", {"command": "ls"}, Observation("a\n", 0)),))


@pytest.mark.parametrize(
    "reply",
    [
        user("Command not executed. The user rejected your command with the following message: no"),
        user("Interrupted by user: wait"),
        user("The user added a new task: more", extra={"interrupt_type": "UserNewTask"}),
    ],
)
def test_a_persons_words_are_no_answer_to_a_command(tmp_path: Path, reply: dict[str, Any]) -> None:
    step, said = v1(tmp_path, agent(RUN), reply).trace.steps[2:]
    assert step.calls[0].observation is None
    assert (said.origin, said.text) == (Origin.USER, reply["content"])


def test_a_complaint_is_no_answer_to_a_command_that_never_ran(tmp_path: Path) -> None:
    complaint = user("Say it again", extra={"interrupt_type": "FormatError"})
    step, said = v1(tmp_path, agent(RUN), complaint).trace.steps[2:]
    assert (step.calls[0].observation, said) == (None, Step(Origin.SYSTEM, "Say it again"))


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("```bash\nls\n```", "ls"),
        ("a\n```mswea_bash_command  \ncat <<'E'\nx\nE\n```\nb", "cat <<'E'\nx\nE"),
        ("<mswea_bash_command>ls -la</mswea_bash_command>", "ls -la"),
        ("```bash\nls\n```\n```bash\npwd\n```", None),
        ("```bash\nls", None),
        ("```python\nls\n```", None),
    ],
)
def test_exactly_one_block_is_a_command(tmp_path: Path, said: str, command: str | None) -> None:
    step = v1(tmp_path, agent(said), user("x")).trace.steps[2]
    assert [call.arguments["command"] for call in step.calls] == ([] if command is None else [command])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("<returncode>127</returncode>\n<output>\nx: not found\n</output>", Observation("x: not found\n", 127)),
        ("<returncode>-9</returncode>\n<output>\n</output>", Observation("", -9)),
        (
            "<returncode>0</returncode>\n<output>\n<output>\n</output>\n</output>",
            Observation("<output>\n</output>\n", 0),
        ),
        (
            "<exception>gone</exception>\n<returncode>-1</returncode>\n<output>\npart</output>",
            Observation("gone\npart", -1, is_error=True),
        ),
        ("Observation: fine", Observation("Observation: fine")),
    ],
)
def test_answers_of_every_template_are_read(tmp_path: Path, answer: str, expected: Observation) -> None:
    assert calls(v1(tmp_path, agent(RUN), user(answer)).trace)[0].observation == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Submitted", Status.UNLABELLED),
        ("LimitsExceeded", Status.UNLABELLED),
        ("TimeExceeded", Status.UNLABELLED),
        ("RepeatedFormatError", Status.UNLABELLED),
        ("ContextWindowExceededError", Status.UNLABELLED),
        ("APIError", Status.INFRA_ERROR),
        ("AuthenticationError", Status.INFRA_ERROR),
        ("TimeoutExpired", Status.INFRA_ERROR),
        ("CalledProcessError", Status.INFRA_ERROR),
        ("Timeout", Status.INFRA_ERROR),
        ("KeyboardInterrupt", Status.INFRA_ERROR),
    ],
)
def test_only_ends_outside_the_agent_break_a_run(tmp_path: Path, status: str, expected: Status) -> None:
    assert v1(tmp_path, agent(RUN), user("x"), status=status).outcome.status is expected


def test_the_exception_that_version_1_calls_a_submission_is_none(tmp_path: Path) -> None:
    found = v1(tmp_path, agent(RUN), user("x"), status="APIError", submission="503 overloaded")
    assert (found.trace.error, found.trace.artifacts) == ("APIError: 503 overloaded", ())
    assert found.trace.result == "THOUGHT: go"


def test_too_much_context_is_the_agents_though_the_server_says_bad_request(tmp_path: Path) -> None:
    said = "This model's maximum context length is 8192 tokens"
    found = v1(tmp_path, agent(RUN), user("x"), status="BadRequestError", submission="", exception_str=said)
    assert found.outcome.status is Status.UNLABELLED


def test_a_run_without_a_step_is_broken(tmp_path: Path) -> None:
    assert v1(tmp_path, status="").outcome == Outcome.broken("no step taken by the agent", "info.exit_status")


def test_a_run_without_an_end_says_so(tmp_path: Path) -> None:
    assert v1(tmp_path, agent(RUN), status="").trace.notes == ("the run has no end: it was stopped, or goes on",)


@pytest.mark.parametrize(
    ("template", "said", "request_"),
    [
        ("Do {{ task }} now", "Do the thing now", "the thing"),
        ("On {{system}}:\n{{task}}", "On Linux:\nthe thing", "the thing"),
        ("<t>{{task}}</t>\n{% if x %}", "<t>the thing</t>\nmore", "the thing"),
        ("Other {{task}} text", "Do the thing", "Do the thing"),
        ("No task here", "Do the thing", "Do the thing"),
        ("", "Do the thing", "Do the thing"),
    ],
)
def test_the_task_is_taken_out_of_its_template(tmp_path: Path, template: str, said: str, request_: str) -> None:
    config = {"agent": {"instance_template": template}}
    document = {"info": {"mini_version": "1", "config": config}, "messages": [user(said), agent(RUN)]}
    assert read(written(tmp_path, document)).trace.request == request_


def test_a_torn_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "torn.traj.json"
    path.write_bytes(REAL["django__django-10999"].read_bytes()[:-50])
    with pytest.raises(Damaged):
        list(mini_swe_agent.read(Source(path)))


def test_a_document_without_messages_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"trajectory_format": "mini-swe-agent-1", "messages": None})
    assert list(mini_swe_agent.read(Source(path))) == [Refused("no list `messages`")]


@pytest.mark.parametrize(
    "document",
    [
        [user("Fix it."), agent(RUN), user("thanks")],
        [user("<returncode>0</returncode>"), agent(RUN)],
        {"messages": PROMPT},
        {"info": {"exit_status": "Submitted"}, "messages": PROMPT},
        {"trajectory_format": "mini-swe-agent-1"},
        [],
        7,
    ],
)
def test_other_lists_and_objects_with_messages_are_not_its_own(tmp_path: Path, document: Any) -> None:
    assert not mini_swe_agent.recognise(Source(written(tmp_path, document)))


@pytest.mark.parametrize("other", ["atif", "swe-agent", "tau-bench", "openhands", "claude-code", "langfuse"])
def test_other_formats_are_not_mistaken_for_it(other: str) -> None:
    paths = [path for path in (RUNS / other).rglob("*.*") if path.is_file()]
    assert not [path for path in paths if mini_swe_agent.recognise(Source(path))]


def test_many_unclosed_blocks_are_read_in_no_time(tmp_path: Path) -> None:
    said = "<mswea_bash_command>```bash \n" * 40_000
    assert calls(v1(tmp_path, agent(said), user("<output_head>\n" * 40_000)).trace) == []


@pytest.mark.parametrize("path", [BARE, TOOLS, RESPONSES])
def test_a_document_wrong_in_any_place_is_read_or_refused(tmp_path: Path, path: Path) -> None:
    for wrong in mutations(json.loads(path.read_text())):
        source = Source(written(tmp_path, wrong))
        assert mini_swe_agent.recognise(source) in {True, False}
        assert all(isinstance(item, Reading | Refused) for item in mini_swe_agent.read(source))
