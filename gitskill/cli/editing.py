"""A text in the person's own editor, as git opens one."""

import subprocess
import tempfile
from pathlib import Path

from gitskill.cli.session import Session
from gitskill.errors import InvalidInput
from gitskill.ids import LessonId

_HEAD = """\
# What {lesson} changes. Edit the lines that begin with + and -, or add some.
# Lines that begin with a space must stay as they are. Leave all as it is, and nothing happens.
"""


def edited(session: Session, text: str, lesson: LessonId) -> str:
    """Open `text` in the editor and give what the person made of it, or raise InvalidInput: the editor failed."""
    head = _HEAD.format(lesson=lesson)
    with tempfile.TemporaryDirectory(prefix="gitskill-") as folder:
        file = Path(folder) / f"{lesson.short}.diff"
        file.write_bytes((head + text).encode("utf-8", "surrogateescape"))
        editor = session.editor
        try:
            # As git does: the setting is a command line, and the shell is the person's.
            done = subprocess.run(  # noqa: S603
                ["/bin/sh", "-c", f'{editor} "$@"', editor, str(file)], env=dict(session.environment), check=False
            )
            changed = file.read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            raise InvalidInput(f"the editor cannot be run: {error.strerror}") from error
    if done.returncode:
        raise InvalidInput(
            f"the editor {editor!r} ended with {done.returncode}; nothing was changed", hint="set GIT_EDITOR to yours"
        )
    return "\n".join(line for line in changed.split("\n") if not line.startswith("#"))
