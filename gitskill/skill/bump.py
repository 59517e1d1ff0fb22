"""How much the next version must say: a function of two versions of the skill, and of nothing else."""

from collections import Counter
from enum import StrEnum

from gitskill.skill.frontmatter import split
from gitskill.skill.sections import outline
from gitskill.skill.snapshot import SKILL_FILE, Skill

_SCRIPTS = "scripts/"


class Bump(StrEnum):
    """Which number of a version grows."""

    MAJOR = "major"
    """What an agent could count on is gone or works otherwise: frontmatter, a script, a section."""
    MINOR = "minor"
    """SKILL.md says something new, or says it otherwise."""
    PATCH = "patch"
    """Only what SKILL.md refers to differs, or blank lines."""
    NONE = "none"
    """Nothing differs."""


def bump(before: Skill, after: Skill) -> Bump:
    """Give the bump that leads from one version to the other."""
    if before == after or not (_changed(before, after) or _linked(before) != _linked(after)):
        return Bump.NONE
    if _frontmatter(before) != _frontmatter(after) or _scripts_differ(before, after) or _sections_gone(before, after):
        return Bump.MAJOR
    return Bump.MINOR if _rules(before) != _rules(after) else Bump.PATCH


def _changed(before: Skill, after: Skill) -> frozenset[str]:
    """Name the files that differ in their bytes, or in whether they may be run."""
    paths = before.files.keys() | after.files.keys()
    differ = {path for path in paths if before.files.get(path) != after.files.get(path)}
    return frozenset(differ | (before.executable ^ after.executable))


def _linked(skill: Skill) -> dict[str, str]:
    """Give the links and submodules; other things of a repository are not the skill's."""
    return {path: kind for path, kind in skill.foreign.items() if kind != "other"}


def _frontmatter(skill: Skill) -> str:
    return split(str(skill.text(SKILL_FILE))).raw


def _scripts_differ(before: Skill, after: Skill) -> bool:
    """Tell whether anything that can be run differs. Where a link leads is not known here, so it counts as one."""
    runs = before.executable | after.executable
    differ = any(path.startswith(_SCRIPTS) or path in runs for path in _changed(before, after))
    return differ or _linked(before) != _linked(after)


def _sections_gone(before: Skill, after: Skill) -> bool:
    """Tell whether a heading is in no Markdown file any more. One that was moved is not gone."""
    return bool(_headings(before) - _headings(after))


def _headings(skill: Skill) -> Counter[str]:
    texts = (str(skill.text(path)) for path in sorted(skill.files) if path.endswith(".md"))
    return Counter(section.title.casefold() for text in texts for section in outline(text).sections)


def _rules(skill: Skill) -> list[str]:
    """Give the lines of SKILL.md that say something."""
    return [line.rstrip() for line in skill.text(SKILL_FILE).lines if line.strip()]
