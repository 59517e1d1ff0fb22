"""What an endpoint sent back, read once: an answer, or the name of what is wrong with it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError, ValidatorFunctionWrapHandler, field_validator
from pydantic_core import from_json

from gitskill.model.failures import NoAnswer, Why
from gitskill.model.request import Answer, ToolCall, Usage
from gitskill.model.wire import ANSWER

_MOST_TOKENS = 10**12
"""More than this in one answer nobody has counted."""
_TOO_LONG = re.compile(
    r"context[ _-]?(length|size|window)|maximum context"
    r"|(prompt|input|request) is too (long|large)|too many (input )?tokens",
    re.IGNORECASE,
)
_FILTER = re.compile(r"content[ _-]?(filter|policy|management)", re.IGNORECASE)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"```(?:json)?[^\S\n]*\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response whose body has been read: a status, headers with small names, bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_page(self) -> bool:
        """Tell whether it is a page for people."""
        start = self.body[:100].lstrip().lower()
        return "html" in self.headers.get("content-type", "") or start.startswith((b"<!doctype", b"<html"))

    @property
    def said(self) -> str:
        """The endpoint's own words about what is wrong, on one line, and its code for it."""
        try:
            document = from_json(self.body)
        except ValueError:
            return "" if self.is_page else _line(self.body[:1000].decode(errors="replace"))
        error = document.get("error", document) if isinstance(document, dict) else document
        if not isinstance(error, dict):
            return _line(str(error))
        words = [str(error[name]) for name in ("message", "code", "param") if error.get(name)]
        return _line(" ".join(words) or json.dumps(error))


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


class _Function(BaseModel):
    name: str
    arguments: str | dict[str, Any] = ""


class _Call(BaseModel):
    id: str | None = None
    function: _Function


class _Said(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None


class _Details(BaseModel):
    cached_tokens: int | None = Field(None, ge=0, le=_MOST_TOKENS)


class _Usage(BaseModel):
    prompt_tokens: int | None = Field(None, ge=0, le=_MOST_TOKENS)
    completion_tokens: int | None = Field(None, ge=0, le=_MOST_TOKENS)
    prompt_tokens_details: _Details | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    model: str | None = None
    usage: _Usage | None = None

    @field_validator("usage", mode="wrap")
    @classmethod
    def _or_untold(cls, told: Any, read: ValidatorFunctionWrapHandler) -> _Usage | None:
        """Take a count that cannot be true for none: the answer is good all the same, and it was paid."""
        try:
            usage: _Usage | None = read(told)
        except ValidationError:
            return None
        return usage


def refused(status: int, said: str) -> NoAnswer:
    """Name the reason for which the endpoint does not take this question."""
    if _FILTER.search(said):
        return NoAnswer(Why.FILTERED, said)
    if status == 413 or _TOO_LONG.search(said):
        return NoAnswer(Why.TOO_LONG, said)
    return NoAnswer(Why.REJECTED, said)


def answer(reply: Reply, *, shaped: bool) -> Answer:
    """Read a chat completion, or raise NoAnswer. Where a shape was asked for, the text is the JSON alone."""
    try:
        completion = _Completion.model_validate_json(reply.body)
    except ValidationError as error:
        raise NoAnswer(Why.GARBLED, _first(error)) from error
    choice = completion.choices[0]
    calls = _calls(choice.message.tool_calls or [])
    given = [call.arguments for call in calls if shaped and call.name == ANSWER]
    text = given[0] if given else choice.message.content or ""
    others = tuple(call for call in calls if not (shaped and call.name == ANSWER))
    return Answer(
        text=bare(text) if shaped else text,
        finish=_finish(choice, others),
        usage=_usage(completion.usage),
        model=completion.model or "",
        tool_calls=others,
    )


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return _line(f"{'.'.join(map(str, problem['loc']))} {problem['msg']}")


def _finish(choice: _Choice, calls: tuple[ToolCall, ...]) -> str:
    if choice.message.refusal:
        return "refusal"
    if choice.finish_reason in {"length", "content_filter"}:
        return choice.finish_reason
    return "tool_calls" if calls else "stop"


def _calls(calls: list[_Call]) -> tuple[ToolCall, ...]:
    """Read the calls; one that is told twice, by id or in all it says, is one call."""
    read: list[ToolCall] = []
    for number, call in enumerate(calls):
        told = call.function.arguments
        arguments = told if isinstance(told, str) else json.dumps(told, sort_keys=True)
        known = any(
            call.id == each.id or (call.function.name, arguments) == (each.name, each.arguments) for each in read
        )
        if not known:
            read.append(ToolCall(call.id or f"call-{number}", call.function.name, arguments))
    return tuple(read)


def _usage(told: _Usage | None) -> Usage:
    if told is None:
        return Usage()
    read = told.prompt_tokens or 0
    cached = told.prompt_tokens_details.cached_tokens if told.prompt_tokens_details else None
    return Usage(read, told.completion_tokens or 0, min(cached or 0, read))


def bare(text: str) -> str:
    """Take JSON out of the thoughts, fences and politeness around it; give `text` where there is none."""
    text = _THOUGHT.sub("", text).strip()
    if text.startswith(("{", "[")) and _is_json(text):
        return text
    fenced = [found for found in _FENCE.findall(text) if _is_json(found)]
    return fenced[-1].strip() if fenced else text


def _is_json(text: str) -> bool:
    try:
        from_json(text)
    except ValueError:
        return False
    return True
