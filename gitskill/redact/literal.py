"""Whether a value beside a name that says secret is a secret, or code, a word, or a place left for one."""

import re
from enum import IntEnum

_PLACEHOLDER = re.compile(
    rb"^\$|\$[{(]|%[({sd]|\{\{|\{[a-z_.]*\}|^<|<[a-z_ -]{2,}>|\.\.\.|\*\*\*|xxxx|\0"
    rb"|your|example|placeholder|change.?me|redacted|dummy|insert|replace|todo|fixme|^(?:my|some)[-_]"
    rb"|\benv\b|environ|getenv|secrets\.|\bself\.|^(?:null|none|nil|undefined|true|false)\b"
)
_CODE = re.compile(rb"[()\[\]{}]|=>|::|->|\\[dws]")
_PLACE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{1,20}://|\.{0,2}/[A-Za-z0-9._-]{0,40}(?:/|$)|~|[A-Za-z]:\\|@|\.[a-z]|--")
_PART = rb"(?:[A-Z]?[a-z]{0,20}(?:[A-Z][a-z]{1,20}){0,6}|[A-Z]{0,20}|[0-9]{0,20})[0-9]{0,4}"
_PLAIN = re.compile(_PART + rb"(?:[-_./:,+@ =]" + _PART + rb"){0,12}")
_DOTTED = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){1,8}")
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX = re.compile(rb"[0-9a-fA-F]{32,128}")
_TOKEN = re.compile(rb"(?=.*[0-9])[\w.~+/=%:@!#$&,;-]+")
_NUMBERED = re.compile(rb"([A-Za-z]{3,})(?=[!@#$%^&*?]{0,8}[0-9])[0-9!@#$%^&*?]{1,8}")
_CRIED = re.compile(rb"[A-Za-z]+[!?.*]*")
_ORDINARY = re.compile(
    rb"pass|pwd|token|secret|key|user|test|value|param|arg|name|field|col|str|text|foo|bar|auth|type|id$|len|size|int"
    rb"|sha|md|utf|base|line|item|node|index|page|step|data|var|res|val|group|hash|python|py$|v$|http|oauth|version"
)


class Need(IntEnum):
    """How much a value must look like a secret, given what its name says."""

    ANY = 0
    """What surrounds it leaves no doubt: anything but a placeholder."""
    PASSWORD = 1
    """People choose it: six characters, no plain word."""
    SECRET = 2
    """A machine made it, and the name leaves no doubt: eight characters, letters and digits."""
    RANDOM = 3
    """The name may mean something else: sixteen characters that nobody would write by hand."""


_JUDGED = 256


def is_secret(value: bytes, need: Need, *, quoted: bool) -> bool:
    """Tell whether `value` is a secret that somebody wrote out, as far as its shape and its first bytes can tell."""
    value = value[:_JUDGED]
    if len(value) < (8, 6, 8, 16)[need]:
        return False
    if need is not Need.ANY:
        if _PLACE.match(value) or (not quoted and (_CODE.search(value) or _DOTTED.fullmatch(value))):
            return False
        if not (_is_password(value) if need is Need.PASSWORD else _is_token(value, need)):
            return False
    return is_open(value)


# A value may be wrapped: a line break, an indent, and more of it up to the end of a word.
_MORE = re.compile(rb"[ \t\r\"'`\\+]{0,8}\n[ \t\r\"'`]{0,80}([\w+/%.~-]{2,2000}={0,2})(?=[\s\"'`;,<&@\\)}]|$)")


def whole(flat: bytes, start: int, end: int, need: Need, *, quoted: bool) -> tuple[int, int] | None:
    """Give the place of the secret that begins at `start`, or nothing where there is none.

    It may go on after `end`, on the next lines. What stands on the first line
    may be too short to tell: then it must go on.
    """
    if flat[end - 1 : end + 2].startswith((b"\\\n", b"\\\r\n")):  # the shell's sign for a line that goes on
        end -= 1
    value = flat[start:end]
    if not is_secret(value, need, quoted=quoted):
        more = _MORE.match(flat, end)
        if len(value) < 3 or not more or not is_random(more[1]) or not is_secret(value + more[1], need, quoted=quoted):
            return None
        end = more.end(1)
    while (more := _MORE.match(flat, end)) and is_random(more[1]):
        end = more.end(1)
    return start, end


def is_open(value: bytes) -> bool:
    """Tell whether the value itself stands there, and no variable, marker or words that ask for it."""
    return not _PLACEHOLDER.search(value.lower())


def is_random(value: bytes) -> bool:
    """Tell whether a run of characters looks like a part of a token: letters and digits, and no plain words."""
    return len(value) >= 8 and _kinds(value) >= 2 and not _PLAIN.fullmatch(value)


def _is_password(value: bytes) -> bool:
    if numbered := _NUMBERED.fullmatch(value):
        return not _ORDINARY.search(numbered[1].lower())
    if value.isdigit() or _CRIED.fullmatch(value):
        return False
    if _PLAIN.fullmatch(value):  # Blue-Monday1, but not us-east-1
        return _kinds(value) >= 3 and len(value) >= 8 and not _ORDINARY.search(value.lower())
    return _kinds(value) >= 2


def _is_token(value: bytes, need: Need) -> bool:
    if _UUID.fullmatch(value.lower()) or _HEX.fullmatch(value):
        return need is Need.SECRET
    if not _TOKEN.fullmatch(value) or _PLAIN.fullmatch(value):
        return False
    return need is Need.SECRET or _kinds(value) >= 3


def _kinds(value: bytes) -> int:
    """Count the kinds of characters: small letters, capitals, digits, signs other than those inside names."""
    signs = any(byte in b"!#$%^&*?+~=/@" for byte in value)
    return (value.upper() != value) + (value.lower() != value) + any(48 <= byte <= 57 for byte in value) + signs
