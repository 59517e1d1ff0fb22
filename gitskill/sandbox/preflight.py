"""What the sandbox must withstand, tried for real before the first command runs in it."""

import os
import pwd
import socket
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from gitskill.sandbox.profile import ENVIRONMENT

_PROBES = """
[[ -e $1 ]] && echo "a program in it reads the user's files"
(exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null && echo "a program in it reaches the network"
[[ $(readlink /proc/self/ns/net) == "$3" ]] && echo "a program in it is in the machine's own network"
unshare --user true 2>/dev/null && echo "a program in it makes user namespaces of its own"
echo tried
mapfile -d '' -t environment </proc/1/environ
printf '%s\\n' "${environment[@]}"
"""


async def breach(run: Callable[[Sequence[str]], Awaitable[str]]) -> str:
    """Say what a sandbox lets through that it must not; nothing if it holds.

    `run` runs a command in it and gives what the command printed. A file is
    planted in the user's home, a port listens, and the sandbox is started with a
    variable in its environment.
    """
    with ExitStack() as stack:
        canary = stack.enter_context(_canary())
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = str(listener.getsockname()[1])
        printed = await run(["bash", "-c", _PROBES, "probes", canary.name, port, _network()])
    found, _, environment = printed.partition("tried\n")
    if found:
        return found.splitlines()[0]
    foreign = set(environment.splitlines()) - {f"{name}={value}" for name, value in ENVIRONMENT.items()} - {"PWD=/job"}
    if foreign or not environment:
        return "a program in it sees the environment of others"
    return ""


def _network() -> str:
    return str(Path("/proc/self/ns/net").readlink())


def _canary() -> "tempfile._TemporaryFileWrapper[bytes]":
    """Plant a file in the user's home, or where temporary files lie if that cannot be written to."""
    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        home = ""
    place = home if os.access(home, os.W_OK) else "/tmp"  # noqa: S108
    return tempfile.NamedTemporaryFile(prefix=".gitskill-canary-", dir=place)
