"""A model endpoint on loopback that takes exactly so long for every answer.

Run: python bench/model_server.py SECONDS [MOST]
With MOST, each answer takes a time drawn between the two. It prints its base
URL; GET /stats tells the requests so far, the seconds from the first request
to the last answer, and how long each took; GET /bodies gives what was asked.
Analysts get a lesson that quotes the run they asked about.
"""

import asyncio
import json
import random
import re
import sys
import time
from dataclasses import dataclass, field
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

_DRAW = random.Random(7)  # noqa: S311 - not for secrets
_LABEL = re.compile(r"\[[0-9a-f]{6}\] step (\d+), [^\n]+\n([^\n]+)")


def answer(body: bytes) -> dict[str, Any]:
    """Answer an analyst with one lesson, anybody else with a verdict."""
    asked = json.loads(body)
    shape = asked.get("response_format", {}).get("json_schema", {}).get("name")
    if shape != "Lessons":
        return ANSWER
    step, quote = _LABEL.findall(asked["messages"][1]["content"])[-1]
    rule = f"Check the result of a write by reading it back: {len(body)} bytes taught that."
    edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": "Section 1", "content": f"- {rule}"}
    evidence = [{"run": 1, "step": int(step), "text": quote.strip()}]
    lesson = {"title": rule[:60], "cause": "seen", "rule": rule, "evidence": evidence, "edits": [edit]}
    text = json.dumps({"lessons": [lesson], "reason": ""})
    message = {"role": "assistant", "content": text}
    return ANSWER | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


@dataclass
class Server:
    """Answers after a time between `seconds` and `most`, and counts."""

    seconds: float
    most: float
    bodies: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
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
            return {"requests": self.count, "seconds": self.last - self.first, "times": self.times}
        if head.startswith(b"GET /bodies"):
            return {"bodies": self.bodies}
        self.count += 1
        self.first = self.first or time.monotonic()
        self.times.append(_DRAW.uniform(self.seconds, self.most))
        due = time.monotonic() + self.times[-1]
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.partition(b":")[2]))
        self.bodies.append(body.decode())
        found = answer(body)
        await asyncio.sleep(due - time.monotonic())
        return found


async def main() -> None:
    """Serve on a free port for ever."""
    server = Server(float(sys.argv[1]), float(sys.argv[-1]))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=256)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
