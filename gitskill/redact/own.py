"""The secrets of the process itself, as its environment holds them: whatever their shape, they may not be kept."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from gitskill.redact.page import EDGE, Joined, Page
from gitskill.redact.span import Span, secret

_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASS|PASSWD|PASSWORD|PASSPHRASE|PASSCODE|PWD|CREDENTIAL|AUTH|AUTHORIZATION|COOKIE|JWT|PAT|SALT)S?"
    r"(?:_(?:BASE|\d+|V\d+|PROD|DEV|VALUE))?$"
    r"|SECRET_|PASSWORD_|_TOKEN_|API_?KEY|ACCESS_?KEY"
)
_PUBLIC = re.compile(
    r"PUBLIC|(?:^|_)(?:GPG|PGP|SIGNING|HOST)_KEY$|KEY_?ID$|(?:^|_)(?:OLD)?PWD$(?<!MYSQL_PWD)|_(?:URL|FILE|PATH|DIR|SOCK)$"
)
_PATH = re.compile(r"\.{0,2}/|~|[A-Za-z]:\\|[a-z][a-z0-9+.-]{1,20}://")
_WORD = r"(?:[A-Z]?[a-z]+|[A-Z]+)"
_WORDS = re.compile(rf"{_WORD}(?:[-_., ]{_WORD}){{0,2}}|[\d.,:-]+")
_MADE = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*\d)[A-Za-z0-9+/]{40}")
MIN_LENGTH = 8
LONG_WORD = 12
"""From here on a value that looks like words or a number is no setting such as `required` or `8080`."""


def secret_values(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Choose the variables whose name says secret and whose value is one: no path, no common word, not short."""
    return {name: value for name, value in environment.items() if _is_secret_name(name) and _is_secret_value(value)}


def needles(values: Iterable[str]) -> tuple[bytes, ...]:
    """Give every spelling in which the values are searched, the longest first: plain, in an address, in base64."""
    found = {spelling for value in values for spelling in _spellings(value)}
    return tuple(sorted(found, key=lambda needle: (-len(needle), needle)))


def own_secrets(page: Page, searched: Iterable[bytes]) -> Iterator[Span]:
    """Find every needle, also where a line break stands inside it."""
    joined = page.joined
    for needle in searched:
        at = joined.data.find(needle)
        while at >= 0:
            yield secret(joined.span(at, at + len(needle)), "own")
            at = joined.data.find(needle, at + len(needle))


def _is_secret_name(name: str) -> bool:
    upper = name.upper()
    return _NAME.search(upper) is not None and _PUBLIC.search(upper) is None


def _is_secret_value(value: str) -> bool:
    value = value.strip()
    if len(value) < (LONG_WORD if _WORDS.fullmatch(value) else MIN_LENGTH):
        return False
    return not _PATH.match(value) or _MADE.fullmatch(value) is not None


def _spellings(value: str) -> Iterator[bytes]:
    # A text is searched as Latin-1, and without the edges of its lines: so are the needles.
    for spelling in (value, quote(value, safe=""), quote(value, safe="/")):
        needle = Joined(Page(spelling).flat).data.strip(EDGE)
        if len(needle) >= MIN_LENGTH and b"?" * 4 not in needle:
            yield needle
    data = value.strip().encode("utf-8", "replace")
    if len(data) >= 12:
        for shift in range(3):  # base64 of something longer that holds the value: three ways to fall into groups
            code = base64.b64encode(b"\0" * shift + data)
            yield code[(0, 2, 3)[shift] : len(code) - (0, 3, 2)[(len(data) + shift) % 3]]
