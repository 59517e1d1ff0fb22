"""How far a run is, on the terminal or in a log."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from gitskill.cli import output

if TYPE_CHECKING:
    from gitskill.fate import TraceFate
    from gitskill.model.ledger import Bill
    from gitskill.model.request import Label

_WIDE = 16


class Progress:
    """Draws one line on a terminal; elsewhere tells each tenth on a line of its own."""

    def __init__(self, of: int, known: "Iterable[TraceFate]", bills: "Callable[[], Mapping[Label, Bill]]") -> None:
        self._of = of
        self._fates = list(known)
        self._before = len(self._fates)
        self._bills = bills
        self._started = time.monotonic()
        self._is_drawn = bool(sys.stderr and sys.stderr.isatty())
        self._shown = 0
        """The width of the line that is drawn; 0 where the cursor is at the start of a free one."""
        self._tenth = self._before * 10 // of if of else 10

    def tell(self, fates: "Sequence[TraceFate]") -> None:
        """Show what is finished now."""
        self._fates += fates
        done = len(self._fates)
        if self._is_drawn:
            self._draw()
        elif done * 10 // self._of > self._tenth:
            self._tenth = done * 10 // self._of
            output.tell(f"  analyse   {done}/{self._of}  {self._told()}")

    def end(self) -> None:
        """Leave the last state on the terminal, on a line of its own. Twice is once."""
        if self._shown:
            self._shown = 0
            click.echo(err=True)

    def _draw(self) -> None:
        """Draw over what was drawn before, with spaces: escape sequences do not reach every terminal."""
        done, told, room = len(self._fates), self._told(), _columns() - 1
        head, bar = f"  analyse   {done}/{self._of}", f"[{'#' * (_WIDE * done // self._of):.<{_WIDE}}]"
        whole = f"{head} {bar} {told}"
        line = (whole if len(whole) <= room else f"{head} {told}")[:room]
        click.echo(f"\r{line:<{min(self._shown, room)}}", nl=False, err=True)
        self._shown = len(line)

    def _told(self) -> str:
        from gitskill.fate import Fate, State, tally

        counts = tally(self._fates)
        failed = counts.traces[Fate.FAILED]
        told = [output.counted(counts.lessons.total(), "lesson")]
        for number, what in (
            (counts.lessons[State.HELD], f"{counts.lessons[State.HELD]} held"),
            (counts.lessons[State.REJECTED], f"{counts.lessons[State.REJECTED]} rejected"),
            (failed, f"{output.counted(failed, 'trace')} failed"),
        ):
            told += [what] if number else []
        return ", ".join([*told, *self._cost(), *self._time()])

    def _cost(self) -> list[str]:
        from gitskill.report.status import total

        bill = total(self._bills())
        if not bill.calls:
            return []
        return [output.counted(bill.calls, "call"), "price unknown" if bill.usd is None else f"${bill.usd:.2f}"]

    def _time(self) -> list[str]:
        """Say how long it takes still, by what was done in this process."""
        done, left = len(self._fates) - self._before, self._of - len(self._fates)
        spent = time.monotonic() - self._started
        return [f"about {clock(spent / done * left)} left"] if done and left else [clock(spent)]


def _columns() -> int:
    """Measure the terminal now: its user may have changed it. Stdout may be a file."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def clock(seconds: float) -> str:
    """Write a time as `2m11s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
