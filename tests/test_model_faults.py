"""Whatever an endpoint does, the outcome is one of those written down here."""

import asyncio
import resource
import time
from email.utils import formatdate

import pytest

from fault_server import (
    FaultServer,
    Reaction,
    Script,
    always,
    bomb,
    completion,
    document,
    drip,
    error,
    half_body,
    hang,
    huge,
    ok,
    page,
    raw,
    redirect,
    reset,
    then,
)
from gitskill.model.client import OpenAIModel
from gitskill.model.endpoint import Endpoint
from gitskill.model.failures import Failed, ModelUnusable, NoAnswer, Paused, Why
from gitskill.model.request import Answer, Question, Usage
from gitskill.model.retry import Breaker
from gitskill.model.structured import Validated
from model_stack import KEY, Verdict, Waits, ask, asked_of, through

GOOD = '{"good": true, "reason": "it works"}'


@pytest.mark.parametrize(
    "broken",
    [
        error(429),
        error(429, retry_after="1"),
        error(429, retry_after="-5"),
        error(429, retry_after="soon"),
        error(429, retry_after="1e999"),
        error(500),
        error(502),
        error(503, retry_after="2"),
        error(504),
        error(529),
        raw(b"<html>Bad gateway</html>", 502),
        reset(),
        half_body(),
        raw(b"not gzip", headers={"Content-Encoding": "gzip"}),
        document({"error": {"message": "provider is busy", "code": 503}}),
    ],
    ids=lambda _: "",
)
def test_what_passes_is_tried_again_up_to_five_times(broken: Reaction) -> None:
    with FaultServer(then(broken, broken, broken, broken, ok("at last"))) as server:
        answer = through(server, ask())

    assert (answer.text, server.count) == ("at last", 5)


@pytest.mark.parametrize(
    ("broken", "kind", "says"),
    [
        (error(429, retry_after="1"), Paused, "allows no more requests now"),
        (error(500), ModelUnusable, "answered 500 5 times: it broke"),
        (reset(), ModelUnusable, "gave no whole answer, tried 5 times"),
        (half_body(), ModelUnusable, "gave no whole answer, tried 5 times"),
    ],
    ids=["429", "500", "reset", "half body"],
)
def test_after_the_fifth_time_the_run_stops_and_can_be_resumed(broken: Reaction, kind: type[Failed], says: str) -> None:
    with FaultServer(always(broken)) as server, pytest.raises(kind, match=says) as caught:
        through(server, ask())

    assert server.count == 5
    assert "goes on where it stood" in caught.value.hint


@pytest.mark.parametrize(
    ("script", "kind", "requests", "says"),
    [
        (always(error(401, f"Incorrect key {KEY}")), ModelUnusable, 1, r"answered 401: Incorrect key \*\*\*"),
        (always(error(403, "no access")), ModelUnusable, 1, "answered 403: no access"),
        (always(error(404, "model m not found")), ModelUnusable, 1, "answered 404: model m not found"),
        (always(error(402, "pay")), Paused, 1, "wants to be paid first"),
        (always(error(418, "teapot")), ModelUnusable, 1, "answered 418: teapot"),
        (always(error(429, "used up", code="insufficient_quota")), Paused, 1, "used up insufficient_quota"),
        (always(error(429, retry_after="3600")), Paused, 1, "asks to wait 3600 s"),
        (always(error(503, retry_after="121")), Paused, 1, "asks to wait 121 s"),
        (always(page()), ModelUnusable, 1, "answered with a web page"),
        (always(raw(b"  <!DOCTYPE html><p>hello")), ModelUnusable, 1, "answered with a web page"),
    ],
    ids=["401", "403", "404", "402", "418", "quota", "3600", "121", "page", "page without a type"],
)
def test_what_will_not_pass_stops_the_run_at_once(script: Script, kind: type[Failed], requests: int, says: str) -> None:
    with FaultServer(script) as server, pytest.raises(kind, match=says) as caught:
        through(server, ask())

    assert server.count == requests
    assert caught.value.exit_code == (75 if kind is Paused else 6)
    assert "\n" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(
    ("reaction", "why"),
    [
        (raw(b'{"choices": [{"mess'), Why.GARBLED),
        (raw(b""), Why.GARBLED),
        (raw(b"[" * 100_000), Why.GARBLED),
        (raw(b'{"choices": [{"message": {"content": "\\ud800"}}]}'), Why.GARBLED),
        (document({"foo": 1}), Why.GARBLED),
        (document(completion() | {"choices": None}), Why.GARBLED),
        (document(completion() | {"choices": []}), Why.GARBLED),
        (document(completion() | {"choices": [{"message": None}]}), Why.GARBLED),
        (document({"error": {"message": "no code"}}), Why.GARBLED),
        (ok(None), Why.EMPTY),
        (ok("  \n"), Why.EMPTY),
        (ok("half of it", finish="length"), Why.CUT),
        (ok(None, finish="length"), Why.CUT),
        (ok("", finish="content_filter"), Why.FILTERED),
        (ok(None, refusal="I can't help with that."), Why.REFUSED),
        (error(400, "This model's maximum context length is 8192 tokens"), Why.TOO_LONG),
        (error(400, "request (9000 tokens) exceeds the available context size (4096 tokens)"), Why.TOO_LONG),
        (error(400, "x", code="context_length_exceeded"), Why.TOO_LONG),
        (error(413, "too big"), Why.TOO_LONG),
        (error(400, "the response was filtered", code="content_filter"), Why.FILTERED),
        (error(400, "bad tool name"), Why.REJECTED),
        (error(422, "no"), Why.REJECTED),
    ],
    ids=lambda value: value if isinstance(value, Why) else "",
)
def test_what_is_wrong_with_one_question_is_the_fate_of_that_question(reaction: Reaction, why: Why) -> None:
    with FaultServer(always(reaction)) as server, pytest.raises(NoAnswer) as caught:
        through(server, ask())

    assert (caught.value.why, server.count) == (why, 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    ["I'm sorry, I can't help with that.", '{"good": "perhaps"}', "", "[1, 2]", '{"good": true, "reason": NaN}'],
    ids=["refusal text", "wrong shape", "nothing", "list", "NaN"],
)
def test_an_answer_of_the_wrong_shape_is_sent_back_once_with_the_exact_error(bad: str) -> None:
    with FaultServer(then(ok(bad), ok(GOOD))) as server:
        answer = through(server, ask(schema=Verdict))

    assert answer.value == Verdict(good=True, reason="it works")
    assert answer.usage == Usage(200, 20)
    said = server.seen[1].json["messages"]
    assert [turn["role"] for turn in said] == ["user", "assistant", "user"]
    assert said[1]["content"] == (bad or "(nothing)")
    assert '"required":["good","reason"]' in said[2]["content"]


def test_the_error_that_is_sent_back_names_the_place() -> None:
    with FaultServer(then(ok('{"good": "perhaps"}'), ok(GOOD))) as server:
        through(server, ask(schema=Verdict))

    told = server.seen[1].text
    assert "good: Input should be a valid boolean" in told
    assert "reason: Field required" in told


def test_an_answer_that_is_wrong_twice_is_the_fate_of_its_question() -> None:
    with (
        FaultServer(always(ok("I'm sorry"))) as server,
        pytest.raises(NoAnswer, match="broke its format twice") as caught,
    ):
        through(server, ask(schema=Verdict))

    assert (caught.value.why, server.count) == (Why.INVALID, 2)


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{GOOD}\n```",
        f"Here you are:\n```\n{GOOD}\n```\nGood luck!",
        f"<think>Is {{it}} good? ```\n{{}}\n```</think>\n{GOOD}",
        f"\n  {GOOD}  \n",
    ],
    ids=["fence", "polite", "thoughts", "spaces"],
)
def test_json_is_taken_out_of_what_is_around_it(text: str) -> None:
    with FaultServer(always(ok(text))) as server:
        assert through(server, ask(schema=Verdict)).value == Verdict(good=True, reason="it works")

    assert server.count == 1


def test_a_long_row_of_open_fences_is_read_in_no_time() -> None:
    start = time.process_time()
    with pytest.raises(NoAnswer):
        asked_of(always(ok("<think>" * 50_000 + "```" + "\n" * 100_000)), ask(schema=Verdict))

    assert time.process_time() - start < 3


@pytest.mark.parametrize("reaction", [hang(), drip(0.05), drip(0.001)], ids=["hang", "drip", "fast drip"])
def test_the_deadline_is_for_the_whole_call_not_for_each_read(reaction: Reaction) -> None:
    start = time.monotonic()
    with (
        FaultServer(always(reaction)) as server,
        pytest.raises(ModelUnusable, match=r"no answer within 0\.2 s") as caught,
    ):
        through(server, ask(), deadline=0.2)

    assert server.count == 1
    assert caught.value.maybe_paid == 1
    assert time.monotonic() - start < 0.2 + 2


def test_tries_share_one_deadline() -> None:
    with (
        FaultServer(always(error(500)), latency=0.12) as server,
        pytest.raises(ModelUnusable, match=r"within 0\.3 s"),
    ):
        through(server, ask(), deadline=0.3)

    assert server.count == 3


@pytest.mark.parametrize(
    ("reaction", "kind"),
    [(huge(64 * 2**20), NoAnswer), (bomb(256 * 2**20), NoAnswer), (raw(bytes(20 * 2**20), 500), ModelUnusable)],
    ids=["huge", "bomb", "500"],
)
def test_a_body_is_read_up_to_its_limit_also_out_of_its_compression(reaction: Reaction, kind: type[Failed]) -> None:
    asked_of(always(ok()), ask())  # whatever is loaded, is loaded now
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(kind, match="sent more than 16 MB") as caught:
        asked_of(always(reaction), ask())

    assert caught.value.maybe_paid == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 80 * 1024


def test_one_answer_that_is_too_large_stops_nobody_else() -> None:
    with FaultServer(lambda seen: huge(17 * 2**20) if seen.text == "q1" else ok()) as server:
        ended = run_many(server.url, 4, 1, Breaker())

    assert [type(each) for each in ended] == [Answer, NoAnswer, Answer, Answer]
    assert isinstance(ended[1], NoAnswer)
    assert ended[1].why is Why.TOO_LARGE


def test_an_endpoint_whose_answers_are_all_too_large_is_asked_no_more() -> None:
    with FaultServer(always(huge(17 * 2**20))) as server:
        ended = run_many(server.url, 10, 1, Breaker(strange=3))

    assert [type(each) for each in ended] == [NoAnswer] * 3 + [ModelUnusable] * 7
    assert "asked several times: " in str(ended[-1])
    assert server.count == 3


def test_a_redirect_is_not_followed() -> None:
    with (
        FaultServer(always(ok())) as other,
        FaultServer(always(redirect(f"{other.url}/chat/completions"))) as server,
        pytest.raises(ModelUnusable, match=f"redirects to 127.0.0.1:{other.port}; nothing was sent there"),
    ):
        through(server, ask())

    assert (server.count, other.count) == (1, 0)


def test_the_model_that_is_echoed_is_told_and_harms_nothing() -> None:
    assert asked_of(always(ok(model="m-2025-01-01")), ask()).model == "m-2025-01-01"


def test_a_tool_call_that_comes_twice_is_one_call() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    calls = [call, call, call | {"id": "b"}, call | {"id": "c", "function": {"name": "look", "arguments": '{"at": 2}'}}]
    answer = asked_of(always(ok(None, tool_calls=calls, finish="tool_calls")), ask())

    assert [(each.id, each.arguments) for each in answer.tool_calls] == [("a", '{"at": 1}'), ("c", '{"at": 2}')]
    assert answer.finish == "tool_calls"


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}], ids=["none", "empty", "null"])
def test_an_endpoint_need_not_count(usage: object) -> None:
    assert asked_of(always(ok(usage=usage)), ask()).usage == Usage()


@pytest.mark.parametrize("count", [10**12 + 1, 2**63, 10**30, 1e30, -1, 10.5, "many", [1], {}, 1e999])
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens", "cached_tokens"])
def test_a_count_that_cannot_be_true_counts_as_not_told(name: str, count: object) -> None:
    usage: dict[str, object] = {"prompt_tokens": 50, "completion_tokens": 5}
    told = usage | ({"prompt_tokens_details": {name: count}} if name == "cached_tokens" else {name: count})
    answer = asked_of(always(ok(usage=told)), ask())

    assert (answer.text, answer.usage) == ("fine", Usage())


@pytest.mark.parametrize("usage", ["a lot", 7, [], True, {"prompt_tokens_details": 3}])
def test_a_usage_that_is_none_harms_nothing(usage: object) -> None:
    assert asked_of(always(ok(usage=usage)), ask()).usage == Usage()


def test_cached_tokens_are_counted_apart() -> None:
    usage = {"prompt_tokens": 50, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 30}}
    assert asked_of(always(ok(usage=usage)), ask()).usage == Usage(50, 5, 30)


@pytest.mark.parametrize(
    ("retry_after", "at_least", "at_most"),
    [("3", 3.0, 3.5), ("0.5", 0.5, 1.0), ("120", 120.0, 120.5), ("-5", 0.0, 0.5), ("soon", 0.0, 0.5), ("", 0.0, 0.5)],
)
def test_retry_after_is_waited_for_and_garbage_is_no_wish(retry_after: str, at_least: float, at_most: float) -> None:
    waits = Waits()
    asked_of(then(error(429, retry_after=retry_after), ok()), ask(), waits=waits)

    assert len(waits.waited) == 1
    assert at_least <= waits.waited[0] <= at_most


@pytest.mark.parametrize(("ahead", "at_least"), [(30, 29.0), (-30, 0.0)])
def test_retry_after_may_be_a_date(ahead: int, at_least: float) -> None:
    waits = Waits()
    asked_of(then(error(503, retry_after=formatdate(waits.now + ahead, usegmt=True)), ok()), ask(), waits=waits)

    assert at_least <= waits.waited[0] <= at_least + 1.5


def test_a_date_too_far_ahead_pauses() -> None:
    waits = Waits()
    with pytest.raises(Paused, match="asks to wait 3600 s"):
        asked_of(always(error(503, retry_after=formatdate(waits.now + 3600, usegmt=True))), ask(), waits=waits)


def test_waits_grow_with_full_jitter_from_the_seed() -> None:
    first, second = Waits(), Waits()
    for waits in (first, second):
        with pytest.raises(ModelUnusable):
            asked_of(always(error(500)), ask(), waits=waits)

    assert first.waited == second.waited
    assert len(first.waited) == 4
    assert all(wait <= 0.5 * 2**tried for tried, wait in enumerate(first.waited))
    assert len(set(first.waited)) == 4


def run_many(server_url: str, count: int, workers: int, breaker: Breaker) -> list[Answer | BaseException]:
    """Ask `count` questions with so many workers, however each ends."""

    async def run() -> list[Answer | BaseException]:
        gate = asyncio.Semaphore(workers)
        async with OpenAIModel(Endpoint(server_url, KEY), Waits().patience(), breaker) as model:

            async def one(question: Question) -> Answer:
                async with gate:
                    return await Validated(model).ask(question)

            return await asyncio.gather(*(one(ask(f"q{n}")) for n in range(count)), return_exceptions=True)

    return asyncio.run(run())


@pytest.mark.parametrize("broken", [reset(), error(503)], ids=["reset", "503"])
def test_an_endpoint_that_is_down_is_found_out_once_not_by_each_question(broken: Reaction) -> None:
    with FaultServer(always(broken)) as server:
        ended = run_many(server.url, 100, 8, Breaker())

    assert all(isinstance(each, ModelUnusable) for each in ended)
    assert server.count <= 8 * 3


def test_nobody_listening_is_found_out_once() -> None:
    with FaultServer() as server:
        url = server.url
    ended = run_many(url, 100, 32, Breaker())

    assert all(isinstance(each, ModelUnusable) for each in ended)
    assert all(getattr(each, "maybe_paid", None) == 0 for each in ended)


def test_a_burst_of_broken_connections_alone_stops_nothing() -> None:
    with FaultServer(lambda seen: reset() if seen.number <= 32 else ok()) as server:
        ended = run_many(server.url, 32, 32, Breaker())

    assert all(isinstance(each, Answer) for each in ended)


def test_an_endpoint_that_answers_nobody_sensibly_is_asked_no_more() -> None:
    with FaultServer(always(document({"foo": 1}))) as server:
        ended = run_many(server.url, 100, 1, Breaker(strange=5))

    kinds = [type(each) for each in ended]
    assert kinds == [NoAnswer] * 5 + [ModelUnusable] * 95
    assert server.count == 5


def test_now_and_then_something_strange_stops_nothing() -> None:
    with FaultServer(lambda seen: document({"foo": 1}) if seen.number % 2 else ok()) as server:
        ended = run_many(server.url, 20, 1, Breaker(strange=5))

    assert [type(each) for each in ended] == [NoAnswer, Answer] * 10


def test_tries_that_may_be_billed_are_told() -> None:
    broken = then(error(500), reset(), half_body(), ok())
    assert asked_of(broken, ask()).maybe_paid == 2
