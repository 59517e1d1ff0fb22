"""Finding files: what is named is followed, what lies in a folder is taken as it is, and no link is."""

import os
from pathlib import Path

import pytest

from gitskill.formats.walk import MAX_DEPTH, File, Unusable, walk


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b/2.json", "a/1.json", "a/.hidden/3.json", "a/.git/config", "outside/x.json"):
        path = tmp_path / ("runs" if not name.startswith("outside") else "") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    (tmp_path / "runs/b/link.json").symlink_to(tmp_path / "outside/x.json")
    (tmp_path / "runs/c").symlink_to(tmp_path / "outside")
    os.mkfifo(tmp_path / "runs/pipe")
    return tmp_path


def found(*paths: Path, below: Path) -> list[tuple[str, str]]:
    return [
        (str(item.path.relative_to(below)), item.reason if isinstance(item, Unusable) else "") for item in walk(paths)
    ]


def test_a_folder_is_walked_in_order_and_no_link_in_it_is_followed(tree: Path) -> None:
    assert found(tree / "runs", below=tree / "runs") == [
        ("a/.hidden/3.json", ""),
        ("a/1.json", ""),
        ("b/2.json", ""),
        ("b/link.json", "a symbolic link"),
        ("c", "a symbolic link"),
        ("pipe", "not a plain file"),
    ]


def test_what_a_person_names_may_be_a_link(tree: Path) -> None:
    assert found(tree / "runs/c", below=tree) == [("outside/x.json", "")]
    assert list(walk([tree / "runs/b/link.json"])) == [File(tree / "outside/x.json", named=True)]


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("runs/*/*.json", ["runs/a/1.json", "runs/b/2.json", "runs/b/link.json"]),
        ("runs/**/3.json", ["runs/a/.hidden/3.json"]),
        ("runs/[ab]", ["runs/a/.hidden/3.json", "runs/a/1.json", "runs/b/2.json", "runs/b/link.json"]),
    ],
)
def test_a_pattern_is_filled_in_and_no_link_on_the_way_is_followed(tree: Path, pattern: str, files: list[str]) -> None:
    told = found(tree / pattern, below=tree)

    assert [path for path, _ in told] == files
    assert {path for path, reason in told if reason} == {path for path in files if "link" in path}


def test_a_pattern_below_a_link_that_is_named_works_and_links_in_circles_end(tree: Path) -> None:
    (tree / "way").symlink_to(tree / "runs")
    (tree / "runs/a/round").symlink_to(tree / "runs")
    (tree / "runs/a/again").symlink_to(".")

    assert [path for path, _ in found(tree / "way/**/*.json", below=tree)] == [
        *("runs/a/1.json", "runs/a/.hidden/3.json", "runs/b/2.json", "runs/b/link.json"),
    ]


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    assert found(tmp_path / ("a" * 300), below=tmp_path)[0][1] == "cannot be read: File name too long"


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "run[1].json").write_text("{}")

    assert found(tmp_path / "run[1].json", below=tmp_path) == [("run[1].json", "")]


def test_a_file_that_is_named_twice_is_given_once(tree: Path) -> None:
    assert len(found(tree / "runs/a/1.json", tree / "runs/a", tree / "runs/*/1.json", below=tree)) == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "cannot be read: No such file or directory"),
        ("*.none", "nothing matches this pattern"),
        ("dangling", "a symbolic link to nothing"),
        ("circle", "a symbolic link to nothing"),
        ("pipe", "not a plain file"),
        ("file/below", "cannot be read: Not a directory"),
    ],
)
def test_what_cannot_be_looked_into_is_told(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")

    assert found(tmp_path / name, below=tmp_path) == [(name, reason)]


def test_names_of_any_bytes_are_found(tmp_path: Path) -> None:
    names = [b"new\nline.json", b"\xff\xfe.json", b"-rf", b" "]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_text("{}")

    assert sorted(os.fsencode(item.path.name) for item in walk([tmp_path])) == sorted(names)


def test_a_folder_that_goes_too_deep_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * (MAX_DEPTH + 1))
    deep.mkdir(parents=True)
    (deep / "x.json").write_text("{}")
    (tmp_path / "z.json").write_text("{}")

    told = found(tmp_path, below=tmp_path)
    assert told[-1] == ("z.json", "")
    assert told[0][1] == f"more than {MAX_DEPTH} folders deep"
