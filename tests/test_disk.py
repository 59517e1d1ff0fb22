"""A folder on disk read as a skill: plain files only, no link followed, and nothing that never ends."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import SKILL
from gitskill import disk
from gitskill.disk import read_skill, skill_folder
from gitskill.errors import InvalidInput

NOBODY = 65534


@contextmanager
def without_privilege() -> Iterator[None]:
    """Let file permissions count: root may read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a folder with a SKILL.md in it."""
    made = tmp_path / "sheets"
    made.mkdir()
    (made / "SKILL.md").write_text(SKILL)
    return made


def write(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_skill_is_named_by_its_folder_or_by_its_skill_file(place: Path) -> None:
    assert skill_folder(place) == place
    assert skill_folder(place / "SKILL.md") == place
    assert skill_folder(Path("SKILL.md")) == Path()


def test_a_folder_that_is_called_skill_md_is_a_folder(tmp_path: Path) -> None:
    odd = tmp_path / "SKILL.md"
    odd.mkdir()

    assert skill_folder(odd) == odd


def test_every_file_is_read_byte_for_byte_however_deep(place: Path) -> None:
    write(place / "references" / "deep" / "er" / "a.md", b"a\r\nb")
    write(place / "assets" / "pixel.png", b"\x89PNG\0\xff")
    write(place / ".gitattributes", b"* text")

    skill = read_skill(place)

    assert dict(skill.files) == {
        "SKILL.md": SKILL.encode(),
        "references/deep/er/a.md": b"a\r\nb",
        "assets/pixel.png": b"\x89PNG\0\xff",
        ".gitattributes": b"* text",
    }
    assert (skill.executable, dict(skill.foreign)) == (frozenset(), {})


def test_hidden_folders_are_left_out(place: Path) -> None:
    write(place / ".git" / "config")
    write(place / "references" / ".cache" / "x.md")

    assert set(read_skill(place).files) == {"SKILL.md"}


def test_the_executable_bit_is_seen(place: Path) -> None:
    write(place / "scripts" / "run.sh").chmod(0o755)
    write(place / "scripts" / "data.txt").chmod(0o644)

    assert read_skill(place).executable == {"scripts/run.sh"}


def test_links_are_named_and_never_followed(place: Path, tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", b"do not read")
    (place / "references").mkdir()
    (place / "references" / "file.md").symlink_to(secret)
    (place / "references" / "loop").symlink_to(place)
    (place / "references" / "dangling.md").symlink_to(tmp_path / "nowhere")

    skill = read_skill(place)

    assert set(skill.files) == {"SKILL.md"}
    assert dict(skill.foreign) == {
        "references/file.md": "symlink",
        "references/loop": "symlink",
        "references/dangling.md": "symlink",
    }


def test_a_pipe_is_named_and_never_opened(place: Path) -> None:
    os.mkfifo(place / "pipe")

    assert dict(read_skill(place).foreign) == {"pipe": "special file"}


def test_a_name_that_is_not_utf_8_is_kept(place: Path) -> None:
    (place / "references").mkdir()
    Path(os.fsdecode(os.fsencode(place / "references") + b"/\xff.md")).write_bytes(b"x")

    assert read_skill(place).files["references/\udcff.md"] == b"x"


@pytest.mark.parametrize("kind", ["missing", "a file"])
def test_what_is_no_folder_is_refused_with_its_name(kind: str, tmp_path: Path) -> None:
    reason = {"missing": "No such file or directory", "a file": "Not a directory"}[kind]
    write(tmp_path / "a file")

    with pytest.raises(InvalidInput, match=f"^{tmp_path / kind} cannot be read: {reason}$"):
        read_skill(tmp_path / kind)


def test_a_file_that_may_not_be_read_is_refused_with_its_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "SKILL.md").chmod(0)
    place.parent.chmod(0o755)
    monkeypatch.chdir(place.parent)

    with without_privilege(), pytest.raises(InvalidInput, match=r"sheets/SKILL\.md cannot be read: Permission denied"):
        read_skill(Path("sheets"))


def test_a_folder_that_may_not_be_read_is_refused_with_its_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "references").mkdir(mode=0)
    place.parent.chmod(0o755)
    monkeypatch.chdir(place.parent)

    with without_privilege(), pytest.raises(InvalidInput, match="sheets/references cannot be read: Permission denied"):
        read_skill(Path("sheets"))


def test_as_many_files_as_allowed_are_read_and_not_one_more(place: Path) -> None:
    (place / "assets").mkdir()
    for number in range(disk.MAX_FILES - 1):
        (place / "assets" / f"{number}").touch()
    assert len(read_skill(place).files) == disk.MAX_FILES

    (place / "assets" / "last").touch()

    with pytest.raises(InvalidInput, match="sheets holds more than 5000 files or 50 MB"):
        read_skill(place)


def test_an_enormous_file_is_refused_before_it_is_read(place: Path) -> None:
    with (place / "assets.bin").open("wb") as file:
        file.truncate(10**12)  # a hole: it takes no room on disk, and more memory than there is

    with pytest.raises(InvalidInput, match="sheets holds more than 5000 files or 50 MB"):
        read_skill(place)


@contextmanager
def deep_folders(place: Path, depth: int) -> Iterator[None]:
    """Make `depth` folders inside each other, and remove them again: pytest itself cannot."""
    here = Path.cwd()
    os.chdir(place)
    for _ in range(depth):
        Path("a").mkdir()
        os.chdir("a")
    os.chdir(here)
    try:
        yield
    finally:
        subprocess.run(["rm", "-rf", str(place / "a")], check=True)


def test_folders_deeper_than_any_skill_has_are_no_reason_to_break_down(place: Path) -> None:
    with deep_folders(place, 1200), pytest.raises(InvalidInput, match="sheets"):
        read_skill(place)
