"""Lessons on branches: read back as git has them, with what a person changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SKILL, WHO, Done, git
from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import CommitId
from gitskill.skill.hunks import Hunk
from gitskill.store import archive, documents, lessons, tags
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record, undo
from gitskill.store.refs import under
from gitskill.store.repository import Repository
from gitskill.store.skills import SkillReader
from gitskill.version import Version

Bullet = Callable[[str, str], str]


def amend(folder: Path, change: Callable[[Path], object], *args: str) -> CommitId:
    """Check the lesson's branch out in a work tree of its own, change it, commit, and give the new tip."""
    branch = git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads/gitskill").split()[0]
    place = folder.parent / "amend"
    git(folder, "worktree", "add", "-q", str(place), branch)
    change(place)
    git(place, "add", "-A")
    git(place, "commit", "-q", *args)
    return CommitId(git(place, "rev-parse", "HEAD").strip())


def test_a_lesson_is_its_difference_to_the_base(bullet: Bullet, reader: SkillReader) -> None:
    found = lessons.find(reader.repository, bullet("Writing", "Close the file"))

    recorded = lessons.read(reader, found.commit)

    assert recorded.lesson.title == "Close the file"
    assert recorded.base == reader.repository.head()
    assert recorded.changes == (Hunk("SKILL.md", 11, 11, ("- Close the file",)),)


@pytest.mark.parametrize("args", [("-m", "Sharper"), ("--amend", "--no-edit")], ids=["one more commit", "amended"])
def test_what_a_person_changes_on_the_branch_is_the_lesson(
    bullet: Bullet, reader: SkillReader, folder: Path, args: tuple[str, ...]
) -> None:
    bullet("Writing", "Close the file")
    tip = amend(folder, lambda tree: (tree / "SKILL.md").write_text(SKILL.replace("new file", "fresh file")), *args)

    recorded = lessons.read(reader, tip)

    assert recorded.lesson.title == "Close the file"
    assert recorded.changes == (Hunk("SKILL.md", 9, 10, ("- Save to a fresh file.",)),)


def outside(tree: Path) -> None:
    (tree / "outside.txt").write_text("x")


def link(tree: Path) -> None:
    (tree / "references").symlink_to("/etc")


def executable(tree: Path) -> None:
    (tree / "SKILL.md").chmod(0o755)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(outside, "changes outside.txt, which is not the skill's", id="a file outside"),
        pytest.param(link, "makes references something other than a plain file", id="a link"),
        pytest.param(executable, "makes SKILL.md something other than a plain file", id="a mode"),
    ],
)
def test_a_branch_that_holds_what_no_lesson_may_hold_is_refused(
    bullet: Bullet, reader: SkillReader, folder: Path, change: Callable[[Path], None], said: str
) -> None:
    bullet("Writing", "Close the file")
    tip = amend(folder, change, "-m", "More")

    with pytest.raises(InvalidInput, match=said):
        lessons.read(reader, tip)


def test_a_branch_with_a_merge_is_no_lesson(bullet: Bullet, reader: SkillReader, folder: Path) -> None:
    bullet("Writing", "Close the file")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Main moves")
    branch = git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads/gitskill").split()[0]
    git(folder, "checkout", "-q", branch)
    git(folder, "merge", "-q", "--no-ff", "-m", "Merge main", "main")

    with pytest.raises(InvalidInput, match="has 2 parents"):
        lessons.read(reader, reader.repository.head())


def test_an_ordinary_commit_is_no_lesson(reader: SkillReader) -> None:
    with pytest.raises(InvalidInput, match="is no lesson"):
        lessons.read(reader, reader.repository.head())


def test_a_lesson_is_found_by_its_names_and_in_a_clone_by_history(
    bullet: Bullet, folder: Path, gitskill: Callable[..., Done], tmp_path: Path
) -> None:
    bullet("Writing", "Close the file")
    gitskill(folder, "merge", "l0001a")
    git(folder, "merge", "-q", "gitskill/r0001/m1-01")
    git(tmp_path, "clone", "-q", "--no-local", str(folder), "clone")
    clone = Repository.open(tmp_path / "clone")

    here = lessons.find(Repository.open(folder), "l0001a")

    assert here.branch == "gitskill/r0001/l0001a-close-the-file"
    for name in ("r0001/l0001a", here.branch):
        assert lessons.find(Repository.open(folder), name) == here
    assert lessons.find(clone, "l0001a") == lessons.Found(here.id, here.commit, None)
    with pytest.raises(NotFound, match="l0002a"):
        lessons.find(clone, "l0002a")


def test_branches_are_put_away_restored_and_pruned(bullet: Bullet, repository: Repository) -> None:
    name = bullet("Writing", "Close the file")
    lesson = lessons.find(repository, name).id
    before = list(under(repository, "refs/heads/"))

    put_away = archive.put_away(repository, lesson.run, WHO)
    away = lessons.find(repository, name)
    restored = archive.restore(repository, lesson, WHO)

    assert put_away == ("gitskill/r0001/l0001a-close-the-file",)
    assert (away.branch, away.ref) == (None, "refs/gitskill/archive/r0001/l0001a-close-the-file")
    assert restored == put_away[0]
    assert list(under(repository, "refs/heads/")) == before
    with pytest.raises(NotFound, match="no branch that was put away"):
        archive.restore(repository, lesson, WHO)


def test_only_what_is_older_is_pruned_and_undo_brings_it_back(bullet: Bullet, repository: Repository) -> None:
    lesson = lessons.find(repository, bullet("Writing", "Close the file")).id
    archive.put_away(repository, lesson.run, WHO)

    assert archive.old_archives(repository, WHO.when) == []
    old = archive.old_archives(repository, WHO.when + 1)
    archive.prune(repository, old, WHO)
    pruned = lessons.listed(repository)
    undo(repository, WHO)

    assert (len(old), pruned) == (1, [])
    assert [found.id for found in lessons.listed(repository)] == [lesson]


def test_documents_are_kept_by_content(repository: Repository) -> None:
    texts = [b'{"a": 1}\n', b'{"b": 2}\n', b'{"a": 1}\n']
    changes: dict[str, bytes | None] = {documents.path_of(documents.content_id(data)): data for data in texts}
    batch = Batch(repository)
    move = documents.save(batch, repository, "refs/gitskill/traces", changes, WHO, "Add")
    assert move is not None
    record(repository, batch, Operation("traces add", (move,)), WHO)

    tree = documents.tree_of(repository, "refs/gitskill/traces")
    stored = dict(documents.load(repository, tree, documents.paths(repository, tree)))

    assert stored == changes
    assert all(len(path.split("/")[0]) == 2 for path in stored)
    assert documents.save(Batch(repository), repository, "refs/gitskill/traces", changes, WHO, "Again") is None
    with pytest.raises(NotFound, match=r"no document ab/c\.json"):
        list(documents.load(repository, tree, ["ab/c.json"]))


def test_a_tag_is_annotated_and_never_moves(folder: Path, repository: Repository) -> None:
    batch = Batch(repository)
    move = tags.add(batch, "v1.0.0", repository.head(), "Base", WHO)
    record(repository, batch, Operation("tag", (move,)), WHO)

    shown = git(folder, "tag", "-l", "--format=%(objecttype) %(taggername) %(contents)", "v1.0.0")
    assert shown == "tag Ada Base\n\n"
    with pytest.raises(InvalidInput, match=r"tag v1\.0\.0 exists already"):
        tags.add(Batch(repository), "v1.0.0", repository.head(), "Again", WHO)


def test_versions_are_ordered_by_number_and_other_tags_are_left_out(folder: Path, repository: Repository) -> None:
    for name in ("v1.10.0", "v1.9.0", "v1.9", "1.0.0", "v01.0.0", "other/v9.0.0", "nightly"):
        git(folder, "tag", name)
    git(folder, "tag", "-a", "-m", "Two", "v2.0.0")

    assert [str(found.version) for found in tags.releases(repository, "")] == ["v1.9.0", "v1.10.0", "v2.0.0"]
    assert [found.tag for found in tags.releases(repository, "skills/other")] == ["other/v9.0.0"]
    assert tags.tag_name("skills/sheets", Version(1, 2, 3)) == "sheets/v1.2.3"
