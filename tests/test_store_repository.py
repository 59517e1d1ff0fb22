"""The shapes of repositories: those we work in, and those we refuse with one clear line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import SKILL, WHO, Done, commit_all, git
from gitskill.ids import RunId
from gitskill.propose import Proposal, base_of, propose
from gitskill.store import archive
from gitskill.store.repository import Repository
from gitskill.store.runs import recorded
from gitskill.store.skills import SkillReader

Program = Callable[..., Done]

DAY = 86_400
OTHER_USER = 65_534
GITSKILL = str(Path(sys.executable).with_name("gitskill"))


def skill_in(place: Path, folder: str = "") -> Path:
    """Put the sample skill into a folder of a work tree."""
    home = place / folder
    home.mkdir(parents=True, exist_ok=True)
    (home / "SKILL.md").write_text(SKILL)
    return home


def new_repository(place: Path, folder: str = "") -> Path:
    """Make a repository that holds the sample skill, committed and tagged."""
    place.mkdir(parents=True)
    git(place, "init", "-q", "-b", "main")
    skill_in(place, folder)
    commit_all(place, "Base")
    tag = f"{Path(folder).name}/v1.0.0" if folder else "v1.0.0"
    git(place, "tag", "-a", tag, "-m", "Base")
    return place


def untouched(place: Path) -> tuple[str, str, bytes, dict[str, bytes]]:
    """Give all that must not change: HEAD, people's refs, the index's bytes, the work tree's bytes."""
    head = git(place, "symbolic-ref", "-q", "HEAD", ok=False) + git(place, "rev-parse", "HEAD", ok=False)
    refs = git(place, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    people = [line for line in refs if "/gitskill/" not in line]
    bare = git(place, "rev-parse", "--is-bare-repository", ok=False).strip() == "true"
    index = Path(git(place, "rev-parse", "--path-format=absolute", "--git-path", "index", ok=False).removesuffix("\n"))
    return head, "\n".join(people), index.read_bytes() if index.is_file() else b"", {} if bare else tree_of(place)


def tree_of(place: Path) -> dict[str, bytes]:
    """Give the bytes of every file below `place` but those of git's own folder."""
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(place).parts
    }


def everything(place: Path) -> dict[str, bytes]:
    """Give the bytes of every file below `place`, git's own folder included."""
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def edits(tmp_path: Path, section: str, text: str) -> str:
    """Write an edit that adds a bullet to a section, and give its file."""
    file = tmp_path / "edits.json"
    edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": section, "content": f"- {text}"}
    file.write_text(json.dumps([edit]))
    return str(file)


@pytest.fixture
def exercise(gitskill: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run every command once and see that each does its work and that the checkout stays as it is."""

    def call(place: Path, *options: str, run: str = "r0001", versions: Sequence[str] = ("v1.0.0",)) -> None:
        def ok(*args: str) -> str:
            done = gitskill(place, *options, *args)
            assert done.code == 0, (args, done.err)
            return done.out

        before = untouched(place)
        for title, section in (("Read twice", "Reading"), ("Write once", "Writing")):
            ok("lesson", "add", "--title", title, "--why", "seen", "--edits", edits(tmp_path, section, title))
        assert ok("merge", f"{run}/l0001a", f"{run}/l0002a") == f"{run}/m1-01  2 lessons in one merge of 3 parents\n"
        shown = ok("show", f"{run}/l0001a").splitlines()
        assert shown[0] == f"{run}/l0001a  Read twice  (merged in {run}/m1-01)"
        assert "+ - Read twice" in shown
        blamed = json.loads(ok("blame", "--rev", f"{run}/m1-01", "--json"))["lines"]
        taught = {line["text"]: line["lessons"] for line in blamed if line["lessons"]}
        assert taught == {"- Read twice": [f"{run}/l0001a"], "- Write once": [f"{run}/l0002a"]}
        assert "\n+2 -0 lines; " in ok("diff", "HEAD", f"{run}/m1-01")
        assert [version["version"] for version in json.loads(ok("log", "--json"))] == list(versions)
        assert ok("undo") == f"undone: merge 2 lessons of {run} into m1-01\n"
        assert branches(place, run) == [f"{run}/l0001a-read-twice", f"{run}/l0002a-write-once"]
        assert ok("undo", ok("undo", "--list").split()[0]) == f"undone: undo merge 2 lessons of {run} into m1-01\n"
        assert branches(place, run) == [f"{run}/l0001a-read-twice", f"{run}/l0002a-write-once", f"{run}/m1-01"]
        repository = Repository.open(place)
        archive.put_away(repository, RunId.parse(run), WHO)
        with monkeypatch.context() as later:
            later.setenv("SOURCE_DATE_EPOCH", str(WHO.when + 91 * DAY))
            assert len(ok("prune").splitlines()) == 3
        assert git(place, "for-each-ref", "refs/gitskill/archive") == ""
        assert ok("undo") == "undone: prune\n"
        assert len(git(place, "for-each-ref", f"refs/gitskill/archive/{run}").splitlines()) == 3
        assert untouched(place) == before
        assert git(place, "fsck", "--strict", "--no-dangling") == ""

    return call


def branches(place: Path, run: str) -> list[str]:
    """List the branches of a run without their prefix."""
    found = git(place, "for-each-ref", "--format=%(refname)", f"refs/heads/gitskill/{run}").splitlines()
    return [name.removeprefix("refs/heads/gitskill/") for name in found]


def test_every_command_works_in_a_plain_repository(tmp_path: Path, exercise: Callable[..., None]) -> None:
    exercise(new_repository(tmp_path / "plain"))


def test_every_command_works_in_a_bare_repository(tmp_path: Path, exercise: Callable[..., None]) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(new_repository(tmp_path / "plain")), "bare.git")
    exercise(tmp_path / "bare.git")


def test_every_command_works_in_a_linked_worktree(tmp_path: Path, exercise: Callable[..., None]) -> None:
    main = new_repository(tmp_path / "main")
    git(main, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    before = untouched(main)
    exercise(tmp_path / "side")
    assert untouched(main) == before


def test_every_command_works_in_a_linked_worktree_of_a_bare_repository(
    tmp_path: Path, exercise: Callable[..., None]
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(new_repository(tmp_path / "plain")), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    exercise(tmp_path / "side")


def monorepo(place: Path) -> Path:
    """Make a repository with two skills and a program."""
    new_repository(place, "skills/sheets")
    skill_in(place, "skills/mail")
    (place / "main.py").write_text("print()\n")
    commit_all(place, "Second skill")
    return place


def test_every_command_works_on_one_of_two_skills(tmp_path: Path, exercise: Callable[..., None]) -> None:
    exercise(monorepo(tmp_path / "mono"), "--skill", "skills/sheets")


def test_two_skills_ask_which_one_is_meant(tmp_path: Path, gitskill: Program) -> None:
    place = monorepo(tmp_path / "mono")

    assert gitskill(place, "log") == Done(
        3,
        "",
        f"gitskill: {place} holds 2 skills\nhint: say which with --skill: skills/mail, skills/sheets\n",
    )


@pytest.mark.parametrize("inside", ["skills/sheets", "skills/sheets/references"])
def test_a_folder_inside_a_skill_says_which_one_is_meant(inside: str, tmp_path: Path, gitskill: Program) -> None:
    place = monorepo(tmp_path / "mono")
    (place / inside).mkdir(exist_ok=True)

    assert [version["tag"] for version in json.loads(gitskill(place / inside, "log", "--json").out)] == [
        "sheets/v1.0.0"
    ]


def test_a_skills_file_names_its_skill(tmp_path: Path, gitskill: Program) -> None:
    place = monorepo(tmp_path / "mono")

    assert gitskill(place, "--skill", "skills/sheets/SKILL.md", "log").out.startswith("sheets/v1.0.0 ")


def test_a_lesson_of_one_skill_leaves_all_else_in_the_tree_alone(tmp_path: Path, gitskill: Program) -> None:
    place = monorepo(tmp_path / "mono")

    gitskill(
        place / "skills/mail", "lesson", "add", "--title", "T", "--why", "w", "--edits", edits(tmp_path, "Reading", "T")
    )

    assert git(place, "diff", "--name-only", "main", "gitskill/r0001/l0001a-t") == "skills/mail/SKILL.md\n"


def test_every_command_works_on_a_detached_head(tmp_path: Path, exercise: Callable[..., None]) -> None:
    place = new_repository(tmp_path / "plain")
    git(place, "checkout", "-q", "--detach")
    exercise(place)


def test_every_command_works_beside_unsaved_work(tmp_path: Path, exercise: Callable[..., None]) -> None:
    place = new_repository(tmp_path / "plain")
    (place / "staged.md").write_text("staged\n")
    git(place, "add", "staged.md")
    (place / "staged.md").write_text("and edited\n")
    (place / "SKILL.md").write_text("half a sentence")
    (place / "loose.md").write_bytes(b"\xff\0")
    exercise(place)


def test_every_command_works_where_the_skill_is_deleted_on_disk(tmp_path: Path, exercise: Callable[..., None]) -> None:
    place = new_repository(tmp_path / "plain")
    (place / "SKILL.md").unlink()
    exercise(place)


def test_every_command_works_during_a_merge_with_conflicts(tmp_path: Path, exercise: Callable[..., None]) -> None:
    place = new_repository(tmp_path / "plain")
    for name, text in (("other", "one\n"), ("main", "two\n")):
        git(place, "checkout", "-q", "-B", name, "v1.0.0")
        (place / "notes.txt").write_text(text)
        commit_all(place, name)
    git(place, "merge", "-q", "other", ok=False)
    exercise(place)
    assert (place / ".git/MERGE_HEAD").exists()


def test_every_command_works_where_the_work_tree_has_windows_line_ends(
    tmp_path: Path, exercise: Callable[..., None], gitskill: Program
) -> None:
    git(tmp_path, "clone", "-q", "-c", "core.autocrlf=true", str(new_repository(tmp_path / "plain")), "windows")
    place = tmp_path / "windows"
    assert (place / "SKILL.md").read_bytes().count(b"\r\n") == SKILL.count("\n")
    exercise(place)
    assert [row["what"] for row in json.loads(gitskill(place, "doctor", "--json").out)].count("checkout") == 0


def test_a_diff_of_a_work_tree_with_windows_line_ends_becomes_a_lesson(tmp_path: Path, gitskill: Program) -> None:
    git(tmp_path, "clone", "-q", "-c", "core.autocrlf=true", str(new_repository(tmp_path / "plain")), "windows")
    place = tmp_path / "windows"
    (place / "SKILL.md").write_bytes(SKILL.replace("- Keep", "- Always keep").replace("\n", "\r\n").encode())
    (tmp_path / "change.diff").write_bytes(subprocess.check_output(["git", "-C", str(place), "diff"]))

    done = gitskill(place, "lesson", "add", "--title", "T", "--why", "w", "--diff", str(tmp_path / "change.diff"))

    assert done.code == 0, done.err
    assert git(place, "show", "gitskill/r0001/l0001a-t:SKILL.md") == SKILL.replace("- Keep", "- Always keep")


def test_every_command_works_on_borrowed_objects(tmp_path: Path, exercise: Callable[..., None]) -> None:
    git(tmp_path, "clone", "-q", "--shared", str(new_repository(tmp_path / "plain")), "borrower")
    lender = everything(tmp_path / "plain")
    exercise(tmp_path / "borrower")
    assert everything(tmp_path / "plain") == lender


def with_submodule(tmp_path: Path) -> Path:
    """Make a repository whose `vendor` is a submodule, and both hold a skill."""
    new_repository(tmp_path / "inner")
    outer = new_repository(tmp_path / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "inner"), "vendor")
    commit_all(outer, "Vendor")
    git(outer / "vendor", "checkout", "-q", "main")
    return outer


def test_every_command_works_beside_a_submodule(tmp_path: Path, exercise: Callable[..., None]) -> None:
    outer = with_submodule(tmp_path)
    inner = untouched(outer / "vendor")
    exercise(outer)
    assert untouched(outer / "vendor") == inner


def test_every_command_works_inside_a_submodule(tmp_path: Path, exercise: Callable[..., None]) -> None:
    outer = with_submodule(tmp_path)
    before = untouched(outer)
    exercise(outer / "vendor")
    assert untouched(outer) == before


@pytest.mark.parametrize("name", ["two words", "naïve-技能", "new\nline", "-dash", "quote'\"", "back\\slash", "*?[x]"])
def test_every_command_works_at_a_path_with_odd_characters(
    name: str, tmp_path: Path, exercise: Callable[..., None]
) -> None:
    exercise(new_repository(tmp_path / name))


@pytest.mark.parametrize("name", ["two words", "naïve-技能", "new\nline", "-dash"])
def test_every_command_works_on_a_folder_with_odd_characters(
    name: str, tmp_path: Path, exercise: Callable[..., None]
) -> None:
    place = tmp_path / "plain"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    skill_in(place, name)
    commit_all(place, "Base")
    exercise(place, f"--skill={name}", versions=())


def test_variables_of_a_hook_do_not_lead_to_another_repository(
    tmp_path: Path, gitskill: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, other = new_repository(tmp_path / "here"), new_repository(tmp_path / "other")
    before, kept = everything(other), untouched(here)
    with monkeypatch.context() as hook:
        for name in ("GIT_DIR", "GIT_COMMON_DIR"):
            hook.setenv(name, str(other / ".git"))
        hook.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
        hook.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
        hook.setenv("GIT_WORK_TREE", str(other))
        hook.setenv("GIT_NAMESPACE", "elsewhere")
        add_lesson(gitskill, here, tmp_path, "Read twice")
        add_lesson(gitskill, here, tmp_path, "Read thrice")
        assert gitskill(here, "merge", "l0001a", "l0002a").code == 0
        assert gitskill(here, "undo").code == 0
        assert gitskill(here, "init", "new").code == 0

    assert everything(other) == before
    assert branches(here, "r0001") == ["r0001/l0001a-read-twice", "r0001/l0002a-read-thrice"]
    assert git(here, "show", "--format=", "--name-only", "HEAD") == "new/SKILL.md\n"
    assert untouched(here)[3] == kept[3] | {"new/SKILL.md": (here / "new/SKILL.md").read_bytes()}


def test_a_hook_of_git_may_run_gitskill(tmp_path: Path) -> None:
    place = new_repository(tmp_path / "plain")
    file = edits(tmp_path, "Reading", "Read twice")
    hook = place / ".git/hooks/post-commit"
    hook.write_text(f'#!/bin/sh\nexec "{GITSKILL}" lesson add --title "Read twice" --why seen --edits "{file}"\n')
    hook.chmod(0o755)

    git(place, "commit", "-q", "--allow-empty", "-m", "Trigger")

    assert branches(place, "r0001") == ["r0001/l0001a-read-twice"]
    assert git(place, "status", "--porcelain") == ""


def add_lesson(gitskill: Program, place: Path, tmp_path: Path, title: str, *options: str) -> str:
    """Add a lesson that puts a bullet under Reading, and give its id."""
    file = edits(tmp_path, "Reading", title)
    done = gitskill(place, *options, "lesson", "add", "--title", title, "--why", "seen", "--edits", file)
    assert done.code == 0, done.err
    return done.out.split()[0]


COMMANDS = (
    ("show", "l0001a"),
    ("blame",),
    ("log",),
    ("diff", "HEAD"),
    ("merge", "l0001a", "l0002a"),
    ("check", "--rev", "HEAD"),
    ("undo",),
    ("undo", "--list"),
    ("prune",),
)


def refused(gitskill: Program, place: Path, tmp_path: Path, code: int, message: str) -> None:
    """See that every command refuses `place` in these words and leaves every byte of it as it is."""
    before = everything(place)
    add = ("lesson", "add", "--title", "T", "--why", "w", "--edits", edits(tmp_path, "Reading", "T"))
    for command in (add, *COMMANDS):
        assert (command, gitskill(place, *command)) == (command, Done(code, "", f"gitskill: {message}\n"))
    assert everything(place) == before


def test_a_branch_without_a_commit_is_refused(tmp_path: Path, gitskill: Program) -> None:
    place = tmp_path / "new"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    skill_in(place)
    before = everything(place)

    for command in (
        ("log",),
        ("blame",),
        ("diff", "v1", "v2"),
        ("lesson", "add", "--title", "T", "--why", "w", "--edits", "-"),
    ):
        done = gitskill(place, *command)
        assert (done.code, done.out) == (5, "")
        assert done.err == (
            f"gitskill: {place} has no commit yet\nhint: commit your skill first, or let `gitskill init` do it\n"
        )

    assert everything(place) == before


def test_no_repository_is_refused(tmp_path: Path, gitskill: Program) -> None:
    (tmp_path / "none").mkdir()
    hint = "hint: run `gitskill init` to start one, or pass -C PATH"
    refused(gitskill, tmp_path / "none", tmp_path, 3, f"{tmp_path}/none is not inside a git repository\n{hint}")


def test_sha256_is_refused(tmp_path: Path, gitskill: Program) -> None:
    place = tmp_path / "sha256"
    git(tmp_path, "init", "-q", "--object-format=sha256", str(place))
    skill_in(place)
    commit_all(place, "Base")
    hint = "hint: gitskill needs a sha1 repository"
    refused(gitskill, place, tmp_path, 5, f"{place} uses sha256 objects, which libgit2 cannot read\n{hint}")


def test_reftable_is_refused(tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "reftable")
    git(place, "config", "core.repositoryformatversion", "1")
    git(place, "config", "extensions.refstorage", "reftable")
    hint = "hint: convert it with `git refs migrate --ref-format=files`"
    refused(gitskill, place, tmp_path, 5, f"{place} keeps its refs as reftable, which libgit2 cannot read\n{hint}")


def partial_clone(tmp_path: Path) -> Path:
    """Clone without files; they would come from the network when they are asked for."""
    full = new_repository(tmp_path / "full")
    git(full, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{full}", "partial")
    return tmp_path / "partial"


PARTIAL = (
    "{} is a partial clone: objects may be missing\n"
    "hint: make it whole with `git fetch --refetch --no-filter`, and remove the remote's promisor setting"
)


def test_a_partial_clone_is_refused(tmp_path: Path, gitskill: Program) -> None:
    place = partial_clone(tmp_path)
    refused(gitskill, place, tmp_path, 5, PARTIAL.format(place))


def test_the_hint_for_a_partial_clone_helps(tmp_path: Path, exercise: Callable[..., None]) -> None:
    place = partial_clone(tmp_path)
    git(place, "fetch", "-q", "--refetch", "--no-filter")
    git(place, "config", "--unset", "remote.origin.promisor")
    git(place, "checkout", "-q", "main")
    exercise(place)


def test_a_shallow_clone_that_has_the_base_is_enough(tmp_path: Path, exercise: Callable[..., None]) -> None:
    full = new_repository(tmp_path / "full")
    (full / "more.txt").write_text("more\n")
    commit_all(full, "More")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{full}", "shallow")
    git(tmp_path / "shallow", "tag", "-a", "v1.0.0", "-m", "Base")
    exercise(tmp_path / "shallow")


def test_a_user_branch_in_the_way_is_named_and_another_prefix_helps(tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "plain")
    git(place, "branch", "gitskill")
    before = git(place, "for-each-ref")
    add = ("lesson", "add", "--title", "T", "--why", "w", "--edits", edits(tmp_path, "Reading", "T"))

    assert gitskill(place, *add) == Done(
        5,
        "",
        "gitskill: a branch is named 'gitskill', so branches below gitskill/ cannot be made\n"
        "hint: rename it, or choose another prefix: git config gitskill.prefix gitskill-lessons\n",
    )
    assert git(place, "for-each-ref") == before

    git(place, "config", "gitskill.prefix", "lessons")
    assert gitskill(place, *add).out == "r0001/l0001a  T\n"
    assert git(place, "for-each-ref", "--format=%(refname)", "refs/heads") == (
        "refs/heads/gitskill\nrefs/heads/lessons/r0001/l0001a-t\nrefs/heads/main\n"
    )
    assert gitskill(place, "show", "lessons/r0001/l0001a-t").out.startswith("r0001/l0001a  T  (proposed)\n")


@pytest.mark.parametrize(
    "prefix", ["two words", "a..b", "/", "/a", "a/", "a.lock", ".a", "a~1", "a^", "a:b", "a\\b", "@{"]
)
def test_a_prefix_that_no_branch_can_have_is_refused(prefix: str, tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "plain")
    git(place, "config", "gitskill.prefix", prefix)
    refused(gitskill, place, tmp_path, 3, f"gitskill.prefix is {prefix!r}, which cannot begin a branch name")


def test_a_configuration_that_cannot_be_parsed_is_refused(tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "plain")
    with (place / ".git/config").open("a") as config:
        config.write("[[\n")

    done = gitskill(place, "log")

    assert (done.code, done.out, done.err.count("\n")) == (5, "", 1)
    assert "failed to parse config file: missing ']' in section header" in done.err


def need_root() -> None:
    """Stop a test that must give files away, where that is not allowed."""
    if os.geteuid():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("only the superuser can give files to another user")


def give_away(place: Path) -> Path:
    """Make another user the owner of everything below `place`."""
    for path in (place, *place.rglob("*")):
        os.chown(path, OTHER_USER, OTHER_USER, follow_symlinks=False)
    return place


def test_a_repository_of_another_user_is_refused(tmp_path: Path, gitskill: Program) -> None:
    need_root()
    place = give_away(new_repository(tmp_path / "theirs"))
    hint = f"hint: if you trust it: git config --global --add safe.directory {place}"
    refused(gitskill, place, tmp_path, 5, f"{place} belongs to another user\n{hint}")


def program(place: Path, home: Path, *args: str) -> Done:
    """Run the program as a process of its own, with the configuration of a user whose home is `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_CONFIG", "XDG_"))}
    env = kept | {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run([GITSKILL, "-C", str(place), *args], capture_output=True, text=True, env=env, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def test_the_users_own_safe_directory_is_respected(tmp_path: Path) -> None:
    need_root()
    place = give_away(new_repository(tmp_path / "theirs"))
    home = tmp_path / "home"
    home.mkdir()
    add = ("lesson", "add", "--title", "T", "--why", "w", "--edits", edits(tmp_path, "Reading", "T"))

    assert program(place, home, *add).code == 5
    (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {place}\n")
    assert program(place, home, *add).out == "r0001/l0001a  T\n"
    assert program(place, home, "undo").out == "undone: lesson add r0001/l0001a\n"


def test_safe_directory_in_the_repositorys_own_configuration_counts_for_nothing(tmp_path: Path) -> None:
    need_root()
    place = new_repository(tmp_path / "theirs")
    git(place, "config", "safe.directory", "*")
    give_away(place)

    assert program(place, tmp_path, "log").err.startswith(f"gitskill: {place} belongs to another user\n")


def powerless(*command: str) -> list[str]:
    """Give a command that obeys file permissions, as the superuser too."""
    if os.geteuid():
        return list(command)
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", *command]


def test_a_repository_that_cannot_be_written_is_read_and_refuses_a_lesson(tmp_path: Path) -> None:
    place = new_repository(tmp_path / "plain")
    folders = [path for path in (place / ".git", *(place / ".git").rglob("*")) if path.is_dir()]
    file = edits(tmp_path, "Reading", "T")
    before = everything(place)
    for path in folders:
        path.chmod(0o555)

    def call(*args: str) -> Done:
        command = powerless(GITSKILL, "-C", str(place), *args)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    try:
        read = call("log")
        written = call("lesson", "add", "--title", "T", "--why", "w", "--edits", file)
    finally:
        for path in folders:
            path.chmod(0o755)
    assert read == Done(0, "v1.0.0  2023-11-14    Base\n", "")
    assert everything(place) == before
    assert (written.code, written.out) == (5, ""), written.err
    assert written.err.startswith("gitskill: ")


def test_every_command_works_beside_an_index_that_is_locked(tmp_path: Path, exercise: Callable[..., None]) -> None:
    place = new_repository(tmp_path / "plain")
    (place / ".git/index.lock").touch()
    exercise(place)


def test_branches_of_people_that_lead_nowhere_do_no_harm(tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "plain")
    (place / ".git/refs/heads/broken").write_text("rubbish\n")
    (place / ".git/refs/heads/missing").write_text("12345678" * 5 + "\n")
    git(place, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")

    add_lesson(gitskill, place, tmp_path, "Read twice")

    assert gitskill(place, "show", "l0001a").out.startswith("r0001/l0001a  Read twice  (proposed)\n")
    assert gitskill(place, "undo").code == 0


# What follows shows defects.


def test_a_folder_of_a_bare_repository_is_meant_from_its_root(tmp_path: Path, exercise: Callable[..., None]) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(new_repository(tmp_path / "plain", "skills/sheets")), "bare.git")
    exercise(tmp_path / "bare.git", "--skill", "skills/sheets")


def test_the_hint_to_trust_a_repository_names_the_repository(tmp_path: Path, gitskill: Program) -> None:
    need_root()
    place = new_repository(tmp_path / "theirs")
    (place / "inner").mkdir()
    give_away(place)

    done = gitskill(place / "inner", "log")

    assert done.err.splitlines()[-1] == f"hint: if you trust it: git config --global --add safe.directory {place}"


def test_a_lock_that_a_killed_program_left_is_named_and_nothing_changes(tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "plain")
    lock = place / ".git/refs/gitskill/oplog.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    before = git(place, "for-each-ref")

    done = gitskill(place, "lesson", "add", "--title", "T", "--why", "w", "--edits", edits(tmp_path, "Reading", "T"))

    assert (done.code, done.out) == (5, "")
    assert git(place, "for-each-ref") == before
    assert list((place / ".git").rglob("*.lock")) == [lock]
    assert str(lock) in done.err


@pytest.mark.parametrize("head", ["rubbish\n", "", "ref: \n", "12345678\n"])
def test_a_head_that_cannot_be_read_is_refused(head: str, tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "plain")
    (place / ".git/HEAD").write_text(head)
    before = everything(place)

    done = gitskill(place, "log")

    assert (done.code, done.out) in ((5, ""), (3, ""))
    assert done.err.startswith("gitskill: ")
    assert everything(place) == before


def object_file(place: Path, name: str) -> Path:
    """Find the loose object that `name` leads to."""
    oid = git(place, "rev-parse", name).strip()
    return place / ".git/objects" / oid[:2] / oid[2:]


@pytest.mark.parametrize("name", ["HEAD", "HEAD^{tree}", "HEAD:SKILL.md"])
@pytest.mark.parametrize("damage", ["missing", "empty"])
def test_an_object_that_is_missing_or_damaged_is_refused(
    name: str, damage: str, tmp_path: Path, gitskill: Program
) -> None:
    place = new_repository(tmp_path / "plain")
    file = object_file(place, name)
    file.unlink()
    if damage == "empty":
        file.touch()
    before = everything(place)

    done = gitskill(place, "lesson", "add", "--title", "T", "--why", "w", "--edits", edits(tmp_path, "Reading", "T"))

    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("gitskill: ")
    assert everything(place) == before


def test_a_lesson_whose_commit_is_gone_does_not_hide_the_others(tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "plain")
    for title in ("Read twice", "Read thrice"):
        add_lesson(gitskill, place, tmp_path, title)
    object_file(place, "gitskill/r0001/l0002a-read-thrice").unlink()

    assert gitskill(place, "show", "l0001a").code == 0
    done = gitskill(place, "show", "l0002a")
    assert (done.code, done.out) in ((3, ""), (5, ""))


def test_a_branch_of_ours_that_leads_to_no_branch_does_not_hide_the_others(tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "plain")
    add_lesson(gitskill, place, tmp_path, "Read twice")
    git(place, "symbolic-ref", "refs/heads/gitskill/r0001/l0002a", "refs/heads/none")

    assert gitskill(place, "show", "l0001a").code == 0


@pytest.mark.parametrize("split", [True, False], ids=["split", "sparse"])
def test_doctor_says_when_libgit2_cannot_read_the_index(split: bool, tmp_path: Path, gitskill: Program) -> None:
    place = new_repository(tmp_path / "plain")
    (place / "far").mkdir()
    (place / "far/away.txt").write_text("x")
    commit_all(place, "Far")
    if split:
        git(place, "update-index", "--split-index")
    else:
        git(place, "sparse-checkout", "set", "--cone", "--sparse-index")

    done = gitskill(place, "doctor")

    assert done.code in (0, 3)
    assert "gitskill" in done.out


def test_a_shallow_clone_that_lacks_the_base_says_how_to_get_it(tmp_path: Path, gitskill: Program) -> None:
    full = new_repository(tmp_path / "full")
    add_lesson(gitskill, full, tmp_path, "Read twice")
    git(tmp_path, "clone", "-q", "--depth", "1", "-b", "gitskill/r0001/l0001a-read-twice", f"file://{full}", "shallow")
    place = tmp_path / "shallow"
    before = everything(place)

    done = gitskill(place, "show", "l0001a")

    assert (done.code, done.out) == (5, "")
    assert done.err.splitlines()[-1] == "hint: fetch the history: git fetch --unshallow"
    assert everything(place) == before


@pytest.mark.parametrize(
    "trailer",
    ["Level: debug", "Lesson: measure first", "Gitskill-Run: later", "Gitskill-Run: r999999999", "Undoes: nothing"],
)
def test_a_trailer_that_people_use_for_something_else_does_no_harm(
    trailer: str, tmp_path: Path, gitskill: Program
) -> None:
    place = new_repository(tmp_path / "plain")
    (place / "SKILL.md").write_text(SKILL + "\nMore.\n")
    commit_all(place, f"More\n\n{trailer}")

    lesson = add_lesson(gitskill, place, tmp_path, "Read twice")

    for command in (("show", lesson), ("blame",), ("blame", "--rev", lesson), ("log",), ("diff", "HEAD", lesson)):
        assert (command, gitskill(place, *command).code) == (command, 0)


def test_a_lesson_that_lost_the_race_for_a_new_run_never_joins_the_run_of_another_skill(
    tmp_path: Path, gitskill: Program
) -> None:
    place = monorepo(tmp_path / "mono")
    repository = Repository.open(place)
    mail = SkillReader(repository, "skills/mail")
    run = base_of(mail, WHO)  # r0001, as long as nobody else takes it
    add_lesson(gitskill, place, tmp_path, "Read twice", "--skill", "skills/sheets")

    skill = mail.read(run.base)
    changed = replace(skill, files={**skill.files, "SKILL.md": SKILL.encode() + b"\nMore.\n"})
    made = propose(mail, run, Proposal("More", "w", changed), WHO)

    assert [(str(item.id), item.folder, item.lessons) for item in recorded(repository)] == [
        ("r0001", "skills/sheets", ("l0001a",)),
        ("r0002", "skills/mail", ("l0001a",)),
    ]
    assert str(made.id) == "r0002/l0001a"


@pytest.mark.parametrize("name", ["HEAD", "HEAD^{tree}", "HEAD:SKILL.md"])
def test_an_object_that_is_cut_off_is_refused(name: str, tmp_path: Path) -> None:
    place = new_repository(tmp_path / "plain")
    file = object_file(place, name)
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data[: len(data) // 2])

    # libgit2 1.9 reads such a file for ever and hears no signal meanwhile: a process of its own can be killed.
    command = [GITSKILL, "-C", str(place), "check", "--rev", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout) == (5, "")
