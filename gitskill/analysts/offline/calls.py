"""Calls of tools that were refused, and what a later call did otherwise."""

from dataclasses import dataclass

from gitskill.analysts.offline.acts import Act, Kind, Run
from gitskill.analysts.offline.advice import Around, Difference, advice, differences_of, teller
from gitskill.analysts.offline.changes import called, changers, entity, words_of
from gitskill.analysts.offline.errors import Failure, failure, is_clean
from gitskill.analysts.offline.masks import clip, code, kind_of
from gitskill.analysts.offline.values import strings

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


def refusals(run: Run) -> list[Passed]:
    """Find the refused calls of a run that a later call got past, each refusal once."""
    found: dict[str, Passed] = {}
    changing = changers([run])
    for act in run.acts:
        wrong = failure(act) if act.kind is Kind.CALL else None
        if wrong is None or wrong.signature in found:
            continue
        told = (
            _same_tool(run, act, wrong, changing)
            or _other_tool(run, act, wrong, changing)
            or _too_late(run, act, wrong, changing)
        )
        if told:
            found[wrong.signature] = told
    return list(found.values())


def _same_tool(run: Run, act: Act, wrong: Failure, changing: frozenset[str]) -> Passed | None:
    for later in run.acts[act.at + 1 :]:
        if later.kind is not Kind.CALL or called(later) != called(act) or not is_clean(later, frozenset()):
            continue
        differences = tuple(differences_of(act.arguments, later.arguments))
        before, between = run.acts[: later.at], run.acts[act.at + 1 : later.at]
        if not _is_same_thing(act, later, before):
            continue
        if not differences and (first := _read_first(act, between)):
            return Passed(run, act, wrong, later, f"call {code(first)} on it first", later.tool)
        is_still = not any(called(other) in changing and is_clean(other, frozenset()) for other in between)
        if told := next(advice(wrong, differences, Around(before, between, is_still)), None):
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
    return kind_of(value) != kind_of(also) or bool(teller([also], before) and not teller([value], before))


def _is_place(value: str) -> bool:
    return "/" in value or value.startswith(".")


def _quote(act: Act, each: Difference) -> str:
    """Quote the later call: a text that it gave anew, else its name."""
    fresh = [text for text in strings(each.new) if text not in strings(each.old) and len(text) > 2]
    return (clip(fresh[0].strip().split("\n")[0]) if fresh else "") or act.tool
