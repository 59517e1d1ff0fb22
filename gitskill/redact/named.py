"""Values beside a name that says secret: assignments, headers, options, sentences."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby

from gitskill.redact.literal import Need, whole
from gitskill.redact.page import Page
from gitskill.redact.span import Span, secret


@dataclass(frozen=True, slots=True)
class Name:
    """A word in a name, what may stand around it, and what a value of that name must look like."""

    kind: str
    literal: bytes
    pattern: re.Pattern[bytes]
    """From behind the literal to the sign before the value."""
    before: re.Pattern[bytes]
    need: Need


_SUFFIX = r"(?:[-_]?(?:[0-9]{1,2}|v[0-9]|prod|production|staging|live|base|value))?[\"'`\] \t]{0,6}[:=>]"


def _name(kind: str, literal: str, rest: str, before: str, need: Need) -> Name:
    return Name(
        kind, literal.encode(), re.compile((rest + _SUFFIX).encode()), re.compile(f"(?:{before})$".encode()), need
    )


_ANYTHING = ""
_START = r"^|[^a-z]"
_OWNER = r"(?:api|app|application|access|account|auth|client|encryption|license|master|private|secret|service|signing"
_OWNER += r"|storage|subscription|webhook|write|ingest|admin|bot|deploy|host|shared)[-_. ]?"

NAMES = (
    _name("password", "pass", r"(?:w(?:or)?d|wort|phrase|code)", _ANYTHING, Need.PASSWORD),
    _name("password", "pass", "", _START + "|db|root|user|pg|smtp|ftp", Need.PASSWORD),
    _name("password", "pwd", "", _ANYTHING, Need.PASSWORD),
    _name("aws-secret-key", "secret", "_?access_?key", _ANYTHING, Need.SECRET),
    _name("secret", "secret", "", _ANYTHING, Need.SECRET),
    _name("token", "token", "", _ANYTHING, Need.SECRET),
    _name("secret", "credential", "s?", _ANYTHING, Need.SECRET),
    _name("key", "key", "", _OWNER, Need.SECRET),
    _name("key", "key", "", r"[a-z0-9][-_]", Need.RANDOM),
    _name("secret", "authorization", "", _ANYTHING, Need.SECRET),
)
NAME_WORDS = tuple(dict.fromkeys(row.literal for row in NAMES))
_BY_LITERAL = {literal: tuple(rows) for literal, rows in groupby(NAMES, lambda row: row.literal)}
"""Of the rows of one literal, the first that fits counts."""
_REACH = 24
"""How much of a name before the word is looked at."""

_OPENING = re.compile(
    rb"[:=>]{0,2}[ \t]{0,8}(?:(?:str|string|bytes)\b[^=\n\"']{0,8}=[ \t]{0,4})?(?:(?:bearer|token|bot)[ \t]{1,4})?"
    rb"(?:[bruf]{0,2}([\"'`]))?",
    re.IGNORECASE,
)
_QUOTED = {
    b'"': re.compile(rb"[^\s\0\"]{1,512}"),
    b"'": re.compile(rb"[^\s\0']{1,512}"),
    b"`": re.compile(rb"[^\s\0`]{1,512}"),
}
_BARE = re.compile(rb"[^\s\0\"'`,;<>|]{1,512}")
_REST = re.compile(rb"[^\s\0\"'`,;<>|&]*")
_NEXT = re.compile(rb"&\w{1,40}=|$")
_CLOSING = b".,:)]}"


def assigned(page: Page, present: Collection[bytes]) -> Iterator[Span]:
    """Find `NAME=value`, `"name": "value"`, `name: value`, `<name>value`, `Name: scheme value`."""
    for literal in present:
        done = 0
        for at in page.places(literal) if literal in _BY_LITERAL else ():
            if at >= done and (found := _assignment(page, literal, at)):
                yield found
                done = found.end


def _assignment(page: Page, literal: bytes, at: int) -> Span | None:
    before = page.lower[max(0, at - _REACH) : at]
    for row in _BY_LITERAL[literal]:
        match = row.pattern.match(page.lower, at + len(literal))
        if match and row.before.search(before):
            place = value_at(page.flat, match.end(), row.need)
            return secret(place, row.kind) if place else None
    return None


def value_at(flat: bytes, at: int, need: Need) -> tuple[int, int] | None:
    """Give where the value behind a sign stands, if it is a secret."""
    opening = _OPENING.match(flat, at)
    start = opening.end() if opening else at
    quote = opening[1] if opening else None
    match = (_QUOTED[quote] if quote else _BARE).match(flat, start)
    if match is None:
        return None
    end = match.end()
    if not quote and (following := _NEXT.search(flat, start, end)):
        end = start + len(flat[start : following.start()].rstrip(_CLOSING))
    place = whole(flat, start, end, need, quoted=bool(quote))
    if place and end == start + 512 and (rest := _REST.match(flat, end)):
        return start, max(place[1], rest.end())
    return place
