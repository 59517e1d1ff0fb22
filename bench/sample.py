"""A repository with a 20 KB skill of 22 files, and a thousand small lessons for it."""

import os
import subprocess
from pathlib import Path

from gitskill.ids import LessonId, RunId
from gitskill.lesson import Lesson, TraceRef
from gitskill.skill.snapshot import Skill
from gitskill.store.repository import Who

WHO = Who("Bench", "bench@example.com", 1_700_000_000)
SECTIONS = 50


def skill_text() -> str:
    """Write a SKILL.md of about 20 KB with fifty sections of bullets."""
    head = "---\nname: sheets\ndescription: Edit spreadsheets.\n---\n\n# Sheets\n"
    parts = [
        f"\n## Section {s}\n\n" + "".join(f"- Rule {s}.{r}: {'keep this in mind ' * 3}\n" for r in range(6))
        for s in range(SECTIONS)
    ]
    return head + "".join(parts)


def make_repository(folder: Path) -> None:
    """Commit the skill with the git program alone."""
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(skill_text())
    for number in range(21):
        path = folder / "references" / f"part-{number:02}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# Part {number}\n\nSee the skill.\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=Bench", "-c", "user.email=bench@example.com", "commit", "-qm", "Base")


def git(folder: Path, *args: str, data: bytes | None = None) -> bytes:
    """Run git as a person would, without any configuration of the machine."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", "-C", str(folder), *args], input=data, capture_output=True, check=True, env=env)
    return done.stdout


def lesson(number: int) -> Lesson:
    """Make lesson `number` of the run; every tenth trace is of the same task."""
    return Lesson(
        LessonId(RunId(1), number, "a"),
        f"Lesson {number} about section {number % SECTIONS}",
        "It went wrong.",
        "error bench",
        (TraceRef(f"{number:064x}", f"task-{number % 100}", "failure"),),
    )


def taught(base: Skill, number: int) -> Skill:
    """Return the skill with one bullet more, in one of its sections."""
    lines = base.files["SKILL.md"].decode().split("\n")
    at = lines.index(f"## Section {number % SECTIONS}") + 8
    lines.insert(at, f"- Lesson {number}: look twice before you save.")
    return base.with_file("SKILL.md", "\n".join(lines).encode())


def conflicts(ours: Path, base: Path, theirs: Path) -> bool:
    """Tell whether git cannot merge two versions of a file."""
    command = ["git", "merge-file", "-p", "-q", str(ours), str(base), str(theirs)]
    return subprocess.run(command, capture_output=True, check=False).returncode != 0
