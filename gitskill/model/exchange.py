"""One request for a completion, tried until there is a reply worth reading or no use in going on."""

import asyncio
import ssl
import time
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI
from pydantic_core import from_json

from gitskill.model.endpoint import Endpoint
from gitskill.model.failures import Failed, ModelUnusable, NoAnswer, Paused, Why
from gitskill.model.reply import Reply
from gitskill.model.retry import RETRIED, Breaker, Patience
from gitskill.model.sealed import LARGEST_BODY, BodyTooLarge

_RESUMES = "the same command goes on where it stood"
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError, ssl.SSLError)
_MONEY = ("insufficient_quota", "billing", "insufficient credits", "insufficient balance")


@dataclass(slots=True)
class Effort:
    """What one question has cost so far: the seconds it has left for requests, and the tries that may be billed."""

    left: float
    maybe_paid: int = 0


@dataclass(frozen=True, slots=True)
class _Broken:
    """A try that ended without a whole response."""

    reason: str
    maybe_paid: bool


class Exchange:
    """Sends bodies to an endpoint over one client. Whatever fails on the way stops the run, and says how to go on."""

    def __init__(self, endpoint: Endpoint, client: AsyncOpenAI, patience: Patience, breaker: Breaker) -> None:
        self._endpoint = endpoint
        self._client = client
        self._patience = patience
        self.breaker = breaker

    async def reply(self, body: dict[str, Any], effort: Effort) -> Reply:
        """Give the first reply that does not ask to be tried again; raise Paused or ModelUnusable if there is none."""
        tried = 0
        while True:
            tried += 1
            self.breaker.check()
            got = await self._try(body, effort)
            if isinstance(got, Reply) and got.status not in RETRIED:
                return got
            asked = self._patience.asked(got.headers) if isinstance(got, Reply) else None
            self._note(got, tried, asked)
            if tried >= self._patience.tries:
                raise self._given_up(got, tried)
            await self._patience.sleep(self._patience.delay(tried, asked))

    def _note(self, got: Reply | _Broken, tried: int, asked: float | None) -> None:
        """Learn from a failed try, and raise what is already certain."""
        if isinstance(got, Reply):
            self._stop_if_paused(got, asked)
        if isinstance(got, _Broken) or got.status != 429:
            self.breaker.failed(tried, self._down(got, tried))
            self.breaker.check()

    def _stop_if_paused(self, reply: Reply, asked: float | None) -> None:
        if reply.status == 429 and any(word in reply.said.lower() for word in _MONEY):
            said = self._endpoint.masked(reply.said)
            raise Paused(f"{self._endpoint.host}: {said}", hint=f"see to the account; {_RESUMES}")
        if asked is not None and asked > self._patience.longest:
            raise Paused(f"{self._endpoint.host} asks to wait {asked:.0f} s", hint=f"wait; {_RESUMES}")

    def _given_up(self, got: Reply | _Broken, tried: int) -> ModelUnusable | Paused:
        if isinstance(got, Reply) and got.status == 429:
            return Paused(f"{self._endpoint.host} allows no more requests now", hint=f"use fewer workers; {_RESUMES}")
        return self._down(got, tried)

    def _down(self, got: Reply | _Broken, tried: int) -> ModelUnusable:
        times = f"{tried} times" if tried > 1 else "once"
        if isinstance(got, _Broken):
            what = f"{self._endpoint.host} gave no whole answer, tried {times}: {got.reason}"
            return ModelUnusable(what, hint=f"see whether it runs; {_RESUMES}")
        said = self._endpoint.masked(got.said)
        return ModelUnusable(f"{self._endpoint.host} answered {got.status} {times}: {said}".rstrip(": "), hint=_RESUMES)

    def strange(self, problem: NoAnswer) -> None:
        """Note that what came is no answer to its question; where nothing else comes, no further question is asked."""
        told = f"{self._endpoint.host}, asked several times: {problem}"
        self.breaker.got_strange(ModelUnusable(told, hint=problem.hint))

    def _too_large(self, status: int) -> NoAnswer | ModelUnusable:
        """Say whose fault a body without end is: of one answer, or of an endpoint that fails."""
        large = f"{self._endpoint.host} sent more than {LARGEST_BODY // 2**20} MB"
        problem = NoAnswer(Why.TOO_LARGE, large)
        if status != 200:
            return ModelUnusable(large, hint=problem.hint)
        self.strange(problem)
        return problem

    async def _try(self, body: dict[str, Any], effort: Effort) -> Reply | _Broken:
        start = time.monotonic()
        try:
            async with asyncio.timeout(effort.left):
                got = await self._send(body)
        except TimeoutError as error:
            late = f"{self._endpoint.host} gave no answer within {self._endpoint.deadline:g} s"
            hint = f"allow more with the setting deadline; {_RESUMES}"
            raise _billed(ModelUnusable(late, hint=hint)) from error
        effort.left -= time.monotonic() - start
        effort.maybe_paid += isinstance(got, _Broken) and got.maybe_paid
        return got

    async def _send(self, body: dict[str, Any]) -> Reply | _Broken:
        """Send once. cast_to=Response leaves the reading to us: of strange bodies the SDK makes strange objects."""
        try:
            response = await self._client.post("/chat/completions", cast_to=httpx2.Response, body=body)
        except APIStatusError as error:
            response = error.response
        except BodyTooLarge as error:
            raise _billed(self._too_large(error.status)) from error
        except APIConnectionError as error:
            cause = error.__cause__
            if isinstance(cause, httpx2.TimeoutException) and not isinstance(cause, _NEVER_SENT):
                raise TimeoutError from error
            reason = self._endpoint.masked(str(cause) or type(cause).__name__)
            return _Broken(reason, maybe_paid=not isinstance(cause, _NEVER_SENT))
        return _told(Reply(response.status_code, response.headers, response.content))


def _billed(error: Failed) -> Failed:
    error.maybe_paid = 1
    return error


def _told(reply: Reply) -> Reply:
    """Give the status that a gateway writes into the body of a 200: `{"error": {"code": 429}}`."""
    if reply.status != 200 or b'"error"' not in reply.body[:200]:
        return reply
    try:
        document = from_json(reply.body)
    except ValueError:
        return reply
    error = document.get("error") if isinstance(document, dict) and not document.get("choices") else None
    code = error.get("code") if isinstance(error, dict) else None
    return replace(reply, status=code) if isinstance(code, int) and 400 <= code < 600 else reply
