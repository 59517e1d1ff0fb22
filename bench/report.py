"""The report page of a thousand lessons: how long it takes to build, and to open in a browser.

    python bench/report.py [COUNT]

The run is written through the store: near-repeats, clashes, lessons that wait
and lessons that were turned down, each with its trace.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import sample

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browser import Browser, browser
from gitskill.cli.main import run
from gitskill.fate import State
from gitskill.skill.edits import AppendToSection, Edit, ReplaceInSection
from gitskill.store.repository import Repository
from studied_run import Said, Study

ROUNDS = 5
OPENED = "performance.timing.loadEventEnd - performance.timing.navigationStart"
PAINTED = "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
FILTERED = """(() => {
  const input = document.querySelector("input"), began = performance.now();
  input.value = "cell 7";
  input.dispatchEvent(new Event("input"));
  document.body.offsetHeight;
  return performance.now() - began;
})()"""


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as made:
        folder, page = Path(made) / "skill", Path(made) / "report.html"
        environment = {**os.environ, "GITSKILL_CONFIG": os.devnull, "SOURCE_DATE_EPOCH": str(sample.WHO.when)}
        environment |= {"GIT_COMMITTER_NAME": sample.WHO.name, "GIT_COMMITTER_EMAIL": sample.WHO.email}
        sample.make_repository(folder)
        Study([said(number, count) for number in range(count)], (), 16).write(Repository.open(folder))
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - what the commands print is not measured
            sys.stdout, sys.stderr, out = nowhere, nowhere, sys.stdout
            consolidated = run(["-C", str(folder), "consolidate", "--engine", "rules"], environment)
            began = time.perf_counter()
            written = run(["-C", str(folder), "report", "-o", str(page)], environment)
            took = time.perf_counter() - began
            sys.stdout, sys.stderr = out, sys.__stderr__
        if consolidated or written:
            raise SystemExit("the page was not made")
        print(f"{count} lessons: built in {took:.2f} s, {page.stat().st_size / 1e6:.2f} MB")
        program = shutil.which("chromium")
        if program is None:
            raise SystemExit("chromium is not installed: the page was not opened")
        with browser(program) as chromium:
            opened(chromium, page)


def opened(chromium: Browser, page: Path) -> None:
    """Open the page several times, and print the middle."""
    loads, paints, filters = [], [], []
    for _ in range(ROUNDS):
        chromium.open(page.as_uri())
        paints.append(chromium.js(PAINTED))
        loads.append(chromium.js(OPENED))
        filters.append(chromium.js(FILTERED))
    elements = chromium.js("document.querySelectorAll('*').length")
    print(f"{elements:,} elements; opened in {statistics.median(loads):.0f} ms, the slowest of {ROUNDS} in ", end="")
    print(f"{max(loads):.0f} ms (bar 2000); painted after {statistics.median(paints):.0f} ms")
    print(f"filtered in {statistics.median(filters):.0f} ms")


def said(number: int, count: int) -> Said:
    """Give what one trace teaches."""
    section = f"Section {number % sample.SECTIONS}"
    same = number % (count // 3 or 1)
    edit: Edit = AppendToSection("SKILL.md", section, f"- Lesson {same}: look twice at `cell {same}` before you save.")
    if number % 20 == 3:
        rule = f"- Rule {number % sample.SECTIONS}.1: {('keep this in mind ' * 3).strip()}"
        edit = ReplaceInSection("SKILL.md", rule, f"{rule}, variant {number}", section)
    if number % 30 == 11:
        return Said(f"Rejected {number}", by="leak", reason="names the task", rule="Write 2210.")
    if number % 33 == 2:
        return Said("", reason="no quotable error")
    if number % 25 == 7:
        return Said(f"Held {number}", edit, state=State.HELD, by="reach", reason="new command: sudo")
    return Said(f"Look twice at cell {same}", edit)


if __name__ == "__main__":
    main()
