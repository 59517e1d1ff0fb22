"""gitskill traces add on everything that can be wrong with a file: each is named with its reason, the rest come in."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Done, git

Run = Callable[..., Done]


def chat(task: str) -> str:
    """Give one line of a file with a run on each line."""
    messages = [{"role": "user", "content": f"Do {task}: äöü."}, {"role": "assistant", "content": "Done."}]
    return json.dumps({"messages": messages, "task_id": task, "reward": 1}, ensure_ascii=False) + "\n"


def session(task: str) -> bytes:
    """Give a log with a record on each line."""
    records = [
        {"type": "user", "uuid": "u1", "parentUuid": None, "sessionId": task, "message": {"content": f"Do {task}."}},
        {
            "type": "assistant",
            "uuid": "u2",
            "parentUuid": "u1",
            "sessionId": task,
            "message": {"id": "m1", "model": "m", "role": "assistant", "content": [{"type": "text", "text": "Done."}]},
        },
    ]
    return "".join(json.dumps(record) + "\n" for record in records).encode()


DEEP = 10_000

READ: dict[str, bytes] = {
    "bom.jsonl": b"\xef\xbb\xbf" + chat("bom").encode(),
    "utf16.jsonl": chat("utf16").encode("utf-16"),
    "utf16be.jsonl": chat("utf16be").encode("utf-16-be"),
    "latin1.jsonl": chat("latin1").encode("latin-1"),
    "crlf.jsonl": chat("crlf").replace("\n", "\r\n").encode() * 2,
    "twice.json": chat("twice").replace('{"messages"', '{"task_id": "x", "messages"').encode(),
    "surrogate.json": chat("surrogate").replace("Done.", "cut \\ud83d here").encode(),
    "nul-escape.json": chat("nul").replace("Done.", "a\\u0000b").encode(),
    "new\nline.json": chat("newline").encode(),
    "-rf.json": chat("dash").encode(),
}
"""What is odd but whole."""

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.jsonl": (b"", "empty"),
    "blank.json": (b" \r\n \n", "empty"),
    "nul.jsonl": (b"\0" * 4096, "holds NUL bytes: not text"),
    "nul-inside.json": (chat("n").encode().replace(b"Done.", b"Do\0e."), "holds NUL bytes: not text"),
    "torn.jsonl": (session("torn")[:-30], "line 2: cut off: it ends in the middle of a value"),
    "torn-middle.jsonl": (session("t").replace(b'"u2"', b'"u2', 1), "line 2: not JSON"),
    "deep.json": (b"[" * DEEP + b"]" * DEEP, "nested more than 64 deep"),
    "deep-object.json": (b'{"messages":' * 900 + b"1" + b"}" * 900, "nested more than 64 deep"),
    "digits.json": (chat("d").replace('"reward": 1', f'"reward": {"9" * 5000}').encode(), "thousands of digits"),
    "nan.json": (chat("nan").replace('"reward": 1', '"reward": NaN').encode(), "NaN is no JSON number"),
    "binary.json": (bytes(range(256)) * 20, "holds NUL bytes: not text"),
    "half.json": (chat("half").encode()[:40], "cut off: it ends in the middle of a value"),
    "other.json": (b'{"name": "package", "version": "1"}', "in no format that gitskill knows"),
    "number.json": (b"7", "in no format that gitskill knows"),
    "odd-utf16.json": (chat("o").encode("utf-16")[:-1], "begins as utf-16 and is not"),
}
"""What is not whole, or no run, with the reason that must be said."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with every shape in it, and one good run at each end."""
    place = tmp_path / "runs"
    place.mkdir()
    for name, data in READ.items():
        (place / name).write_bytes(data)
    for name, (data, _) in REFUSED.items():
        (place / name).write_bytes(data)
    (place / "a good.jsonl").write_text(chat("first"))
    (place / "zz good.jsonl").write_text(chat("last"))
    (place / os.fsdecode(b"\xff\xfe.json")).write_text(chat("bytes"))
    os.mkfifo(place / "fifo.jsonl")
    (place / "dangling.jsonl").symlink_to("nowhere")
    (place / "circle.jsonl").symlink_to("circle.jsonl")
    (place / "link.jsonl").symlink_to("a good.jsonl")
    (place / "folder.jsonl").mkdir()
    return place


def test_every_shape_of_damage_is_named_with_its_reason_and_the_rest_come_in(
    folder: Path, gitskill: Run, place: Path
) -> None:
    done = gitskill(folder, "traces", "add", "--json", str(place))
    document: dict[str, Any] = json.loads(done.out)
    reasons = {Path(item["path"]).name: item["reason"] for item in document["skipped"]}

    assert done.code == 7
    assert document["added"] == len(READ) + 3  # one good run at each end, and one under a name of any bytes
    for name, (_, reason) in REFUSED.items():
        assert reason in reasons.pop(name), name
    assert reasons == {
        "fifo.jsonl": "not a plain file",
        "dangling.jsonl": "a symbolic link",
        "circle.jsonl": "a symbolic link",
        "link.jsonl": "a symbolic link",
    }


def test_what_was_repaired_is_noted(folder: Path, gitskill: Run, place: Path) -> None:
    document = json.loads(gitskill(folder, "traces", "add", "--json", str(place)).out)

    assert {Path(item["path"]).name: item["note"] for item in document["notes"]} == {
        "latin1.jsonl": "not UTF-8; read as Latin-1",
        "twice.json": "an object names a key twice; the last one counts",
    }


def test_text_that_was_repaired_is_whole(folder: Path, gitskill: Run, place: Path) -> None:
    gitskill(folder, "traces", "add", str(place))
    listed = json.loads(gitskill(folder, "traces", "list", "--json").out)
    texts = {}
    for entry in listed:
        shown = json.loads(gitskill(folder, "traces", "show", "--json", entry["trace"]).out)
        texts[entry["task"]] = (shown["request"], shown["steps"][-1]["text"])

    for task in ("bom", "utf16", "utf16be", "latin1", "crlf"):
        assert texts[task] == (f"Do {task}: äöü.", "Done."), task
    assert texts["surrogate"][1] == "cut \ufffd here"
    assert texts["nul"][1] == "a\0b"


def test_a_damaged_row_costs_its_own_run_only(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(chat("a") + '{"messages": [\n' + chat("b") + chat("c")[:50])
    document = json.loads(gitskill(folder, "traces", "add", "--json", str(tmp_path / "rows.jsonl")).out)

    assert document["added"] == 2
    assert [item["path"] for item in document["skipped"]] == [str(tmp_path / "rows.jsonl")] * 2
    assert ["line 2" in document["skipped"][0]["reason"], "line 4" in document["skipped"][1]["reason"]] == [True, True]


def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    """Root may read everything, so the program runs without that right where the test has it."""
    closed = tmp_path / "closed.jsonl"
    closed.write_text(chat("closed"))
    closed.chmod(0o000)
    code = (
        "import os, sys; from pathlib import Path; from gitskill.formats.source import Source;"
        "os.geteuid() or os.seteuid(65534);"
        "print(Source(Path(sys.argv[1])).magic)"
    )
    for above in (tmp_path, *tmp_path.parents[:3]):
        above.chmod(above.stat().st_mode | 0o055)
    done = subprocess.run([sys.executable, "-c", code, str(closed)], capture_output=True, text=True, check=False)

    assert done.stderr.splitlines()[-1] == "gitskill.formats.parse.Damaged: cannot be read: Permission denied"


TELLING = """
import sys
from pathlib import Path
from gitskill.cli.main import run
code = run(sys.argv[1:], {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com"})
print(code, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], file=sys.stderr)
"""


def held(folder: Path, *words: str) -> int:
    """Run the program in a process of its own and give the most memory it held, in MB."""
    command = [sys.executable, "-c", TELLING, "-C", str(folder), "traces", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, memory = done.stderr.split()[-2:]
    assert code == "0", done.stderr
    return int(memory) // 1024


@pytest.mark.parametrize(("turns", "size"), [(1, 100_000_000), (10_000, 10_000)])
def test_a_trace_of_a_hundred_megabytes_stays_within_its_memory(
    folder: Path, tmp_path: Path, turns: int, size: int
) -> None:
    line = "a line of output with words and /paths/in/it, 0123456789\\n"
    body = (line * (size // len(line) + 1))[:size].removesuffix("\\")
    with (tmp_path / "large.json").open("w") as file:
        file.write('{"messages": [{"role": "user", "content": "Go."}')
        for _ in range(turns):
            file.write(f', {{"role": "assistant", "content": "{body}"}}')
        file.write("]}")
    base = held(folder, "list")

    assert held(folder, "add", str(tmp_path / "large.json")) - base < 300
    assert len(git(folder, "ls-tree", "-r", "--name-only", "refs/gitskill/traces").split()) == 2
