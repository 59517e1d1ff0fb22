"""What the sandbox is made of: an empty machine with /usr to read, /skill to read and /job to work in."""

from collections.abc import Mapping
from pathlib import Path

NOBODY = "65534"
TOOLS = ("bash", "chmod", "prlimit", "setpriv", "tar", "timeout", "unshare")
"""Programs of the system, beside bubblewrap, without which the sandbox would be a weaker one."""

ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "HOME": "/tmp/home", "LANG": "C.UTF-8"}  # noqa: S108

_MB = 1 << 20
_LIMITS = (
    "--nproc=64",
    f"--as={1 << 30}",
    f"--fsize={64 * _MB}",
    "--cpu=20",
    "--nofile=256",
    "--core=0",
)

# Runs as process 1 of the sandbox, which no signal from inside can stop or kill; when it ends, all others are dead.
# Anywhere else it must not run at all: it kills every process it can see.
# The way out for the archive is handed in as file 0, whose number is sure; the command gets an empty one instead.
_KEEPER = f"""
[[ $$ == 1 ]] || exit 1
exec 3>&0 4>&2 </dev/null 2>/dev/null
printf S >&3
timeout --signal=KILL "$1" prlimit {" ".join(_LIMITS)} -- "${{@:2}}" 2>&4 3>&- 4>&-
status=$?
kill -KILL -1
chmod -R u+rwX /job
tar --create --format=gnu --blocking-factor=1 --sort=name --hard-dereference --file=- --directory=/job . >&3
exit "$status"
"""


def keeper(seconds: float) -> list[str]:
    """Give the words before a command that run it for at most `seconds` and then hand out what lies in /job."""
    return ["bash", "--norc", "--noprofile", "-c", _KEEPER, "sandbox", f"{seconds:.3f}"]


def as_nobody(setpriv: str) -> list[str]:
    """Give the words before bubblewrap that make root an ordinary user: root is above some limits."""
    return [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]


def options(given: Mapping[str, int], seccomp: int) -> list[str]:
    """Give bubblewrap's options. `given`: the open file to read each path's content from."""
    words = ["--unshare-user", "--unshare-all", "--disable-userns", "--cap-drop", "ALL"]
    words += ["--die-with-parent", "--new-session", "--as-pid-1"]
    words += ["--uid", NOBODY, "--gid", NOBODY, "--hostname", "sandbox", "--clearenv"]
    for name, value in ENVIRONMENT.items():
        words += ["--setenv", name, value]
    words += ["--ro-bind", "/usr", "/usr", *_beside_usr()]
    # Where libraries are, and which of several programs a name stands for: neither says anything about the user.
    for path in ("/etc/ld.so.cache", "/etc/alternatives"):
        words += ["--ro-bind-try", path, path]
    words += ["--proc", "/proc", "--dev", "/dev", *_memory(16, "/dev/shm"), "--remount-ro", "/dev"]  # noqa: S108
    words += [*_memory(64, "/tmp"), "--dir", ENVIRONMENT["HOME"], *_memory(64, "/job"), *_memory(64, "/skill")]  # noqa: S108
    # A value does not say whether it is a program, so each may be run.
    for path, file in given.items():
        words += ["--perms", "0755", "--file", str(file), path]
    # The root is memory too: left open to write, it would be memory without a limit.
    return [*words, "--remount-ro", "/skill", "--remount-ro", "/", "--chdir", "/job", "--seccomp", str(seccomp)]


def _memory(megabytes: int, path: str) -> list[str]:
    return ["--size", str(megabytes * _MB), "--tmpfs", path]


def _beside_usr() -> list[str]:
    """Give the folders beside /usr that programs need: links into it on most systems, folders on older ones."""
    words = []
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    return words
