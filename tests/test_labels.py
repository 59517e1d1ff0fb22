"""Labels that people bring: what a file says of runs, read exactly or refused with the row's number."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.errors import InvalidInput
from gitskill.judge import Judge
from gitskill.labelling import FromFile
from gitskill.labels import parse_labels
from gitskill.outcome import BY_HAND, UNLABELLED, Outcome, Status
from gitskill.store.traces import Entry

GOOD, BAD, BROKEN = Status.SUCCESS, Status.FAILURE, Status.INFRA_ERROR


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "success", "b": false, "c": {"outcome": "infra_error"}}',
        '{"a": true, "b": 0, "c": {"status": "error"}}',
        '[{"id": "a", "outcome": "PASS"}, {"path": "b", "resolved": false}, {"task_id": "c", "label": "infra-error"}]',
        '{"id": "a", "success": true}\n\n{"id": "b", "reward": 0.99}\n{"id": "c", "outcome": "infra error"}\n',
        "id,outcome\na,success\nb,failed\nc,infra_error\n",
        "\ufeffPath;Resolved\na;yes\nb;no\nc;error\n",
        "task\treward\toutcome\na\t1.0\t\nb\t0.5\t\nc\t0\tinfra\n",
    ],
    ids=["mapping", "values", "list", "lines", "csv", "semicolons", "tabs"],
)
def test_every_way_to_write_labels_says_the_same(text: str) -> None:
    found = parse_labels(text, "graded", who="Ada")

    assert {name: outcome.status for name, outcome in found.outcomes.items()} == {"a": GOOD, "b": BAD, "c": BROKEN}
    assert {(outcome.who, outcome.source) for outcome in found.outcomes.values()} == {("Ada", "graded")}


def test_a_reward_is_held_against_the_threshold_and_kept_beside_a_verdict() -> None:
    rewards = parse_labels('{"a": 0.5, "b": 0.4}', "f", threshold=0.5).outcomes
    both = parse_labels('[{"id": "a", "outcome": "failure", "reward": 0.9}]', "f", threshold=0.5).outcomes

    assert (rewards["a"].status, rewards["b"].status) == (GOOD, BAD)
    assert both["a"] == Outcome(BAD, 0.9, 0.5, "f")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f holds no labels"),
        ("{}", "f holds no labels"),
        ("id,outcome\na,maybe\n", "f, label 1 (a) has no outcome that can be read"),
        ("id,outcome\na,success\nb,\n", "f, label 2 (b) has no outcome that can be read"),
        ("name it,outcome\na,success\n", "f, label 1 names no run: it has none of trace, id, path"),
        ('[["a", "success"]]', "f, label 1 names no run"),
        ('{"id": "a", "reward": "high"}', "f, label 1 (a) has no outcome that can be read"),
        ('{"id": "a", "reward": NaN}', "f, label 1 (a) has no outcome that can be read"),
        ('{"id": "a", "outcome": "success"}\n{"id": ', "f line 2 is not JSON"),
        ("[" * 5000, "f line 1 is not JSON"),
        ('[{"id": "a", "success": true}, {"id": "a", "success": false}]', "f, label 2: a was labelled success before"),
    ],
)
def test_a_label_that_cannot_be_read_is_named(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_labels(text, "f")
    assert str(caught.value).startswith(said)


def test_a_run_is_found_by_its_id_its_session_its_file_or_its_task_the_closest_first() -> None:
    names = ["3f9ac1d2", "s-1", "/runs/x/a.jsonl", "x/a.jsonl", "a.jsonl", "a", "task-7"]
    entry = Entry("3f9ac1d2" + "0" * 56, "task-7", "own", 3, session="s-1")
    while names:
        labels = parse_labels(
            "id,outcome,reward\n" + "".join(f"{name},success,{n}\n" for n, name in enumerate(names)), "f"
        )
        found = FromFile(labels, Path("/runs")).label(entry, b"", Path("/runs/x/a.jsonl"))

        assert found is not None
        assert found.reward == 0
        assert labels.unused == sorted(names[1:])
        names.pop(0)


def test_labels_that_name_no_run_are_told() -> None:
    labels = parse_labels("id,outcome\nnobody,success\n", "f")

    assert labels.find("a" * 64, ["x"]) is None
    assert labels.unused == ["nobody"]


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-10, 10))
def test_a_reward_succeeds_from_the_threshold_on(reward: float, threshold: float) -> None:
    outcome = Outcome.told(reward, "r", threshold=threshold)

    assert outcome is not None
    assert (outcome.status is GOOD) == (reward >= threshold or math.isclose(reward, threshold, abs_tol=1e-6))


@pytest.mark.parametrize("value", [None, [], {}, "maybe", "", float("nan"), float("inf"), "nan", object()])
def test_what_is_no_verdict_labels_nothing(value: object) -> None:
    assert Outcome.told(value, "r") is None


def test_a_persons_word_stands_before_labels_labels_before_the_log_and_all_before_nothing() -> None:
    read = Outcome(BAD, source="reward")
    labelled = Outcome(GOOD, source="labels.csv", who="Ada")
    by_hand = Outcome(BROKEN, source=BY_HAND, who="Bob")
    order = [UNLABELLED, read, labelled, by_hand]

    for low, weak in enumerate(order):
        for strong in order[low:]:
            assert weak.followed_by(strong) == strong
            assert strong.followed_by(weak) == strong or strong == weak
    assert labelled.followed_by(Outcome(BAD, source="labels2.csv", who="Ada")).source == "labels2.csv"


def judged(folder: Path, script: str) -> Outcome:
    program = folder / "judge.sh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Judge.parse(f"{program} --quick").label(b'{"task": "t"}\n', path="/runs/a b.jsonl", trace="3f9a")


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("exit 0", Outcome(GOOD)),
        ("exit 1", Outcome(BAD)),
        ("exit 7", Outcome(note="the command ended with 7")),
        ("echo checking; echo failure; exit 0", Outcome(BAD)),
        ("echo 0.25", Outcome(BAD, 0.25, 1.0)),
        ("""echo '{"outcome": "infra_error", "reward": 0}'; exit 1""", Outcome(BROKEN, 0.0, 1.0)),
        ("echo '[1, 2'; exit 1", Outcome(BAD)),
        ("echo no word for it; exit 0", Outcome(GOOD)),
        ("""grep -q '"task": "t"' && [ "$*" = "--quick /runs/a b.jsonl" ]""", Outcome(GOOD)),
    ],
)
def test_a_command_says_how_a_run_ended(tmp_path: Path, script: str, outcome: Outcome) -> None:
    found = judged(tmp_path, script)

    assert found.source == f"command {tmp_path / 'judge.sh'}"
    assert Outcome(found.status, found.reward, found.threshold, note=found.note) == outcome


def test_a_command_gets_the_trace_where_it_asks_for_it_and_no_shell_runs_it(tmp_path: Path) -> None:
    (tmp_path / "judge").write_text('#!/bin/sh\n[ "$1" = "id=3f9a;" ] && [ $# = 1 ]\n')
    (tmp_path / "judge").chmod(0o755)

    found = Judge.parse(f"'{tmp_path}/judge' 'id={{trace}};'").label(b"", path="/x", trace="3f9a")
    assert found.status is GOOD


@pytest.mark.parametrize("command", ["", "no-such-program-anywhere {path}", "'unclosed"])
def test_what_is_no_command_is_refused_before_anything_is_read(command: str) -> None:
    with pytest.raises(InvalidInput, match="--labels"):
        Judge.parse(command)
