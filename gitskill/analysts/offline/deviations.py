"""Where a task has runs of both outcomes: what a failed run changed that no successful one did, and the other way.

Only calls that change something are compared, and only within a task: pooled
over tasks, easy tasks look like good behaviour.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gitskill.analysts.offline.acts import Act, Kind, Run
from gitskill.analysts.offline.changes import called, changers, entity, hands_over, words_of
from gitskill.analysts.offline.errors import failure
from gitskill.outcome import Status
from gitskill.trace import Json, Origin

_FREE_TEXT = 60
"""A longer text is put differently each time: that it differs says nothing."""
_RARE = 5
"""Sentences about a thing, up to which each is likely to be about what is done with it."""
_SENTENCE = re.compile(r"[^.!?\n]{20,300}[.!?]?")
_RULES = re.compile(r"\b(?:only|cannot|can not|must|should|if|unless|never|before|within)\b", re.IGNORECASE)
_EMPTY = frozenset(
    [
        "the",
        "a",
        "an",
        "and",
        "or",
        "of",
        "to",
        "in",
        "on",
        "for",
        "with",
        "is",
        "are",
        "be",
        "can",
        "not",
        "only",
        "must",
        "should",
        "if",
        "that",
        "this",
        "it",
        "as",
        "by",
        "from",
        "your",
        "you",
    ]
)

Key = tuple[str, str]


class How(StrEnum):
    """In what a failed run differs from every successful one."""

    EXTRA = "extra"
    MISSING = "missing"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One call that sets a failed run apart from every successful run of its task."""

    run: Run
    how: How
    call: str
    argument: str
    """What tells the thing it is about, by its name; or what was given otherwise."""
    act: Act | None
    """The call in this run; None where it is missing."""
    than: str = "other values"
    """What was given otherwise, against every successful run."""


def deviations(runs: Sequence[Run]) -> list[Deviation]:
    """Compare each failed run with the successful runs of its task."""
    changing = changers(runs)
    tasks: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        tasks[run.task].append(run)
    found = []
    for group in tasks.values():
        good = [run for run in group if run.studied.outcome.status is Status.SUCCESS]
        bad = [run for run in group if run.studied.outcome.status is Status.FAILURE]
        if good and bad:
            done = [_changes(run, changing) for run in good]
            found += [item for run in bad for item in _of(run, _changes(run, changing), done)]
    return _uncontradicted(found)


def _uncontradicted(found: list[Deviation]) -> list[Deviation]:
    """Drop "hand it over" where more tasks say "do not hand it over", and the other way round."""
    tasks: dict[tuple[str, How], set[str]] = defaultdict(set)
    for each in found:
        tasks[each.call, each.how].add(each.run.task)
    against = {How.EXTRA: How.MISSING, How.MISSING: How.EXTRA, How.ALTERED: How.ALTERED}
    return [
        each
        for each in found
        if not hands_over(each.call)
        or len(tasks[each.call, each.how]) >= len(tasks.get((each.call, against[each.how]), ()))
    ]


def _changes(run: Run, changing: frozenset[str]) -> dict[Key, list[Act]]:
    found: dict[Key, list[Act]] = defaultdict(list)
    for act in run.acts:
        if act.kind is Kind.CALL and called(act) in changing and failure(act) is None:
            found[called(act), entity(act)[1]].append(act)
    return found


def _of(run: Run, mine: Mapping[Key, list[Act]], others: Sequence[Mapping[Key, list[Act]]]) -> Iterator[Deviation]:
    every = set(others[0]).intersection(*others)
    some = set().union(*others)
    for key in sorted(every - mine.keys()):
        yield Deviation(run, How.MISSING, key[0], _argument(others[0][key][0]), None)
    for key in sorted(mine.keys() - some):
        yield Deviation(run, How.EXTRA, key[0], _argument(mine[key][0]), mine[key][0])
    for key in sorted(mine.keys() & some):
        theirs = [act for each in others for act in each.get(key, ())]
        for act in mine[key]:
            if names := _altered(act, theirs):
                yield Deviation(run, How.ALTERED, key[0], " and ".join(names[:2]), act, _than(act, theirs, names[0]))
                break


def _argument(act: Act) -> str:
    return entity(act)[0]


def _than(act: Act, theirs: Iterable[Act], name: str) -> str:
    """Say in which direction a value differs, where it is the same against all."""
    mine, other = act.arguments[name], [each.arguments[name] for each in theirs]
    if all(isinstance(each, list) for each in (mine, *other)):
        signs, more, fewer = {_sign(len(mine), len(each)) for each in other}, "more items", "fewer items"
    elif all(isinstance(each, int | float) for each in (mine, *other)):
        signs, more, fewer = {_sign(mine, each) for each in other}, "a higher number", "a lower number"
    else:
        return "other values"
    return {1: more, -1: fewer}.get(signs.pop(), "other values") if len(signs) == 1 else "other values"


def _sign(one: float, other: float) -> int:
    return (one > other) - (one < other)


def _altered(act: Act, theirs: Iterable[Act]) -> list[str]:
    """Name the arguments that no successful call gave like this; none where one gave them all alike."""
    differing: set[str] | None = None
    for other in theirs:
        names = set(_differing(act.arguments, other.arguments))
        if not names:
            return []
        differing = names if differing is None else differing & names
    return sorted(differing or ())


def _differing(one: Json, other: Json) -> Iterator[str]:
    """Name the arguments that both calls give, and give differently."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in one.keys() & other.keys():
            if not _is_same(one[key], other[key]) and not (isinstance(one[key], str) and len(one[key]) > _FREE_TEXT):
                yield str(key)


def _is_same(one: Json, other: Json) -> bool:
    """Compare two values; of records only what both have, as one may tell more of the same thing."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(_is_same(one[key], other[key]) for key in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return False
        pairs = zip(sorted(one, key=_spelled), sorted(other, key=_spelled), strict=True)
        return all(_is_same(a, b) for a, b in pairs) or all(_is_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return float(one) == float(other)
    return bool(one == other)


def _spelled(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def rule_about(run: Run, call: str) -> str:
    """Find what the instructions say of a call: a sentence about it that sets a condition; empty if none."""
    words = [_stem(word) for word in words_of(call.rsplit(" ", maxsplit=1)[-1]) if word not in _EMPTY]
    steps = run.studied.trace.steps[:3]
    texts = [step.text for step in steps if step.origin in {Origin.SYSTEM, Origin.USER}]
    sentences = [match[0].strip(" -*#\t") for text in texts for match in _SENTENCE.finditer(text)]
    said = [{_stem(word) for word in re.findall(r"[a-z]+", each.lower())} for each in sentences]
    things = set(words[1:])
    rare = bool(things) and sum(things <= each for each in said) <= _RARE
    best, most = "", 2.0
    for sentence, held in zip(sentences, said, strict=True):
        about = words[:1] and words[0] in held and (things & held or hands_over(call))
        rules = len(_RULES.findall(sentence))
        score = 1 + len(held & set(words)) + min(3, rules) / 2 - len(sentence) / 1000
        if rules and (about or (rare and things <= held)) and score > most:
            best, most = sentence, score
    return best


def sets_a_condition(sentence: str) -> bool:
    """Tell whether an instruction says when something is due or allowed, and not how it is to be done."""
    return bool(re.search(r"\b(?:if|only|unless|within)\b", sentence, re.IGNORECASE))


def request_about(run: Run, call: str) -> tuple[int, str]:
    """Find where the user speaks of what a call is for, or else speaks first: the step and the sentence."""
    words = [_stem(word) for word in words_of(call) if word not in _EMPTY]
    best, most = (0, ""), 0.0
    for number, step in enumerate(run.studied.trace.steps, start=1):
        if step.origin is not Origin.USER:
            continue
        for match in _SENTENCE.finditer(step.text):
            said = {_stem(word) for word in re.findall(r"[a-z]+", match[0].lower())}
            score = 0.1 + 2 * (words[:1] != [] and words[0] in said) + len(said & set(words[1:])) / 2
            if score > most and (score > 2 or not most):
                best, most = (number, match[0].strip()), score
    return best


def _stem(word: str) -> str:
    """Bring the forms of a verb together; a noun made of it, `booking`, stays apart."""
    return re.sub(r"([^aeiou])\1$", r"\1", re.sub(r"(?:ed|es|s|e)$", "", word))
