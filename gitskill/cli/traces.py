"""gitskill traces"""

from importlib import import_module

import click

_COMMANDS = ("add", "list", "show", "label", "rm", "stats")


class _Traces(click.Group):
    """Loads a command when it is asked for, as the program does."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"gitskill.cli.traces_{cmd_name}").command
        return command


@click.group(cls=_Traces)
def traces() -> None:
    """Bring in what agents did, and look at it.

    A trace is one run of an agent: its task, its steps, and how it ended.
    Secrets, e-mail addresses and home folders are taken out before anything
    is stored.

    \b
    Example:
      gitskill traces add ~/.claude/projects/sheets
    """
