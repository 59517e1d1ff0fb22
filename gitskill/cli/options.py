"""Options that several commands share, so that they mean the same everywhere."""

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document with stable keys.")
