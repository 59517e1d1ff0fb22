"""`gitskill install` and `uninstall`: what they add, what they never touch, and that all of it goes again."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done, git, state

Run = Callable[..., Done]
USERS_HOOK = "#!/bin/sh\nexit 0\n"


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Give every folder and file with its mode and bytes; the reading of `git status` may renew the index."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
        if path.name != "index"
    }


STARTS: dict[str, Callable[[Path], object]] = {
    "plain": lambda _: None,
    "attributes": lambda folder: (folder / ".gitattributes").write_text("*.png binary\n"),
    "attributes without an end": lambda folder: (folder / ".gitattributes").write_text("*.png binary"),
    "attributes of no letters": lambda folder: (folder / ".gitattributes").write_bytes(b"\xff\xfe* text\r\n"),
    "no attributes in the file": lambda folder: (folder / ".gitattributes").write_text(""),
    "no hooks folder": lambda folder: (folder / ".git/hooks").rename(folder / ".git/samples"),
    "a hook of theirs": lambda folder: (folder / ".git/hooks/pre-push").write_text(USERS_HOOK),
    "a config without an end": lambda folder: (folder / ".git/config").write_text("[core]\n\tbare = false"),
    "a log section": lambda folder: git(folder, "config", "log.date", "iso"),
    "a hooks folder in the work tree": lambda folder: git(folder, "config", "core.hooksPath", ".githooks"),
    "a hooks folder elsewhere": lambda folder: git(folder, "config", "core.hooksPath", str(folder.parent)),
    "a private config": lambda folder: (folder / ".git/config").chmod(0o600),
    "another prefix": lambda folder: git(folder, "config", "gitskill.prefix", "lessons"),
}


@pytest.mark.parametrize("start", STARTS)
def test_what_is_installed_is_taken_back_to_the_byte(start: str, folder: Path, gitskill: Run) -> None:
    STARTS[start](folder)
    before = everything(folder)

    installed = gitskill(folder, "install")
    once = everything(folder)
    again = gitskill(folder, "install")

    assert (installed.code, again.code, everything(folder)) == (0, 0, once)
    assert "wrote" in installed.out
    assert "wrote" not in again.out
    assert once != before
    uninstalled = gitskill(folder, "uninstall")
    assert (uninstalled.code, everything(folder)) == (0, before)
    assert gitskill(folder, "uninstall") == Done(0, "", "  nothing is installed here\n")
    assert everything(folder) == before


def test_git_knows_what_is_installed(folder: Path, gitskill: Run) -> None:
    gitskill(folder, "install")

    said = git(folder, "check-attr", "merge", "diff", "--", "a/SKILL.md", "references/x/y.md", "README.md")
    assert said.splitlines() == [
        "a/SKILL.md: merge: gitskill",
        "a/SKILL.md: diff: markdown",
        "references/x/y.md: merge: gitskill",
        "references/x/y.md: diff: markdown",
        "README.md: merge: unspecified",
        "README.md: diff: unspecified",
    ]
    assert "gitskill hook merge-driver -- %O %A %B %L %P" in git(folder, "config", "merge.gitskill.driver")
    assert all(
        stat.S_IMODE((folder / ".git/hooks" / name).stat().st_mode) & 0o111 for name in ("pre-commit", "pre-push")
    )


def test_the_graph_of_people_is_not_decorated_with_our_branches(folder: Path, gitskill: Run) -> None:
    for ref in ("refs/heads/gitskill/r0001/l0001a", "refs/remotes/origin/gitskill/r0001/m1-01", "refs/gitskill/oplog"):
        git(folder, "update-ref", ref, "HEAD")
    assert "l0001a" in git(folder, "log", "--decorate=full", "--format=%D")

    gitskill(folder, "install")

    assert git(folder, "log", "--decorate=full", "--format=%D") == "HEAD -> refs/heads/main\n"


def test_only_what_we_wrote_goes_what_people_added_stays(folder: Path, gitskill: Run) -> None:
    gitskill(folder, "install")
    git(folder, "config", "log.date", "iso")  # git puts it into the section that we made
    git(folder, "config", "user.name", "Ada")
    with (folder / ".gitattributes").open("a") as file:
        file.write("*.png binary\n")
    (folder / ".git/hooks/pre-push").write_text(USERS_HOOK)

    done = gitskill(folder, "uninstall")

    assert "kept     .git/hooks/pre-push    it was changed since, so it is yours" in done.out
    assert git(folder, "config", "log.date") == "iso\n"
    assert git(folder, "config", "user.name") == "Ada\n"
    assert "gitskill" not in (folder / ".git/config").read_text()
    assert (folder / ".gitattributes").read_text() == "*.png binary\n"
    assert (folder / ".git/hooks/pre-push").read_text() == USERS_HOOK


def test_a_hook_of_theirs_stays_and_they_are_told_what_to_add(folder: Path, gitskill: Run) -> None:
    hook = folder / ".git/hooks/pre-commit"
    hook.write_text(USERS_HOOK)

    done = gitskill(folder, "install")

    assert hook.read_text() == USERS_HOOK
    assert 'it is yours; add to it:  gitskill hook pre-commit "$@" || exit' in done.out
    assert (folder / ".git/hooks/pre-push").exists()


def test_attributes_that_came_with_a_clone_are_not_ours_to_take(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    gitskill(folder, "install")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Attributes", "--no-verify")
    git(tmp_path, "clone", "-q", str(folder), "clone")
    attributes = (tmp_path / "clone/.gitattributes").read_bytes()

    installed = gitskill(tmp_path / "clone", "install")
    gitskill(tmp_path / "clone", "uninstall")

    assert "there  .gitattributes" in installed.out
    assert (tmp_path / "clone/.gitattributes").read_bytes() == attributes
    assert git(tmp_path / "clone", "status", "--short") == ""


@pytest.mark.parametrize(
    ("spoil", "code", "message"),
    [
        (lambda folder: (folder / ".gitattributes").symlink_to("/etc/hosts"), 3, ".gitattributes is not a plain file"),
        (lambda folder: (folder / ".gitattributes").mkdir(), 3, ".gitattributes is not a plain file"),
        (lambda folder: (folder / ".git/hooks/pre-push").mkdir(), 3, "pre-push is not a plain file"),
        (lambda folder: (folder / ".git/config.lock").write_text(""), 5, "another git command is at work"),
        (lambda folder: (folder / ".git/gitskill").write_text(""), 3, "installed.json cannot be read"),
        (lambda folder: (folder / ".git/gitskill").symlink_to("nowhere"), 5, "nothing was changed"),
    ],
)
def test_where_one_thing_cannot_be_written_nothing_is(
    spoil: Callable[[Path], object], code: int, message: str, folder: Path, gitskill: Run
) -> None:
    spoil(folder)
    before = everything(folder)

    done = gitskill(folder, "install")

    assert (done.code, done.out, message in done.err) == (code, "", True)
    assert done.err.count("\n") <= 2
    assert everything(folder) == before


def test_a_made_up_note_removes_nothing_of_yours(folder: Path, gitskill: Run) -> None:
    (folder / ".git/gitskill").mkdir()
    note = {
        "folders": ["..", "../..", "refs/heads"],
        "hooks": [{"hook": "../../SKILL.md", "digest": "0"}],
        "files": [{"path": "../SKILL.md", "text": "# Sheets\n"}],
    }
    (folder / ".git/gitskill/installed.json").write_text(json.dumps(note))
    before = state(folder)

    assert gitskill(folder, "uninstall").code == 0
    assert state(folder) == before
    (folder / ".git/gitskill").mkdir(exist_ok=True)
    (folder / ".git/gitskill/installed.json").write_text("[")
    assert gitskill(folder, "uninstall").code == 3


def test_a_dry_run_says_the_same_and_writes_nothing(folder: Path, gitskill: Run) -> None:
    before = everything(folder)

    dry = gitskill(folder, "install", "--dry-run", "--json")

    assert everything(folder) == before
    assert gitskill(folder, "install", "--json") == dry
    assert [each["what"] for each in json.loads(dry.out)] == ["wrote"] * 5
    assert [each["what"] for each in json.loads(gitskill(folder, "uninstall", "--json").out)] == ["removed"] * 5


def test_a_newer_gitskill_renews_what_an_older_one_wrote(folder: Path, gitskill: Run) -> None:
    before = everything(folder)
    gitskill(folder, "install")
    now = everything(folder)
    for path in (".git/config", ".git/gitskill/installed.json"):
        old = (folder / path).read_text().replace("recursive = text", "recursive = binary")
        (folder / path).write_text(old)

    done = gitskill(folder, "install")

    assert [line.split()[:2] for line in done.out.splitlines() if line.startswith("wrote")] == [
        ["wrote", ".git/config"]
    ]
    assert everything(folder) == now
    gitskill(folder, "uninstall")
    assert everything(folder) == before


def test_a_linked_work_tree_shares_the_hooks(folder: Path, gitskill: Run) -> None:
    before = everything(folder / ".git")
    git(folder, "worktree", "add", "-q", "../linked")

    assert gitskill(folder.parent / "linked", "install").code == 0
    assert (folder / ".git/hooks/pre-commit").exists()
    assert not (folder / ".gitattributes").exists()
    done = gitskill(folder, "uninstall")
    assert "kept     ../../linked/.gitattributes" in done.out
    assert before["config"] == everything(folder / ".git")["config"]
