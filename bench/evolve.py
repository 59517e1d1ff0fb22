"""What `gitskill evolve` costs beside the model: a hundred runs to a candidate, 32 workers, lessons that clash.

    python bench/evolve.py [ROUNDS]

The real program against a server that takes exactly half a second for each
answer, then against one with exponential times. Each is held against the best
schedule of its own plan: an analyst is free to begin at once, a group when its
own analysts are done, the root when its groups are; so many workers for all.
"""

import heapq
import json
import math
import re
import sys
import tempfile
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyse import TRACES, WORKERS, gitskill, prepare, served, told_by
from sample import git

from gitskill.plan import Plan
from gitskill.store.analyses import plan_of
from gitskill.store.repository import Repository
from gitskill.store.runs import recorded

SECONDS = 0.5
CALLS = 110
BAR = 1.15
_SHEET = re.compile(r"Fill in sheet (\d+)")
_SHOWN = re.compile(r"^l(\d{4})[a-z] \(", re.MULTILINE)

Node = tuple[int, int]
"""Level and number, both from 1."""


@dataclass(frozen=True)
class Work:
    """A plan, and how long each of its calls took."""

    plan: Plan
    analysts: Sequence[tuple[int, float]]
    """The number of a trace and the seconds of its call, in the order in which they began."""
    calls: Mapping[Node, Sequence[float]]
    """The seconds of the calls of each node, one after the other."""


def main() -> None:
    """Print the figures of several rounds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(folder)
        for name, words in (("fixed", ()), ("exponential", ("exp",))):
            found = [once(folder, words) for _ in range(rounds)]
            calls = max(len(work.analysts) + sum(map(len, work.calls.values())) for work, _ in found)
            ratios = [seconds / ideal(work) for work, seconds in found]
            parted = [ideal(work, apart=True) / ideal(work) for work, _ in found]
            print(f"{name} {SECONDS} s: {calls} calls at most (bar {CALLS})")
            print(f"  first request to last reply {_range(ratios)} of the best schedule (bar {BAR})")
            print(
                f"  {_range([seconds for _, seconds in found])} s; the best one whose groups wait for all analysts ",
                end="",
            )
            print(f"would be {_range(parted)}")
            waves = (math.ceil(TRACES / WORKERS) + len(found[0][0].plan.groups)) * SECONDS
            if name == "fixed":
                print(f"  critical path of the plan {waves} s: {_range([seconds / waves for _, seconds in found])}")


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def once(folder: Path, words: Sequence[str]) -> tuple[Work, float]:
    """Evolve a copy of the repository; give what was called, and the seconds from first request to last reply."""
    with tempfile.TemporaryDirectory() as made, served((SECONDS, *words, "clashing")) as url:
        copy = Path(made) / "skill"
        git(folder, "clone", "-q", "--mirror", str(folder / "skill"), str(copy / ".git"))
        git(copy, "config", "core.bare", "false")
        model = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "k", "GITSKILL_MODEL": "m"}
        gitskill(copy, "evolve", "--workers", str(WORKERS), "--json", **model)
        told = told_by(url, "stats")
        return _work(copy, told_by(url, "bodies")["bodies"], told["times"]), told["seconds"]


def _work(folder: Path, bodies: Sequence[str], times: Sequence[float]) -> Work:
    """Tell whose call each body was: an analyst's, or that of a node."""
    repository = Repository.open(folder)
    plan = plan_of(repository, recorded(repository)[-1])
    if plan is None:
        raise SystemExit("the run has no plan")
    numbers = {each.task: each.number for each in plan.assignments}
    homes = {number: at for at, group in enumerate(plan.groups[0], start=1) for number in group}
    analysts, calls = [], defaultdict(list)
    for body, seconds in zip(bodies, times, strict=True):
        asked = json.loads(body)
        text = asked["messages"][1]["content"]
        if asked["response_format"]["json_schema"]["name"] == "Lessons":
            analysts.append((numbers[f"task-{_SHEET.findall(text)[-1]}x"], seconds))
        else:
            groups = {homes[int(number)] for number in _SHOWN.findall(text)}
            calls[(1, groups.pop()) if len(groups) == 1 else (len(plan.groups), 1)].append(seconds)
    return Work(plan, analysts, calls)


def ideal(work: Work, *, apart: bool = False) -> float:
    """Give the seconds of the schedule in which a free worker takes a group that is ready, else the next analyst.

    With `apart`, groups wait until every analyst is done.
    """
    schedule = _Schedule(work, apart=apart)
    return schedule.run()


class _Schedule:
    """Workers, what waits for them, and what each call waits for."""

    def __init__(self, work: Work, *, apart: bool) -> None:
        self._work = work
        self._apart = apart
        self._waiting = deque(work.analysts)
        self._ready: deque[tuple[float, Callable[[float], None]]] = deque()
        self._running: list[tuple[float, int, Callable[[float], None]]] = []
        self._left: Counter[Node] = Counter()
        self._parent: dict[Node | int, Node] = {}
        self._undone = len(work.analysts)
        self._held: list[Node] = []
        self._end = 0.0
        for level, groups in enumerate(work.plan.groups, start=1):
            for number, members in enumerate(groups, start=1):
                self._left[level, number] = len(members)
                for member in members:
                    self._parent[member if level == 1 else (level - 1, member)] = (level, number)

    def run(self) -> float:
        now, begun = 0.0, 0
        while self._waiting or self._ready or self._running:
            while len(self._running) < WORKERS and (self._ready or self._waiting):
                if self._ready:
                    seconds, then = self._ready.popleft()
                else:
                    trace, seconds = self._waiting.popleft()
                    then = self._analyst(trace)
                begun += 1
                heapq.heappush(self._running, (now + seconds, begun, then))
            now, _, then = heapq.heappop(self._running)
            then(now)
        return self._end

    def _analyst(self, trace: int) -> Callable[[float], None]:
        def done(now: float) -> None:
            self._undone -= 1
            self._one_less(self._parent[trace], now)
            if self._apart and not self._undone:
                for node in self._held:
                    self._call(node, 0, now)

        return done

    def _one_less(self, node: Node, now: float) -> None:
        self._left[node] -= 1
        if self._left[node]:
            return
        if self._apart and node[0] == 1:
            self._held.append(node)
        else:
            self._call(node, 0, now)

    def _call(self, node: Node, number: int, now: float) -> None:
        """Queue the next call of a node, or be done with it."""
        calls = self._work.calls.get(node, ())
        if number < len(calls):
            self._ready.append((calls[number], lambda later: self._call(node, number + 1, later)))
            return
        self._end = max(self._end, now)
        if node in self._parent:
            self._one_less(self._parent[node], now)


if __name__ == "__main__":
    main()
