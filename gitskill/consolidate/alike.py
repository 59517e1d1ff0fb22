"""Which parts of a live set say nearly the same: proposed by the letters they share, decided by somebody else.

On 36 paraphrased lessons the nearest neighbour by these weights was the right
one in a third of the cases, so nothing is ever merged by them alone.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from gitskill.consolidate.polarity import opposed
from gitskill.ids import LessonId
from gitskill.node import Live
from gitskill.skill.hunks import Changes, Hunk

NEAR = 0.6
"""The cosine from which two parts are shown to somebody as alike."""
CONTRARY = 0.2
"""The cosine from which two parts are shown as contrary, where only one of them forbids something.

Of five made-up contradictions the lowest had 0.24, of unrelated rules with a
`never` or `do not` in one of them none more than 0.01.
"""
_GRAMS = (3, 4, 5)
_FEW = 64
_HEAVY = 60
_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two parts, in the order of their ids, that somebody should see side by side."""

    first: LessonId
    second: LessonId
    is_contrary: bool
    """They may contradict each other; else they may say the same."""


def pairs(live: Sequence[Live]) -> list[Pair]:
    """Give every two parts that may say the same, or the opposite."""
    texts = {item.key: text_of(item.changes) for item in live}
    vectors = _weighed({key: _grams(text) for key, text in texts.items()})
    found = []
    for one, other in _candidates(vectors):
        cosine = _cosine(vectors[one], vectors[other])
        if cosine >= NEAR or (cosine >= CONTRARY and opposed(texts[one], texts[other])):
            found.append(Pair(one, other, cosine < NEAR))
    return sorted(found)


def _candidates(vectors: Mapping[LessonId, Mapping[str, float]]) -> Iterable[tuple[LessonId, LessonId]]:
    """Give the pairs that are worth a comparison: all of a few; of many, those that share a heavy piece."""
    if len(vectors) <= _FEW:
        return combinations(sorted(vectors), 2)
    sharing: defaultdict[str, list[LessonId]] = defaultdict(list)
    for key, vector in vectors.items():
        for gram in sorted(vector, key=lambda gram: (-vector[gram], gram))[:_HEAVY]:
            sharing[gram].append(key)
    return {pair for keys in sharing.values() for pair in combinations(sorted(keys), 2)}


def text_of(changes: Changes) -> str:
    """Give the words that a part puts into the skill."""
    return "\n".join(line for change in changes if isinstance(change, Hunk) for line in change.lines)


def _grams(text: str) -> Counter[str]:
    plain = _BLANK.sub(" ", text.lower()).strip()
    return Counter(plain[at : at + size] for size in _GRAMS for at in range(len(plain) - size + 1))


def _weighed(counts: Mapping[LessonId, Counter[str]]) -> dict[LessonId, dict[str, float]]:
    """Weigh each piece by how few texts hold it, and bring every text to length one."""
    held = Counter(gram for counter in counts.values() for gram in counter)
    found = {}
    for key, counter in counts.items():
        weights = {
            gram: (1 + math.log(count)) * (1 + math.log(len(counts) / held[gram])) for gram, count in counter.items()
        }
        found[key] = _unit(weights)
    return found


def _unit(weights: Mapping[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {gram: weight / length for gram, weight in weights.items()}


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    few, many = sorted((one, other), key=len)
    return sum(weight * many[gram] for gram, weight in few.items() if gram in many)


def connected(pairs: Iterable[tuple[LessonId, LessonId]]) -> list[tuple[LessonId, ...]]:
    """Give the sets that pairs hang together in, each in the order of its ids."""
    home: dict[LessonId, set[LessonId]] = {}
    for one, other in pairs:
        joined = home.get(one, {one}) | home.get(other, {other})
        home |= dict.fromkeys(joined, joined)
    return sorted({tuple(sorted(each)) for each in home.values()})
