"""How often two lessons about one section conflict: for git's merge, and for ours.

Run: python bench/false_conflicts.py
"""

import itertools
import random
import tempfile
from pathlib import Path

import sample

from gitskill.skill.compose import overlapping
from gitskill.skill.diff import changes_between
from gitskill.skill.snapshot import Skill

SECTION = [f"- Rule {number}: keep this in mind." for number in range(8)]
EDITS = 52
"""Edits of the section; every pair of them is merged: 1,326."""


def edited(number: int, dice: random.Random) -> list[str]:
    """Change the section as a lesson does: mostly a new bullet, at times a changed or a removed one."""
    lines = list(SECTION)
    kind = dice.choices(["append", "insert", "replace", "delete"], [4, 3, 3, 1])[0]
    at = dice.randrange(len(lines))
    if kind == "append":
        lines.append(f"- Lesson {number}.")
    elif kind == "insert":
        lines.insert(at, f"- Lesson {number}.")
    elif kind == "replace":
        lines[at] = f"- Rule {at}, as lesson {number} has it."
    else:
        del lines[at]
    return lines


def main() -> None:
    """Print how many pairs conflict."""
    dice = random.Random(7)  # noqa: S311  # a repeatable sample, no secret
    base = Skill({"SKILL.md": "\n".join(["# Rules", "", *SECTION, "", "# End", ""]).encode()})
    texts = ["\n".join(["# Rules", "", *edited(n, dice), "", "# End", ""]) for n in range(EDITS)]
    changes = [changes_between(base, Skill({"SKILL.md": text.encode()})) for text in texts]
    pairs = list(itertools.combinations(range(EDITS), 2))
    ours = sum(bool(overlapping({a: changes[a], b: changes[b]})) for a, b in pairs)
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / str(number) for number in range(EDITS)]
        (Path(place) / "base").write_bytes(base.files["SKILL.md"])
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
        theirs = sum(sample.conflicts(files[a], Path(place) / "base", files[b]) for a, b in pairs)
    print(f"{len(pairs)} pairs of edits of one section: git conflicts on {theirs}, gitskill on {ours}")


if __name__ == "__main__":
    main()
