"""A commit message as a value: subject, body and the trailers of its last paragraph."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from gitskill.errors import InvalidInput

_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.+)")
_BREAK = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_FOLDED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Line ends and all other control characters."""
_UNSAFE = re.compile(r"[\x00-\x08\v\f\x0e-\x1f\x7f-\x9f]|\r(?!\n)")
"""Control characters other than tabs and line ends: git refuses a NUL, and a terminal obeys the others."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a commit says. Text from traces belongs into the body, never into a trailer's key.

    As text it holds no control characters but tabs and line ends, whatever it was made of.
    """

    subject: str
    body: str = ""
    trailers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        block = "\n".join(f"{key}: {_safe_line(value)}" for key, value in self.trailers)
        return "\n\n".join(part for part in (_safe_line(self.subject), _safe(self.body), block) if part) + "\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a message as git stores it. A last paragraph that is not all trailers is body."""
        subject, _, rest = text.strip("\n").partition("\n")
        paragraphs = rest.strip("\n").split("\n\n") if rest.strip("\n") else []
        trailers = _trailers(paragraphs[-1]) if paragraphs else ()
        body = "\n\n".join(paragraphs[:-1] if trailers else paragraphs).strip("\n")
        return cls(subject, body, trailers)

    def values(self, key: str) -> Iterator[str]:
        """Give the values of every trailer `key`, in order."""
        return (value for name, value in self.trailers if name == key)

    def one(self, key: str) -> str | None:
        """Give the value of the first trailer `key`, or None."""
        return next(self.values(key), None)


def _trailers(paragraph: str) -> tuple[tuple[str, str], ...]:
    found = [_TRAILER.fullmatch(line.rstrip()) for line in paragraph.strip("\n").split("\n")]
    return tuple((match[1], match[2]) for match in found if match) if all(found) else ()


def one_line(text: str) -> str:
    """Fold `text` to one line without surrounding space: what a subject or a trailer's value may hold."""
    return _BREAK.sub(" ", text).strip()


def _safe_line(text: str) -> str:
    # Only what is written is made safe: whoever reads a message that a person amended must see what it hides.
    return _FOLDED.sub(" ", text).strip()


def _safe(text: str) -> str:
    return _UNSAFE.sub("\ufffd", text)


def tidy(text: str) -> str:
    """Bring prose into the form in which git keeps it, so that it is read back as it was written."""
    if "\0" in text:
        raise InvalidInput("a message holds a NUL character")
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
