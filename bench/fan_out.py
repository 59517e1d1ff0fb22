"""What a hundred questions cost beside the model: time, memory and CPU, against a bare loop over the SDK.

Run: python bench/fan_out.py
"""

import asyncio
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

QUESTIONS = 100
WORKERS = 32
LATENCY = 0.5
ROUNDS = 5
PROMPT = "Step {0}: the agent wrote the file and read it back. " * 150


class Verdict(BaseModel):
    """What is asked for."""

    good: bool
    reason: str


@dataclass(frozen=True)
class Figures:
    """One process and what it took."""

    requests: int
    seconds: float
    cpu: float
    whole_cpu: float
    memory: float


async def fan_out(ask: Callable[[str], Awaitable[object]]) -> None:
    """Ask all questions with so many workers."""
    gate = asyncio.Semaphore(WORKERS)

    async def one(number: int) -> None:
        async with gate:
            await ask(PROMPT.format(number))

    await asyncio.gather(*(one(number) for number in range(QUESTIONS)))


async def bare(url: str, _: Path) -> None:
    """Loop over the SDK: no ledger, no budget, no look at what comes back."""
    from openai import AsyncOpenAI, pydantic_function_tool  # noqa: PLC0415

    schema = pydantic_function_tool(Verdict)["function"].get("parameters", {})
    shape: Any = {"type": "json_schema", "json_schema": {"name": "Verdict", "strict": True, "schema": schema}}
    async with AsyncOpenAI(api_key="k", base_url=url, max_retries=0) as client:

        async def ask(text: str) -> None:
            await client.chat.completions.create(
                model="m",
                messages=[{"role": "user", "content": text}],
                max_tokens=500,
                response_format=shape,
            )

        await measured(fan_out(ask))


async def ours(url: str, folder: Path) -> None:
    """Ask through all layers: validated, from the ledger, within a budget."""
    from gitskill.model.budget import Budgeted, Limits  # noqa: PLC0415
    from gitskill.model.client import OpenAIModel  # noqa: PLC0415
    from gitskill.model.endpoint import Endpoint  # noqa: PLC0415
    from gitskill.model.ledger import Ledger, Ledgered  # noqa: PLC0415
    from gitskill.model.prices import Price, Prices  # noqa: PLC0415
    from gitskill.model.request import Message, Question  # noqa: PLC0415
    from gitskill.model.structured import Validated  # noqa: PLC0415

    prices = Prices(url, {"m": Price(1, 1, 1)})
    ledger = Ledger(folder / "ledger.db")
    async with OpenAIModel(Endpoint(url, "k")) as inner:
        budgeted = Budgeted(inner, Limits(calls=QUESTIONS, usd=100), prices)
        model = Validated(Ledgered(budgeted, ledger, str, prices.usd))

        async def ask(text: str) -> None:
            await model.ask(Question("m", (Message("user", text),), Verdict, max_tokens=500))

        await measured(fan_out(ask))
    ledger.close()


async def measured(work: Awaitable[None]) -> None:
    """Do the work and print the CPU it took, the process's, and its largest memory."""
    start = time.process_time()
    await work
    cpu = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": cpu, "whole_cpu": time.process_time(), "memory": memory}))


def child(name: str) -> Figures:
    """Run one of the two in a process of its own, against a fresh server."""
    folder = Path(__file__).parent
    command = [sys.executable, str(folder / "model_server.py"), str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, tempfile.TemporaryDirectory() as made:
        url = server.stdout.readline().strip() if server.stdout else ""
        command = [sys.executable, __file__, name, url, made]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as response:  # noqa: S310
            told = json.load(response)
        server.terminate()
    del told["times"]
    return Figures(**told, **json.loads(done.stdout))


def main() -> None:
    """Print both, and the ratios."""
    rounds = {name: [child(name) for _ in range(ROUNDS)] for name in ("bare", "ours")}
    best = {name: min(each, key=lambda figures: figures.cpu) for name, each in rounds.items()}
    for name, figures in best.items():
        print(name, {key: round(value, 3) for key, value in asdict(figures).items()})
    waves = math.ceil(QUESTIONS / WORKERS) * LATENCY
    slowest = {name: max(figures.seconds for figures in each) / waves for name, each in rounds.items()}
    mine, theirs = best["ours"], best["bare"]
    print(f"calls {mine.requests} (bar {QUESTIONS})")
    print(
        f"first request to last reply, slowest of {ROUNDS}: {slowest['ours']:.2f} x {waves} s (bar 1.15), bare ", end=""
    )
    print(f"loop {slowest['bare']:.2f}")
    print(f"memory {mine.memory:.0f} MB (bar 120), bare loop {theirs.memory:.0f} MB")
    print(
        f"CPU {mine.cpu / theirs.cpu:.2f} x a bare loop (bar 1.5), {mine.whole_cpu / theirs.whole_cpu:.2f} with imports"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run({"bare": bare, "ours": ours}[sys.argv[1]](sys.argv[2], Path(sys.argv[3])))
    else:
        main()
