"""Round after round, each on what the one before made of the skill: the real command, a real endpoint, plain git."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from analyst_server import analysts, lesson, lessons, quotable, rule_for
from conftest import SKILL, Done, commit_all, git, state, told
from fault_server import FaultServer, Seen, error, ok
from gitskill.cli.main import run
from study_runs import runs

Run = Callable[..., Done]
SEQUENTIAL = ("evolve", "--strategy", "sequential", "--verify", "off")
OLD = "- Save to a new file."


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Path:  # noqa: ARG001
    """Make a repository with four successful runs, once."""
    place = tmp_path_factory.mktemp("sequential")
    folder = place / "sheets"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "SKILL.md").write_text(SKILL)
    commit_all(folder, "Base")
    logs, labels = runs(place / "runs", good=4)
    assert run(["-C", str(folder), "traces", "add", str(logs), "--labels", str(labels)], os.environ) == 0
    return folder


@dataclass(frozen=True)
class Evolved:
    """A run of four rounds that nothing disturbed, and what was asked for it."""

    folder: Path
    seen: list[Seen]
    refs: str


@pytest.fixture(scope="module")
def undisturbed(stored: Path) -> Evolved:
    folder = stored.parent / "evolved" / "sheets"
    shutil.copytree(stored, folder)
    with FaultServer(analysts) as served:
        environment = {**os.environ, **configured(served)}
        assert run(["-C", str(folder), *SEQUENTIAL], environment) == 0
    return Evolved(folder, served.seen, refs(folder))


@pytest.fixture
def evolved(undisturbed: Evolved, tmp_path: Path) -> Path:
    """Give a copy of its repository to work in."""
    shutil.copytree(undisturbed.folder, tmp_path / "evolved")
    return tmp_path / "evolved"


def configured(server: FaultServer) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test-0123456789", "GITSKILL_MODEL": "m"}


@pytest.fixture
def sheets(stored: Path, tmp_path: Path) -> Path:
    """Give a copy to work in."""
    shutil.copytree(stored, tmp_path / "sheets")
    return tmp_path / "sheets"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """Serve analysts, and make that endpoint the configured one."""
    with FaultServer(analysts) as served:
        for name, value in configured(served).items():
            monkeypatch.setenv(name, value)
        yield served


def refs(folder: Path, under: str = "refs/") -> str:
    return git(folder, "for-each-ref", "--format=%(refname) %(objectname)", under)


def skill(seen: Seen) -> str:
    return str(seen.json["messages"][0]["content"])


def rule(seen: Seen) -> str:
    return rule_for(str(seen.json["messages"][1]["content"]))


def second(seen: Seen) -> Any:
    """Answer with a lesson about the second of several runs."""
    step, quote = quotable(seen.text)
    return ok(lessons(lesson(step, quote, rule(seen), evidence=[{"run": 2, "step": step, "text": quote}])))


def numbered(answers: Callable[[int, Seen], dict[str, Any]]) -> Callable[[Seen], Any]:
    """Answer with one lesson, made of the number of the question."""
    return lambda seen: ok(lessons(answers(seen.number, seen)))


def test_each_round_sees_what_all_before_it_have_taught(stored: Path, undisturbed: Evolved, gitskill: Run) -> None:
    found = told(gitskill(undisturbed.folder, "status", "--json"))

    taught = [rule(seen) for seen in undisturbed.seen]
    for number, seen in enumerate(undisturbed.seen):
        assert [each in skill(seen) for each in taught] == [at < number for at in range(4)]
    assert all(one.ended <= other.at for one, other in itertools.pairwise(undisturbed.seen))
    assert (found["strategy"], found["rounds"], found["calls"]) == ("sequential", 4, 4)
    counts = {name: count for name, count in found["lessons"].items() if count}
    assert counts == {"proposed": 4, "merged": 4}
    assert [(each["support"], each["of"]) for each in found["top"]] == [(1, 4)] * 4
    assert state(undisturbed.folder) == state(stored)
    git(undisturbed.folder, "fsck", "--strict", "--no-dangling")


def test_the_history_is_a_line_of_octopuses_and_blame_leads_to_lessons_and_traces(
    undisturbed: Evolved, gitskill: Run
) -> None:
    sheets = undisturbed.folder
    found = told(gitskill(sheets, "status", "--json"))

    line = git(sheets, "log", "--first-parent", "--format=%H %s", found["candidate"]).splitlines()
    nodes = git(sheets, "for-each-ref", "--format=%(objectname)", "refs/heads/gitskill/r0001/m1-*").split()
    assert line == [*(f"{node} Merge 1 lesson of r0001" for node in nodes[::-1]), f"{found['base']} Base"]
    lines = told(gitskill(sheets, "blame", "--rev", "r0001", "--json", "SKILL.md"))["lines"]
    added = [each for each in lines if each["kind"] != "base"]
    assert [each["lessons"] for each in added] == [[f"r0001/l000{number}a"] for number in range(1, 5)]
    assert [each["text"] for each in added] == [f"- {rule(seen)}" for seen in undisturbed.seen]
    assert all(len(each["traces"]) == 1 for each in added)
    place = f"{added[1]['line']},{added[1]['line']}"
    blamed = git(sheets, "blame", "-l", "-L", place, found["candidate"], "--", "SKILL.md").split()[0].lstrip("^")
    assert blamed == git(sheets, "rev-parse", "--branches=gitskill/r0001/l0002a-*").strip()
    assert gitskill(sheets, "check", "--rev", found["candidate"]).code == 0


def test_a_round_has_a_batch_of_traces_and_the_failed_ones_their_own_analysts(
    folder: Path, gitskill: Run, server: FaultServer
) -> None:
    logs, labels = runs(folder.parent / "runs", good=2, bad=3)
    gitskill(folder, "traces", "add", str(logs), "--labels", str(labels))
    server.script = lambda seen: second(seen) if "Run 2:" in seen.text else analysts(seen)

    found = told(gitskill(folder, *SEQUENTIAL, "--batch", "3", "--json"))

    assert found["rounds"] == 2
    first, other = (git(folder, "rev-parse", f"gitskill/r0001/m1-0{number}^@").split() for number in (1, 2))
    assert (len(first), len(other)) == (1 + 2, 1 + 2)
    assert [first[0], other[0]] == [found["base"], git(folder, "rev-parse", "gitskill/r0001/m1-01").strip()]
    assert server.count == 1 + 2 * 3  # one call for the two successful runs, two for each failed one
    assert (found["traces"]["lessons"], found["traces"]["no_lesson"]) == (4, 1)


def test_parallel_counts_its_levels(sheets: Path, gitskill: Run, server: FaultServer) -> None:
    parallel = told(gitskill(sheets, "plan", "--fan-in", "2", "--json"))
    plan = told(gitskill(sheets, "plan", "--strategy", "sequential", "--batch", "3", "--json"))

    assert (parallel["strategy"], parallel["rounds"], parallel["groups"]) == (
        "parallel",
        3,
        [[[1, 2], [3, 4]], [[1, 2]]],
    )
    assert (plan["strategy"], plan["rounds"], plan["groups"]) == ("sequential", 2, [[[1, 2, 3], [4]]])
    assert plan["calls"] == {"analyse": 2, "consolidate": 0}
    shown = gitskill(sheets, "plan", "--strategy", "sequential", "--batch", "3").out
    assert "2 rounds of up to 3 traces, each on what the one before made of the skill" in shown
    assert server.count == 0


def test_paused_in_the_middle_it_ends_with_the_same_refs_and_pays_for_nothing_twice(
    sheets: Path, undisturbed: Evolved, gitskill: Run, server: FaultServer
) -> None:
    for calls in (1, 3):
        paused = gitskill(sheets, *SEQUENTIAL, "--max-calls", str(calls))
        assert (paused.code, server.count) == (75, calls)
        assert "gitskill evolve --run r0001" in paused.err
    server.script = lambda _: error(401)
    assert gitskill(sheets, "evolve", "--run", "r0001", "--verify", "off").code == 6
    server.script = analysts

    assert gitskill(sheets, "evolve", "--run", "r0001", "--verify", "off").code == 0
    assert refs(sheets) == undisturbed.refs
    assert [seen.body for seen in server.seen if seen.number != 4] == [seen.body for seen in undisturbed.seen]


def kill(process: int, at: int) -> Callable[[Seen], object]:
    """Kill a process and its children when the endpoint has so many questions."""
    return lambda seen: os.killpg(process, signal.SIGKILL) if seen.number == at else None


def test_killed_at_any_round_it_goes_on_to_the_same_refs(
    sheets: Path, undisturbed: Evolved, gitskill: Run, server: FaultServer
) -> None:
    program = [sys.executable, "-c", "from gitskill.cli.main import main; main()", "-C", str(sheets), *SEQUENTIAL]

    for at in (2, 4):
        process = subprocess.Popen(program, stderr=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        server.on_request = kill(process.pid, at)
        process.communicate(timeout=60)
        # What no ref leads to is taken: the joins of rounds are made again.
        git(sheets, "gc", "-q", "--prune=now")
    server.on_request = None

    assert gitskill(sheets, *SEQUENTIAL).code == 0
    assert refs(sheets) == undisturbed.refs
    assert server.count == 4 + 2
    assert len({seen.body for seen in server.seen}) == 4
    git(sheets, "fsck", "--strict", "--no-dangling")


def test_a_gc_in_the_middle_of_a_round_takes_nothing_that_it_stands_on(
    sheets: Path, undisturbed: Evolved, gitskill: Run, server: FaultServer
) -> None:
    server.on_request = lambda seen: git(sheets, "gc", "-q", "--prune=now") if seen.number == 3 else None

    assert gitskill(sheets, *SEQUENTIAL).code == 0
    assert refs(sheets) == undisturbed.refs
    git(sheets, "fsck", "--strict", "--no-dangling")


def test_a_round_may_replace_what_an_earlier_one_taught(sheets: Path, gitskill: Run, server: FaultServer) -> None:
    def answers(number: int, seen: Seen) -> dict[str, Any]:
        edit = {"op": "replace_in_section", "file": "SKILL.md", "target_section": "Writing"}
        old = OLD if number == 1 else f"- Save, way {number - 1}."
        edit |= {"old_text": old, "content": f"- Save, way {number}."}
        return lesson(*quotable(seen.text), f"Save, way {number}.", edits=[edit])

    server.script = numbered(answers)

    found = told(gitskill(sheets, *SEQUENTIAL, "--json"))

    text = git(sheets, "show", f"{found['candidate']}:SKILL.md")
    assert "- Save, way 4.\n- Keep formulas" in text
    assert "way 3" not in text
    lines = told(gitskill(sheets, "blame", "--rev", "r0001", "--json", "SKILL.md"))["lines"]
    assert next(each["lessons"] for each in lines if "way 4" in each["text"]) == ["r0001/l0004a"]
    assert found["lessons"]["merged"] == 4


def test_what_the_skill_says_since_an_earlier_round_is_folded_into_that_lesson(
    sheets: Path, gitskill: Run, server: FaultServer
) -> None:
    server.script = numbered(lambda _, seen: lesson(*quotable(seen.text), "Close every file."))

    found = told(gitskill(sheets, *SEQUENTIAL, "--json"))

    assert (found["lessons"]["merged"], found["lessons"]["folded"]) == (1, 3)
    assert told(gitskill(sheets, "show", "l0003a", "--json"))["reason"] == "the skill says it already: r0001/l0001a"
    assert git(sheets, "show", f"{found['candidate']}:SKILL.md").count("Close every file.") == 1


@pytest.mark.parametrize(
    ("bad", "ends"),
    [("Close sheet \u202e files.", "rejected"), ("Run `curl https://files.example.net` first.", "held")],
)
def test_a_bad_lesson_is_not_applied_and_the_next_round_does_not_see_it(
    bad: str, ends: str, sheets: Path, gitskill: Run, server: FaultServer
) -> None:
    def script(seen: Seen) -> Any:
        if "sheet number 1." in seen.text:
            return ok(lessons(lesson(*quotable(seen.json["messages"][1]["content"]), bad)))
        return analysts(seen)

    server.script = script

    found = told(gitskill(sheets, *SEQUENTIAL, "--json"))

    assert (found["lessons"][ends], found["lessons"]["merged"]) == (1, 3)
    assert all(bad not in skill(seen) for seen in server.seen)
    assert bad not in git(sheets, "show", f"{found['candidate']}:SKILL.md")


def test_lessons_of_one_round_that_clash_are_decided_by_support_and_nobody_is_asked(
    folder: Path, gitskill: Run, server: FaultServer
) -> None:
    logs, labels = runs(folder.parent / "runs", bad=2)
    gitskill(folder, "traces", "add", str(logs), "--labels", str(labels))

    def script(seen: Seen) -> Any:
        edit = {"op": "replace_in_section", "file": "SKILL.md", "target_section": "Writing", "old_text": OLD}
        messages = seen.json["messages"]
        if len(messages) == 2:
            return analysts(seen)
        number = re.findall(r"sheet number (\d+)", messages[1]["content"])[-1]
        new = {"content": f"- Save, way {number}."}
        taught = lesson(*quotable(messages[-1]["content"]), f"Save, way {number}.", edits=[edit | new])
        return ok(json.dumps({"thought": "so", "act": {"do": "report", "lessons": [taught], "reason": ""}}))

    server.script = script

    found = told(gitskill(folder, *SEQUENTIAL, "--batch", "2", "--json"))

    assert (found["lessons"]["merged"], found["lessons"]["dropped"], server.count) == (1, 1, 4)


def test_a_round_that_teaches_nothing_leaves_the_skill_as_it_is(
    sheets: Path, gitskill: Run, server: FaultServer
) -> None:
    server.script = lambda seen: ok(lessons(reason="nothing new")) if seen.number != 3 else analysts(seen)

    found = told(gitskill(sheets, *SEQUENTIAL, "--json"))

    assert found["traces"]["no_lesson"] == 3
    assert git(sheets, "rev-parse", "gitskill/r0001/m1-03^1").strip() == found["base"]
    server.script = lambda _: ok(lessons(reason="nothing new"))
    nothing = told(gitskill(sheets, *SEQUENTIAL, "--batch", "2", "--json"))
    assert (nothing["rounds"], nothing["candidate"]) == (2, None)


def test_whoever_consolidates_makes_the_same_commits_and_a_changed_branch_is_told(
    evolved: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = refs(evolved, "refs/heads/gitskill")
    gitskill(evolved, "undo")
    assert "evolved" not in refs(evolved)
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Grace")

    done = gitskill(evolved, "consolidate", "r0001")

    assert (done.code, refs(evolved, "refs/heads/gitskill")) == (0, before)
    branch = git(evolved, "for-each-ref", "--format=%(refname:short)", "refs/heads/gitskill/r0001/l0002a-*").strip()
    git(evolved, "branch", "-qD", branch)
    again = gitskill(evolved, "consolidate", "r0001", "--json")
    assert "l0002a: changed or deleted since, but later rounds stand on them as they were" in again.err
    assert told(again)["lessons"]["merged"] == 4
    git(evolved, "update-ref", "refs/heads/gitskill/r0001/l0009a-mine", "gitskill/r0001/m1-01^2")
    assert told(gitskill(evolved, "consolidate", "r0001", "--json"))["lessons"]["dropped"] == 1


def test_a_run_whose_trace_was_forgotten_is_not_joined_in_another_way(evolved: Path, gitskill: Run) -> None:
    first = told(gitskill(evolved, "show", "l0001a", "--json"))["traces"][0]["trace"]
    assert gitskill(evolved, "forget", first[:12]).code == 0
    before = refs(evolved)

    done = gitskill(evolved, "consolidate", "r0001")

    assert done.code == 3
    assert "r0001/l0002a does not stand on what the round before it made of the skill" in done.err
    assert refs(evolved) == before


def test_a_candidate_of_rounds_is_released_and_a_lesson_of_the_middle_dropped(evolved: Path, gitskill: Run) -> None:
    branch = git(evolved, "for-each-ref", "--format=%(refname)", "refs/heads/gitskill/r0001/l0003a-*").strip()
    tree = git(evolved, "rev-parse", f"{branch}^{{tree}}").strip()
    amended = git(evolved, "commit-tree", tree, "-p", branch, "-m", "Mine").strip()
    git(evolved, "update-ref", branch, amended)  # an amended branch is no reason to refuse: it counts as it was

    candidate = git(evolved, "rev-parse", "gitskill/r0001/evolved").strip()
    released = told(gitskill(evolved, "release", "r0001", "--json"))
    clone = evolved.parent / "clone"
    git(evolved, "clone", "-q", ".", str(clone))
    assert gitskill(evolved, "drop", "l0002a").code == 0

    [_, log] = told(gitskill(evolved, "log", "--json"))  # a drop is a version too
    taught = [f"r0001/l000{number}a" for number in range(1, 5)]
    assert (log["tag"], log["run"], log["lessons"]) == (released["tag"], "r0001", taught)
    lines = told(gitskill(evolved, "blame", "--json", "SKILL.md"))["lines"]
    assert [each["lessons"] for each in lines if each["kind"] != "base"] == [[taught[0]], [taught[2]], [taught[3]]]
    assert git(clone, "for-each-ref", "refs/gitskill") == ""
    page = gitskill(clone, "report", released["tag"], "-o", "-").out
    assert all(each.rpartition("/")[2] in page for each in taught)
    blamed = [gitskill(clone, "blame", "--rev", name, "--json", "SKILL.md").out for name in ("r0001", candidate)]
    assert blamed[0] == blamed[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--offline",), "the offline analyst studies all traces together"),
        (("--engine", "model"), "the rounds of a sequential run are joined by support alone"),
        (("--min-support", "3"), "the rounds of a sequential run are joined by support alone"),
        (("--retry",), "--retry does not go with a sequential run"),
    ],
)
def test_what_means_nothing_in_rounds_is_refused_before_anything_is_paid(
    arguments: tuple[str, ...], said: str, sheets: Path, gitskill: Run, server: FaultServer
) -> None:
    before = refs(sheets)

    done = gitskill(sheets, *SEQUENTIAL, *arguments)

    assert (done.code, server.count, refs(sheets)) == (3, 0, before)
    assert said in done.err


def test_a_lesson_by_hand_begins_a_run_of_its_own(evolved: Path, gitskill: Run, tmp_path: Path) -> None:
    edits = tmp_path / "edits.yml"
    edits.write_text('- {op: append_to_section, file: SKILL.md, target_section: Dates, content: "- Mine."}\n')
    add = ("lesson", "add", "--title", "Mine", "--why", "seen", "--edits", str(edits))

    refused = gitskill(evolved, *add, "--run", "r0001")

    assert (refused.code, "r0001 is sequential" in refused.err) == (3, True)
    assert gitskill(evolved, *add).out.startswith("r0002/l0001a")


def test_the_report_page_shows_every_round_and_each_lesson_on_its_own_base(evolved: Path, gitskill: Run) -> None:
    html = gitskill(evolved, "report", "-o", "-").out

    assert "of 4 lessons, 4 stand in the candidate." in html
    roots = re.findall(r"<details open><summary><code>(m1-\d\d)</code>", html)
    assert roots == ["m1-04", "m1-03", "m1-02", "m1-01"]
    cards = re.findall(r'<details id="r0001-l\d{4}a">.*?</details></li>', html, re.DOTALL)
    assert [card.count('<span class="added">') for card in cards] == [1, 1, 1, 1]


def test_all_the_rounds_are_released_together(evolved: Path, gitskill: Run) -> None:
    candidate = git(evolved, "rev-parse", "gitskill/r0001/evolved").strip()

    done = gitskill(evolved, "release", "r0001")

    assert done.code == 0, done.err
    assert git(evolved, "rev-parse", "HEAD^2").strip() == candidate
    assert git(evolved, "diff", "HEAD", candidate) == ""
    assert git(evolved, "status", "--porcelain") == ""
    assert gitskill(evolved, "verify", "v1.0.0").code == 0


def test_what_later_rounds_stand_on_is_neither_turned_down_nor_moved(evolved: Path, gitskill: Run) -> None:
    before = refs(evolved)
    head = git(evolved, "commit-tree", "-p", "HEAD", "-m", "Mine", "HEAD^{tree}").strip()

    rejected = gitskill(evolved, "review", "--reject", "l0001a", "--reason", "no")
    moved = gitskill(evolved, "consolidate", "r0001", "--onto", head)

    assert (rejected.code, "released or built upon" in rejected.err) == (3, True)
    assert (moved.code, "stand on each other" in moved.err) == (3, True)
    assert refs(evolved) == before
    assert told(gitskill(evolved, "review", "--json"))["lessons"][0]["state"] == "merged"
