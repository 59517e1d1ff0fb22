"""`gitskill demo`: a folder of its own, and nobody else's. What it prints is compared in test_docs.py."""

from collections.abc import Callable
from pathlib import Path

from conftest import Done, git, state


def test_a_folder_in_a_repository_is_refused_and_gets_no_commit(folder: Path, gitskill: Callable[..., Done]) -> None:
    before = state(folder)

    done = gitskill(folder, "demo", "--keep", "new")

    assert (done.code, done.out) == (3, "")
    assert "is in a git repository" in done.err
    assert (state(folder), git(folder, "tag")) == (before, "")


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, gitskill: Callable[..., Done]) -> None:
    (tmp_path / "shell").mkdir()

    done = gitskill(tmp_path, "demo", "--keep", ".")

    assert (done.code, done.out, list((tmp_path / "shell").iterdir())) == (3, "", [])
    assert "is not empty" in done.err
