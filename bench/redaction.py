"""MB/s of redaction on one thread: long observations, and the texts of real runs as they come.

Run: python bench/redaction.py [FOLDER]
Without a folder it reads the real runs beside the repository, or those in tests/runs; a folder may hold any JSON.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from gitskill.redact.redactor import Redactor
from gitskill.trace import leaves

REAL = Path(__file__).parents[2] / "shared" / "data" / "trajectories"
RUNS = REAL if REAL.is_dir() else Path(__file__).parents[1] / "tests" / "runs"
ROUNDS = 5
LONG = 5_000
SHORT = range(20, 2_001)


def texts(path: Path) -> list[str]:
    """Give every text in a log; none where it is no JSON."""
    data = path.read_text(errors="replace")
    try:
        return list(leaves(json.loads(data)))
    except ValueError:
        pass
    try:
        return [leaf for line in data.splitlines() if line.strip() for leaf in leaves(json.loads(line))]
    except ValueError:
        return []


def speed(logs: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Give MB, and MB/s of processor time: the best of several rounds, one session for each log."""
    redactor = Redactor()
    size = sum(len(text) for log in logs for text in log) / 1e6
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for log in logs:
            session = redactor.session()
            for text in log:
                session.text(text)
        best = min(best, time.process_time() - start)
    return size, size / best


def show(name: str, logs: Sequence[Sequence[str]], bar: int) -> None:
    """Print one line of figures."""
    size, rate = speed(logs)
    print(f"{name:42} {sum(map(len, logs)):8,} texts {size:6.1f} MB {rate:7.1f} MB/s (bar {bar})")


def distinct(logs: Iterable[Iterable[str]]) -> list[list[str]]:
    """Give every text once."""
    return [list(dict.fromkeys(text for log in logs for text in log))]


def main() -> None:
    """Print the figures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    logs = [log for path in sorted(folder.rglob("*")) if path.is_file() and (log := texts(path))]
    typical = [[text for text in log if len(text) in SHORT] for log in logs]
    long = distinct([text for text in log if len(text) >= LONG] for log in logs)
    joined = [["\n".join(text for log in logs for text in dict.fromkeys(log))]]
    show("long observations, each once", long, 50)
    show("all texts as one", joined, 50)
    show("20 to 2,000 characters, as logs repeat them", typical, 20)
    show("20 to 2,000 characters, each once", distinct(typical), 20)
    show("every text, as logs repeat them", logs, 20)


if __name__ == "__main__":
    main()
