"""What only the git program does well: write a pack with its index, move many refs at once, speak with a remote.

Nothing in the repository decides what runs: hooks are off, the user's and the
system's configuration are not read, and every call names its repository. Only
`converse` goes by the person's own configuration, in a repository of ours.
"""

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
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
_AFAR = {
    "maintenance.auto": "false",
    "core.alternateRefsCommand": "true",
    "fetch.fsckObjects": "true",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
}
"""What holds besides where git speaks with a remote."""

_PERSONS = re.compile(
    r"GIT_(?:ASKPASS|SSH|SSH_COMMAND|SSH_VARIANT|TERMINAL_PROMPT|(?:PROXY_)?SSL_[A-Z_]+"
    r"|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|(?:KEY|VALUE)_\d{1,3}))"
)
"""Variables by which a person tells git how to reach a remote and who they are there."""

_MOST_SAID = 64 * 1024 * 1024
"""Bytes that git may print of what a remote says."""

_PATIENCE = 1.5
"""Seconds in which a git that was begun may end after this process was told to stop."""


class GitKilled(GitRefused):
    """A signal ended git: what it was asked for may be done or not."""


def run(
    git_dir: Path,
    *args: str,
    data: bytes = b"",
    who: Sequence[str] = ("gitskill", "gitskill@invalid"),
    index: Path | None = None,
) -> bytes:
    """Run `git ARGS` on `git_dir` and return what it printed, or raise GitRefused with git's own words.

    A signal to this process does not break git off: what git has begun, it ends. `index` is read in place of the
    repository's own; beside it lies nothing else.
    """
    try:
        env = _environment(who) | ({"GIT_INDEX_FILE": str(index)} if index else {})
        # Where files were staged this very second git compares them with those around it, and that runs filters: an
        # index is looked at where none of its files are.
        place = index.parent if index else None
        code, printed, complaint = _ended(_command(git_dir, _SETTINGS, args), data, env, place)
    except FileNotFoundError as error:
        raise _missing() from error
    if code:
        said = complaint.decode(errors="replace").strip().splitlines() or [f"exit code {code}"]
        kind = GitKilled if code < 0 else GitRefused
        raise kind(f"git {args[0]}: {said[0].removeprefix('fatal: ')}")
    return printed


def _command(git_dir: Path, settings: Mapping[str, str], args: Sequence[str]) -> list[str]:
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    return ["git", f"--git-dir={git_dir}", *options, *args]


def _missing() -> GitRefused:
    return GitRefused("the git program is not on PATH", hint="install git 2.38 or newer")


def _ended(
    command: Sequence[str], data: bytes, env: Mapping[str, str], place: Path | None = None
) -> tuple[int, bytes, bytes]:
    """Give exit code, output and complaint. An exception that a signal raises here comes out when git has ended."""
    # Ctrl-C in a terminal goes to the whole process group: git is in a session of its own.
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd=place,
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


@dataclass(frozen=True, slots=True)
class Said:
    """What a git that spoke with a remote came to."""

    code: int
    printed: str
    complaint: str


@dataclass(frozen=True, slots=True)
class Manners:
    """How to speak with a remote."""

    ways: str
    """The protocols that are allowed, as GIT_ALLOW_PROTOCOL has them."""
    may_ask: bool = False
    """A person sits at a terminal: git and ssh may ask there for a password."""
    seconds: float = 900.0


def converse(git_dir: Path, manners: Manners, *args: str) -> Said:
    """Run `git ARGS` on `git_dir` with the person's own configuration: credentials, ssh, proxies, certificates.

    `git_dir` must be a repository that gitskill wrote itself: of any other, the
    configuration could name programs. Raises GitRefused where the remote takes
    too long or says too much.
    """
    try:
        process = subprocess.Popen(  # noqa: S603
            _command(git_dir, _SETTINGS | _AFAR, args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_persons_environment(manners),
            # Without a terminal of its own nothing can ask there; with one, Ctrl-C reaches git too.
            start_new_session=not manners.may_ask,
        )
    except FileNotFoundError as error:
        raise _missing() from error
    try:
        printed, complaint = _listen(process, time.monotonic() + manners.seconds)
    finally:
        _end(process, alone=not manners.may_ask)
    return Said(process.returncode, printed.decode(errors="replace"), complaint.decode(errors="replace"))


def _listen(process: subprocess.Popen[bytes], until: float) -> tuple[bytes, bytes]:
    """Read both streams of `process` to their ends, for as long and as much as is allowed."""
    heard: dict[object, bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as open_ones:
        for stream in (process.stdout, process.stderr):
            if stream:
                open_ones.register(stream, selectors.EVENT_READ)
        while open_ones.get_map():
            ready = open_ones.select(max(0.0, until - time.monotonic()))
            if not ready:
                raise GitRefused("the remote did not answer in time", hint="run the command again: it goes on")
            for key, _ in ready:
                part = os.read(key.fd, 65536)
                heard[key.fileobj] += part
                if not part:
                    open_ones.unregister(key.fileobj)
            if sum(map(len, heard.values())) > _MOST_SAID:
                raise GitRefused("the remote says more than gitskill reads")
    process.wait(max(1.0, until - time.monotonic()))
    return bytes(heard[process.stdout]), bytes(heard[process.stderr])


def _end(process: subprocess.Popen[bytes], *, alone: bool) -> None:
    """End what is still under way, with the programs that it started, and close its streams."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            if alone:
                os.killpg(process.pid, signal.SIGTERM)
            else:
                process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def _persons_environment(manners: Manners) -> dict[str, str]:
    """Keep of the GIT_* variables only those by which a person says how to reach a remote."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _PERSONS.fullmatch(name)
    }
    asks = kept.get("GIT_TERMINAL_PROMPT", "1") if manners.may_ask else "0"
    given = {"GIT_TERMINAL_PROMPT": asks, "GIT_ALLOW_PROTOCOL": manners.ways, "GIT_NO_LAZY_FETCH": "1"}
    return kept | given | {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
