"""gitskill blame: the source of every line, as a person would find it by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import build
from conftest import SKILL, Done, commit_all, git, state
from gitskill.store.nodes import NodeStore

Run = Callable[..., Done]

FORMULAS = "- Keep formulas as formulas."
APART = "- Read values and formulas apart."
DATES = "Store dates as dates."


def teach(run: Run, folder: Path, given: Path, *edits: dict[str, str]) -> None:
    """Add a lesson of whole edits."""
    given.write_text(json.dumps([{"file": "SKILL.md", **edit} for edit in edits]))
    done = run(folder, "lesson", "add", "--title", "T", "--why", "w", "--edits", str(given))
    assert done.code == 0, done.err


def append(section: str, text: str) -> dict[str, str]:
    return {"op": "append_to_section", "target_section": section, "content": text}


def replace(old: str, new: str) -> dict[str, str]:
    return {"op": "replace_in_section", "old_text": old, "content": new}


def write(folder: Path, old: str, new: str, message: str) -> str:
    """Commit another text on the branch that is checked out."""
    text = (folder / "SKILL.md").read_text()
    assert old in text
    (folder / "SKILL.md").write_text(text.replace(old, new))
    return commit_all(folder, message)


def release(folder: Path, node: str, tag: str) -> None:
    git(folder, "merge", "-q", "--no-ff", "--no-edit", f"gitskill/{node}")
    git(folder, "tag", "-a", tag, "-m", tag)


def sources(run: Run, folder: Path, *more: str) -> dict[str, tuple[str, list[str], str]]:
    """Map each line that is not blank to its kind, its lessons and its commit's subject."""
    lines = json.loads(run(folder, "blame", "--json", *more).out)["lines"]
    subject = {line["commit"]: git(folder, "log", "-1", "--format=%s", line["commit"]).strip() for line in lines}
    return {
        line["text"]: (line["kind"], line["lessons"], subject[line["commit"]]) for line in lines if line["text"].strip()
    }


@pytest.fixture(params=["", "skills/sheets"], ids=["at-the-root", "in-a-folder"])
def grown(request: pytest.FixtureRequest, tmp_path: Path, gitskill: Run) -> Path:
    """Grow a skill over two rounds of lessons, with a person's commits and a person's merge between them."""
    skill = tmp_path / "repo" / str(request.param)
    skill.mkdir(parents=True)
    given = tmp_path / "given.json"
    git(tmp_path / "repo", "init", "-q", "-b", "main")
    (skill / "SKILL.md").write_text(SKILL)
    commit_all(skill, "Base")
    teach(gitskill, skill, given, append("Writing", "- One."))
    teach(gitskill, skill, given, append("Writing", "- Two."), replace(APART, "- Read values first."))
    teach(gitskill, skill, given, append("Dates", "Zones matter."))
    gitskill(skill, "merge", "l0001a", "l0002a", "l0003a")
    release(skill, "r0001/m1-01", "v1.1.0")

    write(skill, "- One.", "- One, by hand.", "By hand")
    git(skill, "switch", "-q", "-c", "topic")
    write(skill, "## Dates", "On a topic.\n\n## Dates", "On a topic")
    git(skill, "switch", "-q", "main")
    write(skill, "# Sheets\n", "# Sheets\n\nOn main.\n", "On main")
    git(skill, "merge", "-q", "--no-edit", "topic")

    teach(gitskill, skill, given, append("Writing", "- Three."))
    teach(gitskill, skill, given, replace("- Two.", "- Two, better."), append("Dates", "Zones matter more."))
    gitskill(skill, "merge", "r0002/l0001a", "r0002/l0002a")
    release(skill, "r0002/m1-01", "v1.2.0")
    return skill


def test_every_line_goes_to_whoever_wrote_it(grown: Path, gitskill: Run) -> None:
    base: tuple[str, list[str], str] = ("base", [], "Base")

    assert sources(gitskill, grown) == {
        "---": base,
        "name: sheets": base,
        "description: Edit spreadsheets. Use for xlsx files.": base,
        "# Sheets": base,
        "On main.": ("person", [], "On main"),
        "## Writing": base,
        "- Save to a new file.": base,
        FORMULAS: base,
        "- One, by hand.": ("person", [], "By hand"),
        "- Two, better.": ("lesson", ["r0002/l0002a"], "T"),
        "- Three.": ("lesson", ["r0002/l0001a"], "T"),
        "## Reading": base,
        "- Read values first.": ("lesson", ["r0001/l0002a"], "T"),
        "On a topic.": ("person", [], "On a topic"),
        "## Dates": base,
        DATES: base,
        "Zones matter.": ("lesson", ["r0001/l0003a"], "T"),
        "Zones matter more.": ("lesson", ["r0002/l0002a"], "T"),
    }


def test_git_blame_ends_at_the_same_commits(grown: Path, gitskill: Run) -> None:
    ours = json.loads(gitskill(grown, "blame", "--json").out)["lines"]
    theirs = [line.split()[0] for line in git(grown, "blame", "-s", "-l", "--root", "SKILL.md").splitlines()]

    assert [(line["text"], line["commit"]) for line in ours if line["text"].strip()] == [
        (line["text"], commit) for line, commit in zip(ours, theirs, strict=True) if line["text"].strip()
    ]


def test_the_lines_are_those_of_the_file_and_counted_from_one(grown: Path, gitskill: Run) -> None:
    lines = json.loads(gitskill(grown, "blame", "--json").out)["lines"]

    assert [line["text"] for line in lines] == (grown / "SKILL.md").read_text().splitlines()
    assert [line["line"] for line in lines] == list(range(1, len(lines) + 1))


def test_an_older_version_is_blamed_as_it_was(grown: Path, gitskill: Run) -> None:
    old = sources(gitskill, grown, "--rev", "v1.1.0")

    assert old["- One."] == ("lesson", ["r0001/l0001a"], "T")
    assert old["- Two."] == ("lesson", ["r0001/l0002a"], "T")
    assert APART not in old


def test_lessons_of_two_runs_with_one_number_can_be_told_apart(grown: Path, gitskill: Run) -> None:
    out = gitskill(grown, "blame").out

    rows = {line.split("  ")[-1]: line for line in out.splitlines()}
    assert "r0001/l0002a" in rows["- Read values first."]
    assert "r0002/l0002a" in rows["- Two, better."]


def test_blame_changes_nothing_and_says_the_same_twice(grown: Path, gitskill: Run) -> None:
    top = Path(git(grown, "rev-parse", "--show-toplevel").strip())
    before = state(top)

    assert gitskill(grown, "blame") == gitskill(grown, "blame", "./SKILL.md")
    assert state(top) == before


def test_text_shows_kind_source_number_and_line(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    teach(gitskill, folder, tmp_path / "given", append("Writing", "- One."))
    gitskill(folder, "merge", "l0001a")
    base = git(folder, "rev-parse", "--short=8", "main").strip()

    done = gitskill(folder, "blame", "--rev", "r0001/m1-01", "-L", "11,13")

    assert done == Done(
        0,
        f"base      {base}    11  {FORMULAS}\nl0001a    person      12  - One.\nbase      {base}    13\n",
        "",
    )


def test_json_has_the_documented_keys(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    teach(gitskill, folder, tmp_path / "given", append("Writing", "- One."))
    lesson = git(folder, "rev-parse", "gitskill/r0001/l0001a-t").strip()

    done = gitskill(folder, "blame", "SKILL.md", "--rev", "l0001a", "-L", "12", "--json")

    assert json.loads(done.out) == {
        "file": "SKILL.md",
        "lines": [
            {
                "line": 12,
                "text": "- One.",
                "commit": lesson,
                "kind": "lesson",
                "lessons": ["r0001/l0001a"],
                "traces": [],
                "support": 0,
                "of": None,
                "analysts": ["person"],
                "made": lesson[:8],
                "usd": None,
            }
        ],
    }
    assert (done.code, done.err) == (0, "")


def test_a_folded_line_names_every_lesson_that_taught_it(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    for _ in range(2):
        teach(gitskill, folder, tmp_path / "given", append("Writing", "- One."))
    gitskill(folder, "merge", "l0001a", "l0002a")

    line = sources(gitskill, folder, "--rev", "r0001/m1-01")["- One."]

    assert line[:2] == ("fold", ["r0001/l0001a", "r0001/l0002a"])


def test_the_lines_of_an_amended_lesson_belong_to_that_lesson(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    teach(gitskill, folder, tmp_path / "given", append("Writing", "- One."))
    git(folder, "switch", "-q", "gitskill/r0001/l0001a-t")
    write(folder, "- One.", "- One.\n- And why.", "More")
    git(folder, "switch", "-q", "main")
    gitskill(folder, "merge", "l0001a")
    release(folder, "r0001/m1-01", "v1.1.0")

    found = sources(gitskill, folder)

    assert found["- One."][:2] == ("lesson", ["r0001/l0001a"])
    assert found["- And why."][:2] == ("lesson", ["r0001/l0001a"])


def test_a_reverted_lesson_leaves_the_base_its_lines(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    teach(gitskill, folder, tmp_path / "given", replace(FORMULAS, "- Keep them."))
    gitskill(folder, "merge", "l0001a")
    release(folder, "r0001/m1-01", "v1.1.0")
    git(folder, "revert", "--no-edit", "gitskill/r0001/l0001a-t")

    assert "- Keep them." not in sources(gitskill, folder)


@pytest.mark.parametrize("trailer", ["Level: high", "Lesson: learned", "Lesson: l0001a"])
def test_a_commit_of_a_person_whose_trailers_only_look_like_ours_is_a_persons(
    trailer: str, folder: Path, gitskill: Run
) -> None:
    write(folder, DATES, f"{DATES}\nMine.", f"Mine\n\n{trailer}")

    done = gitskill(folder, "blame")

    assert (done.code, done.err) == (0, "")
    assert sources(gitskill, folder)["Mine."][1] == []


def test_a_file_that_was_renamed_keeps_its_sources(folder: Path, gitskill: Run) -> None:
    (folder / "references").mkdir()
    (folder / "references" / "a.md").write_text("one\ntwo\nthree\n")
    commit_all(folder, "Written")
    git(folder, "mv", "references/a.md", "references/b.md")
    (folder / "references" / "b.md").write_text("one\ntwo\nthree\nfour\n")
    commit_all(folder, "Renamed")

    found = sources(gitskill, folder, "references/b.md")

    assert [found[text][2] for text in ("one", "two", "three", "four")] == ["Written"] * 3 + ["Renamed"]


@pytest.mark.parametrize("file", ["nope.md", "references", "../SKILL.md", "/etc/passwd", ".git/config", "skill.md"])
def test_what_is_no_file_of_the_skill_is_refused_by_its_name(file: str, folder: Path, gitskill: Run) -> None:
    (folder / "references").mkdir()
    (folder / "references" / "x.md").write_text("x")
    head = commit_all(folder, "x")

    assert gitskill(folder, "blame", file) == Done(
        3, "", f"gitskill: {file} is not a file of the skill in {head[:10]}\n"
    )


def test_a_link_is_not_followed(folder: Path, gitskill: Run) -> None:
    (folder / "references").mkdir()
    (folder / "references" / "x.md").symlink_to("/etc/passwd")
    head = commit_all(folder, "x")

    done = gitskill(folder, "blame", "references/x.md")

    assert done == Done(3, "", f"gitskill: references/x.md is not a file of the skill in {head[:10]}\n")


@pytest.mark.parametrize(
    ("lines", "numbers"),
    [("1", [1]), ("19", [19]), ("3,5", [3, 4, 5]), ("18,99", [18, 19])],
    ids=["first", "last", "some", "past-the-end"],
)
def test_a_range_gives_just_its_lines(lines: str, numbers: list[int], folder: Path, gitskill: Run) -> None:
    found = json.loads(gitskill(folder, "blame", "-L", lines, "--json").out)["lines"]

    assert [line["line"] for line in found] == numbers


@pytest.mark.parametrize("lines", ["0", "0,3", "20", "20,21", "5,3", "99999999999"])
def test_a_range_outside_the_file_is_a_usage_error(lines: str, folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "blame", "-L", lines)

    assert (done.code, done.out) == (2, "")
    assert "Invalid value for -L: the file has lines 1 to 19" in done.err


@pytest.mark.parametrize("lines", ["", "x", "1,", ",5", "-1", "1-5", "1,2,3", "1.5"])
def test_what_is_no_range_is_a_usage_error(lines: str, folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "blame", f"-L{lines}" if lines else "-L", *([] if lines else [""]))

    assert (done.code, done.out) == (2, "")
    assert f"{lines!r} is not a range of lines such as 40,44" in done.err


@pytest.mark.parametrize("rev", ["nope", "", "HEAD~99", "HEAD:SKILL.md", "l0001", "--all"])
def test_an_unknown_version_is_refused_by_its_name(rev: str, folder: Path, gitskill: Run) -> None:
    assert gitskill(folder, "blame", f"--rev={rev}") == Done(
        3, "", f"gitskill: no commit is named {rev!r} in {folder}\n"
    )


def test_an_empty_file_has_no_lines_to_blame(folder: Path, gitskill: Run) -> None:
    (folder / "assets").mkdir()
    (folder / "assets" / "empty.txt").touch()
    commit_all(folder, "Empty")

    assert gitskill(folder, "blame", "assets/empty.txt") == Done(0, "", "")
    assert json.loads(gitskill(folder, "blame", "assets/empty.txt", "--json").out)["lines"] == []


def test_lines_with_escape_sequences_are_shown_as_text(folder: Path, gitskill: Run) -> None:
    write(folder, DATES, "\x1b[31m\u202eStore\x1b]0;owned\x07", "\x1b[31mx")

    assert "  \\u{1b}[31m\\u{202e}Store\\u{1b}]0;owned\\u{7}\n" in gitskill(folder, "blame").out
    assert not {"\x1b", "\u202e", "\x07"} & set(gitskill(folder, "blame", "--json").out)


def test_lines_of_a_windows_file_end_where_a_reader_sees_them_end(folder: Path, gitskill: Run) -> None:
    (folder / "SKILL.md").write_bytes(SKILL.replace("\n", "\r\n").encode())
    commit = commit_all(folder, "Windows")

    assert gitskill(folder, "blame", "-L", "10").out == f"base    {commit[:8]}    10  - Save to a new file.\n"


def test_a_binary_file_has_no_lines_to_show(folder: Path, gitskill: Run) -> None:
    (folder / "assets").mkdir()
    (folder / "assets" / "a.bin").write_bytes(b"\0\x01\n\xff")
    commit_all(folder, "Binary")

    done = gitskill(folder, "blame", "assets/a.bin")

    assert (done.code, done.out) == (3, "")
    assert "assets/a.bin" in done.err


def test_a_fresh_clone_without_our_refs_blames_every_line_alike(grown: Path, gitskill: Run, tmp_path: Path) -> None:
    top = Path(git(grown, "rev-parse", "--show-toplevel").strip())
    git(tmp_path, "clone", "-q", str(top), "clone")
    for ref in git(tmp_path / "clone", "for-each-ref", "--format=%(refname)", "refs/remotes/origin/gitskill").split():
        git(tmp_path / "clone", "update-ref", "-d", ref)
    there = tmp_path / "clone" / grown.relative_to(top)

    assert gitskill(there, "blame", "--json").out == gitskill(grown, "blame", "--json").out


def test_after_a_rollback_lines_lead_to_their_lessons_again(grown: Path, gitskill: Run) -> None:
    before = sources(gitskill, grown)
    git(grown, "checkout", "-q", "v1.1.0", "--", "SKILL.md")
    git(grown, "commit", "-qm", "Back")
    assert sources(gitskill, grown) == sources(gitskill, grown, "--rev", "v1.1.0")
    git(grown, "checkout", "-q", "HEAD^", "--", "SKILL.md")
    git(grown, "commit", "-qm", "And forward")
    assert sources(gitskill, grown) == before
    write(grown, "- Three.", "- Three, by hand.", "By hand again")
    assert sources(gitskill, grown) == {
        **{text: said for text, said in before.items() if text != "- Three."},
        "- Three, by hand.": ("person", [], "By hand again"),
    }


def test_what_two_releases_and_a_rollback_between_them_left_is_blamed_by_what_stands(
    grown: Path, gitskill: Run, tmp_path: Path
) -> None:
    git(grown, "checkout", "-q", "v1.1.0", "--", "SKILL.md")
    git(grown, "commit", "-qm", "Back")
    teach(gitskill, grown, tmp_path / "given.json", append("Writing", "- Three."))
    gitskill(grown, "merge", "r0003/l0001a")
    release(grown, "r0003/m1-01", "v1.3.0")

    found = sources(gitskill, grown)

    assert found["- Three."][1] == ["r0003/l0001a"]
    assert found["- One."][1] == ["r0001/l0001a"]
    assert "- Two, better." not in found


def test_support_is_out_of_the_traces_that_were_studied_and_analysts_are_named(nodes: NodeStore, gitskill: Run) -> None:
    live = build.teach(nodes, [SKILL.replace(DATES, f"{DATES}\nZones matter.")] * 2)
    fold = build.settle(nodes, "same SKILL.md", live, nodes.reader.read(live[0].commit))
    node = build.join(nodes, (1, 1), [fold])
    folder = Path(nodes.reader.repository.shown)

    done = gitskill(folder, "blame", "--rev", node.commit, "-L", "20")

    assert done.out == "l0001a l0002a  2/1  error    20  Zones matter.\n"


def test_a_line_that_many_taught_names_the_first_and_counts_the_others(nodes: NodeStore, gitskill: Run) -> None:
    live = build.teach(nodes, [SKILL.replace(DATES, f"{DATES}\nZones matter.")] * 5)
    fold = build.settle(nodes, "same SKILL.md", live, nodes.reader.read(live[0].commit))
    node = build.join(nodes, (1, 1), [fold])
    folder = Path(nodes.reader.repository.shown)

    assert gitskill(folder, "blame", "--rev", node.commit, "-L", "20").out.startswith("l0001a l0002a l0003a +2  5/")


def test_a_resolution_is_named_by_its_number(nodes: NodeStore, gitskill: Run) -> None:
    live = build.teach(nodes, [SKILL.replace(DATES, "Dates are a."), SKILL.replace(DATES, "Dates are b.")])
    skill = build.base_skill(nodes).with_file("SKILL.md", SKILL.replace(DATES, "Dates are dates.").encode())
    node = build.join(nodes, (1, 1), [build.settle(nodes, "overlap SKILL.md", live, skill)])
    folder = Path(nodes.reader.repository.shown)

    assert gitskill(folder, "blame", "--rev", node.commit, "-L", "19").out.startswith("res m1-01.1 l0001a l0002a  2/")


def test_what_a_person_committed_between_the_base_of_a_run_and_its_release_is_that_persons(
    folder: Path, bullet: Callable[[str, str], str], gitskill: Run
) -> None:
    bullet("Writing", "One.")
    gitskill(folder, "merge", "l0001a")
    write(folder, "Store dates as dates.", "Store dates as ISO dates.", "By hand")
    release(folder, "r0001/m1-01", "v1.1.0")

    found = sources(gitskill, folder)

    assert found["Store dates as ISO dates."] == ("person", [], "By hand")
    assert found["- Save to a new file."] == ("base", [], "Base")
    assert found["- One."][:2] == ("lesson", ["r0001/l0001a"])
