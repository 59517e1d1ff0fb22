"""gitskill drop where lessons are left that somebody must decide between again: support, or a model at its price."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from build import base_skill, join, settle, teach
from conftest import SKILL, Done, git, state
from gitskill.store.nodes import NodeStore

Run = Callable[..., Done]
OLD = "- Save to a new file."
BOTH = "- Save under a new name, in another folder."


def rewritten(new: str) -> str:
    return SKILL.replace(OLD, new)


@pytest.fixture
def settled(nodes: NodeStore, folder: Path) -> Path:
    """Give a skill in which three lessons about one line were settled to a text of its own."""
    live = teach(nodes, [rewritten(f"- Save {how}.") for how in ("elsewhere", "under a new name", "in another folder")])
    skill = base_skill(nodes).with_file("SKILL.md", rewritten("- Save elsewhere, under a new name.").encode())
    node = join(nodes, (1, 1), [settle(nodes, "overlap SKILL.md", live, skill)])
    git(folder, "merge", "-q", "--no-ff", "-m", "Release", node.commit)
    return folder


@pytest.fixture
def script(folder: Path) -> str:
    edit = {
        "op": "replace_in_section",
        "file": "SKILL.md",
        "target_section": "Writing",
        "old_text": OLD,
        "content": BOTH,
    }
    decided = {"do": "rewrite", "lessons": ["l0002a", "l0003a"], "reason": "", "edits": [edit]}
    path = folder.parent / "answers.json"
    path.write_text(json.dumps([{"stage": "consolidate", "answer": {"decisions": [decided]}}]))
    return f"script:{path}"


def blamed(run: Run, folder: Path) -> dict[str, tuple[str, list[str]]]:
    lines = json.loads(run(folder, "blame", "--json").out)["lines"]
    return {line["text"]: (line["kind"], line["lessons"]) for line in lines if line["lessons"]}


def test_by_rule_the_better_supported_stands_and_the_other_is_named(settled: Path, gitskill: Run) -> None:
    done = gitskill(settled, "drop", "l0001a", "--engine", "rules")

    assert done.code == 0, done.err
    assert (settled / "SKILL.md").read_text() == rewritten("- Save under a new name.")
    assert "r0001/l0003a goes too: changes the same lines as l0002a" in done.out
    assert blamed(gitskill, settled) == {"- Save under a new name.": ("lesson", ["r0001/l0002a"])}


def test_one_that_is_left_alone_stands_in_its_own_words_and_nobody_is_asked(settled: Path, gitskill: Run) -> None:
    gitskill(settled, "drop", "l0001a", "--engine", "rules")

    assert gitskill(settled, "drop", "l0002a", "--model", "nobody", "--base-url", "http://127.0.0.1:9/v1").code == 0
    assert (settled / "SKILL.md").read_text() == SKILL


def test_a_model_is_asked_only_by_somebody_who_knows_the_price(settled: Path, gitskill: Run, script: str) -> None:
    before = state(settled), git(settled, "for-each-ref")

    done = gitskill(settled, "drop", "l0001a", "--model", script)

    assert (done.code, done.out) == (4, "")
    assert "lessons that are left must be decided between again: 1 question to" in done.err
    assert "at most $0.0000" in done.err
    assert "hint: agree with --yes, or have support decide: --engine rules" in done.err
    assert (state(settled), git(settled, "for-each-ref")) == before


def test_a_models_text_has_what_is_left_as_its_source_and_is_paid_for_once(
    settled: Path, gitskill: Run, script: str
) -> None:
    done = gitskill(settled, "drop", "l0001a", "--model", script, "--yes")

    assert done.code == 0, done.err
    assert (settled / "SKILL.md").read_text() == rewritten(BOTH)
    assert "r0001/l0002a, r0001/l0003a: settled again by model:script:answers.json" in done.out
    assert blamed(gitskill, settled) == {BOTH: ("resolution", ["r0001/l0002a", "r0001/l0003a"])}
    gitskill(settled, "undo")
    again = gitskill(settled, "drop", "l0001a", "--model", script)  # no --yes: the ledger knows the answer
    assert again.code == 0, again.err
    assert (settled / "SKILL.md").read_text() == rewritten(BOTH)


def test_a_dry_run_asks_nobody_and_says_what_it_would_cost(settled: Path, gitskill: Run, script: str) -> None:
    before = state(settled)

    done = gitskill(settled, "drop", "l0001a", "--model", script, "-n")

    assert done.code == 0, done.err
    assert "would ask  1 question to" in done.err
    assert state(settled) == before


def test_a_model_that_is_wanted_and_not_there_is_said(settled: Path, gitskill: Run) -> None:
    before = state(settled)

    done = gitskill(settled, "drop", "l0001a", "--engine", "model")

    assert (done.code, "no model is configured" in done.err) == (3, True)
    assert state(settled) == before


def test_of_a_trace_goes_what_it_alone_taught(settled: Path, gitskill: Run) -> None:
    trace = f"{2:064x}"

    done = gitskill(settled, "drop", "--trace", trace, "--engine", "rules", "--json")

    assert json.loads(done.out)["lessons"] == ["r0001/l0002a"]
