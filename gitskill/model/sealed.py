"""The wire itself: who may be talked to, how much may come back, and what exactly goes out."""

import ssl

import httpx2

from gitskill.errors import InvalidInput
from gitskill.model.endpoint import Endpoint

LARGEST_BODY = 16 * 1024 * 1024
CONNECTIONS = 128
_KEPT = frozenset({"host", "accept", "content-type", "content-length", "user-agent", "connection"})
_CODED = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class BodyTooLarge(Exception):
    """More came back than any answer is long. Not an httpx2 error: the SDK must let it pass."""

    def __init__(self, status: int) -> None:
        super().__init__(f"more than {LARGEST_BODY} bytes")
        self.status = status


class Sealed(httpx2.AsyncBaseTransport):
    """Sends what the endpoint's settings say and nothing ambient, and reads no more than it can hold."""

    def __init__(self, endpoint: Endpoint, *, connections: int = CONNECTIONS) -> None:
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        # trust_env off: proxies and certificates are settings, not something the library finds by itself.
        self._inner = httpx2.AsyncHTTPTransport(
            verify=_trusted(endpoint.certificates), trust_env=False, limits=limits, proxy=endpoint.proxy or None
        )
        self._headers = dict(endpoint.headers)
        if endpoint.key:
            self._headers = {"Authorization": f"Bearer {endpoint.key}"} | self._headers

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` with our headers alone, read its body within bounds, decoded."""
        # The SDK adds headers from OPENAI_CUSTOM_HEADERS, OPENAI_ORG_ID and others, and what machine this is.
        kept = [(name, value) for name, value in request.headers.items() if name.lower() in _KEPT]
        request.headers = httpx2.Headers([*kept, ("Accept-Encoding", "gzip, deflate"), *self._headers.items()])
        response = await self._inner.handle_async_request(request)
        response.request = request
        try:
            body = await _read(response)
        finally:
            await response.aclose()
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in _CODED]
        return httpx2.Response(response.status_code, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


def _trusted(certificates: str) -> ssl.SSLContext | bool:
    if not certificates:
        return True
    try:
        return ssl.create_default_context(cafile=certificates)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(f"{certificates}, which SSL_CERT_FILE names, holds no certificates: {error}") from error


async def _read(response: httpx2.Response) -> bytes:
    """Read the body as it comes out of its compression, piece by piece, and stop where it grows too large."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > LARGEST_BODY:
            raise BodyTooLarge(response.status_code)
        parts.append(part)
    return b"".join(parts)
