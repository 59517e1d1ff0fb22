"""Servers on this machine that are found, and answers that come from a file."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fault_server import FaultServer, Reaction, always, document, drip, error, hang, huge, page, redirect
from gitskill.errors import InvalidInput
from gitskill.model.failures import ModelUnusable, NoAnswer, Why
from gitskill.model.local import PORTS, probe
from gitskill.model.request import Label, Message
from gitskill.model.scripted import Scripted
from gitskill.model.structured import Validated
from model_stack import Verdict, ask

LISTING = {"object": "list", "data": [{"id": "qwen3:8b", "object": "model"}, {"id": "llama3"}]}


def test_a_server_tells_its_models_and_is_given_no_key() -> None:
    with FaultServer(always(document(LISTING))) as server:
        (found,) = asyncio.run(probe([server.port]))

    assert found.base_url == server.url
    assert found.models == ("qwen3:8b", "llama3")
    assert [(seen.method, seen.path) for seen in server.seen] == [("GET", "/v1/models")]
    assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize(
    "reaction",
    [error(401), page(), document({"data": None}), document([]), hang(), drip(0.02), huge(20 * 2**20)],
    ids=["401", "page", "null", "list", "hang", "drip", "huge"],
)
def test_what_is_no_model_server_is_not_found(reaction: Reaction) -> None:
    with FaultServer(always(reaction)) as server, FaultServer(always(document(LISTING))) as good:
        found = asyncio.run(probe([server.port, good.port], seconds=0.3))

    assert [each.base_url for each in found] == [good.url]


def test_a_redirect_of_a_probe_is_not_followed() -> None:
    with FaultServer(always(document(LISTING))) as other:
        with FaultServer(always(redirect(f"{other.url}/models"))) as server:
            assert asyncio.run(probe([server.port])) == ()
        assert other.count == 0


def test_nobody_there_is_nobody_found() -> None:
    with FaultServer() as server:
        port = server.port

    assert asyncio.run(probe([port])) == ()
    assert set(PORTS) == {11434, 1234, 8080, 8000}


def script(tmp_path: Path, *lines: object) -> Validated:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(lines))
    return Validated(Scripted(path))


def test_a_script_answers_by_what_the_question_says(tmp_path: Path) -> None:
    model = script(
        tmp_path,
        {"when": ["apples", "pears"], "answer": "fruit"},
        {"stage": "merge", "answer": {"good": False, "reason": "no"}},
        {"turn": 1, "calls": [{"name": "look", "arguments": {"step": 2}}]},
        {"answer": "else"},
    )
    spoken = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    questions = [
        ask("apples and pears"),
        ask("apples", schema=Verdict, label=Label(stage="merge")),
        ask(messages=spoken),
        ask("apples"),
    ]
    answers = [asyncio.run(model.ask(question)) for question in questions]

    assert [answer.text for answer in answers] == ["fruit", '{"good": false, "reason": "no"}', "", "else"]
    assert answers[1].value == Verdict(good=False, reason="no")
    assert [(call.name, call.arguments) for call in answers[2].tool_calls] == [("look", '{"step": 2}')]


def test_a_script_may_fail_like_a_model(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer) as caught:
        asyncio.run(script(tmp_path, {"finish": "length"}).ask(ask()))

    assert caught.value.why is Why.CUT


def test_a_script_without_an_answer_says_to_what(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"has no answer to a question that ends in 'Is it good\?'"):
        asyncio.run(script(tmp_path, {"when": ["nothing like it"]}).ask(ask("What?\nIs it good?\n")))


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{", "is no script"),
        ('[{"anser": 1}]', "0.anser Extra inputs"),
        ('[{"finish": "bored"}]', "0.finish"),
        (None, "cannot be read"),
    ],
)
def test_a_script_that_is_none_says_where(tmp_path: Path, written: Any, says: str) -> None:
    path = tmp_path / "script.json"
    if written:
        path.write_text(written)
    with pytest.raises(InvalidInput, match=says):
        Scripted(path)
