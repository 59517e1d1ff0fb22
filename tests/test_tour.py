"""The day that the docs tell of, typed in as it stands there."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done, git
from test_docs import ROOT, type_in

PAGE = ROOT / "docs/tour.md"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, sealed_git: None) -> dict[str, subprocess.CompletedProcess[str]]:  # noqa: ARG001
    """Type in the whole page; what each command came to, by its first line."""
    home = tmp_path_factory.mktemp("home")
    (home / "gitskill").symlink_to(ROOT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        done = type_in(PAGE, home)
    assert [(command, result.stderr) for command, result in done if result.returncode] == []
    return {"folder": subprocess.CompletedProcess((), 0, str(home / "shell"))} | {
        command.strip().partition("\n")[0]: result for command, result in done
    }


@pytest.fixture
def shell(day: dict[str, subprocess.CompletedProcess[str]]) -> Path:
    return Path(day["folder"].stdout)


def test_the_account_adds_up_and_what_people_decided_counts(
    day: dict[str, subprocess.CompletedProcess[str]], shell: Path
) -> None:
    first = day["gitskill consolidate r0001"].stdout.partition("\n")[0]
    counts = {state: int(number) for number, state in re.findall(r"(\d+) (\w+)", first)}

    assert counts.pop("lessons") == sum(counts.values())
    assert (counts["rejected"], counts["held"]) == (1, 1)
    version = git(shell, "show", "v1.1.0:SKILL.md") + git(shell, "show", "v1.1.0:references/shell-commands.md")
    assert "run it without `sudo`" in version  # accepted
    assert "`-lh`" not in version  # rejected
    assert "give `ln -sf`" in version  # amended


def test_nothing_is_broken_and_first_parents_read_as_a_changelog(
    day: dict[str, subprocess.CompletedProcess[str]], shell: Path
) -> None:
    told = re.findall(r"^```\n(Release.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)

    assert told == [day["git log --first-parent --format=%s"].stdout]
    assert not day["git fsck --strict"].stderr.replace("notice", "").strip().startswith("error")
    assert (day["git status --short"].stdout, git(shell, "status", "--short")) == ("", "")
    assert all(" unsigned" in line for line in day["gitskill verify --all"].stdout.splitlines())


def test_every_line_that_a_version_added_leads_to_a_run_in_a_clone_too(
    day: dict[str, subprocess.CompletedProcess[str]], shell: Path, tmp_path: Path, gitskill: Callable[..., Done]
) -> None:
    assert day["gitskill release"].returncode == 0
    git(tmp_path, "clone", "-q", str(shell), "clone")
    for tag in ("v1.1.0", "v1.2.0", "v1.3.0"):
        for file in ("SKILL.md", "references/shell-commands.md"):
            before = git(shell, "show", f"v1.0.0:{file}", ok=False).splitlines()
            found = json.loads(gitskill(tmp_path / "clone", "blame", "--rev", tag, "--json", file).out)["lines"]
            assert [line for line in found if line["text"].strip() not in before and not line["traces"]] == [], tag
