"""Findings in words: the same finding has the same words, whichever run it comes from."""

import re
from collections.abc import Callable

from gitskill.analysts.offline.acts import Act
from gitskill.analysts.offline.calls import Passed
from gitskill.analysts.offline.changes import hands_over, words_of
from gitskill.analysts.offline.constructs import QUOTED_TWICE, Construct
from gitskill.analysts.offline.deviations import Deviation, How
from gitskill.analysts.offline.edits import told
from gitskill.analysts.offline.errors import Failure
from gitskill.analysts.offline.masks import clip, code, prose
from gitskill.analysts.offline.messages import Refused
from gitskill.analysts.offline.reasons import Way
from gitskill.analysts.offline.recoveries import Grade, Recovery, leading

COMMANDS = "Shell commands"
CALLS = "Tool calls"
CHANGES = "Before changing anything"

_LONGEST_TITLE = 150
_PROVED: dict[int, str] = {
    Grade.SOLVED: "this worked",
    Grade.IMPROVED: "this scored higher",
    Grade.RAN: "it no longer failed",
}


def said(wrong: Failure) -> str:
    """Give an error as it stands in a rule: general, escaped, in quotes."""
    source = (
        "" if wrong.source.lower() in {"error", "shell", "time-out"} or " " in wrong.source else f"{wrong.source}: "
    )
    return f'"{prose(source + wrong.message)}"'


def recovery_rule(found: Recovery, grade: int, *, unquoted: bool = False) -> str:
    """Say when a command fails, why, and what was otherwise where it did not.

    `unquoted` says that the harness takes double quotes: then they are the situation, and no example is needed.
    A grade of 0 says that only steps before the error did not fail.
    """
    situation, action = _told(found, unquoted)
    proof = _PROVED.get(grade, "that had not failed before")
    fails = "the line fails" if found.way is Way.SEPARATED else "it fails"
    return f"When {situation}, {fails} because {said(found.failure)}; {action} ({proof})."


def recovery_title(found: Recovery, *, unquoted: bool = False) -> str:
    """Name a recovery in one line."""
    situation, action = _told(found, unquoted)
    error = clip(found.failure.message, 60)
    return _title(
        f"{found.failure.source}: {error}: {action}" if found.way is Way.CHANGED else f"{action}: {situation}"
    )


def _told(found: Recovery, unquoted: bool) -> tuple[str, str]:
    quotes = found.about_quotes if unquoted else ""
    if quotes not in {"single", "none"}:
        return _WAYS[found.way](found)
    name = found.failure.source if found.failure.source != "shell" else found.change.program
    if not name:
        return "a program or value with double quotes is part of a command", "write it without double quotes"
    if quotes == "single":
        return f"{code(name)} is given a pattern in double quotes", "put it in single quotes instead"
    return f"{code(name)} is given a program or value with double quotes in it", "write it without double quotes"


def _changed(found: Recovery) -> tuple[str, str]:
    situation, action = told(found.change)
    return situation, f"{action} instead" if action.startswith(("use ", "give ")) else action


def _without(found: Recovery) -> tuple[str, str]:
    name = code(found.change.old)
    return f"a command starts with {name}", f"run it without {name}"


def _separated(_: Recovery) -> tuple[str, str]:
    return "several commands stand on one line with only blanks between them", "put `;` between them"


def _looked_up(found: Recovery) -> tuple[str, str]:
    name = code(found.change.program)
    return f"{name} is given a path that was not looked up", f"look for it first, with {code(found.change.new)} for one"


def _first(found: Recovery) -> tuple[str, str]:
    name = code(found.change.program or leading(found.failed.program))
    action = f"run {code(found.change.new)} first"
    if found.change.new.startswith("mkdir"):
        return f"{code(found.failure.source)} writes to a folder that does not exist", action
    if found.change.new.startswith("rm"):
        return f"{code(found.failure.source)} is to make what is there already", action
    return f"{name} is run in an environment that is not prepared", action


def _ended(found: Recovery) -> tuple[str, str]:
    instead = f"use {code(found.change.new)} instead" if found.change.new else "leave it out"
    name = code(found.change.old)
    return f"{name} is part of a command in which nothing ends {name}", instead


def _spoken(_: Recovery) -> tuple[str, str]:
    again = "send nothing but commands, and where nothing is left to do, the last one that worked"
    return "a sentence is sent where a command is run", again


_WAYS: dict[Way, Callable[[Recovery], tuple[str, str]]] = {
    Way.CHANGED: _changed,
    Way.WITHOUT: _without,
    Way.SEPARATED: _separated,
    Way.LOOKED_UP: _looked_up,
    Way.FIRST: _first,
    Way.ENDED: _ended,
    Way.SPOKEN: _spoken,
}


def refusal_rule(found: Passed) -> str:
    """Say why a call is refused, and what a call that was not refused did."""
    proof = "that went through" if found.passed.at < found.failed.at else "the call no longer failed"
    error = f'"{prose(found.failure.message)}"'
    return f"When {code(found.failed.tool)} is called, it can fail because {error}; {found.advice} ({proof})."


def refusal_title(found: Passed) -> str:
    """Name a refusal in one line."""
    return _title(f"{found.failed.tool}: {clip(found.failure.message, 60)}: {found.advice}")


def message_rule(found: Refused) -> str:
    """Say what form of a message is asked for."""
    return (
        f'When a message does not have the form that is asked for, nothing in it is run: "{prose(found.message)}"; '
        "keep to that form, and send again what was in it (the next message was not refused)."
    )


def message_title(found: Refused) -> str:
    """Name the form that is asked for in one line."""
    return _title(f"Keep to the form of a message: {found.message}")


def deviation_rule(found: Deviation, instruction: str) -> str:
    """Say what set failed runs apart from the successful ones of their task."""
    text = _DEVIATIONS[found.how](found, code(found.call))
    return f'{text} The instructions say: "{prose(clip(instruction, 300))}"' if instruction else text


def _extra(found: Deviation, call: str) -> str:
    if hands_over(found.call):
        return (
            f"Before {call}, see whether the case can be handled: failed runs gave it away where no successful run did."
        )
    named = set(words_of(found.argument)) & set(words_of(found.call)) or "path" in found.argument
    if not found.argument or not named:
        return (
            f"Before {call}, check that it is called for: failed runs made it where no successful run of the task did."
        )
    return (
        f"Before {call}, check that the rules allow it in this very case: failed runs called it on a "
        f"{code(found.argument)} that no successful run of the same task touched."
    )


def _missing(_: Deviation, call: str) -> str:
    return (
        f"Do not end a task without asking whether {call} is still to be done: "
        "failed runs left it out where every successful run of the same task made it."
    )


def _altered(found: Deviation, call: str) -> str:
    names = " and ".join(code(name) for name in found.argument.split(" and "))
    return f"Check {names} before {call}: failed runs gave {found.than} than every successful run of the same task."


_DEVIATIONS: dict[How, Callable[[Deviation, str], str]] = {
    How.EXTRA: _extra,
    How.MISSING: _missing,
    How.ALTERED: _altered,
}


def deviation_title(found: Deviation) -> str:
    """Name a deviation in one line."""
    if found.how is How.ALTERED:
        return _title(f"Check {found.argument} before {found.call}")
    return _title(f"Check before {found.call}" if found.how is How.EXTRA else f"Do not leave {found.call} out")


def construct_rule(found: Construct, wrong: Failure) -> str:
    """Say what a construct goes before."""
    avoid = "write the inner part without double quotes" if found.name == QUOTED_TWICE else "write it without"
    name = found.name if " " in found.name.strip("`") or "`" in found.name else code(found.name)
    return f"When a command contains {name}, it often fails because {said(wrong)}; {avoid}."


def construct_title(found: Construct) -> str:
    """Name a construct in one line."""
    return _title(f"Avoid {found.name} in commands")


def around(text: str, pieces: tuple[str, ...]) -> str:
    """Quote a command where it holds one of the pieces: the first that is in it decides."""
    lines = text.split("\n")
    line = next((line for line in lines if any(piece in line for piece in pieces if piece)), lines[0])
    at = next((line.find(piece) for piece in pieces if piece and piece in line), 0)
    start = line.rfind(" ", 0, at - 30) + 1 if at > 80 else 0
    return clip(line[start:])


def place_of(act: Act, wrong: Failure) -> tuple[int, str]:
    """Give the step that holds an error, and its words."""
    return act.answered, wrong.quote


def _title(text: str) -> str:
    return clip(re.sub(r"\s+", " ", text.replace("`", "")), _LONGEST_TITLE)
