"""Who decides again between lessons when one of them goes: support alone, or a model at a price told first."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import click

from gitskill.cli import models, options, output
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput, NeedsPerson

if TYPE_CHECKING:
    from gitskill.cli.models import Chosen, ModelFlags
    from gitskill.consolidate.settle import Settler
    from gitskill.drop import Drop
    from gitskill.model.request import Answer, Model, Question
    from gitskill.model.stack import Opened
    from gitskill.node import Node

Work = Callable[[Callable[["Node"], "Settler"]], Awaitable["Drop"]]
"""Plans a drop, given who decides for each merge that is made anew."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a command line wants lessons to go."""

    why: str = ""
    engine: str = "auto"
    yes: bool = False
    dry_run: bool = False


_OPTIONS = (
    click.option("--why", default="", help="The reason, for those who read the history."),
    options.engine,
    click.option("--yes", is_flag=True, help="Agree to the price of asking a model again."),
    click.option("--dry-run", "-n", is_flag=True, help="Say what would change; change nothing."),
)


wishes = options.together("wish", Wish, _OPTIONS)
"""Gives a command the options of a drop; it gets them as one argument `wish`, a Wish."""


def settled(session: Session, flags: "ModelFlags", wish: Wish, work: Work) -> "Drop":
    """Plan a drop by `work`. A model is asked only where lessons are left to decide between, and after its price."""
    from gitskill.consolidate.rules import BySupport

    found = asyncio.run(_awaited(work(lambda _: BySupport())))
    if not found.open or wish.engine == "rules":
        return found
    chosen = models.choose(session, flags)
    if chosen.setup is None:
        if wish.engine == "model":
            raise InvalidInput("no model is configured", hint="name one with --model, or take --engine rules")
        return found
    return asyncio.run(_by_model(session, wish, chosen, work)) or found


async def _awaited(work: "Awaitable[Drop]") -> "Drop":
    return await work


async def _by_model(session: Session, wish: Wish, chosen: "Chosen", work: Work) -> "Drop | None":
    """Have a model decide; None where it would not be asked anything, or where nothing is to be paid for a dry run."""
    from gitskill.model.budget import Limits
    from gitskill.model.failures import Paused
    from gitskill.model.stack import opened

    measure = _Measure()
    await work(_settlers(session, chosen, measure, chosen.setup.where.model if chosen.setup else ""))
    if chosen.setup is None or not measure.questions:
        return None
    free = replace(chosen.setup, limits=Limits(calls=0))
    try:
        async with opened(free, session.ledger, _DROP) as model:
            return await work(_settlers(session, chosen, model.model, model.name))
    except Paused:
        pass  # the ledger has no answer yet
    async with opened(chosen.setup, session.ledger, _DROP) as model:
        price = _price(measure.questions, model)
        told = f"{output.counted(len(measure.questions), 'question')} to {models.shown(chosen.setup.where)}, {price}"
        if wish.dry_run:
            output.tell(f"  would ask  {told}; what is shown here is decided by support alone")
            return None
        _refuse_unpaid(told, yes=wish.yes)
        return await work(_settlers(session, chosen, model.model, model.name))


_DROP = "drop"
"""On whose bill it goes: a run's budget was for its own work."""


def _refuse_unpaid(told: str, *, yes: bool) -> None:
    """Ask the person at the terminal, or raise NeedsPerson where none is there and none has agreed before."""
    if yes:
        output.tell(f"  asking     {told}")
        return
    if not (sys.stdin and sys.stdin.isatty()):
        raise NeedsPerson(
            f"lessons that are left must be decided between again: {told}",
            hint="agree with --yes, or have support decide: --engine rules",
        )
    if not click.confirm(f"ask {told}?", err=True):
        raise NeedsPerson("nothing was dropped", hint="--engine rules asks no model")


def _price(questions: "list[Question]", model: "Opened") -> str:
    from gitskill.model.request import Usage
    from gitskill.model.sizes import Sizes

    tokens = [(Sizes().most(each) - each.max_tokens, each.max_tokens) for each in questions]
    usd = [model.price(model.name, Usage(read, wrote)) for read, wrote in tokens]
    known = [each for each in usd if each is not None]
    return f"at most ${sum(known):.4f}" if len(known) == len(usd) else "its price is unknown"


def _settlers(session: Session, chosen: "Chosen", model: "Model", name: str) -> "Callable[[Node], Settler]":
    from gitskill.consolidate.by_model import ByModel
    from gitskill.prompts import Prompts

    def settler(node: "Node") -> "Settler":
        found = {lesson: commit for item in node.live for lesson, commit in item.sources}
        lessons = {lesson: session.nodes.lesson(commit).lesson for lesson, commit in found.items()}
        return ByModel(model, name, Prompts(chosen.prompts), session.reader.read(node.base), lessons, _DROP)

    return settler


@dataclass
class _Measure:
    """Stands for a model, to see what it would be asked."""

    questions: "list[Question]" = field(default_factory=list)

    async def ask(self, question: "Question") -> "Answer":
        from gitskill.model.failures import NoAnswer, Why

        if question.about not in [each.about for each in self.questions]:  # halves are asked when an answer fails
            self.questions.append(question)
        raise NoAnswer(Why.EMPTY)
