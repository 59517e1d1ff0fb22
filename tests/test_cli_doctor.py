"""gitskill doctor: what is here and what is missing, in rows that a person and a script can read."""

import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state

Run = Callable[..., Done]


def rows(done: Done) -> dict[str, tuple[str, str]]:
    """Give verdict and detail by what they are about."""
    return {row["what"]: (row["verdict"], row["detail"]) for row in json.loads(done.out)}


def test_a_good_place_is_ok_in_every_row(folder: Path, gitskill: Run) -> None:
    before = state(folder)

    done = gitskill(folder, "doctor", "--json")

    found = rows(done)
    assert (done.code, done.err) == (0, "")
    assert found["gitskill"] == ("ok", version("gitskill"))
    assert found["git"] == ("ok", shutil.which("git"))
    assert found["repository"] == ("ok", f"{folder}, branches below gitskill/")
    assert found["identity"] == ("ok", "Ada <ada@example.com>")
    assert found["skill"] == ("ok", "the root: ok")
    assert "checkout" not in found
    assert state(folder) == before


def test_the_table_has_the_same_rows_with_their_columns_aligned(folder: Path, gitskill: Run) -> None:
    listed = json.loads(gitskill(folder, "doctor", "--json").out)

    done = gitskill(folder, "doctor")

    wide = [max(len(row[key]) for row in listed) for key in ("verdict", "what")]
    assert done.out.splitlines() == [
        f"{row['verdict']:{wide[0]}}  {row['what']:{wide[1]}}  {row['detail']}" for row in listed
    ]
    assert (done.code, done.err) == (0, "")


def test_outside_any_repository_that_is_the_bad_news(tmp_path: Path, gitskill: Run) -> None:
    done = gitskill(tmp_path, "doctor", "--json")

    verdict, detail = rows(done)["repository"]
    assert (done.code, verdict) == (3, "bad")
    assert detail.startswith(f"{tmp_path} is not inside a git repository (run `gitskill init` to start one")


def test_a_repository_without_a_commit_is_bad(tmp_path: Path, gitskill: Run) -> None:
    git(tmp_path, "init", "-q")

    done = gitskill(tmp_path, "doctor", "--json")

    assert done.code == 3
    assert rows(done)["repository"][0] == "bad"


def test_missing_git_is_bad_and_missing_optional_programs_are_not(
    folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    done = gitskill(folder, "doctor", "--json")

    found = rows(done)
    assert done.code == 3
    assert found["git"] == ("bad", "not on PATH; needed: packs, refs")
    assert found["bwrap"][0] == "none"


def test_uncommitted_edits_of_the_skill_are_pointed_out(folder: Path, gitskill: Run) -> None:
    (folder / "SKILL.md").write_text(SKILL + "\nMore.\n")
    (folder / "other.txt").write_text("not the skill's")

    done = gitskill(folder, "doctor", "--json")

    assert rows(done)["checkout"] == ("note", "uncommitted edits are not part of a base: SKILL.md")
    assert done.code == 0


def test_without_an_identity_that_is_said(folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_COMMITTER_NAME")

    done = gitskill(folder, "doctor", "--json")

    assert done.code == 3
    assert '"verdict": "bad"' in done.out
    assert "git does not know who you are" in done.out


def test_an_invalid_skill_is_not_ok(folder: Path, gitskill: Run) -> None:
    (folder / "SKILL.md").write_text("no frontmatter")
    commit_all(folder, "Broken")

    done = gitskill(folder, "doctor", "--json")

    verdict, detail = rows(done)["skill"]
    assert (done.code, verdict) == (3, "bad")
    assert detail == "the root: invalid"


def test_names_with_escape_sequences_are_shown_as_text(folder: Path, gitskill: Run) -> None:
    place = folder.parent / "sh\x1b[31m\u202eeets"
    folder.rename(place)

    for arguments in ((), ("--json",)):
        done = gitskill(place, "doctor", *arguments)
        assert done.code == 0
        assert not {"\x1b", "\u202e"} & set(done.out + done.err)
