"""The `gitskill` program: its commands, and the one place where an error becomes text and an exit code."""

import os
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from gitskill.cli import output
from gitskill.cli.session import Session
from gitskill.errors import GitskillError

COMMANDS = {
    "init": "init:init",
    "check": "check:check",
    "lesson": "lesson:lesson",
    "show": "show:show",
    "diff": "diff:diff",
    "merge": "merge:merge",
    "log": "log:log",
    "blame": "blame:blame",
    "undo": "undo:undo",
    "prune": "prune:prune",
    "doctor": "doctor:doctor",
    "demo": "demo:demo",
}
"""Command to module and function, in the order in which a person meets them."""

_EPILOG = "Exit codes: 0 done, 2 usage, 3 invalid input, 4 a person must decide, 5 git moved or refused."


class _Program(click.Group):
    """Loads a command when it is asked for, so that --help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"gitskill.cli.{module}"), name)
        return command


@click.group(cls=_Program, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    metavar="PATH",
    help="Work as if started in PATH.",
)
@click.option("--skill", metavar="PATH", help="The skill's folder, where the repository holds several.")
@click.version_option(package_name="gitskill", prog_name="gitskill", message="%(prog)s %(version)s")
@click.pass_context
def program(ctx: click.Context, directory: Path, skill: str | None) -> None:
    """Version control for what agents know.

    Every lesson is a commit on its own branch, consolidation is an octopus
    merge, and the evolved skill is a tagged release.
    """
    ctx.obj = Session(directory, skill, ctx.obj)


def main() -> NoReturn:
    """Run the program. Never returns; the exit code says what happened."""
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(run(sys.argv[1:], os.environ))


def run(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    try:
        result: Any = program.main(arguments, prog_name="gitskill", standalone_mode=False, obj=environment)
        sys.stdout.flush()
    except GitskillError as error:
        output.error(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        output.tell("gitskill: interrupted")
        return 130
    except BrokenPipeError:
        # The reader of our output has had enough. Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)
