"""What a call's arguments hold, however deep."""

from collections.abc import Iterator, Mapping

from gitskill.trace import Json


def numbers(value: Json) -> Iterator[float]:
    """Give every number in a JSON value."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)


def strings(value: Json) -> list[str]:
    """Give every string in a JSON value, without the keys."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in strings(item)]
    return [text for item in value for text in strings(item)] if isinstance(value, list) else []
