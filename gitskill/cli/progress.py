"""How far a run is, on the terminal or in a log."""

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
        self._tenth = self._before * 10 // of if of else 10

    def tell(self, fates: "Sequence[TraceFate]") -> None:
        """Show what is finished now."""
        self._fates += fates
        done = len(self._fates)
        if self._is_drawn:
            bar = "#" * (_WIDE * done // self._of)
            click.echo(f"\r\033[K  analyse   {done}/{self._of} [{bar:.<{_WIDE}}] {self._told()}", nl=False, err=True)
        elif done * 10 // self._of > self._tenth:
            self._tenth = done * 10 // self._of
            output.tell(f"  analyse   {done}/{self._of}  {self._told()}")

    def end(self) -> None:
        """Leave the last state on the terminal."""
        if self._is_drawn and len(self._fates) > self._before:
            click.echo(err=True)

    def _told(self) -> str:
        from gitskill.fate import Fate, State, tally

        counts = tally(self._fates)
        told = [output.counted(counts.lessons.total(), "lesson")]
        for number, what in (
            (counts.lessons[State.HELD], "held"),
            (counts.lessons[State.REJECTED], "rejected"),
            (counts.traces[Fate.FAILED], "traces failed"),
        ):
            told += [f"{number} {what}"] if number else []
        return ", ".join([*told, *self._cost(), *self._time()])

    def _cost(self) -> list[str]:
        from gitskill.report.status import total

        bill = total(self._bills())
        if not bill.calls:
            return []
        return [f"{bill.calls} calls", "price unknown" if bill.usd is None else f"${bill.usd:.2f}"]

    def _time(self) -> list[str]:
        """Say how long it takes still, by what was done in this process."""
        done, left = len(self._fates) - self._before, self._of - len(self._fates)
        spent = time.monotonic() - self._started
        return [f"about {clock(spent / done * left)} left"] if done and left else [clock(spent)]


def clock(seconds: float) -> str:
    """Write a time as `2m11s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
