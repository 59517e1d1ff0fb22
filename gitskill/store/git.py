"""What only the git program does well: write a pack with its index, move many refs at once, check a repository.

Nothing in the repository decides what runs: hooks are off, the user's and the
system's configuration are not read, and every call names its repository.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
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
        code, printed, complaint = _ended(command, data, _environment(who))
    except FileNotFoundError as error:
        raise GitRefused("the git program is not on PATH", hint="install git 2.38 or newer") from error
    if code:
        said = complaint.decode(errors="replace").strip().splitlines() or [f"exit code {code}"]
        kind = GitKilled if code < 0 else GitRefused
        raise kind(f"git {args[0]}: {said[0].removeprefix('fatal: ')}")
    return printed


def _ended(command: Sequence[str], data: bytes, environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Give exit code, output and complaint. An exception that a signal raises here comes out when git has ended."""
    # Ctrl-C in a terminal goes to the whole process group: git is in a session of its own.
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
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


def own_environment() -> dict[str, str]:
    """Give the person's environment without what git hands to its hooks, for a program that they configured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def user_settings(git_dir: Path) -> dict[str, str]:
    """Read the person's own git configuration: the system's, theirs and the environment's, never the repository's.

    The repository is named because theirs may differ from folder to folder. Keys are in lower case.
    """
    own = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_PARAMETERS")
    numbered = ("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
    given = {name: value for name, value in os.environ.items() if name in own or name.startswith(numbered)}
    command = ("git", f"--git-dir={git_dir}", "-c", "safe.directory=*", "config", "--null", "--list", "--show-scope")
    code, printed, complaint = _ended(command, b"", own_environment() | given)
    if code:
        raise GitRefused(f"git config: {(complaint.decode(errors='replace').splitlines() or ['failed'])[0]}")
    words = printed.decode("utf-8", "surrogateescape").split("\0")
    found: dict[str, str] = {}
    for scope, setting in zip(words[::2], words[1::2], strict=False):
        if scope in {"system", "global", "command"}:
            key, _, value = setting.partition("\n")
            found[key.lower()] = value
    return found


def _environment(who: Sequence[str]) -> dict[str, str]:
    """Drop every GIT_* variable: git exports GIT_DIR to its hooks, and we may run in one."""
    return own_environment() | {
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
