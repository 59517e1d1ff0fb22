"""Private keys written as blocks of text: whole ones, those without an end, and what is left of one before its end."""

import re
from collections.abc import Iterator

from gitskill.redact.page import Page
from gitskill.redact.span import Span, secret

_BEGIN = re.compile(rb"-{5}BEGIN[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{5}")
_END = re.compile(rb"-{5}END[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{5}")
_BODY = re.compile(rb"(?:[A-Za-z0-9+/=: ,._()]|-(?!-{4})){0,40000}")
_LINES = re.compile(
    rb"(?:Proc-Type: ?4,ENCRYPTED)?(?:DEK-Info: ?[\w-]{1,40},)?"
    rb"(?:(?:Version|Comment): [\w .()-]{1,80}?(?=[A-Za-z0-9+/]{40}))?"
    rb"(?: {0,8}[A-Za-z0-9+/=]{16,}+){0,4000}+"
)
_REVERSED = re.compile(rb"(?: {0,8}[A-Za-z0-9+/=]{16,}+){0,4000}+")
_MATTER = re.compile(rb"[A-Za-z0-9+/=]{16}")
_FRONT = 20_000
"""How much of a key may stand before an end whose beginning was cut off."""


def private_keys(page: Page) -> Iterator[Span]:
    """Find every private key of which at least a line is there."""
    joined = page.joined
    data = joined.data
    done = 0
    for begin in _BEGIN.finditer(data):
        if begin.start() < done:
            continue
        body = _BODY.match(data, begin.end())
        end = _END.match(data, body.end()) if body else None
        lines = _LINES.match(data, begin.end())
        stop = end.end() if end else lines.end() if lines else begin.end()
        if _MATTER.search(data, begin.end(), stop):
            yield secret(joined.span(begin.start(), stop), "private-key")
            done = stop
    for end in _END.finditer(data, done):
        front = _REVERSED.match(data[max(done, end.start() - _FRONT) : end.start()][::-1])
        if front and front[0]:
            yield secret(joined.span(end.start() - front.end(), end.end()), "private-key")
        done = end.end()
