"""gitskill init: a new skill from a template, or the one that is there, under version control and tagged."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state

Run = Callable[..., Done]

NEXT = "  next     edit SKILL.md, then: git diff | gitskill lesson add --title TITLE --why WHY --diff -\n"


def files(folder: Path) -> list[str]:
    return git(folder, "ls-files").split()


def version(folder: Path, ref: str = "HEAD") -> str:
    return git(folder, "rev-parse", "--short=10", f"{ref}^{{commit}}").strip()


def test_a_new_skill_is_written_committed_and_tagged(tmp_path: Path, gitskill: Run) -> None:
    done = gitskill(tmp_path, "init", "my-sheets", "--description", "Edit sheets. Use for xlsx files.")

    place = tmp_path / "my-sheets"
    assert done == Done(0, f"started skill my-sheets in {place}\ncommitted {version(place)}\ntagged v1.0.0\n", NEXT)
    text = (place / "SKILL.md").read_text()
    head = '---\nname: my-sheets\ndescription: "Edit sheets. Use for xlsx files."\n---\n\n# My sheets\n'
    assert text.startswith(head)
    assert "$" not in text
    assert git(place, "status", "--short") == ""
    assert git(place, "symbolic-ref", "--short", "HEAD") == "main\n"
    assert git(place, "log", "--format=%s") == "Start skill my-sheets\n"
    assert git(place, "cat-file", "-t", "v1.0.0") == "tag\n"
    assert git(place, "for-each-ref", "--format=%(subject)", "refs/tags") == "Base of skill my-sheets\n"
    assert gitskill(place, "verify", "v1.0.0").out == "v1.0.0  unsigned  no signature\n"
    assert gitskill(place, "check").code == 0
    assert gitskill(place, "log").out == "v1.0.0  2023-11-14    Base of skill my-sheets\n"


def test_without_a_folder_the_skill_starts_here(tmp_path: Path, gitskill: Run) -> None:
    place = tmp_path / "Data_Tables 2"
    place.mkdir()

    done = gitskill(place, "init")

    assert done.out.startswith("started skill data-tables-2 in ")
    assert (place / "SKILL.md").read_text().startswith("---\nname: data-tables-2\n")


def test_a_second_run_changes_nothing(tmp_path: Path, gitskill: Run) -> None:
    gitskill(tmp_path, "init", "sheets")
    before = state(tmp_path / "sheets")

    done = gitskill(tmp_path, "init", "sheets", "--name", "other", "--description", "Other.")

    assert (done.code, done.out) == (0, f"took on skill sheets in {tmp_path / 'sheets'}\n")
    assert state(tmp_path / "sheets") == before


def test_a_skill_that_is_there_is_committed_as_it_is(tmp_path: Path, gitskill: Run) -> None:
    place = tmp_path / "mine"
    (place / "references").mkdir(parents=True)
    (place / "references" / "x.md").write_bytes(b"x\r\n")
    (place / "SKILL.md").write_text(SKILL + "\nSee references/x.md.\n")
    (place / ".gitignore").write_text("secret\n")
    (place / "secret").write_text("key")

    done = gitskill(tmp_path, "init", "mine")

    assert done.out == f"took on skill sheets in {place}\ncommitted {version(place)}\ntagged v1.0.0\n"
    assert files(place) == [".gitignore", "SKILL.md", "references/x.md"]
    assert git(place, "cat-file", "-s", "HEAD:references/x.md") == "3\n"
    assert (place / "SKILL.md").read_text() == SKILL + "\nSee references/x.md.\n"


def test_a_committed_skill_is_only_tagged(folder: Path, gitskill: Run) -> None:
    head = git(folder, "rev-parse", "HEAD")

    done = gitskill(folder, "init")

    assert done == Done(0, f"took on skill sheets in {folder}\ntagged v1.0.0\n", NEXT)
    assert git(folder, "rev-parse", "HEAD") == head
    assert git(folder, "rev-parse", "v1.0.0^{commit}") == head


def test_a_skill_with_versions_gets_no_other_tag(folder: Path, gitskill: Run) -> None:
    git(folder, "tag", "-a", "v0.3.0", "-m", "x")

    assert gitskill(folder, "init").out == f"took on skill sheets in {folder}\n"
    assert git(folder, "tag") == "v0.3.0\n"


def test_what_a_person_staged_or_left_unsaved_stays_just_that(folder: Path, gitskill: Run) -> None:
    (folder / "notes.txt").write_text("mine")
    git(folder, "add", "notes.txt")
    (folder / "SKILL.md").write_text(SKILL + "\nUnsaved.\n")

    done = gitskill(folder, "init", "skills/tables")

    assert done.code == 0
    assert git(folder, "status", "--short") == " M SKILL.md\nA  notes.txt\n"
    assert git(folder, "show", "--format=", "--name-only", "HEAD") == "skills/tables/SKILL.md\n"


def test_a_skill_in_a_folder_of_a_repository_is_tagged_with_its_name(folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "init", "skills/tables")

    place = folder / "skills" / "tables"
    assert done.out == f"started skill tables in {place}\ncommitted {version(folder)}\ntagged tables/v1.0.0\n"
    assert not (place / ".git").exists()
    assert gitskill(place, "log").out == "tables/v1.0.0  2023-11-14    Base of skill tables\n"


def test_undo_takes_back_the_tag_and_keeps_the_commit(tmp_path: Path, gitskill: Run) -> None:
    gitskill(tmp_path, "init", "sheets")
    commit = version(tmp_path / "sheets")

    assert gitskill(tmp_path / "sheets", "undo").out == f"undone: init v1.0.0, commit {commit}\n"
    assert git(tmp_path / "sheets", "tag") == ""
    assert git(tmp_path / "sheets", "log", "--format=%s") == "Start skill sheets\n"


@pytest.mark.parametrize(
    "text",
    ['a: "b" # c', "back\\slash", "two\nlines", "- list", "{curly", "$name ${title}", "'quoted'", "né 日本"],
)
def test_any_description_is_kept_as_text(text: str, tmp_path: Path, gitskill: Run) -> None:
    done = gitskill(tmp_path, "init", "sheets", f"--description={text}")

    assert done.code == 0
    checked = gitskill(tmp_path / "sheets", "check")
    assert (checked.code, checked.out) == (0, "ok\n")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["sheets", "--name", "Bad Name"], id="a-name-with-capitals"),
        pytest.param(["sheets", "--name", "x: y"], id="a-name-that-is-yaml"),
        pytest.param(["sheets", "--name", "\x1b[31m"], id="a-name-with-an-escape"),
        pytest.param(["sheets", "--name", "n" * 65], id="a-name-too-long"),
        pytest.param(["日本"], id="a-folder-without-a-latin-letter"),
        pytest.param(["n" * 65], id="a-folder-with-a-long-name"),
        pytest.param(["sheets", "--description", "d" * 1025], id="a-description-too-long"),
        pytest.param(["sheets", "--description", "hidden \u202e text"], id="a-description-with-hidden-text"),
    ],
)
def test_a_skill_that_would_not_pass_its_own_check_is_not_started(
    arguments: list[str], tmp_path: Path, gitskill: Run
) -> None:
    done = gitskill(tmp_path, "init", *arguments)

    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("gitskill: ")
    assert not {"\x1b", "\u202e"} & set(done.err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_way_is_named(place: str, tmp_path: Path, gitskill: Run) -> None:
    (tmp_path / "file").write_text("mine")

    done = gitskill(tmp_path, "init", place)

    assert (done.code, done.out) in {(2, ""), (3, "")}
    assert "file" in done.err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_name_too_long_for_the_file_system_is_refused(tmp_path: Path, gitskill: Run) -> None:
    done = gitskill(tmp_path, "init", "x" * 256)

    assert (done.code, done.out) in {(2, ""), (3, "")}


def test_a_dangling_link_in_place_of_the_skill_file_is_not_written_through(tmp_path: Path, gitskill: Run) -> None:
    place = tmp_path / "sheets"
    place.mkdir()
    (place / "SKILL.md").symlink_to(tmp_path / "elsewhere")

    done = gitskill(tmp_path, "init", "sheets")

    assert (done.code, done.out) == (3, "")
    assert "SKILL.md" in done.err.splitlines()[0]
    assert not (tmp_path / "elsewhere").exists()
    assert not (place / ".git").exists()


@pytest.mark.parametrize("text", ["no frontmatter", "---\nname: x\n---\n", "---\nname: [\n---\n", ""])
def test_a_skill_that_is_invalid_is_not_taken_on(text: str, tmp_path: Path, gitskill: Run) -> None:
    place = tmp_path / "sheets"
    place.mkdir()
    (place / "SKILL.md").write_text(text)

    done = gitskill(tmp_path, "init", "sheets")

    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"gitskill: {place / 'SKILL.md'}: ")
    assert f"see them all with: gitskill check {place}" in done.err
    assert [path.name for path in place.iterdir()] == ["SKILL.md"]


def test_on_a_detached_head_nothing_is_written(folder: Path, gitskill: Run) -> None:
    git(folder, "checkout", "-q", "--detach")
    before = state(folder)

    done = gitskill(folder, "init", "skills/tables")

    assert done == Done(
        4, "", "gitskill: HEAD is detached, so no branch would keep the commit\nhint: git switch main\n"
    )
    assert state(folder) == before


@pytest.mark.parametrize("name", ["a..b", "x.lock", "with space", "tilde~"])
def test_a_folder_whose_name_no_tag_can_have_is_refused_before_anything_is_written(
    name: str, folder: Path, gitskill: Run
) -> None:
    before = state(folder)

    done = gitskill(folder, "init", name)

    assert (done.code, done.out) == (3, "")
    assert name in done.err.splitlines()[0]
    assert state(folder) == before


def test_in_a_bare_repository_there_is_no_place_for_a_skill(folder: Path, tmp_path: Path, gitskill: Run) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(folder), "bare.git")
    before = sorted(path.name for path in (tmp_path / "bare.git").iterdir())

    done = gitskill(tmp_path / "bare.git", "init")

    assert (done.code, done.out) in {(3, ""), (5, "")}
    assert sorted(path.name for path in (tmp_path / "bare.git").iterdir()) == before


def test_without_an_identity_nothing_is_written(tmp_path: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_COMMITTER_EMAIL")

    done = gitskill(tmp_path, "init", "sheets")

    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("gitskill: git does not know who you are\nhint: ")
    assert list(tmp_path.iterdir()) == []


def test_a_password_file_beside_the_skill_is_not_committed(tmp_path: Path, gitskill: Run) -> None:
    place = tmp_path / "sheets"
    place.mkdir()
    (place / "SKILL.md").write_text(SKILL)
    (place / ".env").write_text("PASSWORD=1")

    gitskill(tmp_path, "init", "sheets")

    assert ".env" not in files(place)


def test_a_skill_is_taken_on_beside_other_files_of_its_repository(folder: Path, gitskill: Run) -> None:
    (folder / "main.py").write_text("x")
    (folder / "references").mkdir()
    (folder / "references" / "x.md").write_text("x")

    gitskill(folder, "init")

    assert git(folder, "status", "--short") == "?? main.py\n"
    assert commit_all(folder, "rest")
