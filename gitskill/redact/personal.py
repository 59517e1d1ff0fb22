"""Personal data: addresses of mail, homes, numbers of cards, accounts and people."""

import re
from collections.abc import Collection, Iterator

from gitskill.redact.page import Page
from gitskill.redact.span import Span

_NAME = rb"[\w\x80-\xff](?:[\w.\x80-\xff-]{0,62}[\w\x80-\xff])?"
_SPACED = rb"[^\\/:*?\"'<>|\s\0][^\\/:*?\"'<>|\r\n\t\0]{0,40}(?=[\\/])"
_UNIX = r"(?<![\w.~\0-])(?:/mnt/[a-z]|/[a-z])?\\?/"
_DRIVE = r"(?<![A-Za-z\0])[A-Za-z]:"


def _home(word: str, before: str, pattern: bytes) -> tuple[bytes, re.Pattern[bytes], re.Pattern[bytes]]:
    return word.encode(), re.compile(before.encode() + b"$"), re.compile(pattern)


# A word in lower case, what stands before it, and a pattern that begins with the word and ends with the name.
_HOMES = (
    _home("home", _UNIX, rb"home\\?/(" + _NAME + rb")"),
    _home("users", _UNIX, rb"Users\\?/(" + _NAME + rb")"),
    _home("home", "%2[Ff]", rb"home%2[Ff](" + _NAME + rb")"),
    _home("users", "%2[Ff]", rb"Users%2[Ff](" + _NAME + rb")"),
    _home("home", r"(?<![\w\0-])-", rb"home-([A-Za-z0-9]+)(?=-[A-Za-z0-9])"),
    _home("users", r"(?<![\w\0-])-", rb"Users-([A-Za-z0-9]+)"),
    _home("users", _DRIVE + "/", rb"(?i:users)/(" + _SPACED + rb"|" + _NAME + rb")"),
    _home("users", _DRIVE + r"\\", rb"(?i:users)\\(" + _SPACED + rb"|" + _NAME + rb")"),
    _home("users", _DRIVE + r"\\\\", rb"(?i:users)\\\\(" + _SPACED + rb"|" + _NAME + rb")"),
)
HOME_WORDS = (b"home", b"users")
_JOINTS = frozenset({b"/", b"\\", b"-", b"f", b"F"})
NOBODY = frozenset(
    b"admin administrator agent all app build builder ci circleci codespace coder default dev developer docker ec2-user"
    b" git gitpod guest jovyan linuxbrew me name node nonroot openhands pi public root runner sandbox shared ubuntu"
    b" user username vagrant vscode www www-data you your-name your_name yourname your_username your-username".split()
)
"""Users of containers, machines that build, and examples: nobody's name."""

_LABEL = rb"[A-Za-z0-9\x80-\xff][A-Za-z0-9\x80-\xff-]{0,62}"
_MAIL_DOMAIN = re.compile(rb"@((?:" + _LABEL + rb"\.){1,8}([A-Za-z]{2,12}))(?![\w@-])")
_MAIL_LOCAL = re.compile(rb"[\w.%+\x80-\xff-]{1,64}")
_TOP = frozenset(
    b"com org net edu gov mil int info biz name pro io app dev xyz online site tech cloud email mail club shop store"
    b" blog live world today company agency studio design digital network systems solutions services academy"
    b" example test".split()
)
_FILE_ENDINGS = frozenset(b"cc cs gz hs jl js kt md mk ml mo pl pm ps py rb rs sh so sv tf ts vb".split())
_ROBOTS = re.compile(rb"(?:git|hg|actions|do-?not-?reply|no-?reply.*)$")

_CARD = re.compile(rb"0000-0000-0000-0000|0000-000000-00000")
_IBAN = re.compile(rb"AA00(?:-?[A0]){11,30}")
_IBAN_SIZES = {
    row[:2]: int(row[2:])
    for row in (
        b"AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 CH21 CR22 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GE22"
        b" GI23 GR27 HR21 HU28 IE22 IL23 IS26 IT27 KW30 KZ20 LB28 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MT31 NL18"
        b" NO15 PL28 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24 SM27 TN24 TR26 UA29 VA22 XK20"
    ).split()
}
"""How long the numbers of a country are."""
_SSN = re.compile(rb"(?:ssn|social.security)[^0-9\n\0]{0,40}([0-9]{3}-[0-9]{2}-[0-9]{4})(?![\w-])")

_SHAPES = bytes.maketrans(b"123456789BCDEFGHIJKLMNOPQRSTUVWXYZ ", b"000000000AAAAAAAAAAAAAAAAAAAAAAAAA-")
"""Every digit is a 0, every capital an A, every space a dash: numbers of one shape become one literal."""


def homes(page: Page, present: Collection[bytes]) -> Iterator[Span]:
    """Find home folders of people: the path up to the name, and the name."""
    for word in present:
        if word not in HOME_WORDS:
            continue
        rows = [row for row in _HOMES if row[0] == word]
        for at in page.places(word):
            if page.flat[at - 1 : at] in _JOINTS:
                yield from (span for row in rows if (span := _home_at(page, row, at)))


def _home_at(page: Page, row: tuple[bytes, re.Pattern[bytes], re.Pattern[bytes]], at: int) -> Span | None:
    _, front, pattern = row
    # Where escapes are read as such, the name of a Windows user may become a line break.
    for data in (page.flat,) if page.raw is page.flat else (page.flat, page.raw):
        before = front.search(data[max(0, at - 9) : at])
        match = pattern.match(data, at)
        if before and match and match[1].lower() not in NOBODY:
            return Span(at - len(before[0]), match.end(), "HOME")
    return None


def emails(page: Page) -> Iterator[Span]:
    """Find addresses of mail, unless they belong to a robot."""
    for match in _MAIL_DOMAIN.finditer(page.flat):
        top = match[2].lower()
        known = top in _TOP or (len(top) == 2 and top not in _FILE_ENDINGS)
        before = _MAIL_LOCAL.match(page.flat[max(0, match.start() - 64) : match.start()][::-1])
        if not known or before is None:
            continue
        local = before[0][::-1].lstrip(b".%+-_")
        if local and not _ROBOTS.match(local.lower()):
            yield Span(match.start() - len(local), match.end(), "EMAIL")


def numbers(page: Page) -> Iterator[Span]:
    """Find numbers of cards and accounts whose check digits fit, and social security numbers that are called so."""
    flat = page.flat
    shapes = flat.translate(_SHAPES)
    if b"0000-00" in shapes:
        for match in _CARD.finditer(shapes):
            if _stands_alone(shapes, *match.span()) and _is_card(flat[match.start() : match.end()]):
                yield Span(*match.span(), "CARD")
    if b"AA00" in shapes:
        for match in _IBAN.finditer(shapes):
            end = _iban_end(flat[match.start() : match.end()])
            if end and _stands_alone(shapes, match.start(), match.start() + end):
                yield Span(match.start(), match.start() + end, "IBAN")
    if b"000-00-0000" in shapes:
        yield from (Span(*match.span(1), "SSN") for match in _SSN.finditer(page.lower))


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    before = data[start - 1 : start] if start else b""
    return not before.isalnum() and not data[end : end + 1].isalnum()


def _is_card(number: bytes) -> bool:
    return number[0] in b"23456" and _luhn(number)


def _luhn(number: bytes) -> bool:
    digits = [byte - 48 for byte in number if 48 <= byte <= 57]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban_end(found: bytes) -> int:
    """Give where the account number ends, or 0 if it is none: its country says how long it is."""
    size = _IBAN_SIZES.get(found[:2], 0)
    places = [at for at, byte in enumerate(found) if byte not in b" -"][:size]
    number = bytes(found[at] for at in places).decode()
    if not size or len(number) < size:
        return 0
    remainder = int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97
    return places[-1] + 1 if remainder == 1 else 0
