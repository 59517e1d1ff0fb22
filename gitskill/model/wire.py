"""How a question is put to an endpoint, in the best form that it takes."""

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any

from openai import pydantic_function_tool
from pydantic import BaseModel

from gitskill.model.request import Message, Question, Tool, shape_text
from gitskill.resources import fill

ANSWER = "answer"
"""The tool whose parameters are the answer, where an endpoint has tools but no JSON schema."""


class Form(StrEnum):
    """How the shape of an answer is asked for, best first."""

    SCHEMA = "schema"
    TOOL = "tool"
    PROMPT = "prompt"


_LESSER = {Form.SCHEMA: Form.TOOL, Form.TOOL: Form.PROMPT}
_OPTIONAL = ("temperature", "seed")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an endpoint was found to take for a model."""

    form: Form = Form.SCHEMA
    size: str = "max_tokens"
    """The name under which it takes the largest size of an answer."""
    without: frozenset[str] = frozenset()

    def less(self, said: str, question: Question) -> "Abilities | None":
        """Give the next lesser abilities to try after a refusal that `said` why; None if there are none."""
        if self.size in said and "max_completion_tokens" in said and self.size != "max_completion_tokens":
            return replace(self, size="max_completion_tokens")
        for name in _OPTIONAL:
            asked = getattr(question, name) is not None and name not in self.without
            if asked and re.search(rf"\b{name}\b", said):
                return replace(self, without=self.without | {name})
        if question.schema and self.form in _LESSER:
            return replace(self, form=_LESSER[self.form])
        return None


def body(question: Question, abilities: Abilities) -> dict[str, Any]:
    """Write the body of a request for a chat completion."""
    options = {name: getattr(question, name) for name in _OPTIONAL if name not in abilities.without}
    shape = _shape(question.schema, abilities.form) if question.schema else {}
    tools = [_tool(tool) for tool in question.tools] + shape.pop("tools", [])
    choice = shape.pop("tool_choice", None) if not question.tools else None
    return {
        "model": question.model,
        "messages": _messages(question, abilities.form),
        abilities.size: question.max_tokens,
        **{name: value for name, value in options.items() if value is not None},
        **shape,
        **({"tools": tools} if tools else {}),
        **({"tool_choice": choice} if choice else {}),
    }


def _shape(schema: type[BaseModel], form: Form) -> dict[str, Any]:
    match form:
        case Form.SCHEMA:
            named = {"name": schema.__name__, "strict": True, "schema": _strict(schema)}
            return {"response_format": {"type": "json_schema", "json_schema": named}}
        case Form.TOOL:
            answer = _tool(Tool(ANSWER, "Give the answer.", schema))
            return {"tools": [answer], "tool_choice": {"type": "function", "function": {"name": ANSWER}}}
        case Form.PROMPT:
            return {}


@cache
def _strict(schema: type[BaseModel]) -> Any:
    """Give the schema with every property required and no other allowed, as strict endpoints want it."""
    return pydantic_function_tool(schema)["function"]["parameters"]


def _tool(tool: Tool) -> dict[str, Any]:
    parameters = json.loads(shape_text(tool.parameters))
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


def _messages(question: Question, form: Form) -> list[dict[str, Any]]:
    messages = [_message(each) for each in question.messages]
    if question.schema and form is Form.PROMPT:
        # At the end, where every chat template has a place for it.
        messages.append({"role": "user", "content": wanted(question.schema)})
        if len(messages) > 1 and messages[-2]["role"] == "user":
            last = messages.pop()["content"]
            messages[-1] = messages[-1] | {"content": f"{messages[-1]['content']}\n\n{last}"}
    return messages


def wanted(schema: type[BaseModel]) -> str:
    """Say which answer is wanted."""
    return fill("templates/prompts/json-answer.txt", schema=shape_text(schema)).strip()


def _message(message: Message) -> dict[str, Any]:
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in message.calls
    ]
    return {
        "role": message.role,
        "content": message.content,
        **({"tool_calls": calls} if calls else {}),
        **({"tool_call_id": message.to} if message.to else {}),
    }
