"""Every failure gitskill expects. Anything else is a bug and keeps its traceback."""

from typing import ClassVar


class GitskillError(Exception):
    """A failure the user can act on.

    The message says what happened, the hint says what to do next, and the exit
    code tells a script which kind of failure it was. Codes 1 and 2 stay free:
    Python uses 1 for a traceback, click uses 2 for a usage error.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InvalidInput(GitskillError):
    """What was given or examined breaks its format: a skill, an edit, a diff, a path, a name."""


class NotFound(GitskillError):
    """A name that leads to nothing in this repository."""


class NeedsPerson(GitskillError):
    """Lessons clash, or a safety rule stops us: only a person can decide."""

    exit_code = 4


class GitRefused(GitskillError):
    """Git, or the kind of repository, does not let us do this; nothing was written."""

    exit_code = 5


class RefMoved(GitRefused):
    """A ref changed while we worked; nothing was written."""

    def __init__(self, ref: str) -> None:
        super().__init__(f"{ref} moved while gitskill was working; nothing was written", hint="run the command again")
        self.ref = ref
