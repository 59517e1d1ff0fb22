"""What `gitskill analyse` costs beside the model: a hundred successful runs, 32 workers, half a second an answer.

    python bench/analyse.py [ROUNDS]

The real program against a server that takes exactly so long, then with times
drawn at random, and a bare loop over the SDK that sends the same bodies.
"""

import asyncio
import heapq
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sample import git, make_repository

TRACES = 100
WORKERS = 32
FIXED = (0.5, 0.5)
DRAWN = (0.2, 1.2)
STEPS = 24
CHILD = [sys.executable, __file__]


@dataclass(frozen=True)
class Figures:
    """One process: what the server saw, and what it took."""

    requests: int
    ratio: float
    """Seconds from the first request to the last answer, by the best that so many workers can do."""
    cpu: float
    """Seconds of the whole process."""
    work: float
    """Of these, what came after everything was imported and the traces were chosen."""
    memory: float


def main() -> None:
    """Print the figures of several rounds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(folder)
        for name, seconds in (("fixed", FIXED), ("drawn", DRAWN)):
            pairs = [both(folder, seconds) for _ in range(rounds)]
            ours, bare = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            print(f"{name} {seconds[0]} to {seconds[1]} s: {ours[0].requests} calls (bar {TRACES})")
            print(
                f"  first request to last reply {_range([each.ratio for each in ours])} of ideal (bar 1.15), ", end=""
            )
            print(f"bare loop {_range([each.ratio for each in bare])}")
            print(f"  memory {_range([each.memory for each in ours])} MB (bar 120)")
            cpu = [mine.cpu / theirs.cpu for mine, theirs in pairs]
            work = [mine.work / theirs.work for mine, theirs in pairs]
            print(f"  CPU {_range([each.cpu for each in ours])} s, {_range(cpu)} of a bare loop (bar 1.5)", end="")
            print(f"; without imports and planning {_range([each.work for each in ours])} s, {_range(work)}")


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def prepare(folder: Path, traces: int = TRACES) -> None:
    """Store successful runs of about 30 KB beside a skill of 20 KB."""
    make_repository(folder / "skill")
    logs = folder / "runs"
    logs.mkdir()
    for number in range(traces):
        (logs / f"task-{number}x.json").write_text(json.dumps(_run(number)))
    labels = folder / "labels.csv"
    labels.write_text("id,outcome\n" + "".join(f"task-{number}x,success\n" for number in range(traces)))
    gitskill(folder / "skill", "traces", "add", str(logs), "--labels", str(labels))


def _run(number: int) -> dict[str, Any]:
    said = f"row {number} of the sheet holds the value that was asked for. " * 20
    steps: list[dict[str, Any]] = [{"origin": "user", "text": f"Fill in sheet {number}."}]
    for step in range(STEPS):
        command = {"command": f"python fill.py --row {step} --sheet {number}"}
        observation = {"text": f"{step} {said}", "exit_code": 0}
        steps.append({"origin": "agent", "calls": [{"name": "bash", "arguments": command, "observation": observation}]})
    return {"gitskill_trace": 1, "task": f"task-{number}x", "request": f"Fill in sheet {number}.", "steps": steps}


def gitskill(folder: Path, *words: str, **environment: str) -> None:
    """Run the program in a process of its own."""
    command = [sys.executable, "-c", "from gitskill.cli.main import main; main()", "-C", str(folder), *words]
    subprocess.run(command, check=True, capture_output=True, env=sealed(**environment))


def sealed(**more: str) -> dict[str, str]:
    """Give an environment without the models and settings of whoever runs this."""
    person = {f"GIT_COMMITTER_{key}": value for key, value in (("NAME", "Bench"), ("EMAIL", "b@example.com"))}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")}
    return {**kept, **person, "GITSKILL_CONFIG": os.devnull, **more}


@contextmanager
def served(words: Sequence[float | str]) -> Iterator[str]:
    """Give the base URL of a fresh server, which is told `words`."""
    command = [sys.executable, str(Path(__file__).parent / "model_server.py"), *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip() if server.stdout else ""
        finally:
            server.terminate()


def both(folder: Path, seconds: tuple[float, float]) -> tuple[Figures, Figures]:
    """Run the program in a copy of the repository, then the bare loop with what the server was asked."""
    with tempfile.TemporaryDirectory() as made, served(seconds) as url:
        copy, bodies = Path(made) / "skill", Path(made) / "bodies.json"
        git(folder, "clone", "-q", "--mirror", str(folder / "skill"), str(copy / ".git"))
        git(copy, "config", "core.bare", "false")
        ours = child("ours", url, str(copy))
        bodies.write_text(json.dumps(told_by(url, "bodies")))
        with served(seconds) as again:
            return ours, child("bare", again, str(bodies))


def child(name: str, url: str, what: str) -> Figures:
    """Run one of the two in a process, and hold it against what the server saw."""
    environment = sealed(OPENAI_BASE_URL=url, OPENAI_API_KEY="k", GITSKILL_MODEL="m")
    done = subprocess.run([*CHILD, name, url, what], check=True, stdout=subprocess.PIPE, env=environment)
    told, own = told_by(url, "stats"), json.loads(done.stdout.splitlines()[-1])
    return Figures(told["requests"], told["seconds"] / _ideal(told["times"]), own["cpu"], own["work"], own["memory"])


def told_by(url: str, what: str) -> Any:
    """Ask the server for its figures."""
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/{what}") as response:  # noqa: S310
        return json.load(response)


def _ideal(times: Sequence[float]) -> float:
    """Give the time of the schedule in which each free worker takes the next call."""
    free = [0.0] * WORKERS
    for seconds in times:
        heapq.heappush(free, heapq.heappop(free) + seconds)
    return max(free)


def ours(_: str, folder: str) -> None:
    """Run the command; what it had cost before its first call is not counted."""
    from gitskill.cli import working  # noqa: PLC0415
    from gitskill.cli.main import run  # noqa: PLC0415

    work, started = working.work, [0.0]

    async def timed(*args: Any) -> None:
        import openai  # noqa: F401, PLC0415

        started[0] = time.process_time()
        await work(*args)

    working.work = timed  # type: ignore[assignment]
    code = run(["-C", folder, "analyse", "--workers", str(WORKERS), "--json"], os.environ)
    report(time.process_time() - started[0])
    sys.exit(code)


def bare(url: str, file: str) -> None:
    """Send the same bodies, with nothing around the SDK."""
    from openai import AsyncOpenAI  # noqa: PLC0415

    bodies = [json.loads(body) for body in json.loads(Path(file).read_text())["bodies"]]

    async def all_of_them() -> None:
        gate = asyncio.Semaphore(WORKERS)
        async with AsyncOpenAI(api_key="k", base_url=url, max_retries=0) as client:

            async def one(body: dict[str, Any]) -> None:
                async with gate:
                    await client.chat.completions.create(**body)

            await asyncio.gather(*(one(body) for body in bodies))

    started = time.process_time()
    asyncio.run(all_of_them())
    report(time.process_time() - started)


def report(work: float) -> None:
    """Print what this process took."""
    print()
    print(
        json.dumps(
            {
                "cpu": time.process_time(),
                "work": work,
                "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    if len(sys.argv) > 3:
        {"ours": ours, "bare": bare}[sys.argv[1]](*sys.argv[2:])
    else:
        main()
