"""gitskill traces: real sets of runs come in with the counts their makers state, and nothing else moves."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Done, git, state
from reading_runs import RUNS

Run = Callable[..., Done]

NOTHING = {"success": 0, "failure": 0, "infra_error": 0, "unlabelled": 0}


def own(task: str = "t1", **more: Any) -> dict[str, Any]:
    """Give a run in gitskill's own format: three commands, of which the second fails."""
    commands = (("ls", "a.xlsx\n", 0), ("cat b", "cat: b: No such file or directory", 1), ("cat a.xlsx", "PK", 0))
    steps: list[dict[str, Any]] = [{"origin": "user", "text": "Sum it up."}]
    for command, text, code in commands:
        call = {"name": "bash", "arguments": {"command": command}, "observation": {"text": text, "exit_code": code}}
        steps.append({"origin": "agent", "text": "I look.", "calls": [call]})
    document = {"gitskill_trace": 1, "format": "gitskill-trace", "task": task, "request": "Sum it up.", "steps": steps}
    return document | {"outcome": {"status": "failure"}} | more


@pytest.fixture
def runs(tmp_path: Path) -> Callable[..., Path]:
    """Write files into a folder outside the repository: `runs(a=own(), b=b"bytes")` makes a.json and b.json."""

    def call(**files: Any) -> Path:
        place = tmp_path / "runs"
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            (place / f"{name}.json").write_bytes(data)
        return place

    return call


@pytest.fixture
def add(folder: Path, gitskill: Run) -> Callable[..., dict[str, Any]]:
    """Run `traces add --json` and give the document."""

    def call(*words: str | Path, code: int = 0) -> dict[str, Any]:
        done = gitskill(folder, "traces", "add", "--json", *map(str, words))
        assert done.code == code, done.err
        document: dict[str, Any] = json.loads(done.out)
        return document

    return call


@pytest.fixture
def listed(folder: Path, gitskill: Run) -> Callable[..., list[dict[str, Any]]]:
    """Run `traces list --json` and give the list."""

    def call(*words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(gitskill(folder, "traces", "list", "--json", *words).out)
        return found

    return call


def objects(folder: Path) -> bytes:
    """Give the bytes of every object in the repository."""
    command = ["git", "-C", str(folder), "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("path", "outcomes", "code"),
    [
        ("tau-bench", {"success": 84, "failure": 116}, 0),
        ("agentrx/tau_retail_failed.json", {"failure": 29}, 0),
        ("mini-swe-agent", {"success": 6, "failure": 6}, 0),
        ("mini-swe-agent/trajs", {"success": 6, "failure": 6}, 0),
        ("intercode-bash", {"success": 97, "failure": 103}, 0),
        ("intercode-bash/ic_bash_multiturn_gpt-4_10_turns_fs_1.json", {"success": 25, "failure": 35}, 0),
        ("intercode-bash/ic_bash_multiturn_gpt-4_10_turns_fs_2.json", {"success": 25, "failure": 28}, 0),
        ("intercode-bash/ic_bash_multiturn_gpt-4_10_turns_fs_3.json", {"success": 31, "failure": 29}, 0),
        ("intercode-bash/ic_bash_multiturn_gpt-4_10_turns_fs_4.json", {"success": 16, "failure": 11}, 0),
        ("reflexion/simple_mbpp_py.jsonl", {"success": 318, "failure": 79}, 0),
        ("reflexion/reflexion_mbpp_py.jsonl", {"success": 306, "failure": 91}, 0),
        ("swe-agent", {"success": 2, "failure": 1}, 0),
        ("inspect/*.eval", {"success": 11, "failure": 5}, 0),
        ("inspect/*.json", {"success": 2, "failure": 1}, 0),
        ("openhands/resolver_output.jsonl", {"success": 2}, 0),
        ("openhands", {"success": 2, "unlabelled": 2}, 0),
        ("claude-code", {"unlabelled": 4}, 0),
        ("codex", {"unlabelled": 2}, 0),
        ("gemini", {"unlabelled": 2}, 0),
        ("atif", {"unlabelled": 4}, 0),
        ("langfuse", {"unlabelled": 4}, 0),
        ("opencode/agent-sessions", {"unlabelled": 3}, 0),
        ("opencode/letta-trajectory/*/input.json", {"unlabelled": 2}, 0),
    ],
)
def test_a_labelled_set_comes_in_with_the_counts_that_its_makers_state(
    add: Callable[..., dict[str, Any]], folder: Path, path: str, outcomes: dict[str, int], code: int
) -> None:
    before = state(folder)
    done = add(RUNS / path, code=code)

    assert done["outcomes"] == NOTHING | outcomes
    assert done["added"] == sum(outcomes.values())
    assert done["skipped"] == []
    assert state(folder) == before


def test_a_run_that_is_added_twice_is_one_trace(
    add: Callable[..., dict[str, Any]], runs: Callable[..., Path], folder: Path
) -> None:
    first = add(runs(a=own()))
    tip = git(folder, "rev-parse", "refs/gitskill/traces")
    again = add(runs(a=own(), copy=own()))

    assert (first["added"], first["known"]) == (1, 0)
    assert (again["added"], again["known"]) == (0, 2)
    assert git(folder, "rev-parse", "refs/gitskill/traces") == tip


def test_the_list_has_what_scripts_count_on(
    add: Callable[..., dict[str, Any]], listed: Callable[..., list[dict[str, Any]]], runs: Callable[..., Path]
) -> None:
    place = runs(a=own())
    add(place)
    [entry] = listed()

    assert {key: entry[key] for key in ("task", "outcome", "format", "steps", "path")} == {
        "task": "t1",
        "outcome": "failure",
        "format": "gitskill-trace",
        "steps": 4,
        "path": str(place / "a.json"),
    }
    assert len(entry["trace"]) == 64


def test_a_run_in_a_file_with_others_is_listed_with_its_place(
    add: Callable[..., dict[str, Any]],
    listed: Callable[..., list[dict[str, Any]]],
    folder: Path,
    gitskill: Run,
    tmp_path: Path,
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(own(session=f"s{n}")) + "\n" for n in range(11)))
    add(rows)

    assert [(entry["path"], entry["place"]) for entry in listed()] == [(str(rows), f"line {n}") for n in range(1, 12)]
    assert gitskill(folder, "traces", "list").out.endswith(f"t1  {rows} line 11\n")


def test_filters_of_the_list_hold_together(
    add: Callable[..., dict[str, Any]], listed: Callable[..., list[dict[str, Any]]], runs: Callable[..., Path]
) -> None:
    add(runs(a=own(), b=own("t2"), c=own("t2", session="c", outcome={"status": "success"})))

    assert [entry["task"] for entry in listed("--task", "t2", "--outcome", "failure")] == ["t2"]
    assert len(listed("--task", "t2")) == 2
    assert listed("--format", "codex") == []


def test_text_of_an_import_says_what_came_of_every_file(folder: Path, gitskill: Run, runs: Callable[..., Path]) -> None:
    place = runs(a=own(), b=own("t2", outcome={"status": "unlabelled"}), bad=b"{")
    (place / "notes.py").write_text("no log")
    (place / "link.json").symlink_to(place / "a.json")
    done = gitskill(folder, "traces", "add", str(place))
    unlabelled = git(folder, "ls-tree", "-r", "--name-only", "refs/gitskill/traces")

    assert done.code == 7
    assert done.out == "2 traces added  gitskill-trace 2\n  outcome   1 failure, 1 unlabelled\n"
    lines = done.err.splitlines()
    assert len(unlabelled.splitlines()) == 4
    assert lines[0].startswith("  no label  ")
    assert lines[0].endswith(f"{place}/b.json")
    assert lines[1:] == [
        f"  skipped   {place}/bad.json: cut off: it ends in the middle of a value",
        f"  skipped   {place}/link.json: a symbolic link",
        "  1 other file passed over",
        "  label     gitskill traces label ID success|failure, or add them again with --labels",
    ]


def test_a_label_by_hand_stands_whatever_the_log_says_later(
    add: Callable[..., dict[str, Any]],
    listed: Callable[..., list[dict[str, Any]]],
    runs: Callable[..., Path],
    folder: Path,
    gitskill: Run,
) -> None:
    add(runs(a=own()))
    trace = listed()[0]["trace"]
    done = gitskill(folder, "traces", "label", trace[:8], "success", "--note", "checked by hand")
    add(runs(a=own()))

    assert done.code == 0
    assert "failure -> success" in done.out
    assert listed()[0]["outcome"] == "success"
    assert listed()[0]["trace"] == trace
    assert "checked by hand" in gitskill(folder, "traces", "show", trace[:8]).out


def test_labels_from_a_file_name_runs_and_those_that_name_none_are_told(
    add: Callable[..., dict[str, Any]],
    listed: Callable[..., list[dict[str, Any]]],
    runs: Callable[..., Path],
    folder: Path,
    gitskill: Run,
) -> None:
    place = runs(a=own(), b=own("t2"))
    labels = place / "graded.csv"
    labels.write_text("id,reward\nt1,1.0\nb.json,0.2\nnobody,1\n")
    add(place)
    again = add(place, "--labels", labels)

    assert again["relabelled"] == 2
    assert [(entry["task"], entry["outcome"], entry["reward"]) for entry in listed()] == [
        ("t1", "success", 1.0),
        ("t2", "failure", 0.2),
    ]
    told = gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    assert "no run fornobody" in told.err.replace("  ", "")


def test_a_command_labels_each_run(
    add: Callable[..., dict[str, Any]], runs: Callable[..., Path], tmp_path: Path
) -> None:
    judge = tmp_path / "judge"
    judge.write_text('#!/bin/sh\ncase "$1" in *a.json) exit 0;; *) exit 1;; esac\n')
    judge.chmod(0o755)

    assert add(runs(a=own(), b=own("t2")), "--labels", str(judge))["outcomes"] == NOTHING | {"success": 1, "failure": 1}


def test_a_run_without_a_step_of_the_agent_is_no_failure(
    add: Callable[..., dict[str, Any]], runs: Callable[..., Path]
) -> None:
    done = add(runs(a=own(steps=[{"origin": "user", "text": "Sum it up."}])))

    assert done["outcomes"] == NOTHING | {"infra_error": 1}


def test_strict_stores_nothing_where_anything_is_skipped(
    runs: Callable[..., Path], folder: Path, gitskill: Run, listed: Callable[..., list[dict[str, Any]]]
) -> None:
    done = gitskill(folder, "traces", "add", "--strict", str(runs(a=own(), bad=b"{")))

    assert done.code == 3
    assert "1 input cannot be read; nothing was stored" in done.err
    assert listed() == []


def test_undo_takes_an_import_back_and_rm_can_be_undone(
    add: Callable[..., dict[str, Any]],
    listed: Callable[..., list[dict[str, Any]]],
    runs: Callable[..., Path],
    folder: Path,
    gitskill: Run,
) -> None:
    add(runs(a=own()))
    add(runs(b=own("t2")))
    gitskill(folder, "undo")
    assert [entry["task"] for entry in listed()] == ["t1"]

    assert gitskill(folder, "traces", "rm", listed()[0]["trace"]).code == 0
    assert listed() == []
    gitskill(folder, "undo")
    assert [entry["task"] for entry in listed()] == ["t1"]


def test_show_gives_steps_tools_exit_codes_and_where_it_failed(
    add: Callable[..., dict[str, Any]],
    listed: Callable[..., list[dict[str, Any]]],
    runs: Callable[..., Path],
    folder: Path,
    gitskill: Run,
) -> None:
    place = runs(a=own(agent="probe 1.0", model="m-1", usage={"input": 1200, "output": 34, "cost": 0.5}))
    add(place)
    trace = listed()[0]["trace"]
    done = gitskill(folder, "traces", "show", trace[:10])

    assert (
        done.out
        == f"""\
{trace[:10]}  t1
outcome   failure  (outcome)
request   Sum it up.
agent     probe 1.0, m-1
log       gitskill-trace  {place}/a.json
used      4 steps, 1,200 tokens in, 34 out, $0.5000

   1  user    Sum it up.

   2  agent   I look.
              > bash  ls
              | a.xlsx
              exit 0

   3  agent   I look.
              > bash  cat b
              | cat: b: No such file or directory
              exit 1

   4  agent   I look.
              > bash  cat a.xlsx
              | PK
              exit 0

failed at step 3 (bash exit 1)
"""
    )
    document = json.loads(gitskill(folder, "traces", "show", "--json", trace).out)
    assert document["failed"] == [{"step": 3, "tool": "bash", "how": "exit 1"}]
    assert document["outcome"]["status"] == "failure"


def test_long_texts_are_brief_unless_asked_for(
    add: Callable[..., dict[str, Any]],
    listed: Callable[..., list[dict[str, Any]]],
    runs: Callable[..., Path],
    folder: Path,
    gitskill: Run,
) -> None:
    text = "\n".join(f"line {n} {'x' * 200}" for n in range(50))
    add(runs(a=own(steps=[{"origin": "agent", "text": text}])))
    trace = listed()[0]["trace"]

    assert "... 46 more lines" in gitskill(folder, "traces", "show", trace).out
    assert f"line 49 {'x' * 200}" in gitskill(folder, "traces", "show", trace, "--full").out
    assert f"line 49 {'x' * 200}" in gitskill(folder, "traces", "show", trace, "--step", "1").out
    assert gitskill(folder, "traces", "show", trace, "--step", "2").code == 3


def test_an_observation_beyond_the_limit_keeps_head_and_tail_and_says_what_was_cut(
    add: Callable[..., dict[str, Any]],
    listed: Callable[..., list[dict[str, Any]]],
    runs: Callable[..., Path],
    folder: Path,
    gitskill: Run,
) -> None:
    add(runs(a=own(steps=[{"origin": "agent", "text": "HEAD" + "x" * 100_000 + "TAIL"}])))
    shown = json.loads(gitskill(folder, "traces", "show", "--json", listed()[0]["trace"]).out)["steps"][0]["text"]

    assert shown.startswith("HEADxxx")
    assert shown.endswith("xxxTAIL")
    assert "[... 68,008 characters cut ...]" in shown


def test_stats_add_up(
    add: Callable[..., dict[str, Any]], runs: Callable[..., Path], folder: Path, gitskill: Run
) -> None:
    add(runs(a=own(), b=own("t1", outcome={"status": "success"}, model="m"), c=own("t2", usage={"input": 5})))
    done = json.loads(gitskill(folder, "traces", "stats", "--json").out)

    assert done["traces"] == 3
    assert (done["tasks"], done["mixed_tasks"]) == (2, 1)
    assert done["outcomes"] == NOTHING | {"success": 1, "failure": 2}
    assert done["tools"] == [{"tool": "bash", "calls": 9, "failed": 3}]
    assert done["tokens"] == {"input": 5, "output": 0}
    assert "3 traces of 2 tasks\n1 task with successful and failed runs\n" in gitskill(folder, "traces", "stats").out


def test_the_same_run_in_two_formats_is_reported(
    add: Callable[..., dict[str, Any]], runs: Callable[..., Path], listed: Callable[..., list[dict[str, Any]]]
) -> None:
    steps = own()["steps"]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Sum it up."}]
    for n, step in enumerate(steps[1:]):
        function = {"name": "shell", "arguments": json.dumps({"cmd": step["calls"][0]["arguments"]["command"]})}
        messages.append({"role": "assistant", "content": "", "tool_calls": [{"id": f"c{n}", "function": function}]})
        messages.append({"role": "tool", "tool_call_id": f"c{n}", "content": step["calls"][0]["observation"]["text"]})
    add(runs(a=own()))
    done = add(runs(b={"messages": messages}))

    assert done["added"] == 1
    assert [twin["trace"] for twin in done["same_run"]] == [
        entry["trace"] for entry in listed() if entry["format"] == "openai-chat"
    ]


def test_a_session_that_has_grown_is_reported_as_the_same_run(
    add: Callable[..., dict[str, Any]], runs: Callable[..., Path]
) -> None:
    add(runs(a=own(session="s-1")))
    grown = own(session="s-1")
    grown["steps"].append({"origin": "agent", "text": "Done."})

    assert len(add(runs(a=grown))["same_run"]) == 1


SECRET = "ghp_" + "a1B2" * 9


def test_secrets_reach_no_object_no_output_and_cannot_be_kept_by_a_comment(
    add: Callable[..., dict[str, Any]],
    runs: Callable[..., Path],
    folder: Path,
    gitskill: Run,
    listed: Callable[..., list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOUSE_API_KEY", "open-sesame-1234")
    (folder / ".gitleaks.toml").write_text("[allowlist]\nregexes = ['.*']\n")
    steps = [
        {"origin": "user", "text": f"token {SECRET} # gitleaks:allow pragma: allowlist secret"},
        {"origin": "agent", "text": "mail ada@corp.test", "calls": [{"name": "x", "arguments": {SECRET: SECRET}}]},
        {"origin": "agent", "text": "open-sesame-1234 in /home/ada/secret.txt"},
    ]
    place = runs(a=own(task=f"fix {SECRET}", steps=steps, outcome={"status": "failure", "note": SECRET}))
    done = add(place)
    shown = gitskill(folder, "traces", "show", listed()[0]["trace"])

    everything = objects(folder) + shown.out.encode() + json.dumps(done).encode()
    assert SECRET.encode() not in everything
    assert b"open-sesame" not in everything
    assert b"ada@corp" not in everything
    assert b"/home/ada" not in everything
    assert "/secret.txt" in shown.out
    assert sum(done["redacted"].values()) >= 6


def test_a_home_folder_and_a_secret_in_the_path_are_not_stored(
    add: Callable[..., dict[str, Any]],
    tmp_path: Path,
    folder: Path,
    listed: Callable[..., list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    place = tmp_path / SECRET
    place.mkdir()
    (place / "a.json").write_text(json.dumps(own()))
    add(place)

    assert listed()[0]["path"].startswith("~/")
    assert SECRET.encode() not in objects(folder)


def test_terminal_escapes_never_reach_the_terminal(
    runs: Callable[..., Path], folder: Path, gitskill: Run, listed: Callable[..., list[dict[str, Any]]]
) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e"
    steps = [{"origin": "agent", "text": evil, "thought": evil, "calls": [{"name": evil, "arguments": {evil: evil}}]}]
    place = runs(a=own(evil, steps=steps, request=evil, agent=evil, error=evil, notes=[evil]))
    (place / f"{evil.replace('/', '')}.json").write_text("{")
    shown = [gitskill(folder, "traces", "add", str(place))]
    name = listed()[0]["trace"]
    shown += [
        gitskill(folder, "traces", *words)
        for words in (["list"], ["stats"], ["show", name], ["label", name, "success"])
    ]
    shown += [gitskill(folder, "traces", "show", "--json", name), gitskill(folder, "traces", "list", "--json")]

    for done in shown:
        assert done.code in {0, 7}
        assert not {"\x1b", "\x07", "\u202e"} & set(done.out + done.err)


@pytest.mark.parametrize("name", ["", "zz", "0123456789", "s-none"])
@pytest.mark.parametrize("words", [["show"], ["rm"], ["label"]])
def test_a_trace_that_is_not_there_is_an_error_of_one_line(
    folder: Path, gitskill: Run, name: str, words: list[str]
) -> None:
    done = gitskill(folder, "traces", *words, name, *(["success"] if words == ["label"] else []))

    assert done.code == 3
    assert done.err == f"gitskill: no trace is named {name!r}\nhint: gitskill traces list names them\n"


def test_an_id_that_fits_several_traces_is_refused(
    add: Callable[..., dict[str, Any]], runs: Callable[..., Path], folder: Path, gitskill: Run
) -> None:
    add(runs(a=own(session="s"), b=own("t2", session="s")))
    done = gitskill(folder, "traces", "show", "s")

    assert done.code == 3
    assert "2 traces are named 's'" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "word"], "no format is named 'word'"),
        (["--task-from", "moon"], "--task-from 'moon' is no rule"),
        (["--labels", "no-such-thing"], "--labels 'no-such-thing' is neither a file nor a program"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_before_anything_is_stored(
    folder: Path, gitskill: Run, runs: Callable[..., Path], words: list[str], said: str
) -> None:
    done = gitskill(folder, "traces", "add", str(runs(a=own())), *words)

    assert done.code == 3
    assert said in done.err
    assert git(folder, "for-each-ref", "refs/gitskill") == ""


def test_two_imports_at_the_same_time_lose_nothing(folder: Path, tmp_path: Path) -> None:
    code = "import sys; from gitskill.cli.main import main; main()"
    started = []
    for number in range(4):
        place = tmp_path / str(number)
        place.mkdir()
        for each in range(3):
            (place / f"{each}.json").write_text(json.dumps(own(f"t{number}-{each}")))
        command = [sys.executable, "-c", code, "-C", str(folder), "traces", "add", str(place)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)))

    assert [process.wait() for process in started] == [0, 0, 0, 0]
    for process in started:
        process.communicate()
    names = git(folder, "ls-tree", "-r", "--name-only", "refs/gitskill/traces").split()
    assert len(names) == 2 * 12
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""
