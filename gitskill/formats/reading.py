"""What a format gives for each run in a file, and what a format is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gitskill.formats.parse import Damaged
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.trace import Trace


@dataclass(frozen=True, slots=True)
class Reading:
    """A run as its file tells it: nothing redacted yet, nothing cut."""

    trace: Trace
    outcome: Outcome = UNLABELLED
    """As the format itself tells it, or a file beside the trace that belongs to the format."""
    place: str = ""
    """Where in the file, if it holds several runs: `line 7`, `[12]`."""
    parts: tuple[Path, ...] = ()
    """Other files or folders that belong to this run, and are no runs of their own."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A run, or what should be one, that cannot be read."""

    reason: str
    place: str = ""
    parts: tuple[Path, ...] = ()


def per_row(source: Source, read: Callable[[Any, str], Reading | Refused]) -> Iterator[Reading | Refused]:
    """Read a file with several runs: `read` takes each with its place; one that is damaged costs no other."""
    for place, value in source.rows():
        yield Refused(str(value), place) if isinstance(value, Damaged) else read(value, place)


class Format(Protocol):
    """One module in this package. It needs no more than these three names, and a line in the table."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """How people name the format, on the command line and in the trace."""

    def recognise(self, source: Source) -> bool:
        """Tell by its content whether a file is of this format. May raise Damaged: then it is not."""

    def read(self, source: Source) -> Iterator[Reading | Refused]:
        """Give every run in the file. Raises Damaged where the file as a whole cannot be read."""
