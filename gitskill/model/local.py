"""Finding a model server on this machine. Asked for by the user only, and never with a key."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2
from pydantic import BaseModel, ValidationError

from gitskill.model.endpoint import Endpoint
from gitskill.model.sealed import BodyTooLarge, Sealed

PORTS = {11434: "Ollama", 1234: "LM Studio", 8080: "llama.cpp", 8000: "vLLM"}
SECONDS = 0.5
_MOST_NAMES = 50


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answered, and the models it has."""

    base_url: str
    usually: str
    """What mostly listens at this port; the server itself was not asked."""
    models: tuple[str, ...]


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


async def probe(ports: Sequence[int] = tuple(PORTS), seconds: float = SECONDS) -> tuple[Server, ...]:
    """Ask the usual loopback ports, all at once, for their models; give what answered."""
    found = await asyncio.gather(*(_ask(port, seconds) for port in ports))
    return tuple(server for server in found if server)


async def _ask(port: int, seconds: float) -> Server | None:
    endpoint = Endpoint(f"http://127.0.0.1:{port}/v1", deadline=seconds)
    transport = Sealed(endpoint, connections=1)
    try:
        async with asyncio.timeout(seconds), httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            response = await client.get(f"{endpoint.base_url}/models")
            models = _Models.model_validate_json(response.content)
    except (TimeoutError, httpx2.HTTPError, BodyTooLarge, ValidationError):
        return None
    names = [model.id for model in models.data if 0 < len(model.id) <= 200]
    return Server(endpoint.base_url, PORTS.get(port, ""), tuple(names[:_MOST_NAMES]))
