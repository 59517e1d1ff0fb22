"""The program as a whole: help, usage, signals, pipes, terminals, and a first hour from `--help` alone."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state
from gitskill.cli.main import COMMANDS

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]

PROGRAM = [sys.executable, "-c", "from gitskill.cli.main import main; main()"]

NAMES = [[name] for name in COMMANDS if name != "lesson"] + [["lesson", "add"]]

READERS = [
    ["check"],
    ["check", "--json"],
    ["show", "l0001a"],
    ["show", "r0001"],
    ["diff", "HEAD", "l0001a"],
    ["report", "-o", "-"],
    ["log"],
    ["blame"],
    ["undo", "--list"],
    ["prune"],
    ["doctor"],
]


def process(
    folder: Path, *arguments: str, data: str | None = None, environment: Mapping[str, str] | None = None
) -> Done:
    """Run the program as a process of its own."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        input=(data or "").encode(),
        capture_output=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def taught(folder: Path, bullet: Bullet) -> Path:
    """Give a repository with one lesson."""
    bullet("Writing", "one")
    return folder


@pytest.mark.parametrize("command", NAMES, ids=" ".join)
def test_every_command_has_help_with_an_example_anywhere(command: Sequence[str], tmp_path: Path, gitskill: Run) -> None:
    done = gitskill(tmp_path, *command, "--help")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: gitskill {' '.join(command)} ")
    assert f"\n  Example:\n    {'git diff | ' if command[0] == 'lesson' else ''}gitskill {command[0]}" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert gitskill(tmp_path, *command, "-h") == done


def test_the_help_lists_every_command_in_a_whole_sentence(tmp_path: Path, gitskill: Run) -> None:
    done = gitskill(tmp_path, "--help")

    assert (done.code, done.err) == (0, "")
    commands = done.out.partition("\nCommands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in commands] == list(COMMANDS)
    assert [line for line in commands if not line.endswith(".") or line.endswith("...")] == []
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_version_is_that_of_the_package(tmp_path: Path, gitskill: Run) -> None:
    assert gitskill(tmp_path, "--version") == Done(0, f"gitskill {version('gitskill')}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], "No such command 'frobnicate'."),
        (["lesson", "frobnicate"], "No such command 'frobnicate'."),
        (["--frobnicate"], "No such option '--frobnicate'."),
        (["log", "--frobnicate"], "No such option '--frobnicate'."),
        (["log", "extra"], "Got unexpected extra argument (extra)"),
        (["show"], "Missing argument 'LESSON|RUN'."),
        (["diff"], "Missing argument 'OLD'."),
    ],
)
def test_a_mistyped_command_line_is_a_usage_error(
    arguments: Sequence[str], message: str, folder: Path, gitskill: Run
) -> None:
    before = state(folder)

    done = gitskill(folder, *arguments)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: gitskill ")
    assert done.err.endswith(f"Error: {message}\n")
    assert state(folder) == before


@pytest.mark.parametrize(("place", "reason"), [("nowhere", "does not exist"), ("file", "is a file")])
def test_a_directory_that_is_none_is_a_usage_error(place: str, reason: str, tmp_path: Path, gitskill: Run) -> None:
    (tmp_path / "file").write_text("x")

    done = gitskill(tmp_path / place, "log")

    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(f"Error: Invalid value for '-C': Directory '{tmp_path / place}' {reason}.\n")


ENOUGH = {
    "hook": ["pre-commit"],
    "traces": ["list"],
    "forget": ["3f9a"],
    "drop": ["l0001a"],
    "export": ["v1.0.0", "out"],
    "restore": ["l0001a"],
    "trace-of": ["1"],
    "rollback": ["v1.0.0"],
    "verify": ["v1.0.0"],
}
"""What a command needs to be told besides its name."""


@pytest.mark.parametrize(
    "command",
    [[name, *ENOUGH.get(name, [])] for name in COMMANDS if name not in {"init", "check", "doctor", "lesson", "demo"}],
)
def test_outside_a_repository_every_command_says_so(command: Sequence[str], tmp_path: Path, gitskill: Run) -> None:
    arguments = {"show": ["l0001a"], "diff": ["HEAD"], "merge": ["l0001a"]}

    done = gitskill(tmp_path, *command, *arguments.get(command[0], []))

    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"gitskill: {tmp_path} is not inside a git repository\nhint: run `gitskill init`")


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_a_command_that_reports_keeps_to_stdout_without_colour_and_changes_nothing(
    command: Sequence[str], taught: Path, gitskill: Run
) -> None:
    before = state(taught), git(taught, "for-each-ref")

    done = gitskill(taught, *command)

    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert (state(taught), git(taught, "for-each-ref")) == before
    assert gitskill(taught, *command) == done


@pytest.mark.parametrize("where", ["references", "references/deep"])
def test_commands_work_from_a_folder_below(where: str, taught: Path, gitskill: Run) -> None:
    (taught / where).mkdir(parents=True)

    for command in (["show", "l0001a"], ["diff", "HEAD", "l0001a"], ["blame"]):
        assert gitskill(taught / where, *command) == gitskill(taught, *command)


@pytest.mark.parametrize(
    "command", [["log"], ["blame"], ["diff", "HEAD"], ["lesson", "add", "--title", "t", "--why", "w", "--edits", "x"]]
)
def test_a_skill_that_is_named_and_is_not_there_is_refused(command: Sequence[str], folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "--skill", "skills/nope", *command)

    assert (done.code, done.out) == (3, "")
    assert "skills/nope" in done.err.splitlines()[0]


HOSTILE = "\x1b[31m\u202e"


@pytest.mark.parametrize(
    "arguments",
    [
        [HOSTILE],
        [f"--{HOSTILE}"],
        ["log", HOSTILE],
        ["show", "x", HOSTILE],
        ["show", HOSTILE],
        ["diff", HOSTILE],
        ["merge", HOSTILE],
        ["undo", HOSTILE],
        ["check", HOSTILE],
        ["check", "--rev", HOSTILE],
        ["blame", HOSTILE],
        ["blame", "-L", HOSTILE],
        ["blame", "--rev", HOSTILE],
        ["prune", "--older-than", HOSTILE],
        ["-C", HOSTILE, "log"],
        ["--skill", HOSTILE, "blame"],
        ["lesson", "add", "--title", "t", "--why", "w", "--diff", HOSTILE],
        ["lesson", "add", "--title", "t", "--why", "w", "--diff", "x", "--run", HOSTILE],
    ],
    ids=lambda arguments: "-".join(arguments).replace(HOSTILE, "X"),
)
def test_an_argument_with_an_escape_sequence_is_shown_as_text(
    arguments: Sequence[str], folder: Path, gitskill: Run
) -> None:
    done = gitskill(folder, *arguments)

    assert done.code in {2, 3}
    assert done.out == ""
    assert not {"\x1b", "\u202e"} & set(done.err)


def on_terminal(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> bytes:
    """Run the program with a terminal as its stdout, and give what it wrote there."""
    master, slave = pty.openpty()
    try:
        clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        command = [*PROGRAM, "-C", str(folder), *arguments]
        subprocess.run(command, stdout=slave, env={**clean, "TERM": "xterm", **(environment or {})}, check=True)
        return os.read(master, 65536)
    finally:
        os.close(slave)
        os.close(master)


def test_on_a_terminal_added_lines_are_green_unless_no_colour_is_wanted(taught: Path) -> None:
    coloured = on_terminal(taught, "diff", "HEAD", "l0001a")
    plain = on_terminal(taught, "diff", "HEAD", "l0001a", environment={"NO_COLOR": "1"})

    assert b"\x1b[32m+ l0001a - one\x1b[0m\r\n" in coloured
    assert b"\x1b" not in plain
    assert b"+ l0001a - one\r\n" in plain


def interrupted(folder: Path, tmp_path: Path, number: signal.Signals) -> Done:
    """Send a signal to the program while it waits for its input."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [*PROGRAM, "lesson", "add", "--title", "t", "--why", "w", "--edits", str(pipe)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        writer = os.open(pipe, os.O_WRONLY)  # returns once the program reads
        started.send_signal(number)
        out, err = started.communicate()
        os.close(writer)
    return Done(started.returncode, out.decode(), err.decode())


def test_an_interrupt_ends_in_one_line_and_exit_code_130(folder: Path, tmp_path: Path) -> None:
    before = git(folder, "for-each-ref")

    done = interrupted(folder, tmp_path, signal.SIGINT)

    assert (done.code, done.out, done.err.strip()) == (130, "", "gitskill: interrupted")
    assert git(folder, "for-each-ref") == before


def test_a_termination_ends_quietly_with_exit_code_143(folder: Path, tmp_path: Path) -> None:
    assert interrupted(folder, tmp_path, signal.SIGTERM) == Done(143, "", "")


@pytest.mark.parametrize("command", [["blame"], ["--help"], ["log", "--json"], ["show", "l0001a"]], ids=" ".join)
def test_a_reader_that_has_had_enough_is_no_error(command: Sequence[str], taught: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run([*PROGRAM, *command], cwd=taught, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)

    assert (done.returncode, done.stderr) == (0, b"")


def in_shell(folder: Path, redirection: str, *arguments: str) -> Done:
    """Run the program by a shell that closes one of its streams."""
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *PROGRAM, *arguments], cwd=folder, capture_output=True, check=False
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_closed_streams_break_nothing(taught: Path) -> None:
    shown = process(taught, "show", "l0001a")

    assert in_shell(taught, "<&-", "show", "l0001a") == shown
    assert in_shell(taught, "2>&-", "show", "l0001a") == shown
    assert in_shell(taught, ">&-", "show", "l0001a") == Done(0, "", "")


def test_a_closed_stdin_that_should_hold_a_diff_is_refused_in_one_line(folder: Path) -> None:
    done = in_shell(folder, "<&-", "lesson", "add", "--title", "t", "--why", "w", "--diff", "-")

    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert done.err.startswith("gitskill: ")


def test_a_full_disk_behind_stdout_is_told_in_one_line(taught: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROGRAM, "blame"], cwd=taught, stdout=full, stderr=subprocess.PIPE, check=False)

    assert done.returncode != 0
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.fixture
def foreign(folder: Path, gitskill: Run, tmp_path: Path) -> Path:
    """Give a repository whose lesson is in many scripts."""
    (tmp_path / "edits.yml").write_text(
        '- {op: append_to_section, file: SKILL.md, target_section: Writing, content: "- Grüße, 日本 🙂"}\n'
    )
    done = gitskill(
        folder, "lesson", "add", "--title", "Überall", "--why", "日本", "--edits", str(tmp_path / "edits.yml")
    )
    assert done.code == 0, done.err
    return folder


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONOPTIMIZE": "2"},
        {"COLUMNS": "1"},
        {"COLUMNS": "20", "TERM": "dumb"},
        {"TZ": "Pacific/Kiritimati"},
        {"HOME": "/nonexistent"},
        {"GIT_DIR": "/nonexistent"},
    ],
    ids="-".join,
)
def test_the_surroundings_change_nothing_in_what_is_shown(
    environment: Mapping[str, str], foreign: Path, gitskill: Run
) -> None:
    expected = gitskill(foreign, "show", "l0001a")

    assert process(foreign, "show", "l0001a", environment=environment) == expected


def test_a_terminal_without_the_letters_shows_them_in_another_way(foreign: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "show", "l0001a"],
        cwd=foreign,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert "Überall".encode("latin-1") in done.stdout


def test_without_the_git_program_reading_works_and_writing_says_what_is_missing(
    taught: Path, gitskill: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert gitskill(taught, "show", "l0001a").code == 0
    assert gitskill(taught, "merge", "l0001a") == Done(
        5, "", "gitskill: the git program is not on PATH\nhint: install git 2.38 or newer\n"
    )


def test_a_first_hour_from_the_help_alone(tmp_path: Path) -> None:
    skill = tmp_path / "sheets"

    def say(*arguments: str, data: str | None = None) -> str:
        done = process(skill if skill.exists() else tmp_path, *arguments, data=data)
        assert (done.code, "Traceback" in done.err) == (0, False), done.err
        assert [line for line in (done.out + done.err).splitlines() if line != line.rstrip()] == []
        return done.out

    def edit(old: str, new: str) -> str:
        text = (skill / "SKILL.md").read_text()
        assert old in text
        (skill / "SKILL.md").write_text(text.replace(old, new))
        diff = git(skill, "diff")
        git(skill, "checkout", "-q", ".")
        return diff

    def add(title: str, diff: str) -> str:
        return say("lesson", "add", "--title", title, "--why", "seen", "--diff", "-", data=diff).split()[0]

    say("init", "sheets")
    (skill / "SKILL.md").write_text(SKILL)
    commit_all(skill, "Write it")
    assert add("Save a copy", edit("- Save to a new file.", "- Save to a copy.")) == "r0001/l0001a"
    assert add("Zones", edit("Store dates as dates.", "Store dates as dates.\nZones matter.")) == "r0001/l0002a"
    assert say("merge", "l0001a", "l0002a") == "r0001/m1-01  2 lessons in one merge of 3 parents\n"
    git(skill, "merge", "-q", "--no-ff", "--no-edit", "gitskill/r0001/m1-01")
    git(skill, "tag", "-a", "v1.1.0", "-m", "More")

    assert add("Say why", edit("- Save to a copy.", "- Save to a copy: the input is evidence.")) == "r0002/l0001a"
    assert say("merge", "r0002/l0001a") == "r0002/m1-01  1 lesson in one merge of 2 parents\n"
    git(skill, "merge", "-q", "--no-ff", "--no-edit", "gitskill/r0002/m1-01")
    git(skill, "tag", "-a", "v1.2.0", "-m", "More")

    assert [(line.split()[0], " ".join(line.split()[-2:])) for line in say("log").splitlines()] == [
        ("v1.2.0", "1 lesson"),
        ("v1.1.0", "2 lessons"),
        ("v1.0.0", "skill sheets"),
    ]
    assert say("diff", "v1.1.0", "v1.2.0").splitlines()[1:4] == [
        "SKILL.md  Sheets > Writing",
        "-        - Save to a copy.",
        "+ l0001a - Save to a copy: the input is evidence.",
    ]
    assert say("blame", "-L", "10").startswith("l0001a  ")
    assert say("show", "r0002/l0001a").startswith(
        "r0002/l0001a  Say why  (merged in r0002/m1-01, released in v1.2.0)\n"
    )
    assert say("undo") == "undone: merge 1 lesson of r0002 into m1-01\n"
    assert git(skill, "status", "--short") == ""
    assert git(skill, "fsck", "--strict", "--no-dangling") == ""


def test_a_shell_is_told_how_to_complete(tmp_path: Path) -> None:
    asked = {**os.environ, "_GITSKILL_COMPLETE": "bash_complete", "COMP_WORDS": "gitskill le", "COMP_CWORD": "1"}
    source = {**os.environ, "_GITSKILL_COMPLETE": "bash_source"}

    words = subprocess.run(PROGRAM, cwd=tmp_path, env=asked, capture_output=True, text=True, check=False)
    script = subprocess.run(PROGRAM, cwd=tmp_path, env=source, capture_output=True, text=True, check=False)

    assert (words.returncode, words.stdout) == (0, "plain,lesson\n")
    assert (script.returncode, "_GITSKILL_COMPLETE=bash_complete" in script.stdout) == (0, True)
