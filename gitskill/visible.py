"""Text from traces, models and repositories, made safe to show."""

import unicodedata

SHAPELESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters, marks and spaces to Unicode, nothing to the eye."""

_KEPT = {"\n", "\t"}


def visible(text: str) -> str:
    """Write every character that a terminal would obey, or not show, as an escape with its number.

    Terminals act on control characters, and readers do not see bidirectional
    and invisible ones. Joiners inside emoji are shown as escapes too: what is
    shown is for reading, not for copying.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in _KEPT or _is_plain(char) else f"\\u{{{ord(char):x}}}" for char in text)


def _is_plain(char: str) -> bool:
    return char not in SHAPELESS and unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
