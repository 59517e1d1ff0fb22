"""gitskill forget: a trace and what quotes it are gone, also from what undo keeps; released history is named."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyst_server import lesson as told_lesson
from analyst_server import lessons as told_lessons
from analyst_server import quotable, rule_for
from conftest import Done, git, state
from fault_server import FaultServer, Reaction, Seen, ok
from gitskill.fate import Anomaly
from gitskill.ids import RunId
from gitskill.lesson import Evidence, Lesson, TraceRef
from gitskill.model.ledger import Ledger, Ledgered
from gitskill.model.request import Answer, Message, Question, Usage
from gitskill.outcome import Status
from gitskill.plan import Analyst, Assignment, Plan, Recipe
from gitskill.store.analyses import Writer, begin
from gitskill.store.lessons import add as add_lesson
from gitskill.store.locks import held
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.skills import SkillReader
from study_runs import runs
from test_cli_traces import objects, own

Run = Callable[..., Done]

WORDS = "a sentence that only this run has"


@pytest.fixture
def trace(folder: Path, gitskill: Run, tmp_path: Path) -> str:
    """Two imports, a label and an undo: the trace is in several states of the store."""
    for name, document in (("keep", own("t2")), ("gone", own("t1", request=WORDS))):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    gitskill(folder, "traces", "add", str(tmp_path / "keep.json"))
    gitskill(folder, "traces", "add", str(tmp_path / "gone.json"))
    listed: list[dict[str, Any]] = json.loads(gitskill(folder, "traces", "list", "--json", "--task", "t1").out)
    name = str(listed[0]["trace"])
    gitskill(folder, "traces", "label", name, "success")
    gitskill(folder, "undo")
    return name


@pytest.fixture
def lesson(reader: SkillReader, bullet: Callable[[str, str], str], trace: str) -> tuple[str, str]:
    """Put a lesson that quotes the trace on a branch, as analysts will; give its branch and commit."""
    from conftest import WHO  # noqa: PLC0415
    from gitskill.ids import LessonId, RunId  # noqa: PLC0415

    bullet("Writing", "Another lesson")
    repository = reader.repository
    base = repository.head()
    quoted = Lesson(
        LessonId(RunId(7), 1, "a"),
        "Quoted",
        "cause",
        traces=(TraceRef(trace, "t1", "failure"),),
        evidence=(Evidence(trace, 1, WORDS),),
    )
    skill = reader.read(base).with_file("SKILL.md", reader.read(base).files["SKILL.md"] + b"- Quoted\n")
    batch = Batch(repository)
    move = add_lesson(reader, batch, quoted, skill, base, WHO)
    record(repository, batch, Operation("lesson", (move,)), WHO)
    return move.ref, str(move.new)


def collected(folder: Path) -> bytes:
    """Give every object that is left once git has collected what nothing leads to, as `forget` advises."""
    git(folder, "reflog", "expire", "--expire-unreachable=now", "--all")
    git(folder, "gc", "-q", "--prune=now")
    return objects(folder)


def test_nothing_of_the_trace_is_left_and_the_others_stay(folder: Path, gitskill: Run, trace: str) -> None:
    before = state(folder)
    done = gitskill(folder, "forget", trace[:10])
    left = json.loads(gitskill(folder, "traces", "list", "--json").out)

    assert done.code == 0
    assert done.out.startswith(f"{trace[:10]}  forgotten")
    assert [entry["task"] for entry in left] == ["t2"]
    assert WORDS.encode() not in collected(folder)
    assert state(folder) == before
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""
    assert gitskill(folder, "traces", "show", left[0]["trace"]).code == 0


def test_a_dry_run_changes_nothing(folder: Path, gitskill: Run, trace: str) -> None:
    before = git(folder, "for-each-ref")
    done = gitskill(folder, "forget", "--dry-run", trace)

    assert "would be forgotten" in done.out
    assert git(folder, "for-each-ref") == before


def test_a_lesson_that_quotes_it_goes_with_it_where_it_was_not_released(
    folder: Path, gitskill: Run, trace: str, lesson: tuple[str, str]
) -> None:
    document = json.loads(gitskill(folder, "forget", "--json", trace).out)

    assert document == {"trace": trace, "forgotten": True, "calls": 0, "branches": [lesson[0]], "released": []}
    assert WORDS.encode() not in collected(folder)
    assert "Another-lesson".lower() in git(folder, "branch", "-a")


def test_a_released_lesson_stays_and_is_named(folder: Path, gitskill: Run, trace: str, lesson: tuple[str, str]) -> None:
    git(folder, "tag", "v9.9.9", lesson[1])
    document = json.loads(gitskill(folder, "forget", "--json", trace).out)

    assert document["branches"] == []
    assert document["released"] == [lesson[1]]
    assert git(folder, "rev-parse", lesson[0]).strip() == lesson[1]


def test_the_log_of_operations_names_only_what_can_still_be_undone(
    folder: Path, gitskill: Run, trace: str, bullet: Callable[[str, str], str]
) -> None:
    bullet("Writing", "Keep me")
    gitskill(folder, "forget", trace)

    assert [line.split("  ", 1)[1] for line in gitskill(folder, "undo", "--list").out.splitlines()] == [
        "lesson add r0001/l0001a"
    ]
    assert gitskill(folder, "undo").code == 0
    assert "nothing to undo" in gitskill(folder, "undo").err


@pytest.mark.parametrize("words", [["traces", "rm", "ID"], ["undo"]])
def test_what_was_taken_out_or_undone_can_be_forgotten_too(
    folder: Path, gitskill: Run, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "gone.json").write_text(json.dumps(own("t1", request=WORDS)))
    gitskill(folder, "traces", "add", str(tmp_path / "gone.json"))
    name = json.loads(gitskill(folder, "traces", "list", "--json").out)[0]["trace"]
    gitskill(folder, *[name if word == "ID" else word for word in words])
    assert WORDS.encode() in collected(folder)

    assert gitskill(folder, "forget", name).code == 0
    assert WORDS.encode() not in collected(folder)


def test_a_lesson_that_is_checked_out_stops_it_before_anything_is_moved(
    folder: Path, gitskill: Run, trace: str, lesson: tuple[str, str]
) -> None:
    git(folder, "checkout", "-q", lesson[0].removeprefix("refs/heads/"))
    before = git(folder, "for-each-ref")
    done = gitskill(folder, "forget", trace)

    assert done.code == 4
    assert "is checked out" in done.err
    assert git(folder, "for-each-ref") == before


def test_a_work_tree_that_stands_on_the_lesson_keeps_it_and_is_named(
    folder: Path, gitskill: Run, trace: str, lesson: tuple[str, str], tmp_path: Path
) -> None:
    git(folder, "worktree", "add", "-q", "--detach", str(tmp_path / "other"), lesson[1])

    assert json.loads(gitskill(folder, "forget", "--json", trace).out)["released"] == [lesson[1]]


def test_other_operations_can_still_be_undone(
    folder: Path, gitskill: Run, trace: str, bullet: Callable[[str, str], str]
) -> None:
    bullet("Writing", "Keep me")
    gitskill(folder, "forget", trace)

    assert gitskill(folder, "undo").out.startswith("undone: lesson add")


def test_a_reflog_that_somebody_keeps_of_all_refs_is_emptied(folder: Path, gitskill: Run, tmp_path: Path) -> None:
    git(folder, "config", "core.logAllRefUpdates", "always")
    (tmp_path / "gone.json").write_text(json.dumps(own("t1", request=WORDS)))
    gitskill(folder, "traces", "add", str(tmp_path / "gone.json"))
    name = json.loads(gitskill(folder, "traces", "list", "--json").out)[0]["trace"]
    assert git(folder, "reflog", "show", "refs/gitskill/traces")

    gitskill(folder, "forget", name)
    git(folder, "gc", "-q", "--prune=now")
    assert WORDS.encode() not in objects(folder)


class Says:
    """A model that gives one answer."""

    async def ask(self, question: Question) -> Answer:
        return Answer(f"I read {question.messages[-1].content}", "stop", Usage(10, 5))


def test_what_a_model_was_asked_about_it_goes_from_the_ledger(folder: Path, gitskill: Run, trace: str) -> None:
    place = folder / ".git/gitskill/ledger.db"
    place.parent.mkdir(exist_ok=True)
    ledger = Ledger(place)

    async def ask(about: str, text: str) -> None:
        question = Question("m", (Message("user", text),), about=(about,))
        await Ledgered(Says(), ledger, str, lambda *_: 0.0).ask(question)

    asyncio.run(ask(trace, WORDS))
    asyncio.run(ask("ab" * 32, "another"))
    ledger.close()
    assert WORDS.encode() in place.read_bytes()

    done = gitskill(folder, "forget", trace)
    left = b"".join(path.read_bytes() for path in place.parent.glob("ledger.db*"))
    assert "deleted   1 answer of a model about it" in done.out
    assert WORDS.encode() not in left
    assert b"another" in left


def test_a_ledger_that_is_damaged_stops_it_before_anything_is_moved(folder: Path, gitskill: Run, trace: str) -> None:
    (folder / ".git/gitskill").mkdir(exist_ok=True)
    (folder / ".git/gitskill/ledger.db").write_bytes(b"no database at all" * 400)
    before = git(folder, "for-each-ref")
    done = gitskill(folder, "forget", trace)

    assert done.code == 3
    assert "Traceback" not in done.err
    assert git(folder, "for-each-ref") == before


def test_a_trace_that_is_not_there_is_an_error(folder: Path, gitskill: Run) -> None:
    assert gitskill(folder, "forget", "abcd").code == 3


def remarks(seen: Seen) -> Reaction:
    """Answer with a lesson, one that is rejected, and a remark, all of which name the run's task."""
    step, quote = quotable(seen.text)
    number = next(word for word in quote.split() if word.isdecimal())
    bad = told_lesson(step, "never said", f"Reject zebra-{number}.")
    return ok(told_lessons(told_lesson(step, quote, rule_for(seen.text)), bad, reason=f"remark zebra-{number}"))


@pytest.fixture
def studied(folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Let a model study two runs, a person add to the run, and give the traces by their tasks."""
    place, labels = runs(tmp_path / "runs", good=2)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    with FaultServer(remarks) as server:
        for name, value in (("OPENAI_BASE_URL", server.url), ("OPENAI_API_KEY", "sk-x"), ("GITSKILL_MODEL", "m")):
            monkeypatch.setenv(name, value)
        assert gitskill(folder, "analyse").code == 0
    return {each["task"]: each["trace"] for each in json.loads(gitskill(folder, "traces", "list", "--json").out)}


def test_a_runs_record_keeps_nothing_of_the_trace_but_its_number(
    folder: Path, gitskill: Run, studied: dict[str, str], bullet: Callable[[str, str], str]
) -> None:
    bullet("Writing", "Added by hand")
    words = [b"zebra-0", b"sheet-0x", studied["sheet-0x"].encode()]
    assert all(word in collected(folder) for word in words)

    assert gitskill(folder, "forget", studied["sheet-0x"]).code == 0
    left = collected(folder)
    found = json.loads(gitskill(folder, "analyse", "--run", "r0001", "--json").out)

    assert [word for word in words if word in left] == []
    assert all(word in left for word in (b"zebra-1", b"sheet-1x", studied["sheet-1x"].encode()))
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""
    assert found["traces"] == {"lessons": 2, "no_lesson": 0, "failed": 0, "skipped": 0, "pending": 0}
    assert "Added by hand" in gitskill(folder, "show", "l0003a").out
    gone = json.loads(gitskill(folder, "show", "r0001/l0001a", "--json").out)
    assert (gone["state"], gone["by"], gone["reason"]) == ("rejected", "forget", "its trace was forgotten")


def test_what_the_run_did_can_still_be_undone(
    folder: Path, gitskill: Run, studied: dict[str, str], bullet: Callable[[str, str], str]
) -> None:
    bullet("Writing", "Added by hand")
    gitskill(folder, "forget", studied["sheet-0x"])

    assert gitskill(folder, "undo").out.startswith("undone: lesson add")
    assert gitskill(folder, "undo").out.startswith("undone: analyse r0001")
    assert git(folder, "for-each-ref", "refs/heads/gitskill", "refs/gitskill/runs") == ""


def test_a_run_that_was_undone_is_cleaned_too(folder: Path, gitskill: Run, studied: dict[str, str]) -> None:
    gitskill(folder, "undo")
    assert b"zebra-0" in collected(folder)

    assert gitskill(folder, "forget", studied["sheet-0x"]).code == 0
    left = collected(folder)
    assert [word for word in (b"zebra-0", b"sheet-0x", studied["sheet-0x"].encode()) if word in left] == []
    assert b"zebra-1" in left


def test_a_run_that_waits_goes_on_without_the_trace(
    folder: Path, gitskill: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place, labels = runs(tmp_path / "runs", good=2)
    gitskill(folder, "traces", "add", str(place), "--labels", str(labels))
    trace = json.loads(gitskill(folder, "traces", "list", "--json").out)[0]["trace"]
    with FaultServer(remarks) as server:
        for name, value in (("OPENAI_BASE_URL", server.url), ("OPENAI_API_KEY", "sk-x"), ("GITSKILL_MODEL", "m")):
            monkeypatch.setenv(name, value)
        gitskill(folder, "analyse", "--max-calls", "0")
        gitskill(folder, "forget", trace)
        found = json.loads(gitskill(folder, "analyse", "--run", "r0001", "--json").out)

    assert (found["traces"]["failed"], found["traces"]["lessons"]) == (1, 1)
    assert trace.encode() not in collected(folder)


def test_an_anomaly_that_quotes_it_goes_and_a_run_without_it_is_left_alone(
    folder: Path, gitskill: Run, reader: SkillReader, trace: str
) -> None:
    from conftest import WHO  # noqa: PLC0415

    def begun(about: str) -> str:
        seen = Assignment(1, about, "t", Status.SUCCESS, Analyst.OFFLINE, 9)
        run = begin(reader, Plan(Recipe(), (seen,)), WHO)
        noticed = [Anomaly("a harness", (Evidence(about, 1, f"odd {about}"),)), Anomaly("no quote")]
        with held(reader.repository, run.id) as lock:
            Writer(reader, run, lock, WHO).note(noticed)
        return git(folder, "rev-parse", f"refs/gitskill/runs/{run.id}")

    begun(trace)
    other = begun("ab" * 32)
    gitskill(folder, "forget", trace)

    assert f"odd {trace}".encode() not in collected(folder)
    assert "no quote" in git(folder, "show", "refs/gitskill/runs/r0001:anomalies.json")
    assert git(folder, "rev-parse", "refs/gitskill/runs/r0002") == other


def test_a_lesson_that_quotes_it_and_was_undone_goes_from_the_log(
    folder: Path, gitskill: Run, trace: str, lesson: tuple[str, str]
) -> None:
    gitskill(folder, "undo")
    assert lesson[0] not in git(folder, "for-each-ref")
    gitskill(folder, "forget", trace)

    assert WORDS.encode() not in collected(folder)


def release(folder: Path, lesson: tuple[str, str]) -> None:
    """Release the lesson as a version, and put the branches of its run away."""
    from conftest import WHO  # noqa: PLC0415
    from gitskill.ids import CommitId  # noqa: PLC0415
    from gitskill.store import archive, checkout, tags  # noqa: PLC0415
    from gitskill.store.refs import Move  # noqa: PLC0415
    from gitskill.store.repository import Repository  # noqa: PLC0415

    repository = Repository.open(folder)
    batch = Batch(repository)
    tagged = tags.add(batch, "v1.1.0", CommitId(lesson[1]), "Release", WHO)
    step = Move("refs/heads/main", repository.head(), lesson[1])
    moves = (tagged, *archive.moves(repository, RunId(7)))
    checkout.advance(repository, batch, Operation("release v1.1.0", moves), step, WHO)


def test_after_a_release_the_commits_that_remain_are_named_and_still_blamed(
    folder: Path, gitskill: Run, trace: str, lesson: tuple[str, str]
) -> None:
    release(folder, lesson)
    before = state(folder)

    done = gitskill(folder, "forget", trace)

    assert f"remains   {lesson[1][:10]}, which is released and quotes it" in done.out
    assert state(folder) == before
    line = json.loads(gitskill(folder, "blame", "--json").out)["lines"][-1]
    assert (line["text"], line["lessons"]) == ("- Quoted", ["r0007/l0001a"])
    assert "its trace is not stored here" in gitskill(folder, "trace-of", str(line["line"])).out


def test_of_a_release_that_was_undone_nothing_is_left(
    folder: Path, gitskill: Run, trace: str, lesson: tuple[str, str]
) -> None:
    release(folder, lesson)
    assert gitskill(folder, "undo").code == 0
    assert "refs/gitskill/kept/" in git(folder, "for-each-ref")

    done = gitskill(folder, "forget", trace)

    assert f"deleted   {lesson[0]}" in done.out
    assert "kept/" not in git(folder, "for-each-ref", "refs/gitskill")
    assert WORDS.encode() not in collected(folder)
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""
    assert gitskill(folder, "undo", "--list").code == 0


def test_what_was_put_away_and_not_released_goes_too(
    folder: Path, gitskill: Run, trace: str, lesson: tuple[str, str]
) -> None:
    from conftest import WHO  # noqa: PLC0415
    from gitskill.store.archive import put_away  # noqa: PLC0415
    from gitskill.store.repository import Repository  # noqa: PLC0415

    put_away(Repository.open(folder), RunId(7), WHO)

    done = gitskill(folder, "forget", trace)

    assert f"deleted   {lesson[0].replace('heads/gitskill', 'gitskill/archive')}" in done.out
    assert WORDS.encode() not in collected(folder)


def test_a_lesson_that_was_dropped_from_a_released_version_remains_in_history_and_is_named(
    folder: Path, gitskill: Run, trace: str, lesson: tuple[str, str]
) -> None:
    release(folder, lesson)
    assert gitskill(folder, "drop", "r0007/l0001a").code == 0

    assert f"remains   {lesson[1][:10]}" in gitskill(folder, "forget", trace).out
    assert "- Quoted" not in (folder / "SKILL.md").read_text()


def test_what_was_turned_down_of_it_keeps_its_reason_and_not_its_words(
    folder: Path, gitskill: Run, studied: dict[str, str]
) -> None:
    [gone, other] = [gitskill(folder, "show", f"l000{number}a").out.splitlines()[0][14:40] for number in (1, 2)]
    gitskill(folder, "review", "--reject", "l0001a,l0002a", "--reason", "no")

    assert gitskill(folder, "forget", studied["sheet-0x"]).code == 0
    left = collected(folder)

    assert (gone.encode() in left, other.encode() in left) == (False, True)
    memory = git(folder, "grep", "-h", "", "refs/gitskill/rejected")
    assert ("(forgotten)" in memory, memory.count('"reason":"no"')) == (True, 2)
    assert gitskill(folder, "undo").code == 0
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""
