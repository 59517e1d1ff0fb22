"""A person at a terminal: the real program on a pty, answered at each of its questions."""

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_CODE = "from gitskill.cli.main import main; main()"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PATIENCE = 60


@dataclass(frozen=True)
class Screen:
    """What stood on the terminal in the end, without colours, and how the program ended."""

    code: int
    text: str


def typed(folder: Path, *args: str, answers: Sequence[str], env: dict[str, str] | None = None) -> Screen:
    """Run `gitskill ARGS` and type an answer at each question; after the last one, the end of input."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _CODE, "-C", str(folder), *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **(env or {})},
    )
    os.close(theirs)
    shown, left = b"", list(answers)
    asked = 0
    while select.select([ours], [], [], _PATIENCE)[0]:
        try:
            read = os.read(ours, 65536)
        except OSError:  # the program has ended
            break
        shown += read
        questions = len(re.findall(rb"(?:for help|why): ", shown))
        while asked < questions:
            os.write(ours, (left.pop(0) + "\n").encode() if left else b"\x04")
            asked += 1
    os.close(ours)
    code = process.wait(_PATIENCE)
    return Screen(code, _COLOURS.sub("", shown.decode()).replace("\r\n", "\n"))
