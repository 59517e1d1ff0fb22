"""Nothing is paid for twice: every question is written down before it is asked, every answer before it is used.

Killed between the two, a question is asked again when the run resumes, once,
and counted as maybe paid. Two processes that ask the same at the same time may
both pay, each once; the answer that was stored first is what both use.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

from pydantic_core import from_json

from gitskill.model.failures import Failed, LedgerUnusable
from gitskill.model.ledger_file import Change, Intent, LedgerFile, Lookup, Nothing, Result
from gitskill.model.request import Answer, Label, Model, Question, ToolCall, Usage

Redact = Callable[[str], str]
Price = Callable[[str, Usage], float | None]
_Waiting = tuple[Change, asyncio.Future[str | None]]


@dataclass(frozen=True, slots=True)
class Bill:
    """What questions cost. `usd` is None if the price of any is unknown; what was replayed cost nothing."""

    calls: int = 0
    tokens: Usage = field(default_factory=Usage)
    usd: float | None = 0.0
    replayed: int = 0
    maybe_paid: int = 0
    """Requests that may be billed without an answer that we have. They are in none of the other numbers."""

    def __add__(self, other: "Bill") -> "Bill":
        known = self.usd is not None and other.usd is not None
        return Bill(
            self.calls + other.calls,
            self.tokens + other.tokens,
            (self.usd or 0.0) + (other.usd or 0.0) if known else None,
            self.replayed + other.replayed,
            self.maybe_paid + other.maybe_paid,
        )


class Ledger:
    """Calls and their answers in a file. Changes that come at once are committed at once."""

    def __init__(self, path: Path, patience: float = 30.0) -> None:
        """Open the file, or make it; wait `patience` seconds for other processes that write to it."""
        self._file = LedgerFile(path, patience)
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    async def commit(self, change: Change) -> str | None:
        """Make `change` durable; give the answer that is stored for its question, if there is one."""
        done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        """Commit what is waiting, in one transaction, in a thread: an fsync must not stop the other questions."""
        batch: list[_Waiting] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                applying = asyncio.to_thread(self._file.apply, [change for change, _ in batch])
                [came] = await asyncio.gather(applying, return_exceptions=True)
                _tell(batch, came)
        finally:  # whatever happened, nobody waits for ever; one that was told keeps what it was told
            left, self._waiting = [*batch, *self._waiting], []
            _fail(left, LedgerUnusable("writing to the ledger was broken off"))

    def bills(self, run: str | None = None) -> dict[Label, Bill]:
        """Add up what was paid, by label, in all or for one run."""
        bills: dict[Label, Bill] = {}
        for *label, asked, answered, read, wrote, cached, usd in self._file.bills(run):
            cost = usd if answered else 0.0
            bill = Bill(answered, Usage(read, wrote, cached), cost, maybe_paid=max(asked - answered, 0))
            bills[Label(*label)] = bills.get(Label(*label), Bill()) + bill
        return bills

    def forget(self, what: str) -> int:
        """Remove the calls about the trace `what`, or in which the text `what` stands, byte for byte. Count them."""
        if not what:
            return 0
        return self._file.delete(
            lambda about, question, answer: what in json.loads(about) or _holds(question, what) or _holds(answer, what)
        )


def _tell(batch: list[_Waiting], came: list[str | None] | BaseException) -> None:
    """Hand everybody what came of it. Any exception goes to all: a task that is only cancelled ends in silence."""
    if isinstance(came, BaseException):
        _fail(batch, came)
        return
    for (_, done), answer in zip(batch, came, strict=True):
        if not done.done():
            done.set_result(answer)


def _fail(batch: list[_Waiting], error: BaseException) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)


def _holds(document: str, what: str) -> bool:
    """Tell whether `what` stands in a text of the JSON, or in a text of JSON in a text of it."""
    stack = [json.loads(document)]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += [*value, *value.values()]
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, str):
            if what in value:
                return True
            inner = _json(value)
            stack += [inner] if isinstance(inner, dict | list) else []
    return False


def _json(text: str) -> object:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return from_json(text)
    except ValueError:
        return None


class Ledgered:
    """Answers from the ledger where it can, and writes down the rest. What is used is what was stored: redacted."""

    def __init__(self, inner: Model, ledger: Ledger, redact: Redact, price: Price) -> None:
        self._inner = inner
        self._ledger = ledger
        # What all questions of a run begin with is redacted once.
        self._redact = lru_cache(maxsize=8)(redact)
        self._price = price
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._bills: dict[Label, Bill] = {}

    def bills(self) -> dict[Label, Bill]:
        """Give what was spent and replayed through this object, by label."""
        return dict(self._bills)

    async def ask(self, question: Question) -> Answer:
        """Give the stored answer, or ask and store. The same question asked twice at once is asked once."""
        key = question.key()
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            stored = await self._ledger.commit(Lookup(key, question.about))
            return self._replayed(question, stored) if stored else await self._paid(key, question)

    def _replayed(self, question: Question, stored: str) -> Answer:
        self._note(question.label, Bill(replayed=1))
        return _answer(stored)

    async def _paid(self, key: str, question: Question) -> Answer:
        label = question.label
        intent = Intent(key, question.about, (label.run, label.stage, label.lesson), self._told(question))
        if stored := await self._ledger.commit(intent):  # another process was here a moment ago
            return self._replayed(question, stored)
        try:
            answer = await self._inner.ask(question)
        except Failed as error:
            self._note(label, Bill(maybe_paid=error.maybe_paid))
            await self._ledger.commit(Nothing(key, error.maybe_paid))
            raise
        usd = self._price(question.model, answer.usage)
        self._note(label, Bill(1, answer.usage, usd, maybe_paid=answer.maybe_paid))
        usage = (answer.usage.input, answer.usage.output, answer.usage.cached)
        result = Result(key, self._written(answer), usage, usd, answer.maybe_paid)
        return replace(_answer(await self._ledger.commit(result) or result.answer), maybe_paid=answer.maybe_paid)

    def _note(self, label: Label, bill: Bill) -> None:
        self._bills[label] = self._bills.get(label, Bill()) + bill

    def _told(self, question: Question) -> str:
        """Write the messages down, redacted like the answers, so that `forget` can search them."""
        texts = [[each.content, *(call.arguments for call in each.calls)] for each in question.messages]
        return json.dumps([[self._clean(text) for text in message] for message in texts], ensure_ascii=False)

    def _written(self, answer: Answer) -> str:
        calls = [[self._clean(part) for part in (call.id, call.name, call.arguments)] for call in answer.tool_calls]
        usage = [answer.usage.input, answer.usage.output, answer.usage.cached]
        told = {"text": self._clean(answer.text), "finish": answer.finish, "model": answer.model}
        return json.dumps(told | {"usage": usage, "calls": calls}, ensure_ascii=False)

    def _clean(self, text: str) -> str:
        """Redact a text; in JSON the texts as they are read, for an escape before a secret hides it."""
        document = _json(text)
        if isinstance(document, dict | list):
            return json.dumps(self._clean_within(document), ensure_ascii=False)
        return self._redact(text)

    def _clean_within(self, value: object) -> object:
        if isinstance(value, dict):
            return {self._redact(name): self._clean_within(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._clean_within(item) for item in value]
        return self._redact(value) if isinstance(value, str) else value


def _answer(stored: str) -> Answer:
    told = json.loads(stored)
    calls = tuple(ToolCall(*call) for call in told["calls"])
    return Answer(told["text"], told["finish"], Usage(*told["usage"]), told["model"], calls)
