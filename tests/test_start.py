"""Taking a skill under gitskill: what is made, what is left alone, what is refused before anything is written."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from conftest import SKILL, Done, git
from gitskill.checks.whole import check_whole
from gitskill.disk import read_skill

Program = Callable[..., Done]

GITSKILL = str(Path(sys.executable).with_name("gitskill"))


def everything(place: Path) -> dict[str, bytes | str]:
    """Give all that lies below `place`, git's own folder included: bytes of files, targets of links, else the kind."""
    found: dict[str, bytes | str] = {}
    for path in sorted(place.rglob("*")):
        name = str(path.relative_to(place))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = "folder" if path.is_dir() else "special"
    return found


def repository(place: Path, *, commit: bool = True) -> Path:
    """Make a repository, with one commit that has a file of the user's."""
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    if commit:
        (place / "mine.txt").write_text("mine\n")
        git(place, "add", "mine.txt")
        git(place, "commit", "-qm", "Mine")
    return place


def refused(done: Done, code: int) -> None:
    """See that the program refused in one line and an optional hint, without a traceback."""
    assert (done.code, done.out) == (code, ""), done
    assert done.err.startswith("gitskill: ")
    assert len(done.err.splitlines()) <= 2


NEXT = "  next     edit SKILL.md, then: git diff | gitskill lesson add --title TITLE --why WHY --diff -\n"


def test_a_new_skill_in_a_new_folder_is_a_repository_with_a_tagged_base(tmp_path: Path, gitskill: Program) -> None:
    done = gitskill(tmp_path, "init", "sheets", "--description", "Edit spreadsheets. Use for xlsx files.")

    place = tmp_path / "sheets"
    commit = git(place, "rev-parse", "main").strip()
    assert done == Done(0, f"started skill sheets in {place}\ncommitted {commit[:10]}\ntagged v1.0.0\n", NEXT)
    assert git(place, "log", "--format=%s|%an <%ae>|%ct") == "Start skill sheets|Ada <ada@example.com>|1700000000\n"
    assert (
        git(place, "tag", "-n1", "--format=%(refname:short) %(objecttype) %(subject)")
        == "v1.0.0 tag Base of skill sheets\n"
    )
    assert git(place, "ls-tree", "-r", "--name-only", "main") == "SKILL.md\n"
    assert git(place, "status", "--porcelain") == ""
    assert git(place, "fsck", "--strict") == ""
    assert (
        (place / "SKILL.md")
        .read_text()
        .startswith('---\nname: sheets\ndescription: "Edit spreadsheets. Use for xlsx files."\n---\n\n# Sheets\n')
    )
    assert list(check_whole(read_skill(place), "sheets")) == []


def test_a_new_skill_in_an_existing_repository_is_committed_on_its_branch(tmp_path: Path, gitskill: Program) -> None:
    place = repository(tmp_path / "repo")

    done = gitskill(place, "init", "skills/sheets")

    assert done.out.splitlines()[-1] == "tagged sheets/v1.0.0"
    assert git(place, "log", "--format=%s", "--name-only", "--first-parent") == (
        "Start skill sheets\n\nskills/sheets/SKILL.md\nMine\n\nmine.txt\n"
    )
    assert git(place, "status", "--porcelain") == ""


def test_what_the_user_staged_and_edited_stays_as_it_was(tmp_path: Path, gitskill: Program) -> None:
    place = repository(tmp_path / "repo")
    (place / "gone.txt").write_text("gone\n")
    git(place, "add", "gone.txt")
    git(place, "commit", "-qm", "Gone")
    (place / "mine.txt").write_text("staged\n")
    (place / "new.txt").write_text("new\n")
    git(place, "add", "mine.txt", "new.txt")
    (place / "mine.txt").write_text("edited\n")
    git(place, "rm", "-q", "--cached", "gone.txt")
    (place / "later.txt").write_text("later\n")
    git(place, "add", "-N", "later.txt")
    (place / "loose.txt").write_text("loose\n")
    git(place, "update-index", "--chmod=+x", "new.txt")
    before = git(place, "status", "--porcelain=v2"), git(place, "ls-files", "--stage"), git(place, "diff", "--cached")
    files = everything(place)

    assert gitskill(place, "init", "sheets").code == 0

    staged = git(place, "ls-files", "--stage", ":!sheets")
    assert (git(place, "status", "--porcelain=v2"), staged, git(place, "diff", "--cached")) == before
    assert git(place, "show", "--format=%s", "--name-only", "HEAD") == "Start skill sheets\n\nsheets/SKILL.md\n"
    after = {name: data for name, data in everything(place).items() if not name.startswith((".git", "sheets"))}
    assert after == {name: data for name, data in files.items() if not name.startswith(".git")}


def test_an_untracked_folder_is_taken_on_as_it_is(tmp_path: Path, gitskill: Program) -> None:
    place = repository(tmp_path / "repo")
    home = place / "sheets"
    (home / "scripts").mkdir(parents=True)
    (home / "SKILL.md").write_text(SKILL)
    (home / "scripts/run.sh").write_text("#!/bin/sh\n")
    (home / "scripts/run.sh").chmod(0o755)
    (place / "other.txt").write_text("other\n")

    done = gitskill(place, "init", "sheets")

    assert done.out.splitlines()[0] == f"took on skill sheets in {place}/sheets"
    assert git(place, "show", "--format=%s", "--raw", "--abbrev=1", "HEAD").split("\n\n")[0] == "Take on skill sheets"
    assert git(place, "ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD") == (
        "100644 mine.txt\n100644 sheets/SKILL.md\n100755 sheets/scripts/run.sh\n"
    )
    assert git(place, "status", "--porcelain") == "?? other.txt\n"
    assert (home / "SKILL.md").read_text() == SKILL


def test_a_committed_skill_gets_only_a_tag(folder: Path, gitskill: Program) -> None:
    before = everything(folder)
    head = git(folder, "rev-parse", "HEAD")

    done = gitskill(folder, "init")

    assert done == Done(0, f"took on skill sheets in {folder}\ntagged v1.0.0\n", NEXT)
    assert git(folder, "rev-parse", "HEAD", "v1.0.0^{commit}") == head * 2
    after = everything(folder)
    kept = (".git/objects", ".git/refs", ".git/logs")
    assert {k: v for k, v in after.items() if not k.startswith(kept)} == {
        k: v for k, v in before.items() if not k.startswith(kept)
    }


def test_unsaved_edits_of_a_committed_skill_are_not_committed(folder: Path, gitskill: Program) -> None:
    (folder / "SKILL.md").write_text(SKILL + "\nUnsaved.\n")

    assert gitskill(folder, "init").code == 0

    assert git(folder, "status", "--porcelain") == " M SKILL.md\n"
    assert git(folder, "log", "--format=%s") == "Base\n"


def test_a_second_time_changes_nothing(tmp_path: Path, gitskill: Program) -> None:
    gitskill(tmp_path, "init", "sheets")
    before = everything(tmp_path)

    done = gitskill(tmp_path, "init", "sheets")

    assert done == Done(0, f"took on skill sheets in {tmp_path}/sheets\n", NEXT)
    assert everything(tmp_path) == before


def test_version_tags_that_are_there_are_kept_and_no_other_is_made(folder: Path, gitskill: Program) -> None:
    git(folder, "tag", "v0.3.0")
    before = git(folder, "for-each-ref")

    assert gitskill(folder, "init").code == 0
    assert git(folder, "for-each-ref") == before


def test_ignored_files_stay_out(tmp_path: Path, gitskill: Program) -> None:
    place = repository(tmp_path / "repo")
    (place / ".gitignore").write_text("*.pyc\n")
    (place / "sheets/scripts").mkdir(parents=True)
    (place / "sheets/SKILL.md").write_text(SKILL)
    for name in ("a.py", "a.pyc"):
        (place / "sheets/scripts" / name).write_text("x\n")

    assert gitskill(place, "init", "sheets").code == 0

    assert git(place, "show", "--format=", "--name-only", "HEAD") == "sheets/SKILL.md\nsheets/scripts/a.py\n"


@pytest.mark.parametrize(
    "text", ["no frontmatter\n", "---\nname: sheets\n---\n", "---\nname: [\ndescription: d\n---\n", "", "\0", "\x1b"]
)
def test_a_skill_that_is_not_valid_is_refused_and_nothing_is_written(
    text: str, tmp_path: Path, gitskill: Program
) -> None:
    home = tmp_path / "sheets"
    home.mkdir()
    (home / "SKILL.md").write_text(text)
    before = everything(tmp_path)

    refused(gitskill(tmp_path, "init", "sheets"), 3)

    assert everything(tmp_path) == before


def odd(kind: str, home: Path) -> None:
    """Put something that is no plain file in the place of SKILL.md."""
    place = home / "SKILL.md"
    match kind:
        case "link":
            (home / "other.md").write_text(SKILL)
            place.symlink_to("other.md")
        case "dangling link":
            place.symlink_to("nowhere")
        case "folder":
            place.mkdir()
        case _:
            os.mkfifo(place)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_stands_in_the_place_of_the_file_is_never_followed_or_overwritten(
    kind: str, tmp_path: Path, gitskill: Program
) -> None:
    home = tmp_path / "sheets"
    home.mkdir()
    odd(kind, home)
    before = everything(tmp_path)

    refused(gitskill(tmp_path, "init", "sheets"), 3)

    assert everything(tmp_path) == before


def front(place: Path) -> dict[str, object]:
    """Read the frontmatter of a skill's file."""
    return dict(yaml.safe_load((place / "SKILL.md").read_text().split("\n---\n")[0]))


@pytest.mark.parametrize(
    "text",
    [
        'it\'s "quoted"',
        "back\\slash \\n \\",
        "$HOME ${name} $$ $1 $",
        "a: b # c",
        "- [x] {y} *z &a !b %c @d `e`",
        "'single'",
        "yes",
        "naïve 技能 🎉",
        "---",
    ],
)
def test_a_description_is_kept_to_the_letter(text: str, tmp_path: Path, gitskill: Program) -> None:
    done = gitskill(tmp_path, "init", "sheets", "--description", text)

    assert done.code == 0, done.err
    assert front(tmp_path / "sheets") == {"name": "sheets", "description": text}


def test_line_breaks_in_a_description_become_spaces(tmp_path: Path, gitskill: Program) -> None:
    gitskill(tmp_path, "init", "sheets", "--description", "one\ntwo\r\n\tthree")

    assert front(tmp_path / "sheets")["description"] == "one two three"


def test_a_name_comes_from_the_folder_in_the_form_that_names_have(tmp_path: Path, gitskill: Program) -> None:
    done = gitskill(tmp_path, "init", "My Sheets_2")

    assert done.out.splitlines()[0] == f"started skill my-sheets-2 in {tmp_path}/My Sheets_2"
    assert front(tmp_path / "My Sheets_2")["name"] == "my-sheets-2"


def without_identity(place: Path, home: Path, *args: str) -> Done:
    """Run the program as a process of its own for a user who has not told git a name."""
    hidden = ("GIT_", "XDG_", "EMAIL")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    env |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run([GITSKILL, "-C", str(place), *args], capture_output=True, text=True, env=env, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("inside", [True, False], ids=["in a repository", "alone"])
def test_nothing_is_written_before_it_is_known_who_asks(inside: bool, tmp_path: Path) -> None:
    place = repository(tmp_path / "repo") if inside else tmp_path
    before = everything(tmp_path)

    done = without_identity(place, tmp_path / "nobody", "init", "sheets")

    assert done == Done(
        3,
        "",
        'gitskill: git does not know who you are\nhint: git config --global user.name "Your Name", and user.email\n',
    )
    assert everything(tmp_path) == before


def test_a_users_own_name_and_address_are_found(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Bob\n\temail = bob@example.com\n")

    assert without_identity(tmp_path, home, "init", "sheets").code == 0
    assert git(tmp_path / "sheets", "log", "--format=%an <%ae>") == "Bob <bob@example.com>\n"


def test_the_repositorys_own_name_and_address_win(tmp_path: Path) -> None:
    home, place = tmp_path / "home", repository(tmp_path / "repo")
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Bob\n\temail = bob@example.com\n")
    git(place, "config", "user.name", "Eve")

    assert without_identity(place, home, "init").code == 0
    assert git(place, "log", "-1", "--format=%an <%ae>") == "Eve <bob@example.com>\n"


def powerless(*command: str) -> list[str]:
    """Give a command that obeys file permissions, as the superuser too."""
    if os.geteuid():
        return list(command)
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", *command]


# What follows shows defects.


@pytest.mark.parametrize("target", ["shut", "shut/sheets", "file/sheets"])
def test_a_folder_that_cannot_be_written_is_refused_in_one_line(target: str, tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o555)
    (tmp_path / "file").write_text("x")
    before = everything(tmp_path)

    command = powerless(GITSKILL, "-C", str(tmp_path), "init", target)
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    refused(Done(done.returncode, done.stdout, done.stderr), 3)
    assert everything(tmp_path) == before


def test_a_link_to_nothing_is_never_followed_or_overwritten(tmp_path: Path, gitskill: Program) -> None:
    home = tmp_path / "sheets"
    home.mkdir()
    odd("dangling link", home)
    before = everything(tmp_path)

    refused(gitskill(tmp_path, "init", "sheets"), 3)

    assert everything(tmp_path) == before


@pytest.mark.parametrize("folder_name", ["sheets", "."])
def test_a_detached_head_is_refused_before_anything_is_written(
    folder_name: str, tmp_path: Path, gitskill: Program
) -> None:
    place = repository(tmp_path / "repo")
    git(place, "checkout", "-q", "--detach")
    before = everything(place)

    refused(gitskill(place, "init", folder_name), 4)

    assert everything(place) == before


@pytest.mark.parametrize("folder_name", ["sheets", "."])
def test_a_bare_repository_is_refused_before_anything_is_written(
    folder_name: str, tmp_path: Path, gitskill: Program
) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    before = everything(tmp_path)

    done = gitskill(tmp_path / "bare.git", "init", folder_name)

    assert done.code in (3, 5)
    refused(done, done.code)
    assert everything(tmp_path) == before


def test_gits_own_folder_is_refused_before_anything_is_written(tmp_path: Path, gitskill: Program) -> None:
    place = repository(tmp_path / "repo")
    before = everything(place)

    done = gitskill(place, "init", ".git/sheets")

    assert done.code in (3, 5)
    refused(done, done.code)
    assert everything(place) == before


@pytest.mark.parametrize("folder_name", ["sheets", "."])
@pytest.mark.parametrize("kind", ["sha256", "reftable"])
def test_a_repository_that_libgit2_cannot_read_is_refused_before_anything_is_written(
    kind: str, folder_name: str, tmp_path: Path, gitskill: Program
) -> None:
    place = tmp_path / "repo"
    git(tmp_path, "init", "-q", f"--object-format={'sha256' if kind == 'sha256' else 'sha1'}", str(place))
    if kind == "reftable":
        git(place, "config", "core.repositoryformatversion", "1")
        git(place, "config", "extensions.refstorage", "reftable")
    before = everything(place)

    refused(gitskill(place, "init", folder_name), 5)

    assert everything(place) == before


def test_a_locked_index_leaves_branch_index_and_folder_as_they_were(tmp_path: Path, gitskill: Program) -> None:
    place = repository(tmp_path / "repo")
    (place / ".git/index.lock").touch()
    refs = git(place, "for-each-ref")
    index = (place / ".git/index").read_bytes()

    refused(gitskill(place, "init", "sheets"), 5)

    assert git(place, "for-each-ref") == refs
    assert (place / ".git/index").read_bytes() == index


@pytest.mark.parametrize("kind", ["split", "sparse"])
def test_an_index_that_libgit2_cannot_read_is_refused_before_anything_is_written(
    kind: str, tmp_path: Path, gitskill: Program
) -> None:
    place = repository(tmp_path / "repo")
    (place / "far").mkdir()
    (place / "far/away.txt").write_text("x")
    git(place, "add", "far")
    git(place, "commit", "-qm", "Far")
    if kind == "split":
        git(place, "update-index", "--split-index")
    else:
        git(place, "sparse-checkout", "set", "--cone", "--sparse-index")
    before = everything(place)

    refused(gitskill(place, "init", "sheets"), 5)

    assert everything(place) == before


@pytest.mark.parametrize("name", ["Two Words", "a: b", "x\nevil: 1", "-x", "x" * 65, "$name", "a--b", "'x'"])
def test_a_name_that_no_skill_may_have_is_refused_and_nothing_is_written(
    name: str, tmp_path: Path, gitskill: Program
) -> None:
    refused(gitskill(tmp_path, "init", "sheets", f"--name={name}"), 3)

    assert everything(tmp_path) == {}


def test_a_description_that_is_too_long_is_refused_and_nothing_is_written(tmp_path: Path, gitskill: Program) -> None:
    refused(gitskill(tmp_path, "init", "sheets", "--description", "x" * 1025), 3)

    assert everything(tmp_path) == {}


@pytest.mark.parametrize("text", ["\x1b[31m", "a\x00b", "x\u202ey", "\x85", "\u2028"])
def test_a_description_never_makes_a_file_that_our_own_check_refuses(
    text: str, tmp_path: Path, gitskill: Program
) -> None:
    done = gitskill(tmp_path, "init", "sheets", "--description", f"Edit {text} sheets.")

    if done.code == 0:
        assert gitskill(tmp_path / "sheets", "check").code == 0
    else:
        refused(done, 3)
        assert everything(tmp_path) == {}


def test_a_folder_whose_name_has_no_letter_is_refused_and_nothing_is_written(tmp_path: Path, gitskill: Program) -> None:
    refused(gitskill(tmp_path, "init", "技能"), 3)

    assert everything(tmp_path) == {}


@pytest.mark.parametrize("name", ["two words", "a..b", "x.lock", "new\nline"])
def test_a_folder_that_no_tag_can_be_named_after_is_refused_before_anything_is_written(
    name: str, tmp_path: Path, gitskill: Program
) -> None:
    place = repository(tmp_path / "repo")
    before = everything(place)

    done = gitskill(place, "init", name)

    if done.code == 0:
        assert len(git(place, "tag").splitlines()) == 1
    else:
        refused(done, done.code)
        assert everything(place) == before


def test_a_new_folder_knows_the_name_that_its_repository_gives(tmp_path: Path) -> None:
    place = repository(tmp_path / "repo")
    git(place, "config", "user.name", "Eve")
    git(place, "config", "user.email", "eve@example.com")

    assert without_identity(place, tmp_path / "nobody", "init", "sheets").code == 0
    assert git(place, "log", "-1", "--format=%an <%ae>") == "Eve <eve@example.com>\n"


def test_all_of_a_users_own_configuration_files_count(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/config").write_text("[user]\n\tname = Bob\n\temail = bob@example.com\n")
    (home / ".gitconfig").write_text("[color]\n\tui = never\n")

    assert without_identity(tmp_path, home, "init", "sheets").code == 0
    assert git(tmp_path / "sheets", "log", "--format=%an <%ae>") == "Bob <bob@example.com>\n"


def test_a_skill_file_that_the_repository_ignores_is_said_to_be_ignored(tmp_path: Path, gitskill: Program) -> None:
    place = repository(tmp_path / "repo")
    (place / ".gitignore").write_text("sheets\n")
    refs = git(place, "for-each-ref")

    refused(gitskill(place, "init", "sheets"), 3)

    assert git(place, "for-each-ref") == refs


@pytest.mark.parametrize("edited", [False, True], ids=["staged", "staged and edited"])
@pytest.mark.parametrize("commit", [False, True], ids=["before the first commit", "later"])
def test_a_skill_that_is_staged_is_taken_on(commit: bool, edited: bool, tmp_path: Path, gitskill: Program) -> None:
    place = repository(tmp_path / "repo", commit=commit)
    (place / "sheets").mkdir()
    (place / "sheets/SKILL.md").write_text(SKILL)
    git(place, "add", "sheets")
    if edited:
        (place / "sheets/SKILL.md").write_text(SKILL + "\nMore.\n")

    done = gitskill(place, "init", "sheets")

    assert done.code == 0, done.err
    assert git(place, "ls-tree", "-r", "--name-only", "sheets/v1.0.0", "sheets") == "sheets/SKILL.md\n"


def test_two_skills_whose_folders_have_one_name_each_get_a_version(tmp_path: Path, gitskill: Program) -> None:
    place = repository(tmp_path / "repo")
    gitskill(place, "init", "a/sheets")
    refs = git(place, "for-each-ref")

    done = gitskill(place, "init", "b/sheets")

    if done.code == 0:
        assert len(git(place, "tag").splitlines()) == 2
    else:
        refused(done, done.code)
        assert git(place, "for-each-ref") == refs


def test_a_version_in_the_history_of_another_branch_is_no_reason_to_lose_the_commit(
    tmp_path: Path, gitskill: Program
) -> None:
    place = repository(tmp_path / "repo")
    git(place, "tag", "-a", "sheets/v1.0.0", "-m", "Of a skill that is no more")

    done = gitskill(place, "init", "sheets")

    assert done.code == 0
    assert "sheets/v1.0.0" not in done.out
