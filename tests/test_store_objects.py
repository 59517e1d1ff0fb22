"""Objects: the ids and bytes that git itself would write."""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import WHO, commit_all, git
from gitskill.errors import InvalidInput
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.store.git import run
from gitskill.store.objects import Batch
from gitskill.store.refs import Move
from gitskill.store.repository import Repository, Who


def test_git_makes_the_same_commit(folder: Path, repository: Repository) -> None:
    batch = Batch(repository)
    tree = batch.edit_tree(None, {"a.md": b"a\n", "dir/b.md": b"b\n", "dir.md": b"c\n"})
    made = batch.commit(tree, [repository.head()], Message("Subject", "Body", (("Key", "value"),)), WHO)
    batch.write()

    (folder / "dir").mkdir()
    for name, text in (("a.md", "a\n"), ("dir/b.md", "b\n"), ("dir.md", "c\n")):
        (folder / name).write_text(text)
    (folder / "SKILL.md").unlink()
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-F", "-", data="Subject\n\nBody\n\nKey: value\n")

    assert git(folder, "rev-parse", "HEAD").strip() == made


@pytest.mark.parametrize("count", [3, 200], ids=["loose", "pack"])
def test_what_is_written_is_whole(folder: Path, repository: Repository, count: int) -> None:
    batch = Batch(repository)
    blobs = [batch.blob(f"file {number}\n".encode() * number) for number in range(count)]
    tree = batch.tree({f"f{number}": (0o100644, oid) for number, oid in enumerate(blobs)})
    made = batch.commit(tree, [], Message("Many"), WHO)
    batch.write()

    git(folder, "branch", "many", made)
    packs = list((folder / ".git/objects/pack").glob("*.pack"))
    assert bool(packs) is (count > 100)
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""
    assert git(folder, "show", f"many:f{count - 1}") == f"file {count - 1}\n" * (count - 1)


def test_nothing_is_on_disk_before_it_is_written(folder: Path, repository: Repository) -> None:
    batch = Batch(repository)
    oid = batch.blob(b"not yet")

    assert git(folder, "cat-file", "-t", oid, ok=False) == ""
    batch.write()
    assert git(folder, "cat-file", "-p", oid) == "not yet"


def test_a_script_keeps_its_mode_and_a_new_file_is_plain(folder: Path) -> None:
    (folder / "scripts").mkdir()
    (folder / "scripts/run.sh").write_text("#!/bin/sh\n")
    (folder / "scripts/run.sh").chmod(0o755)
    base = commit_all(folder, "Script")
    batch = Batch(Repository.open(folder))

    changes = {"scripts/run.sh": b"changed\n", "scripts/new.sh": b"new\n"}
    tree = batch.edit_tree(git(folder, "rev-parse", f"{base}^{{tree}}").strip(), changes)
    batch.write()

    modes = [line.split()[0] for line in git(folder, "ls-tree", "-r", tree, "scripts").splitlines()]
    assert modes == ["100644", "100755"]


def test_a_folder_that_empties_is_gone(repository: Repository) -> None:
    batch = Batch(repository)
    full = batch.edit_tree(None, {"a": b"", "b/c/d": b""})

    assert batch.edit_tree(full, {"b/c/d": None}) == batch.edit_tree(None, {"a": b""})


@pytest.mark.parametrize("path", ["link", "link/inside", "folder", "folder/file/deeper"])
def test_a_path_through_or_onto_what_is_no_file_is_refused(folder: Path, path: str) -> None:
    (folder / "link").symlink_to("/etc")
    (folder / "folder").mkdir()
    (folder / "folder/file").write_text("x")
    base = commit_all(folder, "Foreign")
    batch = Batch(Repository.open(folder))

    with pytest.raises(InvalidInput, match="in this repository, not a f"):
        batch.edit_tree(git(folder, "rev-parse", f"{base}^{{tree}}").strip(), {path: b"x"})


@pytest.mark.parametrize("name", ["A <b> C", "x\ny", "", "...", "Ünï"])
def test_any_name_makes_a_commit_that_git_accepts(folder: Path, repository: Repository, name: str) -> None:
    batch = Batch(repository)
    made = batch.commit(batch.edit_tree(None, {"a": b""}), [], Message("X"), Who(name, "a@b\n>", 1))
    batch.write()
    git(folder, "branch", "odd", made)

    assert git(folder, "fsck", "--strict", "--no-dangling") == ""


def test_a_pack_with_a_broken_object_is_refused(folder: Path, repository: Repository) -> None:
    batch = Batch(repository)
    for number in range(40):
        batch.blob(b"%d" % number)
    batch.commit("f" * 40, [CommitId("e" * 40)], Message("Leads nowhere"), WHO)

    with pytest.raises(Exception, match="index-pack"):
        batch.write()
    assert list((folder / ".git/objects/pack").glob("*.idx")) == []


def test_git_runs_without_the_variables_that_would_lead_it_elsewhere(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))

    assert run(repository.git_dir, "rev-parse", "HEAD").decode().strip() == repository.head()


def chain(batch: Batch, count: int) -> CommitId:
    files = {f"f{number}": b"%d" % number for number in range(count)}
    return batch.commit(batch.edit_tree(None, files), [], Message("Many"), WHO)


def guards(folder: Path) -> list[Path]:
    return list((folder / ".git/objects/pack").glob("*.keep"))


@pytest.mark.parametrize("count", [3, 40], ids=["loose", "pack"])
def test_what_gc_takes_before_a_ref_leads_to_it_is_there_when_one_does(
    folder: Path, repository: Repository, count: int
) -> None:
    batch = Batch(repository)
    made = chain(batch, count)
    batch.write()
    git(folder, "gc", "-q", "--prune=now")
    batch.land([Move("refs/heads/gitskill/new", None, made)], WHO, "test")

    assert git(folder, "show", f"gitskill/new:f{count - 1}") == str(count - 1)
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""
    assert guards(folder) == []


def test_while_gc_runs_even_a_few_objects_are_guarded(folder: Path, repository: Repository) -> None:
    (folder / ".git/gc.pid").write_text("1 elsewhere")
    batch = Batch(repository)
    made = chain(batch, 2)
    batch.write()
    assert len(guards(folder)) == 1
    git(folder, "prune", "--expire=now")

    assert git(folder, "cat-file", "-t", made).strip() == "commit"


def test_a_gc_that_begins_before_the_refs_have_moved_gets_a_pack_that_it_does_not_know(
    folder: Path, repository: Repository
) -> None:
    batch = Batch(repository)
    made = chain(batch, 2)
    batch.write()
    (folder / ".git/gc.pid").write_text("1 elsewhere")
    batch.land([Move("refs/heads/gitskill/new", None, made)], WHO, "test")

    assert len(list((folder / ".git/objects/pack").glob("*.pack"))) == 1
    assert guards(folder) == []


def test_a_batch_that_is_given_up_leaves_no_guard(folder: Path, repository: Repository) -> None:
    batch = Batch(repository)
    chain(batch, 40)
    batch.write()
    assert len(guards(folder)) == 1
    del batch

    assert guards(folder) == []


def test_the_guard_of_a_killed_process_is_swept_and_nobody_elses(folder: Path, repository: Repository) -> None:
    killed = (
        "import os, sys; from conftest import WHO; from gitskill.store.objects import Batch;"
        "from gitskill.store.repository import Repository; from pathlib import Path;"
        "batch = Batch(Repository.open(Path(sys.argv[1]))); [batch.blob(b'x%d' % n) for n in range(40)];"
        "batch.write(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(folder)], cwd=Path(__file__).parent, check=False)
    [left] = guards(folder)
    other = left.with_name("pack-other.keep")
    other.write_text("fetch-pack 1 on elsewhere\n")
    batch = Batch(repository)
    chain(batch, 40)
    batch.write()

    assert not left.exists()
    assert other.exists()
