"""Review at a terminal, as a person types it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Done, git, state
from terminal import Screen, typed

Run = Callable[..., Done]


@pytest.fixture
def review(decidable: Path, gitskill: Run) -> Callable[..., tuple[Screen, dict[str, Any]]]:
    """Answer at the terminal, and give the screen and the lessons as they are then."""

    def call(*answers: str, **env: str) -> tuple[Screen, dict[str, Any]]:
        before = state(decidable)
        screen = typed(decidable, "review", answers=answers, env=env)
        assert state(decidable) == before
        rows = json.loads(gitskill(decidable, "review", "--json").out)["lessons"]
        return screen, {row["lesson"].partition("/")[2]: row for row in rows}

    return call


def editor(folder: Path, old: str, new: str) -> str:
    """Make an editor that replaces a text."""
    script = folder / "editor"
    script.write_text(f"#!/bin/sh\nsed -i 's/{old}/{new}/' \"$1\"\n")
    script.chmod(0o755)
    return str(script)


def test_lessons_are_shown_and_decided_one_by_one_and_a_second_session_goes_on(
    review: Callable[..., tuple[Screen, dict[str, Any]]],
) -> None:
    screen, rows = review("?", "traces", "a", "r", "we like it so", "s", "b", "q")

    assert screen.code == 0, screen.text
    first, *_ = screen.text.split("\n[2/5]")
    assert first.lstrip("\n").startswith("[1/5] HELD  l0003a  Install it\nwhy held  reach: new command: sudo\n")
    assert 'step 2  "rm: missing operand"\n' in first
    assert "+ - Install it with `sudo make`.\n" in first
    assert "reject  turn it down" in first
    assert "| rm: missing operand" in first
    assert "checks    held SKILL.md: " in first
    assert "merged with  l0002a (same, rule:same)\n" in screen.text
    assert screen.text.count("[3/5] MERGED  l0001a") == 2  # shown, skipped, gone back to
    assert "1 accepted, 1 rejected; 3 lessons left to look at\n" in screen.text
    assert "gitskill consolidate r0001" in screen.text
    assert (rows["l0003a"]["verdict"]["verdict"], rows["l0004a"]["verdict"]["reason"]) == ("accept", "we like it so")
    later, _ = review()
    assert later.text.lstrip("\n").startswith("[1/3] MERGED  l0001a")
    assert "0 accepted, 0 rejected; 3 lessons left" in later.text


def test_an_edit_is_a_further_commit_on_the_branch_and_is_looked_at_again(
    review: Callable[..., tuple[Screen, dict[str, Any]]], decidable: Path, tmp_path: Path, gitskill: Run
) -> None:
    old = git(decidable, "rev-parse", "gitskill/r0001/l0003a-install-it").strip()

    screen, rows = review("e", "a", "q", GIT_EDITOR=editor(tmp_path, "sudo make", "make install"))

    assert screen.text.count("[1/5]") == 2, screen.text
    assert git(decidable, "rev-parse", "gitskill/r0001/l0003a-install-it^").strip() == old
    assert rows["l0003a"]["verdict"]["commit"] == rows["l0003a"]["commit"] != old
    gitskill(decidable, "consolidate", "r0001")
    assert "- Install it with `make install`." in git(decidable, "show", "gitskill/r0001/evolved:SKILL.md")
    assert gitskill(decidable, "show", "l0003a").out.startswith("r0001/l0003a  Install it  (merged in ")


REFUSED = """
import pathlib, sys
count = pathlib.Path(sys.argv[0] + ".count")
turn = len(count.read_text()) if count.exists() else 0
count.write_text("x" * (turn + 1))
file = pathlib.Path(sys.argv[1])
text = file.read_text()
if turn == 1:
    sys.exit(7)
mended = text.replace("\\noops", "\\n ")
new = [text, text, text.replace("\\n ", "\\noops"), mended.replace("+- I", "+- \\u202eI"), "", "x"]
file.write_text(new[turn])
"""


def test_an_edit_that_is_none_changes_nothing(
    review: Callable[..., tuple[Screen, dict[str, Any]]], decidable: Path, tmp_path: Path
) -> None:
    refs = git(decidable, "for-each-ref")
    (tmp_path / "editor.py").write_text(REFUSED)

    screen, _ = review("e", "e", "e", "e", "e", "e", "q", GIT_EDITOR=f"{sys.executable} -I {tmp_path}/editor.py")

    for line in (
        "nothing was changed\n",
        "ended with 7; nothing was changed",
        "begins with none of",
        "SKILL.md: line 12 hides U+202E",
        "no diff found",
    ):
        assert line in screen.text, screen.text
    assert (screen.code, screen.text.count("[1/5]"), screen.text.count("nothing was changed\n")) == (0, 1, 3)
    assert git(decidable, "for-each-ref") == refs


def test_the_repository_does_not_choose_the_editor(
    review: Callable[..., tuple[Screen, dict[str, Any]]], decidable: Path, tmp_path: Path
) -> None:
    git(decidable, "config", "core.editor", f"touch {tmp_path}/ran; false")

    review("e", "q", GIT_EDITOR="", VISUAL="true")

    assert not (tmp_path / "ran").exists()


def test_a_lesson_of_two_parts_is_split_into_lessons_that_are_decided_apart(
    review: Callable[..., tuple[Screen, dict[str, Any]]], decidable: Path, gitskill: Run
) -> None:
    screen, rows = review("s", "s", "s", "split", "a", "r", "no counting", "q")

    assert "split: l0007a come next" in screen.text
    assert "[5/6] PROPOSED  l0007a  Count and keep (part 2)" in screen.text
    assert (rows["l0005a"]["verdict"]["verdict"], rows["l0007a"]["state"]) == ("accept", "rejected")
    shown = json.loads(gitskill(decidable, "show", "l0007a", "--json").out)
    assert (len(shown["evidence"]), len(shown["traces"]), shown["analyst"]) == (1, 1, "offline")
    assert gitskill(decidable, "consolidate", "r0001").code == 0
    text = git(decidable, "show", "gitskill/r0001/evolved:SKILL.md")
    assert ("Keep a copy" in text, "Count the rows" in text) == (True, False)
    assert gitskill(decidable, "undo").code == 0
    assert [gitskill(decidable, "undo").out for _ in range(3)][-1] == "undone: split r0001/l0005a into l0007a\n"


def test_a_branch_that_is_no_lesson_any_more_is_named_and_the_others_are_looked_at(
    review: Callable[..., tuple[Screen, dict[str, Any]]], decidable: Path
) -> None:
    ref = "refs/heads/gitskill/r0001/l0003a-install-it"
    tree = git(decidable, "rev-parse", f"{ref}^{{tree}}").strip()
    git(decidable, "update-ref", ref, git(decidable, "commit-tree", "-p", ref, "-p", "main", "-m", "x", tree).strip())

    screen, rows = review("a")

    assert "l0003a" in rows
    assert "has 2 parents" in screen.text
    assert "1 accepted, 0 rejected" in screen.text, screen.text
    assert rows["l0004a"]["verdict"]["verdict"] == "accept"
