"""The hooks that travel with gitskill, run by the real git."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import SKILL, git

ROOT = Path(__file__).parents[1]


@pytest.fixture
def hooked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "hooks" / "pre-commit", folder / ".git" / "hooks" / "pre-commit")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return folder


def commit(folder: Path) -> subprocess.CompletedProcess[str]:
    git(folder, "add", "-A")
    command = ["git", "-C", str(folder), "commit", "-qm", "Change"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_commit_of_an_invalid_skill_is_refused(hooked: Path) -> None:
    (hooked / "SKILL.md").write_text(SKILL.replace("name: sheets\n", ""))

    done = commit(hooked)

    assert done.returncode != 0
    assert "invalid  format  SKILL.md" in done.stdout + done.stderr
    assert git(hooked, "log", "--format=%s") == "Base\n"


@pytest.mark.parametrize("name", ["SKILL.md", "skills/mail/SKILL.md", "notes.md"])
def test_any_other_commit_passes(hooked: Path, name: str) -> None:
    (hooked / name).parent.mkdir(parents=True, exist_ok=True)
    (hooked / name).write_text(SKILL.replace("sheets", "mail") if "mail" in name else f"{SKILL}\nMore.\n")

    done = commit(hooked)

    assert done.returncode == 0, done.stderr
    assert git(hooked, "log", "-1", "--format=%s") == "Change\n"


def test_the_hook_for_the_pre_commit_framework_runs_a_command_that_we_have(hooked: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    done = subprocess.run([*hook["entry"].split(), "SKILL.md"], cwd=hooked, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "ok\n")
    assert hook["language"] == "python"
