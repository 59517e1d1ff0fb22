"""gitskill drop: what one lesson taught goes, and nothing else."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import build
from conftest import SKILL, WHO, Done, commit_all, git, state
from gitskill.cli.main import run
from gitskill.consolidate.gather import gather
from gitskill.ids import LessonId, RunId
from gitskill.lesson import Lesson
from gitskill.skill.diff import changes_between
from gitskill.store import lessons
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.rejections import name_of, rejections
from gitskill.store.repository import Repository
from gitskill.store.runs import Run as RunRecord
from gitskill.store.skills import SkillReader

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]


def release(folder: Path, node: str) -> None:
    git(folder, "merge", "-q", "--no-ff", "-m", f"Release {node}", f"gitskill/{node}")


def text(folder: Path) -> str:
    return (folder / "SKILL.md").read_text()


def lessons_of(run: Run, folder: Path) -> dict[str, list[str]]:
    lines = json.loads(run(folder, "blame", "--json").out)["lines"]
    return {line["text"]: line["lessons"] for line in lines if line["lessons"] and line["text"]}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Path:  # noqa: ARG001
    """Grow a skill with three released lessons, once."""
    folder = tmp_path_factory.mktemp("grown") / "sheets"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "SKILL.md").write_text(SKILL)
    commit_all(folder, "Base")
    given = folder.parent / "edits.json"
    for section, what in (("Writing", "one"), ("Writing", "two"), ("Dates", "three")):
        edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": section, "content": f"- {what}"}
        given.write_text(json.dumps([edit]))
        add = ["lesson", "add", "--title", what, "--why", "seen", "--edits", str(given)]
        assert run(["-C", str(folder), *add], os.environ) == 0
    assert run(["-C", str(folder), "merge", "l0001a", "l0002a", "l0003a"], os.environ) == 0
    release(folder, "r0001/m1-01")
    return folder


@pytest.fixture
def released(grown: Path, folder: Path) -> Path:
    """Give a copy of that skill."""
    shutil.rmtree(folder)
    shutil.copytree(grown, folder)
    return folder


def test_the_lines_of_one_lesson_go_in_a_commit_on_top_and_the_others_keep_theirs(
    released: Path, gitskill: Run
) -> None:
    before, head = text(released), git(released, "rev-parse", "HEAD").strip()

    done = gitskill(released, "drop", "l0002a")

    assert done.code == 0, done.err
    assert text(released) == before.replace("- two\n", "")
    assert git(released, "rev-parse", "HEAD^").strip() == head
    assert git(released, "status", "--porcelain") == ""
    assert lessons_of(gitskill, released) == {"- one": ["r0001/l0001a"], "- three": ["r0001/l0003a"]}
    assert json.loads(gitskill(released, "show", "l0002a", "--json").out)["state"] == "dropped"
    assert json.loads(gitskill(released, "show", "l0001a", "--json").out)["state"] == "merged"


def test_dropping_twice_says_that_it_is_not_in_the_skill(released: Path, gitskill: Run) -> None:
    gitskill(released, "drop", "l0002a")
    before = state(released)

    done = gitskill(released, "drop", "l0002a")

    assert (done.code, done.out) == (3, "")
    assert "r0001/l0002a is not in the skill" in done.err
    assert state(released) == before


def test_a_reason_is_one_line_of_visible_text(released: Path, gitskill: Run) -> None:
    before = state(released)

    done = gitskill(released, "drop", "l0002a", "--why", "wrong\u202e")

    assert (done.code, done.out) == (3, "")
    assert "the reason hides U+202E" in done.err
    assert state(released) == before
    assert gitskill(released, "drop", "l0002a", "--why", "wrong\n\nSkill-Version: v9.9.9").code == 0
    assert "\nwrong Skill-Version: v9.9.9\n" in git(released, "log", "-1", "--format=%B")


def test_all_dropped_one_by_one_leave_the_base(released: Path, gitskill: Run) -> None:
    for lesson in ("l0003a", "l0001a", "l0002a"):
        assert gitskill(released, "drop", lesson).code == 0

    assert text(released) == SKILL


def test_a_lesson_that_others_say_too_loses_one_source_and_no_line(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    for what in ("same", "same", "other"):
        bullet("Writing", what)
    gitskill(folder, "merge", "l0001a", "l0002a", "l0003a")
    release(folder, "r0001/m1-01")
    before = text(folder)

    done = gitskill(folder, "drop", "l0001a")

    assert "no line changes" in done.out
    assert "r0001/l0001a says the same as r0001/l0002a: the text stays, with one source less" in done.out
    assert text(folder) == before
    assert lessons_of(gitskill, folder) == {"- same": ["r0001/l0002a"], "- other": ["r0001/l0003a"]}
    assert gitskill(folder, "drop", "l0001a").code == 3
    gitskill(folder, "drop", "l0002a")
    assert "- same" not in text(folder)


@pytest.fixture
def teach(folder: Path, gitskill: Run, tmp_path: Path) -> Callable[..., None]:
    """Add a lesson of whole edits."""

    def call(*edits: dict[str, str]) -> None:
        given = tmp_path / "given.json"
        given.write_text(json.dumps([{"file": "SKILL.md", **edit} for edit in edits]))
        done = gitskill(folder, "lesson", "add", "--title", "T", "--why", "w", "--edits", str(given))
        assert done.code == 0, done.err

    return call


def replace(old: str, new: str) -> dict[str, str]:
    return {"op": "replace_in_section", "old_text": old, "content": new}


def test_text_that_the_lesson_replaced_comes_back(folder: Path, gitskill: Run, teach: Callable[..., None]) -> None:
    teach(
        replace("- Save to a new file.", "- Save beside the old file."),
        {"op": "delete_section", "target_section": "Dates"},
    )
    teach(replace("- Read values and formulas apart.", "- Read values first."))
    gitskill(folder, "merge", "l0001a", "l0002a")
    release(folder, "r0001/m1-01")

    gitskill(folder, "drop", "l0001a")

    assert text(folder) == SKILL.replace("- Read values and formulas apart.", "- Read values first.")


def test_after_two_more_releases_and_a_persons_edits_only_its_own_lines_go(
    released: Path, gitskill: Run, bullet: Bullet
) -> None:
    (released / "SKILL.md").write_text(text(released).replace("# Sheets\n", "# Sheets\n\nBy hand.\n"))
    commit_all(released, "By hand")
    for number, what in ((2, "four"), (3, "five")):
        bullet("Writing", what)
        gitskill(released, "merge", f"r000{number}/l0001a")
        release(released, f"r000{number}/m1-01")
    before = text(released)

    assert gitskill(released, "drop", "l0002a").code == 0

    assert text(released) == before.replace("- two\n", "")
    assert lessons_of(gitskill, released)["- five"] == ["r0003/l0001a"]


def test_a_line_that_a_person_changed_since_needs_a_person(released: Path, gitskill: Run) -> None:
    (released / "SKILL.md").write_text(text(released).replace("- two", "- two, by hand"))
    commit_all(released, "By hand")
    before = state(released), git(released, "for-each-ref")
    line = text(released).splitlines().index("- two, by hand") + 1

    done = gitskill(released, "drop", "l0002a")

    assert (done.code, done.out) == (4, "")
    assert f"r0001/l0002a: somebody wrote since where its text was: SKILL.md line {line}\n" in done.err
    assert f"gitskill blame SKILL.md -L {line},{line}" in done.err
    assert (state(released), git(released, "for-each-ref")) == before
    assert gitskill(released, "drop", "l0001a").code == 0


def test_what_a_later_release_put_into_its_section_needs_a_person(
    folder: Path, gitskill: Run, teach: Callable[..., None], bullet: Bullet
) -> None:
    teach({"op": "add_section", "content": "## Shell\n\n- Quote names.\n"})
    gitskill(folder, "merge", "l0001a")
    release(folder, "r0001/m1-01")
    bullet("Shell", "Mind spaces.")
    gitskill(folder, "merge", "r0002/l0001a")
    release(folder, "r0002/m1-01")

    done = gitskill(folder, "drop", "r0001/l0001a")

    assert done.code == 4
    assert "- Mind spaces." in text(folder)
    assert gitskill(folder, "drop", "r0002/l0001a").code == 0
    assert gitskill(folder, "drop", "r0001/l0001a").code == 0
    assert text(folder) == SKILL


def test_a_line_that_a_person_took_out_already_is_no_hindrance(released: Path, gitskill: Run) -> None:
    (released / "SKILL.md").write_text(text(released).replace("- two\n", ""))
    commit_all(released, "By hand")
    before = text(released)

    assert gitskill(released, "drop", "l0002a").code == 0
    assert text(released) == before


def test_after_a_rollback_behind_its_release_a_lesson_is_not_in_the_skill_and_after_the_next_it_is(
    released: Path, gitskill: Run
) -> None:
    full = text(released)
    git(released, "checkout", "-q", "HEAD^", "--", "SKILL.md")
    git(released, "commit", "-qm", "Roll back")
    gone = gitskill(released, "drop", "l0002a")
    git(released, "checkout", "-q", "HEAD^", "--", "SKILL.md")
    git(released, "commit", "-qm", "Roll forward")

    done = gitskill(released, "drop", "l0002a")

    assert (gone.code, "is not in the skill" in gone.err) == (3, True)
    assert done.code == 0, done.err
    assert text(released) == full.replace("- two\n", "")


def test_a_drop_that_was_rolled_back_can_be_made_again(released: Path, gitskill: Run) -> None:
    full = text(released)
    gitskill(released, "drop", "l0002a")
    git(released, "checkout", "-q", "HEAD^", "--", "SKILL.md")
    git(released, "commit", "-qm", "Roll back")
    assert lessons_of(gitskill, released)["- two"] == ["r0001/l0002a"]

    assert gitskill(released, "drop", "l0002a").code == 0
    assert text(released) == full.replace("- two\n", "")


def test_a_lesson_that_a_person_took_by_itself_is_dropped_too(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    bullet("Writing", "one")
    git(folder, "cherry-pick", "gitskill/r0001/l0001a-one")

    assert gitskill(folder, "drop", "l0001a").code == 0
    assert text(folder) == SKILL


def test_a_dry_run_shows_all_and_changes_nothing(released: Path, gitskill: Run) -> None:
    (released / "SKILL.md").write_text("not committed")
    before = state(released), git(released, "for-each-ref"), git(released, "count-objects")

    done = gitskill(released, "drop", "l0002a", "-n")

    assert done.out == "r0001/l0002a  would be dropped\n\nSKILL.md\n- - two\n"
    assert (state(released), git(released, "for-each-ref"), git(released, "count-objects")) == before


def test_a_checkout_that_is_not_clean_is_refused(released: Path, gitskill: Run) -> None:
    (released / "SKILL.md").write_text("not committed")
    before = state(released)

    done = gitskill(released, "drop", "l0002a")

    assert (done.code, "git stash" in done.err) == (4, True)
    assert state(released) == before


def test_the_document_names_what_changes(released: Path, gitskill: Run) -> None:
    head = git(released, "rev-parse", "HEAD").strip()

    git(released, "tag", "-a", "v1.1.0", "-m", "x", head)

    found = json.loads(gitskill(released, "drop", "l0002a", "--why", "it is wrong", "--json").out)

    assert found == {
        "lessons": ["r0001/l0002a"],
        "version": "v1.2.0",
        "tag": "v1.2.0",
        "commit": git(released, "rev-parse", "HEAD").strip(),
        "previous": "v1.1.0",
        "removed": 1,
        "added": 0,
        "files": ["SKILL.md"],
        "shared": {},
        "stays": [],
        "also": {},
        "settled": [],
    }
    assert "it is wrong" in git(released, "log", "-1", "--format=%B")
    assert json.loads(gitskill(released, "show", "l0002a", "--json").out)["reason"] == "it is wrong"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param([], 2, "name one LESSON", id="nothing"),
        pytest.param(["l0001a", "--trace", "abcd"], 2, "name one LESSON", id="both"),
        pytest.param(["l0009a"], 3, "there is no lesson 'l0009a'", id="unknown"),
        pytest.param(["--trace", "abcd"], 3, "no lesson in the skill is of trace abcd", id="unknown-trace"),
        pytest.param(["--trace", "../x"], 3, "no trace is named", id="no-trace"),
    ],
)
def test_what_cannot_be_found_is_said_and_nothing_moves(
    arguments: list[str], code: int, says: str, released: Path, gitskill: Run
) -> None:
    before = state(released), git(released, "for-each-ref")

    done = gitskill(released, "drop", *arguments)

    assert (done.code, done.out, says in done.err) == (code, "", True), done.err
    assert (state(released), git(released, "for-each-ref")) == before


def test_the_skill_in_a_folder_changes_there_and_nowhere_else(tmp_path: Path, gitskill: Run) -> None:
    skill = tmp_path / "repo/skills/sheets"
    skill.mkdir(parents=True)
    git(tmp_path / "repo", "init", "-q", "-b", "main")
    (skill / "SKILL.md").write_text(SKILL)
    (tmp_path / "repo/README.md").write_text("other")
    commit_all(skill, "Base")
    given = tmp_path / "given.json"
    edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": "Writing", "content": "- one"}
    given.write_text(json.dumps([edit]))
    gitskill(skill, "lesson", "add", "--title", "T", "--why", "w", "--edits", str(given))
    gitskill(skill, "merge", "l0001a")
    release(skill, "r0001/m1-01")

    assert gitskill(skill, "drop", "l0001a").code == 0
    assert git(skill, "diff", "--name-only", "HEAD^", "HEAD") == "skills/sheets/SKILL.md\n"
    assert text(skill) == SKILL


def test_a_drop_is_the_next_version_that_verify_and_log_know(released: Path, gitskill: Run) -> None:
    git(released, "tag", "-a", "v1.0.0", "-m", "Base", "HEAD^")
    git(released, "tag", "-a", "v1.1.0", "-m", "x")

    done = gitskill(released, "drop", "l0002a")

    assert "r0001/l0002a  dropped in v1.2.0\n" in done.out
    assert "released v1.2.0: " in done.out
    assert git(released, "log", "-1", "--format=%s%n%(trailers:only)") == (
        "Release v1.2.0: drop r0001/l0002a: two\n"
        f"Dropped-Lesson: r0001/l0002a {git(released, 'rev-parse', 'gitskill/r0001/l0002a-two').strip()}\n"
        "Skill-Version: v1.2.0\n\n"
    )
    assert json.loads(gitskill(released, "verify", "v1.2.0", "--json").out)["problems"] == []
    assert "dropped r0001/l0002a" in gitskill(released, "log").out
    assert "### Removed\n\n- two (r0001/l0002a)\n" in gitskill(released, "changelog").out


def test_a_version_that_was_undone_is_not_given_again(released: Path, gitskill: Run) -> None:
    git(released, "tag", "-a", "v1.1.0", "-m", "x")
    gitskill(released, "drop", "l0002a")

    assert gitskill(released, "undo").code == 0
    assert git(released, "tag").split() == ["v1.1.0"]
    assert "dropped in v1.3.0" in gitskill(released, "drop", "l0002a").out


def test_what_a_later_lesson_replaced_needs_a_person_who_may_drop_that_one_first(
    released: Path, gitskill: Run, teach: Callable[..., None]
) -> None:
    full = text(released)
    teach(replace("- two", "- two, better"))
    gitskill(released, "merge", "r0002/l0001a")
    release(released, "r0002/m1-01")

    done = gitskill(released, "drop", "r0001/l0002a")

    assert (done.code, "somebody wrote since" in done.err) == (4, True)
    assert gitskill(released, "drop", "r0002/l0001a").code == 0
    assert text(released) == full
    assert gitskill(released, "drop", "r0001/l0002a").code == 0
    assert text(released) == full.replace("- two\n", "")


def test_after_a_drop_the_next_run_is_released_and_blamed_as_ever(
    released: Path, gitskill: Run, bullet: Bullet
) -> None:
    gitskill(released, "drop", "l0002a")
    bullet("Writing", "four")
    gitskill(released, "merge", "r0002/l0001a")
    release(released, "r0002/m1-01")

    assert lessons_of(gitskill, released) == {
        "- one": ["r0001/l0001a"],
        "- four": ["r0002/l0001a"],
        "- three": ["r0001/l0003a"],
    }
    assert gitskill(released, "drop", "r0001/l0001a").code == 0
    assert "- one" not in text(released)


def test_a_clone_drops_what_it_was_given(released: Path, gitskill: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(released), "clone")

    assert gitskill(tmp_path / "clone", "drop", "l0002a").code == 0
    assert text(tmp_path / "clone") == text(released).replace("- two\n", "")
    assert git(tmp_path / "clone", "fsck", "--strict", "--no-dangling") == ""


def test_in_a_bare_repository_only_refs_move(released: Path, gitskill: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(released), "bare.git")

    assert gitskill(tmp_path / "bare.git", "drop", "l0002a").code == 0
    assert "- two" not in git(tmp_path / "bare.git", "show", "main:SKILL.md")


@pytest.mark.parametrize("where", ["--detach", "gitskill/r0001/m1-01"])
def test_on_no_branch_of_the_persons_nothing_moves(where: str, released: Path, gitskill: Run) -> None:
    git(released, "switch", "-q", *([where, "main"] if where == "--detach" else [where]))
    before = state(released), git(released, "for-each-ref")

    done = gitskill(released, "drop", "l0002a")

    assert (done.code, "git switch main" in done.err) == (4, True)
    assert (state(released), git(released, "for-each-ref")) == before


def test_what_stays_was_released_when_it_was_and_what_goes_says_where_it_went(released: Path, gitskill: Run) -> None:
    git(released, "tag", "-a", "v1.1.0", "-m", "x")
    gitskill(released, "drop", "l0002a")

    stays, gone = (json.loads(gitskill(released, "show", f"l000{n}a", "--json").out) for n in (1, 2))

    assert (stays["state"], stays["released"]) == ("merged", "v1.1.0")
    assert (gone["state"], gone["by"]) == ("dropped", "r0001/m1-02")


def test_what_goes_is_remembered_for_every_run_to_come_and_what_others_say_is_not(
    folder: Path, gitskill: Run, bullet: Bullet
) -> None:
    for what in ("same", "same", "other"):
        bullet("Writing", what)
    gitskill(folder, "merge", "l0001a", "l0002a", "l0003a")
    release(folder, "r0001/m1-01")
    gitskill(folder, "drop", "l0001a")
    assert git(folder, "for-each-ref", "refs/gitskill/rejected") == ""

    gitskill(folder, "drop", "l0003a", "--why", "it is wrong")

    [kept] = rejections(Repository.open(folder)).values()
    assert (kept.lesson, kept.rule, kept.reason, kept.who) == ("r0001/l0003a", "- other", "it is wrong", "Ada")
    gitskill(folder, "undo")
    assert git(folder, "for-each-ref", "refs/gitskill/rejected") == ""


def test_a_later_run_does_not_bring_it_back(folder: Path, nodes: NodeStore, gitskill: Run) -> None:
    taught = SKILL.replace("Store dates as dates.", "Store dates as dates.\nZones matter.")
    [live] = build.teach(nodes, [taught])
    git(folder, "merge", "-q", "--no-ff", "-m", "Release", build.join(nodes, (1, 1), [live]).commit)
    assert gitskill(folder, "drop", "r0001/l0001a").code == 0
    store = NodeStore(SkillReader(Repository.open(folder), ""))
    base, batch, second = store.reader.repository.head(), Batch(store.reader.repository), RunId(2)
    lesson = Lesson(LessonId(second, 1, "a"), "Zones again", "seen", "error test")
    skill = store.reader.read(base).with_file("SKILL.md", taught.encode())
    move = lessons.add(store.reader, batch, lesson, skill, base, WHO)
    record(store.reader.repository, batch, Operation("teach", (move,)), WHO)

    found = gather(store, RunRecord(second, base, "", "offline", WHO.when, planned=1), {})

    assert found.live == {}
    assert [(each.is_rejected, each.reason) for each in found.aside] == [
        (True, "turned down in r0001/l0001a: a person took it out")
    ]


def test_a_later_run_that_finds_the_heading_there_does_not_bring_it_back_either(
    folder: Path, gitskill: Run, teach: Callable[..., None]
) -> None:
    section = {"op": "add_section", "content": "## Shell\n\n- Quote names.\n"}
    teach(section)
    teach({**section, "content": "## Shell\n\n- Mind spaces.\n"})
    gitskill(folder, "merge", "l0001a", "l0002a")
    release(folder, "r0001/m1-01")
    gitskill(folder, "drop", "l0001a")
    repository = Repository.open(folder)
    here = NodeStore(SkillReader(repository, "")).reader.read(repository.head())
    again = here.with_file("SKILL.md", str(here.text("SKILL.md")).encode() + b"- Quote names.\n")

    assert name_of(here, changes_between(here, again)) in rejections(repository)


def test_a_source_less_is_no_text_less_in_the_changelog(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    git(folder, "tag", "-a", "v1.0.0", "-m", "Base")
    for what in ("same", "same"):
        bullet("Writing", what)
    gitskill(folder, "merge", "l0001a", "l0002a")
    release(folder, "r0001/m1-01")
    git(folder, "tag", "-a", "v1.1.0", "-m", "Release v1.1.0: 1 lesson")
    gitskill(folder, "drop", "l0001a")

    assert "Dropped-Source: r0001/l0001a " in git(folder, "log", "-1", "--format=%B")
    assert "### Removed" not in gitskill(folder, "changelog").out
    assert "  drop r0001/l0001a: " in gitskill(folder, "log").out.splitlines()[0]
