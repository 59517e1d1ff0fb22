"""Whole files of a skill: which of them a diff or an edit may change, create or remove."""

from gitskill.errors import InvalidInput
from gitskill.skill.snapshot import SKILL_FILE, Skill, is_binary
from gitskill.skill.text import Text


def text_file(skill: Skill, path: str) -> Text:
    """Give the lines of `path`. Raises InvalidInput if it does not exist or has none."""
    if path in skill.foreign:
        raise InvalidInput(f"a {skill.foreign[path]} is never changed")
    if path not in skill.files:
        raise InvalidInput("no such file")
    if is_binary(skill.files[path]):
        raise InvalidInput("a binary file has no lines to change")
    return skill.text(path)


def check_free(skill: Skill, path: str) -> None:
    """Refuse to create `path` where something has its name, or it would have to be both file and folder."""
    for name in [*skill.files, *skill.foreign]:
        if name == path or name.startswith(f"{path}/") or path.startswith(f"{name}/"):
            raise InvalidInput(f"{name} exists already")


def check_deletable(skill: Skill, path: str) -> None:
    """Refuse to remove `path` if it is not there, or if nothing would be left of the skill."""
    if path not in skill.files:
        raise InvalidInput(f"a {skill.foreign[path]} is never changed" if path in skill.foreign else "no such file")
    if path == SKILL_FILE:
        raise InvalidInput("a skill without SKILL.md is none")
