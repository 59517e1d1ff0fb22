"""Shell errors that a later step of the same run got past, and what was different there.

A later step counts if it has the same goal, shows no error, and got there
honestly: without hiding the error, without making the very thing that was
missing, and without losing reward.
"""

import re
from dataclasses import dataclass, replace
from enum import IntEnum

from gitskill.analysts.offline.acts import Act, Kind, Run
from gitskill.analysts.offline.commands import QUIET, alike, operands, programs, stages, without_case
from gitskill.analysts.offline.edits import MOST_WORDS, Change, edit_between, is_fallback, only_prints, shown
from gitskill.analysts.offline.errors import INTENDED, Class, Failure, failure, is_clean, noise_of
from gitskill.analysts.offline.reasons import Way, reason, touches_flags
from gitskill.outcome import NEARLY

WINDOW = 8
_SAME_PROGRAM = 0.40
_OTHER_PROGRAM = 0.45
_LOST = 0.05
"""A reward that falls by more means that the error went away with what was right."""


class Grade(IntEnum):
    """How well a recovery is proved: by a full reward, a better one, or by nothing but the error's absence."""

    RAN = 1
    IMPROVED = 2
    SOLVED = 3


@dataclass(frozen=True, slots=True)
class Recovery:
    """A step that failed and a later one with the same goal that did not."""

    run: Run
    failed: Act
    failure: Failure
    passed: Act
    grade: Grade
    way: Way
    change: Change
    """What was different: of the command, or in what lies between."""
    words: int = 0

    @property
    def is_earlier(self) -> bool:
        """Tell whether the step that did not fail came first: then a command that worked was made worse."""
        return self.passed.at < self.failed.at

    @property
    def blurred(self) -> bool:
        """Tell whether both commands hold double quotes: where these are lost, neither is what was run."""
        both = '"' in " ".join(self.change.was) and '"' in " ".join(self.change.now)
        return both and self.failure.kind is Class.SYNTAX

    @property
    def about_quotes(self) -> str:
        """Say what became of double quotes that the error may be about; empty where they are not what changed."""
        if self.failure.kind not in {Class.SYNTAX, Class.USAGE, Class.MISSING} or self.way is not Way.CHANGED:
            return ""
        old, new = " ".join(self.change.was), " ".join(self.change.now)
        if old.count('"') <= new.count('"'):
            return ""
        if not new:
            return "left out"
        return "single" if old.replace('"', "'") == new else "none" if '"' not in new else ""


_MADE = re.compile(r"(?:^|[\s;&|(])(?:touch|>>?|:\s*>|tee(?:\s+-a)?|ln\s+-s\S*(?:\s+\S+)?)\s*(['\"]?)([^\s;|&'\"]+)\1")
_FOLDERS = re.compile(r"mkdir\s+((?:-\S+\s+)*[^;&|\n]+)")
_SOURCE_IS_MISSING = re.compile(
    r"cannot (?:stat|remove|access|rename|find|move)|can't open|for reading|\bcd\b|not a directory|No such file",
    re.IGNORECASE,
)
_ASKING = {"type", "which", "command", "hash"}
"""What they say of a program that is not there is an answer."""
_A_SENTENCE = re.compile(r"^[A-Z][a-z]+[!.,]? (?:[\w',!.?-]+ ){3,}[\w',!.?-]+[.!?]?$")
_PREPARES = re.compile(
    r"\b(?:pip3?|uv|poetry|conda|npm|yarn|pnpm|apt(?:-get)?|brew|gem|cargo|go|bundle)\s+(?:-\S+\s+)*(?:install|add|i|ci|sync|get)\b"
    r"|\bpython3? -m (?:pip|venv|ensurepip)\b|\bchmod\b|\bsource\s|\bexport\s+\w+=|\bgit (?:init|submodule|fetch)\b"
)


def recoveries(run: Run, *, lowered: bool = False) -> list[Recovery]:
    """Find what this run got past, each error once. `lowered` says that the harness takes the capitals out."""
    noise = noise_of(run.acts)
    shell = [act for act in run.acts if act.kind is Kind.SHELL]
    best: dict[str, Recovery] = {}
    for at, act in enumerate(shell):
        wrong = failure(act, noise)
        if wrong is None or wrong.kind in INTENDED - {Class.TIMEOUT} or wrong.source in _ASKING:
            continue
        found = _way_out(run, act, wrong, (shell[:at], shell[at + 1 :]), noise)
        if found is None or (lowered and _may_be_lowered(act, found.passed, shell[0])):
            continue
        signature = found.failure.signature
        known = best.get(signature)
        if known is None or (not found.is_earlier, -found.words) > (not known.is_earlier, -known.words):
            best[signature] = found
    # One way out of several errors is one finding: the first of them stands for all.
    ways: dict[tuple[str, str, str], Recovery] = {}
    for each in best.values():
        ways.setdefault((each.way, each.change.program, each.change.new or each.change.old), each)
    return list(ways.values())


def _way_out(
    run: Run, act: Act, wrong: Failure, around: tuple[list[Act], list[Act]], noise: frozenset[str]
) -> Recovery | None:
    """Look at what came after an error, and only then at what had come before it."""
    before, after = around
    if _A_SENTENCE.match(act.program.strip()):
        return _back_to_work(run, act, wrong, around, noise)
    return _first(run, act, wrong, after[:WINDOW], noise) or _first(run, act, wrong, before[: -WINDOW - 1 : -1], noise)


def _back_to_work(
    run: Run, act: Act, wrong: Failure, around: tuple[list[Act], list[Act]], noise: frozenset[str]
) -> Recovery | None:
    """See whether a run that sent words to the shell came back to a command that had worked before."""
    before, after = around
    worked = {other.program.strip() for other in before if is_clean(other, noise)}
    for other in after:
        again = other.program.strip() in worked and is_clean(other, noise) and not only_prints(other.program)
        if again and wrong.kind is Class.COMMAND and not _loses(act, other):
            told = replace(wrong, source="shell")
            return Recovery(run, act, told, other, grade_of(run, act, other), Way.SPOKEN, Change("", "", ""))
    return None


def _first(run: Run, act: Act, wrong: Failure, others: list[Act], noise: frozenset[str]) -> Recovery | None:
    """Find the nearest step that did not fail, and what the error is about in the difference."""
    near = (_recovery(run, act, wrong, other) for other in others if _gets_past(act, wrong, other, noise))
    return next((found for found in near if found), None)


def grade_of(run: Run, old: Act, new: Act) -> Grade:
    """Grade by the rewards of the two steps, where the environment gave any."""
    if old.reward is None or new.reward is None:
        return Grade.RAN
    full = run.studied.outcome.threshold or 1.0
    if new.reward >= full - NEARLY > old.reward:
        return Grade.SOLVED
    return Grade.IMPROVED if new.reward > old.reward + NEARLY else Grade.RAN


def is_lowered(old: str, new: str) -> bool:
    """Tell whether a command without capitals was put right by nothing but capitals and blanks."""
    return old != new and old == old.lower() and without_case(old) == without_case(new)


def _recovery(run: Run, old: Act, wrong: Failure, new: Act) -> Recovery | None:
    between = run.acts[old.at + 1 : new.at]
    grade = grade_of(run, old, new) if old.at < new.at else Grade.RAN
    if old.program.strip() == new.program.strip():
        if wrong.kind is Class.TIMEOUT:
            return None
        made = next((act for act in reversed(between) if _PREPARES.search(act.program) and not act.exit_code), None)
        return Recovery(run, old, wrong, new, grade, Way.FIRST, _prepared(made, old)) if made else None
    edit = edit_between(old.program, new.program)
    if edit is None or edit.words > (MOST_WORDS if old.at < new.at else MOST_WORDS // 2):
        return None
    found = reason(old, wrong, new, edit, between)
    if found is None or (new.at < old.at and _only_stops_short(*found)):
        return None
    return Recovery(run, old, wrong, new, grade, *found, edit.words)


def _only_stops_short(way: Way, change: Change) -> bool:
    """Tell whether the earlier command only lacked a whole program: that one without it works says nothing of it."""
    return way is Way.CHANGED and not change.program and not change.now


def _prepared(act: Act, failed: Act) -> Change:
    stage = next(stage for stage in stages(act.program) if _PREPARES.search(" ".join(stage.words)))
    return Change(
        "", " ".join(shown(word, first=at == 0) for at, word in enumerate(stage.words)), leading(failed.program)
    )


def _gets_past(old: Act, wrong: Failure, new: Act, noise: frozenset[str]) -> bool:
    return (
        is_clean(new, noise)
        and wrong.quote not in new.answer
        and _same_goal(old.program, wrong, new.program)
        and not _hides(old.program, wrong.source, new.program)
        and not _fakes(wrong, old.program, new.program)
        and not is_fallback(new.program, old.program)
        and not _loses(old, new)
    )


def _loses(old: Act, new: Act) -> bool:
    return old.reward is not None and new.reward is not None and new.reward < old.reward - _LOST


def _same_goal(old: str, wrong: Failure, new: str) -> bool:
    if old.strip() == new.strip():
        return True
    if _PREPARES.search(new) and not _PREPARES.search(old):
        return False
    shared = (programs(old) & programs(new)) - {"cd", "echo", "sudo"}
    if alike(old, new) >= (_SAME_PROGRAM if shared else _OTHER_PROGRAM) or _same_files(old, new):
        return True
    return wrong.kind is Class.COMMAND and wrong.source not in programs(new) and bool(operands(old) & operands(new))


def _same_files(old: str, new: str) -> bool:
    """Tell whether two commands are about the same files, none left out."""
    files = [{word for word in operands(one) if word.startswith(("/", "./")) and len(word) > 4} for one in (old, new)]
    return bool(files[0]) and files[0] == files[1] and "*" not in "".join(files[0])


def _hides(old: str, source: str, new: str) -> bool:
    """Tell whether the new command hides more of what may go wrong, or hides it where it went wrong."""
    if len(QUIET.findall(new)) > len(QUIET.findall(old)):
        return True
    quiet = [
        any(QUIET.search(" ".join(each.words)) for each in stages(one) if source in each.called) for one in (old, new)
    ]
    return quiet[1] and not quiet[0]


def _fakes(wrong: Failure, old: str, new: str) -> bool:
    """Tell whether the new command makes the very thing that the old one missed."""
    if wrong.kind not in {Class.MISSING, Class.PROGRAM}:
        return False
    lacks = set(re.findall(r"[\w./~-]{2,}", wrong.quote))
    made = {name for _, name in _MADE.findall(new)} - {name for _, name in _MADE.findall(old)}
    if any(_is_same(name, other) for name in made for other in lacks):
        return True
    if not _SOURCE_IS_MISSING.search(wrong.quote) or wrong.source in {"tar", "cp", "tee", "shell"}:
        return False
    folders = {name for names in _FOLDERS.findall(new) for name in names.split()}
    return any(_is_same(name, other) for name in folders for other in lacks)


def _is_same(one: str, other: str) -> bool:
    one, other = one.rstrip("/"), other.rstrip("/")
    return bool(one) and (one == other or other.endswith(f"/{one}") or one.endswith(f"/{other}"))


def _may_be_lowered(old: Act, new: Act, first: Act) -> bool:
    """Tell whether capitals that the harness took may be what was wrong with a command."""
    edit = edit_between(old.program, new.program)
    if any(each.program == each.program.lower() for each in (old, new)) and edit and edit.cased:
        return True
    if old.program != old.program.lower():
        return False
    lost = old.program == first.program and edit is not None and touches_flags(edit)
    return lost or is_lowered(old.program, new.program)


def leading(command: str) -> str:
    """Name the program that a command is mostly about: the first that is not for changing folders."""
    names = [stage.program for stage in stages(command)]
    return next((name for name in names if name not in {"cd", "echo", "sudo"}), names[0] if names else "")
