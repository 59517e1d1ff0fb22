"""What a lesson says, wherever it stands: by this it is known again in another run, on another base."""

from collections import defaultdict

from gitskill.skill.hunks import Change, Changes, Ending, Hunk, Replacement, heading_level
from gitskill.skill.snapshot import Skill

Content = dict[str, list[list[str]]]
"""For each path the lines taken out, and those put in; blank ones say nothing."""


def content(base: Skill, changes: Changes) -> Content:
    """Give the texts that `changes` take out of `base` and put in, without their places.

    A heading above what is put in is a place too: the next lesson that says the same finds it there.
    """
    found: defaultdict[str, list[list[str]]] = defaultdict(lambda: [[], []])
    for change in changes:
        out, into = _texts(base, change)
        found[change.path][0] += [line for line in out if line.strip()]
        said = [line for line in into if line.strip()]
        found[change.path][1] += [line for line in said if not heading_level((line,))] or said
    return {path: texts for path, texts in found.items() if any(texts)}


def rule(changes: Changes) -> str:
    """Give the text that `changes` put in."""
    lines = [line for change in changes if isinstance(change, Hunk) for line in change.lines]
    return "\n".join(lines).strip("\n")


def _texts(base: Skill, change: Change) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if isinstance(change, Hunk):
        return base.text(change.path).lines[change.start : change.end], change.lines
    if isinstance(change, Ending):
        return (), ()
    # The file is gone, or has no lines.
    return base.text(change.path).lines, (change.data.hex(),) if isinstance(change, Replacement) else ()
