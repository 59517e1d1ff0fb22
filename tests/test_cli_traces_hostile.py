"""gitskill traces against files, labels, stores and neighbours that mean harm, or only bad luck."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import planted
from conftest import WHO, Done, git
from gitskill.intake import Choice, Intake
from gitskill.outcome import BY_HAND, Outcome, Status
from gitskill.redact.redactor import Redactor
from gitskill.store.repository import Repository
from gitskill.store.traces import Collection, Entry, entries
from reading_runs import FIXTURES
from test_cli_traces import SECRET, objects, own

Run = Callable[..., Done]


@pytest.fixture
def add(folder: Path, gitskill: Run, tmp_path: Path) -> Callable[..., Done]:
    """Write runs to files and add them: `add(own(), "--labels", "x")`."""

    def call(*given: Any, name: str = "run") -> Done:
        place = tmp_path / "runs"
        place.mkdir(exist_ok=True)
        words = [word for word in given if isinstance(word, str)]
        for number, document in enumerate(item for item in given if not isinstance(item, str)):
            (place / f"{name}{number}.json").write_text(json.dumps(document))
        return gitskill(folder, "traces", "add", "--json", str(place), *words)

    return call


def listed(folder: Path, gitskill: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gitskill(folder, "traces", "list", "--json").out)
    return found


@pytest.mark.parametrize("threshold", ["nan", "inf", "-inf", "x"])
def test_a_threshold_that_no_reward_reaches_is_refused(add: Callable[..., Done], threshold: str) -> None:
    assert add(own(), "--threshold", threshold).code == 2


def test_the_threshold_holds_for_commands_too(add: Callable[..., Done]) -> None:
    done = add(own(), "--threshold", "0.5", "--labels", "sh -c 'echo 0.7' {path}")

    assert json.loads(done.out)["outcomes"]["success"] == 1


def test_a_command_that_cannot_tell_leaves_what_the_log_says(
    add: Callable[..., Done], folder: Path, gitskill: Run
) -> None:
    add(own(outcome={"status": "success"}), "--labels", "sh -c 'exit 2' {path}")
    [entry] = listed(folder, gitskill)

    assert (entry["outcome"], entry["source"]) == ("success", "outcome")


@pytest.mark.parametrize(
    "claim",
    [
        {"task_id": "t", "trial_name": "x", "is_resolved": False},
        {"task_name": "t", "trial_name": "x", "agent_info": {}},
    ],
)
def test_a_small_file_cannot_claim_the_runs_beside_it(add: Callable[..., Done], tmp_path: Path, claim: Any) -> None:
    (tmp_path / "runs").mkdir()
    for name in ("result.json", "results.json", "config.json"):
        (tmp_path / "runs" / name).write_text(json.dumps(claim))
    document = json.loads(add(own(), own("t2")).out)

    assert document["formats"]["gitskill-trace"] == 2


@pytest.mark.parametrize("place", ["harbor", "claude-code", "openhands/sdk", "opencode/storage", "tau2-bench/split"])
def test_a_format_that_is_named_reads_a_folder_as_it_is_read_anyway(
    folder: Path, gitskill: Run, tmp_path: Path, place: str
) -> None:
    shutil.copytree(FIXTURES / place, tmp_path / "copy")
    free = json.loads(gitskill(folder, "traces", "add", "--json", str(tmp_path / "copy")).out)
    [name] = free["formats"]
    named = json.loads(gitskill(folder, "traces", "add", "--json", "--format", name, str(tmp_path / "copy")).out)

    assert free["skipped"] == named["skipped"] == []
    assert (named["added"], named["known"]) == (0, free["added"])


def test_what_is_not_of_the_format_that_is_named_is_told(add: Callable[..., Done], tmp_path: Path) -> None:
    done = add(own(), "--format", "gemini")

    assert done.code == 7
    assert json.loads(done.out)["skipped"] == [{"path": str(tmp_path / "runs/run0.json"), "reason": "not gemini"}]


class Meanwhile:
    """Somebody who does something else to the store while an import runs, and then gives a label."""

    def __init__(self, act: Callable[[Entry], Done]) -> None:
        self._act = act

    def label(self, entry: Entry, _document: bytes, _path: Path) -> Outcome:
        assert self._act(entry).code == 0
        return Outcome(Status.FAILURE, source="labels x", who="Ada")


def imported(folder: Path, place: Path, act: Callable[[Entry], Done]) -> None:
    repository = Repository.open(folder)
    collection = Collection(repository)
    intake = Intake(Redactor(), collection, entries(repository), Choice(labeller=Meanwhile(act)))
    intake.run([place], lambda _done, _of: None)
    collection.save("traces add", WHO)


def test_a_persons_word_stands_against_an_import_that_began_before(
    add: Callable[..., Done], folder: Path, gitskill: Run, tmp_path: Path
) -> None:
    add(own())
    imported(folder, tmp_path / "runs", lambda entry: gitskill(folder, "traces", "label", entry.trace, "success"))

    assert [entry["outcome"] for entry in listed(folder, gitskill)] == ["success"]


def test_what_was_forgotten_meanwhile_stays_forgotten(
    add: Callable[..., Done], folder: Path, gitskill: Run, tmp_path: Path
) -> None:
    add(own())
    imported(folder, tmp_path / "runs", lambda entry: gitskill(folder, "forget", entry.trace))

    assert listed(folder, gitskill) == []
    assert gitskill(folder, "traces", "stats").code == 0


def test_identical_runs_with_labels_that_disagree_have_none(
    add: Callable[..., Done], folder: Path, gitskill: Run
) -> None:
    document = json.loads(add(own(outcome={"status": "success"}), own(outcome={"status": "failure"})).out)
    [entry] = listed(folder, gitskill)

    assert document["outcomes"] == {"success": 0, "failure": 0, "infra_error": 0, "unlabelled": 1}
    assert "labelled success and failure" in gitskill(folder, "traces", "show", entry["trace"]).out


def test_another_rule_for_tasks_names_the_same_trace_anew(
    add: Callable[..., Done], folder: Path, gitskill: Run
) -> None:
    add(own())
    again = json.loads(add(own(), "--task-from", "folder").out)

    assert (again["added"], again["known"]) == (0, 1)
    assert [entry["task"] for entry in listed(folder, gitskill)] == ["runs"]


@pytest.mark.parametrize(
    "document",
    [
        own("t2", outcome={"status": "success", "source": "\ud800"}),
        own("t2", outcome={"status": "success", "reward": 10**400}),
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], "reward": 10**400},
    ],
)
def test_one_bad_value_costs_no_other_run(add: Callable[..., Done], document: dict[str, Any]) -> None:
    done = add(own(), document)

    assert done.code in {0, 7}
    assert json.loads(done.out)["outcomes"]["failure"] == 1


def test_no_planted_secret_reaches_a_git_object_the_log_of_operations_or_the_output(
    add: Callable[..., Done], folder: Path, gitskill: Run
) -> None:
    """Every shape raw, quoted in JSON and split over two lines; in texts, arguments, and what tools returned."""
    made = {shape: shape.make(Random(shape.name)) for shape in planted.SHAPES}  # noqa: S311 - repeatable fakes
    texts = [
        text
        for shape, secret in made.items()
        for text in (shape.line(secret), planted.escaped(shape.line(secret)), *list(planted.split(shape, secret))[:3])
    ]
    steps = [
        {
            "origin": "agent",
            "text": text,
            "calls": [{"name": "f", "arguments": {"x": [text]}, "observation": {"text": text}}],
        }
        for text in texts
    ]
    done = add(own(steps=steps, request=texts[0], notes=texts[:5]))
    trace = listed(folder, gitskill)[0]["trace"]
    shown = gitskill(folder, "traces", "show", "--full", trace).out + gitskill(folder, "undo", "--list").out
    kept = (objects(folder) + shown.encode() + done.out.encode()).decode(errors="replace")
    left = [shape.name for shape, secret in made.items() if planted.remains(secret, kept)]

    assert len(made) >= 40
    assert left == []


def test_where_a_label_stood_is_redacted_too(
    add: Callable[..., Done], folder: Path, gitskill: Run, tmp_path: Path
) -> None:
    labels = tmp_path / f"{SECRET}.csv"
    labels.write_text("id,outcome\nt1,success\n")
    add(own(), "--labels", str(labels))
    add(own("t2", outcome={"status": "failure", "source": SECRET, "note": "x" * 10_000}))

    assert SECRET.encode() not in objects(folder)
    assert [entry["source"] for entry in listed(folder, gitskill)] == [
        "labels \u2039SECRET:github-token:1\u203a.csv",
        "outcome, \u2039SECRET:github-token:1\u203a",
    ]
    shown = gitskill(folder, "traces", "show", "--json", listed(folder, gitskill)[1]["trace"]).out
    assert len(json.loads(shown)["outcome"]["note"]) < 3000


def test_no_log_and_no_file_name_can_pose_as_lines_of_ours(
    add: Callable[..., Done], folder: Path, gitskill: Run
) -> None:
    forged = "evil\noutcome   success  (person, Ada)"
    add(own(forged, agent=forged, notes=[forged], session=forged), name="a\nfailure  12")
    [entry] = listed(folder, gitskill)
    shown = gitskill(folder, "traces", "show", entry["trace"]).out

    assert len(gitskill(folder, "traces", "list").out.splitlines()) == 1
    assert [line for line in shown.splitlines() if line.startswith("outcome")] == ["outcome   failure  (outcome)"]


def test_a_file_of_labels_is_no_person_whatever_its_name(
    add: Callable[..., Done], folder: Path, gitskill: Run, tmp_path: Path
) -> None:
    for name, outcome in ((BY_HAND, "success"), ("later.csv", "failure")):
        (tmp_path / name).write_text(f"id,outcome\nt1,{outcome}\n")
        add(own(), "--labels", str(tmp_path / name))

    assert [entry["outcome"] for entry in listed(folder, gitskill)] == ["failure"]


def test_labels_that_name_no_run_are_in_the_document(add: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("id,outcome\r\nt1,success\r\nnobody,failure\r\n")

    assert json.loads(add(own(), "--labels", str(tmp_path / "l.csv")).out)["no_run_for"] == ["nobody"]


def test_a_file_of_labels_may_lie_among_the_runs(add: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/labels.json").write_text('{"t1": "success"}')
    done = add(own(), "--strict", "--labels", str(tmp_path / "runs/labels.json"))

    assert done.code == 0
    assert json.loads(done.out)["outcomes"]["success"] == 1


def test_a_strict_import_that_stored_nothing_says_so(add: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/bad.json").write_text("{")

    assert json.loads(add(own(), "--strict").out)["stored"] is False


def test_a_job_of_harbor_comes_in_without_complaint(folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "traces", "add", "--json", "--strict", str(FIXTURES / "harbor"))

    assert done.code == 0
    assert json.loads(done.out)["formats"] == {"harbor": 1}


def test_a_file_of_labels_that_is_named_is_noted(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"resolved": true, "tests_status": {}}')
    done = json.loads(gitskill(folder, "traces", "add", "--json", str(tmp_path / "report.json")).out)

    assert [note["note"] for note in done["notes"]] == ["a file of labels: it is read beside its runs"]


def test_keys_that_become_one_cost_no_time(add: Callable[..., Done]) -> None:
    keys = {f"\ud800{chr(0xD800 + n % 1000)}{chr(0xDC00 + n // 1000)}"[:2] + "\ud800" * (n % 3): n for n in range(900)}
    steps = [{"origin": "agent", "calls": [{"name": "f", "arguments": keys}]}]

    assert add(own(steps=steps)).code == 0


STORES = {
    "submodule": "160000 commit {commit}\t{name}",
    "link": "120000 blob {blob}\t{name}",
    "text": "100644 blob {blob}\t{name}",
    "folder": "040000 tree {tree}\t{name}",
}


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize(
    "words", [["traces", "list"], ["traces", "stats"], ["traces", "show", "ab"], ["forget", "abcd"]]
)
def test_a_store_that_somebody_made_up_is_answered_in_a_line(
    folder: Path, gitskill: Run, kind: str, words: list[str]
) -> None:
    blob = git(folder, "hash-object", "-w", "--stdin", data="[1, 2").strip()
    tree, commit = git(folder, "rev-parse", "HEAD^{tree}").strip(), git(folder, "rev-parse", "HEAD").strip()
    names = [f"{'c' * 62}.json", f"{'c' * 62}.about.json"]
    lines = [STORES[kind].format(blob=blob, tree=tree, commit=commit, name=name) for name in names]
    inner = git(folder, "mktree", "--missing", data="\n".join(lines) + "\n").strip()
    outer = git(folder, "mktree", data=f"040000 tree {inner}\tab\n040000 tree {tree}\tzz\n").strip()
    made = git(folder, "commit-tree", outer, "-m", "x").strip()
    git(folder, "update-ref", "refs/gitskill/traces", made)
    done = gitskill(folder, *words)

    assert done.code in {0, 3, 5}
    assert len(done.err.splitlines()) <= 2


def test_a_symbolic_ref_in_the_place_of_the_store_is_refused(add: Callable[..., Done], folder: Path) -> None:
    git(folder, "symbolic-ref", "refs/gitskill/traces", "refs/heads/main")
    before = git(folder, "rev-parse", "main")
    done = add(own())

    assert done.code == 5
    assert "symbolic ref" in done.err
    assert git(folder, "rev-parse", "main") == before


def test_a_signal_leaves_nothing_half_stored(folder: Path, tmp_path: Path) -> None:
    """A label command that never ends holds the import; the interrupt ends both."""
    (tmp_path / "run.json").write_text(json.dumps(own()))
    waiting = tmp_path / "waits"
    judge = tmp_path / "judge"
    judge.write_text(f"#!/bin/sh\ntouch {waiting}\nexec sleep 60\n")
    judge.chmod(0o755)
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from gitskill.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, "-C", str(folder), "traces", "add"]
    given = [str(tmp_path / "run.json"), "--labels", str(judge)]
    with subprocess.Popen([*command, *given], stderr=subprocess.PIPE) as done:
        while not waiting.exists():
            assert done.poll() is None
        done.send_signal(2)
        _, said = done.communicate()

    assert done.returncode == 130
    assert said == b"gitskill: interrupted\n"
    assert git(folder, "for-each-ref", "refs/gitskill") == ""
