"""The Agent Skills specification's own strict verdict on SKILL.md, and its rules field by field.

It is meant to agree with the specification's reference validator, and a test
asks that one. Where they differ, this module is right by the text of the
specification: only SKILL.md counts, not skill.md; the frontmatter ends at a
line that is `---`, not at the first three dashes in a value; YAML may separate
with tabs; and what no host needs is refused here, such as control characters
made by escapes, lone carriage returns as line ends and frontmatter of 16 KB.
"""

import unicodedata
from collections.abc import Iterator, Mapping

from gitskill.checks.finding import Finding, Level
from gitskill.skill import frontmatter
from gitskill.skill.frontmatter import Frontmatter
from gitskill.skill.safe_yaml import UnsafeYaml
from gitskill.skill.snapshot import SKILL_FILE, Skill

CHECK = "specification"
KEYS = frozenset({"name", "description", "license", "compatibility", "metadata", "allowed-tools"})
MAX_NAME = 64
MAX_DESCRIPTION = 1024
MAX_COMPATIBILITY = 500


def spec_findings(skill: Skill, folder: str) -> tuple[Finding, ...]:
    """Give every way in which `skill` breaks the specification, each invalid; nothing for a valid skill.

    `folder` is the name of the skill's folder, or nothing where it is unknown:
    at the root of a repository, whoever clones it chooses that name.
    """
    if SKILL_FILE not in skill.files:
        return (_invalid("the skill has no SKILL.md", None),)
    if not is_utf8(skill.files[SKILL_FILE]):
        return (_invalid("SKILL.md is not UTF-8 text", None),)
    matter = frontmatter.split(str(skill.text(SKILL_FILE)))
    found = [_invalid("SKILL.md begins with a byte order mark", 1)] if _has_bom(matter) else []
    if matter.problem:
        return (*found, _invalid(matter.problem, matter.problem_line))
    try:
        frontmatter.load_fields(matter.source, strict=True)
    except UnsafeYaml as error:
        found.append(_invalid(f"the frontmatter has {error.reason}, which the specification's YAML lacks", error.line))
    found += [_invalid(f"the key {key[:60]!r} is unknown", matter.line_of(key)) for key in unknown_keys(matter.fields)]
    found += [_invalid(problem, matter.line_of(key)) for key, problem in _problems(matter.fields, folder)]
    return tuple(found)


def unknown_keys(fields: Mapping[str, object]) -> list[str]:
    """List the keys of the frontmatter that the specification does not have."""
    return sorted(fields.keys() - KEYS)


def name_problems(fields: Mapping[str, object]) -> list[str]:
    """Say what is wrong with the name by itself. Letters of any script are allowed, as the validator has it."""
    if "name" not in fields:
        return ["the frontmatter has no name"]
    name = spec_name(fields)
    if not name:
        return ["the name is empty or no text"]
    rules = {
        f"the name is longer than {MAX_NAME} characters": len(name) > MAX_NAME,
        "the name has capital letters": name != name.lower(),
        "the name begins or ends with a hyphen": name.startswith("-") or name.endswith("-"),
        "the name has two hyphens in a row": "--" in name,
        "the name has other characters than letters, digits and hyphens": not name.replace("-", "a").isalnum(),
    }
    return [problem for problem, broken in rules.items() if broken]


def folder_problems(fields: Mapping[str, object], folder: str) -> list[str]:
    """Say whether the name differs from that of the skill's folder, where both are known."""
    name = spec_name(fields)
    if not name or not folder or name == unicodedata.normalize("NFKC", folder):
        return []
    return [f"the name {name[:MAX_NAME]!r} is not that of the folder, {folder[:MAX_NAME]!r}"]


def description_problems(fields: Mapping[str, object]) -> list[str]:
    """Say what is wrong with the description."""
    if "description" not in fields:
        return ["the frontmatter has no description"]
    text = fields["description"]
    if not isinstance(text, str) or not text.strip():
        return ["the description is empty or no text"]
    return [f"the description is longer than {MAX_DESCRIPTION} characters"] if len(text) > MAX_DESCRIPTION else []


def compatibility_problems(fields: Mapping[str, object]) -> list[str]:
    """Say what is wrong with the compatibility note, which may be absent."""
    text = fields.get("compatibility", "")
    if not isinstance(text, str):
        return ["the compatibility is no text"]
    too_long = len(text) > MAX_COMPATIBILITY
    return [f"the compatibility is longer than {MAX_COMPATIBILITY} characters"] if too_long else []


def spec_name(fields: Mapping[str, object]) -> str:
    """Give the name as the specification compares it, or nothing where it is no text."""
    name = fields.get("name")
    return unicodedata.normalize("NFKC", name.strip()) if isinstance(name, str) else ""


def is_utf8(data: bytes) -> bool:
    """Tell whether `data` is text that every host can read."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _problems(fields: Mapping[str, object], folder: str) -> Iterator[tuple[str, str]]:
    for problem in name_problems(fields) + folder_problems(fields, folder):
        yield "name", problem
    for problem in description_problems(fields):
        yield "description", problem
    for problem in compatibility_problems(fields):
        yield "compatibility", problem


def _has_bom(matter: Frontmatter) -> bool:
    return (matter.raw or matter.body).startswith(frontmatter.BOM)


def _invalid(message: str, line: int | None) -> Finding:
    return Finding(CHECK, Level.INVALID, SKILL_FILE, line, message)
