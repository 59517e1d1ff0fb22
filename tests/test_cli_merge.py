"""gitskill merge: lessons joined in one octopus on a branch of its own, or both sides of a clash named."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]
Teach = Callable[..., str]

SAVE = "- Save to a new file."


@pytest.fixture
def teach(gitskill: Run, tmp_path: Path) -> Teach:
    """Add a lesson of whole edits: `teach(folder, {"op": …}, …)`, and give its id."""

    def call(folder: Path, *edits: dict[str, str], title: str = "T") -> str:
        given = tmp_path / "given.json"
        given.write_text(json.dumps(edits))
        done = gitskill(folder, "lesson", "add", "--title", title, "--why", "w", "--edits", str(given))
        assert done.code == 0, done.err
        return done.out.split()[0]

    return call


def replace(old: str, new: str) -> dict[str, str]:
    return {"op": "replace_in_section", "file": "SKILL.md", "old_text": old, "content": new}


def create(path: str, content: str) -> dict[str, str]:
    return {"op": "create", "file": path, "content": content}


def branches(folder: Path) -> list[str]:
    return git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()


def parents(folder: Path, commit: str) -> list[str]:
    return git(folder, "log", "-1", "--format=%P", commit).split()


def tips(folder: Path, *lessons: str) -> list[str]:
    return [git(folder, "rev-parse", f"gitskill/{lesson}").strip() for lesson in lessons]


def amend(folder: Path, branch: str, change: Callable[[], object], *, message: Sequence[str] = ("-m", "More")) -> None:
    """Change a lesson as a person does, with plain git, and go back to main."""
    git(folder, "switch", "-q", branch)
    change()
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", *message)
    git(folder, "switch", "-q", "main")


def edit(folder: Path, old: str, new: str) -> Callable[[], object]:
    def call() -> object:
        path = folder / "SKILL.md"
        assert old in path.read_text()
        return path.write_text(path.read_text().replace(old, new))

    return call


@pytest.fixture
def two(folder: Path, bullet: Bullet) -> Path:
    """Give a repository with two lessons on two sections: `r0001/l0001a-one` and `r0001/l0002a-two`."""
    bullet("Writing", "one")
    bullet("Dates", "two")
    return folder


def test_lessons_become_one_octopus_whose_parents_are_the_base_and_they(two: Path, gitskill: Run) -> None:
    before = state(two)

    done = gitskill(two, "merge", "l0001a", "r0001/l0002a")

    branch = "gitskill/r0001/m1-01"
    assert (done.code, done.out) == (0, "r0001/m1-01  2 lessons in one merge of 3 parents\n")
    assert f"gitskill diff HEAD {branch}" in done.err
    assert f"git merge --no-ff {branch}" in done.err
    assert state(two) == before
    base = git(two, "rev-parse", "main").strip()
    assert parents(two, branch) == [base, *tips(two, "r0001/l0001a-one", "r0001/l0002a-two")]
    merged = SKILL.replace("as formulas.\n", "as formulas.\n- one\n") + "\n- two\n"
    assert git(two, "show", f"{branch}:SKILL.md") == merged
    assert git(two, "log", "-1", "--format=%B", branch) == (
        "Merge 2 lessons of r0001\n\nGitskill-Run: r0001\nLevel: 1\nGroup: 1\n"
        "Support: l0001a 0/0 traces 0 tasks\nSupport: l0002a 0/0 traces 0 tasks\n\n"
    )
    assert git(two, "fsck", "--strict", "--no-dangling") == ""


def test_json_names_the_commit_and_its_lessons(two: Path, gitskill: Run) -> None:
    done = gitskill(two, "merge", "l0002a", "l0001a", "--json")

    commit = git(two, "rev-parse", "gitskill/r0001/m1-01").strip()
    assert json.loads(done.out) == {"commit": commit, "lessons": ["r0001/l0001a", "r0001/l0002a"], "clashes": []}
    assert (done.code, done.err) == (0, "")


def test_the_order_in_which_lessons_are_named_changes_nothing(two: Path, gitskill: Run) -> None:
    gitskill(two, "merge", "l0001a", "l0002a")
    gitskill(two, "merge", "l0002a", "l0001a", "l0002a")

    assert git(two, "rev-parse", "gitskill/r0001/m1-01^{tree}") == git(two, "rev-parse", "gitskill/r0001/m1-02^{tree}")
    assert parents(two, "gitskill/r0001/m1-01") == parents(two, "gitskill/r0001/m1-02")


@pytest.mark.parametrize("names", [["l0001a"], ["l0001a", "l0001a", "r0001/l0001a"]], ids=["once", "three times"])
def test_one_lesson_is_counted_once_however_often_it_is_named(names: list[str], two: Path, gitskill: Run) -> None:
    done = gitskill(two, "merge", *names)

    assert done.out == "r0001/m1-01  1 lesson in one merge of 2 parents\n"
    assert parents(two, "gitskill/r0001/m1-01")[1:] == tips(two, "r0001/l0001a-one")


@pytest.mark.parametrize(
    "name", ["l0001a", "r0001/l0001a", "gitskill/r0001/l0001a-one", "refs/heads/gitskill/r0001/l0001a-one"]
)
def test_a_lesson_can_be_named_by_its_id_or_its_branch(name: str, two: Path, gitskill: Run) -> None:
    assert json.loads(gitskill(two, "merge", name, "--json").out)["lessons"] == ["r0001/l0001a"]


@pytest.mark.parametrize(
    "name", ["l0009a", "r0009/l0001a", "L0001A", "l1", "r0001", "main", "HEAD", "m1-01", "r0001/m1-01", ""]
)
def test_a_name_that_is_no_lesson_is_refused(name: str, two: Path, gitskill: Run) -> None:
    before = branches(two)

    done = gitskill(two, "merge", "l0001a", name)

    assert (done.code, done.out) == (3, "")
    assert done.err.splitlines()[0] == f"gitskill: there is no lesson {name!r} in {two}"
    assert branches(two) == before


def test_a_name_that_two_runs_share_is_refused_and_both_are_named(two: Path, gitskill: Run, bullet: Bullet) -> None:
    edit(two, "Store", "Keep")()
    commit_all(two, "Reworded")
    bullet("Writing", "again")

    assert gitskill(two, "merge", "l0001a") == Done(
        3, "", "gitskill: 'l0001a' is the name of 2 lessons\nhint: say r0001/l0001a or r0002/l0001a\n"
    )


def test_lessons_of_different_runs_are_refused_with_the_base_of_each(two: Path, gitskill: Run, bullet: Bullet) -> None:
    old = git(two, "rev-parse", "--short=10", "main").strip()
    edit(two, "Store", "Keep")()
    new = commit_all(two, "Reworded")[:10]
    bullet("Writing", "again")

    assert gitskill(two, "merge", "r0001/l0001a", "r0002/l0001a") == Done(
        3,
        "",
        f"gitskill: these lessons do not stand on one base: r0001/l0001a on {old}, r0002/l0001a on {new}\n"
        "hint: merge the lessons of one run at a time\n",
    )


def test_without_lessons_merge_is_a_usage_error(folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "merge")

    assert (done.code, done.out) == (2, "")
    assert "Missing argument 'LESSON...'" in done.err


def test_lessons_that_change_the_same_line_are_both_named_and_nothing_is_made(
    folder: Path, gitskill: Run, teach: Teach, bullet: Bullet
) -> None:
    teach(folder, replace(SAVE, "- Save to a copy."))
    teach(folder, replace(SAVE, "- Save in place."))
    bullet("Dates", "three")
    before = state(folder), branches(folder)

    done = gitskill(folder, "merge", "l0002a", "l0001a", "l0003a")

    assert done == Done(
        4,
        "",
        "gitskill: r0001/l0001a and r0001/l0002a change SKILL.md line 10\n"
        "hint: leave one of them out, or make one lesson of both: gitskill lesson add\n",
    )
    assert (state(folder), branches(folder)) == before


def test_a_clash_over_several_lines_names_the_lines_that_both_change(folder: Path, gitskill: Run, teach: Teach) -> None:
    teach(folder, {"op": "delete_section", "file": "SKILL.md", "target_section": "Writing"})
    teach(folder, replace(f"{SAVE}\n- Keep formulas as formulas.", "- Save.\n- Keep."))

    done = gitskill(folder, "merge", "l0001a", "l0002a", "--json")

    assert done.code == 4
    assert json.loads(done.out) == {
        "commit": None,
        "lessons": [],
        "clashes": [
            {
                "kind": "overlap",
                "lessons": ["r0001/l0001a", "r0001/l0002a"],
                "path": "SKILL.md",
                "lines": [10, 11],
            }
        ],
    }
    assert done.err.splitlines()[0] == "gitskill: r0001/l0001a and r0001/l0002a change SKILL.md lines 10-11"


def test_every_pair_that_clashes_is_named(folder: Path, gitskill: Run, teach: Teach) -> None:
    for word in ("a copy", "the side", "in place"):
        teach(folder, replace(SAVE, f"- Save to {word}."))

    done = gitskill(folder, "merge", "l0001a", "l0002a", "l0003a", "--json")

    pairs = [clash["lessons"] for clash in json.loads(done.out)["clashes"]]
    one, two, three = (f"r0001/l000{number}a" for number in (1, 2, 3))
    assert pairs == [[one, two], [one, three], [two, three]]
    assert "\n" not in done.err.splitlines()[0]


def test_one_lesson_that_deletes_the_file_another_edits_is_a_clash_over_the_whole_file(
    folder: Path, gitskill: Run, teach: Teach
) -> None:
    (folder / "references").mkdir()
    (folder / "references" / "x.md").write_text("# X\n\nOld.\n")
    (folder / "SKILL.md").write_text(SKILL + "\nRead references/x.md first.\n")
    commit_all(folder, "A reference")
    teach(folder, {"op": "delete_file", "file": "references/x.md"}, replace("Read references/x.md first.", "Read."))
    teach(folder, {"op": "append_to_section", "file": "references/x.md", "target_section": "X", "content": "New."})

    done = gitskill(folder, "merge", "l0001a", "l0002a", "--json")

    assert done.code == 4
    assert json.loads(done.out)["clashes"] == [
        {
            "kind": "overlap",
            "lessons": ["r0001/l0001a", "r0001/l0002a"],
            "path": "references/x.md",
            "lines": [0, 0],
        }
    ]
    assert done.err.startswith("gitskill: r0001/l0001a and r0001/l0002a change references/x.md as a whole\n")


def test_inserts_at_one_point_stand_in_the_order_of_the_lessons(folder: Path, gitskill: Run, bullet: Bullet) -> None:
    for text in ("one", "two", "three"):
        bullet("Writing", text)

    gitskill(folder, "merge", "l0003a", "l0001a", "l0002a")

    merged = git(folder, "show", "gitskill/r0001/m1-01:SKILL.md")
    assert merged == SKILL.replace("as formulas.\n", "as formulas.\n- one\n- two\n- three\n")


def test_lessons_with_the_same_changes_are_folded_into_the_first(
    folder: Path, gitskill: Run, teach: Teach, bullet: Bullet
) -> None:
    teach(folder, replace(SAVE, "- Save to a copy."), title="One")
    teach(folder, replace(SAVE, "- Save to a copy."), title="Uno")
    bullet("Dates", "three")

    done = gitskill(folder, "merge", "l0003a", "l0002a", "l0001a")

    assert done.out == ("r0001/m1-01  3 lessons in one merge of 3 parents\n  folded   r0001/l0002a into r0001/l0001a\n")
    fold = parents(folder, "gitskill/r0001/m1-01")[1]
    assert parents(folder, fold) == tips(folder, "r0001/l0001a-one", "r0001/l0002a-uno")
    assert git(folder, "rev-parse", f"{fold}^{{tree}}") == git(folder, "rev-parse", f"{fold}^1^{{tree}}")
    one, uno = tips(folder, "r0001/l0001a-one", "r0001/l0002a-uno")
    assert git(folder, "log", "-1", "--format=%B", fold) == (
        "Fold 2 lessons: same SKILL.md\n\nGitskill-Run: r0001\nResolution: m1-01.1\n"
        f"Lesson-From: r0001/l0001a {one}\nLesson-From: r0001/l0002a {uno}\n"
        "Clash: same SKILL.md\nResolved-By: rule:same\n\n"
    )
    states = {name: json.loads(gitskill(folder, "show", name, "--json").out) for name in ("l0001a", "l0002a")}
    assert [(item["state"], item["reason"]) for item in states.values()] == [
        ("merged", ""),
        ("folded", "says the same as r0001/l0001a"),
    ]


def test_two_lessons_that_create_one_file_make_one_file_with_one_heading(
    folder: Path, gitskill: Run, teach: Teach
) -> None:
    (folder / "SKILL.md").write_text(SKILL + "\nSee references/n.md.\n")
    commit_all(folder, "Mention it")
    teach(folder, create("references/n.md", "# N\n\n- one"))
    teach(folder, create("references/n.md", "# N\n\n- two"))

    done = gitskill(folder, "merge", "l0001a", "l0002a")

    assert done.code == 0
    lines = git(folder, "show", "gitskill/r0001/m1-01:references/n.md").splitlines()
    assert [line for line in lines if line] == ["# N", "- one", "- two"]


def test_two_lessons_that_create_one_script_in_different_ways_clash(folder: Path, gitskill: Run, teach: Teach) -> None:
    teach(folder, create("scripts/run.py", "print(1)"))
    teach(folder, create("scripts/run.py", "print(2)"))

    done = gitskill(folder, "merge", "l0001a", "l0002a")

    assert (done.code, done.out) == (4, "")
    assert "r0001/l0001a and r0001/l0002a change scripts/run.py" in done.err


def test_two_names_for_one_file_where_case_does_not_count_need_a_person(
    folder: Path, gitskill: Run, teach: Teach
) -> None:
    (folder / "SKILL.md").write_text(SKILL + "\nSee references/n.md and references/N.md.\n")
    commit_all(folder, "Mention both")
    teach(folder, create("references/n.md", "x"))
    teach(folder, create("references/N.md", "x"))
    before = branches(folder)

    done = gitskill(folder, "merge", "l0001a", "l0002a")

    assert (done.code, done.out) == (4, "")
    assert "r0001/l0002a: together with better supported lessons it breaks the skill: references/n.md: " in done.err
    assert branches(folder) == before


def test_what_a_person_committed_on_a_lessons_branch_is_part_of_the_lesson(two: Path, gitskill: Run) -> None:
    amend(two, "gitskill/r0001/l0001a-one", edit(two, "- one", "- one, and why"))

    done = gitskill(two, "merge", "l0001a", "l0002a")

    assert done.code == 0
    merged = git(two, "show", "gitskill/r0001/m1-01:SKILL.md")
    assert merged == SKILL.replace("as formulas.\n", "as formulas.\n- one, and why\n") + "\n- two\n"


def test_a_lesson_amended_in_place_is_still_that_lesson(two: Path, gitskill: Run) -> None:
    change = edit(two, "- one", "- uno")
    amend(two, "gitskill/r0001/l0001a-one", change, message=("--amend", "--no-edit", "--signoff"))

    done = gitskill(two, "merge", "l0001a", "l0002a", "--json")

    assert json.loads(done.out)["lessons"] == ["r0001/l0001a", "r0001/l0002a"]
    assert "- uno\n" in git(two, "show", "gitskill/r0001/m1-01:SKILL.md")


def executable(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.touch()
    path.chmod(0o755)


def link(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.symlink_to("/etc/passwd")


SPOILED = [
    pytest.param(lambda two: (two / "README.md").write_text("x"), "README.md", id="a-file-outside-the-skill"),
    pytest.param(lambda two: link(two / "scripts" / "l"), "scripts/l", id="a-symlink"),
    pytest.param(lambda two: (two / "SKILL.md").chmod(0o755), "SKILL.md", id="an-executable-bit"),
    pytest.param(lambda two: executable(two / "scripts" / "x"), "scripts/x", id="a-new-executable"),
    pytest.param(lambda two: (two / "SKILL.md").unlink(), "SKILL.md", id="without-its-skill-file"),
    pytest.param(lambda two: edit(two, "- one", "- \u202eone")(), "hides U+202E", id="hidden-text"),
    pytest.param(lambda two: edit(two, "- one", "- \x1b[31mone")(), "hides U+001B", id="an-escape-sequence"),
    pytest.param(lambda two: edit(two, "name: sheets", "name: other")(), "the name changed", id="another-name"),
    pytest.param(lambda two: edit(two, "- one\n", "")(), "r0001/l0001a changes nothing", id="no-change-left"),
]


@pytest.mark.parametrize(("spoil", "reason"), SPOILED)
def test_a_lesson_that_a_person_spoiled_is_refused_and_nothing_is_made(
    spoil: Callable[[Path], object], reason: str, two: Path, gitskill: Run
) -> None:
    amend(two, "gitskill/r0001/l0001a-one", lambda: spoil(two))
    before = state(two), branches(two)

    done = gitskill(two, "merge", "l0001a", "l0002a")

    assert (done.code, done.out) == (3, "")
    assert reason in done.err.splitlines()[0]
    assert not {"\x1b", "\u202e"} & set(done.err)
    assert (state(two), branches(two)) == before


def test_a_lesson_with_a_merge_in_it_is_refused(two: Path, gitskill: Run) -> None:
    git(two, "switch", "-q", "gitskill/r0001/l0001a-one")
    git(two, "merge", "-q", "--no-edit", "gitskill/r0001/l0002a-two")
    git(two, "switch", "-q", "main")

    done = gitskill(two, "merge", "l0001a", "l0002a")

    assert (done.code, done.out) == (3, "")
    assert "has 2 parents" in done.err
    assert "a lesson is a chain of commits with one parent each" in done.err


def test_a_lesson_whose_message_lost_its_trailers_is_refused_by_its_name(two: Path, gitskill: Run) -> None:
    amend(two, "gitskill/r0001/l0001a-one", lambda: None, message=("--amend", "-m", "Only a subject"))

    done = gitskill(two, "merge", "l0001a", "l0002a")

    assert (done.code, done.out) == (3, "")
    assert "l0001a" in done.err.splitlines()[0]
    assert "Lesson trailer" in done.err.splitlines()[0]


def test_hidden_text_that_a_person_put_into_a_lessons_message_is_refused(two: Path, gitskill: Run) -> None:
    message = "Gitskill-Run: r0001\nLesson: l0001a\nAnalyst: person"
    amend(
        two,
        "gitskill/r0001/l0001a-one",
        lambda: None,
        message=("--amend", "-m", f"\x1b]0;owned\x07\u202e\n\nwhy\n\n{message}"),
    )

    done = gitskill(two, "merge", "l0001a", "l0002a")

    assert (done.code, done.out) == (3, "")
    assert "hides U+001B" in done.err
    assert not {"\x1b", "\u202e"} & set(done.err)


def test_a_lesson_that_main_was_fast_forwarded_to_is_no_part_of_the_next_runs_lesson(
    two: Path, gitskill: Run, bullet: Bullet
) -> None:
    git(two, "merge", "-q", "--ff-only", "gitskill/r0001/l0001a-one")
    bullet("Writing", "three")
    bullet("Dates", "four")

    done = gitskill(two, "merge", "r0002/l0001a", "r0002/l0002a", "--json")

    assert done.code == 0, done.err
    assert parents(two, "gitskill/r0002/m1-01")[0] == git(two, "rev-parse", "main").strip()
    shown = gitskill(two, "show", "r0002/l0001a").out
    assert "- three" in shown
    assert "- one" not in shown


def test_git_can_take_back_one_lesson_of_a_merge(two: Path, gitskill: Run) -> None:
    gitskill(two, "merge", "l0001a", "l0002a")
    git(two, "merge", "-q", "--no-ff", "--no-edit", "gitskill/r0001/m1-01")

    git(two, "revert", "--no-edit", "gitskill/r0001/l0001a-one")

    assert (two / "SKILL.md").read_text() == SKILL + "\n- two\n"


def test_the_branch_of_a_skill_in_a_folder_leaves_the_rest_of_the_repository_alone(
    tmp_path: Path, gitskill: Run, teach: Teach
) -> None:
    skill = tmp_path / "repo" / "skills" / "sheets"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text(SKILL)
    (tmp_path / "repo" / "README.md").write_text("about")
    git(tmp_path / "repo", "init", "-q", "-b", "main")
    commit_all(tmp_path / "repo", "Base")
    teach(skill, replace(SAVE, "- Save to a copy."))

    gitskill(skill, "merge", "l0001a")

    assert git(skill, "diff", "--name-only", "main", "gitskill/r0001/m1-01") == "skills/sheets/SKILL.md\n"
