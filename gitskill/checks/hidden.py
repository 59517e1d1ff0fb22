"""Characters that a model reads and a person does not see: the cheapest way to hide an instruction in a skill."""

import unicodedata
from collections.abc import Collection, Iterator, Sequence

from gitskill.checks.finding import Finding, Level
from gitskill.skill.snapshot import Skill, is_binary
from gitskill.visible import SHAPELESS

_SHOWN = 5
"""Code points that one message names."""

# Format characters (Cf) that have a shape: number and verse signs of Arabic, Syriac and Kaithi.
_VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")

# Emoji by use, but neither So nor Sm: double marks and a dash. Digits and two signs are, inside a keycap.
_EMOJI_SIGNS = frozenset("\u203c\u2049\u3030")
_KEYCAPS = frozenset("#*0123456789")
_KEYCAP = "\u20e3"

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_VIRAMA = 9  # the combining class of signs that join consonants in the scripts of India


def hidden_findings(path: str, lines: Sequence[str], *, only: Collection[int] | None = None) -> tuple[Finding, ...]:
    """Name every line that holds a character nobody sees, as `U+202E`; one finding per line, each invalid.

    `only` limits the search to these indexes into `lines`, which a lesson
    added. A byte order mark at the start of a file and a carriage return at
    the end of a line hide nothing.
    """
    found = []
    for number, line in enumerate(lines):
        if only is not None and number not in only:
            continue
        text = line.removesuffix("\r")
        if number == 0:
            text = text.removeprefix("\ufeff")
        if names := hidden_names(text):
            found.append(Finding("hidden", Level.INVALID, path, number + 1, f"line {number + 1} hides {names}"))
    return tuple(found)


def skill_findings(skill: Skill, *, base: Skill | None = None) -> tuple[Finding, ...]:
    """Search every Markdown and text file of `skill`; with `base`, only the lines that its file of that path lacks."""
    found: list[Finding] = []
    for path, data in sorted(skill.files.items()):
        if path.endswith(".md") or not is_binary(data):  # a NUL does not take Markdown out of the check
            # A byte that is not UTF-8 shows as a replacement character: it hides nothing.
            lines = data.decode("utf-8", "replace").split("\n")
            known = set(base.files.get(path, b"").decode("utf-8", "replace").split("\n")) if base else set()
            found += hidden_findings(path, lines, only={n for n, line in enumerate(lines) if line not in known})
    return tuple(found)


def hidden_names(text: str) -> str:
    """List the hidden characters of one line of `text` for a message, or nothing where all can be seen."""
    if text.isascii() and text.isprintable():  # nearly every line
        return ""
    names = list(dict.fromkeys(_name(text[index]) for index in _hidden(text)))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _hidden(text: str) -> Iterator[int]:
    for index, char in enumerate(text):
        before = text[index - 1] if index else ""
        after = text[index + 1 : index + 2]
        if char in (_ZWNJ, _ZWJ):
            if not _joins(char, text[:index], after):
                yield index
        elif _is_selector(char):
            if not _selects(char, before, after):
                yield index
        elif _is_unseen(char):
            yield index


def _is_unseen(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Cn":
        return not _may_be_newer(ord(char))
    if category == "Cf":
        return char not in _VISIBLE_FORMAT
    return (category in {"Cc", "Co", "Cs", "Zl", "Zp"} and char != "\t") or char in SHAPELESS


def _may_be_newer(code: int) -> bool:
    # What Python's tables do not know may be an emoji or an ideograph of a later Unicode: the verdict on a
    # lesson must not depend on the Python that gives it. The last two of each plane stay what they are: none.
    return (0x1F000 <= code <= 0x1FAFF or 0x20000 <= code <= 0x3FFFF) and code & 0xFFFE != 0xFFFE


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _selects(char: str, before: str, after: str) -> bool:
    """Tell whether a variation selector picks a shape of the one character before it.

    A second selector in a row picks nothing: it can only carry data.
    """
    if before in _KEYCAPS:
        return after == _KEYCAP
    if char in "\ufe0e\ufe0f":
        return _is_emoji(before)
    return _is_ideograph(before) or _is_emoji(before)


def _joins(char: str, before: str, after: str) -> bool:
    """Tell whether a joiner does what it is for: glue emoji, or shape letters of Arabic and Indian scripts.

    Between other characters it is invisible, so whether it is there can carry a message.
    """
    previous = before[-1:]
    if char == _ZWJ and _is_emoji(before[-2:-1] if previous == "\ufe0f" else previous) and _is_emoji(after):
        return True
    if previous and unicodedata.combining(previous) == _VIRAMA:
        return True
    return char == _ZWNJ and _is_arabic(previous) and _is_arabic(after)


def _is_emoji(char: str) -> bool:
    if not char:
        return False
    symbol = char >= "\u00a0" and unicodedata.category(char) in {"So", "Sm", "Sk"}
    return symbol or char in _EMOJI_SIGNS or 0x1F000 <= ord(char) <= 0x1FAFF


def _is_arabic(char: str) -> bool:
    return bool(char) and char.isalpha() and unicodedata.name(char, "").startswith("ARABIC ")


def _is_ideograph(char: str) -> bool:
    return bool(char) and (unicodedata.name(char, "").startswith("CJK ") or 0x20000 <= ord(char) <= 0x3FFFF)


def _name(char: str) -> str:
    name = unicodedata.name(char, "").lower()
    return f"U+{ord(char):04X}" + (f" ({name})" if name else "")
