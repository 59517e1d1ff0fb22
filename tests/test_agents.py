"""What gitskill gives to agents and to CI: a skill about itself and a workflow, both held against the real program."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from conftest import Done, commit_all
from gitskill.cli.main import COMMANDS, program

ROOT = Path(__file__).parents[1]
SKILL = ROOT / "templates/skill-gitskill"
WORKFLOW = ROOT / "templates/workflows/evolve.yml"
PAGES = [*sorted(SKILL.rglob("*.md")), WORKFLOW, ROOT / "docs/git-integration.md"]
TO_COME = {"pr"} - COMMANDS.keys()
"""Commands that the workflow needs and that are not there yet."""

Run = Callable[..., Done]


def typed(page: Path) -> Iterator[str]:
    """Give every command line of ours on a page."""
    for line in page.read_text().splitlines():
        if page.suffix == ".yml" and line.lstrip().startswith("#"):
            continue
        for found in re.findall(r"(?<![\w/.-])gitskill (?=[a-z-])([^`>|;&#)']+)", line):
            yield found.replace('"$@"', "").replace("...", "").strip()


def parse(line: str) -> None:
    """Read a command line as the program does, without doing anything."""
    words = line.split()
    while words[0] in ("-C", "--skill"):
        words = words[2:]
    command: click.Command = program
    context = click.Context(program, info_name="gitskill", **program.context_settings)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        if isinstance(found, click.Group):
            context = click.Context(found, parent=context)
        command = found
    if words and not isinstance(command, click.Group):  # a name alone is mentioned, not typed
        command.make_context(command.name, [word.strip("\"'") for word in words], parent=context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_named_is_one_with_these_options(page: Path) -> None:
    lines = [line for line in typed(page) if line.split()[0] in COMMANDS.keys() | TO_COME or line.startswith("-")]

    assert len(lines) >= (1 if page.name == "exit-codes.md" else 5)
    for line in lines:
        if line.split()[0] not in TO_COME and "COMMAND" not in line:
            parse(line)


def test_a_wrong_option_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        parse("status --long")


def test_our_own_skill_passes_the_specification_and_our_checks(gitskill: Run) -> None:
    assert gitskill(ROOT, "check", "--spec", str(SKILL)) == Done(0, "ok\n", "")
    assert gitskill(ROOT, "check", str(SKILL)) == Done(0, "ok\n", "")


def test_our_own_skill_can_be_put_where_an_agent_reads_it(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    done = gitskill(tmp_path, "export", "--own", str(tmp_path / "skill-gitskill"))
    shipped = {str(path.relative_to(SKILL)): path.read_bytes() for path in SKILL.rglob("*") if path.is_file()}

    assert done.code == 0, done.err
    written = tmp_path / "skill-gitskill"
    assert {
        str(path.relative_to(written)): path.read_bytes() for path in written.rglob("*") if path.is_file()
    } == shipped
    gitskill(folder, "export", "--own", str(folder / "skill-gitskill"))
    commit_all(folder, "Ours")
    assert gitskill(folder, "--skill", "skill-gitskill", "export", "HEAD", str(tmp_path / "again")).code == 0


def test_our_own_skill_says_what_an_agent_must_not_do() -> None:
    text = (SKILL / "SKILL.md").read_text()

    assert "Never accept a lesson that is held" in text
    assert "`GITSKILL_ALLOW`" in text
    assert re.findall(r"gitskill evolve.*", text) == ["gitskill evolve --max-usd 5 --json"]
    codes = set(re.findall(r"^\| ([\d, ]+) \|", (SKILL / "references/exit-codes.md").read_text(), re.MULTILINE))
    assert codes == {"0", "1", "2", "3", "4", "5", "6", "7", "75", "130, 143"}


@pytest.fixture
def workflow() -> dict[Any, Any]:
    found = yaml.safe_load(WORKFLOW.read_text())
    assert isinstance(found, dict)
    return found


def test_the_workflow_may_do_no_more_than_it_must(workflow: dict[Any, Any]) -> None:
    [job] = workflow["jobs"].values()

    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}  # YAML reads `on` as true
    assert job["timeout-minutes"] <= 120
    for step in job["steps"]:
        uses = step.get("uses", "")
        assert not uses or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", uses)


def test_secrets_stand_only_where_they_are_needed_and_never_in_a_script(workflow: dict[Any, Any]) -> None:
    [job] = workflow["jobs"].values()
    steps = {step["name"]: step for step in job["steps"]}

    def holders(what: str) -> list[str]:
        return [name for name, step in steps.items() if what in str(step.get("env", {}))]

    assert holders("secrets.") == ["Evolve"]
    assert "GITHUB_TOKEN" not in str(steps["Evolve"])
    assert "github.token" not in str(workflow.get("env", "")) + str(job["env"])
    assert not any("${{" in step["run"] for step in steps.values())


def test_the_workflow_has_a_budget_and_its_scripts_are_scripts(workflow: dict[Any, Any]) -> None:
    [job] = workflow["jobs"].values()
    scripts = [step["run"] for step in job["steps"]]
    [evolve] = [line for script in scripts for line in script.splitlines() if "gitskill evolve" in line]

    assert {"--max-usd", "--max-calls", "--max-traces"} <= set(evolve.split())
    for script in scripts:
        done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
