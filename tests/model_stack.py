"""Small models of answers, questions, and the layers of the model in their usual order, for tests."""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from fault_server import FaultServer, Script
from gitskill.model.budget import Budgeted, Limits
from gitskill.model.client import OpenAIModel
from gitskill.model.endpoint import Endpoint
from gitskill.model.ledger import Ledger, Ledgered
from gitskill.model.prices import Price, Prices
from gitskill.model.request import Answer, Message, Model, Question
from gitskill.model.retry import Patience
from gitskill.model.structured import Validated

KEY = "sk-test-0123456789"
NO_LIMITS = Limits()
PRICES = {"m": Price(input=1.0, output=10.0, cached=0.1)}


class Verdict(BaseModel):
    """What a question with a schema wants."""

    good: bool
    reason: str


def ask(text: str = "Is it good?", **changes: object) -> Question:
    told = {"model": "m", "messages": (Message("user", text),), "max_tokens": 100} | changes
    return Question(**told)  # type: ignore[arg-type]


@dataclass
class Waits:
    """Waits that take no time and are remembered."""

    waited: list[float] = field(default_factory=list)
    now: float = 1_700_000_000.0

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        await asyncio.sleep(0)

    def patience(self, **changes: object) -> Patience:
        told = {"draw": random.Random(7), "sleep": self.sleep, "now": lambda: self.now} | changes  # noqa: S311
        return Patience(**told)  # type: ignore[arg-type]


def through(
    server: FaultServer, question: Question, *, deadline: float = 5.0, waits: Waits | None = None, tries: int = 5
) -> Answer:
    """Ask one question of `server`, validated, without a ledger."""

    async def run() -> Answer:
        endpoint = Endpoint(server.url, KEY, deadline=deadline)
        async with OpenAIModel(endpoint, (waits or Waits()).patience(tries=tries)) as model:
            return await Validated(model).ask(question)

    return asyncio.run(run())


def asked_of(script: Script, question: Question, **options: object) -> Answer:
    with FaultServer(script) as server:
        return through(server, question, **options)  # type: ignore[arg-type]


def paid_through(
    server: FaultServer,
    path: Path,
    *questions: Question,
    limits: Limits = NO_LIMITS,
    redact: Callable[[str], str] = str,
) -> tuple[list[Answer], Ledgered]:
    """Ask `server` all questions at once through the whole stack: validated, from the ledger, within a budget."""

    async def run() -> tuple[list[Answer], Ledgered]:
        prices = Prices(server.url, PRICES)
        ledger = Ledger(path)
        try:
            async with OpenAIModel(Endpoint(server.url, KEY, deadline=5), Waits().patience()) as model:
                ledgered = Ledgered(Budgeted(model, limits, prices), ledger, redact, prices.usd)
                return await all_of(Validated(ledgered), questions), ledgered
        finally:
            ledger.close()

    return asyncio.run(run())


async def all_of(model: Model, questions: Iterable[Question]) -> list[Answer]:
    return await asyncio.gather(*(model.ask(question) for question in questions))
