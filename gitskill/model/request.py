"""A question to a model, and its answer, as values."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from gitskill.codec import canonical

OURS = "sandbox"
"""The stage of what our own machine answered: it stands in the ledger, and is no call of a model."""
Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model wants made; `arguments` is the JSON it wrote, unchecked."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the model may call; its parameters are a pydantic model."""

    name: str
    description: str
    parameters: type[BaseModel]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. An assistant's may hold calls; a tool's says with `to` which call it is the result of."""

    role: Role
    content: str
    calls: tuple[ToolCall, ...] = ()
    to: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """Whose bill a question goes on. Never sent."""

    run: str = ""
    stage: str = ""
    lesson: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """All that decides an answer, and, not sent, the ids of the traces it is about and whose bill it goes on."""

    model: str
    messages: tuple[Message, ...]
    schema: type[BaseModel] | None = None
    tools: tuple[Tool, ...] = ()
    max_tokens: int = 4096
    temperature: float | None = None
    seed: int | None = None
    about: tuple[str, ...] = ()
    label: Label = Label()

    def key(self) -> str:
        """Name the question by its content: equal questions have equal keys, at whatever endpoint, for whatever use."""
        return hashlib.sha256(canonical(self._document())).hexdigest()

    def size(self) -> int:
        """Count the bytes that a model has to read."""
        texts = sum(len(text.encode()) for message in self.messages for text in _texts(message))
        shapes = [self.schema] if self.schema else []
        return texts + sum(len(shape_text(shape)) for shape in [*shapes, *(tool.parameters for tool in self.tools)])

    def _document(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": [
                [each.role, each.content, [[call.id, call.name, call.arguments] for call in each.calls], each.to]
                for each in self.messages
            ],
            "schema": shape_text(self.schema) if self.schema else None,
            "tools": [[tool.name, tool.description, shape_text(tool.parameters)] for tool in self.tools],
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "seed": self.seed,
        }


def _texts(message: Message) -> tuple[str, ...]:
    return (message.content, *(call.arguments for call in message.calls))


@cache
def shape_text(shape: type[BaseModel]) -> str:
    """Write the JSON schema of `shape`, always in the same bytes."""
    return json.dumps(shape.model_json_schema(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint counted them; `cached` are those of the input that it had read before."""

    input: int = 0
    output: int = 0
    cached: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.input + other.input, self.output + other.output, self.cached + other.cached)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `finish` is `stop`, `tool_calls`, `length`, `content_filter` or `refusal`.

    `model` is the name that the endpoint gave itself. `maybe_paid` counts tries
    that broke off after the question was sent: the endpoint may bill them.
    """

    text: str
    finish: str = "stop"
    usage: Usage = Usage()
    model: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    value: BaseModel | None = None
    maybe_paid: int = 0


class Model(Protocol):
    """Whatever answers questions."""

    async def ask(self, question: Question) -> Answer:
        """Answer, or raise NoAnswer, ModelUnusable or Paused."""
        ...
