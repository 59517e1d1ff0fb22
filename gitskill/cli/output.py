"""What reaches the terminal: results on stdout, all else on stderr, and no control character from anybody's data."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from gitskill.errors import GitskillError
from gitskill.visible import visible

if TYPE_CHECKING:
    from gitskill.model.ledger import Bill
    from gitskill.report.compare import Comparison, Difference
    from gitskill.report.sources import SourcedLine

_NAMES = 3
"""Lessons that are named beside a line: a heading may be taught by forty."""


def result(text: str = "", **style: Any) -> None:
    """Print one line of the result, in a colour where that has a meaning."""
    given = {name: value for name, value in style.items() if value}
    click.echo(click.style(_line(text), **given) if given else _line(text))


def block(text: str) -> None:
    """Print several lines of the result, of a text whose lines are its own."""
    click.echo(visible(text))


def exact(data: bytes) -> None:
    """Give the result byte for byte to a program that reads it; a terminal is shown what it may be shown."""
    shown = visible(data.decode(errors="replace")).encode() if sys.stdout.isatty() else data
    click.echo(shown, nl=False)


def document(value: Any) -> None:
    """Print the result as one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=True))


def tell(text: str) -> None:
    """Say something that is not the result, in one line."""
    click.echo(_line(text), err=True)


def _line(text: str) -> str:
    """Make one line of it: a line break in anybody's data must not begin a line that looks like ours."""
    return " ".join(visible(text).split("\n"))


def error(problem: GitskillError) -> None:
    """Say what went wrong, and what to do, in one line each."""
    tell(f"gitskill: {problem}")
    if problem.hint:
        tell(f"hint: {problem.hint}")


def counted(number: int, what: str) -> str:
    """Write `1 lesson`, `2 lessons`."""
    plural = f"{what}es" if what.endswith("ch") else f"{what}s"
    return f"{number} {what if number == 1 else plural}"


def bill(value: "Bill") -> str:
    """Say what models were paid."""
    cost = "price unknown" if value.usd is None else f"${value.usd:.2f}"
    tokens = f"{value.tokens.input:,} tokens in, {value.tokens.output:,} out"
    unsure = f", and {counted(value.maybe_paid, 'call')} that may be billed" if value.maybe_paid else ""
    return f"{counted(value.calls, 'call')}, {tokens}, {cost}{unsure}"


def table(rows: Iterable[Sequence[str]]) -> None:
    """Print rows with their columns aligned; the last column runs free."""
    rows = [tuple(map(_line, row)) for row in rows]
    widths = [
        max((len(row[n]) for row in rows if n < len(row) - 1), default=0) for n in range(max(map(len, rows), default=0))
    ]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        click.echo("  ".join([*cells, row[-1]]).rstrip())


def comparison(value: "Comparison", *, lessons: bool = True, words: bool = False) -> None:
    """Print what differs between two versions: by section, each added line with its lessons, or word by word."""
    added = [line for item in value.differences for line in item.added if lessons]
    names = lesson_names(added, most=_NAMES)
    wide = max((len(name) + 1 for name in map(names, added) if name), default=0)
    for item in value.differences:
        result()
        result(f"{item.path}  {item.section}".rstrip(), bold=True)
        if words and item.words:
            _words(item, wide, names if lessons else None)
            continue
        for text in item.removed:
            result(f"- {'':{wide}}{text}".rstrip(), fg="red")
        for line in item.added:
            result(f"+ {names(line) if lessons else '':{wide}}{line.line.text}".rstrip(), fg="green")
    if value.differences:
        result()
    for path in value.replaced:
        what = "new" if path in value.created else "gone" if path in value.deleted else "replaced"
        result(f"{path}: {what}, binary")
    for path in value.otherwise:
        result(f"{path}: another mode, kind or end of file")
    result(value.summary)


def _words(item: "Difference", wide: int, names: "Callable[[SourcedLine], str] | None") -> None:
    """Print lines with what went as [-…-] and what came as {+…+}, and before them the lessons that changed them."""
    from gitskill.skill.words import Mark

    looks = {Mark.SAME: ("", "", None), Mark.REMOVED: ("[-", "-]", "red"), Mark.ADDED: ("{+", "+}", "green")}
    told = " ".join(dict.fromkeys(name for line in item.added if names and (name := names(line))))
    line = ""
    for piece in item.words:
        begin, end, colour = looks[piece.mark]
        for number, text in enumerate(piece.text.split("\n")):
            if number:
                click.echo(f"~ {told:{wide}}{line}".rstrip())
                line = ""
            line += click.style(f"{begin}{_line(text)}{end}", fg=colour) if text else ""
    click.echo(f"~ {told:{wide}}{line}".rstrip())


def lesson_names(lines: Iterable["SourcedLine"], most: int | None = None) -> Callable[["SourcedLine"], str]:
    """Give how to name the lessons of a line: by their short ids, unless several runs are on the screen.

    At most `most` of them, and how many more there are.
    """
    several = len({lesson.run for line in lines for lesson in line.line.lessons}) > 1

    def named(line: "SourcedLine") -> str:
        every = [str(lesson) if several else lesson.short for lesson in line.line.lessons]
        more = [f"+{len(every) - most}"] if most and len(every) > most else []
        return " ".join(every[:most] + more)

    return named
