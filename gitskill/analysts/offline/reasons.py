"""Which part of an edit an error is about: two commands may differ in much that has nothing to do with it."""

import re
from enum import StrEnum

from gitskill.analysts.offline.acts import Act
from gitskill.analysts.offline.commands import Stage, programs
from gitskill.analysts.offline.edits import Change, Edit
from gitskill.analysts.offline.errors import Class, Failure

_LOOKS = {"ls", "find", "rg", "fd", "tree", "grep", "ack", "ag", "which", "git"}
_FLAG = re.compile(r"-{1,2}[A-Za-z]")
_SHORT_FLAGS = re.compile(r"-[A-Za-z]{1,4}")
_ONE_LETTER = re.compile(r"-[A-Za-z]")
_ENDLESS = {"yes", "top", "htop", "btop", "watch", "vi", "vim", "nvim", "nano", "emacs", "less", "more", "man"}
_FOLLOWS = re.compile(r"-[A-Za-z]*[fF]|--follow")
_MAKES_READY = {"mkdir", "rm", "cd", "export", "source", "unset", "set", "chmod", "test", "["}


class Way(StrEnum):
    """What kind of difference got past an error."""

    CHANGED = "changed"
    WITHOUT = "without the program before it"
    SEPARATED = "separated"
    LOOKED_UP = "looked up"
    FIRST = "something else first"
    ENDED = "without the program that does not end"
    SPOKEN = "a command instead of words"


def reason(failed: Act, wrong: Failure, passed: Act, edit: Edit, between: tuple[Act, ...]) -> tuple[Way, Change] | None:
    """Give the one change that the error is about; None where none can be told."""
    if wrong.kind is Class.TIMEOUT:
        return _ended(edit)
    if wrong.kind is Class.MISSING and _is_guess(wrong, edit):
        looked = next((act for act in (*between, passed) if programs(act.program) & _LOOKS), None)
        return (Way.LOOKED_UP, _look(looked, wrong)) if looked else None
    if _is_separated(edit):
        return Way.SEPARATED, edit.changes[0]
    if wrong.kind is Class.COMMAND and _is_before(wrong.source, edit):
        return Way.WITHOUT, Change(wrong.source, "", "")
    if ready := [change for change in edit.changes if not change.was and _makes_ready(change, wrong)]:
        return Way.FIRST, ready[0]
    about = [change for change in edit.changes if _is_about(change, wrong, failed.program)]
    return (Way.CHANGED, _told_by_sign(about[0], wrong)) if len(about) == 1 else None


def _ended(edit: Edit) -> tuple[Way, Change] | None:
    """Name the one change that ends a program which does not end by itself: other time-outs may have any cause."""
    about = [change for change in edit.changes if change.runs & _ENDLESS or _follows(change)]
    if len(about) != 1:
        return None
    if about[0].program:
        return Way.CHANGED, about[0]
    name = min(about[0].runs & _ENDLESS, default=about[0].old)
    return Way.ENDED, Change(name, about[0].new, "", about[0].was, about[0].now)


def _follows(change: Change) -> bool:
    """Tell whether a program waited for a file to grow, and no longer does."""
    kept = any(_FOLLOWS.fullmatch(word) for word in change.now)
    return "tail" in change.runs and not kept and any(_FOLLOWS.fullmatch(word) for word in change.was)


def touches_flags(edit: Edit) -> bool:
    """Tell whether an edit takes short flags away, or what stands after one: case is half of what they mean."""
    return any(
        {word for word in change.was if _SHORT_FLAGS.fullmatch(word)} - set(change.now)
        or (len(change.was) > 1 and _ONE_LETTER.fullmatch(change.was[0]))
        for change in edit.changes
        if change.program
    )


def _is_guess(wrong: Failure, edit: Edit) -> bool:
    """Tell whether a path was wrong, and another path was all that changed."""
    if len(edit.changes) != 1:
        return False
    was, now = edit.changes[0].was, edit.changes[0].now
    plain = was and now and not any(_FLAG.match(word) for word in (*was, *now))
    bare = {word.strip("'\"") for word in was}
    return bool(plain) and bare != {word.strip("'\"") for word in now} and any(word in wrong.quote for word in bare)


def _look(act: Act, wrong: Failure) -> Change:
    names = sorted(programs(act.program) & _LOOKS)
    return Change("", names[0] if names else "ls", wrong.source)


def _is_separated(edit: Edit) -> bool:
    return len(edit.changes) == 1 and edit.words == 0 and edit.changes[0].was == edit.changes[0].now


def _is_before(name: str, edit: Edit) -> bool:
    """Tell whether a program was put before another one, and only it was dropped."""
    for change in edit.changes:
        if change.was[:1] == (name,) and len(change.was) > 1:
            return change.now[:1] == (next(Stage(change.was[1:]).called, "-"),)
    return False


def _makes_ready(change: Change, wrong: Failure) -> bool:
    """Tell whether a command was added in front that has to do with what the error names."""
    if not change.now or change.now[0].lstrip("(") not in _MAKES_READY:
        return False
    named = {word.strip("./'") for word in re.findall(r"[\w./~-]+", wrong.quote)}
    touched = {word.strip("'\"./") for word in change.now[1:] if len(word) > 1 and not _FLAG.match(word)}
    return any(name == word or name.startswith(f"{word}/") for name in named for word in touched)


def _is_about(change: Change, wrong: Failure, command: str) -> bool:
    """Tell whether a change is one to the program that failed, or to what the error quotes."""
    if change.old == change.new:
        return False
    if wrong.source in change.runs:
        return True
    if not change.was:
        return False
    if wrong.source == "shell":
        return _is_about_signs(change)
    return len(programs(command)) == 1 and wrong.source in {"error", *programs(command)}


def _is_about_signs(change: Change) -> bool:
    """Tell whether quotes or brackets changed: what the shell's own errors are about."""
    before, after = " ".join(change.was), " ".join(change.now)
    return any(before.count(sign) != after.count(sign) for sign in "\"'`()")


def _told_by_sign(change: Change, wrong: Failure) -> Change:
    """Name the sign that the error names, where nothing else of the change is general."""
    if not re.fullmatch(r"(.*[\s=])?['\"]\u2026['\"]", change.new):
        return change
    signs = [sign for sign in re.findall(r"['\"`]([^\w\s]\S{0,2})['\"`]", wrong.quote) if sign in " ".join(change.was)]
    signs = [sign for sign in signs if sign not in " ".join(change.now)]
    return Change(signs[0], "", change.program) if signs else change
