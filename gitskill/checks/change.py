"""What every lesson, merge and release must pass, held against the skill that it changes."""

from functools import lru_cache

from gitskill.checks import hidden, layout, paths
from gitskill.checks.finding import Finding
from gitskill.skill.snapshot import Skill


@lru_cache(maxsize=128)  # many lessons make the same of a skill
def check_change(base: Skill, skill: Skill) -> tuple[Finding, ...]:
    """Check what `skill` makes of `base`: its paths, its form, its links and sizes, and what nobody sees in it."""
    everything = sorted(base.files.keys() | skill.files.keys())
    changed = [path for path in everything if base.files.get(path) != skill.files.get(path)]
    findings = (
        *paths.change_findings(changed, base.files),
        *layout.check_skill(skill, "", base=base),
        *hidden.skill_findings(skill, base=base),
    )
    return tuple(dict.fromkeys(findings))  # an unsafe new path is found as a path and as part of the whole
