"""A place in a text that must not be kept."""

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """Where it starts and ends, and what its placeholder is called. The text itself is not kept here."""

    start: int
    end: int
    label: str


def secret(place: tuple[int, int], name: str) -> Span:
    """Name a place that holds a secret."""
    return Span(*place, f"SECRET:{name}")


def merged(spans: Iterable[Span]) -> list[Span]:
    """Put spans in order; those that overlap become one, named as the one that starts first.

    Of those that start together the first found gives the name.
    """
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if found and span.start < found[-1].end:
            found[-1] = found[-1]._replace(end=max(span.end, found[-1].end))
        else:
            found.append(span)
    return found


def apart(spans: Iterable[Span], taken: list[Span]) -> list[Span]:
    """Give the spans that touch none of `taken`."""
    return [span for span in spans if all(span.end <= other.start or span.start >= other.end for other in taken)]
