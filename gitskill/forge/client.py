"""Speaking with a forge over HTTP: one token to one host, no redirects, bounded answers, a deadline."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from gitskill.errors import GitskillError
from gitskill.forge.place import Place, Token
from gitskill.forge.shape import PAGE, Call, Forge, ForgePaused, ForgeRefused, Found, Wanted
from gitskill.model.endpoint import Endpoint, proxy_for
from gitskill.model.sealed import BodyTooLarge, Sealed

SECONDS = 30.0
"""How long one question may take in all."""
_PAGES = 20
_AGAIN = "run the command again: it goes on where it stood"
_MOVED = "if the repository has moved: git remote set-url"
_RIGHTS = "the token needs to read and write pull requests of this repository"
_WHERE = "see whether --remote and --forge are right"
_BY_REQUEST = frozenset({"Accept"})
"""Headers that the wire lets through; others belong to the endpoint."""


@dataclass(frozen=True, slots=True)
class Client:
    """A forge that is spoken with, as one person."""

    forge: Forge
    endpoint: Endpoint
    source: str
    """Where the token is from."""

    @classmethod
    def connect(
        cls, place: Place, token: Token, environment: Mapping[str, str], *, seconds: float = SECONDS
    ) -> "Client":
        """Prepare to speak with the forge at `place`; nothing is sent."""
        forge = place.forge
        endpoint = Endpoint(
            base_url=forge.api,
            key=token.value,
            headers=tuple(each for each in forge.headers if each[0] not in _BY_REQUEST),
            deadline=seconds,
            proxy=proxy_for(forge.api, environment),
            certificates=environment.get("SSL_CERT_FILE", ""),
        )
        return cls(forge, endpoint, token.source)

    def find(self, head: str) -> Found | None:
        """Find the open pull request of a branch."""
        for page in range(1, _PAGES + 1):
            rows = self._ask(self.forge.finding(head, page))
            if not isinstance(rows, list):
                raise self._odd()
            found = next((each for each in (self._read(row, head) for row in rows) if each), None)
            if found or len(rows) < PAGE:
                return found
        return None

    def open(self, wanted: Wanted) -> Found:
        """Open a pull request."""
        return self._one(self.forge.opening(wanted))

    def update(self, found: Found, wanted: Wanted) -> Found:
        """Change title and text of an open one."""
        return self._one(self.forge.updating(found, wanted))

    def _one(self, call: Call) -> Found:
        found = self._read(self._ask(call), "")
        if found is None:
            raise self._odd()
        return found

    def _read(self, row: object, head: str) -> Found | None:
        try:
            return self.forge.read(row, head) if isinstance(row, dict) else None
        except (KeyError, TypeError, AttributeError) as error:
            raise self._odd() from error

    def _odd(self) -> ForgeRefused:
        return ForgeRefused(
            f"{self.endpoint.host} does not answer as {self.forge.name} does", hint="see whether --forge is right"
        )

    def _ask(self, call: Call) -> object:
        status, headers, body = asyncio.run(self._sent(call))
        try:
            answer: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            if status < 300:
                raise self._odd() from error
            answer = None
        if status >= 300:
            raise self._refusal(status, headers, answer)
        return answer

    async def _sent(self, call: Call) -> tuple[int, Mapping[str, str], bytes]:
        url = self.forge.api + call.path
        sealed = Sealed(self.endpoint, connections=1)
        body = None if call.body is None else dict(call.body)
        given = {"User-Agent": "gitskill"} | {name: value for name, value in self.forge.headers if name in _BY_REQUEST}
        try:
            async with (
                asyncio.timeout(self.endpoint.deadline),
                httpx2.AsyncClient(transport=sealed, trust_env=False, follow_redirects=False, timeout=None) as client,
            ):
                response = await client.request(call.method, url, json=body, headers=given)
                return response.status_code, response.headers, response.content
        except TimeoutError as error:
            raise ForgeRefused(f"{self.endpoint.host} did not answer in time", hint=_AGAIN) from error
        except BodyTooLarge as error:
            raise ForgeRefused(f"{self.endpoint.host} sent more than any answer is long") from error
        except httpx2.HTTPError as error:
            told = self.endpoint.masked(str(error)) or type(error).__name__
            raise ForgeRefused(f"{self.endpoint.host} cannot be reached: {told}", hint=_AGAIN) from error

    def _refusal(self, status: int, headers: Mapping[str, str], answer: object) -> GitskillError:
        """Say what a status means here, and what to do."""
        host, said = self.endpoint.host, self.endpoint.masked(_said(answer))
        told = f": {said}" if said else ""
        wait = headers.get("retry-after", "")
        if status == 429 or (status == 403 and (wait or headers.get("x-ratelimit-remaining") == "0")):
            when = f"in {wait} seconds" if re.fullmatch(r"\d{1,6}", wait) else "later"
            return ForgePaused(f"{host} wants no more requests for now{told}", hint=f"run the command again {when}")
        what, hint = next((text for known, text in _MEANINGS if status in known), ("refuses it ({status})", ""))
        told = "" if 300 <= status < 400 else told
        return ForgeRefused(f"{host} {what.format(status=status, source=self.source)}{told}", hint=hint)


_MEANINGS = (
    (range(300, 400), ("sends us elsewhere ({status}), and gitskill does not follow", _MOVED)),
    ({401}, ("does not accept the token of {source}", "make a new one")),
    ({403}, ("forbids it to the token of {source}", _RIGHTS)),
    ({404}, ("has no such repository, or the token of {source} may not see it", _WHERE)),
    (range(500, 600), ("is out of order ({status})", _AGAIN)),
)
"""What a status means here, and what to do."""


def _said(answer: object) -> str:
    """Find the forge's own words in what it answered, in one line of a bounded length."""
    if not isinstance(answer, dict):
        return ""
    errors = answer.get("errors")
    several = errors if isinstance(errors, list) else []
    words: list[Any] = [answer.get("message"), answer.get("error"), answer.get("error_description")]
    words += [each.get("message") or each.get("code") if isinstance(each, dict) else each for each in several]
    told = [each if isinstance(each, str) else json.dumps(each) for each in words if each]
    return " ".join("; ".join(told).split())[:300]
