"""Secrets that stand in a fixed phrase: headers, options of commands, sentences, addresses."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby

from gitskill.redact.literal import Need, is_open, is_random, whole
from gitskill.redact.page import Page
from gitskill.redact.span import Span, secret


@dataclass(frozen=True, slots=True)
class Phrase:
    """A literal in lower case, and a pattern for what follows it: its first group is a secret, if it looks like one."""

    name: str
    literal: bytes
    pattern: re.Pattern[bytes]
    need: Need
    before: re.Pattern[bytes]
    """What stands before the literal, up to 160 bytes of it."""


def _phrase(name: str, literal: str, pattern: str, need: Need, before: str = "") -> Phrase:
    return Phrase(name, literal.encode(), re.compile(pattern.encode()), need, re.compile(f"(?:{before})$".encode()))


_OPTION = r" --(?:[a-z]{1,12}-){0,3}"
_GAP = r"[ \t]{1,4}[\"']?"
_ARGUMENT = r"([^\s\0\"'-][^\s\0\"']{2,2000})"
_SAID = r"[\"'`*]{0,2}([^\s\0\"'`]{6,2000})"
_LOGIN = r"(?:login|mysql|mysqldump|mysqladmin|mariadb)\b[^\n\0]{0,120}|sshpass"
_NETRC = r"\blogin\s{1,40}[^\s\0]{1,80}\s{1,20}"

PHRASES = (  # rows of one literal stand together
    _phrase("token", "bearer", r"[ \t]{1,4}([\w.~+/=-]{3,4000})", Need.SECRET),
    _phrase("basic-auth", "authorization", r"[\"' ]{0,6}[:=,][\"' ]{0,6}basic ([\w+/-]{3,2000}={0,2})", Need.ANY),
    _phrase("password", " -p", r"[ =]?[\"']?" + _ARGUMENT, Need.PASSWORD, _LOGIN),
    _phrase("password", "-u", r"(?:ser)? [\"']?[\w.@+-]{1,64}:" + _ARGUMENT, Need.PASSWORD, " -?"),
    _phrase("password", "pass", r"(?:w(?:or)?d|wd|phrase)?" + _GAP + _ARGUMENT, Need.PASSWORD, _OPTION),
    _phrase("password", "pass", r"word\s{1,40}" + _ARGUMENT, Need.PASSWORD, _NETRC),
    _phrase("password", "pass", r"word (?:for [\w@. '-]{1,40}? )?is(?: now|:)? ?" + _SAID, Need.PASSWORD),
    _phrase("password", "pass", r"word (?:set |changed |reset )?to:? ?" + _SAID, Need.PASSWORD),
    _phrase("password", "pass", r"(?:phrase|code) is(?: now|:)? ?" + _SAID, Need.PASSWORD),
    _phrase("key", "key", _GAP + _ARGUMENT, Need.SECRET, _OPTION),
    _phrase("key", "key", r" is (?:now )?(?:: ?)?" + _SAID, Need.SECRET),
    _phrase("token", "token", _GAP + _ARGUMENT, Need.SECRET, _OPTION),
    _phrase("token", "token", r" is (?:now )?(?:: ?)?" + _SAID, Need.SECRET),
    _phrase("secret", "secret", _GAP + _ARGUMENT, Need.SECRET, _OPTION),
    _phrase("secret", "secret", r" is (?:now )?(?:: ?)?" + _SAID, Need.SECRET),
)
PHRASE_WORDS = tuple(dict.fromkeys(phrase.literal for phrase in PHRASES))
_BY_LITERAL = {literal: tuple(rows) for literal, rows in groupby(PHRASES, lambda phrase: phrase.literal)}
_REACH = 160

_COOKIE = re.compile(rb"2?[\"' ]{0,6}[:=,][\"' ]{0,6}([\w.-]{1,64}=[^\n\0\"']{3,4000})")
_PAIR = re.compile(rb"[\w.-]{1,64}=([^\s;,\"']{3,4000})")
_URL = re.compile(rb"://([^\s\0:@/\"'`<>]{0,64}):([^\s\0/\"'`<>]{1,256})@")
_TAUGHT = re.compile(rb"(?i:pass(?:word|wd)?|pwd|pw|secret|token|x+)|[A-Z_]+|[*.]+")
"""What documentation writes for a password."""


def phrases(page: Page, present: Collection[bytes]) -> Iterator[Span]:
    """Find the secrets of every phrase of the table whose literal is present."""
    for literal in present:
        for at in page.places(literal) if literal in _BY_LITERAL else ():
            for row in _BY_LITERAL[literal]:
                if match := row.pattern.match(page.lower, at + len(literal)):
                    yield from _said(row, page, match, at)


def _said(row: Phrase, page: Page, match: re.Match[bytes], at: int) -> Iterator[Span]:
    start = match.start(1)
    end = start + len(page.flat[start : match.end(1)].rstrip(b".,:;)]}"))
    place = whole(page.flat, start, end, row.need, quoted=False)
    if place and row.before.search(page.lower[max(0, at - _REACH) : at]):
        yield secret(place, row.name)


def cookies(page: Page) -> Iterator[Span]:
    """Find the values in headers that set or send cookies."""
    done = 0
    for at in page.places(b"cookie"):
        header = _COOKIE.match(page.flat, at + 6) if at >= done else None
        done = header.end() if header else done
        for pair in _PAIR.finditer(page.flat, *header.span(1)) if header else ():
            if place := whole(page.flat, *pair.span(1), Need.SECRET, quoted=True):
                yield secret(place, "cookie")


def addresses(page: Page) -> Iterator[Span]:
    """Find the passwords in addresses such as `scheme://user:password@host`, also where a line break stands in them."""
    joined = page.joined
    for match in _URL.finditer(joined.data):
        user, value = match.groups()
        breaks = joined.breaks(match.start(), match.end())
        if breaks and not (is_random(value) and all(map(joined.is_soft, breaks))):
            continue
        if value != user and is_open(value) and not _TAUGHT.fullmatch(value):
            yield secret(joined.span(*match.span(2)), "url-password")
