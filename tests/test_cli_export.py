"""`gitskill export`: exact bytes, no way out of the folder, and all or nothing."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state
from gitskill.errors import GitskillError
from gitskill.export import export
from gitskill.skill.snapshot import Skill

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]


@pytest.fixture
def released(folder: Path) -> Path:
    (folder / "scripts/inner").mkdir(parents=True)
    (folder / "scripts/inner/run.sh").write_bytes(b"#!/bin/sh\r\n\xff")
    (folder / "scripts/inner/run.sh").chmod(0o755)
    (folder / "README.md").write_text("of the repository\n")
    commit_all(folder, "Scripts")
    git(folder, "tag", "v1.0.0")
    (folder / "SKILL.md").write_text(f"{SKILL}\nMore.\n")
    commit_all(folder, "More")
    return folder


def listed(place: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(place)): (stat.S_IMODE(path.lstat().st_mode), path.read_bytes())
        for path in place.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("there", [False, True])
def test_a_version_is_written_byte_for_byte(there: bool, released: Path, gitskill: Run, tmp_path: Path) -> None:
    before = state(released)
    if there:
        (tmp_path / "out").mkdir()
    mask = os.umask(0o077)

    done = gitskill(released, "export", "v1.0.0", str(tmp_path / "out"), "--json")

    os.umask(mask)
    commit = git(released, "rev-parse", "v1.0.0").strip()
    files = ["SKILL.md", "scripts/inner/run.sh"]
    told = {"commit": commit, "folder": str(tmp_path / "out"), "files": files, "skipped": []}
    assert (done.code, json.loads(done.out), done.err) == (0, told, "")
    assert listed(tmp_path / "out") == {
        "SKILL.md": (0o644, SKILL.encode()),
        "scripts/inner/run.sh": (0o644, b"#!/bin/sh\r\n\xff"),
    }
    assert {stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) for name in ("", "scripts", "scripts/inner")} == {
        0o755
    }
    assert state(released) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "sheets"]


def test_a_lesson_and_a_skill_in_a_folder_can_be_exported(
    folder: Path, bullet: Bullet, gitskill: Run, tmp_path: Path
) -> None:
    bullet("Writing", "one")
    (folder / "skills/mail").mkdir(parents=True)
    (folder / "skills/mail/SKILL.md").write_text(SKILL.replace("sheets", "mail"))
    (folder / "skills/mail/LICENSE.txt").write_text("free\n")
    commit_all(folder, "Mail")

    assert gitskill(folder, "--skill", ".", "export", "l0001a", str(tmp_path / "one")).code == 0
    assert gitskill(folder, "--skill", "skills/mail", "export", "HEAD", str(tmp_path / "mail")).code == 0

    assert "- one\n" in (tmp_path / "one/SKILL.md").read_text()
    assert set(listed(tmp_path / "mail")) == {"SKILL.md", "LICENSE.txt"}


@pytest.mark.parametrize("spoil", ["file", "link", "filled", "no parent", "root"])
def test_nothing_is_overwritten_or_followed(spoil: str, released: Path, gitskill: Run, tmp_path: Path) -> None:
    place = tmp_path / "out"
    match spoil:
        case "file":
            place.write_text("mine")
        case "link":
            (tmp_path / "elsewhere").mkdir()
            place.symlink_to("elsewhere")
        case "filled":
            place.mkdir()
            (place / "mine").write_text("mine")
        case "no parent":
            place = place / "below"
        case _:
            place = Path("/")
    before = sorted((str(path), path.is_symlink()) for path in tmp_path.rglob("*"))

    done = gitskill(released, "export", "v1.0.0", str(place))

    assert (done.code, done.out, done.err.startswith("gitskill: ")) == (3, "", True)
    assert sorted((str(path), path.is_symlink()) for path in tmp_path.rglob("*")) == before


HOSTILE = [
    "../out.md",
    "/etc/passwd",
    ".git/hooks/pre-commit",
    "references/../../x.md",
    "scripts/.bashrc",
    "a\nb.md",
    "-rf",
    "con.md",
    "references/\u202egpj.md",
    "x" * 300,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_and_can_be_left_out(name: str, tmp_path: Path) -> None:
    skill = Skill({"SKILL.md": b"s", name: b"x"}, foreign={"references/link.md": "symlink", "other": "other"})
    (tmp_path / "above").mkdir()

    with pytest.raises(GitskillError) as refused:
        export(skill, tmp_path / "above/out")
    assert refused.value.exit_code == 4
    assert list((tmp_path / "above").iterdir()) == []

    done = export(skill, tmp_path / "above/out", skip_unsafe=True)

    assert {path for path, _ in done.skipped} == {name, "references/link.md"}
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == ["above/out/SKILL.md"]


def test_names_that_one_file_system_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GitskillError, match="clashes with"):
        export(Skill({"SKILL.md": b"s", "references/A.md": b"x", "references/a.md": b"y"}), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_links_in_a_commit_are_told_and_left_out_on_request(released: Path, gitskill: Run, tmp_path: Path) -> None:
    (released / "references").mkdir()
    (released / "references/link.md").symlink_to("/etc/hosts")
    commit_all(released, "Link")

    refused = gitskill(released, "export", "HEAD", str(tmp_path / "out"))
    skipped = gitskill(released, "export", "HEAD", str(tmp_path / "out"), "--skip-unsafe")

    assert (refused.code, "hint: leave it out with --skip-unsafe" in refused.err) == (4, True)
    assert (skipped.code, skipped.err) == (7, "  skipped   references/link.md is a symlink\n")
    assert "references/link.md" not in listed(tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["HEAD"], 2), (["HEAD", "a", "b"], 2), (["--own"], 2), (["--own", "HEAD", "a"], 2), (["nothing", "a"], 3)],
)
def test_what_is_missing_is_told(arguments: list[str], code: int, released: Path, gitskill: Run) -> None:
    done = gitskill(released, "export", *arguments)

    assert (done.code, done.out) == (code, "")
    assert not (released / "a").exists()
