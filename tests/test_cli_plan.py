"""What a run would do, before anything is sent; and where a run stands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done, git, told
from fault_server import FaultServer
from study_runs import runs

Run = Callable[..., Done]
PRICED = "gpt-4o-mini"


def stored(gitskill: Run, folder: Path, **counts: int) -> None:
    place, labels = runs(folder.parent / "runs", **counts)
    done = gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    assert done.code == 0, done.err


def refs(folder: Path) -> str:
    return git(folder, "for-each-ref")


def test_a_plan_has_the_keys_that_scripts_count_on(folder: Path, gitskill: Run) -> None:
    stored(gitskill, folder, good=3, bad=2)

    plan = told(gitskill(folder, "plan", "--json"))

    assert (plan["traces"], plan["groups"]) == (5, [[[1, 2, 3, 4, 5]]])
    assert plan["calls"] == {"analyse": 0, "consolidate": 0}
    assert (plan["tokens"], plan["usd"]) == ({"input": 0, "output": 0}, 0.0)
    assert {each["analyst"] for each in plan["analysts"]} == {"offline"}


def test_nothing_is_sent_and_nothing_is_stored(folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    place, _ = runs(folder.parent / "runs", good=2)
    before = refs(folder)
    with FaultServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")

        done = gitskill(folder, "plan", "--traces", str(place), "--model", "m")

        assert done.code == 0, done.err
        assert "nothing has been sent" in done.out
        assert "2 unlabelled (not studied)" in done.out
        assert server.count == 0
    assert refs(folder) == before


def test_a_plan_counts_calls_tokens_and_dollars_and_says_what_it_does_not_know(
    folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(gitskill, folder, good=4, bad=2)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")

    known = told(gitskill(folder, "plan", "--json", "--model", PRICED, "--max-turns", "5", "--verify", "off"))
    unknown = told(gitskill(folder, "plan", "--json", "--model", "nobody-knows-it"))

    assert known["calls"] == {"analyse": 4 + 2 * 5, "consolidate": 1}
    assert known["usd"] > 0
    assert known["tokens"]["input"] > known["tokens"]["output"] > 0
    assert unknown["usd"] is None
    assert unknown["calls"]["analyse"] == 4 + 2 * 20
    said = gitskill(folder, "plan", "--model", "nobody-knows-it").out
    assert "the price is unknown" in said
    assert "2 error, up to 20 calls each" in said


def test_a_batch_of_successful_traces_is_one_call(folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(gitskill, folder, good=5)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")

    assert told(gitskill(folder, "plan", "--json", "--model", "m", "--batch", "2"))["calls"]["analyse"] == 3


def test_the_tree_is_as_wide_as_asked(folder: Path, gitskill: Run) -> None:
    stored(gitskill, folder, good=5)

    assert told(gitskill(folder, "plan", "--json", "--fan-in", "2"))["groups"] == [
        [[1], [2, 3], [4, 5]],
        [[1], [2, 3]],
        [[1, 2]],
    ]


def test_a_status_without_any_run_says_so(folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "status")

    assert (done.code, done.err.startswith("gitskill: there is no run yet")) == (3, True)


def test_the_status_of_a_run_names_every_trace_that_taught_nothing(folder: Path, gitskill: Run) -> None:
    stored(gitskill, folder, good=2, bad=2)
    gitskill(folder, "analyse")

    found = told(gitskill(folder, "status", "--json"))
    shown = gitskill(folder, "status", "r0001").out

    counts = found["traces"]
    assert counts["lessons"] + counts["no_lesson"] == 4
    assert len(found["no_lesson"]) == counts["no_lesson"]
    assert all(each["reason"] for each in found["no_lesson"])
    assert f"{counts['lessons']} with lessons, {counts['no_lesson']} without" in shown
    lessons = found["lessons"]
    assert lessons["proposed"] == lessons["pending"] + sum(
        lessons[name] for name in ("merged", "folded", "dropped", "held", "rejected")
    )


def test_merged_lessons_are_no_longer_pending(folder: Path, gitskill: Run) -> None:
    stored(gitskill, folder, good=3)
    gitskill(folder, "analyse")
    rows = told(gitskill(folder, "show", "r0001", "--json"))
    same = [row["lesson"] for row in rows]

    assert gitskill(folder, "merge", *same).code == 0

    lessons = told(gitskill(folder, "status", "--json"))["lessons"]
    assert (lessons["pending"], lessons["merged"], lessons["folded"]) == (0, 1, len(same) - 1)
