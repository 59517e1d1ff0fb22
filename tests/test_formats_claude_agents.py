"""The sub-agents of a session of Claude Code: wherever their log lies, their steps follow the call."""

from pathlib import Path
from typing import Any

import pytest

from claude_log import SESSION, Json, agent, reading, returned, use, user
from gitskill.formats import claude_code
from gitskill.formats.parse import REPEATED
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Status
from gitskill.trace import Origin, Usage
from reading_runs import FIXTURES, readings, written

MADE = FIXTURES / "claude-code"
FOLDER = MADE / "5f0c9d1e-7a31-4c55-9b0e-2f6a1d3c8e77"


def side(records: list[Json], name: str | None = "abc1234") -> list[Json]:
    return [record | {"isSidechain": True} | ({"agentId": name} if name else {}) for record in records]


def looked(prompt: str = "Look.", before: str = "s") -> list[Json]:
    return [
        user(f"{before}1", None, prompt),
        agent(f"{before}2", f"{before}1", use(f"{before}t", "Read")),
        returned(f"{before}3", f"{before}2", f"{before}t"),
        agent(f"{before}4", f"{before}3", f"Seen {before}."),
    ]


def session(*, told: Any = None) -> list[Json]:
    return [
        user("u1", None, "Go."),
        agent("a1", "u1", use("t1", "Task", prompt="Look."), use("t2", "Task", prompt="Listen.")),
        returned("r1", "a1", "t1", "seen", toolUseResult=told),
        returned("r2", "r1", "t2", "heard"),
        agent("a2", "r2", "Done."),
    ]


def who(found: Reading) -> list[tuple[str, str]]:
    return [(step.agent, step.text or step.calls[0].name) for step in found.trace.steps]


def test_files_of_the_sessions_folder_are_read_with_it() -> None:
    (found,) = readings(claude_code, MADE / f"{FOLDER.name}.jsonl")
    assert [step.agent for step in found.trace.steps] == ["", "", "a1b2c3d", "a1b2c3d", "", "", ""]
    grep = found.trace.steps[2].calls[0]
    assert (grep.arguments, grep.observation and grep.observation.text) == (
        {"pattern": "price\\("},
        "cart.py:3: total = price(item)",
    )
    assert found.parts == (FOLDER,)
    assert (found.trace.model, found.trace.result) == ("claude-sonnet-4-6", "The test passes. cart.py calls price().")
    assert found.trace.usage == Usage(4 * 2312 + 105 + 105, 91 + 40 + 20 + 15 + 8 + 9, 4 * 2000 + 100)


def test_a_sub_agents_log_is_no_run_of_its_own() -> None:
    source = Source(FOLDER / "subagents" / "agent-a1b2c3d.jsonl")
    assert claude_code.recognise(source)
    reason = f"a sub-agent's log: it is read with its session {FOLDER.name}"
    assert list(claude_code.read(source)) == [Refused(reason)]


@pytest.mark.parametrize("name", ["abc1234", None])
def test_records_in_the_sessions_own_log_are_found_by_the_text_of_the_call(tmp_path: Path, name: str | None) -> None:
    records = session()
    found = reading(tmp_path, [*records[:2], *side(looked("Listen.", "sidechain"), name), *records[2:]])
    own = name or "sidechai"
    assert who(found) == [("", "Go."), ("", "Task"), (own, "Read"), (own, "Seen sidechain."), ("", "Done.")]
    assert found.parts == ()


def test_two_agents_with_one_text_belong_to_two_calls_in_their_order(tmp_path: Path) -> None:
    found = reading(tmp_path, [*twice_alike(), *side(looked(before="x"), None), *side(looked(before="y"), None)])
    assert [text for _, text in who(found)] == ["Go.", "Task", "Read", "Seen x.", "Task", "Read", "Seen y."]


def test_a_call_whose_agent_is_named_is_not_given_to_another_with_its_text(tmp_path: Path) -> None:
    named = returned("r1", "a2", "t1", toolUseResult={"agentId": "named"})
    records = [*side(looked(before="x"), "other"), *twice_alike(), named, *side(looked(before="y"), "named")]
    assert [name for name, _ in who(reading(tmp_path, records))] == ["", "", "named", "named", "", "other", "other"]


def twice_alike() -> list[Json]:
    calls = [agent(f"a{n}", f"a{n - 1}", use(f"t{n}", "Task", prompt="Look.")) for n in (1, 2)]
    return [user("a0", None, "Go."), *calls]


def test_a_file_beside_the_session_is_found_by_the_answer_that_names_it(tmp_path: Path) -> None:
    path = written(tmp_path / "agent-abc1234.jsonl", *side(looked("Something else.")))
    written(tmp_path / "agent-fff.jsonl", *(record | {"sessionId": "other"} for record in side(looked())))
    found = reading(tmp_path, session(told={"agentId": "abc1234"}))
    assert [name for name, _ in who(found)] == ["", "", "abc1234", "abc1234", "abc1234", ""]
    assert found.trace.steps[2].origin is Origin.AGENT  # an agent wrote it: its text is not in the call
    assert found.parts == (path,)


def test_a_session_id_far_behind_in_the_first_record_is_found(tmp_path: Path) -> None:
    late = side(looked())[0]
    late = {"message": {"content": "x" * 5000}, **{key: late[key] for key in late if key != "message"}}
    path = written(tmp_path / "agent-abc1234.jsonl", late, *side(looked())[1:])
    assert reading(tmp_path, session()).parts == (path,)


def test_an_agent_that_no_call_has_started_comes_last(tmp_path: Path) -> None:
    found = reading(tmp_path, [*session(), *side(looked("From nowhere."))])
    assert [name for name, _ in who(found)] == ["", "", "", "abc1234", "abc1234", "abc1234"]
    assert found.trace.result == "Done."


def test_an_agent_of_a_workflow_is_found_by_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / SESSION / "subagents" / "workflows" / "wf_1"
    written(folder / "agent-abc1234.jsonl", *side(looked("Part one.")))
    found = reading(tmp_path, session(told={"transcriptDir": f"/home/user/x/subagents/{folder.name}"}))
    assert [name for name, _ in who(found)][2:5] == ["abc1234"] * 3


def test_a_call_named_beside_the_file_goes_before_its_text(tmp_path: Path) -> None:
    folder = tmp_path / SESSION / "subagents"
    written(folder / "agent-abc1234.jsonl", *side(looked("Look.")))
    written(folder / "agent-abc1234.meta.json", {"toolUseId": "t9"})
    extra = [agent("a3", "a2", use("t9", "Agent", prompt="Look.")), returned("r9", "a3", "t9")]
    assert [name for name, _ in who(reading(tmp_path, [*session(), *extra]))] == ["", "", "", "", "abc1234", "abc1234"]


def test_an_agent_of_an_agent_follows_its_call(tmp_path: Path) -> None:
    outer = [
        user("o1", None, "Look."),
        agent("o2", "o1", use("t7", "Task", prompt="Deeper.")),
        agent("o3", "o2", "Out."),
    ]
    found = reading(tmp_path, [*session(), *side(outer, "outer"), *side(looked("Deeper."), "inner")])
    assert [name for name, _ in who(found)] == ["", "", "outer", "inner", "inner", "outer", ""]


@pytest.mark.parametrize(
    ("name", "prompt"), [("abc1234", "Warmup"), ("acompact-f00", "Summarise."), ("aprompt_suggestion-1", "Suggest.")]
)
def test_agents_that_the_program_starts_for_itself_are_left_out(tmp_path: Path, name: str, prompt: str) -> None:
    path = written(tmp_path / f"agent-{name}.jsonl", *side(looked(prompt), name))
    found = reading(tmp_path, session())
    assert {step.agent for step in found.trace.steps} == {""}
    assert (found.parts, found.trace.usage.output) == ((path,), 20)


def test_what_an_agents_log_has_copied_from_the_session_counts_once(tmp_path: Path) -> None:
    copied = [record | {"uuid": "copy-" + record["uuid"]} for record in session() if record["type"] == "assistant"]
    written(tmp_path / "agent-abc1234.jsonl", *side([*session()[:1], *copied, *looked("Look.")]))
    found = reading(tmp_path, session(told={"agentId": "abc1234"}))
    assert who(found)[2:4] == [("abc1234", "Read"), ("abc1234", "Seen s.")]
    assert len(found.trace.steps) == 5


def test_an_agent_started_on_a_branch_that_was_left_is_left_as_well(tmp_path: Path) -> None:
    again = [user("u9", None, "Otherwise."), agent("a9", "u9", "Fine.")]
    found = reading(tmp_path, [*session(), *side(looked("Look.")), *again])
    assert who(found) == [("", "Otherwise."), ("", "Fine.")]


def test_a_session_is_no_part_of_itself_whatever_its_name(tmp_path: Path) -> None:
    (found,) = readings(claude_code, written(tmp_path / "agent-x.jsonl", *session()))
    assert (found.parts, len(found.trace.steps)) == ((), 3)


def test_a_session_whose_own_agent_did_nothing_is_broken(tmp_path: Path) -> None:
    found = reading(tmp_path, [user("u1", None, "Go."), *side(looked())])
    assert (found.outcome.status, found.outcome.note) == (Status.INFRA_ERROR, "no step taken")


def test_an_id_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    written(tmp_path / "subagents" / "agent-abc1234.jsonl", *side(looked()))
    (tmp_path / "project").mkdir()
    found = reading(tmp_path / "project", [record | {"sessionId": ".."} for record in session()])
    assert (found.parts, len(found.trace.steps)) == ((), 3)


def test_what_is_odd_about_the_log_of_an_agent_is_noted(tmp_path: Path) -> None:
    path = written(tmp_path / SESSION / "subagents" / "agent-abc1234.jsonl", *side(looked()))
    path.write_text(path.read_text().replace('{"type": "user"', '{"type": "user", "type": "user"'))
    assert reading(tmp_path, session()).trace.notes == (REPEATED,)


def test_a_damaged_log_of_an_agent_is_noted_and_the_session_read(tmp_path: Path) -> None:
    path = written(tmp_path / SESSION / "subagents" / "agent-abc1234.jsonl", *side(looked()))
    path.write_text(path.read_text()[:-20])
    found = reading(tmp_path, session())
    assert len(found.trace.steps) == 3
    (note,) = found.trace.notes
    assert note.startswith("the log of a sub-agent, agent-abc1234.jsonl, is left out: line 4")


@pytest.mark.parametrize("link", [SESSION, f"{SESSION}/subagents"])
def test_a_folder_behind_a_link_is_not_read(tmp_path: Path, link: str) -> None:
    written(tmp_path / "away" / "subagents" / "agent-abc1234.jsonl", *side(looked()))
    place = tmp_path / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(tmp_path / "away" / ("subagents" if "/" in link else ""))
    assert {step.agent for step in reading(tmp_path, session()).trace.steps} == {""}


def test_an_interruption_of_an_agent_is_the_users(tmp_path: Path) -> None:
    stop = user("s9", "s4", "[Request interrupted by user]")
    found = reading(tmp_path, [*session(), *side([*looked(), stop])])
    assert [step.origin for step in found.trace.steps if step.text.startswith("[")] == [Origin.USER]
