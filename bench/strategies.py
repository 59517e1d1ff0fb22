"""All traces on one frozen skill and a tree of merges, against round after round: calls, depth, time.

    python bench/strategies.py [SECONDS]

Forty successful runs, 64 workers, an endpoint that takes exactly SECONDS (0.5)
for every answer. The same program, the same analysts, the same traces; only
--strategy differs, and for rounds of four one call has four runs before it.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from analyse import prepare, sealed, served, told_by
from sample import git

TRACES = 40
WORKERS = 64
SECONDS = 0.5
WAYS = {
    "parallel": (),
    "sequential, 4 at a time": ("--strategy", "sequential", "--batch", "4"),
    "sequential, 1 at a time": ("--strategy", "sequential", "--batch", "1"),
}


@dataclass(frozen=True)
class Figures:
    """One run of the program."""

    calls: int
    rounds: int
    seconds: float
    """From the first request to the last answer."""
    whole: float
    """Of the process."""


def main() -> None:
    """Print each way, and how many times longer than the first it took."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as made:
        prepare(Path(made), TRACES)
        found = {name: one(Path(made), words, seconds) for name, words in WAYS.items()}
    first = next(iter(found.values()))
    print(f"{TRACES} traces, {WORKERS} workers, {seconds} s an answer")
    for name, each in found.items():
        print(
            f"  {name:24} {each.calls:3} calls  {each.rounds:3} rounds"
            f"  {each.seconds:6.2f} s, {each.seconds / first.seconds:5.1f} times as long;"
            f" the whole command {each.whole:6.2f} s, {each.whole / first.whole:5.1f}"
        )


def one(folder: Path, words: tuple[str, ...], seconds: float) -> Figures:
    """Evolve in a copy of the repository, against a fresh server."""
    with tempfile.TemporaryDirectory() as made, served((seconds, seconds)) as url:
        copy = Path(made) / "skill"
        git(folder, "clone", "-q", "--mirror", str(folder / "skill"), str(copy / ".git"))
        git(copy, "config", "core.bare", "false")
        command = ["-C", str(copy), "evolve", "--workers", str(WORKERS), "--json", *words]
        program = [sys.executable, "-c", "from gitskill.cli.main import main; main()", *command]
        began = time.monotonic()
        done = subprocess.run(
            program,
            check=True,
            capture_output=True,
            env=sealed(OPENAI_BASE_URL=url, OPENAI_API_KEY="k", GITSKILL_MODEL="m"),
        )
        whole = time.monotonic() - began
        stats, found = told_by(url, "stats"), json.loads(done.stdout)
        return Figures(stats["requests"], found["rounds"], stats["seconds"], whole)


if __name__ == "__main__":
    main()
