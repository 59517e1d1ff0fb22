"""A model endpoint on loopback that takes exactly so long for every answer.

Run: python bench/model_server.py SECONDS [MOST | exp] [clashing]
With MOST, each answer takes a time drawn between the two; with `exp`, one of an
exponential distribution with the mean SECONDS. It prints its base URL; GET
/stats tells the requests so far, the seconds from the first request to the last
answer, and how long each took; GET /bodies gives what was asked. Analysts get a
lesson that quotes the last run they asked about; with `clashing` these lessons
repeat, nearly repeat and overlap each other as those of real runs do.
"""

import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
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
_RUN = re.compile(r"^Run \d+:$", re.MULTILINE)
_SHEET = re.compile(r"Fill in sheet (\d+)")
_SET = re.compile(r"^Set \d+:\n.*?(?=^Set \d+:|^Others of this group)", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"^(l\d{4}[a-z]) \(", re.MULTILINE)
_COMMON = (
    "Read the written range back before you report the task as done",
    "Compute the value in Python where no program will recalculate the sheet",
    "Work on a copy of the workbook and keep what the person gave you",
    "Ask openpyxl for the structure and pandas for the numbers",
    "Count the rows before and after each step that filters them",
    "Name the target range in full, with its sheet, in every formula",
)
_ENDINGS = ("", ", every time", ", also where it looks right")
_WORDS = "amber bridge candle dollar ember fabric garden hollow island jacket kettle ladder marble needle orchid "
_WORDS += (
    "pocket quartz ribbon saddle tunnel umbrella velvet window yellow zipper anchor butter copper dragon engine falcon"
)


def answer(body: bytes, *, clashing: bool = False) -> dict[str, Any]:
    """Answer an analyst with one lesson, who joins lessons with decisions, anybody else with a verdict."""
    asked = json.loads(body)
    shape = asked.get("response_format", {}).get("json_schema", {}).get("name")
    if shape == "Decisions":
        return _said({"decisions": _decisions(asked["messages"][1]["content"])})
    if shape != "Lessons":
        return ANSWER
    text = asked["messages"][1]["content"]
    step, quote = _LABEL.findall(text)[-1]
    rule = f"Check the result of a write by reading it back: {len(body)} bytes taught that."
    edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": "Section 1", "content": f"- {rule}"}
    if clashing:
        rule, edit = _taught(int(_SHEET.findall(text)[-1]))
    evidence = [{"run": max(len(_RUN.findall(text)), 1), "step": int(step), "text": quote.strip()}]
    lesson = {"title": rule[:60], "cause": "seen", "rule": rule, "evidence": evidence, "edits": [edit]}
    return _said({"lessons": [lesson], "reason": ""})


def _said(value: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": json.dumps(value)}
    return ANSWER | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def _taught(number: int) -> tuple[str, dict[str, str]]:
    """Make the lesson of a run: of ten, four repeat or nearly repeat others, two overlap others, four stand alone."""
    draw = random.Random(number)  # noqa: S311 - not for secrets
    edit = {"op": "append_to_section", "file": "SKILL.md"}
    if number % 10 < 4:
        which = draw.randrange(len(_COMMON))
        rule = f"{_COMMON[which]}{draw.choice(_ENDINGS)}."
        return rule, edit | {"target_section": f"Section {which}", "content": f"- {rule}"}
    if number % 10 < 6:
        line = draw.randrange(4)
        rule = f"Rule 9.{line}: {draw.choice(['look at it twice', 'ask before you do it', 'write it down'])}"
        old = f"- Rule 9.{line}: {'keep this in mind ' * 3}".rstrip()
        return rule, edit | {"op": "replace_in_section", "old_text": old, "content": f"- {rule}."}
    rule = f"{' '.join(draw.sample(_WORDS.split(), 8)).capitalize()}."
    return rule, edit | {"target_section": f"Section {number % 7}", "content": f"- {rule}"}


def _decisions(asked: str) -> list[dict[str, Any]]:
    """Keep the first lesson of each set, and drop the others for it."""
    decided: list[dict[str, Any]] = []
    for told in _SET.findall(asked):
        first, *others = _SHOWN.findall(told)
        plain: dict[str, Any] = {"reason": "", "edits": []}
        decided.append(plain | {"do": "keep", "lessons": [first]})
        decided += [plain | {"do": "drop", "lessons": others, "reason": f"{first} says it best"}] * bool(others)
    return decided


@dataclass
class Server:
    """Answers after the times that `draw` gives, and counts."""

    draw: Callable[[], float]
    clashing: bool = False
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
        due = time.monotonic() + (wait := self.draw())
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.partition(b":")[2]))
        # In one step: what was asked and how long it took stand at the same place of both lists.
        self.times.append(wait)
        self.bodies.append(body.decode())
        found = answer(body, clashing=self.clashing)
        await asyncio.sleep(due - time.monotonic())
        return found


async def main() -> None:
    """Serve on a free port for ever."""
    words = [word for word in sys.argv[1:] if word != "clashing"]
    least, most = float(words[0]), words[-1]
    draw = partial(_DRAW.expovariate, 1 / least) if most == "exp" else partial(_DRAW.uniform, least, float(most))
    server = Server(draw, clashing="clashing" in sys.argv)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=256)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
