"""Messages: what git stores is what we read back, and no quoted text can pose as a trailer."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, LessonId, NodeId, RunId
from gitskill.lesson import Evidence, Lesson, TraceRef, distinct
from gitskill.message import Message, one_line, tidy
from gitskill.node import Kind, Octopus, Settled, Support

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
PROSE = st.lists(
    st.sampled_from(["", "> quoted", "Trace: f00 task=x failure", "Lesson: l0009a", "# heading", "-- ", "words", "é"]),
    max_size=6,
).map("\n".join)
QUOTES = st.lists(st.sampled_from(["", " ", "> nested", "Lesson: l0001a", "text  ", "\ttab"]), min_size=1, max_size=4)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
LESSONS = st.builds(LessonId, st.builds(RunId, st.integers(1, 12345)), st.integers(1, 12345), st.sampled_from("abc"))
COMMITS = st.text("0123456789abcdef", min_size=40, max_size=40).map(CommitId)


def trailers_as_git_reads_them(text: str) -> str:
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=text.encode(), capture_output=True, check=True
    )
    return done.stdout.decode()


@given(
    LESSONS,
    WORDS,
    PROSE,
    st.lists(
        st.builds(TraceRef, HEX, st.sampled_from(["t-1", "two words", "a task=b"]), st.just("failure")), max_size=3
    ),
    st.lists(st.builds(Evidence, HEX, st.integers(0, 999), QUOTES.map("\n".join)), max_size=3),
)
def test_a_lesson_is_read_back_as_it_was_written(
    lesson: LessonId, title: str, cause: str, traces: list[TraceRef], evidence: list[Evidence]
) -> None:
    written = Lesson(lesson, title, cause, "error some-model prompts:5e1c", tuple(traces), tuple(evidence))

    assert Lesson.parse(Message.parse(str(written.message()))) == written


def test_git_reads_the_same_trailers_as_we_do() -> None:
    cause = "Looks fine.\n\nLesson: l0666a\nTrace: f00 task=evil success"
    evidence = Evidence("ab" * 32, 14, "Trace: f00 task=evil success\n\nLesson: l0666a")
    lesson = Lesson(LessonId(RunId(7), 42, "a"), "Recalculate", cause, "error m", (), (evidence,))

    assert trailers_as_git_reads_them(str(lesson.message())) == (
        f"Gitskill-Run: r0007\nLesson: l0042a\nAnalyst: error m\nEvidence: {'ab' * 32} step=14\n"
    )


def test_a_lesson_that_quotes_less_than_it_names_is_refused() -> None:
    text = "Title\n\nGitskill-Run: r0001\nLesson: l0001a\nEvidence: abc step=1\n"

    with pytest.raises(InvalidInput, match="names 1 pieces of evidence but does not quote that many"):
        Lesson.parse(Message.parse(text))


@pytest.mark.parametrize("title", ["", "  \n ", "x" * 201])
def test_a_title_that_is_no_subject_is_refused(title: str) -> None:
    with pytest.raises(InvalidInput, match="title"):
        Lesson(LessonId(RunId(1), 1, "a"), title, "why")


def test_a_nul_is_refused_since_git_cannot_keep_it() -> None:
    with pytest.raises(InvalidInput, match="NUL"):
        Lesson(LessonId(RunId(1), 1, "a"), "Title", "a\0b")


CONTROLS = st.text(st.characters(categories=["Cc", "Ll"]), max_size=8)


@given(CONTROLS, CONTROLS, CONTROLS)
def test_no_control_character_gets_into_a_commit_and_no_trailer_is_lost(task: str, title: str, quote: str) -> None:
    evidence = (Evidence("ab" * 32, 2, quote),)
    traces = (TraceRef("cd" * 32, task, "failure"),)
    written = Lesson(
        LessonId(RunId(1), 1, "a"),
        f"T{title}".replace("\0", ""),
        "a\x1b[31mb",
        f"error {task}",
        traces,
        evidence,
        f"v{task}",
    )
    text = str(written.message())
    read = Lesson.parse(Message.parse(text))

    assert [char for char in text.replace("\r\n", "\n") if not (char.isprintable() or char in "\t\n")] == []
    assert (read.id, read.cause, len(read.evidence)) == (written.id, "a\ufffd[31mb", 1)
    assert (read.traces[0].trace, read.traces[0].outcome) == ("cd" * 32, "failure")


def test_git_itself_accepts_what_a_hostile_task_is_named() -> None:
    ref = TraceRef("cd" * 32, "a\0b\n\nLesson: l0666a", "failure")
    text = str(Lesson(LessonId(RunId(1), 1, "a"), "Title", "why", traces=(ref,)).message())

    assert trailers_as_git_reads_them(text).splitlines()[-1] == f"Trace: {'cd' * 32} task=a b Lesson: l0666a failure"


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Recalculate after writing a formula", "recalculate-after-writing-a-formula"),
        ("Ünïcode & *stars*!", "n-code-stars"),
        ("日本語", ""),
        ("x" * 60, "x" * 40),
        ("a very long title that does not fit into forty characters", "a-very-long-title-that-does-not-fit-into"),
    ],
)
def test_a_slug_is_what_git_allows_in_a_branch_name(title: str, slug: str) -> None:
    assert Lesson(LessonId(RunId(1), 1, "a"), title, "why").slug == slug


def test_support_counts_distinct_traces_and_distinct_tasks() -> None:
    refs = [TraceRef("a", "t1", "failure"), TraceRef("b", "t1", "failure"), TraceRef("a", "t1", "failure")]

    assert distinct(refs) == (2, 1)


@given(
    st.builds(NodeId, st.just(RunId(7)), st.integers(1, 9), st.integers(0, 120)),
    st.lists(st.builds(LessonId, st.just(RunId(7)), st.integers(1, 99999), st.sampled_from("abc")), max_size=5),
    st.builds(Support, st.integers(0, 99), st.integers(0, 999), st.integers(0, 99)),
    WORDS,
)
def test_an_octopus_is_read_back_as_it_was_written(
    place: NodeId, lessons: list[LessonId], support: Support, reason: str
) -> None:
    written = Octopus(place, tuple((x, support) for x in lessons), tuple((x, one_line(reason)) for x in lessons[:2]))

    assert Octopus.parse(Message.parse(str(written.message()))) == written


@given(
    st.builds(NodeId, st.just(RunId(7)), st.integers(1, 9), st.integers(0, 120)),
    st.sampled_from(["same SKILL.md", "overlap SKILL.md#A section", "placing references/dates.md"]),
    st.lists(st.tuples(LESSONS, COMMITS), min_size=1, max_size=4),
)
def test_a_resolution_is_read_back_as_it_was_written(
    place: NodeId, clash: str, sources: list[tuple[LessonId, CommitId]]
) -> None:
    written = Settled(place, 3, clash, "rule:union", tuple(sources))

    assert Settled.parse(Message.parse(str(written.message()))) == written


@pytest.mark.parametrize(
    ("clash", "kind"),
    [("same x", Kind.FOLD), ("placing x", Kind.PLACING), ("overlap x", Kind.RESOLUTION), ("join x", Kind.RESOLUTION)],
)
def test_what_a_settled_commit_is_called(clash: str, kind: Kind) -> None:
    assert Settled(NodeId(RunId(1), 1, 1), 1, clash, "rule:x", ()).kind is kind


@pytest.mark.parametrize("text", ["Lesson", "r1/l0001a", "r0001/l1a", "r0001/l0001A", "r0001/l0001a ", "x/l0001a", ""])
def test_a_malformed_lesson_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        LessonId.parse(text)


def test_ids_are_ordered_by_number() -> None:
    ids = [LessonId.parse(text) for text in ("r0001/l10000a", "r0001/l0002b", "r0001/l0002a", "r0001/l9999a")]

    assert [x.short for x in sorted(ids)] == ["l0002a", "l0002b", "l9999a", "l10000a"]


@given(PROSE)
def test_tidy_text_is_left_alone(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)
