"""The git program ends what it began, whatever signal comes meanwhile."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import git
from gitskill.store.git import run
from gitskill.store.repository import Repository

_MOVER = """
import sys
from pathlib import Path
from gitskill.store.git import run
folder, head = Path(sys.argv[1]), sys.argv[2]
data = b"start\\0" + b"create refs/heads/new\\0%s\\0" % head.encode() + b"commit\\0"
try:
    run(folder, "update-ref", "--stdin", "-z", data=data)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_waits_until_git_has_moved_the_refs(folder: Path, repository: Repository) -> None:
    hook = folder / ".git/wait"
    os.mkfifo(hook)
    slow = folder / "bin/git"
    slow.parent.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    # A git that tells when it has heard all, and takes its time.
    heard = folder / ".git/heard"
    slow.write_text(f'#!/bin/sh\ncat > {heard}\necho > {hook}\nsleep 0.5\nexec {real} "$@" < {heard}\n')
    slow.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-c", _MOVER, str(folder / ".git"), repository.head()],
        env=os.environ | {"PATH": f"{slow.parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        hook.read_text()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        told, _ = process.communicate(timeout=20)

    assert told == "interrupted\n"
    assert git(folder, "rev-parse", "new").strip() == repository.head()


def test_a_transaction_that_is_cut_off_moves_nothing(folder: Path, repository: Repository) -> None:
    run(
        repository.git_dir,
        *("update-ref", "--stdin", "-z"),
        data=b"start\0create refs/heads/half\0" + repository.head().encode() + b"\0",
    )

    assert git(folder, "branch", "--list", "half") == ""


@pytest.mark.parametrize("word", ["no-such-command", "rev-parse"])
def test_what_git_refuses_is_told_in_its_words(repository: Repository, word: str) -> None:
    with pytest.raises(Exception, match=f"git {word}: "):
        run(repository.git_dir, word, "--verify", "nothing")
