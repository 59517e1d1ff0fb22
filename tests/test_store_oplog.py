"""The operation log: what moved, taken back and brought back, by many commands at once."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import WHO, Done, commit_all, git, state
from gitskill.errors import GitRefused
from gitskill.ids import RunId
from gitskill.propose import Proposal, base_of, propose
from gitskill.store import archive
from gitskill.store.objects import Batch
from gitskill.store.oplog import OPLOG, Operation, operations, record
from gitskill.store.refs import Move
from gitskill.store.repository import Repository
from gitskill.store.runs import next_run
from gitskill.store.skills import SkillReader

Program = Callable[..., Done]
Add = Callable[[str, str], str]

GITSKILL = str(Path(sys.executable).with_name("gitskill"))


def listed(gitskill: Program, folder: Path) -> list[str]:
    """Give what `undo --list` says of each operation, newest first."""
    return [line.split("  ", 1)[1] for line in gitskill(folder, "undo", "--list").out.splitlines()]


def operation(gitskill: Program, folder: Path, what: str) -> str:
    """Give the id of the newest operation that is called `what`."""
    lines = gitskill(folder, "undo", "--list").out.splitlines()
    return next(line.split()[0] for line in lines if line.endswith(f"  {what}"))


def refs(folder: Path) -> dict[str, str]:
    """Give every ref but the log with its target."""
    lines = git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {name: oid for name, _, oid in (line.partition(" ") for line in lines) if name != OPLOG}


@pytest.fixture
def history(folder: Path, gitskill: Program, bullet: Add, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Run every command that moves refs, and give the refs before the first and after each."""
    seen = [refs(folder)]

    def done(result: Done | str | tuple[str, ...]) -> None:
        assert not isinstance(result, Done) or result.code == 0, result
        seen.append(refs(folder))

    done(gitskill(folder, "init"))
    done(bullet("Reading", "Read twice"))
    done(bullet("Writing", "Write once"))
    done(gitskill(folder, "merge", "l0001a", "l0002a"))
    done(archive.put_away(Repository.open(folder), RunId(1), WHO))
    with monkeypatch.context() as later:
        later.setenv("SOURCE_DATE_EPOCH", "1800000000")
        done(gitskill(folder, "prune"))
    return seen


WHAT = [
    "init v1.0.0",
    "lesson add r0001/l0001a",
    "lesson add r0001/l0002a",
    "merge 2 lessons of r0001 into m1-01",
    "archive r0001",
    "prune",
]


def test_every_command_that_moves_refs_is_in_the_log(
    folder: Path, gitskill: Program, history: list[dict[str, str]]
) -> None:
    assert listed(gitskill, folder) == WHAT[::-1]
    logged = {step.ref for entry in operations(Repository.open(folder)) for step in entry.moves}
    assert logged == {name for seen in history for name in seen} - {"refs/heads/main"}


def test_each_entry_of_the_log_tells_exactly_what_moved(folder: Path, history: list[dict[str, str]]) -> None:
    told = [{step.ref: (step.old, step.new) for step in entry.moves} for entry in operations(Repository.open(folder))]

    steps = [
        {ref: (a.get(ref), b.get(ref)) for ref in a.keys() | b.keys() if a.get(ref) != b.get(ref)}
        for a, b in itertools.pairwise(history)
    ]
    assert told == steps[::-1]


def test_undoing_again_and_again_goes_back_to_the_beginning(
    folder: Path, gitskill: Program, history: list[dict[str, str]]
) -> None:
    for what, before in zip(WHAT[::-1], history[-2::-1], strict=True):
        assert gitskill(folder, "undo") == Done(0, f"undone: {what}\n", "")
        # A tag that was taken back is kept for a redo; a commit is kept by the log itself.
        assert {name: oid for name, oid in refs(folder).items() if "/kept/" not in name} == before

    assert gitskill(folder, "undo") == Done(3, "", "gitskill: there is nothing to undo\n")
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""


def test_undoing_every_undo_brings_everything_back(
    folder: Path, gitskill: Program, history: list[dict[str, str]]
) -> None:
    for _ in WHAT:
        gitskill(folder, "undo")

    for what, after in zip(WHAT, history[1:], strict=True):
        name = operation(gitskill, folder, f"undo {what}")
        assert gitskill(folder, "undo", name).out == f"undone: undo {what}\n"
        assert refs(folder) == after


def test_undo_touches_no_checkout(folder: Path, gitskill: Program, bullet: Add) -> None:
    bullet("Reading", "Read twice")
    (folder / "SKILL.md").write_text("half a sentence")
    (folder / "new.md").write_text("new")
    git(folder, "add", "new.md")
    before = state(folder)

    gitskill(folder, "undo")

    assert state(folder) == before


def test_what_was_undone_and_brought_back_can_be_undone_again(folder: Path, gitskill: Program, bullet: Add) -> None:
    before = refs(folder)
    bullet("Reading", "Read twice")
    gitskill(folder, "undo")
    gitskill(folder, "undo", operation(gitskill, folder, "undo lesson add r0001/l0001a"))

    assert gitskill(folder, "undo").out == "undone: lesson add r0001/l0001a\n"
    # A tag that was taken back is kept for a redo; a commit is kept by the log itself.
    assert {name: oid for name, oid in refs(folder).items() if "/kept/" not in name} == before


def test_one_operation_in_the_middle_is_undone_alone(folder: Path, gitskill: Program, bullet: Add) -> None:
    bullet("Reading", "Read twice")
    bullet("Writing", "Write once")
    gitskill(folder, "merge", "l0001a")
    before = refs(folder)
    gitskill(folder, "merge", "l0002a")
    gitskill(folder, "merge", "l0001a", "l0002a")
    after = refs(folder)

    name = operation(gitskill, folder, "merge 1 lesson of r0001 into m1-02")
    assert gitskill(folder, "undo", name).code == 0

    assert refs(folder).keys() == after.keys() - {"refs/heads/gitskill/r0001/m1-02"}
    assert before.keys() < refs(folder).keys()


def test_an_operation_whose_ref_has_moved_on_is_not_undone(folder: Path, gitskill: Program, bullet: Add) -> None:
    bullet("Reading", "Read twice")
    bullet("Writing", "Write once")
    before = git(folder, "for-each-ref")

    done = gitskill(folder, "undo", operation(gitskill, folder, "lesson add r0001/l0001a"))

    assert done == Done(
        5,
        "",
        "gitskill: refs/gitskill/runs/r0001 has moved since `lesson add r0001/l0001a`; nothing was undone\n"
        "hint: undo the newer operation first: gitskill undo --list\n",
    )
    assert git(folder, "for-each-ref") == before


def test_a_lesson_that_a_person_amended_is_not_undone(folder: Path, gitskill: Program, bullet: Add) -> None:
    bullet("Reading", "Read twice")
    tree = git(folder, "rev-parse", "HEAD^{tree}").strip()
    branch = "refs/heads/gitskill/r0001/l0001a-read-twice"
    git(folder, "update-ref", branch, git(folder, "commit-tree", "-p", branch, "-m", "Mine", tree).strip())
    before = git(folder, "for-each-ref")

    done = gitskill(folder, "undo")

    assert (done.code, done.out) == (5, "")
    assert done.err.startswith(f"gitskill: {branch} has moved since")
    assert git(folder, "for-each-ref") == before


def test_the_same_operation_is_not_undone_twice(folder: Path, gitskill: Program, bullet: Add) -> None:
    bullet("Reading", "Read twice")
    name = operation(gitskill, folder, "lesson add r0001/l0001a")
    gitskill(folder, "undo", name)
    before = git(folder, "for-each-ref")

    assert gitskill(folder, "undo", name).code == 5
    assert git(folder, "for-each-ref") == before


def test_a_name_of_no_operation_undoes_nothing(folder: Path, gitskill: Program, bullet: Add) -> None:
    bullet("Reading", "Read twice")
    before = git(folder, "for-each-ref")

    assert gitskill(folder, "undo", "zz") == Done(
        3, "", "gitskill: no operation begins with 'zz'\nhint: gitskill undo --list names them\n"
    )
    assert git(folder, "for-each-ref") == before


def collect(folder: Path) -> None:
    """Let git throw away all that nothing leads to."""
    git(folder, "reflog", "expire", "--expire=now", "--all")
    git(folder, "gc", "-q", "--prune=now")


def test_what_was_undone_outlives_gits_collection(folder: Path, gitskill: Program, bullet: Add) -> None:
    bullet("Reading", "Read twice")
    bullet("Writing", "Write once")
    gitskill(folder, "merge", "l0001a", "l0002a")
    after = refs(folder)
    names = []
    for what in ("merge 2 lessons of r0001 into m1-01", "lesson add r0001/l0002a", "lesson add r0001/l0001a"):
        gitskill(folder, "undo")
        names.append(f"undo {what}")

    collect(folder)

    for name in names[::-1]:
        assert gitskill(folder, "undo", operation(gitskill, folder, name)).code == 0
    assert refs(folder) == after
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""


def test_what_was_pruned_can_be_undone_until_git_has_collected_it(
    folder: Path, gitskill: Program, history: list[dict[str, str]]
) -> None:
    collect(folder)
    before = git(folder, "for-each-ref")

    done = gitskill(folder, "undo")

    assert (done.code, done.out) == (5, "")
    assert git(folder, "for-each-ref") == before
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""
    assert history[-1] == refs(folder)


def edits(place: Path, text: str) -> str:
    """Write an edit that adds a bullet, and give its file."""
    file = place / f"{text}.json"
    edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": "Reading", "content": f"- {text}"}
    file.write_text(json.dumps([edit]))
    return str(file)


def test_an_operation_that_meets_another_one_in_the_log_is_logged_after_it(
    folder: Path, repository: Repository, gitskill: Program
) -> None:
    head = repository.head()

    class Meeting(Batch):
        """Lets another command finish between reading the log and moving it, once."""

        met = False

        def write(self) -> None:
            super().write()
            if not self.met:
                self.met = True
                other = Operation("other", (Move("refs/gitskill/x", None, head),))
                record(Repository.open(folder), Batch(repository), other, WHO)

    record(repository, Meeting(repository), Operation("mine", (Move("refs/gitskill/y", None, head),)), WHO)

    assert listed(gitskill, folder) == ["mine", "other"]
    assert {"refs/gitskill/x", "refs/gitskill/y"} <= refs(folder).keys()


def test_an_operation_that_cannot_move_its_refs_is_not_logged(folder: Path, repository: Repository) -> None:
    before = git(folder, "for-each-ref")
    head = repository.head()

    with pytest.raises(GitRefused):
        record(
            repository,
            Batch(repository),
            Operation("wrong", (Move("refs/gitskill/x", None, head), Move("refs/gitskill/y", head, None))),
            WHO,
        )

    assert git(folder, "for-each-ref") == before


def test_a_runs_number_is_never_used_again(
    folder: Path, gitskill: Program, bullet: Add, repository: Repository
) -> None:
    assert bullet("Reading", "Read twice") == "r0001/l0001a"
    gitskill(folder, "undo")

    assert next_run(repository) == RunId(2)
    assert bullet("Reading", "Read twice") == "r0002/l0001a"
    gitskill(folder, "undo")
    collect(folder)
    assert bullet("Reading", "Read twice") == "r0003/l0001a"


def test_a_fresh_clone_counts_runs_by_their_trailers(folder: Path, bullet: Add, tmp_path: Path) -> None:
    for number in range(3):
        bullet("Reading", "Read twice")
        git(folder, "merge", "-q", "--no-ff", "-m", "Take", f"gitskill/r{number + 1:04d}/l0001a-read-twice")
        (folder / "SKILL.md").write_text((folder / "SKILL.md").read_text().replace("twice", f"twice {number}"))
        commit_all(folder, "Edit")
    git(tmp_path, "clone", "-q", "--single-branch", str(folder), "clone")

    assert git(tmp_path / "clone", "for-each-ref", "--format=%(refname)", "refs/gitskill", "refs/heads") == (
        "refs/heads/main\n"
    )
    assert next_run(Repository.open(tmp_path / "clone")) == RunId(4)


def test_a_clone_counts_the_runs_that_a_remote_has_only_as_branches(folder: Path, bullet: Add, tmp_path: Path) -> None:
    bullet("Reading", "Read twice")
    git(tmp_path, "clone", "-q", str(folder), "clone")

    assert next_run(Repository.open(tmp_path / "clone")) == RunId(2)


def test_undo_in_a_clone_without_a_log_says_that_there_is_nothing(
    folder: Path, gitskill: Program, bullet: Add, tmp_path: Path
) -> None:
    bullet("Reading", "Read twice")
    git(tmp_path, "clone", "-q", str(folder), "clone")

    assert gitskill(tmp_path / "clone", "undo") == Done(3, "", "gitskill: there is nothing to undo\n")
    assert gitskill(tmp_path / "clone", "undo", "--list") == Done(0, "", "nothing was done here yet\n")


def test_the_log_is_a_line_of_commits_that_git_shows(folder: Path, bullet: Add, gitskill: Program) -> None:
    bullet("Reading", "Read twice")
    gitskill(folder, "undo")

    assert git(folder, "log", "--first-parent", "--format=%s", OPLOG) == (
        "undo lesson add r0001/l0001a\nlesson add r0001/l0001a\n"
    )


# What follows shows defects.


def test_two_processes_that_add_lessons_at_once_lose_none(folder: Path, gitskill: Program, tmp_path: Path) -> None:
    def script(who: str) -> str:
        calls = [
            f'"{GITSKILL}" lesson add --title "{who} {n}" --why seen --edits "{edits(tmp_path, f"{who}{n}")}"'
            for n in range(8)
        ]
        return " && ".join(calls)

    started = [
        subprocess.Popen(["sh", "-c", script(who)], cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        for who in ("ada", "bob")
    ]
    said = [process.communicate(timeout=60) for process in started]

    assert [process.returncode for process in started] == [0, 0], said
    told = [line.split()[0] for out, _ in said for line in out.decode().splitlines()]
    slots = [f"r0001/l{number:04d}a" for number in range(1, 17)]
    assert sorted(told) == slots
    listing = git(folder, "for-each-ref", "--format=%(refname)", "refs/heads/gitskill/").splitlines()
    assert [name.removeprefix("refs/heads/gitskill/").partition("-")[0] for name in listing] == slots
    titles = git(folder, "for-each-ref", "--format=%(subject)", "refs/heads/gitskill/").splitlines()
    assert sorted(titles) == sorted(f"{who} {n}" for who in ("ada", "bob") for n in range(8))
    assert listed(gitskill, folder)[::-1] == [f"lesson add {slot}" for slot in slots]
    assert json.loads(git(folder, "show", "refs/gitskill/runs/r0001:run.json"))["lessons"] == [
        slot.partition("/")[2] for slot in slots
    ]
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""


def test_a_tag_that_was_undone_outlives_gits_collection(folder: Path, gitskill: Program) -> None:
    gitskill(folder, "init")
    after = refs(folder)
    gitskill(folder, "undo")

    collect(folder)

    assert gitskill(folder, "undo", operation(gitskill, folder, "undo init v1.0.0")).code == 0
    assert refs(folder) == after


def test_two_lessons_that_read_the_run_at_the_same_time_get_two_slots(reader: SkillReader) -> None:
    run = base_of(reader, WHO)
    skill = reader.read(run.base)

    def lesson(text: str) -> str:
        changed = replace(skill, files={"SKILL.md": skill.files["SKILL.md"] + f"\n{text}\n".encode()})
        return str(propose(reader, run, Proposal(text, "seen", changed), WHO).id)

    assert [lesson("First"), lesson("Second")] == ["r0001/l0001a", "r0001/l0002a"]
    recorded = git(Path(reader.repository.shown), "show", "refs/gitskill/runs/r0001:run.json")
    assert json.loads(recorded)["lessons"] == ["l0001a", "l0002a"]


@pytest.mark.parametrize("moves", [None, "rubbish", "{}", '[{"ref": 1}]', "[1]", "[" * 2000])
def test_a_damaged_log_is_refused_in_one_line(moves: str | None, folder: Path, gitskill: Program) -> None:
    files = ""
    if moves is not None:
        blob = git(folder, "hash-object", "-w", "--stdin", data=moves).strip()
        files = f"100644 blob {blob}\tmoves.json\n"
    tree = git(folder, "mktree", data=files).strip()
    git(folder, "update-ref", OPLOG, git(folder, "commit-tree", "-m", "lesson add", tree).strip())
    before = git(folder, "for-each-ref")

    done = gitskill(folder, "undo")

    assert (done.code, done.out) in ((3, ""), (5, ""))
    assert git(folder, "for-each-ref") == before


@pytest.mark.parametrize("ref", ["HEAD", "refs/heads/other", "refs/tags/theirs", "refs/stash", "../config"])
def test_an_undo_moves_only_refs_that_gitskill_makes(ref: str, folder: Path, gitskill: Program) -> None:
    old = git(folder, "rev-parse", "HEAD").strip()
    git(folder, "commit", "-q", "--allow-empty", "-m", "Two")
    new = git(folder, "rev-parse", "HEAD").strip()
    for name in ("refs/heads/other", "refs/tags/theirs", "refs/stash"):
        git(folder, "update-ref", name, new)
    told = json.dumps([{"ref": ref, "old": old, "new": new}])
    blob = git(folder, "hash-object", "-w", "--stdin", data=told).strip()
    tree = git(folder, "mktree", data=f"100644 blob {blob}\tmoves.json\n").strip()
    git(folder, "update-ref", OPLOG, git(folder, "commit-tree", "-m", "lesson add r0001/l0001a", tree).strip())
    before = state(folder), refs(folder)

    done = gitskill(folder, "undo")

    assert (state(folder), refs(folder)) == before
    assert done.code in (3, 4, 5)


@pytest.mark.parametrize("data", ["[]", "{}", "rubbish", '{"id": "r0001"}', "null"])
def test_a_damaged_record_of_a_run_is_named_and_does_not_stop_the_others(
    data: str, folder: Path, gitskill: Program, tmp_path: Path
) -> None:
    blob = git(folder, "hash-object", "-w", "--stdin", data=data).strip()
    tree = git(folder, "mktree", data=f"100644 blob {blob}\trun.json\n").strip()
    git(folder, "update-ref", "refs/gitskill/runs/r0001", git(folder, "commit-tree", "-m", "Record", tree).strip())

    done = gitskill(folder, "status", "r0001")

    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("gitskill: refs/gitskill/runs/r0001 holds no record of a run: ")
    assert "git update-ref -d refs/gitskill/runs/r0001" in done.err
    edits = tmp_path / "edits.yml"
    edits.write_text('- {op: append_to_section, file: SKILL.md, target_section: Dates, content: "- One."}\n')
    added = gitskill(folder, "lesson", "add", "--title", "T", "--why", "w", "--edits", str(edits))
    assert added.out.startswith("r0002/l0001a")


def test_undoing_init_takes_its_commit_back_too(tmp_path: Path, gitskill: Program) -> None:
    place = tmp_path / "repo"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    git(place, "commit", "-q", "--allow-empty", "-m", "Before")
    before = git(place, "for-each-ref", "refs/heads", "refs/tags")
    gitskill(place, "init", "sheets")

    done = gitskill(place, "undo")

    # DESIGN 1 lets undo do this on a clean checkout, else it has to print the one command to run.
    undone = git(place, "for-each-ref", "refs/heads", "refs/tags") == before
    assert undone or "git " in done.err
