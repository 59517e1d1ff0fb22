"""gitskill check: a verdict on skills on disk or in a commit, whatever they are made of."""

import json
import os
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from conftest import SKILL, WHO, Done, commit_all, git, state

Run = Callable[..., Done]

BROKEN = "See [x](references/x.md).\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a skill in a folder that is no repository."""
    made = tmp_path / "sheets"
    made.mkdir()
    (made / "SKILL.md").write_text(SKILL)
    return made


def tree(repository: pygit2.Repository, entries: Mapping[str, pygit2.Oid]) -> pygit2.Oid:
    """Write a tree of folders."""
    builder = repository.TreeBuilder()
    for name, oid in entries.items():
        builder.insert(name, oid, FileMode.TREE)
    return builder.write()


def commit_of(repository: pygit2.Repository, references: pygit2.Oid) -> None:
    """Commit the skill with another tree as its references, on the branch `hostile`."""
    builder = repository.TreeBuilder(repository.revparse_single("HEAD^{tree}").id)
    builder.insert("references", references, FileMode.TREE)
    who = pygit2.Signature(WHO.name, WHO.email, WHO.when, 0)
    head = repository.head.target
    repository.create_commit("refs/heads/hostile", who, who, "hostile", builder.write(), [head])


def test_a_good_skill_is_ok(folder: Path, gitskill: Run) -> None:
    before = state(folder)

    assert gitskill(folder, "check") == Done(0, "ok\n", "")
    assert gitskill(folder, "check", "--spec") == Done(0, "ok\n", "")
    assert state(folder) == before


def test_json_has_the_documented_keys(place: Path, gitskill: Run) -> None:
    assert gitskill(place, "check", "--json") == Done(0, '{\n  "verdict": "ok",\n  "findings": []\n}\n', "")

    (place / "SKILL.md").write_text("hello")

    done = gitskill(place, "check", "--json")
    message = "no frontmatter: the first line is not ---"
    assert (done.code, done.err) == (3, "")
    assert json.loads(done.out) == {
        "verdict": "invalid",
        "findings": [{"check": "format", "level": "invalid", "path": "SKILL.md", "line": 1, "message": message}],
    }


def test_findings_are_the_result_and_the_verdict_stands_beside_it(place: Path, gitskill: Run) -> None:
    (place / "SKILL.md").write_text(SKILL.replace("name: sheets", "name: Sheets!") + BROKEN)

    assert gitskill(place, "check") == Done(
        3,
        "warning  format  SKILL.md:2: the name 'Sheets!' is not that of the folder, 'sheets'\n"
        "invalid  format  SKILL.md:2: the name has capital letters\n"
        "invalid  format  SKILL.md:2: the name has other characters than letters, digits and hyphens\n"
        "warning  format  SKILL.md:20: links to 'references/x.md', which is not in the skill\n" + "invalid\n",
        "",
    )


def test_warnings_alone_leave_the_exit_code_at_zero(place: Path, gitskill: Run) -> None:
    (place / "SKILL.md").write_text(SKILL + BROKEN)

    done = gitskill(place, "check")

    assert (done.code, done.out.splitlines()[-1], done.err) == (0, "warnings", "")
    finding = "warning  format  SKILL.md:20: links to 'references/x.md', which is not in the skill\n"
    assert done.out == finding + "warnings\n"


def test_spec_gives_the_specifications_own_verdict(place: Path, gitskill: Run) -> None:
    (place / "SKILL.md").write_text(SKILL.replace("---\n\n", "color: red\n---\n\n", 1))

    assert gitskill(place, "check").code == 0
    assert gitskill(place, "check", "--spec") == Done(
        3, "invalid  specification  SKILL.md:4: the key 'color' is unknown\n" + "invalid\n", ""
    )


def test_several_skills_are_told_apart_by_their_paths(place: Path, gitskill: Run) -> None:
    (place.parent / "empty").mkdir()

    done = gitskill(place.parent, "check", "sheets", "empty", "sheets/SKILL.md")

    assert done == Done(3, "invalid  format  empty/SKILL.md: the skill has no SKILL.md\n" + "invalid\n", "")


@pytest.mark.parametrize("where", [".", "references", "references/deep"])
def test_the_skill_around_the_directory_is_found(where: str, place: Path, gitskill: Run) -> None:
    (place / "references" / "deep").mkdir(parents=True)

    assert gitskill(place / where, "check") == Done(0, "ok\n", "")


def test_a_repositorys_own_files_are_not_counted_to_the_size_of_a_skill_at_its_root(
    folder: Path, gitskill: Run
) -> None:
    (folder / "data").mkdir()
    with (folder / "data" / "table.bin").open("wb") as file:
        file.truncate(60_000_000)

    assert gitskill(folder, "check") == Done(0, "ok\n", "")


def test_a_repositorys_own_files_are_not_the_skills_at_its_root(folder: Path, gitskill: Run) -> None:
    (folder / "README.md").write_text("[broken](nowhere.md)\n")
    (folder / "src").mkdir()
    (folder / "src" / "odd name.py").write_text("x")

    assert gitskill(folder, "check") == Done(0, "ok\n", "")


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file or directory"), ("file", "Not a directory")])
def test_a_path_that_is_no_folder_is_refused_by_its_name(name: str, reason: str, tmp_path: Path, gitskill: Run) -> None:
    (tmp_path / "file").write_text("x")

    assert gitskill(tmp_path, "check", name) == Done(3, "", f"gitskill: {tmp_path / name} cannot be read: {reason}\n")


def test_without_a_skill_or_a_repository_it_says_so(tmp_path: Path, gitskill: Run) -> None:
    done = gitskill(tmp_path, "check")

    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"gitskill: {tmp_path} is not inside a git repository\nhint: ")


def missing(skill: Path) -> None:
    (skill / "SKILL.md").unlink()


def fifo(skill: Path) -> None:
    missing(skill)
    os.mkfifo(skill / "SKILL.md")


def dangling(skill: Path) -> None:
    missing(skill)
    (skill / "SKILL.md").symlink_to("nowhere")


def bomb(skill: Path) -> None:
    names = "abcdefghijklmnop"
    rows = [f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]\n" for old, new in pairwise(names)]
    (skill / "SKILL.md").write_text(f"---\na: &a [{', '.join(['x'] * 8)}]\n{''.join(rows)}---\n")


def latin(skill: Path) -> None:
    (skill / "SKILL.md").write_bytes("---\nname: sheets\ndescription: caf\xe9\n---\n".encode("latin-1"))


def binary(skill: Path) -> None:
    (skill / "SKILL.md").write_bytes(SKILL.encode() + b"\0\0")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (missing, "invalid  format  SKILL.md: the skill has no SKILL.md"),
        (fifo, "invalid  format  SKILL.md: the skill has no SKILL.md"),
        (dangling, "invalid  format  SKILL.md: the skill has no SKILL.md"),
        (bomb, "invalid  format  SKILL.md:2: the frontmatter has an anchor (&name)"),
        (latin, "invalid  format  SKILL.md: SKILL.md is not UTF-8 text"),
        (binary, "invalid  format  SKILL.md: SKILL.md is not UTF-8 text"),
    ],
)
def test_a_skill_file_that_no_host_could_load_is_invalid(
    spoil: Callable[[Path], None], message: str, place: Path, gitskill: Run
) -> None:
    spoil(place)

    done = gitskill(place.parent, "check", "sheets")

    assert (done.code, done.out.splitlines()[-1], done.err) == (3, "invalid", "")
    assert done.out.splitlines()[0] == message


def test_links_and_pipes_in_a_skill_are_named_and_not_followed(place: Path, gitskill: Run) -> None:
    (place / "references").mkdir()
    (place / "references" / "x.md").symlink_to("/etc/passwd")
    (place / "loop").symlink_to(".")
    os.mkfifo(place / "pipe")

    assert gitskill(place, "check") == Done(
        0,
        "warning  path  loop: 'loop' is a symlink: it is never followed or changed\n"
        "warning  path  pipe: 'pipe' is a special file: it is never followed or changed\n"
        "warning  path  references/x.md: 'references/x.md' is a symlink: it is never followed or changed\n"
        "warnings\n",
        "",
    )


def test_an_enormous_file_is_refused_in_one_line(place: Path, gitskill: Run) -> None:
    with (place / "SKILL.md").open("ab") as file:
        file.truncate(10**12)

    done = gitskill(place, "check")

    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert str(place) in done.err


def test_a_large_skill_is_named_where_the_limit_is_that_of_the_whole(place: Path, gitskill: Run) -> None:
    (place / "assets").mkdir()
    for number in range(6):
        (place / "assets" / f"{number}.bin").write_bytes(b"\0" * 1_000_000)

    out = gitskill(place, "check").out

    assert "warning  size  the skill has 6,000,227 bytes; the limit is 5,242,880\n" in out


def test_a_commit_can_be_checked_instead_of_the_files_on_disk(folder: Path, gitskill: Run) -> None:
    (folder / "SKILL.md").write_text("broken")

    assert gitskill(folder, "check", "--rev", "HEAD") == Done(0, "ok\n", "")
    assert gitskill(folder, "check").code == 3


def test_with_a_base_only_what_is_worse_is_found(folder: Path, gitskill: Run) -> None:
    (folder / "SKILL.md").write_text(SKILL + BROKEN)
    old = commit_all(folder, "Broken before")
    (folder / "SKILL.md").write_text(SKILL + BROKEN + BROKEN.replace("x.md", "y.md"))
    commit_all(folder, "Broken more")

    done = gitskill(folder, "check", "--rev", "HEAD", "--base", old)

    assert done == Done(
        3, "invalid  format  SKILL.md:21: links to 'references/y.md', which is not in the skill\n" + "invalid\n", ""
    )
    assert gitskill(folder, "check", "--rev", "HEAD", "--base", "HEAD") == Done(0, "ok\n", "")


def test_a_base_alone_is_held_against_the_files_on_disk(folder: Path, gitskill: Run) -> None:
    (folder / "SKILL.md").write_text(SKILL + BROKEN)

    done = gitskill(folder, "check", "--base", "HEAD")

    assert done == Done(
        3, "invalid  format  SKILL.md:20: links to 'references/x.md', which is not in the skill\n" + "invalid\n", ""
    )


def test_a_path_and_a_commit_together_are_a_usage_error(folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "check", "--rev", "HEAD", ".")

    assert (done.code, done.out) == (2, "")
    assert "give either PATH or --rev" in done.err


@pytest.mark.parametrize("option", ["--rev", "--base"])
def test_an_unknown_version_is_refused_by_its_name(option: str, folder: Path, gitskill: Run) -> None:
    assert gitskill(folder, "check", option, "nope") == Done(
        3, "", f"gitskill: no commit is named 'nope' in {folder}\n"
    )


def test_a_folder_that_is_named_and_is_not_there_is_not_replaced_by_another(folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "--skill", "skills/nope", "check")

    assert (done.code, done.out) == (3, "")
    assert "skills/nope" in done.err


def test_two_skills_must_be_told_apart(tmp_path: Path, gitskill: Run) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "SKILL.md").write_text(SKILL.replace("name: sheets", f"name: {name}"))
    git(tmp_path, "init", "-q", "-b", "main")
    commit_all(tmp_path, "Two")

    assert gitskill(tmp_path, "check") == Done(
        3, "", f"gitskill: {tmp_path} holds 2 skills\nhint: say which with --skill: a, b\n"
    )
    assert gitskill(tmp_path, "--skill", "b", "check") == Done(0, "ok\n", "")


def test_a_bare_repository_is_checked_by_what_is_committed(folder: Path, tmp_path: Path, gitskill: Run) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(folder), "bare.git")

    assert gitskill(tmp_path / "bare.git", "check", "--rev", "HEAD") == Done(0, "ok\n", "")
    assert "objects/" not in gitskill(tmp_path / "bare.git", "check").out


def test_a_folder_called_objects_does_not_make_a_repository_bare(folder: Path, gitskill: Run) -> None:
    (folder / "skills" / "sheets").mkdir(parents=True)
    git(folder, "mv", "SKILL.md", "skills/sheets/SKILL.md")
    commit_all(folder, "Move")
    (folder / "objects").mkdir()
    (folder / "skills" / "sheets" / "SKILL.md").write_text("broken on disk")

    assert gitskill(folder, "check").code == 3


def test_folders_deeper_than_any_skill_has_are_refused(folder: Path, gitskill: Run) -> None:
    repository = pygit2.Repository(str(folder))
    inside = repository.revparse_single("HEAD^{tree}").id
    for _ in range(1200):
        inside = tree(repository, {"a": inside})
    commit_of(repository, inside)

    done = gitskill(folder, "check", "--rev", "hostile")

    assert (done.code, done.out) == (3, "")


def test_a_tree_that_unfolds_without_end_is_refused_at_once(folder: Path, gitskill: Run) -> None:
    repository = pygit2.Repository(str(folder))
    inside = tree(repository, {})
    for _ in range(5):  # ten to the fifth folders and not one file
        inside = tree(repository, {str(name): inside for name in range(10)})
    commit_of(repository, inside)

    done = gitskill(folder, "check", "--rev", "hostile")

    assert (done.code, done.out) == (3, "")


def test_names_and_text_with_escape_sequences_are_shown_as_text(tmp_path: Path, gitskill: Run) -> None:
    place = tmp_path / "sh\x1b[31m\u202eeets"
    (place / "references").mkdir(parents=True)
    (place / "SKILL.md").write_text(SKILL.replace("sheets", '"\\e[31m"') + "[y](\x1b[1mz.md) \u2066\n")
    (place / "references" / "\x1b[31m\u202e.md").write_text("\x1b]0;owned\x07 [x](\u202e.md)\n")

    for arguments in ((), ("--json",), ("--spec",)):
        done = gitskill(tmp_path, "check", place.name, *arguments)
        assert done.code == 3
        assert not {"\x1b", "\u202e", "\u2066", "\x07"} & set(done.out + done.err)
    two = gitskill(tmp_path, "check", place.name, place.name).out
    assert "sh\\u{1b}[31m\\u{202e}eets/references/\\u{1b}[31m\\u{202e}.md" in two
    assert not {"\x1b", "\u202e"} & set(two)
