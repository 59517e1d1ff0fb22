"""What README and docs tell a newcomer to type: every line of it is typed here."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Done
from gitskill.formats import own
from gitskill.formats.table import FORMATS
from gitskill.outcome import Status
from gitskill.trace import Observation
from reading_runs import readings

ROOT = Path(__file__).parents[1]
_SESSION = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def commands(page: Path) -> Iterator[str]:
    """Give every command of the page's sessions, with the lines that belong to it."""
    for block in _SESSION.findall(page.read_text()):
        yield from re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]


def type_in(page: Path, folder: Path) -> list[tuple[str, subprocess.CompletedProcess[str]]]:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = []
    for command in commands(page):
        if command.startswith("cd "):
            folder /= command.removeprefix("cd ").strip()
            continue
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        done.append((command, result))
    return done


def test_the_tour_of_the_readme_works_as_written(tmp_path: Path) -> None:
    done = type_in(ROOT / "README.md", tmp_path)

    assert [(command, result.stderr) for command, result in done if result.returncode] == []
    said = {command.strip().partition("\n")[0]: result.stdout for command, result in done}
    assert "1 analyst: 1 offline" in said["gitskill plan --traces ../runs"]
    assert said["gitskill evolve --traces ../runs"].startswith("1 lesson = 1 merged\n")
    assert "references/shell-commands.md new" in said["gitskill diff HEAD r0001"]
    assert said["gitskill release r0001"].startswith("released v1.1.0: ")
    assert "l0001a" in said["gitskill blame references/shell-commands.md"]
    assert said["gitskill log"].splitlines()[0].endswith("dropped r0001/l0001a")
    assert len(done) == 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    broken = [link for link in _LINK.findall(_FENCED.sub("", page.read_text())) if not (page.parent / link).exists()]

    assert broken == []


def test_the_trace_in_the_docs_is_one_that_gitskill_reads(tmp_path: Path) -> None:
    [document] = re.findall(r"^```json\n(.*?)^```", (ROOT / "docs/formats.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "run.json").write_text(document)
    [found] = readings(own, tmp_path / "run.json")

    assert found.trace.steps[1].calls[0].observation == Observation("No module named openpyxl", 1)
    assert found.outcome.status is Status.FAILURE


def test_every_format_is_described() -> None:
    described = set(re.findall(r"^\*\*([a-z0-9-]+)\*\* —", (ROOT / "docs/formats.md").read_text(), re.MULTILINE))

    assert described == {each.NAME for each in FORMATS} - {own.NAME}


def test_the_screens_of_the_readme_are_what_the_demo_prints(gitskill: Callable[..., Done], tmp_path: Path) -> None:
    printed = "\n".join(line.rstrip() for line in gitskill(tmp_path, "demo", "--keep", "demo").out.split("\n"))
    screens = re.findall(r"^```\n(\$ .*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)

    assert len(screens) == 3
    assert [screen for screen in screens if screen.strip() not in printed] == []
