"""What nobody sees is named; what people write is left alone."""

import pytest

from gitskill.checks.finding import Finding, Level
from gitskill.checks.hidden import hidden_findings, hidden_names, skill_findings
from gitskill.skill.snapshot import Skill

HIDDEN = {
    "U+202A": "a\u202ab",
    "U+202E": "a\u202eb",
    "U+2066": "\u2066",
    "U+2069": "a\u2069",
    "U+200E": "a\u200eb",
    "U+061C": "a\u061cb",
    "U+E0001": "a\U000e0001",
    "U+E0041": "\U0001f3f4\U000e0041",
    "U+E007F": "\U000e007f",
    "U+200B": "a\u200bb",
    "U+200C": "a\u200cb",
    "U+200D": "a\u200db",
    "U+2060": "a\u2060b",
    "U+2063": "a\u2063b",
    "U+FEFF": "a\ufeffb",
    "U+00AD": "co\u00adoperate",
    "U+FE0F": "a\ufe0f",
    "U+FE00": "a\ufe00",
    "U+E0100": "a\U000e0100",
    "U+0000": "a\0b",
    "U+0008": "a\bb",
    "U+001B": "\x1b[2K",
    "U+000C": "\f",
    "U+007F": "a\x7f",
    "U+0085": "a\x85b",
    "U+009B": "\x9b31m",
    "U+000D": "a\rb",
    "U+2028": "a\u2028b",
    "U+2029": "a\u2029b",
    "U+E000": "\ue000",
    "U+F8FF": "\uf8ff",
    "U+100000": "\U00100000",
    "U+0378": "\u0378",
    "U+FFFF": "\uffff",
    "U+1FFFE": "\U0001fffe",
    "U+2FFFF": "\U0002ffff",
    "U+E0FFF": "\U000e0fff",
    "U+3164": "a\u3164b",
    "U+115F": "\u115f",
    "U+034F": "a\u034fb",
    "U+180E": "a\u180eb",
    "U+DC80": "a\udc80",
}


@pytest.mark.parametrize("code", HIDDEN)
def test_a_hidden_character_is_named_with_its_line(code: str) -> None:
    (found,) = hidden_findings("references/a.md", ["fine", HIDDEN[code]])

    assert (found.check, found.level, found.path, found.line) == ("hidden", Level.INVALID, "references/a.md", 2)
    assert found.message.startswith("line 2 hides " + code)
    assert found.message.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\u26a0\ufe0f\ufe0f", id="two selectors after an emoji"),
        pytest.param("\u8449\U000e0100\U000e0101", id="two selectors after an ideograph"),
        pytest.param("\ufe0f", id="a selector after nothing"),
        pytest.param("1\ufe0f2", id="a digit's selector without a keycap"),
        pytest.param("\U0001f468\u200d", id="a joiner after an emoji, before nothing"),
        pytest.param("\u200d\U0001f468", id="a joiner before an emoji, after nothing"),
        pytest.param("\U0001f468\u200d\u200d\U0001f469", id="two joiners"),
        pytest.param("\U0001f468\u200c\U0001f469", id="a non-joiner between emoji"),
        pytest.param("a\ufe0f\u200d\U0001f469", id="a joiner after a letter's selector"),
        pytest.param("^\ufe0f", id="a selector after a sign of ASCII"),
        pytest.param("a\u200c\u0645", id="a non-joiner between Latin and Arabic"),
        pytest.param("\u0645\u200ca", id="a non-joiner between Arabic and Latin"),
        pytest.param("\u0645\u200d\u06cc", id="a joiner between Arabic letters"),
        pytest.param("\u0915\u200d\u0937", id="a joiner after a consonant without virama"),
    ],
)
def test_what_is_allowed_in_its_place_is_hidden_elsewhere(text: str) -> None:
    assert hidden_names(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("tab\tand ~!@#", id="ASCII"),
        pytest.param("\u26a0\ufe0f \u2714\ufe0f \u00a9\ufe0e \u2194\ufe0f \u203c\ufe0f \u3030\ufe0f", id="emoji"),
        pytest.param("1\ufe0f\u20e3 #\ufe0f\u20e3 *\ufe0f\u20e3", id="keycaps"),
        pytest.param("\U0001f468\u200d\U0001f469\u200d\U0001f467", id="family"),
        pytest.param("\U0001f3f3\ufe0f\u200d\U0001f308", id="flag with selector and joiner"),
        pytest.param("\U0001f9d1\U0001f3fd\u200d\U0001f4bb", id="skin tone and joiner"),
        pytest.param("\U0001f3c3\u200d\u2640\ufe0f\u200d\u27a1\ufe0f", id="running woman facing right"),
        pytest.param("\U0001f1e9\U0001f1ea", id="regional flag"),
        pytest.param("\U0001fae9 \U0001fac6", id="emoji newer than Python 3.11"),
        pytest.param("\u4e2d\u6587\uff0c\u65e5\u672c\u8a9e\u3000\ud55c\uad6d\uc5b4", id="Chinese, Japanese, Korean"),
        pytest.param("\u8449\U000e0100 \u9f8d\ufe00", id="ideographic variants"),
        pytest.param("\U0001fae9\u200d\U0001fae9\ufe0f", id="newer emoji, joined"),
        pytest.param("\u2229\ufe00", id="mathematical variant"),
        pytest.param("\U000323b0\U000e0100", id="an ideograph newer than Python 3.11"),
        pytest.param("\u0645\u0631\u062d\u0628\u0627 \u0627\u0644\u0633\u0651\u0644\u0627\u0645", id="Arabic"),
        pytest.param("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0600\u06f1", id="Persian"),
        pytest.param("\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937", id="Hindi"),
        pytest.param("\u05e9\u05dc\u05d5\u05dd", id="Hebrew"),
        pytest.param("\u00e9 e\u0301 \u1ebf \u00df \u0141", id="accents, composed or not"),
        pytest.param("\u2018x\u2019 \u2014 \u2026 \u00a0 \u2192 \u2264 \ufffd", id="typography"),
    ],
)  # fmt: skip
def test_what_people_write_is_fine(text: str) -> None:
    assert hidden_names(text) == ""
    assert hidden_names(text * 2) == ""


def test_the_ends_of_a_file_and_of_its_lines_hide_nothing() -> None:
    assert hidden_findings("a.md", ["\ufeff---\r", "b\r"]) == ()
    assert [f.line for f in hidden_findings("a.md", ["\ufeff\ufeff", "\ufeff", "b\r\r"])] == [1, 2, 3]


def test_one_finding_tells_all_of_a_line() -> None:
    (found,) = hidden_findings("a.md", ["\u202ea\u202eb\x07" + "".join(map(chr, range(0xE000, 0xE005)))])

    assert found == Finding(
        "hidden",
        Level.INVALID,
        "a.md",
        1,
        "line 1 hides U+202E (right-to-left override), U+0007, U+E000, U+E001, U+E002 and 2 more",
    )


def test_only_the_lines_asked_for_are_searched() -> None:
    lines = ["\u202e", "\u202e", "\u202e"]

    assert [f.line for f in hidden_findings("a.md", lines, only={1})] == [2]
    assert hidden_findings("a.md", lines, only=()) == ()


def test_a_skill_is_searched_except_for_its_binary_files() -> None:
    files = {
        "SKILL.md": b"a\r\n\x00\n",
        "scripts/x.py": "b = '\u202e'\n".encode(),
        "assets/latin.txt": b"caf\xe9\n",
        "assets/x.png": b"\0\x1b\n",
    }

    found = skill_findings(Skill(files))

    assert [(f.path, f.line) for f in found] == [("SKILL.md", 2), ("scripts/x.py", 1)]


def test_against_a_base_only_new_lines_are_searched() -> None:
    base = Skill({"SKILL.md": "a\n\u202e old\n".encode(), "references/b.md": b""})
    skill = base.with_file("SKILL.md", "x\n\u202e old\n\u202e new\n".encode()).with_file(
        "references/b.md", "\u202e old\n".encode()
    )

    assert [(f.path, f.line) for f in skill_findings(skill, base=base)] == [("SKILL.md", 3), ("references/b.md", 1)]
