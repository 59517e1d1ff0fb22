"""A model endpoint on loopback that answers as it is told, breaks in every way that endpoints break, and remembers."""

import gzip
import io
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self

from loopback import Loopback


@dataclass(slots=True)
class Seen:
    """A request as it came in, and how long its answer took."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    number: int
    seconds: float = 0.0
    ended: float = 0.0

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """All that was said to the model."""
        return "\n".join(str(message["content"]) for message in self.json["messages"])


@dataclass(slots=True)
class Exchange:
    """What a reaction may use: the request, the wire, and the server's own end."""

    seen: Seen
    handler: BaseHTTPRequestHandler
    closing: threading.Event

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.handler.send_response(status)
        given = {"Content-Type": "application/json", "Content-Length": str(len(body))} | (headers or {})
        for name, value in given.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.wfile.write(body)
        self.handler.wfile.flush()

    def drop(self) -> None:
        """Send nothing more on this connection."""
        self.handler.close_connection = True


Reaction = Callable[[Exchange], None]
Script = Callable[[Seen], Reaction]


def completion(text: str | None = "fine", **changes: Any) -> dict[str, Any]:
    """Write a chat completion; `changes` are those of the message, but for finish, usage and model."""
    finish = changes.pop("finish", "stop")
    usage = changes.pop("usage", {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110})
    model = changes.pop("model", "m")
    message = {"role": "assistant", "content": text} | changes
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": model, "choices": [choice], "usage": usage}


def ok(text: str | None = "fine", **changes: Any) -> Reaction:
    return document(completion(text, **changes))


def document(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reaction:
    return raw(json.dumps(value).encode(), status, headers)


def raw(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Reaction:
    return lambda exchange: exchange.send(status, body, headers)


def error(status: int, message: str = "it broke", *, retry_after: str | None = None, **more: str) -> Reaction:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return document({"error": {"message": message, "type": "error", **more}}, status, headers)


def page() -> Reaction:
    return raw(b"<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html"})


def redirect(to: str) -> Reaction:
    return lambda exchange: exchange.send(307, b"", {"Location": to})


def hang() -> Reaction:
    """Accept the request and say nothing until the server closes."""

    def react(exchange: Exchange) -> None:
        exchange.closing.wait(30)
        exchange.drop()

    return react


def drip(seconds: float) -> Reaction:
    """Send a good answer, a byte at a time, `seconds` apart."""

    def react(exchange: Exchange) -> None:
        body = json.dumps(completion()).encode()
        exchange.send(200, b"", {"Content-Length": str(len(body))})
        for at in range(len(body)):
            if exchange.closing.wait(seconds):
                break
            exchange.handler.wfile.write(body[at : at + 1])
        exchange.drop()

    return react


def reset() -> Reaction:
    """Break the connection with a RST."""

    def react(exchange: Exchange) -> None:
        exchange.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        exchange.handler.connection.close()
        exchange.drop()

    return react


def half_body() -> Reaction:
    """Promise a whole answer, send half of it, close."""

    def react(exchange: Exchange) -> None:
        body = json.dumps(completion()).encode()
        exchange.send(200, body[: len(body) // 2], {"Content-Length": str(len(body))})
        exchange.drop()

    return react


def huge(size: int) -> Reaction:
    """Send `size` bytes of one text, without telling how many."""

    def react(exchange: Exchange) -> None:
        exchange.drop()
        exchange.handler.send_response(200)
        exchange.handler.send_header("Connection", "close")
        exchange.handler.end_headers()
        for _ in range(size // 65536):
            exchange.handler.wfile.write(b"x" * 65536)

    return react


def bomb(size: int) -> Reaction:
    """Send a few bytes of gzip that are `size` bytes of zeros."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        for _ in range(size // 2**20):
            file.write(bytes(2**20))
    return raw(packed.getvalue(), headers={"Content-Encoding": "gzip"})


def then(*reactions: Reaction) -> Script:
    """React to the first request with the first, and so on; the last one stays."""
    return lambda seen: reactions[min(seen.number, len(reactions)) - 1]


def always(reaction: Reaction) -> Script:
    return lambda _: reaction


@dataclass
class FaultServer(Loopback):
    """The server. `latency` is seconds, or a range of them from which `seed` draws."""

    script: Script = field(default_factory=lambda: always(ok()))
    latency: float | tuple[float, float] = 0.0
    seed: int = 0
    seen: list[Seen] = field(default_factory=list)
    on_request: Callable[[Seen], object] | None = None
    """A hook, called when a request was read and before it is answered."""

    def __enter__(self) -> Self:
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._draw = random.Random(self.seed)  # noqa: S311
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        super().__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def count(self) -> int:
        return len(self.seen)

    @property
    def latencies(self) -> Sequence[float]:
        return [seen.seconds for seen in self.seen]

    def handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                outer._serve(self)

            do_GET = do_PUT = do_PATCH = do_CONNECT = do_POST  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        start = time.monotonic()
        length = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(length)
        if len(body) < length:  # whoever asked was killed while asking
            return
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            seen = Seen(handler.command, handler.path, headers, body, start, len(self.seen) + 1)
            self.seen.append(seen)
            low, high = self.latency if isinstance(self.latency, tuple) else (self.latency, self.latency)
            wait = self._draw.uniform(low, high)
        if self.on_request:
            self.on_request(seen)
        if not (wait and self._closing.wait(wait)):
            self.script(seen)(Exchange(seen, handler, self._closing))
        seen.ended = time.monotonic()
        seen.seconds = seen.ended - start
