"""gitskill log: the skill's versions with the lessons that each brought."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, Done, commit_all, git, state

Run = Callable[..., Done]
Bullet = Callable[[str, str], str]

NOTHING = 'no version is tagged yet; the first: git tag -a v1.0.0 -m "Base"\n'


def release(folder: Path, node: str, tag: str) -> None:
    git(folder, "merge", "-q", "--no-ff", "--no-edit", f"gitskill/{node}")
    git(folder, "tag", "-a", tag, "-m", "A release")


def commit(folder: Path, tag: str) -> str:
    return git(folder, "rev-parse", f"{tag}^{{commit}}").strip()


@pytest.fixture
def released(folder: Path, gitskill: Run, bullet: Bullet) -> Path:
    """Give a repository with a base, two releases of lessons and a version that a person made."""
    git(folder, "tag", "-a", "v1.0.0", "-m", "The base\n\nof it all")
    bullet("Writing", "one")
    bullet("Writing", "two")
    gitskill(folder, "merge", "l0001a", "l0002a")
    release(folder, "r0001/m1-01", "v1.1.0")
    bullet("Dates", "three")
    gitskill(folder, "merge", "r0002/l0001a")
    release(folder, "r0002/m1-01", "v1.10.0")
    (folder / "SKILL.md").write_text((folder / "SKILL.md").read_text() + "\nMine.\n")
    commit_all(folder, "Mine")
    git(folder, "tag", "-a", "v1.11.0", "-m", "By hand")
    return folder


def test_versions_are_listed_newest_first_with_the_lessons_they_brought(released: Path, gitskill: Run) -> None:
    before = state(released)

    done = gitskill(released, "log")

    assert done == Done(
        0,
        "v1.11.0  2023-11-14         By hand\n"
        "v1.10.0  2023-11-14  r0002  1 lesson\n"
        "v1.1.0   2023-11-14  r0001  2 lessons\n"
        "v1.0.0   2023-11-14         The base\n",
        "",
    )
    assert gitskill(released, "log") == done
    assert state(released) == before


def test_json_has_the_documented_keys(released: Path, gitskill: Run) -> None:
    done = gitskill(released, "log", "--json")

    one, two, three = (f"r000{lesson}" for lesson in ("1/l0001a", "1/l0002a", "2/l0001a"))
    found = json.loads(done.out)
    assert [tuple(item.values()) for item in found] == [
        ("v1.11.0", "v1.11.0", commit(released, "v1.11.0"), "v1.10.0", None, [], 0, None, None, False),
        ("v1.10.0", "v1.10.0", commit(released, "v1.10.0"), "v1.1.0", "r0002", [three], 0, None, None, False),
        ("v1.1.0", "v1.1.0", commit(released, "v1.1.0"), "v1.0.0", "r0001", [one, two], 0, None, None, False),
        ("v1.0.0", "v1.0.0", commit(released, "v1.0.0"), None, None, [], 0, None, None, False),
    ]
    keys = ["version", "tag", "commit", "previous", "run", "lessons", "traces", "gate", "rollback", "signed"]
    assert [list(item) for item in found] == [keys] * 4
    assert (done.code, done.err) == (0, "")


def test_a_fresh_clone_tells_the_same(released: Path, tmp_path: Path, gitskill: Run) -> None:
    git(tmp_path, "clone", "-q", "--single-branch", str(released), "clone")

    assert gitskill(tmp_path / "clone", "log") == gitskill(released, "log")


def test_without_a_version_it_says_how_to_tag_the_first(folder: Path, gitskill: Run) -> None:
    assert gitskill(folder, "log") == Done(0, "", NOTHING)
    assert gitskill(folder, "log", "--json") == Done(0, "[]\n", "")


@pytest.mark.parametrize("tag", ["v1.0", "1.0.0", "v1.0.0-rc1", "v01.0.0", "other/v1.0.0", "release"])
def test_a_tag_that_is_no_version_of_this_skill_is_not_listed(tag: str, folder: Path, gitskill: Run) -> None:
    git(folder, "tag", "-a", tag, "-m", "x")

    assert gitskill(folder, "log") == Done(0, "", NOTHING)


def test_a_version_that_does_not_lead_here_is_not_listed(released: Path, gitskill: Run) -> None:
    git(released, "switch", "-q", "-c", "old", "v1.1.0")

    assert [line.split()[0] for line in gitskill(released, "log").out.splitlines()] == ["v1.1.0", "v1.0.0"]


def test_a_lightweight_tag_and_a_tag_of_no_commit_do_no_harm(folder: Path, gitskill: Run) -> None:
    git(folder, "tag", "v1.0.0")
    git(folder, "tag", "v2.0.0", "HEAD:SKILL.md")
    git(folder, "tag", "-a", "v3.0.0", "-m", "x", "HEAD^{tree}")

    assert gitskill(folder, "log") == Done(0, "v1.0.0  2023-11-14    base\n", "")


def test_the_versions_of_a_skill_in_a_folder_are_its_own(tmp_path: Path, gitskill: Run) -> None:
    for name in ("a", "b"):
        skill = tmp_path / "repo" / "skills" / name
        skill.mkdir(parents=True)
        (skill / "SKILL.md").write_text(SKILL)
    git(tmp_path / "repo", "init", "-q", "-b", "main")
    commit_all(tmp_path / "repo", "Base")
    for tag in ("a/v1.0.0", "b/v2.0.0", "v3.0.0"):
        git(tmp_path / "repo", "tag", "-a", tag, "-m", tag)

    assert gitskill(tmp_path / "repo" / "skills" / "a", "log").out == "a/v1.0.0  2023-11-14    a/v1.0.0\n"
    assert gitskill(tmp_path / "repo", "--skill", "skills/b", "log").out == "b/v2.0.0  2023-11-14    b/v2.0.0\n"


def test_a_tag_from_the_far_future_is_listed(folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "@99999999999999 +0000")
    git(folder, "tag", "-a", "v1.0.0", "-m", "Later")

    done = gitskill(folder, "log")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("v1.0.0")


def test_a_tags_text_with_escape_sequences_is_shown_as_text(folder: Path, gitskill: Run) -> None:
    git(folder, "tag", "-a", "v1.0.0", "-m", "\x1b[31mred\u202e\x1b]0;owned\x07")

    assert gitskill(folder, "log").out == "v1.0.0  2023-11-14    \\u{1b}[31mred\\u{202e}\\u{1b}]0;owned\\u{7}\n"


@pytest.mark.parametrize("trailer", ["Level: high", "Level: 1\nGroup: 1\nGitskill-Run: r0001", "Lesson: learned"])
def test_a_commit_of_a_person_whose_trailers_only_look_like_ours_is_passed_over(
    trailer: str, released: Path, gitskill: Run
) -> None:
    git(released, "commit", "-q", "--allow-empty", "-m", f"Mine\n\n{trailer}")
    git(released, "tag", "-a", "v2.0.0", "-m", "After it")

    done = gitskill(released, "log")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "v2.0.0   2023-11-14         After it"
