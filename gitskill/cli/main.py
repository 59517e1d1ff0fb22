"""The `gitskill` program: its commands, and the one place where an error becomes text and an exit code."""

import errno
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click
from click.shell_completion import shell_complete

from gitskill.cli import output
from gitskill.cli.session import Session
from gitskill.errors import GitskillError

COMMANDS = {
    "init": "init:init",
    "check": "check:check",
    "traces": "traces:traces",
    "forget": "forget:forget",
    "plan": "plan:plan",
    "evolve": "evolve:evolve",
    "analyse": "analyse:analyse",
    "consolidate": "consolidate:consolidate",
    "status": "status:status",
    "runs": "runs:runs",
    "review": "review:review",
    "lesson": "lesson:lesson",
    "show": "show:show",
    "diff": "diff:diff",
    "merge": "merge:merge",
    "release": "release:release",
    "rollback": "rollback:rollback",
    "pr": "pr:pr",
    "report": "report:report",
    "log": "log:log",
    "changelog": "changelog:changelog",
    "blame": "blame:blame",
    "trace-of": "trace_of:trace_of",
    "verify": "verify:verify",
    "drop": "drop:drop",
    "restore": "restore:restore",
    "undo": "undo:undo",
    "export": "export:export",
    "sync": "sync:sync",
    "install": "install:install",
    "uninstall": "install:uninstall",
    "hook": "hook:hook",
    "prune": "prune:prune",
    "doctor": "doctor:doctor",
    "demo": "demo:demo",
}
"""Command to module and function, in the order in which a person meets them."""

_COMPLETE = "_GITSKILL_COMPLETE"
"""The variable by which a shell asks for completions; the name is click's."""

_OUTPUT_ERRORS = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF}

_EPILOG = (
    "Exit codes: 0 done, 2 usage, 3 invalid input, 4 a person must decide, 5 git moved or refused, "
    "6 the model is unreachable or unusable, 7 done, some inputs skipped, 75 paused by a budget or a limit."
)


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
    ctx.color = False if ctx.obj.get("NO_COLOR") else None
    ctx.obj = Session(directory, skill, ctx.obj)


def main() -> NoReturn:
    """Run the program. Never returns; the exit code says what happened."""
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without the letters still shows something
    instruction = os.environ.get(_COMPLETE)
    if instruction:
        sys.exit(shell_complete(program, {}, "gitskill", _COMPLETE, instruction))
    sys.exit(run(sys.argv[1:], os.environ))


def run(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    try:
        with program.make_context("gitskill", arguments, obj=environment) as context:
            result: Any = program.invoke(context)
        if sys.stdout:
            sys.stdout.flush()
    except GitskillError as error:
        output.error(error)
        return error.exit_code
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        for line in _usage(error).splitlines():
            output.tell(line)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        output.tell("gitskill: interrupted")
        return 130
    except OSError as error:
        return _output_failed(error)
    return result if isinstance(result, int) else 0


def _usage(error: click.ClickException) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message()
    context = getattr(error, "ctx", None)
    lines = [context.get_usage(), f"Try '{context.command_path} --help' for help.", ""] if context else []
    return "\n".join([*lines, f"Error: {error.format_message()}"])


def _output_failed(error: OSError) -> int:
    """Say that the result could not be printed, unless its reader has just had enough. Any other OSError is a bug."""
    if error.filename is not None or error.errno not in _OUTPUT_ERRORS:
        raise error
    # Python would complain once more while closing stdout.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if error.errno == errno.EPIPE:
        return 0
    with suppress(OSError):  # what cannot be told cannot be told
        output.tell(f"gitskill: the result cannot be printed: {error.strerror}")
    return 5


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)
