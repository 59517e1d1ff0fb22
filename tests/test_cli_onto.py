"""A run on a base that has moved: the same lessons made anew, and what clashes waits for a person."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import SKILL, Done, commit_all, git, state, told

Run = Callable[..., Done]
ENDS = ("merged", "folded", "dropped", "held", "rejected")


def move(folder: Path, *changes: tuple[str, str]) -> str:
    text = SKILL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "SKILL.md").write_text(text)
    return commit_all(folder, "Mine")


def moved(folder: Path, gitskill: Run, *args: str) -> Any:
    """Move the run onto main, and hold the accounts of the new one against each other."""
    found = told(gitskill(folder, "consolidate", "r0001", "--onto", "main", "--json", *args))
    counts = found["lessons"]
    assert counts["proposed"] == sum(counts[name] for name in ENDS) + counts["pending"]
    assert counts["pending"] == 0
    git(folder, "fsck", "--strict", "--no-dangling")
    return found


def states(folder: Path, gitskill: Run, run: str = "r0002") -> dict[str, str]:
    rows = told(gitskill(folder, "show", run, "--json"))
    return {row["lesson"].partition("/")[2]: row["state"] for row in rows}


def test_a_run_is_made_anew_where_main_stands_and_the_old_one_stays(decidable: Path, gitskill: Run) -> None:
    head = move(
        decidable, ("# Sheets\n", "# Sheets\n\nAll about sheets.\n"), ("- Keep formulas", "- Mine.\n- Keep formulas")
    )
    before = state(decidable), git(decidable, "for-each-ref", "refs/heads/gitskill/r0001", "refs/gitskill/runs/r0001")

    found = moved(decidable, gitskill)

    assert (found["run"], found["base"]) == ("r0002", head)
    assert (
        state(decidable),
        git(decidable, "for-each-ref", "refs/heads/gitskill/r0001", "refs/gitskill/runs/r0001"),
    ) == before
    assert states(decidable, gitskill) == states(decidable, gitskill, "r0001")
    text = git(decidable, "show", f"{found['candidate']}:SKILL.md")
    assert "All about sheets.\n" in text
    assert "- Mine.\n- Keep formulas as formulas.\n- Look first.\n" in text
    first = git(decidable, "log", "-1", "--format=%B", "gitskill/r0002/l0001a-look-first")
    old = git(decidable, "rev-parse", "gitskill/r0001/l0001a-look-first").strip()
    assert f"\nLesson-Of: r0001/l0001a {old}\n" in first
    assert git(decidable, "rev-parse", "gitskill/r0002/l0001a-look-first^").strip() == head
    assert [each["support"] for each in found["top"]][:1] == [2]
    assert {each["of"] for each in found["top"]} == {6}
    assert found["traces"] == told(gitskill(decidable, "status", "r0001", "--json"))["traces"]


def test_a_lesson_whose_lines_main_changed_too_waits_and_says_so(decidable: Path, gitskill: Run) -> None:
    move(decidable, ("Store dates as dates.", "Store dates as text."))

    found = moved(decidable, gitskill, "--min-support", "1")

    assert states(decidable, gitskill)["l0004a"] == "held"
    shown = told(gitskill(decidable, "show", "r0002/l0004a", "--json"))
    assert (shown["by"], shown["reason"]) == ("base", "since r0001 the base changed the same: SKILL.md line 19")
    assert "Store dates as text." in git(decidable, "show", f"{found['candidate']}:SKILL.md")
    gitskill(decidable, "review", "r0002", "--accept", "l0004a")
    gitskill(decidable, "consolidate", "r0002")
    assert states(decidable, gitskill)["l0004a"] == "merged"
    assert "Store dates as ISO dates." in git(decidable, "show", "gitskill/r0002/evolved:SKILL.md")


def test_a_persons_lesson_that_clashes_waits_too(decidable: Path, gitskill: Run, tmp_path: Path) -> None:
    (tmp_path / "d").write_text("--- a/SKILL.md\n+++ b/SKILL.md\n@@ -19 +19 @@\n-Store dates as dates.\n+Own words.\n")
    added = gitskill(decidable, "lesson", "add", "--title", "Own", "--why", "so", "--diff", str(tmp_path / "d"))
    assert added.out.startswith("r0001/l0007a")
    move(decidable, ("Store dates as dates.", "Store dates as text."))

    moved(decidable, gitskill)

    assert states(decidable, gitskill)["l0007a"] == "held"


def test_what_main_says_already_is_folded_into_what_taught_it(decidable: Path, gitskill: Run) -> None:
    git(decidable, "merge", "-q", "--no-ff", "-m", "Take it", "gitskill/r0001/evolved")

    found = moved(decidable, gitskill)

    assert found["candidate"] is None
    assert states(decidable, gitskill) == {
        **dict.fromkeys(("l0001a", "l0002a", "l0005a", "l0006a"), "folded"),
        **dict.fromkeys(("l0003a", "l0004a"), "held"),
    }
    assert told(gitskill(decidable, "show", "r0002/l0001a", "--json"))["by"] == "r0001/l0001a"


def test_what_people_decided_comes_along(decidable: Path, gitskill: Run) -> None:
    gitskill(decidable, "review", "--accept", "l0003a,l0004a", "--reject", "l0006a", "--reason", "no")
    move(decidable, ("Store dates as dates.", "Store dates as text."))

    moved(decidable, gitskill)

    found = states(decidable, gitskill)
    assert (found["l0003a"], found["l0004a"], found["l0006a"]) == ("merged", "held", "rejected")
    assert told(gitskill(decidable, "show", "r0002/l0003a", "--json"))["verdict"]["verdict"] == "accept"


def test_a_lesson_whose_branch_was_deleted_stays_dropped(decidable: Path, gitskill: Run) -> None:
    git(decidable, "branch", "-qD", "gitskill/r0001/l0006a-name-it")
    move(decidable, ("# Sheets\n", "# Sheets\n\nMore.\n"))

    moved(decidable, gitskill)

    assert states(decidable, gitskill)["l0006a"] == "dropped"


def test_twice_is_once_and_undo_takes_the_run_away(decidable: Path, gitskill: Run) -> None:
    move(decidable, ("# Sheets\n", "# Sheets\n\nMore.\n"))
    before = git(decidable, "for-each-ref", "refs/heads", "refs/gitskill/runs")
    moved(decidable, gitskill)
    refs = git(decidable, "for-each-ref")

    assert moved(decidable, gitskill)["run"] == "r0002"
    assert git(decidable, "for-each-ref") == refs
    assert gitskill(decidable, "undo").out == "undone: consolidate r0002\n"
    assert gitskill(decidable, "undo").out == "undone: consolidate r0001 --onto main: r0002\n"
    assert git(decidable, "for-each-ref", "refs/heads", "refs/gitskill/runs") == before


def test_what_is_no_new_base_is_refused_and_nothing_is_written(decidable: Path, gitskill: Run) -> None:
    empty = git(decidable, "commit-tree", "-m", "Empty", git(decidable, "mktree", data="").strip()).strip()
    refs, before = git(decidable, "for-each-ref"), state(decidable)

    done = [gitskill(decidable, "consolidate", "r0001", "--onto", name) for name in ("main", "nowhere", empty)]

    assert [each.code for each in done] == [3, 3, 3]
    assert "r0001 stands on" in done[0].err
    assert "no commit is named 'nowhere'" in done[1].err
    assert "has no skill" in done[2].err
    assert (git(decidable, "for-each-ref"), state(decidable)) == (refs, before)
