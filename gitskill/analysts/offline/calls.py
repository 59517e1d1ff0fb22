"""Calls of tools that were refused, and what a later call did otherwise.

The advice is inferred from values: where the new one came from, what kind it
is of, whether the refusal named what was changed. What cannot be told is not said.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitskill.analysts.offline.acts import Act, Kind, Run
from gitskill.analysts.offline.changes import called, changers, entity, words_of
from gitskill.analysts.offline.errors import Failure, failure, is_clean
from gitskill.analysts.offline.masks import clip, code, kind_of
from gitskill.analysts.offline.values import numbers, strings
from gitskill.trace import Json

_TEXTS = re.compile(r"old|find|search|target|match|original|pattern|query", re.IGNORECASE)
_NUMBERED = re.compile(r"[a-z]+(?:_[a-z]+)*_N")
_SEARCHES = {"search", "list", "find", "browse", "lookup", "query"}
_SEVERAL = 4
"""Records in an answer from which it is an offer, and not one thing told in full."""
_NEAR = 8
"""Acts within which another tool may take over."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A refused call and a later one that was not, with what to do in words."""

    run: Run
    failed: Act
    failure: Failure
    passed: Act
    advice: str
    quote: str
    """A piece of the later call."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One argument that two calls give differently."""

    key: str
    old: Json
    new: Json


def refusals(run: Run) -> list[Passed]:
    """Find the refused calls of a run that a later call got past, each refusal once."""
    found: dict[str, Passed] = {}
    changing = changers([run])
    for act in run.acts:
        wrong = failure(act) if act.kind is Kind.CALL else None
        if wrong is None or wrong.signature in found:
            continue
        told = (
            _same_tool(run, act, wrong)
            or _other_tool(run, act, wrong, changing)
            or _too_late(run, act, wrong, changing)
        )
        if told:
            found[wrong.signature] = told
    return list(found.values())


def _same_tool(run: Run, act: Act, wrong: Failure) -> Passed | None:
    for later in run.acts[act.at + 1 :]:
        if later.kind is not Kind.CALL or called(later) != called(act) or not is_clean(later, frozenset()):
            continue
        differences = tuple(_differences(act.arguments, later.arguments))
        if not _is_same_thing(act, later, run.acts[: later.at]):
            continue
        if not differences and (first := _read_first(act, run.acts[act.at + 1 : later.at])):
            return Passed(run, act, wrong, later, f"call {code(first)} on it first", later.tool)
        if told := next(_advice(run, act, wrong, later, differences), None):
            return Passed(run, act, wrong, later, told[0], _quote(later, told[1]))
        if differences:
            return None
    return None


def _read_first(act: Act, between: tuple[Act, ...]) -> str:
    """Name the call on the same thing that lay between a refusal and the very same call going through."""
    value = entity(act)[1]
    near = [other for other in between if value and entity(other)[1] == value and is_clean(other, frozenset())]
    return called(near[-1]) if near else ""


def _other_tool(run: Run, act: Act, wrong: Failure, changing: frozenset[str]) -> Passed | None:
    """Find a tool of nearly the same name, that is about the same thing, and was not refused."""
    key, value = entity(act)
    for later in run.acts[act.at + 1 : act.at + 1 + _NEAR]:
        if later.kind is not Kind.CALL or later.tool == act.tool or not is_clean(later, frozenset()):
            continue
        if (called(act) in changing) != (called(later) in changing) or not _are_kin(act.tool, later.tool):
            continue
        if called(act) in changing and (not value or entity(later) != (key, value)):
            continue
        return Passed(run, act, wrong, later, f"use {code(later.tool)}", later.tool)
    return None


def _too_late(run: Run, act: Act, wrong: Failure, changing: frozenset[str]) -> Passed | None:
    """See whether a call on the same thing, by a tool of nearly the same name, had gone through before."""
    key, value = entity(act)
    if not value or called(act) not in changing:
        return None
    for other in reversed(run.acts[: act.at]):
        if called(other) in changing and other.tool != act.tool and entity(other) == (key, value):
            if not is_clean(other, frozenset()) or not _are_kin(act.tool, other.tool):
                return None
            return Passed(run, act, wrong, other, f"call it before {code(other.tool)}", other.tool)
    return None


def _are_kin(one: str, other: str) -> bool:
    """Tell whether two tools share most words of their names: `find_user_by_email`, `find_user_by_name`."""
    first, second = words_of(one), words_of(other)
    shared = len(set(first) & set(second))
    return shared >= 2 and shared * 2 >= min(len(set(first)), len(set(second)))


def _is_same_thing(one: Act, other: Act, before: tuple[Act, ...]) -> bool:
    """Tell whether two calls are about the same thing: a path, a kind of id or a made-up id may be what was wrong."""
    (key, value), (_, also) = entity(one), entity(other)
    if value == also or value.rsplit("/", 1)[-1] in also or (bool(key) and _is_place(value) and _is_place(also)):
        return True
    return kind_of(value) != kind_of(also) or bool(_teller([also], before) and not _teller([value], before))


def _is_place(value: str) -> bool:
    return "/" in value or value.startswith(".")


def _differences(old: Json, new: Json) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield Difference(str(key), old.get(key), new.get(key))


def _advice(
    run: Run, act: Act, wrong: Failure, later: Act, differences: tuple[Difference, ...]
) -> Iterator[tuple[str, Difference]]:
    """Give what can be said of the differences, the surest first, with the one that it is said of."""
    before = run.acts[: later.at]
    for tell in (_sums, _named):
        yield from ((told, each) for each in differences if (told := tell(wrong, each, before)))
    about = tuple(each for each in differences if _is_about(wrong, each))
    for look in (_grown, _read, _kinds, _absolute, _another):
        each_of = about or (differences if len(differences) == 1 else ())
        yield from ((told, each) for each in each_of if (told := look(each, before)))
    between = run.acts[act.at + 1 : later.at]
    yield from ((told, each) for each in differences if (told := _copied(each, between)))
    yield from ((told, each) for each in about if (told := _worded(each)))
    if len(differences) == 1 and (told := _present(differences[0])):
        yield told, differences[0]


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
    tool = _teller([each.new], before[::-1])
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
    tool = _teller([each.new], before[::-1])
    known = _teller([each.old], before)
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
    word = re.compile(r"[a-z][a-z_ -]{1,24}")
    if not isinstance(each.old, str) or not isinstance(each.new, str):
        return ""
    if not word.fullmatch(each.old) or not word.fullmatch(each.new):
        return ""
    return f"call it with {code(each.key)} {code(each.new)} rather than {code(each.old)}"


def _present(each: Difference) -> str:
    if each.old is None:
        return f"pass {code(each.key)} too"
    return f"leave {code(each.key)} out" if each.new is None else ""


def _teller(values: list[str], before: tuple[Act, ...]) -> str:
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


def _quote(act: Act, each: Difference) -> str:
    """Quote the later call: a text that it gave anew, else its name."""
    fresh = [text for text in strings(each.new) if text not in strings(each.old) and len(text) > 2]
    return (clip(fresh[0].strip().split("\n")[0]) if fresh else "") or act.tool
