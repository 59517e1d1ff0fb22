"""Documents that are wrong in one place each: what hostile or drifted logs look like."""

import copy
from collections.abc import Iterator
from itertools import count
from math import gcd
from typing import Any

from hypothesis import settings

EXPLORING = 1000
"""How many examples a property gets where new ones are looked for."""

_WRONG: tuple[Any, ...] = (None, [], {}, "x", 7, True, [None], {"a": None}, -1.5)


def mutations(document: Any, *, most: int = 150) -> Iterator[Any]:
    """Give copies of a JSON value with one value in it replaced, or one key taken out.

    Of all of them a sample, always the same; `make explore` tries every one.
    """
    every = [(path, wrong) for path in _paths(document) for wrong in (*_WRONG, _GONE)]
    if len(every) > most and settings().max_examples < EXPLORING:
        every = every[:: next(step for step in count(len(every) // most + 1) if gcd(step, len(_WRONG) + 1) == 1)]
    return (_with(document, path, wrong) for path, wrong in every)


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
