"""Errors that can be quoted: which line of an answer is one, what kind it is, and what it is called when it recurs.

An exit code alone is no error: `grep` without a match has one. A line that looks
like an error is none if a file was being read, unless the act itself failed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from gitskill.analysts.offline.acts import Act, Kind
from gitskill.analysts.offline.commands import is_reader, programs
from gitskill.analysts.offline.masks import clip, general

_EDGE = 200
"""Lines that are looked at from either end of a long answer."""
_LONGEST = 400
_SHORT = 600
"""Characters of an answer that says little besides what went wrong."""


class Class(StrEnum):
    """What an error is about."""

    COMMAND = "command not found"
    MISSING = "something is missing"
    USAGE = "wrong usage"
    SYNTAX = "syntax"
    PROGRAM = "a program's own error"
    EXCEPTION = "exception"
    TEST = "failing test"
    TIMEOUT = "time-out"
    REFUSED = "refused by the tool"


INTENDED = {Class.EXCEPTION, Class.TEST, Class.TIMEOUT}
"""Where code is being written, these are what a script that shows a fault is for; and a time-out names no cause."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One error that can be quoted."""

    kind: Class
    quote: str
    """A piece of the answer, byte for byte."""
    message: str
    """The error made general, without the name of what printed it."""
    source: str
    """The program or tool that failed."""

    @property
    def signature(self) -> str:
        """Name the error: equal for errors that differ in names and numbers only."""
        return f"{self.source}: {self.message}".lower()


_WORDS = re.compile(
    r"cannot|can't|could not|couldn't|can only|unable|fail(?:ed|ure)?\b|invalid|illegal|unknown|unrecognized"
    r"|unsupported|no such|not found|no matches|no module|missing|not a |is a directory|denied|not permitted"
    r"|refused|forbidden|syntax|unexpected|must\b|requires?\b|required|expected|out of range|not enough"
    r"|too (?:many|few|long|large)|ambiguous|already exists|omitting|does not|doesn't|error|unterminated"
    r"|not (?:specified|allowed|supported|empty|available|recognized)|undefined|fatal|unmatched|bad "
    r"|extra operand|same file|specify|input file is output|runaway",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"warning|deprecat|notice|removing leading|will be|ignored|broken pipe|write error|not recoverable|previous errors",
    re.IGNORECASE,
)
_SHELL = re.compile(r"^-?(?:/\S*/)?(?:ba|da|z|k|c|fi)?sh(?:\.exe)?:(?:(?: line)? ?\d+:)? (?P<rest>.+)$")
_SYNTAX = re.compile(r": -c: (?:line \d+: )?(?P<rest>.+)$")
_PROGRAM = re.compile(r"^(?P<program>[\w.+/-]+)(?: \(\w+\))?: (?P<rest>.+)$")
_ERROR = re.compile(
    r"^\W{0,3}(?:npm )?(?:error|fatal|err!|abort|exception)(?:\[\w+\])?\W{0,2}[:!]\s*(?P<rest>\S.{3,})$", re.IGNORECASE
)
_TEST = re.compile(r"^(?:FAILED|ERROR|FAIL:?|--- FAIL:|not ok \d+) (?P<rest>\S.*)$")
_RAISED = re.compile(
    r"^(?:Uncaught )?(?P<name>(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Warning|Exit|Interrupt|Timeout|Fault|Found|Used))"
    r"(?:: (?P<rest>.+))?$"
)
_TIMED_OUT = re.compile(r"\btimed? ?out\b", re.IGNORECASE)
_NO_COMMAND = re.compile(r"^(?:(?P<one>[^\s:]+): (?:command )?not found|command not found: (?P<other>\S+))$")
_IN_JSON = re.compile(r"\{\s*\"(?:error|errorMessage|error_message)\"\s*:\s*\"(?P<rest>(?:[^\"\\]|\\.){4,})\"")
_OPENS = re.compile(
    r"^(?:error|failed|failure|exception|invalid|unknown|unable|cannot|could not|no replacement"
    r"|access denied|permission denied)\b",
    re.IGNORECASE,
)
_BY_A_PERSON = re.compile(
    r"user (?:doesn't want|rejected|cancell?ed|declined|denied|interrupted)"
    r"|(?:rejected|cancell?ed|interrupted|aborted) by (?:the )?user"
    r"|operation cancell?ed",
    re.IGNORECASE,
)
_BARE = re.compile(r"\W*(?:(?:an )?error|failed|exit code \d+)?\W*", re.IGNORECASE)
_TAGS = re.compile(r"</?[a-z_]+>", re.IGNORECASE)
_CLASSES = (
    (Class.SYNTAX, re.compile(r"syntax|unexpected|unterminated|unmatched|matching|runaway", re.IGNORECASE)),
    (
        Class.USAGE,
        re.compile(r"option|argument|operand|usage|specify|specified|requires?|must|precede|flag", re.IGNORECASE),
    ),
    (
        Class.MISSING,
        re.compile(r"no such|not found|no module|cannot (?:find|open|stat)|does not exist|no matches", re.IGNORECASE),
    ),
)


def failure(act: Act, noise: frozenset[str] = frozenset()) -> Failure | None:
    """Find the error of an act that can be quoted; None where there is none.

    `noise` are lines that the run prints also where nothing fails.
    """
    if not act.answer.strip() or _BY_A_PERSON.search(act.answer[:_SHORT]):
        return None
    if act.kind is Kind.CALL:
        return _refusal(act)
    failed = bool(act.exit_code) or act.is_error
    lines = [line for line in _edges(act.lines) if line not in noise]
    if act.exit_code == 0:
        return _first(_shell_error, act, lines, {Class.COMMAND})
    sure = failed or not is_reader(act.program)
    return (
        (_raised(lines) if sure and "Traceback (most recent call last)" in act.answer else None)
        or _first(_shell_error, act, lines)
        or _first(_program_error, act, lines)
        or (_first(_plain_error, act, lines) if sure and (failed or len(act.answer) < _SHORT) else None)
        or _timed_out(act, lines)
        or (_raised(lines) if failed else None)
        or (_last_word(act, lines) if failed else None)
    )


def noise_of(acts: Iterable[Act]) -> frozenset[str]:
    """Collect the lines that a run prints where nothing fails: what a shell says whenever it starts, for one."""
    return frozenset(line for act in acts if act.exit_code == 0 and not act.is_error for line in _edges(act.lines))


def is_clean(act: Act, noise: frozenset[str]) -> bool:
    """Tell whether an act did what it was for, as far as its answer shows.

    A program may end with 1 where it found nothing to say: then it must have printed something.
    """
    if failure(act, noise) is not None:
        return False
    silent = act.kind is Kind.CALL or not act.answer.strip() or len(act.answer) > _SHORT
    return not (act.exit_code or act.is_error) or (act.exit_code in {None, 1} and not silent and _is_plain(act.answer))


def _is_plain(answer: str) -> bool:
    return not _WORDS.search(answer) and "Malformed" not in answer


def _edges(lines: tuple[str, ...]) -> Iterator[str]:
    kept = lines if len(lines) <= 2 * _EDGE else lines[:_EDGE] + lines[-_EDGE:]
    return (line for line in kept if 3 < len(line) <= _LONGEST and line.isprintable())


def _first(
    look: Callable[[Act, str], Failure | None], act: Act, lines: list[str], wanted: set[Class] | None = None
) -> Failure | None:
    found = (look(act, line) for line in lines)
    return next((each for each in found if each and (wanted is None or each.kind in wanted)), None)


def _made(kind: Class, quote: str, rest: str, source: str) -> Failure:
    return Failure(kind, clip(quote), general(rest, 100), source.rsplit("/", 1)[-1])


def _class_of(rest: str) -> Class:
    return next((kind for kind, words in _CLASSES if words.search(rest)), Class.PROGRAM)


def _shell_error(_: Act, line: str) -> Failure | None:
    """Read what the shell itself says. It may echo the command first, which is left out."""
    if syntax := _SYNTAX.search(line):
        return _made(Class.SYNTAX, syntax["rest"], syntax["rest"], "shell")
    shell = _SHELL.match(line)
    if not shell or not _WORDS.search(shell["rest"]) or _HARMLESS.search(shell["rest"]):
        return None
    rest = re.sub(r"^-c: (?:line \d+: )?", "", shell["rest"])
    if missing := _NO_COMMAND.match(rest):
        name = missing["one"] or missing["other"]
        return _made(Class.COMMAND, line, "command not found", name)
    inner = _PROGRAM.match(rest)
    return _made(_class_of(rest), line, inner["rest"] if inner else rest, inner["program"] if inner else "shell")


def _program_error(act: Act, line: str) -> Failure | None:
    """Read `program: what is wrong`, where the command runs that program."""
    found = _PROGRAM.match(line)
    if not found or not _WORDS.search(found["rest"]) or _HARMLESS.search(found["rest"]):
        return None
    name = found["program"].rsplit("/", 1)[-1]
    if name not in programs(act.program) and not re.search(rf"[(`/\s]{re.escape(name)}\s", act.program):
        return None
    return _made(_class_of(found["rest"]), line, found["rest"], name)


def _last_word(act: Act, lines: list[str]) -> Failure | None:
    """Read `program: what is wrong` in any words, where the act failed and nothing but that was said."""
    found = [match for line in lines if (match := _PROGRAM.match(line)) and not _HARMLESS.search(line)]
    names = {match["program"].rsplit("/", 1)[-1] for match in found}
    if not found or len(found) < len(lines) or len(names) > 1 or not names <= programs(act.program):
        return None
    return _made(_class_of(found[0]["rest"]), found[0][0], found[0]["rest"], names.pop())


def _plain_error(act: Act, line: str) -> Failure | None:
    if test := _TEST.match(line):
        return _made(Class.TEST, line, "a test fails", test["rest"].split("::")[0])
    if found := _ERROR.match(line):
        source = next(iter(sorted(programs(act.program))), "") if len(programs(act.program)) == 1 else "error"
        return _made(_class_of(found["rest"]), line, found["rest"], source)
    return None


def _raised(lines: list[str]) -> Failure | None:
    """Read the last exception that a traceback ends with."""
    for line in reversed(lines):
        if found := _RAISED.match(line):
            name, rest = found["name"].rsplit(".", 1)[-1], found["rest"] or ""
            missing = name in {"ModuleNotFoundError", "ImportError"} or rest.startswith("No module named")
            return _made(Class.MISSING if missing else Class.EXCEPTION, line, rest or name, name)
    return None


def _timed_out(act: Act, lines: list[str]) -> Failure | None:
    if not act.is_error and len(act.answer) > _SHORT:
        return None
    line = next((line for line in lines if _TIMED_OUT.search(line) and len(line) < 200), "")
    return _made(Class.TIMEOUT, line, "timed out", "time-out") if line else None


def _refusal(act: Act) -> Failure | None:
    """Read why a tool refused a call: what it returned is then little else."""
    text = _TAGS.sub("", act.answer[:_SHORT]).strip()
    if held := _IN_JSON.match(text):
        return _made(Class.REFUSED, held["rest"], held["rest"], act.tool)
    if not act.is_error and (not _OPENS.match(text) or len(act.answer) > 4 * _SHORT):
        return None
    line = next((line for line in text.splitlines() if not _BARE.fullmatch(line)), "").strip()
    if not line or not line.isprintable() or clip(line) not in act.answer:
        return None
    stated = _ERROR.match(line)
    return _made(Class.REFUSED, line, stated["rest"] if stated else line, act.tool)
