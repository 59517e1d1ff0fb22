"""Options that several commands share, so that they mean the same everywhere."""

import click

min_support = click.option(
    "--min-support",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    metavar="N",
    help="Traces that must teach a lesson for it to stand in SKILL.md; others go to references/.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document with stable keys.")
