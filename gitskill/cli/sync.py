"""gitskill sync"""

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.sync import Step, Wish


@dataclass(frozen=True, slots=True)
class _Flags:
    """What is to go which way."""

    only_pull: bool = False
    only_push: bool = False
    traces: bool = False
    lessons: str | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.only_pull and self.only_push:
            raise click.UsageError("--pull and --push together are what sync does without them")


_FLAGS = (
    click.option("--pull", "only_pull", is_flag=True, help="Only bring what is new there."),
    click.option("--push", "only_push", is_flag=True, help="Only send what is new here."),
    click.option("--traces", is_flag=True, help="Traces too: what agents did, without the secrets that were found."),
    click.option("--lessons", metavar="RUN|all", help="The branches of a run's lessons and merges too."),
    click.option("--dry-run", "-n", is_flag=True, help="Say what would go where; move no ref, here or there."),
)


@click.command()
@click.argument("remote", default="", metavar="[REMOTE]")
@options.together("flags", _Flags, _FLAGS)
@options.as_json
@click.pass_obj
def sync(session: Session, remote: str, flags: _Flags, as_json: bool) -> int:
    """Share runs, rejections and, if you like, traces with a team.

    REMOTE is a name or a URL; without it, the one that git would take. Each ref
    goes by its own name: your branches and tags are yours to push, and what
    gitskill keeps for undo never leaves. What comes is checked first. Exit code
    7 where something was left out or both versions were kept, each named.

    \b
    Example:
      gitskill sync origin
      gitskill sync --pull --traces
    """
    from gitskill import sync as steps
    from gitskill.store.remote import default

    if flags.lessons == "":
        raise click.UsageError("--lessons is empty: name a run, such as r0007, or say all")
    wish = steps.Wish(remote or default(session.repository), flags.traces, flags.lessons or "")
    may_ask = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    there = steps.look(session.repository, wish, may_ask=may_ask)
    found = _Done(*([], []) if flags.only_push else _pull(session, wish, there, dry_run=flags.dry_run, may_ask=may_ask))
    if not flags.only_pull:
        pushed, kept = steps.push(
            session.repository, wish, there, session.who(), dry_run=flags.dry_run, may_ask=may_ask
        )
        found.pushed.extend(pushed)
        told = {each.ref.partition(":")[0] for each in found.skipped}
        found.skipped.extend(each for each in kept if each.ref not in told)
    _show(found, wish.shown(session.repository), flags, as_json=as_json)
    return 7 if found.skipped else 0


@dataclass(frozen=True, slots=True)
class _Done:
    """What went which way, and what did not."""

    pulled: "list[Step]"
    skipped: "list[Step]"
    pushed: "list[Step]" = field(default_factory=list)


def _show(found: _Done, remote: str, flags: _Flags, *, as_json: bool) -> None:
    every = {"pulled": found.pulled, "pushed": found.pushed, "skipped": found.skipped}
    if as_json:
        rows = {name: [_document(each) for each in steps] for name, steps in every.items()}
        output.document({"remote": remote, "dry_run": flags.dry_run, **rows})
        return
    output.table([(each.what, each.ref, each.detail) for steps in every.values() for each in steps])
    if not any(every.values()):
        output.tell("  nothing is new, here or there")


def _pull(
    session: Session, wish: "Wish", there: dict[str, str], *, dry_run: bool, may_ask: bool
) -> "tuple[list[Step], list[Step]]":
    from gitskill import sync as steps
    from gitskill.cli.traces_add import redactor

    who = session.who()
    found = steps.pull(session.repository, wish, there, redactor(session), who, may_ask=may_ask)
    if not dry_run:
        steps.settle(session.repository, wish, found, who)
    return found.steps, found.skipped


def _document(step: "Step") -> dict[str, str]:
    return {"ref": step.ref, "what": step.what, "detail": step.detail}
