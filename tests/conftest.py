"""What every test may count on: a sealed git, a skill in a real repository, the real program."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pygit2
import pytest
from hypothesis import settings
from pygit2.enums import ConfigLevel

from gitskill.cli.main import run
from gitskill.store.nodes import NodeStore
from gitskill.store.repository import Repository, Who
from gitskill.store.skills import SkillReader

# `make test` says the same of the same code, however busy the machine; `make explore` looks for new examples.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile("steady")

WHO = Who("Ada", "ada@example.com", 1_700_000_000)
SHARED = Path(__file__).parents[2] / "shared" / "data"

SKILL = """\
---
name: sheets
description: Edit spreadsheets. Use for xlsx files.
---

# Sheets

## Writing

- Save to a new file.
- Keep formulas as formulas.

## Reading

- Read values and formulas apart.

## Dates

Store dates as dates.
"""


def needed(program: str, untested: str) -> str:
    """Find a program that a test cannot do without: missing, it is named, and where everything must run it fails."""
    found = shutil.which(program)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{program} is not installed")
    return found or pytest.skip(f"{program} is not installed: {untested}")


@pytest.fixture(scope="session", autouse=True)
def sealed_git() -> Iterator[None]:
    """Hide the developer's own git setup from libgit2 and from the git program."""
    # libgit2 looks at $HOME once, when it is imported: changing it here would be too late.
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        pygit2.settings.search_path[level] = ""
    with pytest.MonkeyPatch.context() as patch:
        # A git hook exports GIT_DIR and GIT_INDEX_FILE: tests run by a hook would write to the outer repository.
        # A developer's own model is none of the tests' business.
        own = ("GIT_", "GITSKILL_", "OPENAI_", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
        for name in [name for name in os.environ if name.startswith(own)]:
            patch.delenv(name)
        patch.setenv("GITSKILL_CONFIG", os.devnull)
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", WHO.name)
            patch.setenv(f"GIT_{role}_EMAIL", WHO.email)
            patch.setenv(f"GIT_{role}_DATE", f"{WHO.when} +0000")
        patch.setenv("GIT_EDITOR", "false")  # an editor nobody expected fails at once
        patch.setenv("SOURCE_DATE_EPOCH", str(WHO.when))
        yield


def git(folder: Path, *args: str, data: str | None = None, ok: bool = True) -> str:
    """Run the git program in `folder` and give what it prints."""
    done = subprocess.run(["git", "-C", str(folder), *args], input=data, capture_output=True, text=True, check=False)
    if ok and done.returncode:
        raise AssertionError(f"git {' '.join(args)}: {done.stderr}")
    return done.stdout


def commit_all(folder: Path, message: str) -> str:
    """Commit everything in the work tree and give the commit's id."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD").strip()


def state(folder: Path) -> tuple[str, bytes, dict[str, bytes]]:
    """Give what the first promise covers: HEAD and the branches of people, the index, the work tree's bytes."""
    refs = git(folder, "for-each-ref", "--format=%(refname) %(objectname)")
    own = [line for line in refs.splitlines() if "/gitskill/" not in line]
    index = folder / ".git" / "index"
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts[:1]
    }
    head = git(folder, "symbolic-ref", "-q", "HEAD", ok=False) + git(folder, "rev-parse", "HEAD", ok=False)
    return head + "\n".join(own), index.read_bytes() if index.exists() else b"", files


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Path:  # noqa: ARG001
    """Make the repository that `folder` copies: thousands of tests want one."""
    place = tmp_path_factory.mktemp("made-once") / "sheets"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    (place / "SKILL.md").write_text(SKILL)
    commit_all(place, "Base")
    for sample in (place / ".git" / "hooks").iterdir():
        sample.unlink()
    return place


@pytest.fixture
def folder(tmp_path: Path, made_once: Path) -> Path:
    """Make a repository on disk whose root is the sample skill, committed on main."""
    place = tmp_path / "sheets"
    shutil.copytree(made_once, place)
    git(place, "update-index", "-q", "--refresh")  # a copy is another file to git's index
    return place


@pytest.fixture
def repository(folder: Path) -> Repository:
    return Repository.open(folder)


@pytest.fixture
def reader(repository: Repository) -> SkillReader:
    return SkillReader(repository, "")


@pytest.fixture
def nodes(reader: SkillReader) -> NodeStore:
    return NodeStore(reader)


@dataclass(frozen=True)
class Done:
    """What one run of the program left behind."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def decidable_once(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> Path:  # noqa: ARG001
    from verdict_runs import consolidated  # noqa: PLC0415 - it needs what is above

    return consolidated(tmp_path_factory.mktemp("decidable") / "sheets")


@pytest.fixture
def decidable(decidable_once: Path, tmp_path: Path) -> Path:
    """Make a repository with a consolidated run whose lessons are for a person to decide on."""
    shutil.copytree(decidable_once, tmp_path / "sheets")
    return tmp_path / "sheets"


def told(done: Done) -> Any:
    """Read the document that a command printed, which must have gone well."""
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture
def gitskill(capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the real program inside this process: `gitskill(folder, "show", "l0001a")`."""

    def call(folder: Path, *args: str) -> Done:
        capfd.readouterr()
        code = run(["-C", str(folder), *args], os.environ)
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture
def bullet(folder: Path, gitskill: Callable[..., Done], tmp_path: Path) -> Callable[[str, str], str]:
    """Add a lesson that appends a bullet to a section, and give its id."""

    def call(section: str, text: str) -> str:
        edits = tmp_path / "edits.yml"
        edits.write_text(
            f'- {{op: append_to_section, file: SKILL.md, target_section: {section}, content: "- {text}"}}\n'
        )
        done = gitskill(folder, "lesson", "add", "--title", text, "--why", "seen", "--edits", str(edits))
        assert done.code == 0, done.err
        return done.out.split()[0]

    return call
