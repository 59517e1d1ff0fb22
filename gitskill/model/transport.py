"""The SDK's client of an endpoint, on our own wire."""

import httpx2
from openai import AsyncOpenAI

from gitskill.model.endpoint import Endpoint
from gitskill.model.sealed import Sealed

CONNECT_SECONDS = 10.0


def connect(endpoint: Endpoint) -> AsyncOpenAI:
    """Make the one client of an endpoint: no retries, no redirects, nothing from the environment."""
    timeout = httpx2.Timeout(endpoint.deadline, connect=min(CONNECT_SECONDS, endpoint.deadline))
    return AsyncOpenAI(
        api_key=endpoint.key or "none",
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=timeout,
        http_client=httpx2.AsyncClient(
            transport=Sealed(endpoint), timeout=timeout, follow_redirects=False, trust_env=False
        ),
    )
