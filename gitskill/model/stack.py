"""The model as a command uses it: validated, from the ledger where it can, within the budget of the whole run."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gitskill.errors import InvalidInput
from gitskill.model.budget import Budgeted, Cost, Limits
from gitskill.model.client import OpenAIModel
from gitskill.model.endpoint import Settings
from gitskill.model.failures import LedgerUnusable
from gitskill.model.gate import Gated
from gitskill.model.ledger import Bill, Ledger, Ledgered, Redact
from gitskill.model.ledger import Price as PriceOf
from gitskill.model.prices import Price, Prices
from gitskill.model.request import OURS, Answer, Label, Model, Question
from gitskill.model.retry import Patience
from gitskill.model.scripted import Scripted
from gitskill.model.structured import Validated

SCRIPT = "script:"
"""A model's name that begins so is the path of a file of answers."""
_FREE = Price(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Script:
    """A file of answers instead of an endpoint: for tests and demonstrations."""

    path: Path

    @property
    def model(self) -> str:
        """The name that goes into commits: without the folder, which is this machine's."""
        return f"{SCRIPT}{self.path.name}"


@dataclass(frozen=True, slots=True)
class Setup:
    """Which model to open, within which limits, at which prices, and what must not be kept of its answers."""

    where: Settings | Script
    limits: Limits
    prices: Mapping[str, Price]
    redact: Redact
    workers: int = 32
    """Questions that are under way at once."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open model, and what is kept of it."""

    name: str
    """What a question asks for, and what a commit says."""
    model: Model
    ledger: Ledger
    redact: Redact
    price: PriceOf
    calm: Callable[[], Awaitable[None]]
    """Wait until no question is just being sent."""
    bills: Callable[[], dict[Label, Bill]]
    """Give what this process has spent and replayed, by label."""

    def kept(self, tool: Model) -> Ledgered:
        """Keep the answers of a tool of ours in the same ledger, at no price; its questions have the stage `OURS`."""
        return Ledgered(tool, self.ledger, self.redact, lambda _model, _usage: 0.0)


@asynccontextmanager
async def opened(setup: Setup, ledger: Path, run: str, patience: Patience | None = None) -> AsyncIterator[Opened]:
    """Open the model of `setup` for `run`, whose limits count what the run has paid before; close it at the end."""
    async with AsyncExitStack() as stack:
        inner, edition, url = await _inner(stack, setup.where, patience)
        name = setup.where.model
        prices = Prices(url, setup.prices if name == edition else {name: _FREE, edition: _FREE})
        _make_folder(ledger)
        book = Ledger(ledger)
        stack.callback(book.close)
        budgeted = Budgeted(inner, setup.limits, prices, spent(book, run))
        paid = Ledgered(budgeted, book, setup.redact, prices.usd)
        gated = Gated(paid, setup.workers)
        model = Validated(gated if name == edition else _Renamed(gated, edition))
        yield Opened(name, model, book, setup.redact, prices.usd, gated.calm, paid.bills)


def spent(ledger: Ledger, run: str) -> Cost:
    """Add up what `run` has paid by now, or may have; a price that is not known counts as nothing."""
    bills = [bill for label, bill in ledger.bills(run).items() if label.stage != OURS]
    return sum((_cost(bill) for bill in bills), Cost())


def _cost(bill: Bill) -> Cost:
    return Cost(bill.calls + bill.maybe_paid, bill.tokens.input + bill.tokens.output, bill.usd or 0.0)


async def _inner(stack: AsyncExitStack, where: Settings | Script, patience: Patience | None) -> tuple[Model, str, str]:
    """Open what answers; give it with the name under which its answers are kept, and its base URL."""
    match where:
        case Settings(endpoint, model):
            return await stack.enter_async_context(OpenAIModel(endpoint, patience)), model, endpoint.base_url
        case Script(path):
            return Scripted(path), f"{where.model}@{_digest(path)}", ""


class _Renamed:
    """Asks a script under a name that changes with its text, so that the ledger never answers from an older one."""

    def __init__(self, inner: Model, name: str) -> None:
        self._inner = inner
        self._name = name

    async def ask(self, question: Question) -> Answer:
        return await self._inner.ask(replace(question, model=self._name))


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def _make_folder(ledger: Path) -> None:
    try:
        ledger.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerUnusable(f"{ledger.parent} cannot be made: {error.strerror}") from error
