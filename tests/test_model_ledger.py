"""Nothing is paid for twice, whatever is killed, and what is forgotten is gone."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fault_server import FaultServer, Reaction, Script, Seen, always, document, error, half_body, hang, ok, reset, then
from gitskill.model.client import OpenAIModel
from gitskill.model.endpoint import Endpoint
from gitskill.model.failures import Failed, LedgerUnusable, ModelUnusable, NoAnswer
from gitskill.model.ledger import Bill, Ledger, Ledgered
from gitskill.model.ledger_file import Change, Intent, LedgerFile, Nothing, Result
from gitskill.model.request import Answer, Label, Message, Usage
from model_stack import Verdict, ask, paid_through

CHILD = """
import asyncio, sys
from pathlib import Path
from gitskill.model.client import OpenAIModel
from gitskill.model.endpoint import Endpoint
from gitskill.model.failures import LedgerUnusable
from gitskill.model.ledger import Ledger, Ledgered
from gitskill.model.request import Message, Question

async def run(url, path, count, workers):
    ledger = Ledger(Path(path))
    gate = asyncio.Semaphore(workers)
    async with OpenAIModel(Endpoint(url)) as inner:
        model = Ledgered(inner, ledger, str, lambda model, usage: None)
        async def one(number):
            async with gate:
                return (await model.ask(Question("m", (Message("user", f"question {number}"),)))).text
        print(*await asyncio.gather(*(one(number) for number in range(count))), sep="\\n")

try:
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
except LedgerUnusable as error:
    sys.exit(f"LedgerUnusable: {error}")
"""


def child(server: FaultServer, path: Path, count: int, workers: int, before: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", before + CHILD, server.url, str(path), str(count), str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def numbered(seen: Seen) -> Reaction:
    """Answer differently each time: who pays twice, is found out."""
    return ok(f"answer {seen.number} to {seen.text}")


def rows(path: Path, columns: str = "*") -> list[Any]:
    with sqlite3.connect(path) as db:
        found = db.execute(f"SELECT {columns} FROM calls").fetchall()  # noqa: S608
    db.close()
    return found


@pytest.mark.parametrize("kill_at", [1, 2, 9, 20])
def test_a_killed_run_goes_on_and_pays_again_only_for_what_was_under_way(tmp_path: Path, kill_at: int) -> None:
    path, count, workers = tmp_path / "ledger.db", 20, 4
    victim: list[subprocess.Popen[str]] = []

    def kill(seen: Seen) -> None:
        if seen.number == kill_at:
            victim[0].send_signal(signal.SIGKILL)

    with FaultServer(numbered, on_request=kill, latency=0.01) as first, FaultServer(numbered) as second:
        victim.append(child(first, path, count, workers))
        victim[0].communicate(timeout=30)
        stored = {json.loads(question)[0][0] for question, answer in rows(path, "question, answer") if answer}
        done = child(second, path, count, workers)
        out, _ = done.communicate(timeout=30)

    assert (victim[0].returncode, done.returncode) == (-signal.SIGKILL, 0)
    before, after = Counter(seen.text for seen in first.seen), Counter(seen.text for seen in second.seen)
    assert max(before.values()) == max(after.values(), default=1) == 1
    assert set(after) == {f"question {number}" for number in range(count)} - stored
    assert len(before.keys() & after.keys()) <= workers
    assert len(out.splitlines()) == count
    assert sum(asked for (asked,) in rows(path, "asked")) >= first.count + second.count


def test_the_question_is_durable_before_it_is_sent_and_the_answer_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    when_asked: list[Any] = []
    with FaultServer(on_request=lambda _: when_asked.extend(rows(path, "asked, answer"))) as server:
        (answer,), _ = paid_through(server, path, ask())

    assert when_asked == [(1, None)]
    assert json.loads(rows(path, "answer")[0][0])["text"] == answer.text == "fine"


def test_a_stored_answer_needs_no_endpoint(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    question = ask(schema=Verdict, label=Label("r0001", "analyse"))
    with FaultServer(always(ok('{"good": true, "reason": "x"}'))) as server:
        first, _ = paid_through(server, path, question)
    again, ledgered = paid_through(server, path, question)

    assert again == first
    assert again[0].value == Verdict(good=True, reason="x")
    assert ledgered.bills() == {Label("r0001", "analyse"): Bill(replayed=1)}


def test_the_same_question_asked_at_once_is_asked_once(tmp_path: Path) -> None:
    with FaultServer(numbered, latency=0.05) as server:
        answers, ledgered = paid_through(server, tmp_path / "l.db", *[ask()] * 5)

    assert server.count == 1
    assert len(set(answers)) == 1
    assert ledgered.bills()[Label()].replayed == 4


def test_a_question_that_another_process_answered_a_moment_ago_is_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer(numbered) as server:

        def meanwhile(text: str) -> str:
            """Be another process, between our look at the ledger and our request."""
            if server.count == 0:
                with ThreadPoolExecutor(1) as other:
                    other.submit(paid_through, server, path, ask()).result()
            return text

        (answer,), ledgered = paid_through(server, path, ask(), redact=meanwhile)

    assert (server.count, answer.text) == (1, "answer 1 to Is it good?")
    assert ledgered.bills()[Label()] == Bill(replayed=1)


def test_many_that_make_the_file_at_once_all_get_it(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / f"ledger-{number}.db"
        with ThreadPoolExecutor(4) as pool:
            for ledger in pool.map(Ledger, [path] * 4):
                ledger.close()


def test_two_processes_that_ask_the_same_pay_at_most_once_each_and_agree(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer(numbered, latency=0.05) as server:
        pair = [child(server, path, 12, 4) for _ in range(2)]
        outs = [each.communicate(timeout=60)[0] for each in pair]

    assert [each.returncode for each in pair] == [0, 0]
    assert outs[0] == outs[1]
    assert 12 <= server.count <= 24
    assert max(Counter(seen.text for seen in server.seen).values()) <= 2


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "n"},
        {"messages": (Message("user", "Is it bad?"),)},
        {"messages": (Message("system", "Is it good?"),)},
        {"schema": Verdict},
        {"max_tokens": 101},
        {"temperature": 0.5},
        {"seed": 1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_decides_an_answer_is_in_the_key(changed: dict[str, Any]) -> None:
    assert ask(**changed).key() != ask().key()


def test_what_decides_nothing_is_not_in_the_key() -> None:
    assert ask(about=("t1",), label=Label("r0001", "merge", "l0001a")).key() == ask().key()


def test_the_key_is_the_same_in_every_process() -> None:
    code = "from model_stack import *; print(ask(schema=Verdict, seed=1).key())"
    told = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in "12"
    ]  # fmt: skip

    assert told == [ask(schema=Verdict, seed=1).key()] * 2


def test_what_is_used_is_redacted_and_so_is_what_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    secret = "AKIA" + "X" * 16
    told = json.dumps({"good": True, "reason": f"see\n{secret}"})
    question = ask(f"The key is {secret}.", schema=Verdict)
    with FaultServer(always(ok(told))) as server:
        for _ in range(2):
            (answer,), _ = paid_through(
                server,
                path,
                question,
                redact=lambda text: text.replace(f"\n{secret}", "\n[key]").replace(secret, "[key]"),
            )
            assert answer.value == Verdict(good=True, reason="see\n[key]")

    assert server.count == 1
    assert secret not in bytes_of(path)


def test_calls_of_tools_are_stored_and_redacted_too(tmp_path: Path) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"at": "pass\\nword"}'}}
    with FaultServer(always(ok(None, tool_calls=[call], finish="tool_calls"))) as server:
        told = [
            paid_through(server, tmp_path / "l.db", ask(), redact=lambda text: text.replace("pass\nword", "***"))[0][0]
            for _ in range(2)
        ]

    assert told[0] == told[1]
    assert json.loads(told[0].tool_calls[0].arguments) == {"at": "***"}


def bytes_of(path: Path) -> str:
    files = [path.with_name(path.name + end) for end in ("", "-wal", "-shm", "-journal")]
    return "".join(file.read_bytes().decode("latin-1") for file in files if file.exists())


@pytest.mark.parametrize(
    "what",
    ["3f9ac1d2", 'the "quoted"\nline', "in the answer", "within\tJSON"],
    ids=["trace", "question", "answer", "JSON in the answer"],
)
def test_what_is_forgotten_is_gone_from_the_bytes_and_the_rest_stays(tmp_path: Path, what: str) -> None:
    path = tmp_path / "ledger.db"
    filler = [ask(f"other {n}" + "x" * 500, about=("3f9a",)) for n in range(30)]
    texts = {"within": json.dumps({"a": ["within\tJSON"]}), "plain": "it stands in the answer"}
    questions = [
        ask("about a trace", about=("3f9ac1d2", "77")),
        ask('he said the "quoted"\nline to me'),
        ask("plain"),
        ask("within"),
    ]
    script: Script = lambda seen: ok(texts.get(seen.text, "fine"))  # noqa: E731
    with FaultServer(script) as server:
        paid_through(server, path, *questions, *filler)
        stored = [what, json.dumps(what)[1:-1], json.dumps(json.dumps(what))[1:-1]]
        assert any(form in bytes_of(path) for form in stored)
        ledger = Ledger(path)
        assert ledger.forget(what) == 1
        left = bytes_of(path)
        ledger.close()
        paid_through(server, path, *questions, *filler)

    assert not any(form in left for form in stored)
    assert server.count == len(questions) + len(filler) + 1


def test_forgetting_nothing_forgets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer() as server:
        paid_through(server, path, ask())
    ledger = Ledger(path)

    assert [ledger.forget(""), ledger.forget("no such text"), len(rows(path))] == [0, 0, 1]
    ledger.close()


def test_what_is_forgotten_takes_no_room(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer() as server:
        paid_through(server, path, *(ask(f"{n}" + "x" * 20_000, about=("t1",)) for n in range(30)))
    ledger = Ledger(path)
    before = path.stat().st_size

    assert ledger.forget("t1") == 30
    assert path.stat().st_size < before / 10
    ledger.close()


def test_forgetting_while_another_reads_says_so(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer() as server:
        paid_through(server, path, ask("a secret"))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM calls").fetchall()
    ledger = Ledger(path, patience=0.05)
    with pytest.raises(LedgerUnusable, match="another process is reading it"):
        ledger.forget("a secret")
    reader.close()

    assert ledger.forget("a secret") == 0
    assert "a secret" not in bytes_of(path)
    ledger.close()


def test_a_question_is_about_all_traces_that_it_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer() as server:
        for trace in ("t1", "t2"):
            paid_through(server, path, ask(about=(trace,)))
    ledger = Ledger(path)

    assert server.count == 1
    assert ledger.forget("t2") == 1
    ledger.close()


def test_closing_waits_for_what_is_being_written(tmp_path: Path) -> None:
    """SQLite does not survive a connection that is closed while another thread uses it."""

    async def run(ledger: Ledger) -> list[str | BaseException | None]:
        intents = [Intent(f"{number}", (), ("", "", ""), "x" * 50_000) for number in range(40)]
        writing = [asyncio.create_task(ledger.commit(intent)) for intent in intents]
        await asyncio.sleep(0.001)
        ledger.close()
        late = asyncio.create_task(ledger.commit(Intent("late", (), ("", "", ""), "")))
        return await asyncio.gather(*writing, late, return_exceptions=True)

    for number in range(10):
        path = tmp_path / f"ledger-{number}.db"
        *_, late = asyncio.run(run(Ledger(path)))
        assert isinstance(late, LedgerUnusable)
        assert "is closed" in str(late)
        assert len(rows(path)) in {0, 40}


def intent(key: str, run: str = "r0001") -> Intent:
    return Intent(key, (), (run, "analyse", ""), "[]")


def test_a_bug_while_writing_reaches_everybody_who_waits_and_stops_nobody_after(tmp_path: Path) -> None:
    """The overflow is not SQLite's own error: nobody expects it, so it must come out as what it is."""
    poison = Result("bad", "{}", (2**63, 0, 0), None, 0)

    async def run(ledger: Ledger) -> list[str | BaseException | None]:
        at_once = [asyncio.create_task(ledger.commit(each)) for each in (intent("one"), poison, intent("two"))]
        await asyncio.sleep(0.001)
        queued = [asyncio.create_task(ledger.commit(intent(f"{number}"))) for number in range(5)]
        return await asyncio.wait_for(asyncio.gather(*at_once, *queued, return_exceptions=True), 10)

    ledger = Ledger(tmp_path / "ledger.db")
    ended = asyncio.run(run(ledger))
    ledger.close()

    assert [type(each) for each in ended[:3]] == [OverflowError] * 3
    assert isinstance(ended[0], OverflowError)
    assert "_apply" in [frame.name for frame in traceback.extract_tb(ended[0].__traceback__)]
    assert {type(each) for each in ended[3:]} <= {type(None), OverflowError}


def test_a_bug_while_writing_is_not_lost_in_a_group_of_tasks(tmp_path: Path) -> None:
    async def run(ledger: Ledger) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(ledger.commit(Result("bad", "{}", (2**63, 0, 0), None, 0)))

    ledger = Ledger(tmp_path / "ledger.db")
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(run(ledger))
    ledger.close()

    assert caught.group_contains(OverflowError)


def test_when_the_writing_itself_is_broken_off_everybody_is_told(tmp_path: Path) -> None:
    async def run(ledger: Ledger) -> list[str | BaseException | None]:
        waiting = [asyncio.create_task(ledger.commit(intent("one")))]
        await asyncio.sleep(0)
        writing = ledger._writing  # noqa: SLF001
        assert writing
        await asyncio.sleep(0)
        waiting.append(asyncio.create_task(ledger.commit(intent("two"))))
        await asyncio.sleep(0)
        writing.cancel()
        return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)

    ledger = Ledger(tmp_path / "ledger.db")
    ended = asyncio.run(run(ledger))
    ledger.close()

    assert [type(each) for each in ended] == [LedgerUnusable] * 2


@pytest.mark.parametrize("count", [10**30, 2**63, -1, 1.5])
def test_an_answer_with_a_count_that_cannot_be_true_is_kept_and_not_paid_again(tmp_path: Path, count: float) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer(always(ok("good", usage={"prompt_tokens": count, "completion_tokens": 1}))) as server:
        for _ in range(2):
            (answer,), _ = paid_through(server, path, ask())
            assert answer.text == "good"

    assert server.count == 1


def test_the_file_is_the_users_alone_and_safe_against_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch(0o644)
    old = os.umask(0)
    ledger = Ledger(path)
    try:
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        settings = [ledger._file._number(name) for name in ("journal_mode", "synchronous", "secure_delete")]  # noqa: SLF001
    finally:
        os.umask(old)
        ledger.close()

    assert set(modes.values()) == {0o600}
    assert settings == ["wal", 2, 1]


def garbage(path: Path) -> None:
    path.write_bytes(b"this is no database, and it is long enough to be looked at" * 100)


def torn(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


def scratched(path: Path) -> None:
    """Harm one page that opening the file would not look at."""
    whole = path.read_bytes()
    path.write_bytes(whole[: 4096 * 2] + b"\xff" * 4096 + whole[4096 * 3 :])


def foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE calls (a)")
    db.close()


def newer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (garbage, "is damaged: file is not a database"),
        (torn, "is damaged: "),
        (scratched, "is damaged: "),
        (foreign, "is no ledger of gitskill"),
        (newer, "was written by a newer gitskill"),
        (folder, "is no file"),
        (link, "is no file"),
        (pipe, "is no file"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path: Path, harm: Any, says: str) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer() as server:
        paid_through(server, path, *(ask(f"q{n}" + "x" * 2000) for n in range(20)))
        harm(path)
        left = bytes_of(path) if path.is_file() else ""
        with pytest.raises(LedgerUnusable, match=says) as caught:
            paid_through(server, path, ask("new"))

    assert server.count == 20
    assert left == (bytes_of(path) if path.is_file() else "")
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_full_disk_stops_before_anything_is_sent(tmp_path: Path) -> None:
    limit = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096 * 20, 4096 * 20))\n"
    )
    with FaultServer(always(ok("x" * 3000)), latency=0.01) as server:
        done = child(server, tmp_path / "ledger.db", 60, 1, before=limit)
        _, err = done.communicate(timeout=30)

    assert done.returncode == 1
    assert "LedgerUnusable" in err
    assert "Traceback" not in err
    assert 0 < server.count < 60


def test_the_bill_tells_calls_tokens_and_dollars_by_label(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    usage = {
        "prompt_tokens": 1_000_000,
        "completion_tokens": 100_000,
        "prompt_tokens_details": {"cached_tokens": 500_000},
    }
    analyse, merge = Label("r0001", "analyse"), Label("r0001", "merge", "l0001a")
    with FaultServer(always(ok(usage=usage))) as server:
        questions = [ask("a", label=analyse), ask("b", label=analyse), ask("c", label=merge), ask("d", model="unknown")]
        _, ledgered = paid_through(server, path, *questions)
        paid_through(server, path, *questions)
    ledger = Ledger(path)
    kept, of_run = ledger.bills(), ledger.bills("r0001")
    ledger.close()

    one = Bill(1, Usage(1_000_000, 100_000, 500_000), 1.55)
    assert kept == ledgered.bills()
    assert kept[merge] == one
    assert kept[analyse] == one + one
    assert kept[Label()].usd is None
    assert (kept[merge] + kept[Label()]).usd is None
    assert set(of_run) == {analyse, merge}


def maybe_paid(path: Path) -> int:
    ledger = Ledger(path)
    bills = ledger.bills().values()
    ledger.close()
    return sum(bill.maybe_paid for bill in bills)


@pytest.mark.parametrize(
    ("script", "paid_without_answer"),
    [
        (always(error(400, "no")), 0),
        (always(error(401, "no")), 0),
        (always(error(500, "no")), 0),
        (always(document({"foo": 1})), 1),
        (always(half_body()), 5),
        (then(half_body(), half_body(), ok()), 2),
        (then(ok()), 0),
    ],
    ids=["400", "401", "500", "no completion", "half bodies", "two half bodies", "fine"],
)
def test_what_may_be_billed_without_an_answer_is_counted(
    tmp_path: Path, script: Script, paid_without_answer: int
) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer(script) as server, contextlib.suppress(Failed):
        paid_through(server, path, ask())

    assert maybe_paid(path) == paid_without_answer


ANSWER = Result("k", "{}", (100, 10, 0), 0.5, 0)


@pytest.mark.parametrize(
    ("changes", "bill"),
    [
        ([(0, intent("k")), (0, ANSWER)], Bill(1, Usage(100, 10), 0.5)),
        ([(0, intent("k"))], Bill(maybe_paid=1)),
        ([(0, intent("k")), (1, intent("k")), (1, ANSWER)], Bill(1, Usage(100, 10), 0.5, maybe_paid=1)),
        (
            [(0, intent("k")), (1, intent("k")), (0, ANSWER), (1, replace(ANSWER, more=2))],
            Bill(1, Usage(100, 10), 0.5, maybe_paid=3),
        ),
        (
            [(0, intent("k")), (1, intent("k")), (0, ANSWER), (1, Nothing("k", 4))],
            Bill(1, Usage(100, 10), 0.5, maybe_paid=4),
        ),
        ([(0, intent("k")), (1, intent("k")), (0, ANSWER), (1, Nothing("k", 0))], Bill(1, Usage(100, 10), 0.5)),
        ([(0, intent("k")), (0, Nothing("k", 0))], Bill()),
    ],
    ids=["answered", "killed", "killed and resumed", "both answered", "one broke off", "one was refused", "refused"],
)
def test_what_several_processes_may_have_paid_is_on_the_bill(
    tmp_path: Path, changes: list[tuple[int, Change]], bill: Bill
) -> None:
    processes = [LedgerFile(tmp_path / "ledger.db", 5.0) for _ in range(2)]
    for who, change in changes:
        processes[who].apply([change])
    for each in processes:
        each.close()
    ledger = Ledger(tmp_path / "ledger.db")
    bills = ledger.bills("r0001")
    ledger.close()

    assert bills == {Label("r0001", "analyse"): bill}


def test_what_failed_is_asked_again_when_the_run_resumes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with FaultServer(then(error(401), document({"foo": 1}), ok("now"))) as server:
        with pytest.raises(ModelUnusable):
            paid_through(server, path, ask())
        with pytest.raises(NoAnswer):
            paid_through(server, path, ask())
        (answer,), _ = paid_through(server, path, ask())

    assert (answer.text, server.count, maybe_paid(path)) == ("now", 3, 1)


@pytest.mark.parametrize("broken", [ok("", finish="length"), ok(None, refusal="no")], ids=["cut", "refused"])
def test_an_unusable_answer_that_was_paid_is_not_paid_again(tmp_path: Path, broken: Reaction) -> None:
    with FaultServer(always(broken)) as server:
        for _ in range(2):
            with pytest.raises(NoAnswer):
                paid_through(server, tmp_path / "l.db", ask())

    assert server.count == 1


def test_a_repair_is_a_question_of_its_own_and_replayed(tmp_path: Path) -> None:
    with FaultServer(then(ok("no JSON"), ok('{"good": false, "reason": "y"}'))) as server:
        for _ in range(2):
            (answer,), _ = paid_through(server, tmp_path / "l.db", ask(schema=Verdict))
            assert answer.value == Verdict(good=False, reason="y")

    assert server.count == 2


def test_a_cancelled_question_leaves_an_intent_and_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"

    async def run(url: str) -> None:
        ledger = Ledger(path)
        arrived, loop = asyncio.Event(), asyncio.get_running_loop()
        server.on_request = lambda _: loop.call_soon_threadsafe(arrived.set)
        async with OpenAIModel(Endpoint(url)) as inner:
            model = Ledgered(inner, ledger, str, lambda _model, _usage: None)
            task = asyncio.create_task(model.ask(ask("slow")))
            await asyncio.wait_for(arrived.wait(), 10)
            task.cancel()
            await model.ask(ask("fast"))
        ledger.close()

    with FaultServer(lambda seen: hang() if seen.text == "slow" else ok()) as server:
        asyncio.run(run(server.url))

    assert sorted(rows(path, "answer IS NULL")) == [(0,), (1,)]
    assert maybe_paid(path) == 1


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_with_faults_at_random_a_run_ends_after_enough_resumes_and_pays_once(tmp_path: Path, rate: float) -> None:
    """The third of what is broken comes after the model has worked: half bodies, which may be billed."""
    draw = random.Random(f"{rate}")  # noqa: S311
    faults = [error(429, retry_after="1"), error(500), reset(), half_body(), error(503), document({"foo": 1})]
    path, questions = tmp_path / "ledger.db", [ask(f"q{n}") for n in range(40)]
    answered: Counter[str] = Counter()

    def script(seen: Seen) -> Reaction:
        if draw.random() < rate:
            return draw.choice(faults)
        answered[seen.text] += 1
        return ok(f"answer to {seen.text}")

    Ledger(path).close()
    answers: list[Answer] = []
    with FaultServer(script) as server:
        for _ in range(40):
            stored = {json.loads(question)[0][0] for question, answer in rows(path, "question, answer") if answer}
            before = server.count
            with contextlib.suppress(Failed):
                answers, _ = paid_through(server, path, *questions)
                break
            assert not stored & {seen.text for seen in server.seen[before:]}

    assert [answer.text for answer in answers] == [f"answer to q{n}" for n in range(40)]
    assert set(answered) == {f"q{n}" for n in range(40)}
