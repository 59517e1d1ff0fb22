"""What only the git program does well: write a pack with its index, move many refs at once, check a repository.

Nothing in the repository decides what runs: hooks are off, the user's and the
system's configuration are not read, and every call names its repository.
"""

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gitskill.errors import GitRefused

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.fsync": "objects,derived-metadata,reference",
    "core.fsyncMethod": "fsync",
    "core.filesRefLockTimeout": "3000",
    "core.packedRefsTimeout": "3000",
    "gc.auto": "0",
    # libgit2 has already applied the user's own safe.directory when it opened the repository.
    "safe.directory": "*",
}

_PATIENCE = 1.5
"""Seconds in which a git that was begun may end after this process was told to stop."""


class GitKilled(GitRefused):
    """A signal ended git: what it was asked for may be done or not."""


def run(git_dir: Path, *args: str, data: bytes = b"", who: Sequence[str] = ("gitskill", "gitskill@invalid")) -> bytes:
    """Run `git ARGS` on `git_dir` and return what it printed, or raise GitRefused with git's own words.

    A signal to this process does not break git off: what git has begun, it ends.
    """
    options = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
    command = ["git", f"--git-dir={git_dir}", *options, *args]
    try:
        code, printed, complaint = _ended(command, data, who)
    except FileNotFoundError as error:
        raise GitRefused("the git program is not on PATH", hint="install git 2.38 or newer") from error
    if code:
        said = complaint.decode(errors="replace").strip().splitlines() or [f"exit code {code}"]
        kind = GitKilled if code < 0 else GitRefused
        raise kind(f"git {args[0]}: {said[0].removeprefix('fatal: ')}")
    return printed


def _ended(command: Sequence[str], data: bytes, who: Sequence[str]) -> tuple[int, bytes, bytes]:
    """Give exit code, output and complaint. An exception that a signal raises here comes out when git has ended."""
    # Ctrl-C in a terminal goes to the whole process group: git is in a session of its own.
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(who),
        start_new_session=True,
    )
    try:
        printed, complaint = process.communicate(data)
    finally:
        if process.returncode is None:
            if process.stdin:
                process.stdin.close()  # where not all was sent, git sees that there is no more, and does nothing
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_PATIENCE)
    return process.returncode, printed, complaint


def _environment(who: Sequence[str]) -> dict[str, str]:
    """Drop every GIT_* variable: git exports GIT_DIR to its hooks, and we may run in one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        # A missing object is never fetched: the repository's configuration says by which program.
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_COMMITTER_NAME": who[0],
        "GIT_COMMITTER_EMAIL": who[1],
        "LC_ALL": "C",
    }
