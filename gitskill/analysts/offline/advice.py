"""What can be said of two calls that differ, where the first was refused and the second was not.

It is inferred from values: where the new one came from, what kind it is of,
whether the refusal named what was changed. What cannot be told is not said.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitskill.analysts.offline.acts import Act, Kind
from gitskill.analysts.offline.changes import called, words_of
from gitskill.analysts.offline.errors import Failure
from gitskill.analysts.offline.masks import code, kind_of
from gitskill.analysts.offline.values import numbers, strings
from gitskill.trace import Json

_TEXTS = re.compile(r"old|find|search|target|match|original|pattern|query", re.IGNORECASE)
_NUMBERED = re.compile(r"[a-z]+(?:_[a-z]+)*_N")
_A_WORD = re.compile(r"[a-z][a-z_ -]{1,24}")
_SEARCHES = {"search", "list", "find", "browse", "lookup", "query"}
_SEVERAL = 4
"""Records in an answer from which it is an offer, and not one thing told in full."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One argument that two calls give differently."""

    key: str
    old: Json
    new: Json


@dataclass(frozen=True, slots=True)
class Around:
    """What a run did before the call that was not refused."""

    before: tuple[Act, ...]
    between: tuple[Act, ...]
    """Since the refusal."""
    is_still: bool
    """Nothing was changed since the refusal."""


def differences_of(old: Json, new: Json) -> Iterator[Difference]:
    """Give the arguments that two calls give differently."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield Difference(str(key), old.get(key), new.get(key))


def advice(wrong: Failure, differences: tuple[Difference, ...], around: Around) -> Iterator[tuple[str, Difference]]:
    """Give what can be said of the differences, the surest first, with the one that it is said of."""
    for tell in (_sums, _named):
        yield from ((told, each) for each in differences if (told := tell(wrong, each, around.before)))
    about = tuple(each for each in differences if _is_about(wrong, each))
    only = differences if len(differences) == 1 else ()
    for look in (_grown, _read, _kinds, _absolute, _another):
        yield from ((told, each) for each in about or only if (told := look(each, around.before)))
    yield from ((told, each) for each in differences if (told := _copied(each, around.between)))
    yield from ((told, each) for each in about if (told := _worded(each)))
    yield from ((told, each) for each in only if (told := _present(each)))
    if around.is_still:
        yield from ((told, each) for each in only if (told := _alone(each)))


def _is_about(wrong: Failure, each: Difference) -> bool:
    """Tell whether a refusal speaks of an argument, by its name or by what was given."""
    said = {word.rstrip("s") for word in words_of(wrong.message)}
    given = [word for value in strings(each.old) for word in words_of(kind_of(value))]
    return bool(said & {word.rstrip("s") for word in (*words_of(each.key), *given) if len(word) > 2})


def _grown(each: Difference, _: tuple[Act, ...]) -> str:
    """See whether a list was given a further item, and kept what it had."""
    if not isinstance(each.old, list) or not isinstance(each.new, list) or len(each.new) <= len(each.old):
        return ""
    old, new = strings(each.old), strings(each.new)
    fresh = next((kind_of(value) for value in new if value not in old), "")
    return f"give {code(each.key)} a further item like {code(fresh)}" if fresh and set(old) <= set(new) else ""


def _another(each: Difference, before: tuple[Act, ...]) -> str:
    """See whether another value of the same kind went through."""
    if not isinstance(each.old, str) or not isinstance(each.new, str) or not re.search(r"\d{3}", each.old):
        return ""
    if kind_of(each.old) != kind_of(each.new) or not _NUMBERED.fullmatch(kind_of(each.old)):
        return ""
    tool = teller([each.new], before[::-1])
    return f"pass another {code(each.key)} out of those that {code(tool)} returned" if tool else ""


def _sums(wrong: Failure, each: Difference, _: tuple[Act, ...]) -> str:
    """See whether the numbers now add up to one that the refusal names."""
    named = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", wrong.quote)}
    old, new = (sum(numbers(value)) for value in (each.old, each.new))
    return (
        f"make the numbers in {code(each.key)} add up to the total that it names" if new in named and new != old else ""
    )


def _named(wrong: Failure, each: Difference, before: tuple[Act, ...]) -> str:
    """See whether what the refusal names is gone."""
    old, new = strings(each.old), strings(each.new)
    gone = [value for value in old if len(value) > 3 and value in wrong.quote and value not in new]
    if not gone or not new:
        return ""
    kinds = {kind_of(value) for value in gone}
    if isinstance(each.new, list) and set(new) < set(old):
        about = {word.rstrip("s") for word in words_of(each.key)}
        tool = next((act.tool for act in before if about & set(words_of(act.tool)) and _is_search(act.tool)), "")
        return f"look up what is in {code(each.key)} before the call{f', with {code(tool)}' if tool else ''}"
    fresh = [value for value in new if value not in old and kind_of(value) in kinds]
    if tool := _catalogue(fresh, before):
        return f"pass another one in {code(each.key)}, out of what {code(tool)} returned"
    return f"pass another one in {code(each.key)} than what it names" if fresh else ""


def _is_search(tool: str) -> bool:
    return bool(_SEARCHES & set(words_of(tool)))


def _read(each: Difference, before: tuple[Act, ...]) -> str:
    """See whether a made-up value gave way to one that a tool had returned."""
    if not isinstance(each.old, str) or not isinstance(each.new, str) or not re.search(r"\d", each.old):
        return ""
    tool = teller([each.new], before[::-1])
    known = teller([each.old], before)
    return f"pass a {code(each.key)} that {code(tool)} returned, not one that is made up" if tool and not known else ""


def _kinds(each: Difference, _: tuple[Act, ...]) -> str:
    """See whether the value is of another kind now."""
    if not isinstance(each.old, str) or not isinstance(each.new, str):
        return ""
    old, new = kind_of(each.old), kind_of(each.new)
    if old == new or not _NUMBERED.fullmatch(old) or not _NUMBERED.fullmatch(new):
        return ""
    return f"pass a {code(each.key)} like {code(new)}, not like {code(old)}"


def _absolute(each: Difference, _: tuple[Act, ...]) -> str:
    if not isinstance(each.old, str) or not isinstance(each.new, str):
        return ""
    is_so = not each.old.startswith("/") and bool(re.match(r"(?:/|[A-Z]:\\)", each.new)) and len(each.old) < 200
    return f"pass {code(each.key)} as an absolute path" if is_so else ""


def _copied(each: Difference, between: tuple[Act, ...]) -> str:
    """See whether a text that was not found was read again before it was given anew."""
    if not isinstance(each.old, str) or not isinstance(each.new, str) or not _TEXTS.search(each.key):
        return ""
    reader = next((act for act in between if each.new and each.new.strip()[:60] in act.answer), None)
    again = f"look again ({code(called(reader))}) and " if reader else ""
    return f"{again}copy {code(each.key)} exactly from what is there" if len(each.old) > 20 else ""


def _worded(each: Difference) -> str:
    if not _are_words(each):
        return ""
    return f"call it with {code(each.key)} {code(each.new)} rather than {code(each.old)}"


def _alone(each: Difference) -> str:
    """Name the one argument that changed. It decides, but nothing says that the other value is wanted."""
    if not _are_words(each):
        return ""
    return (
        f"see whether {code(each.key)} {code(each.new)} will do instead of {code(each.old)}, "
        "where nothing else had to change"
    )


def _are_words(each: Difference) -> bool:
    return all(isinstance(value, str) and _A_WORD.fullmatch(value) for value in (each.old, each.new))


def _present(each: Difference) -> str:
    if each.old is None:
        return f"pass {code(each.key)} too"
    return f"leave {code(each.key)} out" if each.new is None else ""


def teller(values: list[str], before: tuple[Act, ...]) -> str:
    """Name the tool whose answer held one of the values."""
    for value in values:
        for act in before:
            if len(value) > 3 and act.kind is Kind.CALL and value in act.answer:
                return act.tool
    return ""


def _catalogue(values: list[str], before: tuple[Act, ...]) -> str:
    """Name the tool that offered one of the values among others: a search, or else any answer with several."""
    offers = [
        act
        for act in before
        if act.kind is Kind.CALL and any(value in act.answer for value in values) and act.answer.count("{") >= _SEVERAL
    ]
    searches = [act for act in offers if _is_search(act.tool)]
    return next((act.tool for act in (*searches, *offers)), "")
