"""What an agent did, one act after the other, in whatever way its log tells it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from gitskill.analysts.draft import Studied
from gitskill.trace import Call, Json, Observation, Origin, Step, Trace

_LINE = ("command", "cmd", "keystrokes", "shell_command", "bash_command", "script")
_CODE = ("code", "python_code", "source")
_EDITORS = {"path", "file_path", "old_str", "new_str", "old_string", "new_string", "file_text", "filename"}
_SHELLS = ("-c", "-lc", "-ic", "/c", "-Command")


class Kind(StrEnum):
    """What an act is made of."""

    SHELL = "shell"
    CODE = "code"
    CALL = "call"


@dataclass(frozen=True)
class Act:
    """One use of a tool, with what came back."""

    at: int
    """Its place among the acts of the run, from 0."""
    step: int
    """The number of its step, from 1."""
    tool: str
    arguments: Json
    kind: Kind
    program: str
    """The command line or program; empty for a call with arguments."""
    answer: str
    answered: int
    """The number of the step that holds the answer."""
    exit_code: int | None = None
    is_error: bool = False
    reward: float | None = None

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines of the answer."""
        return tuple(self.answer.splitlines())


@dataclass(frozen=True)
class Run:
    """A studied run with its acts."""

    studied: Studied
    acts: tuple[Act, ...]

    @property
    def id(self) -> str:
        """The id of the trace."""
        return self.studied.id

    @property
    def task(self) -> str:
        """Name the task; a run without one is a task of its own."""
        return self.studied.trace.task or self.studied.id


def run_of(studied: Studied) -> Run:
    """Take the acts out of a run."""
    return Run(studied, tuple(acts(studied.trace)))


def acts(trace: Trace) -> Iterator[Act]:
    """Give the acts of a run in their order."""
    at = 0
    for number, step in enumerate(trace.steps, start=1):
        if step.origin is not Origin.AGENT:
            continue
        found = [_called(call, number) for call in step.calls] if step.calls else _told(trace, number, step)
        for act in found:
            yield Act(at, *act)
            at += 1


_Fields = tuple[int, str, Json, Kind, str, str, int, int | None, bool, float | None]


def _called(call: Call, number: int) -> _Fields:
    kind, program = _program(call.name, call.arguments)
    seen = call.observation or Observation("")
    return (
        number,
        call.name,
        call.arguments,
        kind,
        program,
        seen.text,
        number,
        seen.exit_code,
        seen.is_error,
        seen.reward,
    )


def _told(trace: Trace, number: int, step: Step) -> list[_Fields]:
    """Read a program that the agent wrote as its message, and that the next message, a tool's, answers."""
    after = trace.steps[number] if number < len(trace.steps) else None
    if not step.text or after is None or after.origin is not Origin.TOOL:
        return []
    return [(number, "", {}, Kind.CODE, step.text, after.text, number + 1, None, False, None)]


def _program(tool: str, arguments: Json) -> tuple[Kind, str]:
    """Find the command line or the program in a call's arguments."""
    if isinstance(arguments, str):
        return (Kind.SHELL, arguments) if _is_shell(tool) else (Kind.CALL, "")
    if not isinstance(arguments, Mapping) or _EDITORS & arguments.keys():
        return Kind.CALL, ""
    for kind, names in ((Kind.SHELL, _LINE), (Kind.CODE, _CODE)):
        for name in names:
            if text := _line(arguments.get(name)):
                return kind, text
    return Kind.CALL, ""


def _is_shell(tool: str) -> bool:
    return any(word in tool.lower() for word in ("bash", "shell", "terminal", "exec"))


def _line(value: Json) -> str:
    """Read a command, also one that is given as a list of words: what the shell gets is its last one."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return str(value[-1]) if len(value) > 2 and value[-2] in _SHELLS else " ".join(value)
    return ""
