"""Whether words still ask for what they asked for: a small model once turned `Never save` into `Always save`."""

import re
from collections.abc import Iterable

_MARKS = {
    "never": re.compile(r"\b(?:never|not ever|under no circumstances)\b", re.IGNORECASE),
    "always": re.compile(r"\b(?:always|every time|in all cases)\b", re.IGNORECASE),
    "not": re.compile(
        r"\b(?:do not|don't|does not|must not|mustn't|should not|shouldn't|avoid|without|cannot|can't)\b", re.IGNORECASE
    ),
}


_BACK = ("never", "not")


def opposed(one: str, other: str) -> bool:
    """Tell whether only one of two texts forbids something: near enough, they may contradict each other."""
    return _forbids(one) != _forbids(other)


def _forbids(text: str) -> bool:
    return any(_MARKS[mark].search(text) for mark in _BACK)


def turned(sources: Iterable[str], text: str) -> str:
    """Name a mark of polarity that `text` has gained, or lost, against all its sources; empty if it kept theirs."""
    sources = list(sources)
    for mark, pattern in _MARKS.items():
        here = bool(pattern.search(text))
        there = [bool(pattern.search(source)) for source in sources]
        if here and not any(there):
            return mark
        if not here and all(there) and mark != "always":
            return f"no {mark}"
    return ""
