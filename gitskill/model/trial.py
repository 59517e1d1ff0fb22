"""One tiny question to an endpoint, to see whether it answers in the form that we need, and what that costs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from gitskill.model.client import OpenAIModel
from gitskill.model.endpoint import Settings
from gitskill.model.failures import ModelUnusable
from gitskill.model.prices import Price, Prices
from gitskill.model.request import Message, Question, Usage
from gitskill.model.retry import Patience
from gitskill.model.structured import Validated
from gitskill.model.wire import Form
from gitskill.resources import fill

SECONDS = 20.0
_MOST_TOKENS = 1000
"""Enough for a model that thinks before it answers."""


class Sum(BaseModel):
    """The shape of the answer."""

    correct: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """A question that was answered: in which form it was taken, and what it cost."""

    form: Form
    usage: Usage
    usd: float | None


async def tried(settings: Settings, prices: Mapping[str, Price], seconds: float = SECONDS) -> Trial:
    """Ask once, without a second try and without a ledger; raise NoAnswer, ModelUnusable or Paused with the reason."""
    try:
        async with asyncio.timeout(seconds), OpenAIModel(settings.endpoint, Patience(tries=1)) as model:
            answer = await Validated(model).ask(_question(settings.model))
            form = model.abilities(settings.model).form
    except TimeoutError as error:
        host = settings.endpoint.host
        hint = "a model that is being loaded needs longer: try again"
        raise ModelUnusable(f"{host} gave no answer within {seconds:g} s", hint=hint) from error
    usd = Prices(settings.endpoint.base_url, prices).usd(settings.model, answer.usage)
    return Trial(form, answer.usage, usd)


def _question(model: str) -> Question:
    said = fill("templates/prompts/trial.txt").strip()
    return Question(model, (Message("user", said),), schema=Sum, max_tokens=_MOST_TOKENS)
