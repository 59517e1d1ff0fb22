"""Documents that are wrong in one place each: what hostile or drifted logs look like."""

import copy
from collections.abc import Iterator
from typing import Any

_WRONG: tuple[Any, ...] = (None, [], {}, "x", 7, True, [None], {"a": None}, -1.5)


def mutations(document: Any, *, most: int = 4000) -> Iterator[Any]:
    """Give copies of a JSON value with one value in it replaced, or one key taken out; at most `most`."""
    made = 0
    for path in list(_paths(document)):
        for wrong in (*_WRONG, _GONE):
            if made >= most:
                return
            made += 1
            yield _with(document, path, wrong)


_GONE = object()


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    keys: Any = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (key,)
        yield from ((key, *rest) for rest in _paths(value[key]))


def _with(document: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    changed = copy.deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    if wrong is _GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = copy.deepcopy(wrong)
    return changed
