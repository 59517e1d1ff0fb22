"""MB/s of every format, from file to canonical document with secrets taken out; and imports through the program.

Figures are of this machine; compare two of them, not one of them with another machine's.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from gitskill.formats import openai_chat
from gitskill.formats.reading import Format, Reading
from gitskill.formats.source import Source
from gitskill.formats.table import FORMATS, recognised
from gitskill.intake import LIMIT
from gitskill.redact.redactor import Redaction, Redactor
from gitskill.trace import Trace, shortened, with_texts
from gitskill.trace_document import canonical

HERE = Path(__file__).parents[1]
PLACES = (HERE.parent / "shared" / "data" / "trajectories", HERE / "tests" / "runs")
SECONDS = 1.0
SMALL = 0.05
TELLING = """
import atexit, sys
from pathlib import Path
from gitskill.cli.main import main
# The system's own figure for this program's memory; that of getrusage begins with what its parent held.
told = lambda: next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
atexit.register(lambda: print(told(), file=sys.stderr))
main()
"""
PROGRAM = [sys.executable, "-c", TELLING]


def files(made: Path) -> dict[str, list[Path]]:
    """Find logs of each format: real ones first, else those that were made for the tests, else made here."""
    (made / "chat.json").write_text(json.dumps(run_of(1, 20, 2_000)))
    [chat] = (item for item in openai_chat.read(Source(made / "chat.json")) if isinstance(item, Reading))
    (made / "trace.json").write_bytes(canonical(chat.trace))
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for place in (*PLACES, made):
        for path in sorted(path for path in place.rglob("*") if path.is_file()):
            known = recognised(Source(path))
            if known and (place == PLACES[0] or not found[known[0].NAME]):
                found[known[0].NAME].append(path)
    return found


def import_once(chosen: Format, path: Path, redactor: Redactor) -> int:
    """Take in one file but for the store, and give the bytes that would be stored."""
    found = (reading for reading in chosen.read(Source(path)) if isinstance(reading, Reading))
    return sum(len(stored(reading.trace, redactor.session())) for reading in found)


def stored(trace: Trace, redaction: Redaction) -> bytes:
    """Give the bytes that would be stored of a trace."""
    return canonical(with_texts(trace, lambda key, text: shortened(redaction.under(key, text), LIMIT)))


def speed(chosen: Format, paths: list[Path]) -> tuple[float, float]:
    """Give MB and MB/s, over as many rounds as a second takes."""
    redactor = Redactor({})
    size = sum(path.stat().st_size for path in paths) / 1e6
    rounds, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        for path in paths:
            import_once(chosen, path, redactor)
        rounds += 1
    return size, size * rounds / (time.perf_counter() - begun)


def run_of(number: int, texts: int, size: int) -> dict[str, object]:
    """Make a chat of `texts` turns of `size` characters."""
    body = (f"line {number} of the output, with /tmp/paths and numbers 12345\n" * (size // 50 + 1))[:size]
    turns = [{"role": "user", "content": f"Do task {number}."}]
    for turn in range(texts):
        turns.append({"role": "assistant", "content": f"{turn}: {body}"})
        turns.append({"role": "user", "content": f"{turn}! {body}"})
    return {"messages": turns, "task_id": f"t{number}", "reward": number % 2}


def through_the_program(name: str, place: Path) -> None:
    """Import a folder with the real program in a new repository; print time, MB/s and memory over the baseline."""
    with tempfile.TemporaryDirectory() as made:
        repository = Path(made) / "skill"
        subprocess.run(["git", "init", "-q", str(repository)], check=True)
        (repository / "SKILL.md").write_text("---\nname: skill\ndescription: x\n---\n")
        subprocess.run(["git", "-C", str(repository), "add", "-A"], check=True)
        subprocess.run(["git", "-C", str(repository), "commit", "-qm", "base"], check=True)
        size = sum(path.stat().st_size for path in place.rglob("*")) / 1e6
        base = memory([*PROGRAM, "-C", str(repository), "traces", "list"])
        begun = time.perf_counter()
        used = memory([*PROGRAM, "-C", str(repository), "traces", "add", str(place)])
        took = time.perf_counter() - begun
    print(f"{name:<28} {size:8.1f} MB {took:7.1f} s {size / took:7.1f} MB/s  {used - base:5.0f} MB over the baseline")


def memory(command: list[str]) -> float:
    """Run a command that tells the most memory it held on its last line of stderr, and give that in MB."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stderr.splitlines()[-1].split()[1]) / 1024


def main() -> None:
    """Print a line for each format, then the imports."""
    with tempfile.TemporaryDirectory() as made:
        known = files(Path(made))
        for chosen in FORMATS:
            size, rate = speed(chosen, known[chosen.NAME])
            small = "" if size > SMALL else "  (small files: mostly the cost of opening them)"
            print(f"{chosen.NAME:<20} {len(known[chosen.NAME]):4} files {size:8.3f} MB {rate:7.1f} MB/s{small}")
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        (place / "small").mkdir()
        for number in range(10_000):
            (place / "small" / f"{number}.json").write_text(json.dumps(run_of(number, 3, 300)))
        through_the_program("10,000 traces of 2 KB", place / "small")
        (place / "large").mkdir()
        (place / "large/one.json").write_text(json.dumps(run_of(1, 100, 500_000)))
        through_the_program("one trace of 100 MB", place / "large")
        (place / "long").mkdir()
        (place / "long/one.json").write_text(json.dumps(run_of(1, 10_000, 5_000)))
        through_the_program("one of 20,000 texts, 100 MB", place / "long")
        (place / "many").mkdir()
        for number in range(100):
            (place / "many" / f"{number}.json").write_text(json.dumps(run_of(number, 50, 10_000)))
        through_the_program("100 traces of 1 MB", place / "many")


if __name__ == "__main__":
    main()
