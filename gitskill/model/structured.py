"""Answers that have the shape that was asked for, or a second chance to take it."""

from dataclasses import replace

from pydantic import BaseModel, ValidationError

from gitskill.model.failures import NoAnswer, Why
from gitskill.model.request import Answer, Message, Model, Question
from gitskill.model.wire import wanted
from gitskill.resources import fill

_UNFINISHED = {"refusal": Why.REFUSED, "content_filter": Why.FILTERED, "length": Why.CUT}
_MOST_PROBLEMS = 20


class Validated:
    """Reads each answer into the question's schema; an answer that breaks it is sent back once, with the exact error.

    It stands outside the ledger: what it reads is what was stored, and the
    second try is a question of its own, paid for once like any other.
    """

    def __init__(self, inner: Model) -> None:
        self._inner = inner

    async def ask(self, question: Question) -> Answer:
        """Answer with a value of the schema, or with calls of the question's tools, or raise NoAnswer."""
        answer = await self._finished(question)
        if question.schema is None or answer.tool_calls:
            if not (answer.text.strip() or answer.tool_calls):
                raise NoAnswer(Why.EMPTY)
            return answer
        value = _read(question.schema, answer.text)
        if isinstance(value, BaseModel):
            return replace(answer, value=value)
        return await self._repaired(question, question.schema, answer, value)

    async def _repaired(self, question: Question, schema: type[BaseModel], bad: Answer, error: str) -> Answer:
        told = fill("templates/prompts/json-repair.txt", problems=error, wanted=wanted(schema)).strip()
        turns = (Message("assistant", bad.text or "(nothing)"), Message("user", told))
        answer = await self._finished(replace(question, messages=question.messages + turns))
        value = _read(schema, answer.text)
        if isinstance(value, str):
            raise NoAnswer(Why.INVALID, value.splitlines()[0])
        paid, unsure = bad.usage + answer.usage, bad.maybe_paid + answer.maybe_paid
        return replace(answer, value=value, usage=paid, maybe_paid=unsure)

    async def _finished(self, question: Question) -> Answer:
        answer = await self._inner.ask(question)
        if why := _UNFINISHED.get(answer.finish):
            raise NoAnswer(why)
        return answer


def _read(schema: type[BaseModel], text: str) -> BaseModel | str:
    """Read `text` as `schema`, or say what is wrong with it, one problem a line."""
    try:
        return schema.model_validate_json(text)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)[:_MOST_PROBLEMS]
        return "\n".join(f"{'.'.join(map(str, each['loc'])) or 'the answer'}: {each['msg']}" for each in problems)
