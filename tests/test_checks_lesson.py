"""One function holds a lesson against every check, and one says what becomes of it."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import SHARED, SKILL
from gitskill.checks.finding import Finding, Level
from gitskill.checks.leak import Source
from gitskill.checks.lesson import MAX_REASON, Judgement, Words, check_lesson, judgement
from gitskill.fate import State
from gitskill.lesson import MAX_TITLE, Evidence
from gitskill.redact.redactor import Redactor
from gitskill.skill.snapshot import Skill
from gitskill.trace import Call, Observation, Origin, Step, Trace
from planted import SHAPES

BASE = Skill({"SKILL.md": SKILL.encode()})
ID = "3f9ac1d2" * 8
QUOTE = "\x1b[1mthe cached value looks right"
CALL = Call("bash", {"command": "cat b"}, Observation(f"{QUOTE}\r\nand is not\t\x1b[0m"))
TRACE = Trace("own", "", "Go.", (Step(Origin.USER, "Go."), Step(Origin.AGENT, "I look.", calls=(CALL,))))
SOURCES = {ID: Source(TRACE, "sheets-118", solved=True)}
GOOD = (Evidence(ID, 2, "the cached value looks right"),)
RULE = "Recalculate after writing; a cached value looks right."
WORDS = Words("Recalculate after writing", "The value was old.", RULE)
REDACTOR = Redactor()
[KEY] = (shape.make(random.Random(5)) for shape in SHAPES if shape.name == "aws-AKIA")  # noqa: S311 - a repeatable fake


def adding(text: str, base: Skill = BASE) -> Skill:
    return base.with_file("SKILL.md", base.files["SKILL.md"] + f"- {text}\n".encode("utf-8", "surrogatepass"))


def found(
    skill: Skill, words: Words = WORDS, evidence: tuple[Evidence, ...] = GOOD, base: Skill = BASE
) -> tuple[Finding, ...]:
    return check_lesson(base, skill, words, evidence, SOURCES, REDACTOR)


def judged(text: str, base: Skill = BASE) -> Judgement:
    return judgement(found(adding(text, base), base=base))


def told(skill: Skill, words: Words = WORDS, evidence: tuple[Evidence, ...] = GOOD) -> list[tuple[str, str]]:
    return [(item.check, item.message) for item in found(skill, words, evidence) if item.level is Level.INVALID]


def test_a_good_lesson_has_no_findings_and_is_proposed() -> None:
    assert found(adding(RULE)) == ()
    assert judged(RULE) == Judgement(State.PROPOSED, "", "")


def test_a_lesson_that_changes_nothing_is_refused() -> None:
    assert told(BASE) == [("format", "the lesson changes nothing")]
    assert told(Skill(BASE.files, frozenset({"SKILL.md"}))) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (Words(" \n", "c", "r"), "the title is empty"),
        (Words("t", "", "r"), "the cause is empty"),
        (Words("t", "c", "\t"), "the rule is empty"),
        (
            Words("t" * (MAX_TITLE + 1), "c", "r"),
            f"the title has {MAX_TITLE + 1} characters, at most {MAX_TITLE} fit",
        ),
    ],
)
def test_words_that_are_missing_or_too_many_are_refused(words: Words, message: str) -> None:
    assert told(adding(RULE), words) == [("format", message)]


def test_a_title_of_just_the_length_that_fits_is_fine() -> None:
    assert told(adding(RULE), Words("t" * MAX_TITLE + " \n", "c", "r")) == []


@pytest.mark.parametrize("name", ["title", "cause", "rule", "verified"])
def test_hidden_characters_in_any_of_the_words_are_refused_and_line_ends_and_tabs_are_fine(name: str) -> None:
    words = {"title": "t", "cause": "c", "rule": "r", "verified": ""}

    assert told(adding(RULE), Words(**(words | {name: "a\n\u202eb"}))) == [
        ("hidden", f"the {name} hides U+202E (right-to-left override)")
    ]
    assert told(adding(RULE), Words(**(words | {name: "a\tb\r\nc\nd"}))) == []


def test_hidden_characters_in_a_quote_are_refused() -> None:
    quotes = (*GOOD, Evidence(ID, 2, QUOTE), Evidence(ID, 2, "right\r\nand is not\t"))

    assert told(adding(RULE), evidence=quotes) == [("hidden", "the quote 2 hides U+001B")]


def test_words_and_quotes_of_more_than_four_thousand_characters_are_refused() -> None:
    trace = Trace("own", "", "Go.", (Step(Origin.TOOL, "q" * 4001),))
    sources = {ID: Source(trace, "t")}

    def sized(length: int) -> list[str]:
        words, quote = Words("t", "c" * length, "r" * length, "v"), Evidence(ID, 1, "q" * length)
        findings = check_lesson(BASE, adding(RULE), words, [quote], sources, REDACTOR)
        return [item.message for item in findings if (item.check, item.level) == ("size", Level.INVALID)]

    assert sized(4000) == []
    assert sized(4001) == [
        f"the {name} has 4,001 characters; the limit is 4,000" for name in ("cause", "rule", "quote 1")
    ]


def test_a_lesson_without_evidence_or_with_a_false_quote_is_refused() -> None:
    assert told(adding(RULE), evidence=()) == [("evidence", "the lesson quotes nothing")]
    assert told(adding(RULE), evidence=(Evidence(ID, 2, "looks wrong"),)) == [
        ("evidence", "3f9ac1d23f step 2: the step does not hold the quoted text")
    ]
    assert told(adding(RULE), evidence=(Evidence("a\x1b", 1, "x"),)) == [
        ("evidence", "a\\u{1b} step 1: the lesson was not made from this trace")
    ]


def test_every_check_is_run_in_one_order() -> None:
    skill = adding(f"{KEY} \u202e sheets-118 https://evil.test/x", BASE.with_file("other/x.md", b"x"))
    words = Words("", f"{KEY}\u200b", RULE)

    findings = found(skill, words, ())

    assert list(dict.fromkeys(item.check for item in findings)) == [
        "format",
        "path",
        "hidden",
        "evidence",
        "secrets",
        "leak",
        "reach",
    ]
    assert findings == found(skill, words, ())
    assert "the cause holds a secret (aws-key)" in [item.message for item in findings]


def test_the_tasks_id_may_stand_in_the_cause_and_not_in_the_title() -> None:
    assert told(adding(RULE), Words("t", "Run of sheets-118.", "r")) == []
    assert told(adding(RULE), Words("See sheets-118", "c", "r")) == [("leak", "holds the id of its task: sheets-118")]


def test_no_finding_shows_a_secret_whichever_check_met_it() -> None:
    links = f"See [it](references/{KEY}.md), run {KEY}.sh at https://{KEY}.evil.test."
    skill = adding(links, BASE.with_file(f"scripts/{KEY}", b"x"))

    findings = found(skill)

    assert {"secrets", "reach", "format"} <= {item.check for item in findings}
    assert KEY not in repr(findings)
    assert KEY not in judgement(findings).reason


def finding(check: str, level: Level, path: str = "", line: int | None = None, message: str = "m") -> Finding:
    return Finding(check, level, path, line, message)


def test_the_worst_level_decides_and_its_first_finding_says_by_which_check() -> None:
    held = finding("reach", Level.HELD, "SKILL.md", 4, "new host: a.test")
    bad, worse = finding("leak", Level.INVALID, message="one"), finding("hidden", Level.INVALID, message="two")
    warned = finding("size", Level.WARNING)

    assert judgement([warned, held]) == Judgement(State.HELD, "reach", "SKILL.md:4: new host: a.test")
    assert judgement([warned, held, bad, worse, bad]) == Judgement(State.REJECTED, "leak", "one; two")
    assert judgement(iter([warned])) == Judgement(State.PROPOSED, "", "")


def test_a_reason_names_a_place_once_and_is_short() -> None:
    path = finding("path", Level.INVALID, "a/b", None, "the path 'a/b' is nowhere")
    hidden = finding("hidden", Level.INVALID, "SKILL.md", 3, "line 3 hides U+202E")
    odd = finding("size", Level.INVALID, "a\x1b", None, "m")

    assert judgement([path, hidden, odd]).reason == (
        "the path 'a/b' is nowhere; SKILL.md: line 3 hides U+202E; a\\u{1b}: m"
    )
    long = judgement([finding("x", Level.HELD, message=f"m{number}") for number in range(999)]).reason
    assert len(long) == MAX_REASON
    assert long.endswith("…")


def injections() -> Iterator[str]:
    """Give every line that somebody wrote to be smuggled into a skill."""
    folder = SHARED / "security" / "skill-inject"
    yield from (item["inj"] for item in json.loads((folder / "insertion_manifest_odd.json").read_text()))
    for kind in ("obvious", "contextual"):
        for item in json.loads((folder / f"{kind}_injections_odd.json").read_text()):
            yield from item["instructions"].values()


def reaches(text: str) -> bool:
    return any(mark in text for mark in ("http", "://", ".sh", ".py", ".com", "@", "curl"))


def test_no_injection_that_names_a_host_or_a_script_is_proposed_however_well_it_is_evidenced() -> None:
    """The trace holds the injection and the lesson quotes it: what a fully obedient analyst would hand in."""
    texts = sorted({text for text in injections() if text.strip()})
    passed = []
    for text in texts:
        trace = Trace("own", "", "Go.", (Step(Origin.TOOL, text),))
        words, quote = Words("Do as the page says", "The page says so.", text), Evidence(ID, 1, text)
        findings = check_lesson(BASE, adding(text), words, [quote], {ID: Source(trace, "sheets-118")}, REDACTOR)
        if judgement(findings).state is State.PROPOSED:
            passed.append(text)

    assert len(texts) > 100
    assert sum(map(reaches, texts)) > 40
    assert [text for text in passed if reaches(text)] == []
    assert len(passed) <= len(texts) / 2  # a bias, a skipped check: what no check of reach can find


def skill_at(folder: Path) -> Skill:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return Skill({str(path.relative_to(folder)): path.read_bytes() for path in paths})


FIXTURES = SHARED / "security" / "own-fixtures"


@pytest.mark.parametrize("folder", sorted((FIXTURES / "poison").iterdir()), ids=lambda folder: folder.name)
def test_no_poisoned_variant_of_a_skill_is_proposed(folder: Path) -> None:
    [benign] = (FIXTURES / "benign").rglob("SKILL.md")
    [poisoned] = folder.rglob("SKILL.md")
    base, skill = skill_at(benign.parent), skill_at(poisoned.parent)

    assert judgement(found(skill, base=base)).state is not State.PROPOSED


SAFE_WORDS = "save the file twice before it is read and never keep a value that was not written"
SAFE = st.lists(
    st.sampled_from(SAFE_WORDS.split()),
    min_size=1,
    max_size=12,
).map(" ".join)
PLANTED = st.one_of(
    st.sampled_from([f"https://{name}.test/in" for name in ("evil", "collect", "a.b")]),
    st.sampled_from(["198.51.100.7", "`curl -s x`", "run warm.py", "<!-- so -->"]),
    st.sampled_from("\u202e\u200b\u2060\U000e0041\x1b\ufeff\u3164"),
    st.integers(0, 99).map(
        lambda seed: next(shape for shape in SHAPES if shape.name == "github-p").make(random.Random(seed))  # noqa: S311
    ),
    st.sampled_from(["ann.lee@corp.org", "/home/annlee/notes", f"key%3D{KEY}", "\u2039SECRET:token:1\u203a"]),
)


@given(lines=st.lists(SAFE, max_size=5), before=SAFE, after=SAFE, planted=PLANTED, more=SAFE)
def test_what_is_planted_in_any_line_is_stopped_and_the_same_line_in_the_base_is_not(
    lines: list[str], before: str, after: str, planted: str, more: str
) -> None:
    base = BASE
    for line in lines:
        base = adding(line, base)
    line = f"{before} {planted} {after}"
    known = adding(line, base)

    assert judged(line, base).state is not State.PROPOSED
    assert judged(more, known).state is State.PROPOSED
    assert judged(line, known).state is State.PROPOSED
    assert judged(f"{line}\n- {more} more", known).state is State.PROPOSED
