"""Secrets, personal data and what redaction left of them, in everything that a lesson adds."""

import binascii
import html
import re
from base64 import b64decode
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from urllib.parse import unquote

from gitskill.checks.finding import Finding, Level
from gitskill.redact.page import PLACEHOLDER
from gitskill.redact.redactor import Redactor
from gitskill.skill.snapshot import Skill, is_binary

CHECK = "secrets"

_KINDS = {
    "EMAIL": "an e-mail address",
    "HOME": "a personal path",
    "CARD": "a card number",
    "IBAN": "an account number",
    "SSN": "a social security number",
}

_EXAMPLE = re.compile(r"@(?:[\w-]+\.)*(?:example(?:\.(?:com|net|org))?|test|invalid)", re.IGNORECASE)
"""The domains of an address that nobody can have: they are reserved for examples."""

_RUN = re.compile(rb"[\x20-\x7e\t\r\n]{8,}")
_WIDE_RUN = re.compile(rb"(?:[\x20-\x7e]\0){8,}")
"""The same in UTF-16."""
_BETWEEN_RUNS = "\0"
"""No pattern of the redactor takes it for a part of a secret."""

_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))"
)
_BASE64 = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{16,}={0,2}(?![\w+/=-])")
_URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """The lines of a text file that a lesson changed or created."""

    path: str
    lines: tuple[str, ...]
    added: frozenset[int]
    """Indexes of the lines that no file of the base has. A line that moved is not among them."""


@lru_cache(maxsize=2)
def changed_files(base: Skill, skill: Skill) -> tuple[ChangedFile, ...]:
    """Give every text file to which `skill` adds a line, by its path. Two checks ask for it, one after the other."""
    return tuple(_changed(base, skill))


def _changed(base: Skill, skill: Skill) -> Iterator[ChangedFile]:
    known = _said(base)
    for path, data in sorted(skill.files.items()):
        if data != base.files.get(path) and not _is_data(path, data):
            lines = _lines(path, data)
            fresh = [n for n, line in enumerate(lines) if line not in known and line.strip()]
            added = frozenset(n for n in fresh if _bare(lines[n]) not in known)
            if added:
                yield ChangedFile(path, lines, added)


@lru_cache(maxsize=4)
def _said(base: Skill) -> frozenset[str]:
    """Give the lines of a base, as they are and without their indents: every lesson of a run is held against it."""
    lines = [line for path, data in base.files.items() for line in _lines(path, data)]
    return frozenset([*lines, *map(_bare, lines)])


def secrets_findings(base: Skill, skill: Skill, texts: Mapping[str, str], redactor: Redactor) -> tuple[Finding, ...]:
    """Refuse every secret and all personal data in what `skill` adds to `base`, and in the named `texts`.

    What the base has already is no finding. A message says what kind of thing
    was found, never the thing. Placeholders are refused in the skill's own
    lines: the rule would be of no use, or tell that there was a secret. In
    `texts` they may stand, since quotes come from redacted traces.
    """
    search = _Search(base, redactor)
    found: list[Finding] = []
    for changed in changed_files(base, skill):
        found += search.lines(changed)
    for path, data in sorted(skill.files.items()):
        if _is_data(path, data) and data != base.files.get(path):
            found += [_finding(path, None, f"holds {kind}") for kind, _ in search.text(_ascii(data))]
        if path not in base.files:  # the finding does not name the path: it would spread what is in it
            found += [_finding("", None, f"the name of a new file holds {kind}") for kind, _ in search.text(path)]
    for name, text in texts.items():
        found += [_finding("", None, f"the {name} holds {kind}") for kind, _ in search.text(text)]
    return tuple(dict.fromkeys(found))


class _Search:
    """Looks for what may not be kept and is not in the base."""

    def __init__(self, base: Skill, redactor: Redactor) -> None:
        self._base = base
        self._redactor = redactor

    @cached_property
    def _known(self) -> frozenset[str]:
        """What the base holds already. Most lessons hold nothing, and never ask."""
        found: set[str] = set()
        for path, data in self._base.files.items():
            text = "\n".join(_lines(path, data))
            found.update(PLACEHOLDER.findall(text))
            found.update(value for value, _, _ in self._values(text))
        return frozenset(found)

    def text(self, text: str) -> Iterator[tuple[str, tuple[int, int]]]:
        """Give the kind of everything new that is found in `text`, and its first and last line, from 0."""
        return ((kind, lines) for value, kind, lines in self._values(text) if value not in self._known)

    def lines(self, changed: ChangedFile) -> Iterator[Finding]:
        """Find what lies on an added line, also where a line of the base is what gives it away."""
        for kind, (first, last) in self.text("\n".join(changed.lines)):
            if on := changed.added.intersection(range(first, last + 1)):
                yield _finding(changed.path, min(on) + 1, f"holds {kind}")
        for number in sorted(changed.added):
            for match in PLACEHOLDER.finditer(changed.lines[number]):
                if match[0] not in self._known:
                    what = f"holds {match[0]}, which stands for something that was removed from the trace"
                    yield _finding(changed.path, number + 1, what)

    def _values(self, text: str) -> Iterator[tuple[str, str, tuple[int, int]]]:
        """Find what stands in `text` as it is, or behind its escapes."""
        every = "\n".join(map(_decoded, text.split("\n")))
        for view in dict.fromkeys((text, every)):
            starts = [0, *accumulate(len(line) + 1 for line in view.split("\n"))]
            for span in self._redactor.spans(view):
                value = view[span.start : span.end]
                if span.label != "EMAIL" or not _EXAMPLE.fullmatch(value[value.rfind("@") :]):
                    lines = (bisect_right(starts, span.start) - 1, bisect_right(starts, span.end - 1) - 1)
                    yield value, _kind(span.label), lines


def _finding(path: str, line: int | None, message: str) -> Finding:
    return Finding(CHECK, Level.INVALID, path, line, message)


def _kind(label: str) -> str:
    return _KINDS.get(label) or f"a secret ({label.rpartition(':')[2]})"


def _is_data(path: str, data: bytes) -> bool:
    return is_binary(data) and not path.endswith(".md")  # a NUL does not take Markdown out of the check


def _lines(path: str, data: bytes) -> tuple[str, ...]:
    return (_ascii(data),) if _is_data(path, data) else tuple(data.decode("utf-8", "replace").split("\n"))


def _bare(line: str) -> str:
    return " ".join(line.split())


def _ascii(data: bytes) -> str:
    """Give what can be read in a binary file."""
    runs = [match[0] for match in _RUN.finditer(data)]
    runs += [match[0][::2] for match in _WIDE_RUN.finditer(data)]
    return _BETWEEN_RUNS.join(run.decode("ascii") for run in runs)


def _decoded(line: str) -> str:
    """Undo escapes once: of HTML, programs, addresses and base64; the line stays one line."""
    text = html.unescape(line) if "&" in line else line
    text = _ESCAPE.sub(_character, text) if "\\" in text else text
    text = unquote(text) if "%" in text else text
    text = _BASE64.sub(_plain, text)
    return text.replace("\n", " ")


def _character(match: re.Match[str]) -> str:
    octal = match[5]
    code = int(octal, 8) if octal else int(next(filter(None, match.groups())), 16)
    return chr(code) if code <= 0x10FFFF else match[0]


def _plain(match: re.Match[str]) -> str:
    """Give what a run in base64 says, or the run itself where that is no text."""
    code = match[0].rstrip("=").translate(_URL_SAFE)
    try:
        text = b64decode(code + "=" * (-len(code) % 4), validate=True)
    except binascii.Error:
        return match[0]
    return text.decode("ascii") if _RUN.fullmatch(text) else match[0]
