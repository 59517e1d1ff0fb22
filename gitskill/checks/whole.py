"""What a whole skill must pass, without a base to hold it against."""

from gitskill.checks import hidden, layout, specification
from gitskill.checks.finding import Finding
from gitskill.skill.snapshot import Skill


def check_whole(skill: Skill, folder: str, *, spec: bool = False) -> tuple[Finding, ...]:
    """Check a skill whose folder is `folder` ("" where that is not known); with `spec`, by the specification alone."""
    if spec:
        return specification.spec_findings(skill, folder)
    return (*layout.check_skill(skill, folder), *hidden.skill_findings(skill))
