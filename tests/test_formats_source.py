"""Files as formats see them: the 24 shapes of damage, each read or refused with its reason, and none with a crash."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats.parse import MAX_DEPTH, MAX_PARSED, NOT_UTF8, REPEATED, Damaged, is_deep, parse
from gitskill.formats.source import Source, is_plain_name

RECORDS = [{"n": 1, "text": "ä"}, {"n": 2, "text": "b"}]
LINES = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS)


def source(folder: Path, data: bytes) -> Source:
    path = folder / "run.jsonl"
    path.write_bytes(data)
    return Source(path)


@pytest.mark.parametrize(
    "data",
    [
        LINES.encode(),
        b"\xef\xbb\xbf" + LINES.encode(),
        LINES.replace("\n", "\r\n").encode(),
        LINES.encode("utf-16"),
        LINES.encode("utf-16-le"),
        LINES.encode("utf-16-be"),
        LINES.encode("utf-32"),
        LINES.encode("utf-32-le"),
        LINES.encode("latin-1"),
        b"\n\n" + LINES.encode() + b"\n  \n",
        LINES.encode().rstrip(),
    ],
    ids=["utf8", "bom", "crlf", "utf16", "utf16le", "utf16be", "utf32", "utf32le", "latin1", "blank", "no-end"],
)
def test_records_are_read_whatever_their_encoding(tmp_path: Path, data: bytes) -> None:
    found = source(tmp_path, data)

    assert found.is_lines
    assert [value for _, value in found.records()] == RECORDS
    assert found.opening == RECORDS


def test_the_encoding_that_was_repaired_is_noted(tmp_path: Path) -> None:
    found = source(tmp_path, LINES.encode("latin-1"))
    list(found.records())

    assert found.notes == {NOT_UTF8}


@pytest.mark.parametrize("data", [json.dumps(RECORDS[0]).encode(), json.dumps(RECORDS, indent=2).encode()])
def test_one_document_is_not_lines(tmp_path: Path, data: bytes) -> None:
    found = source(tmp_path, data)
    wanted = json.loads(data)

    assert not found.is_lines
    assert found.document == wanted
    assert [value for _, value in found.rows()] == (wanted if isinstance(wanted, list) else [wanted])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\0" * 64, "NUL"),
        (b'{"a": "b\0"}', "NUL"),
        (b"hello", "not JSON: Expecting value at character 1 of 5"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": %s}' % (b"7" * 5000), "thousands of digits"),
        (b"[" * 10_000 + b"]" * 10_000, "nested more than 64 deep"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested more than 64 deep"),
        (b'{"a": "b', "cut off: it ends in the middle of a value"),
        (b'{"a": 1, ', "cut off: it ends in the middle of a value"),
        (b'\xff\xfe{\0"\0a', "begins as utf-16 and is not"),
    ],
)
def test_what_is_no_json_is_refused_with_its_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(Damaged, match=reason):
        source(tmp_path, data).document  # noqa: B018 - reading it is the act


def test_a_file_that_opens_and_cannot_be_read_is_damaged() -> None:
    """The memory of a process is a plain file whose first page nobody may read."""
    with pytest.raises(Damaged, match="cannot be read: Input/output error"):
        Source(Path(f"/proc/{os.getpid()}/mem")).document  # noqa: B018 - reading it is the act


@pytest.mark.parametrize("torn", [b'{"n": 3, "te', b"garbage\n", b'{"n": 1e}\n', b"\0\0\0\0\n"])
def test_a_torn_record_damages_a_log_and_costs_a_table_one_row(tmp_path: Path, torn: bytes) -> None:
    found = source(tmp_path, LINES.encode() + torn)

    with pytest.raises(Damaged, match="line 3: "):
        list(found.records())
    rows = [value for _, value in found.rows()]
    assert rows[:2] == RECORDS
    assert isinstance(rows[2], Damaged)


def test_a_key_that_comes_twice_counts_last_and_is_noted(tmp_path: Path) -> None:
    found = source(tmp_path, b'{"a": 1, "a": 2}')

    assert found.document == {"a": 2}
    assert found.notes == {REPEATED}


def test_special_files_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "file")

    for name, reason in (
        ("fifo", "not a plain file"),
        ("dangling", "a symbolic link"),
        ("link", "a symbolic link"),
        (".", "not a plain file"),
        ("missing", "No such file"),
    ):
        with pytest.raises(Damaged, match=reason):
            Source(tmp_path / name).document  # noqa: B018 - reading it is the act


def test_depth_is_counted_exactly() -> None:
    def nested(levels: int) -> Any:
        return [nested(levels - 1)] if levels else {}

    assert is_deep(nested(MAX_DEPTH)) is False
    assert is_deep(nested(MAX_DEPTH + 1)) is True


def test_a_large_document_loses_the_middle_of_its_long_texts_and_nothing_else(tmp_path: Path) -> None:
    long = ('line with \\ and " and ü and 😀\n' * (MAX_PARSED // 25)) + "end"
    document = {"short": ["a"] * 5, "long": long, "none": "x" * MAX_PARSED, "after": {"n": 7}}
    found = source(tmp_path, json.dumps(document).encode())

    read = found.document
    assert (read["short"], read["after"]) == (document["short"], document["after"])
    assert read["long"].startswith('line with \\ and " and ü and 😀\nline')
    assert read["long"].endswith("😀\nend")
    assert "bytes cut ...]" in read["long"]
    assert "bytes cut ...]" in read["none"]
    assert len(json.dumps(read)) < MAX_PARSED
    assert [note for note in found.notes if "were cut" in note]


def test_a_large_log_is_cut_by_one_rule_for_all_of_its_records(tmp_path: Path) -> None:
    texts = ["word " * 100_000, "tiny", "w" * 400_000] * 20
    found = source(tmp_path, "".join(json.dumps({"t": text}) + "\n" for text in texts).encode())

    read = [value["t"] for _, value in found.records()]
    assert read[1::3] == ["tiny"] * 20
    assert sum(map(len, read)) < MAX_PARSED
    assert len({len(text) for text in read[0::3]}) == 1


def test_many_short_texts_that_are_too_much_together_are_refused() -> None:
    with pytest.raises(Damaged, match="larger than 20 MB, even with its long texts cut"):
        parse(b"[" + b'"12345678901234567890",' * (MAX_PARSED // 20) + b"1]", set())


def test_memory_stays_small_on_a_large_document(tmp_path: Path) -> None:
    """Measured in a process of its own: what the tests before it used does not count."""
    path = tmp_path / "large.json"
    path.write_text('{"t": "%s"}' % ("some words and a line \\n" * 2_500_000))
    code = (
        "import sys; from pathlib import Path; from gitskill.formats.source import Source;"
        "used = lambda: int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]); before = used();"
        "Source(Path(sys.argv[1])).document; print((used() - before) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 250


@pytest.mark.parametrize(
    ("name", "plain"),
    [("django__django-10999", True), ("a.b=c", True), ("..", False), (".git", False), ("a/b", False), ("", False)],
)
def test_names_from_logs_may_be_looked_for_only_if_they_are_plain(name: str, plain: bool) -> None:
    assert is_plain_name(name) is plain
