"""The progress line on a real terminal: it never wraps, never leaves letters behind, and ends with its line."""

import os
import pty
import struct
import sys
import termios
from collections.abc import Callable, Mapping
from fcntl import ioctl
from io import FileIO, TextIOWrapper

import pytest

from gitskill.cli import output
from gitskill.cli.progress import Progress
from gitskill.fate import Fate, LessonFate, State, TraceFate
from gitskill.model.ledger import Bill
from gitskill.model.request import Label


class Terminal:
    """A pseudo-terminal that stands in for stderr."""

    def __init__(self, columns: int, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._ours, theirs = pty.openpty()
        mode = termios.tcgetattr(theirs)
        mode[1] &= ~termios.OPOST
        termios.tcsetattr(theirs, termios.TCSANOW, mode)
        self.stream = TextIOWrapper(FileIO(theirs, "w"), write_through=True)
        self.resize(columns)

    def resize(self, columns: int) -> None:
        self.columns = columns
        ioctl(self.stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def stand_in_for(self, name: str) -> None:
        """Take the place of a standard stream: in the test itself, for pytest sets them after the fixtures."""
        self._patch.setattr(sys, name, self.stream)

    def progress(self, of: int, known: Callable[[], Mapping[Label, Bill]]) -> Progress:
        self.stand_in_for("stderr")
        return Progress(of, [], known)

    def said(self) -> str:
        """Give everything written to it, and close it."""
        self.stream.write("\0")
        read = b""
        while not read.endswith(b"\0"):
            read += os.read(self._ours, 65536)
        self.stream.close()
        os.close(self._ours)
        return read[:-1].decode()


def seen(text: str) -> list[str]:
    """Give the lines that a person sees: a return goes back to the start, and letters stand until overwritten."""
    lines = []
    for row in text.split("\n"):
        cells = ""
        for part in row.split("\r"):
            cells = part + cells[len(part) :]
        lines.append(cells.rstrip())
    return lines


@pytest.fixture(params=[40, 80])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(request.param, monkeypatch)


def bills() -> dict[Label, Bill]:
    return {Label("r0001", "error", "t"): Bill(calls=1, usd=0.25)}


def failed(number: int) -> TraceFate:
    return TraceFate(number, Fate.FAILED, "no answer")


def taught(number: int) -> TraceFate:
    held = (LessonFate("l0001a", "T", State.HELD), LessonFate("l0001b", "T", State.REJECTED))
    return TraceFate(number, Fate.LESSONS, lessons=held)


def test_no_line_is_wider_than_the_terminal_and_none_leaves_letters_behind(terminal: Terminal) -> None:
    progress = terminal.progress(12, bills)
    for number in range(1, 13):
        progress.tell([taught(number)])
    progress.end()
    said = terminal.said()

    assert "\x1b" not in said
    assert max(map(len, said.replace("\n", "\r").split("\r"))) < terminal.columns
    last, rest = seen(said)
    assert last.startswith("  analyse   12/12 ")
    assert last == said.split("\r")[-1].rstrip()
    assert rest == ""


def test_a_shorter_line_overwrites_a_longer_one(terminal: Terminal) -> None:
    wide = {Label("r0001", "error", "t"): Bill(calls=1, usd=None)}
    price = [wide, bills()]
    progress = terminal.progress(2, lambda: price.pop(0))
    progress.tell([failed(1)])
    progress.tell([taught(2)])
    progress.end()

    assert seen(terminal.said())[0].count("analyse") == 1


def test_a_terminal_that_was_made_narrow_gets_narrow_lines(terminal: Terminal) -> None:
    progress = terminal.progress(9, bills)
    progress.tell([taught(1)])
    terminal.resize(30)
    progress.tell([taught(2)])
    progress.end()

    assert len(terminal.said().split("\r")[-1].rstrip("\n")) < terminal.columns


def test_the_line_is_ended_once(terminal: Terminal) -> None:
    progress = terminal.progress(2, bills)
    progress.end()
    progress.tell([failed(1)])
    progress.end()
    progress.end()

    assert terminal.said().count("\n") == 1


def test_one_is_told_as_one(terminal: Terminal) -> None:
    terminal.resize(120)
    progress = terminal.progress(2, bills)
    progress.tell([failed(1)])
    progress.end()
    told = terminal.said()

    assert "0 lessons, 1 trace failed, 1 call, $0.25, about " in told


def test_a_line_break_in_data_begins_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.result("anomaly x\n  lessons  99: 99 merged")
    output.tell("skipped y\nrun r0001")

    assert capsys.readouterr() == ("anomaly x   lessons  99: 99 merged\n", "skipped y run r0001\n")


def test_a_text_of_several_lines_keeps_them_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    output.block("* one\n* two\x1b")

    assert capsys.readouterr().out == "* one\n* two\\u{1b}\n"


def test_only_a_line_with_a_style_carries_escape_codes(terminal: Terminal) -> None:
    terminal.stand_in_for("stdout")
    output.result("plain", fg=None)
    output.result("red", fg="red")

    assert terminal.said() == "plain\n\x1b[31mred\x1b[0m\n"
