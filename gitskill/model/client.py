"""Asking an OpenAI-compatible endpoint. What the SDK would do in silence is done here, aloud.

An endpoint that fails never becomes the fate of a question: it stops the run,
which resumes. Only what is wrong with this question, or with the answer that
did come back, is NoAnswer.
"""

from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from gitskill.model.endpoint import Endpoint
from gitskill.model.exchange import Effort, Exchange
from gitskill.model.failures import Failed, ModelUnusable, NoAnswer, Paused, Why
from gitskill.model.reply import Reply, answer, refused
from gitskill.model.request import Answer, Question
from gitskill.model.retry import Breaker, Patience
from gitskill.model.transport import connect
from gitskill.model.wire import Abilities, body

_OF_THE_QUESTION = frozenset({400, 413, 422})
_HINTS = {
    401: "see whether the key is right and meant for this endpoint",
    403: "the key is not allowed to use this model here",
    404: "see whether the model's name is right, and whether the base URL ends as the endpoint's manual says (/v1)",
}


class OpenAIModel:
    """Asks an endpoint over one client; use it as a context, so that its connections are closed.

    Its answers have no `value`: `Validated` reads it from what the ledger keeps.
    """

    def __init__(self, endpoint: Endpoint, patience: Patience | None = None, breaker: Breaker | None = None) -> None:
        self._endpoint = endpoint
        self._client = connect(endpoint)
        self._exchange = Exchange(endpoint, self._client, patience or Patience(), breaker or Breaker())
        self._abilities: dict[str, Abilities] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    def abilities(self, model: str) -> Abilities:
        """Tell what the endpoint was found to take for `model`."""
        return self._abilities.get(model, Abilities())

    async def ask(self, question: Question) -> Answer:
        """Ask in the best form that the endpoint takes, or raise NoAnswer, ModelUnusable or Paused."""
        effort = Effort(self._endpoint.deadline)
        try:
            reply = await self._reply(question, effort)
            found = self._read(question, reply)
        except Failed as error:
            error.maybe_paid += effort.maybe_paid
            raise
        self._exchange.breaker.answered()
        return replace(found, maybe_paid=effort.maybe_paid)

    def _read(self, question: Question, reply: Reply) -> Answer:
        if reply.status != 200:
            raise self._not_taken(reply)
        if reply.is_page:
            raise ModelUnusable(
                f"{self._endpoint.host} answered with a web page",
                hint="see whether the base URL is right: most end in /v1",
            )
        try:
            return answer(reply, shaped=question.schema is not None)
        except NoAnswer as error:
            error.maybe_paid = 1
            self._exchange.strange(error)
            raise

    async def _reply(self, question: Question, effort: Effort) -> Reply:
        """Ask in lesser and lesser forms until one is taken, and remember which it was."""
        known = abilities = self.abilities(question.model)
        while True:
            reply = await self._exchange.reply(body(question, abilities), effort)
            less = abilities.less(reply.said, question) if _may_be_the_form(reply) else None
            if less is None:
                break
            abilities = less
        if reply.status == 200 and abilities != known:
            self._abilities[question.model] = abilities
        return reply

    def _not_taken(self, reply: Reply) -> NoAnswer | ModelUnusable | Paused:
        host, said = self._endpoint.host, self._endpoint.masked(reply.said)
        if reply.status in _OF_THE_QUESTION:
            problem = refused(reply.status, said)
            if problem.why is Why.REJECTED:
                self._exchange.strange(problem)
            return problem
        if reply.status == 402:
            return Paused(f"{host} wants to be paid first", hint="see to the account; the same command goes on")
        if 300 <= reply.status < 400:
            there = urlsplit(reply.headers.get("location", "")).netloc or "another address"
            return ModelUnusable(
                f"{host} redirects to {there}; nothing was sent there", hint="see whether the base URL is right"
            )
        return ModelUnusable(f"{host} answered {reply.status}: {said}".rstrip(": "), hint=_HINTS.get(reply.status, ""))


def _may_be_the_form(reply: Reply) -> bool:
    """Tell whether another form of the same question might be taken."""
    return reply.status in {400, 422} and refused(reply.status, reply.said).why is Why.REJECTED
