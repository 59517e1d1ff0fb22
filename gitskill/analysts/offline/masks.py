"""Texts made general: what is a name, a number or a path in one run is none of a lesson's business."""

import re

LONGEST_QUOTE = 120

_HEX = re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", re.IGNORECASE)
_URL = re.compile(r"\b[a-z]{2,8}://[^\s'\"<>)]+", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_PART = r"(?:[\w.@%+~-]|\([\w.-]+\)|\[[\w.-]+\])+"
_PATH = re.compile(rf"(?<![\w$.*])(?:~|\.{{1,2}})?/(?:{_PART}/?)+|(?<![\w/$.*<])(?!Input/output)[\w.-]+(?:/{_PART})+/?")
_QUOTED = re.compile(r"(?<!\w)'[^'\n]*'|\"[^\"\n]*\"|`[^`'\n]*'+|`[^`\n]+`|\u2018[^\u2019\n]*\u2019")
_KINDED = re.compile(r"\b([a-z]+(?:_[a-z]+)*)_\d{2,}\b")
_ID = re.compile(r"#?\b(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{5,}\b|\b[A-Z]{6}\b(?![a-z])")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:[T ][\d:.]+Z?)?\b|\b\d{1,2}:\d{2}(?::\d{2})?\b")
_NUMBER = re.compile(r"(?<![\w.-])[$\u20ac#]?-?\d+(?:[.,]\d+)*%?(?![\w-])")
_FILE = re.compile(r"(?<![\w*.$-])[\w-]*[A-Za-z_][\w-]*\.(?:[a-z]{1,5}\d?|[A-Z]{1,4})\b(?!\.\w|\()")
_BLANKS = re.compile(r"\s+")
_UNSEEN = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def general(line: str, limit: int = LONGEST_QUOTE) -> str:
    """Mask what is particular in a line that a program printed."""
    line = _UNSEEN.sub("", line)
    for pattern, mask in (
        (_URL, "URL"),
        (_MAIL, "MAIL"),
        (_HEX, "ID"),
        (_QUOTED, _quoted),
        (_PATH, "PATH"),
        (_KINDED, _kinded),
        (_ID, "ID"),
        (_DATE, "DATE"),
        (_NUMBER, "N"),
        (_FILE, "FILE"),
    ):
        line = pattern.sub(mask, line)
    return clip(_BLANKS.sub(" ", line).strip(), limit)


def _quoted(match: re.Match[str]) -> str:
    """Keep quotes that hold a sign or an option: they are what the error is about."""
    inner = match[0][1:].rstrip("'\"`\u2019")
    return f"'{inner}'" if 0 < len(inner) <= 12 and not re.search(r"[A-Za-z]{3}|/|\d{2}", inner) else "'\u2026'"


def _kinded(match: re.Match[str]) -> str:
    return f"{match[1]}_N"


def kind_of(value: str) -> str:
    """Mask an argument so far that only its kind is left: `credit_card_N`, `PATH`, a plain word as itself."""
    if re.fullmatch(r"[a-z]+(?:[ _-][a-z]+){0,2}", value):
        return value
    return general(value, 60)


def clip(text: str, limit: int = LONGEST_QUOTE) -> str:
    """Cut a text at a word's border; what is left is a piece of it, byte for byte."""
    text = text.strip()
    if len(text) <= limit:
        return text
    at = max(text.rfind(" ", limit // 2, limit + 1), text.rfind("\t", limit // 2, limit + 1))
    return text[: at if at > 0 else limit].rstrip()


def code(text: str) -> str:
    """Set a text as a span of code, also one with backticks in it."""
    text = _BLANKS.sub(" ", _UNSEEN.sub("", text)).strip()
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    mark = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{mark}{pad}{text}{pad}{mark}"


def prose(text: str) -> str:
    """Set a text that a program printed among words of Markdown, so that none of it is read as markup."""
    text = text.replace("`", "'")
    return re.sub(r"([\\*<\[\]|]|(?<!\w)_|_(?!\w))", r"\\\1", text)
