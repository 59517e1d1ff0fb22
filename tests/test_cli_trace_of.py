"""gitskill trace-of: from a line of the skill to the words in a trace that it rests on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from build import lesson_id
from conftest import SKILL, WHO, Done, git, state
from gitskill.lesson import Evidence, Lesson, TraceRef
from gitskill.store import lessons
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record

Run = Callable[..., Done]

LOG = [
    {"role": "user", "content": "Fill the sheet\nwith care."},
    {"role": "assistant", "content": "first\nsecond\nexpected 2210,\nfound None\nfifth\nsixth\nseventh"},
]
LINE = SKILL.splitlines().index("- Save to a new file.") + 1


@pytest.fixture
def taught(folder: Path, nodes: NodeStore, gitskill: Run) -> tuple[Path, str]:
    """Give a released line that rests on two quotes: of a trace that is stored, and of one that is not."""
    log = folder.parent / "log.json"
    log.write_text(json.dumps({"messages": LOG}))
    assert gitskill(folder, "traces", "add", str(log)).code in (0, 7)
    trace = json.loads(gitskill(folder, "traces", "list", "--json").out)[0]["trace"]
    text = SKILL.replace("- Save to a new file.", "- Read it back.")
    lesson = Lesson(
        lesson_id(1),
        "Read it back",
        "nobody looked",
        "error m",
        (TraceRef(trace, "sheets-1", "failure"), TraceRef("ab" * 32, "sheets-2", "failure")),
        (Evidence(trace, 2, "expected 2210,\nfound None"), Evidence("ab" * 32, 9, "gone with it")),
    )
    batch = Batch(nodes.reader.repository)
    skill = nodes.reader.read(nodes.reader.repository.head()).with_file("SKILL.md", text.encode())
    move = lessons.add(nodes.reader, batch, lesson, skill, nodes.reader.repository.head(), WHO)
    record(nodes.reader.repository, batch, Operation("teach", (move,)), WHO)
    git(folder, "merge", "-q", "--no-ff", "-m", "Release", str(move.new))
    return folder, trace


def test_a_quote_stands_in_its_lines_and_a_trace_that_is_not_here_is_said(
    taught: tuple[Path, str], gitskill: Run
) -> None:
    folder, trace = taught
    before = state(folder), git(folder, "for-each-ref")

    done = gitskill(folder, "trace-of", str(LINE))

    assert done == Done(
        0,
        f"SKILL.md:{LINE}  - Read it back.\n"
        "\n"
        "r0001/l0001a  Read it back  (error)\n"
        "  cause     nobody looked\n"
        f"  evidence  {trace[:10]} step 2  task sheets-1, failure  (agent)\n"
        "    | first\n    | second\n    > expected 2210,\n    > found None\n    | fifth\n    | sixth\n"
        "  evidence  ababababab step 9  task sheets-2, failure  (its trace is not stored here)\n"
        "    > gone with it\n",
        "",
    )
    assert (state(folder), git(folder, "for-each-ref")) == before


def test_the_document_has_every_quote(taught: tuple[Path, str], gitskill: Run) -> None:
    folder, trace = taught

    found = json.loads(gitskill(folder, "trace-of", f"SKILL.md:{LINE}", "--context", "1", "--json").out)

    [lesson] = found.pop("lessons")
    evidence = lesson.pop("evidence")
    commit = git(folder, "rev-parse", "HEAD^2").strip()
    assert found == {
        "file": "SKILL.md",
        "line": LINE,
        "text": "- Read it back.",
        "commit": commit,
        "kind": "lesson",
        "support": 2,
        "of": None,
    }
    assert lesson == {
        "lesson": "r0001/l0001a",
        "commit": commit,
        "title": "Read it back",
        "cause": "nobody looked",
        "analyst": "error m",
    }
    assert evidence[0] == {
        "trace": trace,
        "task": "sheets-1",
        "outcome": "failure",
        "step": 2,
        "quote": "expected 2210,\nfound None",
        "stored": True,
        "missing": "",
        "origin": "agent",
        "before": ["second"],
        "after": ["fifth"],
    }
    assert (evidence[1]["stored"], evidence[1]["missing"]) == (False, "its trace is not stored here")


def test_in_a_clone_the_quotes_are_there_without_the_traces(
    taught: tuple[Path, str], gitskill: Run, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", str(taught[0]), "clone")

    done = gitskill(tmp_path / "clone", "trace-of", str(LINE))

    assert done.code == 0
    assert done.out.count("its trace is not stored here") == 2
    assert "    > found None\n" in done.out


def test_after_the_trace_was_forgotten_that_is_said(taught: tuple[Path, str], gitskill: Run) -> None:
    folder, trace = taught
    assert gitskill(folder, "forget", trace).code == 0

    assert "(its trace is not stored here)" in gitskill(folder, "trace-of", str(LINE)).out


def test_a_line_of_the_base_names_its_commit(folder: Path, gitskill: Run) -> None:
    head = git(folder, "rev-parse", "--short=10", "HEAD").strip()

    assert gitskill(folder, "trace-of", str(LINE)).out == (
        f"SKILL.md:{LINE}  - Save to a new file.\n  base: {head} Base, by Ada; no lesson taught it\n"
    )


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("0", "SKILL.md has lines 1 to 19"),
        ("20", "SKILL.md has lines 1 to 19"),
        ("x", "'x' is not a line such as 41 or SKILL.md:41"),
        ("SKILL.md", "'SKILL.md' is not a line such as 41 or SKILL.md:41"),
        ("SKILL.md:-1", "'SKILL.md:-1' is not a line"),
    ],
)
def test_what_is_no_line_is_a_usage_error(where: str, says: str, folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "trace-of", where)

    assert (done.code, done.out, says in done.err) == (2, "", True)


def test_a_file_that_is_not_there_is_named(folder: Path, gitskill: Run) -> None:
    done = gitskill(folder, "trace-of", "references/no.md:1")

    assert (done.code, "references/no.md is not a file of the skill" in done.err) == (3, True)
