"""A budget holds, however many questions come at once; prices that are not known are not made up."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fault_server import FaultServer, always, error, ok
from gitskill.errors import InvalidInput
from gitskill.model.budget import Budgeted, Cost, Limits
from gitskill.model.failures import ModelUnusable, Paused
from gitskill.model.prices import Price, Prices, table
from gitskill.model.request import Answer, Question, Usage
from gitskill.model.sizes import Sizes
from model_stack import PRICES, ask, paid_through


@dataclass
class Meter:
    """A model that answers when it is told to and notes the most that was under way at once."""

    usage: Usage = field(default_factory=lambda: Usage(10, 10))
    asked: int = 0
    under_way: int = 0
    most: int = 0

    async def ask(self, question: Question) -> Answer:
        self.asked += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        self.under_way -= 1
        return Answer(question.messages[0].content, usage=self.usage)


def spend(limits: Limits, count: int, meter: Meter, **changes: Any) -> tuple[int, Budgeted]:
    """Ask `count` questions at once; tell how many were answered."""
    model = Budgeted(meter, limits, Prices("http://localhost/v1", PRICES))

    async def run() -> list[Answer | BaseException]:
        return await asyncio.gather(*(model.ask(ask(f"q{n}", **changes)) for n in range(count)), return_exceptions=True)

    ended = asyncio.run(run())
    assert all(isinstance(each, Answer | Paused) for each in ended), ended
    return sum(isinstance(each, Answer) for each in ended), model


def test_so_many_calls_and_not_one_more() -> None:
    meter = Meter()
    answered, model = spend(Limits(calls=7), 50, meter)

    assert (answered, meter.asked, model.spent.calls) == (7, 7, 7)


@given(limit=st.integers(0, 3000), used=st.integers(0, 100), size=st.integers(1, 100))
def test_tokens_are_never_overshot_by_questions_that_keep_to_their_size(limit: int, used: int, size: int) -> None:
    """Each may use up to 100 tokens of output and reads no more than was estimated."""
    meter = Meter(Usage(1, min(used, size)))
    _, model = spend(Limits(tokens=limit), 20, meter, max_tokens=size)

    assert model.spent.tokens <= limit


def test_what_was_set_aside_and_not_used_lets_others_through() -> None:
    """Ten questions that may take 1,009 tokens each, and take 20: they take turns, and all are answered."""
    meter = Meter()
    answered, model = spend(Limits(tokens=1300), 10, meter, max_tokens=1000)

    assert (answered, meter.most) == (10, 1)
    assert model.spent.tokens == 200


def test_dollars_stop_too() -> None:
    meter = Meter(Usage(0, 100))
    answered, model = spend(Limits(usd=0.0055), 20, meter)

    assert answered == 5
    assert model.spent.usd == pytest.approx(0.005)


def test_dollars_of_an_unknown_price_are_no_budget() -> None:
    model = Budgeted(Meter(), Limits(usd=1.0), Prices("http://localhost/v1"))

    with pytest.raises(InvalidInput, match="the price of m is not known"):
        asyncio.run(model.ask(ask()))


def test_what_was_spent_before_counts() -> None:
    model = Budgeted(Meter(), Limits(calls=3), Prices("http://localhost/v1"), Cost(calls=3))

    with pytest.raises(Paused, match=r"^the budget of 3 calls is spent$") as caught:
        asyncio.run(model.ask(ask()))
    assert caught.value.exit_code == 75


@pytest.mark.parametrize(
    ("limits", "spent", "says"),
    [
        (Limits(calls=1), Cost(calls=1), "the budget of 1 call is spent"),
        (Limits(calls=0), Cost(), "the budget of 0 calls is spent"),
        (Limits(calls=9, tokens=50), Cost(tokens=49), "the budget of 50 tokens is spent, but for 1 token"),
        (Limits(tokens=50), Cost(tokens=70), "the budget of 50 tokens is spent"),
        (Limits(usd=0.5), Cost(usd=0.4999), "the budget of $0.5 is spent, but for $0.0001"),
        (Limits(usd=20.0), Cost(usd=20.0), "the budget of $20 is spent"),
    ],
)
def test_a_budget_that_is_spent_is_told_in_plain_words(limits: Limits, spent: Cost, says: str) -> None:
    model = Budgeted(Meter(), limits, Prices("http://localhost/v1", PRICES), spent)

    with pytest.raises(Paused) as caught:
        asyncio.run(model.ask(ask()))
    assert str(caught.value) == says


def test_a_failed_call_counts_and_gives_back_what_was_set_aside(tmp_path: Path) -> None:
    with FaultServer(always(error(401))) as server, pytest.raises(ModelUnusable):
        paid_through(server, tmp_path / "l.db", ask(), ask("b"), limits=Limits(tokens=250))
    assert server.count == 2


def test_replayed_answers_cost_nothing_and_a_larger_budget_goes_on(tmp_path: Path) -> None:
    path, questions = tmp_path / "l.db", [ask(f"q{n}") for n in range(6)]
    with FaultServer() as server:
        with pytest.raises(Paused):
            paid_through(server, path, *questions, limits=Limits(calls=4))
        assert server.count == 4
        answers, ledgered = paid_through(server, path, *questions, limits=Limits(calls=2))

    assert (len(answers), server.count) == (6, 6)
    assert sum(bill.replayed for bill in ledgered.bills().values()) == 4


def test_an_endpoint_that_does_not_count_is_counted_by_us(tmp_path: Path) -> None:
    with FaultServer(always(ok("x" * 100, usage=None))) as server, pytest.raises(Paused):
        paid_through(server, tmp_path / "l.db", *(ask(f"q{n}") for n in range(20)), limits=Limits(tokens=400))

    assert server.count < 8


def test_known_prices_are_of_this_endpoint() -> None:
    usage = Usage(1_000_000, 1_000_000, 500_000)

    assert Prices("https://api.openai.com/v1").usd("gpt-4o-mini", usage) == pytest.approx(0.7125)
    assert Prices("https://api.openai.com/v1").usd("no-such-model", usage) is None
    assert Prices("http://127.0.0.1:11434/v1").usd("gpt-4o-mini", usage) is None
    assert Prices("https://gateway.example/v1").usd("gpt-4o-mini", usage) is None


def test_the_users_table_wins() -> None:
    prices = Prices("https://api.openai.com/v1", table({"gpt-4o-mini": {"input": 1, "output": 2}}))

    assert prices.usd("gpt-4o-mini", Usage(1_000_000, 1_000_000, 500_000)) == 3.0
    assert table({"m": {"input": 1, "output": 2, "cached": 0.5}}) == {"m": Price(1, 2, 0.5)}


@pytest.mark.parametrize(
    "price",
    [{}, {"input": 1}, {"input": -1, "output": 1}, {"input": "1", "output": 1}, {"input": 1, "output": 1, "x": 1}, 3],
)
def test_a_price_that_is_none_is_refused(price: object) -> None:
    with pytest.raises(InvalidInput, match="the price of m"):
        table({"m": price})


def test_sizes_are_learned_from_what_endpoints_count() -> None:
    sizes = Sizes()
    question = ask("x" * 1000)
    assert sizes.likely("m", 1000) == 400
    assert sizes.most(question) == 400 + 8 + 100

    sizes.saw(question, 250)
    sizes.saw(question, 3)  # too few to say anything
    assert sizes.likely("m", 1000) == 250
    assert sizes.likely("another", 1000) == 400
    assert sizes.most(question) == 400 + 8 + 100

    sizes.saw(question, 500)
    assert sizes.likely("m", 1000) == 375
    assert sizes.most(question) == 500 + 8 + 100
