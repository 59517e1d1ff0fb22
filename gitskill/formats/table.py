"""Every format that we read. A new one is a module, a line here and a fixture in the tests."""

from gitskill.formats import tau_bench
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Format
from gitskill.formats.source import Source

FORMATS: tuple[Format, ...] = (tau_bench,)
"""In the order in which they are asked: one that is easily mistaken for another stands after it."""


def recognised(source: Source) -> list[Format]:
    """Give the formats that say a file is theirs, the likeliest first."""
    return [candidate for candidate in FORMATS if _is_of(candidate, source)]


def _is_of(candidate: Format, source: Source) -> bool:
    try:
        return candidate.recognise(source)
    except Damaged:
        return False
