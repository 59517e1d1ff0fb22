"""Forty real skills: what the checks say of them is known."""

import csv
from pathlib import Path

import pytest
from skills_ref.validator import validate

from gitskill.checks.finding import Level, verdict
from gitskill.checks.hidden import skill_findings
from gitskill.checks.layout import check_skill
from gitskill.checks.specification import spec_findings
from gitskill.skill import tokens
from gitskill.skill.frontmatter import split
from gitskill.skill.snapshot import Skill

DATA = Path(__file__).parents[2] / "shared" / "data"

UNLOADABLE = {
    "claude-api": [(3, "the description is longer than 1024 characters")],
    "greeting-helper": [(1, "no frontmatter: the first line is not ---")],
}

SPOTLESS = [
    "agent-tui", "azure-rbac", "azure-resource-lookup", "azure-role-selector", "bgpt-paper-search", "brand-guidelines",
    "canvas-design", "cirq", "commit", "create-plan", "csharp-scripts", "em-dash", "executing-plans", "expo-brownfield",
    "gemini-api-dev", "gh-address-comments", "gh-fix-ci", "internal-comms", "linear", "migrate-dotnet8-to-dotnet9",
    "no-eval-skill", "notion-knowledge-capture", "pirate-skill", "prompt-optimizer", "remember-interactive-programming",
    "skill-writer", "webapp-testing",
]  # fmt: skip


def rows() -> list[dict[str, str]]:
    index = DATA / "skills" / "INDEX.csv"
    if not index.is_file():
        return []
    with index.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = {Path(row["path"]).name: row for row in rows()}


def load(name: str) -> Skill:
    folder = DATA / ROWS[name]["path"]
    return Skill({p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()})


def test_the_corpus_is_there() -> None:
    assert len(ROWS) == 40, f"the real skills are missing: {DATA / 'skills'} should hold INDEX.csv and 40 skills"


@pytest.mark.parametrize("name", ROWS)
def test_splitting_keeps_every_byte(name: str) -> None:
    data = load(name).files["SKILL.md"]

    matter = split(data.decode())

    assert (matter.raw + matter.body).encode() == data
    assert "|".join(matter.fields) == ROWS[name]["frontmatter_keys"]
    # The index rounds down, takes CRLF for one character, and counts some last newlines.
    text = str(matter.fields.get("description", "")).strip()
    assert int(ROWS[name]["description_chars"]) - len(text) in {0, 1}
    assert tokens.estimate(matter.body.replace("\r", "")) - int(ROWS[name]["body_tokens_est"]) in {0, 1}


@pytest.mark.parametrize("name", ROWS)
def test_the_strict_verdict_is_the_specifications_own(name: str) -> None:
    accepted = not spec_findings(load(name), name)

    assert accepted == (ROWS[name]["expected_valid"] == "true")
    assert accepted == (not validate(DATA / ROWS[name]["path"]))


@pytest.mark.parametrize("name", ROWS)
def test_only_what_a_host_cannot_load_is_invalid(name: str) -> None:
    found = check_skill(load(name), name)

    assert [(f.line, f.message) for f in found if f.level is Level.INVALID] == UNLOADABLE.get(name, [])
    assert (verdict(found) == "ok") == (name in SPOTLESS)


@pytest.mark.parametrize("name", ROWS)
def test_a_skill_is_no_worse_than_itself(name: str) -> None:
    skill = load(name)

    assert check_skill(skill, name, base=skill) == ()


@pytest.mark.parametrize("name", ROWS)
def test_no_real_skill_hides_anything(name: str) -> None:
    assert skill_findings(load(name)) == ()
