"""Which task a run belongs to: what lets runs of the same task find each other."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gitskill.errors import InvalidInput
from gitskill.trace import Trace

RULES = "log, file, folder, text or path:REGEX"
_LONGEST = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class TaskRule:
    """Where the id of the task is taken from."""

    where: str = "log"
    pattern: re.Pattern[str] | None = None

    @classmethod
    def parse(cls, text: str) -> "TaskRule":
        """Read `file` or `path:runs/([^/]+)/`, or raise InvalidInput."""
        where, colon, pattern = text.partition(":")
        if where == "path" and colon:
            try:
                return cls(where, re.compile(pattern))
            except (re.error, OverflowError, RecursionError) as error:
                raise InvalidInput(f"--task-from {text!r}: {error}") from error
        if text not in {"log", "file", "folder", "text"}:
            raise InvalidInput(f"--task-from {text!r} is no rule", hint=f"one of {RULES}")
        return cls(text)

    def task(self, trace: Trace, path: Path, clean: Callable[[str], str]) -> str:
        """Name the task of a run. What comes from the path is cleaned first: folders carry names of people.

        Where the rule finds nothing the log's own id stands, and where the log
        has none, the task's text: the same words are the same task.
        """
        found = self._found(trace, Path(clean(str(path))))
        names = (found, trace.task, by_text(trace.request), clean(_stem(path)))
        return next((name for name in map(_one_line, names) if name), "")[:_LONGEST]

    def _found(self, trace: Trace, path: Path) -> str:
        match self.where:
            case "file":
                return _stem(path)
            case "folder":
                return path.parent.name
            case "path" if self.pattern and (match := self.pattern.search(path.as_posix())):
                return match[match.lastindex or 0]
            case "text":
                return by_text(trace.request)
            case _:
                return ""


def by_text(request: str) -> str:
    """Name a task by its words."""
    words = " ".join(request.split())
    return f"text-{hashlib.sha256(words.encode(errors='replace')).hexdigest()[:12]}" if words else ""


def _one_line(text: str) -> str:
    """Fold spaces and control characters: a task's name stands in lists and in commits."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _stem(path: Path) -> str:
    return path.name.split(".", 1)[0] or path.name
