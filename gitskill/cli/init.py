"""gitskill init"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitskill.cli import models, output
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput

if TYPE_CHECKING:
    from gitskill.cli.models import Chosen
    from gitskill.drafting import Drafted
    from gitskill.model.budget import Limits
    from gitskill.store.repository import Repository

_SKELETON = "no model is asked: SKILL.md is a skeleton, its headings are to be filled in"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--name", default="", help="The skill's name; else the folder's.")
@click.option("--description", default="", help="What the skill does and when to use it.")
@click.option("--draft", metavar="TEXT", help="What the skill is for: the model writes it from what it knows.")
@models.flags
@click.pass_obj
def init(
    session: Session, folder: Path, name: str, description: str, draft: str | None, flags: models.ModelFlags
) -> None:
    """Start a skill in FOLDER, or take on the one that is there.

    A new SKILL.md comes from a template, or, with --draft, from the model; an
    existing one is committed as it is. FOLDER becomes a git repository where it
    is not inside one. The base is tagged v1.0.0. Nothing is overwritten.

    \b
    Example:
      gitskill init sheets --description "Edit spreadsheets. Use for xlsx."
      gitskill init sheets --draft "editing spreadsheets with openpyxl"
    """
    from gitskill.disk import nearest_folder
    from gitskill.start import start

    place = session.directory / folder
    _refuse_senseless(place, description, draft, flags)
    who = session.who(path=nearest_folder(place))
    write = _drafter(session, place, flags, draft) if draft else None
    if draft and write is None:
        output.tell(f"model     {_SKELETON}" + ("" if flags.offline else " (gitskill doctor tells more)"))
    started = start(place, name, description or (draft or "" if write is None else ""), who, write)
    verb = "started" if started.created else "took on"
    output.result(f"{verb} skill {started.name} in {place}")
    if started.commit:
        output.result(f"committed {started.commit[:10]}")
    if started.tag:
        output.result(f"tagged {started.tag}")
    if write:
        output.tell("  look     a model wrote it and nobody has tried it: read SKILL.md before an agent does")
    output.tell("  next     edit SKILL.md, then: git diff | gitskill lesson add --title TITLE --why WHY --diff -")


def _refuse_senseless(place: Path, description: str, draft: str | None, flags: models.ModelFlags) -> None:
    from gitskill.skill.snapshot import SKILL_FILE
    from gitskill.start import is_new

    if draft is not None and not draft.strip():
        raise click.UsageError("--draft is empty: say what the skill is for")
    if draft and description:
        raise click.UsageError("--draft writes the description too: it does not go with --description")
    if draft is None and flags != models.ModelFlags():
        raise click.UsageError("the options of a model are for --draft")
    if draft and not is_new(place / SKILL_FILE):
        raise InvalidInput(f"{place / SKILL_FILE} is there already", hint="without --draft, init takes it on as it is")


def _drafter(
    session: Session, place: Path, flags: models.ModelFlags, purpose: str
) -> "Callable[[str], Drafted] | None":
    """Give what has a skill drafted, and tells what came of it; None where there is no model."""
    from gitskill.start import repository_around

    repository = repository_around(place)
    found = models.choose(session, flags, narrow=lambda limits: _narrowed(repository, place, limits))
    if found.setup is None:
        return None
    for note in found.notes:
        output.tell(note)
    ledger = repository.common_dir / "gitskill" / "ledger.db" if repository else _own_ledger(session)

    def write(name: str) -> "Drafted":
        drafted = _drafted(found, ledger, name, purpose)
        for each in drafted.reach:
            output.tell(f"  reach     SKILL.md line {each.line}: {each.message}")
        return drafted

    return write


def _narrowed(repository: "Repository | None", place: Path, limits: "Limits") -> "Limits":
    """Tighten limits by what the repository has committed, where there is any."""
    from gitskill.cli.configured import narrowed_in
    from gitskill.store.skills import folder_in

    if repository is None or repository.git.head_is_unborn:
        return limits
    return narrowed_in(repository, repository.head(), folder_in(repository, place), limits)


def _own_ledger(session: Session) -> Path:
    """Give the ledger outside all repositories: the one to come is made when there is something to put into it."""
    from gitskill.config import own_ledger

    if found := own_ledger(session.environment):
        return found
    raise InvalidInput("HOME names no folder to keep the model's answer in", hint="git init, then the same again")


def _drafted(chosen: "Chosen", ledger: Path, name: str, purpose: str) -> "Drafted":
    from asyncio import run

    from gitskill.drafting import Drafter, Wanted
    from gitskill.model.ledger import Bill
    from gitskill.model.stack import opened
    from gitskill.prompts import Prompts

    wanted, prompts = Wanted(name, purpose), Prompts(chosen.prompts)

    async def ask() -> "Drafted":
        if chosen.setup is None:
            raise InvalidInput("no model is configured")
        async with opened(chosen.setup, ledger, wanted.run) as model:
            try:
                return await Drafter(model.model, model.name, prompts, chosen.redactor).draft(wanted)
            finally:
                bill = sum(model.bills().values(), Bill())
                if bill.calls or bill.maybe_paid:
                    output.tell(f"  draft     {output.bill(bill)}")
                elif bill.replayed:
                    output.tell("  draft     paid for before: nothing was asked")

    return run(ask())
