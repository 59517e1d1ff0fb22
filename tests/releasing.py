"""A skill with a candidate, built once with the real program and copied for each test."""

import os
from pathlib import Path

from conftest import SKILL, commit_all, git
from gitskill.cli.main import run


def call(folder: Path, *args: str) -> None:
    """Run the real program; a fixture has no use for what it prints."""
    assert run(["-C", str(folder), *args], os.environ) == 0, args


def add_bullet(folder: Path, section: str, text: str) -> None:
    """Add a lesson that appends a bullet to a section."""
    edits = folder.parent / "edits.yml"
    edits.write_text(f'- {{op: append_to_section, file: SKILL.md, target_section: {section}, content: "- {text}"}}\n')
    call(folder, "lesson", "add", "--title", text, "--why", "seen", "--edits", str(edits))


def started(folder: Path) -> Path:
    """Make a repository whose root is the sample skill, with its base tagged."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main", "--template=")
    (folder / "SKILL.md").write_text(SKILL)
    commit_all(folder, "Mine")
    call(folder, "init", ".")
    return folder


def with_candidate(folder: Path) -> Path:
    """Make such a repository with two lessons joined to the candidate of r0001."""
    started(folder)
    add_bullet(folder, "Writing", "Close the file")
    add_bullet(folder, "Dates", "Keep the time zone")
    call(folder, "consolidate", "r0001", "--min-support", "1")
    return folder


def packed(folder: Path) -> Path:
    """Make few files of many: it is copied for each test."""
    git(folder, "gc", "-q")
    return folder


def refs(folder: Path) -> str:
    """Give every ref, ours too."""
    return git(folder, "for-each-ref", "--format=%(refname) %(objectname)")


def whole(folder: Path) -> tuple[str, bytes, bytes, dict[Path, bytes]]:
    """Give every ref, HEAD, the index and the work tree, byte by byte."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.parts]
    place = folder / ".git"
    return (
        refs(folder),
        (place / "HEAD").read_bytes(),
        (place / "index").read_bytes(),
        {path: path.read_bytes() for path in files},
    )


def commit_on(folder: Path, branch: str, files: dict[str, str | None], message: str = "Mine") -> str:
    """Commit `files` on a branch that is not checked out, as a person with a work tree of it would."""
    place = folder.parent / "elsewhere"
    git(folder, "worktree", "add", "-q", str(place), branch)
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).unlink() if text is None else (place / path).write_text(text)
    made = commit_all(place, message)
    git(folder, "worktree", "remove", str(place))
    return made
