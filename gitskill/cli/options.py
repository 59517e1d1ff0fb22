"""Options that several commands share, so that they mean the same everywhere."""

from collections.abc import Callable
from typing import TypeVar

import click

T = TypeVar("T")

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document with stable keys.")


_MIN_SUPPORT = click.option(
    "--min-support",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    metavar="N",
    help="Traces that must teach a lesson for it to stand in SKILL.md; others go to references/.",
)
_ENGINE = click.option(
    "--engine",
    type=click.Choice(["auto", "model", "rules"]),
    default="auto",
    show_default=True,
    help="Who settles clashes: the model if one is configured, a model, or support alone.",
)


def placing(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the options of a consolidation."""
    return _MIN_SUPPORT(_ENGINE(command))
