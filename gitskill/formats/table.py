"""Every format that we read. A new one is a module, a line here and a fixture in the tests."""

from gitskill.errors import InvalidInput
from gitskill.formats import tau_bench
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Format
from gitskill.formats.source import Source

FORMATS: tuple[Format, ...] = (tau_bench,)
"""In the order in which they are asked: one that is easily mistaken for another stands after it."""


def by_name(name: str) -> Format:
    """Give the format that people call `name`, or raise InvalidInput."""
    for candidate in FORMATS:
        if candidate.NAME == name:
            return candidate
    raise InvalidInput(f"no format is named {name!r}", hint=f"one of {', '.join(each.NAME for each in FORMATS)}")


def recognised(source: Source) -> list[Format]:
    """Give the formats that say a file is theirs, the likeliest first."""
    return [candidate for candidate in FORMATS if _is_of(candidate, source)]


def _is_of(candidate: Format, source: Source) -> bool:
    try:
        return candidate.recognise(source)
    except Damaged:
        return False


def is_label_file(source: Source) -> bool:
    """Tell whether a file only says how runs ended: it is read with them, and is none itself."""
    return False
