"""A command is killed at every point where it, or its git, changes a file; each time it must go on as if not.

    python bench/torture.py [analyse|consolidate|evolve] [--first N] [--every K] [--rounds N] [--jobs N]

strace watches the real program in a session of its own. At the n-th call that
changes a file, by whichever process, the whole session is killed, for n = 1 and
so on until a run ends undisturbed; then only the git process that was at work.
At last, sessions are killed at random moments, five times in a row. (strace can
kill by itself, but counts for each process apart, and kills only that one.)
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple, TextIO

from sample import git

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from analyst_server import analysts, lesson, lessons, quotable
from clash_server import keep_first
from fault_server import FaultServer, Reaction, Seen, ok
from study_runs import runs

GOOD, BAD = 6, 2
WORKERS = 3
DEEP = 5
_PLANNED = ("--workers", str(WORKERS), "--verify", "off", "--fan-in", "4")
_PLACED = ("--min-support", "1")
COMMANDS = {
    "analyse": ("analyse", *_PLANNED),
    "consolidate": ("consolidate", "--workers", str(WORKERS), *_PLACED),
    "evolve": ("evolve", *_PLANNED, *_PLACED),
}
_MOMENTS = 0.3, 1.5
"""Seconds; a run begins to write after the first, and takes about twice the second."""
SKILL = """---
name: sheets
description: Edit sheets.
---

# Sheets

## Writing

- Save to a new file.
"""
EXITS = {0, 2, 3, 4, 5, 6, 7, 75, 130, 143}
"""All that are documented, but for 1: that is a bug."""
PROGRAM = [sys.executable, "-c", "from gitskill.cli.main import main; main()"]
_CLASHING = re.compile(r"Tidy up sheet number ([2-5])\.")
_NAMES = "rename renameat renameat2 link linkat mkdir mkdirat unlink unlinkat ftruncate fsync fdatasync pwrite64"
_STOP = 1500
"""Microseconds for which the caller is stopped after a call: long enough to be killed there."""
_CALL = re.compile(r"(?P<process>\d+) +(?P<name>\w+)\((?P<rest>.*)")
_VICTIMS = {"all": "the whole session", "git": "only the git process"}


@dataclass(frozen=True)
class Undisturbed:
    """A repository with traces that wait to be studied, and what studying them without trouble comes to."""

    folder: Path
    refs: str
    questions: int
    command: tuple[str, ...]


@dataclass(frozen=True)
class Point:
    """One kill: where it struck, and what was wrong afterwards."""

    call: str
    """Empty where the run came to its end first."""
    problems: tuple[str, ...] = ()


class Ended(NamedTuple):
    """How one process ended."""

    code: int
    said: str


def main() -> None:
    """Print a table of the points that were tried, and everything that went wrong."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="torture-") as made:
        known = prepared(Path(made), options.command)
        print(
            f"{options.command}, undisturbed: {known.questions} questions, {known.refs.count(chr(10))} refs", flush=True
        )
        failed = 0
        with ThreadPoolExecutor(options.jobs) as pool:
            for victim, told in _VICTIMS.items():
                failed += table(told, stepped(known, victim, count(options.first, options.every), pool))
            rounds = pool.map(lambda seed: at_random(known, seed), range(options.rounds))
            failed += table(f"at random, {DEEP} times in a row", rounds)
    sys.exit(3 if failed else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", nargs="?", choices=sorted(COMMANDS), default="analyse", help="what is killed")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="begin at point N")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="try every K-th point only")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="rounds of kills at random moments")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="runs at once")
    return parser.parse_args()


def table(title: str, points: Iterable[Point]) -> int:
    """Print how many points were tried and failed, by kind of call; give how many failed."""
    tried: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    said = []
    for point in points:
        tried[point.call.partition(" ")[0]] += 1
        failed[point.call.partition(" ")[0]] += bool(point.problems)
        said += [f"  {point.call}: {problem}" for problem in point.problems]
    rows = [(call, tried[call], failed[call]) for call in sorted(tried)]
    print(f"killed: {title}\n  {'call':12}  points  failed")
    for call, points_, failed_ in [*rows, ("all", tried.total(), failed.total())]:
        print(f"  {call:12}  {points_:6}  {failed_:6}")
    print("\n".join(said), flush=True)
    return failed.total()


def prepared(place: Path, command: str) -> Undisturbed:
    """Make a repository with runs to study, or studied runs, and go on with a copy of it without trouble."""
    words = COMMANDS[command]
    folder = place / "skill"
    folder.mkdir()
    (folder / "SKILL.md").write_text(SKILL)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=Bench", "-c", "user.email=bench@example.com", "commit", "-qm", "Base")
    logs, labels = runs(place / "runs", good=GOOD, bad=BAD)
    with FaultServer(some_refused) as server:
        stored = finish(folder, server, "traces", "add", str(logs), "--labels", str(labels))
        if command == "consolidate":
            stored = finish(folder, server, *COMMANDS["analyse"])
            server.seen.clear()
        twin = shutil.copytree(folder, place / "twin")
        done = finish(twin, server, *words)
        if stored.code or done.code:
            sys.exit(f"an undisturbed run ended with {done.code}: {stored.said}{done.said}")
        return Undisturbed(folder, refs(twin), server.count, words)


def some_refused(seen: Seen) -> Reaction:
    """Answer as analysts do; one run's lessons are held and rejected, and those of four clash."""
    if seen.json["response_format"]["json_schema"]["name"] == "Decisions":
        return keep_first(seen)
    if (found := _CLASHING.search(seen.text)) and "Lessons" in str(seen.json["response_format"]):
        rule = f"Save under a name of your own, way {found[1]}."
        edit = {"op": "replace_in_section", "file": "SKILL.md", "target_section": "Writing", "content": f"- {rule}"}
        told = lesson(*quotable(str(seen.json["messages"][1]["content"])), rule)
        return ok(lessons(told | {"edits": [edit | {"old_text": "- Save to a new file."}]}))
    if "Tidy up sheet number 1." not in seen.text:
        return analysts(seen)
    step, quote = quotable(str(seen.json["messages"][1]["content"]))
    held, false = lesson(step, quote, "Get it with curl https://x.example/a."), lesson(step, "not said", "Count rows.")
    return ok(lessons(held, false))


def stepped(known: Undisturbed, victim: str, numbers: Iterator[int], pool: ThreadPoolExecutor) -> Iterator[Point]:
    """Kill at each point in turn, until a run ends undisturbed."""
    while True:
        batch = list(islice(numbers, 8))
        found = list(pool.map(lambda number: at_point(known, victim, number), batch))
        print(f"  {batch[-1]} points, {sum(bool(each.problems) for each in found)} failed", file=sys.stderr)
        yield from (point for point in found if point.call or point.problems)
        if not found[-1].call:
            return


def at_point(known: Undisturbed, victim: str, number: int) -> Point:
    """Kill at the point `number`, go on, and look at what is left."""
    with scratch(known) as folder, FaultServer(some_refused) as server:
        place, ended = killed(folder, known.command, server, victim, number)
        is_dead = bool(place) and victim == "all"
        problems = [] if is_dead else _told_well(ended)
        return Point(place, (*problems, *(judged(folder, known, server, kills=1) if place else ())))


def at_random(known: Undisturbed, seed: int) -> Point:
    """Kill again and again at moments that nobody chose."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    with scratch(known) as folder, FaultServer(some_refused, latency=(0.0, 0.05), seed=seed) as server:
        for _ in range(DEEP):
            process = start(folder, server, *known.command)
            with suppress(subprocess.TimeoutExpired):
                process.wait(draw.uniform(*_MOMENTS))
            end(process)
        return Point(f"seed {seed}", judged(folder, known, server, kills=DEEP))


def judged(folder: Path, known: Undisturbed, server: FaultServer, kills: int) -> tuple[str, ...]:
    """Hold a repository against everything that must be true after kills, and again after going on."""
    problems = [f"at once: {problem}" for problem in _harm(folder, known)]
    done = finish(folder, server, *known.command)
    problems += [*_told_well(done), *_harm(folder, known)]
    problems += [f"going on ended with {done.code}: {done.said[-300:]!r}"] if done.code else []
    own = folder / ".git" / "gitskill"
    problems += [f"{path} is left" for path in (folder / ".git").rglob("*.lock") if path.parent != own]
    problems += ["the refs are not those of an undisturbed run"] if refs(folder) != known.refs else []
    questions = len({seen.body for seen in server.seen})
    is_dear = server.count > known.questions + kills * WORKERS or questions > known.questions
    problems += [f"{server.count} calls for {questions} questions"] if is_dear else []
    return tuple(problems)


def _harm(folder: Path, known: Undisturbed) -> list[str]:
    """Say whether objects are damaged, or anything of the person's was touched."""
    command = ["git", "-C", str(folder), "fsck", "--strict", "--no-dangling"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [f"fsck: {done.stdout}{done.stderr}"] if done.returncode else []
    return found if owned(folder) == owned(known.folder) else [*found, "the checkout changed"]


def owned(folder: Path) -> tuple[object, ...]:
    """Give everything of a repository that is a person's: the work tree, HEAD, index, configuration and branches."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    own = {name: path.read_bytes() for name, path in files.items() if not name.startswith(".git/")}
    inside = [(folder / ".git" / name).read_bytes() for name in ("HEAD", "index", "config")]
    return own, inside, [line for line in refs(folder).splitlines() if "/gitskill/" not in line]


def _told_well(ended: Ended) -> list[str]:
    problems = ["a traceback"] if "Traceback" in ended.said else []
    return problems + ([] if ended.code in EXITS else [f"exit code {ended.code}: {ended.said[-500:]!r}"])


def refs(folder: Path) -> str:
    """Give every ref with its object."""
    return git(folder, "for-each-ref", "--format=%(refname) %(objectname)").decode()


@contextmanager
def scratch(known: Undisturbed) -> Iterator[Path]:
    """Give a copy of the repository to do harm to."""
    with tempfile.TemporaryDirectory(prefix="torture-") as made:
        yield shutil.copytree(known.folder, Path(made) / "skill")


def finish(folder: Path, server: FaultServer, *words: str) -> Ended:
    """Run a command to its end."""
    process = start(folder, server, *words)
    out, err = process.communicate(timeout=120)
    return Ended(process.returncode, out + err)


def start(folder: Path, server: FaultServer, *words: str, trace: Iterable[str] = ()) -> "subprocess.Popen[str]":
    """Start a command in a session of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "GITSKILL", "GIT_"))}
    person = {f"GIT_COMMITTER_{key}": value for key, value in (("NAME", "Bench"), ("EMAIL", "b@example.com"))}
    sealed = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GITSKILL_CONFIG": os.devnull}
    model = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "k", "GITSKILL_MODEL": "m"}
    environment = {**kept, **person, **sealed, **model, "SOURCE_DATE_EPOCH": "1700000000"}
    command, pipe = [*trace, *PROGRAM, "-C", str(folder), *words], subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def killed(folder: Path, words: tuple[str, ...], server: FaultServer, victim: str, number: int) -> tuple[str, Ended]:
    """Kill at the `number`-th call that changes a file of the repository; say which it was, if it came to that."""
    log = folder.parent / "trace"
    os.mkfifo(log)
    names = _NAMES.replace(" ", ",")
    # openat is not stopped: Python opens a thousand files before it begins. The kill comes a little later there.
    watch = ("strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "300", "-o", str(log), "-e", f"trace={names},openat")
    stop = ("-e", f"inject={names}:delay_exit={_STOP}")
    process = start(folder, server, *words, trace=(*watch, *stop))
    with log.open() as lines:
        found, struck = _nth(lines, folder, victim, number)
        if struck and victim == "all":
            end(process)
        elif struck:
            with suppress(ProcessLookupError):
                os.kill(struck, signal.SIGKILL)
        list(lines)  # whoever is left goes on
    out, err = process.communicate(timeout=120)
    return found, Ended(process.returncode, out + err)


def _nth(lines: TextIO, folder: Path, victim: str, number: int) -> tuple[str, int]:
    """Read until the call; give it, and who made it."""
    for line in lines:
        call = _CALL.match(line)
        if not call:
            continue
        process = int(call["process"])
        if not _changes(call["name"], call["rest"], folder) or (victim == "git" and not _is_git(process)):
            continue
        number -= 1
        if not number:
            return f"{call['name']} {call['rest'].strip().replace(str(folder), '')[:120]}", process
    return "", 0


def _changes(name: str, rest: str, folder: Path) -> bool:
    """Tell whether a call changes a file of the repository; paths that are not absolute are git's own."""
    if name == "openat" and "O_CREAT" not in rest:
        return False
    return str(folder) in rest or not re.search(r'[<"]/', rest)


def _is_git(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/exe").readlink().name == "git"
    except OSError:
        return False


def end(process: "subprocess.Popen[str]") -> None:
    """Kill a session, and wait until nobody of it is left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    while _alive(process.pid):
        time.sleep(0.002)


def _alive(group: int) -> bool:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                return True
    return False


if __name__ == "__main__":
    main()
