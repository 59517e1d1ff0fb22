"""What goes out: the right request, in a form that the endpoint takes, and nothing else."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import BaseModel

from fault_server import FaultServer, Reaction, Script, Seen, always, error, ok, raw
from gitskill.errors import InvalidInput
from gitskill.model.client import OpenAIModel
from gitskill.model.endpoint import Endpoint
from gitskill.model.failures import ModelUnusable, NoAnswer
from gitskill.model.request import Answer, Message, Question, Tool, ToolCall
from gitskill.model.structured import Validated
from gitskill.model.wire import Abilities, Form
from model_stack import KEY, Verdict, Waits, all_of, ask, asked_of, through

GOOD = '{"good": true, "reason": "it works"}'


class Where(BaseModel):
    """Where to look."""

    step: int


LOOK = Tool("look", "Look at a step.", Where)


def sent(question: Question, script: Script) -> list[Seen]:
    with FaultServer(script) as server:
        through(server, question)
    return server.seen


def test_a_request_says_all_that_decides_the_answer() -> None:
    messages = (Message("system", "Be brief."), Message("user", "Is it good?"))
    seen = sent(ask(messages=messages, temperature=0.0, seed=7, schema=Verdict), always(ok(GOOD)))[0]

    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    told = seen.json
    shape = told.pop("response_format")["json_schema"]
    assert told == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is it good?"}],
        "max_tokens": 100,
        "temperature": 0.0,
        "seed": 7,
    }
    assert (shape["name"], shape["strict"]) == ("Verdict", True)
    assert shape["schema"]["additionalProperties"] is False
    assert shape["schema"]["required"] == ["good", "reason"]


def test_tools_and_their_results_travel() -> None:
    call = ToolCall("a1", "look", '{"step": 3}')
    messages = (Message("user", "Why?"), Message("assistant", "", calls=(call,)), Message("tool", "exit 1", to="a1"))
    told = sent(ask(messages=messages, tools=(LOOK,)), always(ok()))[0].json

    assert told["messages"][1]["tool_calls"] == [
        {"id": "a1", "type": "function", "function": {"name": "look", "arguments": '{"step": 3}'}}
    ]
    assert told["messages"][2] == {"role": "tool", "content": "exit 1", "tool_call_id": "a1"}
    assert told["tools"][0]["function"]["parameters"]["required"] == ["step"]


def knows(*, schema: bool, tools: bool, fresh: bool = True) -> Script:
    """An endpoint that knows JSON schemas, or tools, or the old name of the largest size, or not."""

    def react(seen: Seen) -> Reaction:
        told = seen.json
        if "max_tokens" in told and not fresh:
            return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in told and not fresh:
            return error(400, "Unsupported value: 'temperature' does not support 0.0", param="temperature")
        if "response_format" in told and not schema:
            return error(400, "This response_format type is unavailable now")
        if "tools" in told:
            call = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": GOOD}}
            return ok(None, tool_calls=[call], finish="tool_calls") if tools else error(422, "what?")
        return ok(GOOD if schema or "JSON schema is: {" in seen.text else "Yes, it is good.")

    return react


@pytest.mark.parametrize(
    ("script", "form", "requests"),
    [
        (knows(schema=True, tools=True), Form.SCHEMA, 1),
        (knows(schema=False, tools=True), Form.TOOL, 2),
        (knows(schema=False, tools=False), Form.PROMPT, 3),
    ],
    ids=lambda value: value if isinstance(value, Form) else "",
)
def test_the_best_form_that_an_endpoint_takes_is_found_and_remembered(
    script: Script, form: Form, requests: int
) -> None:
    async def run(url: str) -> tuple[list[Answer], Abilities]:
        async with OpenAIModel(Endpoint(url, KEY), Waits().patience()) as model:
            first = await Validated(model).ask(ask("one", schema=Verdict))
            return [first, *await all_of(Validated(model), [ask("two", schema=Verdict)])], model.abilities("m")

    with FaultServer(script) as server:
        answers, abilities = asyncio.run(run(server.url))

    assert [answer.value for answer in answers] == [Verdict(good=True, reason="it works")] * 2
    assert abilities.form is form
    assert server.count == requests + 1


def test_parameters_that_a_model_does_not_take_are_renamed_or_left_out() -> None:
    seen = sent(ask(schema=Verdict, temperature=0.0, seed=1), knows(schema=True, tools=True, fresh=False))

    assert len(seen) == 3
    assert seen[-1].json["max_completion_tokens"] == 100
    assert not {"max_tokens", "temperature"} & seen[-1].json.keys()
    assert seen[-1].json["seed"] == 1


def test_what_was_refused_in_every_form_is_not_remembered() -> None:
    async def run(url: str) -> Abilities:
        async with OpenAIModel(Endpoint(url, KEY), Waits().patience()) as model:
            with pytest.raises(NoAnswer, match="no such thing"):
                await model.ask(ask(schema=Verdict))
            return model.abilities("m")

    with FaultServer(always(error(400, "no such thing"))) as server:
        assert asyncio.run(run(server.url)) == Abilities()

    assert server.count == 3


def test_in_a_prompt_the_schema_stands_at_the_end_of_the_last_turn() -> None:
    seen = sent(ask("Is it?", schema=Verdict), knows(schema=False, tools=False))[-1]

    assert [turn["role"] for turn in seen.json["messages"]] == ["user"]
    assert seen.text.startswith("Is it?\n\nAnswer with one JSON object and nothing else.")


def test_calls_of_the_questions_own_tools_come_back_as_calls() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"step": 2}'}}
    answer = asked_of(always(ok(None, tool_calls=[call], finish="tool_calls")), ask(schema=Verdict, tools=(LOOK,)))

    assert answer.tool_calls == (ToolCall("1", "look", '{"step": 2}'),)
    assert answer.value is None


def test_the_key_goes_out_and_nothing_of_the_machine_or_its_environment() -> None:
    """In a process of its own: the SDK reads the environment where nobody asked it to."""
    code = """
import asyncio, sys
from gitskill.model.client import OpenAIModel
from gitskill.model.endpoint import Endpoint
from gitskill.model.request import Message, Question
async def run():
    async with OpenAIModel(Endpoint(sys.argv[1], "sk-ours-1234", (("X-Team", "blue"),))) as model:
        await model.ask(Question("m", (Message("user", "hello"),)))
asyncio.run(run())
"""
    ambient = {
        "OPENAI_API_KEY": "sk-ambient",
        "OPENAI_ADMIN_KEY": "sk-admin",
        "OPENAI_ORG_ID": "org-ambient",
        "OPENAI_PROJECT_ID": "proj-ambient",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer ambient\nX-Ambient: yes",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
        "SSL_CERT_FILE": "/nonexistent",
    }
    with FaultServer() as server:
        subprocess.run([sys.executable, "-c", code, server.url], check=True, env=os.environ | ambient)

    headers = server.seen[0].headers
    assert headers["authorization"] == "Bearer sk-ours-1234"
    assert headers["x-team"] == "blue"
    assert set(headers) <= {
        "host", "accept", "accept-encoding", "connection", "content-type", "content-length", "user-agent",
        "authorization", "x-team",
    }  # fmt: skip
    assert "ambient" not in str(headers)


def test_without_a_key_no_authorization_is_sent() -> None:
    async def run(url: str) -> None:
        async with OpenAIModel(Endpoint(url)) as model:
            await model.ask(ask())

    with FaultServer() as server:
        asyncio.run(run(server.url))

    assert "authorization" not in server.seen[0].headers


def test_a_proxy_sees_the_host_and_neither_key_nor_question() -> None:
    async def run(proxy: str) -> None:
        endpoint = Endpoint("https://models.example/v1", KEY, proxy=proxy)
        async with OpenAIModel(endpoint, Waits().patience(tries=1)) as model:
            await model.ask(ask("a secret"))

    with (
        FaultServer(always(raw(b"", 502))) as proxy,
        pytest.raises(ModelUnusable, match=r"models\.example gave no whole answer"),
    ):
        asyncio.run(run(f"http://127.0.0.1:{proxy.port}"))

    assert [(seen.method, seen.path) for seen in proxy.seen] == [("CONNECT", "models.example:443")]
    assert KEY not in str(proxy.seen)
    assert "a secret" not in str(proxy.seen)


@pytest.mark.parametrize("written", [None, "no certificate"], ids=["missing", "empty"])
def test_certificates_that_are_none_are_named(tmp_path: Path, written: str | None) -> None:
    path = tmp_path / "ca.pem"
    if written:
        path.write_text(written)
    with pytest.raises(InvalidInput, match=r"ca\.pem, which SSL_CERT_FILE names"):
        OpenAIModel(Endpoint("https://host/v1", certificates=str(path)))


def test_connections_are_kept_and_as_many_as_questions_at_once() -> None:
    async def run(url: str) -> list[Answer]:
        async with OpenAIModel(Endpoint(url, KEY)) as model:
            return await all_of(model, [ask(f"q{n}") for n in range(64)])

    # No answer comes before all questions are there.
    together = threading.Barrier(64)
    with FaultServer(on_request=lambda _: together.wait(20)) as server:
        assert len(asyncio.run(run(server.url))) == 64


def test_nothing_heavy_is_loaded_by_the_values() -> None:
    code = (
        "import sys, gitskill.model, gitskill.model.failures; print('openai' in sys.modules, 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.split() == ["False", "False"]
