"""What a person decides about lessons: kept, counted by the next consolidation, remembered, and taken back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, WHO, Done, commit_all, git, state, told
from gitskill.errors import RefMoved
from gitskill.fate import Decision
from gitskill.ids import LessonId
from gitskill.review import Wanted, decide
from gitskill.store.nodes import NodeStore
from gitskill.store.repository import Repository
from gitskill.store.runs import recorded
from gitskill.store.skills import SkillReader
from study_runs import runs
from verdict_runs import study

Run = Callable[..., Done]
ENDS = ("merged", "folded", "dropped", "held", "rejected")


@pytest.fixture
def states(gitskill: Run) -> Callable[[Path], dict[str, str]]:
    """Give the state of every lesson of the first run, after the accounts were held against each other."""

    def call(folder: Path, of: str = "r0001") -> dict[str, str]:
        counts = told(gitskill(folder, "status", of, "--json"))["lessons"]
        assert counts["proposed"] == sum(counts[name] for name in ENDS) + counts["pending"]
        rows = told(gitskill(folder, "show", of, "--json"))
        assert {name: sum(row["state"] == name for row in rows) for name in ENDS} == {n: counts[n] for n in ENDS}
        return {row["lesson"].partition("/")[2]: row["state"] for row in rows}

    return call


def skill(folder: Path, of: str = "r0001") -> str:
    return git(folder, "show", f"gitskill/{of}/evolved:SKILL.md")


def test_what_waits_comes_first(decidable: Path, gitskill: Run) -> None:
    found = told(gitskill(decidable, "review", "--json"))

    assert found["run"] == "r0001"
    assert [(each["lesson"], each["state"], each["waits"]) for each in found["lessons"]][:3] == [
        ("r0001/l0003a", "held", True),
        ("r0001/l0004a", "held", True),
        ("r0001/l0001a", "merged", False),
    ]


def test_an_accepted_lesson_stands_after_the_next_consolidation_and_not_before(
    decidable: Path, gitskill: Run, states: Callable[[Path], dict[str, str]]
) -> None:
    before = state(decidable), git(decidable, "rev-parse", "gitskill/r0001/evolved")

    done = gitskill(decidable, "review", "--accept", "l0003a", "--accept", "r0001/l0004a")

    assert (done.code, done.out) == (0, "accepted  r0001/l0003a\naccepted  r0001/l0004a\n")
    assert done.err == "  count it  gitskill consolidate r0001\n"
    assert (state(decidable), git(decidable, "rev-parse", "gitskill/r0001/evolved")) == before
    assert states(decidable)["l0003a"] == "proposed"
    assert told(gitskill(decidable, "status", "--json"))["uncounted"] == ["r0001/l0003a", "r0001/l0004a"]
    found = told(gitskill(decidable, "consolidate", "r0001", "--json"))
    assert (found["lessons"]["held"], found["lessons"]["pending"], found["uncounted"]) == (0, 0, [])
    assert states(decidable)["l0003a"] == states(decidable)["l0004a"] == "merged"
    assert "- Install it with `sudo make`." in skill(decidable)  # not in a reference, though one trace teaches it
    assert "Store dates as ISO dates." in skill(decidable)
    assert state(decidable) == before[0]


def test_a_rejected_lesson_is_gone_after_the_next_consolidation_with_all_that_says_the_same(
    decidable: Path, gitskill: Run, states: Callable[[Path], dict[str, str]]
) -> None:
    done = gitskill(decidable, "review", "--reject", "l0001a", "--reason", "we look last")

    assert done.code == 0
    assert states(decidable)["l0001a"] == "merged"
    assert "counts with: gitskill consolidate r0001" in gitskill(decidable, "show", "l0001a").out
    gitskill(decidable, "consolidate", "r0001")
    assert states(decidable)["l0001a"] == states(decidable)["l0002a"] == "rejected"
    assert "Look first" not in skill(decidable)
    shown = told(gitskill(decidable, "show", "l0001a", "--json"))
    assert (shown["state"], shown["by"], shown["reason"]) == ("rejected", "person", "we look last")
    assert shown["verdict"] | {"commit": ""} == {
        "lesson": "r0001/l0001a",
        "verdict": "reject",
        "commit": "",
        "reason": "we look last",
        "who": "Ada",
        "when": 1_700_000_000,
        "again": None,
    }
    assert "verdict   rejected by Ada on 2023-11-14: we look last\n" in gitskill(decidable, "show", "l0001a").out
    other = told(gitskill(decidable, "show", "l0002a", "--json"))
    assert (other["by"], other["reason"]) == ("person", "turned down in r0001/l0001a: we look last")


def test_a_held_lesson_that_is_rejected_waits_no_more(
    decidable: Path, gitskill: Run, states: Callable[[Path], dict[str, str]]
) -> None:
    gitskill(decidable, "review", "r0001", "--reject", "l0003a,l0004a", "--reason", "no")

    assert states(decidable)["l0003a"] == states(decidable)["l0004a"] == "rejected"


def test_all_that_waits_can_be_accepted_at_once_but_for_what_is_rejected(
    decidable: Path, gitskill: Run, states: Callable[[Path], dict[str, str]]
) -> None:
    made = told(gitskill(decidable, "review", "--accept-held", "--reject", "l0004a", "--reason", "no", "--json"))

    assert [(each["lesson"], each["verdict"]) for each in made["verdicts"]] == [
        ("r0001/l0004a", "reject"),
        ("r0001/l0003a", "accept"),
    ]
    gitskill(decidable, "consolidate")
    assert (states(decidable)["l0003a"], states(decidable)["l0004a"]) == ("merged", "rejected")
    assert gitskill(decidable, "review", "--accept-held").err == "no lesson of r0001 waits for a person\n"


def test_the_same_verdict_twice_is_one(decidable: Path, gitskill: Run) -> None:
    gitskill(decidable, "review", "--accept", "l0003a", "--reject", "l0001a", "--reason", "no")
    refs = git(decidable, "for-each-ref")

    assert gitskill(decidable, "review", "--accept", "l0003a", "--reject", "l0001a", "--reason", "no").code == 0
    assert git(decidable, "for-each-ref") == refs


def test_undo_takes_back_all_verdicts_of_one_call_and_the_memory(decidable: Path, gitskill: Run) -> None:
    before = git(decidable, "for-each-ref", "refs/heads", "refs/gitskill/runs", "refs/gitskill/rejected")
    gitskill(decidable, "review", "--accept", "l0003a", "--reject", "l0001a", "--reason", "no")

    done = gitskill(decidable, "undo")

    assert done.out == "undone: review r0001: reject l0001a, accept l0003a\n"
    assert git(decidable, "for-each-ref", "refs/heads", "refs/gitskill/runs", "refs/gitskill/rejected") == before


def test_a_lesson_that_moves_after_it_was_accepted_is_held_again(
    decidable: Path, gitskill: Run, states: Callable[[Path], dict[str, str]]
) -> None:
    gitskill(decidable, "review", "--accept", "l0003a")
    ref = git(decidable, "for-each-ref", "--format=%(refname)", "refs/heads/gitskill/r0001/l0003a*").strip()
    tip = git(decidable, "rev-parse", ref).strip()
    further = git(decidable, "commit-tree", "-p", tip, "-m", "More", f"{tip}^{{tree}}").strip()
    git(decidable, "update-ref", ref, further)

    assert states(decidable)["l0003a"] == "held"
    gitskill(decidable, "consolidate")
    assert states(decidable)["l0003a"] == "held"
    assert "its branch has moved since Ada accepted it" in gitskill(decidable, "show", "l0003a").out
    gitskill(decidable, "review", "--accept", "l0003a")
    gitskill(decidable, "consolidate")
    assert states(decidable)["l0003a"] == "merged"


WRONG: list[tuple[tuple[str, ...], int, str]] = [
    ((), 2, "give --accept ID"),
    (("--reject", "l0001a"), 2, "--reject needs --reason"),
    (("--reason", "x", "--accept", "l0001a"), 2, "--reason is for --reject"),
    (("--accept", "l0001a", "--reject", "l0001a", "--reason", "x"), 2, "both accepted and rejected"),
    (("--accept", "r0001/l0001a,r0002/l0001a"), 2, "one run at a time"),
    (("r0002", "--accept", "r0001/l0001a"), 2, "one run at a time"),
    (("r0009",), 3, "there is no run r0009"),
    (("--accept", "l0009z"), 3, "r0001/l0009z has no branch"),
    (("--accept", "../evil"), 3, "is not a"),
    (("--accept", "l0003a", "--accept", "l0777a"), 3, "r0001/l0777a has no branch"),
    (("--reject", "l0001a", "--reason", "a\u202eb"), 3, "the reason hides"),
]


def test_what_cannot_be_decided_is_said_and_nothing_is_written(decidable: Path, gitskill: Run) -> None:
    refs, before = git(decidable, "for-each-ref"), state(decidable)

    for args, code, says in WRONG:
        done = gitskill(decidable, "review", *args)
        assert (done.code, says in done.err) == (code, True), (args, done.err)

    assert (git(decidable, "for-each-ref"), state(decidable)) == (refs, before)


def test_a_branch_that_breaks_the_skill_cannot_be_accepted(decidable: Path, gitskill: Run) -> None:
    ref = git(decidable, "for-each-ref", "--format=%(refname)", "refs/heads/gitskill/r0001/l0003a*").strip()
    blob = git(decidable, "hash-object", "-w", "--stdin", data="no frontmatter\n").strip()
    tree = git(decidable, "mktree", data=f"100644 blob {blob}\tSKILL.md\n").strip()
    git(decidable, "update-ref", ref, git(decidable, "commit-tree", "-p", ref, "-m", "Break", tree).strip())
    refs = git(decidable, "for-each-ref")

    done = gitskill(decidable, "review", "--accept", "l0003a", "--accept", "l0004a")

    assert (done.code, "r0001/l0003a cannot be accepted: " in done.err) == (3, True)
    assert git(decidable, "for-each-ref") == refs


def test_what_was_accepted_may_be_merged_by_hand(decidable: Path, gitskill: Run) -> None:
    assert gitskill(decidable, "merge", "l0003a", "l0001a").code == 4
    gitskill(decidable, "review", "--accept", "l0003a")

    assert gitskill(decidable, "merge", "l0003a", "l0001a").code == 0


def test_a_held_lesson_that_is_accepted_after_the_release_is_a_run_of_one(
    decidable: Path, gitskill: Run, states: Callable[[Path], dict[str, str]]
) -> None:
    git(decidable, "merge", "-q", "--no-ff", "-m", "Take it", "gitskill/r0001/evolved")
    before = state(decidable)

    done = gitskill(decidable, "review", "--accept", "l0003a")

    assert (done.code, state(decidable)) == (0, before)
    assert done.out.startswith("accepted  r0001/l0003a  as r0002/l0003a\n1 lesson = 1 merged\n")
    assert "1/6  l0003a  Install it" in done.out
    assert "gitskill release r0002" in done.err
    assert states(decidable)["l0003a"] == "folded"
    assert "Lesson-Of: r0001/l0003a " in git(decidable, "log", "-1", "--format=%B", "gitskill/r0002/l0003a-install-it")
    assert git(decidable, "diff", "--numstat", "HEAD", "gitskill/r0002/evolved") == "1\t0\tSKILL.md\n"
    again = told(gitskill(decidable, "consolidate", "r0002", "--json"))
    assert (again["candidate"], again["top"][0]["of"]) == (
        git(decidable, "rev-parse", "gitskill/r0002/evolved").strip(),
        6,
    )
    git(decidable, "merge", "-q", "--no-ff", "-m", "Take it too", "gitskill/r0002/evolved")
    assert gitskill(decidable, "check").code == 0
    refused = gitskill(decidable, "review", "--accept", "l0003a", "--json")
    assert (refused.code, "r0002/l0003a is merged already" in refused.err) == (3, True)


def test_what_is_released_cannot_be_decided_any_more(decidable: Path, gitskill: Run) -> None:
    git(decidable, "merge", "-q", "--no-ff", "-m", "Take it", "gitskill/r0001/evolved")
    refs = git(decidable, "for-each-ref")

    done = gitskill(decidable, "review", "--reject", "l0001a", "--reason", "no")

    assert (done.code, "gitskill drop r0001/l0001a" in done.err) == (3, True)
    assert git(decidable, "for-each-ref") == refs


def test_a_late_acceptance_stops_where_the_skill_changed_the_same_lines(decidable: Path, gitskill: Run) -> None:
    git(decidable, "merge", "-q", "--no-ff", "-m", "Take it", "gitskill/r0001/evolved")
    text = (decidable / "SKILL.md").read_text()
    (decidable / "SKILL.md").write_text(text.replace("Store dates as dates.", "Store dates as text."))
    commit_all(decidable, "Mine")
    refs = git(decidable, "for-each-ref")

    done = gitskill(decidable, "review", "--accept", "l0004a", "--accept", "l0003a")

    assert (done.code, "the base changed the same" in done.err) == (4, True)
    assert "gitskill consolidate r0001 --onto HEAD" in done.err
    assert git(decidable, "for-each-ref") == refs


def test_what_was_turned_down_is_not_proposed_again_until_it_is_accepted(
    decidable: Path, gitskill: Run, states: Callable[..., dict[str, str]]
) -> None:
    gitskill(decidable, "review", "--reject", "l0003a,l0001a", "--reason", "no")
    (decidable / "SKILL.md").write_text(SKILL.replace("# Sheets\n", "# Sheets\n\nAll about sheets.\n"))
    commit_all(decidable, "Moved")

    study(decidable)
    gitskill(decidable, "consolidate", "r0002")

    found = states(decidable, "r0002")
    assert [found[slot] for slot in ("l0001a", "l0002a", "l0003a")] == ["rejected"] * 3
    shown = told(gitskill(decidable, "show", "r0002/l0001a", "--json"))
    assert (shown["by"], shown["reason"]) == ("person", "turned down in r0001/l0001a: no")
    assert gitskill(decidable, "review", "r0002", "--accept", "l0001a").code == 0
    gitskill(decidable, "consolidate", "r0002")
    assert "- Look first." in skill(decidable, "r0002")
    assert git(decidable, "ls-tree", "-r", "--name-only", "refs/gitskill/rejected").count("\n") == 1


def test_an_analyst_that_says_it_again_is_told_no_and_a_person_may_think_better_of_it(
    folder: Path, gitskill: Run, states: Callable[..., dict[str, str]]
) -> None:
    decidable, labels = runs(folder.parent / "runs", good=2)
    gitskill(folder, "traces", "add", str(decidable), "--labels", str(labels))
    gitskill(folder, "evolve", "--min-support", "1")
    gitskill(folder, "review", "--reject", "l0001a", "--reason", "no -f")

    found = told(gitskill(folder, "evolve", "--new", "--json"))

    assert (found["run"], found["candidate"], found["lessons"]["rejected"]) == ("r0002", None, 2)
    assert states(folder, "r0002") == {"l0001a": "rejected", "l0002a": "rejected"}
    assert "turned down in r0001/l0001a: no -f" in gitskill(folder, "status").out
    assert gitskill(folder, "review", "--accept", "l0002a").code == 0
    assert gitskill(folder, "consolidate", "r0002").code == 0
    assert states(folder, "r0002")["l0002a"] == "merged"
    assert git(folder, "ls-tree", "-r", "--name-only", "refs/gitskill/rejected") == ""


def test_a_memory_that_is_damaged_is_named_with_what_to_do(decidable: Path, gitskill: Run) -> None:
    blob = git(decidable, "hash-object", "-w", "--stdin", data='{"content": 1}').strip()
    inner = git(decidable, "mktree", data=f"100644 blob {blob}\tcd.json\n").strip()
    tree = git(decidable, "mktree", data=f"040000 tree {inner}\tab\n").strip()
    git(decidable, "update-ref", "refs/gitskill/rejected", git(decidable, "commit-tree", "-m", "x", tree).strip())

    done = gitskill(decidable, "consolidate")

    assert (done.code, "refs/gitskill/rejected is damaged: " in done.err) == (3, True)
    assert "git update-ref -d refs/gitskill/rejected" in done.err


def test_a_verdict_on_a_lesson_that_moved_since_it_was_shown_is_none(decidable: Path) -> None:
    nodes = NodeStore(SkillReader(Repository.open(decidable), ""))
    [found] = recorded(nodes.reader.repository)
    wanted = Wanted(LessonId.parse("r0001/l0003a"), Decision.ACCEPT, seen="f" * 40)
    refs = git(decidable, "for-each-ref")

    with pytest.raises(RefMoved, match="l0003a-install-it moved"):
        decide(nodes, found, [wanted], WHO)

    assert git(decidable, "for-each-ref") == refs


def test_a_verdict_that_nobody_could_have_given_is_named(decidable: Path, gitskill: Run) -> None:
    tree = git(decidable, "ls-tree", "refs/gitskill/runs/r0001")
    blob = git(decidable, "hash-object", "-w", "--stdin", data='[{"slot": "l0003a", "decision": "perhaps"}]').strip()
    made = git(decidable, "mktree", data=f"{tree}100644 blob {blob}\tverdicts.json\n").strip()
    git(decidable, "update-ref", "refs/gitskill/runs/r0001", git(decidable, "commit-tree", "-m", "x", made).strip())

    done = gitskill(decidable, "review", "--accept", "l0003a")

    assert (done.code, "the record of r0001 is damaged: " in done.err) == (3, True)


def test_nothing_is_released_before_its_verdicts_count(decidable: Path, gitskill: Run) -> None:
    git(decidable, "tag", "-a", "v1.0.0", "-m", "Base")
    gitskill(decidable, "review", "--reject", "l0001a", "--reason", "no")
    refs, before = git(decidable, "for-each-ref"), state(decidable)

    done = gitskill(decidable, "release", "r0001")

    assert (done.code, "the verdict on l0001a is not counted" in done.err) == (4, True)
    assert "gitskill consolidate r0001" in done.err
    assert (git(decidable, "for-each-ref"), state(decidable)) == (refs, before)
    assert gitskill(decidable, "consolidate", "r0001").code == gitskill(decidable, "release", "r0001").code == 0
    assert "Look first" not in (decidable / "SKILL.md").read_text()
    late = gitskill(decidable, "review", "r0001", "--reject", "l0004a", "--reason", "no")
    assert (late.code, late.err) == (0, "")
