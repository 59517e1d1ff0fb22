"""Ten thousand runs to a candidate without a model: seconds, memory, and whether the branches are packed.

Run: python bench/ten_thousand.py [COUNT]
"""

import json
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from analyse import gitskill
from sample import make_repository

MINUTES, MEGABYTES = 10, 500


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_runs(folder, count)
        gitskill(folder / "skill", "traces", "add", str(folder / "runs"), "--labels", str(folder / "labels.csv"))
        began = time.perf_counter()
        gitskill(folder / "skill", "evolve", "--offline")
        minutes = (time.perf_counter() - began) / 60
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        loose = sum(len(files) for _, _, files in os.walk(folder / "skill" / ".git" / "refs"))
    print(
        f"{count} runs: {minutes:.1f} minutes (bar {MINUTES}), {used.ru_utime + used.ru_stime:.0f} s of CPU, ", end=""
    )
    print(f"{used.ru_maxrss / 1024:.0f} MB (bar {MEGABYTES}), {loose} refs that are files")


def write_runs(folder: Path, count: int) -> None:
    """Write runs that meet one of many errors, each of which is met by about twenty; four of five get past it."""
    make_repository(folder / "skill")
    (folder / "runs").mkdir()
    labels = ["id,outcome"]
    for number in range(count):
        tool = f"tool{random.Random(number).randrange(max(count // 20, 10))}"  # noqa: S311 - not for secrets
        is_bad = number % 5 == 0
        error = f"{tool}: missing operand\nTry '{tool} --help' for more information."
        steps: list[dict[str, Any]] = [{"origin": "user", "text": f"Tidy up sheet {number}."}]
        steps += [_called(f"cat part{at}.txt | sort -k{at}", f"line {number} " * 20, 0) for at in range(1, 5)]
        steps.append(_called(f"find /sheets -size {number} | xargs {tool}", error, 123))
        fixed = _called(f"find /sheets -size {number} | xargs {tool} -f", f"removed {number} files", 0)
        steps.append(_called(f"find /sheets -size {number} | xargs {tool}", error, 123) if is_bad else fixed)
        run = {"gitskill_trace": 1, "task": f"task-{number // 2}x", "request": "Tidy up.", "steps": steps}
        (folder / "runs" / f"task-{number}x.json").write_text(json.dumps(run))
        labels.append(f"task-{number}x,{'failure' if is_bad else 'success'}")
    (folder / "labels.csv").write_text("\n".join(labels) + "\n")


def _called(command: str, text: str, code: int) -> dict[str, Any]:
    call = {"name": "bash", "arguments": {"command": command}, "observation": {"text": text, "exit_code": code}}
    return {"origin": "agent", "calls": [call]}


if __name__ == "__main__":
    main()
