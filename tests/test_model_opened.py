"""The whole stack, opened as commands open it: its order, the budget of a run over processes, answers from a file."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fault_server import FaultServer, Reaction, Seen, always, ok
from gitskill.errors import InvalidInput
from gitskill.model.budget import Limits
from gitskill.model.endpoint import Endpoint, Settings
from gitskill.model.failures import LedgerUnusable, ModelUnusable, Paused
from gitskill.model.ledger import Bill, Ledger
from gitskill.model.prices import Price
from gitskill.model.request import OURS, Answer, Label, Question, Usage
from gitskill.model.stack import Opened, Script, Setup, opened, spent
from model_stack import KEY, NO_LIMITS, PRICES, Verdict, Waits, all_of, ask

FIRST = Label("r0001", "analyse", "l0001a")
GOOD = ok('{"good": true, "reason": "so"}')


def setup(
    server: FaultServer,
    limits: Limits = NO_LIMITS,
    prices: Mapping[str, Price] = PRICES,
    redact: Callable[[str], str] = str,
) -> Setup:
    return Setup(Settings(Endpoint(server.url, KEY, deadline=5), "m", "a test"), limits, prices, redact)


def script(tmp_path: Path, *lines: object) -> Setup:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(lines))
    return Setup(Script(path), NO_LIMITS, {}, str)


def ask_all(made: Setup, ledger: Path, *questions: Question, run: str = "r0001") -> tuple[list[Answer], Bill]:
    """Ask in a stack of its own, as a process would, and give the answers with the sum of its bills."""

    async def within() -> tuple[list[Answer], Bill]:
        async with opened(made, ledger, run, Waits().patience()) as model:
            answers = await all_of(model.model, [replace(each, model=model.name) for each in questions])
            return answers, sum(model.bills().values(), Bill())

    return asyncio.run(within())


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "gitskill" / "ledger.db"


def test_an_answer_is_validated_and_paid_for_once(ledger: Path) -> None:
    with FaultServer(always(GOOD)) as server:
        [first], bill = ask_all(setup(server), ledger, ask(schema=Verdict, label=FIRST))
        [again], free = ask_all(setup(server), ledger, ask(schema=Verdict, label=FIRST))
        assert server.count == 1

    assert first.value == again.value == Verdict(good=True, reason="so")
    assert (bill.calls, bill.replayed, free.calls, free.replayed) == (1, 0, 0, 1)
    assert bill.usd == pytest.approx((100 * 1.0 + 10 * 10.0) / 1_000_000)


def test_an_answer_is_redacted_before_it_is_kept_or_used(ledger: Path) -> None:
    with FaultServer(always(ok("the secret is open"))) as server:
        made = setup(server, redact=lambda text: text.replace("secret", "***"))
        [answer], _ = ask_all(made, ledger, ask())

    assert answer.text == "the *** is open"
    assert b"secret" not in ledger.read_bytes()


def test_a_limit_counts_what_the_run_has_paid_before(ledger: Path) -> None:
    limited = Limits(calls=2)
    with FaultServer() as server:
        ask_all(setup(server, limited), ledger, ask("a", label=FIRST))
        ask_all(setup(server, limited), ledger, ask("b", label=FIRST))
        with pytest.raises(Paused, match="the budget of 2 calls is spent"):
            ask_all(setup(server, limited), ledger, ask("c", label=FIRST))
        replayed, _ = ask_all(setup(server, limited), ledger, ask("a", label=FIRST), ask("b", label=FIRST))
        ask_all(setup(server, limited), ledger, ask("c", label=Label("r0002")), run="r0002")

        assert [each.text for each in replayed] == ["fine", "fine"]
        assert server.count == 3


def test_tokens_and_dollars_of_a_run_are_counted_too(ledger: Path) -> None:
    with FaultServer() as server:
        ask_all(setup(server), ledger, ask("a", label=FIRST))
        with pytest.raises(Paused, match="tokens"):
            ask_all(setup(server, Limits(tokens=300)), ledger, ask("b" * 500, label=FIRST))
        with pytest.raises(Paused, match=r"the budget of \$0\.0003 is spent"):
            ask_all(setup(server, Limits(usd=0.0003)), ledger, ask("b", label=FIRST, max_tokens=20))
        assert server.count == 1


def test_a_dollar_limit_without_a_price_is_refused_before_anything_is_sent(ledger: Path) -> None:
    with FaultServer() as server:
        with pytest.raises(InvalidInput, match="the price of m is not known"):
            ask_all(setup(server, Limits(usd=1.0), prices={}), ledger, ask())
        assert server.count == 0


class Echo:
    """A tool of ours that gives back what it is told."""

    async def ask(self, question: Question) -> Answer:
        return Answer(question.messages[0].content, usage=Usage(7, 7))


def test_what_our_own_machine_answers_is_kept_and_is_no_call_of_the_model(ledger: Path) -> None:
    async def within(made: Setup) -> tuple[Answer, int]:
        async with opened(made, ledger, "r0001") as model:
            answer = await model.kept(Echo()).ask(ask("ls", label=Label("r0001", OURS, "l0001a")))
            return answer, len(model.bills())

    with FaultServer() as server:
        answer, billed = asyncio.run(within(setup(server)))

    book = Ledger(ledger)
    kept, counted = book.bills("r0001"), spent(book, "r0001")
    book.close()
    assert (answer.text, billed) == ("ls", 0)
    assert kept[Label("r0001", OURS, "l0001a")].usd == 0.0
    assert counted.calls == 0


def test_calls_that_may_have_been_paid_count_as_calls(ledger: Path) -> None:
    def die(_: Seen) -> Reaction:
        raise ConnectionAbortedError

    with FaultServer(die) as server, pytest.raises(ModelUnusable):
        ask_all(setup(server), ledger, ask(label=FIRST))
    book = Ledger(ledger)
    counted = spent(book, "r0001")
    book.close()

    assert counted.calls >= 1
    assert counted.usd == 0.0


def test_a_script_answers_through_the_whole_stack_at_no_price(tmp_path: Path, ledger: Path) -> None:
    made = script(tmp_path, {"answer": {"good": False, "reason": "no"}})
    limited = Setup(made.where, Limits(usd=0.01), made.prices, made.redact)

    [answer], bill = ask_all(limited, ledger, ask(schema=Verdict, label=FIRST))

    assert answer.value == Verdict(good=False, reason="no")
    assert (bill.calls, bill.usd) == (1, 0.0)


def test_a_script_that_was_changed_is_not_answered_from_the_ledger(tmp_path: Path, ledger: Path) -> None:
    [old], _ = ask_all(script(tmp_path, {"answer": "old"}), ledger, ask(label=FIRST))
    [again], _ = ask_all(script(tmp_path, {"answer": "old"}), ledger, ask(label=FIRST))
    [new], bill = ask_all(script(tmp_path, {"answer": "new"}), ledger, ask(label=FIRST))

    assert (old.text, again.text, new.text, bill.replayed) == ("old", "old", "new", 0)


def test_the_name_of_a_script_holds_no_folder(tmp_path: Path, ledger: Path) -> None:
    async def within(made: Setup) -> Opened:
        async with opened(made, ledger, "r0001") as model:
            return model

    assert asyncio.run(within(script(tmp_path))).name == "script:answers.json"


def test_a_script_that_is_not_there_is_named(tmp_path: Path, ledger: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none\.json cannot be read"):
        ask_all(Setup(Script(tmp_path / "none.json"), NO_LIMITS, {}, str), ledger)


def test_a_place_where_no_ledger_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with FaultServer() as server, pytest.raises(LedgerUnusable, match="file cannot be made"):
        ask_all(setup(server), tmp_path / "file" / "ledger.db", ask())


def test_all_is_closed_also_when_the_work_fails(ledger: Path) -> None:
    kept: list[Opened] = []

    async def within(made: Setup) -> None:
        async with opened(made, ledger, "r0001") as model:
            kept.append(model)
            raise InvalidInput("stop")

    with FaultServer() as server, pytest.raises(InvalidInput, match="stop"):
        asyncio.run(within(setup(server)))
    with pytest.raises(LedgerUnusable, match="is closed"):
        kept[0].ledger.bills()
