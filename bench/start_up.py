"""How long `gitskill --help` takes beside a Python that does nothing.

Run: python bench/start_up.py
"""

import subprocess
import sys
import time

ROUNDS = 15


def best(*command: str) -> float:
    """Give the shortest of several runs."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print seconds and the ratio."""
    bare = best(sys.executable, "-c", "")
    ours = best(sys.executable, "-c", "from gitskill.cli.main import main; main()", "--help")
    print(f"gitskill --help {ours:.3f} s, bare python {bare:.3f} s, ratio {ours / bare:.1f} (bar 0.3 s)")


if __name__ == "__main__":
    main()
