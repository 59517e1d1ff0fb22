"""What analysts try, behind the ledger: run once, seen again byte for byte, and nothing lost on the way."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from analyst_desk import RUN
from conftest import needed
from gitskill.analysts.room import Ran
from gitskill.errors import InvalidInput
from gitskill.judge import Judge
from gitskill.model.ledger import Ledger, Ledgered
from gitskill.model.request import Answer, Model, Question
from gitskill.redact.redactor import Redactor
from gitskill.sandbox.bubblewrap import Sandbox
from gitskill.sandbox.job import MAX_FILES, MAX_GIVEN_BYTES
from gitskill.skill.snapshot import Skill
from gitskill.trace_document import canonical
from gitskill.trying import JudgeModel, KeptChecker, KeptRunner, SandboxModel, reference_hashes, skill_hash

SKILL = Skill({"SKILL.md": b"# Sheets\n"})
KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
EVERY_BYTE = bytes(range(256)) * 40
LIKE_A_TOKEN = b"\xff" * 3 + b"\x10\0\0" + bytes(60) + b"\xff" * 3
"""In base64 these bytes are what a token of a payment service looks like."""

Try = Callable[..., Ran]


class Nobody:
    """Stands where nothing may be asked any more."""

    async def ask(self, question: Question) -> Answer:
        raise AssertionError(question)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    found = needed("bwrap", "nothing that analysts try was tested")
    return asyncio.run(Sandbox.prepare(found, outside=[Path.cwd()]))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    book = Ledger(tmp_path / "ledger.db")
    yield book
    book.close()


def kept(ledger: Ledger, tool: Model) -> Ledgered:
    redactor = Redactor({})
    return Ledgered(tool, ledger, lambda text: redactor.session().text(text), lambda _model, _usage: 0.0)


@pytest.fixture
def attempt(sandbox: Sandbox, ledger: Ledger) -> Try:
    """Run a line of shell, or a list of words, for trace `t`."""

    def call(command: str | Sequence[str], files: Mapping[str, bytes] | None = None, tool: Model | None = None) -> Ran:
        words = ["sh", "-c", command] if isinstance(command, str) else command
        runner = KeptRunner(kept(ledger, tool or SandboxModel(sandbox, SKILL)), "r0001", "t", skill_hash(SKILL))
        return asyncio.run(runner.run(words, files or {}))

    return call


def stored(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))


# commands


def test_what_a_command_did_is_seen_again_and_not_done_again(attempt: Try) -> None:
    line = "cat /proc/sys/kernel/random/uuid | tee new; echo more >>old; rm gone; exit 3"
    files = {"old": b"old\n", "gone": b"", "same": EVERY_BYTE}

    first = attempt(line, files)
    again = attempt(line, files, tool=Nobody())

    assert first == again
    assert (first.exit, set(first.files)) == (3, {"old", "new", "same"})
    assert first.files["new"] == first.output.encode()
    assert (first.files["old"], first.files["same"]) == (b"old\nmore\n", EVERY_BYTE)


@pytest.mark.parametrize("change", ["command", "content", "name", "skill"])
def test_another_command_among_other_files_or_with_another_skill_is_run(
    attempt: Try, sandbox: Sandbox, ledger: Ledger, change: str
) -> None:
    line, files, skill = "cat /proc/sys/kernel/random/uuid", {"a": b"x"}, SKILL
    first = attempt(line, files)

    line += " #" if change == "command" else ""
    files = {"content": {"a": b"y"}, "name": {"b": b"x"}}.get(change, files)
    skill = Skill({"SKILL.md": b"# Other\n"}) if change == "skill" else skill
    runner = KeptRunner(kept(ledger, SandboxModel(sandbox, skill)), "r0001", "t", skill_hash(skill))

    assert asyncio.run(runner.run(["sh", "-c", line], files)).output != first.output


@pytest.mark.parametrize(
    "data",
    [
        b"",
        EVERY_BYTE,
        LIKE_A_TOKEN,
        b"caf\xe9;1\r\n",
        "ünï \u2039SECRET:own:1\u203a \u202e\n".encode(),
        b"\xef\xbb\xbfa\n",
        b"\0",
    ],
    ids=["empty", "binary", "like a token", "latin-1", "unicode", "byte order mark", "zero"],
)
def test_whatever_the_bytes_are_they_come_back(attempt: Try, data: bytes) -> None:
    made = attempt("cp given made", {"given": data})

    assert made.files == {"given": data, "made": data}
    assert made.dropped == ()


def test_names_come_back_as_they_are(attempt: Try) -> None:
    names = {"ünï côde/ž.csv": b"1", " a b": b"2", "-rf": b"3", "d/e/f": b"4"}

    made = attempt('for f in *; do cp -r -- ./"$f" ./"new $f"; done; rm ./-rf', names)

    assert set(made.files) == {
        *(names.keys() - {"-rf"}),
        *(f"new {name}" for name in names),
    }


def test_a_secret_that_a_command_unwraps_is_taken_out_and_that_is_told(attempt: Try, tmp_path: Path) -> None:
    halves = {"a": KEY[:12].encode(), "b": KEY[12:].encode()}

    made = attempt("cat a b | tee key.txt; echo fine >fine.txt", halves)

    assert KEY not in made.output
    assert KEY.encode() not in made.files["key.txt"]
    assert made.files["fine.txt"] == b"fine\n"
    assert made.dropped == ("key.txt (in part: something in it looked like a secret)",)
    assert KEY.encode() not in stored(tmp_path)


def test_of_two_names_that_become_one_the_second_is_named(attempt: Try) -> None:
    made = attempt("echo 1 >ann@mail.com; echo 2 >bob@mail.com")

    assert list(made.files.values()) == [b"1\n"]
    assert len(made.dropped) == 1


def test_files_that_nobody_changed_take_no_room_in_the_ledger(attempt: Try, tmp_path: Path) -> None:
    files = {f"{number}.txt": f"row {number}\n".encode() * 10_000 for number in range(20)}

    for number in range(5):
        files = dict(attempt(f"echo {number} >>0.txt", files).files)

    assert len(files["0.txt"]) == len(b"row 0\n") * 10_000 + 10
    assert len(stored(tmp_path)) < 1_500_000  # 20 files of 60 to 70 KB, five times, would be 6 MB


def test_files_of_a_job_that_is_too_much_to_take_out_stay_as_they_were(attempt: Try) -> None:
    files = {f"{number:03}": str(number).encode() for number in range(MAX_FILES + 60)}

    made = attempt("echo changed >000; rm 001", files)

    assert made.files["000"] == b"changed\n"
    assert made.files.keys() >= files.keys() - {"001"}
    assert made.files["250"] == b"250"


def test_a_file_that_grew_beyond_the_limit_stays_as_it_was_and_is_named(attempt: Try) -> None:
    made = attempt("head -c 9000000 /dev/zero >a; rm b", {"a": b"a", "b": b"b"})

    assert (dict(made.files), made.dropped) == ({"a": b"a"}, ("a",))


@pytest.mark.parametrize(
    ("command", "files"),
    [
        (["a\0b"], {}),
        (["echo", "x" * 100_000], {}),
        (["true"], {"a": bytes(MAX_GIVEN_BYTES + 1)}),
        (["true"], {"a": b"", "a/b": b""}),
    ],
    ids=["no word", "too long", "too much", "a folder that is a file"],
)
def test_what_cannot_be_run_is_refused_and_on_resume_the_same_way(
    attempt: Try, command: list[str], files: dict[str, bytes]
) -> None:
    with pytest.raises(InvalidInput) as first:
        attempt(command, files)
    with pytest.raises(InvalidInput) as again:
        attempt(command, files, tool=Nobody())

    assert str(again.value) == str(first.value)


def test_a_program_that_is_not_there_is_told_as_a_shell_tells_it(attempt: Try) -> None:
    made = attempt(["no-such-program"])

    assert made.exit == 127
    assert "no-such-program" in made.output


def test_that_a_command_took_too_long_is_seen_again_without_waiting(attempt: Try, sandbox: Sandbox) -> None:
    line = "echo begun; echo x >new; exec sleep 60"

    first = attempt(line, tool=SandboxModel(sandbox, SKILL, seconds=0.3))

    assert (first.exit, first.output, dict(first.files)) == (None, "begun\n", {"new": b"x\n"})
    assert attempt(line, tool=Nobody()) == first


def test_what_is_forgotten_with_a_trace_is_run_again(attempt: Try, ledger: Ledger) -> None:
    line = "cat /proc/sys/kernel/random/uuid"
    first = attempt(line)

    assert ledger.forget("t") == 1
    assert attempt(line).output != first.output


# the person's command


@pytest.fixture
def judged(tmp_path: Path, ledger: Ledger) -> Callable[..., bool | None]:
    """Have bytes judged by a script that counts its runs in the file `runs`."""

    def call(
        script: str, data: bytes = b"x", name: str = "fix.csv", run: str = "r0001", tool: Model | None = None
    ) -> bool | None:
        program = tmp_path / "check.sh"
        program.write_text(f"#!/bin/sh\necho run >>{tmp_path}/runs\n{script}\n")
        program.chmod(0o755)
        model = tool or JudgeModel(Judge.parse(str(program), flag="--checker"))
        passed, said = asyncio.run(KeptChecker(kept(ledger, model), run, "check").check(RUN, name, data))
        assert said == ""
        return passed

    return call


def ran(tmp_path: Path) -> int:
    return len((tmp_path / "runs").read_text().splitlines())


@pytest.mark.parametrize(
    ("script", "passed"),
    [
        ("exit 0", True),
        ("exit 1", False),
        ("exit 2", None),
        ("no-such-program-anywhere", None),
        ("kill -9 $$", None),
        ("echo cell B2 differs; echo failure; exit 0", False),
        ("echo '{\"reward\": 0.5}'; exit 0", False),
        ('echo \'{"outcome": "infra_error"}\'; exit 1', None),
        ("exec >&- 2>&- <&-; exit 0", True),
    ],
)
def test_a_command_says_yes_or_no_or_nothing(
    judged: Callable[..., bool | None], script: str, passed: bool | None
) -> None:
    assert judged(script) is passed
    assert judged(script, tool=Nobody()) is passed


def test_one_file_is_judged_once_in_a_run_and_anew_in_the_next(
    judged: Callable[..., bool | None], tmp_path: Path
) -> None:
    assert [judged("exit 1"), judged("exit 0"), judged("exit 0", b"other")] == [False, False, True]
    assert ran(tmp_path) == 2
    assert judged("exit 0", run="r0002") is True
    assert ran(tmp_path) == 3


def test_the_command_gets_the_very_bytes_and_the_trace(judged: Callable[..., bool | None], tmp_path: Path) -> None:
    judged(f'cp "$1" {tmp_path}/seen; cat >{tmp_path}/trace; echo "$1" >{tmp_path}/path', LIKE_A_TOKEN, "a/b.XLSX")

    path = Path((tmp_path / "path").read_text().strip())
    assert (tmp_path / "seen").read_bytes() == LIKE_A_TOKEN
    assert (tmp_path / "trace").read_bytes() == canonical(RUN.trace)
    assert path.name == "fix.XLSX"
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "name", ["a$(touch x).csv", "a.csv;touch x", "a.c$(touch x)", "..", "a\n.b", "x" * 5000, ".hidden", "a.ä", "-rf"]
)
def test_no_word_of_a_name_that_a_model_made_up_reaches_a_persons_command(
    judged: Callable[..., bool | None], tmp_path: Path, name: str
) -> None:
    assert judged(f'echo "${{1##*/}}" >{tmp_path}/path', name=name) is True
    assert (tmp_path / "path").read_text() in {"fix\n", "fix.csv\n", "fix.b\n"}


def test_a_file_that_looks_like_a_secret_is_not_kept(judged: Callable[..., bool | None], tmp_path: Path) -> None:
    assert judged("exit 0", KEY.encode()) is True
    assert KEY.encode() not in stored(tmp_path)


def test_a_command_that_cannot_be_started_is_for_its_person_to_mend(
    judged: Callable[..., bool | None], tmp_path: Path, ledger: Ledger
) -> None:
    program = tmp_path / "no-shebang"
    program.write_text("exit 0\n")
    program.chmod(0o755)
    broken = JudgeModel(Judge.parse(str(program), flag="--checker"))

    with pytest.raises(InvalidInput, match="cannot be run: Exec format error"):
        judged("", tool=broken)
    assert judged("exit 0") is True
    assert sum(bill.calls for bill in ledger.bills().values()) == 1


# known answers


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_every_file_below_a_folder_of_answers_is_known_through_links_too(tmp_path: Path) -> None:
    answers, elsewhere = tmp_path / "answers", tmp_path / "elsewhere"
    for place in (answers / "deep", elsewhere):
        place.mkdir(parents=True)
    for number in range(2000):
        (answers / "deep" / f"{number}").write_text(f"{number}")
    (elsewhere / "more").write_bytes(b"more")
    (answers / "folder").symlink_to(elsewhere)
    (answers / "round").symlink_to(answers)
    (answers / "file").symlink_to(elsewhere / "more")
    os.mkfifo(answers / "pipe")

    assert reference_hashes([answers]) == {*(sha(f"{number}".encode()) for number in range(2000)), sha(b"more")}
    assert reference_hashes([answers / "deep" / "7", elsewhere]) == {sha(b"7"), sha(b"more")}
    assert reference_hashes([]) == frozenset()


@pytest.mark.parametrize("wrong", ["missing", "empty", "dangling", "pipe"])
def test_answers_that_are_not_there_are_told(tmp_path: Path, wrong: str) -> None:
    place = tmp_path / wrong
    if wrong in {"empty", "dangling"}:
        place.mkdir()
    if wrong == "dangling":
        (place / "link").symlink_to(tmp_path / "nowhere")
    if wrong == "pipe":
        os.mkfifo(place)

    with pytest.raises(InvalidInput, match=wrong):
        reference_hashes([place])


def test_a_folder_of_answers_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """The superuser may read all; for others the mode of the folder decides."""
    closed = tmp_path / "answers" / "closed"
    closed.mkdir(parents=True)
    (closed.parent / "open").write_text("x")
    (closed / "answer").write_text("y")
    closed.chmod(0)
    try:
        if os.access(closed, os.R_OK):
            assert sha(b"y") in reference_hashes([closed.parent])
        else:
            with pytest.raises(InvalidInput, match="closed cannot be read: Permission denied"):
                reference_hashes([closed.parent])
    finally:
        closed.chmod(0o755)


def test_a_trace_is_named_by_its_words_too(judged: Callable[..., bool | None], tmp_path: Path, ledger: Ledger) -> None:
    """The task of a trace can be changed, and the command gets it."""
    assert judged("exit 0") is True
    other = replace(RUN, trace=replace(RUN.trace, task="another"))
    program = JudgeModel(Judge.parse(str(tmp_path / "check.sh"), flag="--checker"))

    asyncio.run(KeptChecker(kept(ledger, program), "r0001", "check").check(other, "fix.csv", b"x"))

    assert ran(tmp_path) == 2
