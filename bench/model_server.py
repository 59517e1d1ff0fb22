"""A model endpoint on loopback that takes exactly so long for every answer.

Run: python bench/model_server.py SECONDS
It prints its base URL; GET /stats tells the requests so far, and the seconds
from the first request to the last answer.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from typing import Any

TEXT = json.dumps({"good": True, "reason": "it works " * 40})
ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3000, "completion_tokens": 100, "total_tokens": 3100},
}


@dataclass
class Server:
    """Answers after `seconds`, and counts."""

    seconds: float
    count: int = 0
    first: float = 0.0
    last: float = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the other end closes it."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                document = await self._answer(head, reader)
                body = json.dumps(document).encode()
                lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
                writer.write("\r\n".join(lines).encode() + body)
                await writer.drain()
                self.last = time.monotonic() if "choices" in document else self.last
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader) -> dict[str, Any]:
        if head.startswith(b"GET /stats"):
            return {"requests": self.count, "seconds": self.last - self.first}
        self.count += 1
        self.first = self.first or time.monotonic()
        due = time.monotonic() + self.seconds
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        await asyncio.sleep(due - time.monotonic())
        return ANSWER


async def main() -> None:
    """Serve on a free port for ever."""
    server = Server(float(sys.argv[1]))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=256)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
