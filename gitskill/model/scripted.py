"""Answers from a file, for tests and demonstrations through the real commands. No network, no key, always the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from gitskill.errors import InvalidInput
from gitskill.model.failures import ModelUnusable
from gitskill.model.request import Answer, Question, ToolCall, Usage


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Call(_Strict):
    name: str
    arguments: dict[str, JsonValue] = {}


class _Line(_Strict):
    """An answer, and what must stand in the question for it to be given."""

    when: tuple[str, ...] = ()
    stage: str | None = None
    turn: int | None = Field(None, ge=0)
    """How many times the model has spoken before."""
    answer: JsonValue = ""
    calls: tuple[_Call, ...] = ()
    finish: Literal["stop", "length", "content_filter", "refusal"] = "stop"

    def fits(self, question: Question) -> bool:
        text = "\n".join(each.content for each in question.messages)
        spoken = sum(each.role == "assistant" for each in question.messages)
        staged = self.stage is None or self.stage == question.label.stage
        return staged and self.turn in {None, spoken} and all(part in text for part in self.when)


_SCRIPT = TypeAdapter(tuple[_Line, ...])


class Scripted:
    """Gives each question the first answer of the file that fits it.

    The file is a JSON list of `{"when": ["text in the question", …], "stage":
    …, "turn": n, "answer": text or JSON, "calls": [{"name", "arguments"}],
    "finish": …}`; all keys may be left out.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._lines = _SCRIPT.validate_json(path.read_bytes())
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            place = ".".join(map(str, problem["loc"]))
            raise InvalidInput(f"{path} is no script of answers: {place} {problem['msg']}") from error
        self._path = path

    async def ask(self, question: Question) -> Answer:
        """Answer from the file, or raise ModelUnusable: a script that lacks an answer is no model."""
        found = next((line for line in self._lines if line.fits(question)), None)
        if found is None:
            asked = question.messages[-1].content.strip().splitlines() or [""]
            raise ModelUnusable(f"{self._path} has no answer to a question that ends in {asked[-1][:80]!r}")
        text = found.answer if isinstance(found.answer, str) else json.dumps(found.answer, ensure_ascii=False)
        calls = tuple(
            ToolCall(f"call-{number}", call.name, json.dumps(call.arguments)) for number, call in enumerate(found.calls)
        )
        usage = Usage(question.size() // 3, len(text) // 3)
        answer = Answer(text, found.finish, usage, question.model, calls)
        return replace(answer, finish="tool_calls") if calls else answer
