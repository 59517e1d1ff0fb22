"""A repository that wants to run its own programs, or to be read where it should not be: nothing of it happens."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, WHO, Done, commit_all, git
from gitskill.ids import RunId
from gitskill.store import archive
from gitskill.store.repository import Repository

Program = Callable[..., Done]

GITSKILL = str(Path(sys.executable).with_name("gitskill"))

HOOKS = [
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit"),
    *("post-index-change", "post-merge", "post-receive", "post-rewrite", "post-update", "pre-applypatch"),
    *("pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive"),
    *("prepare-commit-msg", "proc-receive", "push-to-checkout", "reference-transaction", "sendemail-validate"),
    *("update",),
]

ATTRIBUTES = """\
*.md merge=evil diff=evil filter=evil
*.md -text eol=crlf ident working-tree-encoding=UTF-16
*.md merge=union
"""

CONFIGURATION = """\
[core]
	fsmonitor = {run}
	pager = {run}
	editor = {run}
	sshCommand = {run}
	askPass = {run}
	gitProxy = {run}
	alternateRefsCommand = {run}
	attributesFile = attributes
	logAllRefUpdates = always
[sequence]
	editor = {run}
[gpg]
	program = {run}
[gpg "ssh"]
	program = {run}
[commit]
	gpgSign = true
[tag]
	gpgSign = true
[credential]
	helper = !{run}
[diff]
	external = {run}
[diff "evil"]
	textconv = {run}
	command = {run}
[merge "evil"]
	driver = {run}
[filter "evil"]
	clean = {run}
	smudge = {run}
	process = {run}
	required = true
[alias]
	update-ref = !{run}
	index-pack = !{run}
	log = !{run}
[pager]
	update-ref = {run}
	log = {run}
[interactive]
	diffFilter = {run}
[uploadpack]
	packObjectsHook = {run}
[trace2]
	normalTarget = {canary}
	eventTarget = {canary}
[protocol]
	allow = always
[protocol "ext"]
	allow = always
[include]
	path = more
"""


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Name the file that every planted program writes to."""
    return tmp_path / "canary"


@pytest.fixture
def planted(tmp_path: Path, canary: Path) -> str:
    """Write the program that the repository would like to be run."""
    program = tmp_path / "evil"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> "{canary}"\nexit 1\n')
    program.chmod(0o755)
    return str(program)


def content(place: Path) -> Path:
    """Make a repository with nothing hostile but its committed attributes."""
    place.mkdir(parents=True)
    git(place, "init", "-q", "-b", "main")
    (place / "SKILL.md").write_text(SKILL + "\n$Id$ $Id: kept$\n")
    (place / "references").mkdir()
    (place / "references/dates.md").write_bytes(b"# Dates\r\n\r\nUse ISO.\r\n")
    (place / ".gitattributes").write_text(ATTRIBUTES)
    index = [("SKILL.md", place / "SKILL.md"), (".gitattributes", place / ".gitattributes")]
    for name, file in [*index, ("references/dates.md", place / "references/dates.md")]:
        blob = git(place, "hash-object", "-w", "--no-filters", str(file)).strip()
        git(place, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    tree = git(place, "write-tree").strip()
    git(place, "update-ref", "refs/heads/main", git(place, "commit-tree", "-m", "Base", tree).strip())
    git(place, "-c", "tag.gpgSign=false", "tag", "-a", "v1.0.0", "-m", "Base")
    return place


def arm(place: Path, planted: str, canary: Path) -> Path:
    """Put everything into `.git` that makes git run a program."""
    inside = place / ".git"
    hooks = inside / "evil-hooks"
    for folder in (hooks, inside / "hooks"):
        folder.mkdir(exist_ok=True)
        for name in HOOKS:
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(planted)
    (inside / "info").mkdir(exist_ok=True)
    (inside / "info/attributes").write_text(ATTRIBUTES)
    (inside / "more").write_text(f"[core]\n\thooksPath = {hooks}\n")
    with (inside / "config").open("a") as config:
        config.write(CONFIGURATION.format(run=planted, canary=canary))
    return place


def call(place: Path, *args: str, data: str = "") -> Done:
    """Run the program as a process of its own."""
    done = subprocess.run([GITSKILL, "-C", str(place), *args], input=data, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def bullets(section: str, *texts: str) -> str:
    """Write edits that add bullets to a section."""
    content = "\n".join(f"- {text}" for text in texts)
    return json.dumps([{"op": "append_to_section", "file": "SKILL.md", "target_section": section, "content": content}])


COMMANDS = (
    ("merge", "l0001a", "l0002a", "l0003a"),
    ("merge", "--json", "l0001a", "l0002a"),
    ("show", "l0001a"),
    ("show", "--json", "l0001a"),
    ("show", "r0001"),
    ("blame", "--rev", "r0001/m1-01"),
    ("blame", "references/dates.md"),
    ("diff", "v1.0.0", "r0001/m1-01"),
    ("report", "-o", "-"),
    ("check", "--rev", "HEAD"),
    ("log",),
    ("verify", "--all"),
    ("changelog",),
    ("runs",),
    ("undo",),
    ("undo", "--list"),
    ("check",),
    ("consolidate", "r0001", "--min-support", "1"),
    ("release", "r0001"),
    ("rollback", "v1.0.0"),
    ("undo",),
    ("undo",),
)


def every_command(run: Program, place: Path) -> list[Done]:
    """Run every command that there is, and give what each said."""

    def add(title: str, section: str) -> Done:
        file = place.parent / "edits.json"
        file.write_text(bullets(section, title))
        return run(place, "lesson", "add", "--title", title, "--why", "w", "--edits", str(file))

    done = [add("Read twice", "Reading"), add("Write once", "Writing"), add("Read thrice", "Reading")]
    done += [run(place, *command) for command in COMMANDS]
    archive.put_away(Repository.open(place), RunId(1), WHO)
    done += [run(place, *command) for command in (("prune", "--older-than", "0d"), ("undo",), ("init",))]
    return [Done(item.code, *(text.replace(str(place), "HERE") for text in (item.out, item.err))) for item in done]


def test_no_command_runs_what_the_repository_names_and_all_results_are_those_of_a_clean_one(
    tmp_path: Path, planted: str, canary: Path, gitskill: Program
) -> None:
    clean = content(tmp_path / "clean/sheets")
    hostile = arm(content(tmp_path / "hostile/sheets"), planted, canary)

    expected = every_command(gitskill, clean)
    found = every_command(call, hostile)
    call(hostile, "doctor")

    assert not canary.exists(), canary.read_text()
    assert {item.code for item in expected} == {0}
    assert found == expected
    refs = "--format=%(refname) %(objectname)"
    (hostile / ".git/config").write_text("[core]\n\trepositoryformatversion = 0\n")
    assert git(hostile, "for-each-ref", refs) == git(clean, "for-each-ref", refs)


def test_the_canary_sings_when_git_is_used_without_care(tmp_path: Path, planted: str, canary: Path) -> None:
    place = arm(content(tmp_path / "hostile"), planted, canary)

    git(place, "status", ok=False)
    git(place, "update-ref", "refs/heads/x", "HEAD", ok=False)

    assert "fsmonitor" in canary.read_text() or "evil" in canary.read_text()


def test_many_objects_at_once_run_nothing(tmp_path: Path, planted: str, canary: Path) -> None:
    place = content(tmp_path / "hostile")
    git(tmp_path, "clone", "-q", "--bare", str(place), "lender.git")
    (place / ".git/objects/info/alternates").write_text(f"{tmp_path / 'lender.git' / 'objects'}\n")
    arm(place, planted, canary)
    new = [
        {"op": "create", "file": f"references/part{number}.md", "content": f"# Part {number}\n"} for number in range(40)
    ]
    new += json.loads(bullets("Reading", *(f"[{n}](references/part{n}.md)" for n in range(40))))

    done = call(place, "lesson", "add", "--title", "T", "--why", "w", "--edits", "-", data=json.dumps(new))

    assert done.code == 0, done.err
    assert list((place / ".git/objects/pack").glob("*.pack"))
    assert not canary.exists(), canary.read_text()


def test_starting_a_skill_in_a_hostile_repository_runs_nothing(tmp_path: Path, planted: str, canary: Path) -> None:
    place = arm(content(tmp_path / "hostile"), planted, canary)
    kept = {path: path.read_bytes() for path in place.glob("*.md")}

    done = call(place, "init", "other")

    assert (done.code, done.out.splitlines()[0]) == (0, f"started skill other in {place}/other"), done.err
    assert not canary.exists(), canary.read_text()
    assert {path: path.read_bytes() for path in place.glob("*.md")} == kept


def test_a_configuration_of_the_environment_reaches_no_git(
    tmp_path: Path, planted: str, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = content(tmp_path / "plain")
    for number, name in enumerate(("core.hooksPath", "core.fsmonitor")):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", str(tmp_path) if number == 0 else planted)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    (tmp_path / "reference-transaction").symlink_to(planted)

    done = call(place, "lesson", "add", "--title", "T", "--why", "w", "--edits", "-", data=bullets("Reading", "x"))

    assert done.code == 0, done.err
    assert not canary.exists()


def plant(place: Path, entries: list[tuple[str, str, str]], links: str = "") -> None:
    """Commit tree entries that no file system may hold: mode, content or id, name."""
    lines = "".join(f"{line}\0" for line in git(place, "ls-tree", "-r", "-z", "HEAD").split("\0") if line)
    names = {name for _, _, name in entries}
    lines = "".join(f"{line}\0" for line in lines.split("\0") if line and line.partition("\t")[2] not in names)
    env = os.environ | {"GIT_INDEX_FILE": str(place / ".git/planted")}

    def index(*args: str, data: str = "") -> str:
        command = ["git", "-C", str(place), *args]
        return subprocess.run(command, input=data, env=env, capture_output=True, text=True, check=True).stdout

    info = lines.replace(" blob ", " ") if lines else ""
    for mode, data, name in entries:
        oid = data if mode == "160000" else git(place, "hash-object", "-w", "--stdin", data=data).strip()
        info += f"{mode} {oid}\t{name}\0"
    index("update-index", "-z", "--index-info", data=info)
    tree = index("write-tree").strip()
    git(place, "update-ref", "refs/heads/main", index("commit-tree", "-p", "HEAD", "-m", f"Plant{links}", tree).strip())


READ = (
    ("show", "l0001a"),
    ("blame",),
    ("blame", "references/x.md"),
    ("report", "-o", "-"),
    ("log",),
    ("verify", "--all"),
    ("changelog",),
    ("runs",),
    ("check", "--rev", "HEAD"),
    ("doctor",),
)


def read_all(gitskill: Program, place: Path) -> str:
    """Run every command that reads, see that each ends in order, and give all that they printed."""
    said = ""
    for command in (*READ, ("diff", "v1.0.0", "HEAD"), ("diff", "HEAD", "v1.0.0"), ("check",)):
        done = gitskill(place, *command)
        assert done.code in (0, 3, 4, 5), (command, done)
        said += done.out + done.err
    return said


@pytest.mark.parametrize("to", ["/etc/passwd", "../secret", "references/dates.md", ".git/config"])
def test_a_skill_file_that_is_a_link_is_never_followed(to: str, tmp_path: Path, gitskill: Program) -> None:
    place = content(tmp_path / "plain")
    (tmp_path / "secret").write_text("root:secret-of-the-machine\n[core]\n")
    plant(place, [("120000", to, "SKILL.md")])
    git(place, "checkout", "-q", "-f", "main")
    assert (place / "SKILL.md").is_symlink()

    said = read_all(gitskill, place)

    assert "root:x:0" not in said
    assert "secret-of-the-machine" not in said
    assert "repositoryformatversion" not in said
    add = call(place, "lesson", "add", "--title", "T", "--why", "w", "--edits", "-", data=bullets("Reading", "x"))
    assert add.code in (3, 4), add
    assert git(place, "for-each-ref", "refs/heads/gitskill") == ""


@pytest.mark.parametrize("mode", ["120000", "160000"], ids=["link", "submodule"])
def test_a_lesson_never_writes_through_a_link_or_a_submodule(mode: str, tmp_path: Path) -> None:
    place = content(tmp_path / "plain")
    outside = tmp_path / "outside"
    outside.mkdir()
    oid = git(place, "rev-parse", "HEAD").strip()
    git(place, "rm", "-q", "-r", "--cached", "references")
    plant(place, [(mode, oid if mode == "160000" else str(outside), "scripts")])
    new = [{"op": "create", "file": "scripts/x.md", "content": "# X\n"}]

    done = call(place, "lesson", "add", "--title", "T", "--why", "w", "--edits", "-", data=json.dumps(new))

    assert (done.code, done.out) in ((3, ""), (4, ""))
    assert done.err.startswith("gitskill: ")
    assert list(outside.iterdir()) == []
    assert git(place, "for-each-ref", "refs/heads/gitskill") == ""


def test_a_submodule_is_read_as_one_and_never_fetched(
    tmp_path: Path, gitskill: Program, planted: str, canary: Path
) -> None:
    place = content(tmp_path / "plain")
    modules = (
        f'[submodule "references/inner"]\n\tpath = references/inner\n\turl = ext::{planted}\n\tupdate = !{planted}\n'
    )
    plant(
        place,
        [("160000", git(place, "rev-parse", "HEAD").strip(), "references/inner"), ("100644", modules, ".gitmodules")],
    )
    arm(place, planted, canary)

    read_all(gitskill, place)
    done = call(place, "lesson", "add", "--title", "T", "--why", "w", "--edits", "-", data=bullets("Reading", "x"))

    assert done.code == 0, done.err
    assert not canary.exists(), canary.read_text()


NASTY = [
    "references/a\nb.md",
    "references/\x1b]0;owned\x07\x1b[31m.md",
    "references/gnp\u202edm.md",
    "references/zero\u200bwidth.md",
    "references/\x9b31m.md",
    "references/-rf.md",
    "references/\r.md",
    "\x1b[2Jfolder/SKILL.md",
    "new\nline\u202e/SKILL.md",
]


def is_safe(text: str) -> bool:
    """Tell whether a terminal shows `text` as it is."""
    return not {"\x1b", "\x07", "\r", "\x9b", "\u202e", "\u200b"} & set(text)


def test_names_are_never_printed_raw(tmp_path: Path, gitskill: Program) -> None:
    place = content(tmp_path / "plain")
    plant(place, [("100644", f"# Nasty\n\x1b[31m red \u202e{name}\n", name) for name in NASTY])

    said = read_all(gitskill, place)
    for name in NASTY:
        for command in (("blame", name), ("--skill", str(Path(name).parent), "log"), ("show", name), ("diff", name)):
            done = gitskill(place, *command)
            assert done.code in (0, 2, 3, 4, 5), (command, done)
            said += done.out + done.err

    assert is_safe(said), said


def hide_in_lesson(place: Path, text: str) -> None:
    """Put a lesson on its branch with plain git, past all checks, with `text` in title and cause."""
    add = ("lesson", "add", "--title", "T", "--why", "w", "--edits", "-")
    assert call(place, *add, data=bullets("Reading", "x")).code == 0
    branch = "refs/heads/gitskill/r0001/l0001a-t"
    tree = git(place, "rev-parse", f"{branch}^{{tree}}").strip()
    message = f"T {text}\n\n{text}\n\nGitskill-Run: r0001\nLesson: l0001a\nAnalyst: person\n"
    git(place, "update-ref", branch, git(place, "commit-tree", "-p", "main", tree, data=message).strip())


def test_titles_causes_tags_and_branches_are_never_printed_raw(tmp_path: Path, gitskill: Program) -> None:
    place = content(tmp_path / "plain")
    nasty = "x\x1b[31m\u202e\x07\x9b\r"
    hide_in_lesson(place, nasty)
    git(place, "tag", "-a", "v1.1.0", "-m", nasty)
    git(place, "branch", "gitskill/r0001/l0002a-\u202e", "gitskill/r0001/l0001a-t")
    raw = "".join(
        part
        for command in (
            ("show", "l0001a"),
            ("show", "r0001"),
            ("log",),
            ("verify", "--all"),
            ("changelog",),
            ("runs",),
            ("undo", "--list"),
            ("merge", "l0001a", "l0009a"),
            ("diff", "HEAD", "l0001a"),
            ("diff", "HEAD", "l0001a", "--word-diff"),
            ("report", "-o", "-"),
            ("blame", "--rev", "l0001a"),
            ("undo", nasty),
            ("undo",),
        )
        for done in (gitskill(place, *command),)
        for part in (done.out, done.err)
    )

    assert is_safe(raw), raw


def test_json_is_plain_ascii(tmp_path: Path, gitskill: Program) -> None:
    place = content(tmp_path / "plain")
    text = "x\x1b[31m\u202e"
    hide_in_lesson(place, text)

    done = gitskill(place, "show", "--json", "l0001a")

    assert done.out.isascii()
    assert is_safe(done.out)
    assert json.loads(done.out)["title"] == f"T {text}"


# What follows shows defects.

FAR = """\
[core]
	sshCommand = {run}
[remote "far"]
	url = ssh://far/repository
	{promisor}
[includeIf "hasconfig:remote.*.url:ssh://far/**"]
	path = hidden
"""


@pytest.mark.parametrize("promisor", ["promisor = true", "promisor = 1", "promisor = yes", "promisor", "hidden = 1"])
def test_a_missing_object_is_never_fetched_by_a_program_of_the_repository(
    promisor: str, tmp_path: Path, planted: str, canary: Path
) -> None:
    place = content(tmp_path / "plain")
    with (place / ".git/config").open("a") as config:
        config.write(FAR.format(run=planted, promisor=promisor))
    # libgit2 does not know `hasconfig`: what git reads here, it does not.
    (place / ".git/hidden").write_text('[remote "far"]\n\tpromisor = true\n' if promisor.startswith("hidden") else "")
    moves = json.dumps([{"ref": "refs/heads/gitskill/r0001/l0001a", "old": "12345678" * 5, "new": None}])
    tree = git(place, "mktree", data=f"100644 blob {stored(place, moves)}\tmoves.json\n").strip()
    log = git(place, "commit-tree", "-m", "undo lesson add r0001/l0001a", tree).strip()
    git(place, "update-ref", "refs/gitskill/oplog", log)
    canary.unlink(missing_ok=True)

    done = call(place, "undo", log[:10])

    assert (done.code, done.out) == (5, "")
    assert not canary.exists(), canary.read_text()


def stored(place: Path, data: str) -> str:
    """Store a file's bytes and give their id."""
    return git(place, "hash-object", "-w", "--stdin", data=data).strip()


def test_a_message_about_skills_with_line_breaks_in_their_names_is_one_line_each(
    tmp_path: Path, gitskill: Program
) -> None:
    place = tmp_path / "plain"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    for name in ("one\nhint: run this", "two"):
        (place / name).mkdir()
        (place / name / "SKILL.md").write_text(SKILL)
    commit_all(place, "Base")

    assert len(gitskill(place, "log").err.splitlines()) == 2
