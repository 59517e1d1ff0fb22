"""Options that several commands share, so that they mean the same everywhere."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from typing import Any, Protocol, TypeVar

import click

T = TypeVar("T")
Command = Callable[..., T]


class Decorator(Protocol):
    """Gives a command more options."""

    def __call__(self, command: Command[T], /) -> Command[T]:
        """Give the command with its options."""
        ...


def together(name: str, kind: type[Any], options: Sequence[Decorator]) -> Decorator:
    """Make a decorator that gives a command these options, and hands them over as one argument, a `kind`."""

    def decorate(command: Command[T]) -> Command[T]:
        @wraps(command)
        def collected(*args: Any, **kwargs: Any) -> T:
            given = {each.name: kwargs.pop(each.name) for each in fields(kind)}
            return command(*args, **{name: kind(**given)}, **kwargs)

        found: Command[T] = collected
        for option in reversed(options):
            found = option(found)
        return found

    return decorate


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document with stable keys.")


sign = click.option("--sign", is_flag=True, help="Sign the tag as your own git configuration says.")


MIN_SUPPORT = 2
_MIN_SUPPORT = click.option(
    "--min-support",
    type=click.IntRange(1),
    default=MIN_SUPPORT,
    show_default=True,
    metavar="N",
    help="Traces that must teach a lesson for it to stand in SKILL.md; others go to references/.",
)
engine = click.option(
    "--engine",
    type=click.Choice(["auto", "model", "rules"]),
    default="auto",
    show_default=True,
    help="Who settles clashes: the model if one is configured, a model, or support alone.",
)
"""Who decides between lessons that cannot stand side by side."""


def placing(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the options of a consolidation."""
    return _MIN_SUPPORT(engine(command))
