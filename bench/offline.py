"""What the analyst without a model finds in real runs: every figure that docs/offline-lessons.md states.

    python bench/offline.py [--lessons N] [--seed S]

The runs lie outside the repository, in ../shared/data/trajectories; sets that are
not there are left out.
"""

import argparse
import json
import math
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from gitskill.analysts.draft import HERE, Draft, Studied
from gitskill.analysts.offline.acts import Run, run_of
from gitskill.analysts.offline.errors import INTENDED, Class, failure, noise_of
from gitskill.analysts.offline.messages import refused_messages
from gitskill.analysts.offline.recoveries import recoveries
from gitskill.analysts.offline.study import Study, study
from gitskill.analysts.offline.wording import CALLS, COMMANDS
from gitskill.formats.reading import Reading
from gitskill.formats.source import Source
from gitskill.formats.table import recognised
from gitskill.outcome import Status
from gitskill.trace import Origin

RUNS = Path(__file__).parents[2] / "shared" / "data" / "trajectories"
LOGS = {".json", ".jsonl", ".traj", ".eval"}
MEASURED = {"intercode-bash", "mini-swe-agent", "tau-bench"}
NEAR = 2

Runs = list[tuple[Studied, str]]
"""Runs, each with the name of its set."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lessons", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20261121)
    chosen = parser.parse_args()
    runs = read()
    found = study([one for one, _ in runs])
    counts(runs, found)
    coverage(runs, found)
    deviating(runs, found)
    odd(found)
    roots(runs)
    speed([one for one, _ in runs])
    drawn(runs, found, chosen.lessons, chosen.seed)


def read() -> Runs:
    """Read every run, with the set that it belongs to."""
    runs: Runs = []
    for path in sorted(RUNS.rglob("*")):
        if path.suffix not in LOGS or not path.is_file():
            continue
        source = Source(path)
        name = path.relative_to(RUNS).parts[0]
        for format_ in recognised(source)[:1]:
            for item in format_.read(source):
                if isinstance(item, Reading):
                    runs.append((Studied(f"{name}-{len(runs)}", item.trace, item.outcome), name))
    return runs


def counts(runs: Runs, found: Study) -> None:
    """Print how many runs taught something, and why the others did not."""
    drafts = [draft for each in found.lessons.values() for draft in each]
    print(f"{len(runs)} runs; {len(found.lessons)} with lessons, {len(found.none)} without")
    print(f"{len(drafts)} drafts, {len({draft.rule for draft in drafts})} different ones")
    print(
        f"sections: {dict(Counter(draft.section for draft in drafts))}; {HERE}: {sum(d.scope == HERE for d in drafts)}"
    )
    for reason, number in Counter(found.none.values()).most_common():
        print(f"  {number:4} {reason}")


def coverage(runs: Runs, found: Study) -> None:
    """Print how many failed runs with a quotable error have a lesson that quotes it and a step that did not fail."""
    print("\nfailed runs with a quotable error, and those with a lesson that quotes it and a step that did not fail")
    totals: Counter[str] = Counter()
    for name in sorted({name for _, name in runs}):
        counted = _covered([one for one, of in runs if of == name], found)
        if not counted["error"]:
            continue
        if name in MEASURED:
            totals += counted
        print(f"  {name:16} {_shares(counted)}")
    print(f"  the three sets   {_shares(totals)}")


def _covered(group: Sequence[Studied], found: Study) -> Counter[str]:
    counted: Counter[str] = Counter()
    for one in group:
        if one.outcome.status is not Status.FAILURE:
            continue
        run = run_of(one)
        wrong = _errors(run)
        counted["failed"] += 1
        counted["error"] += bool(wrong)
        counted["mistake"] += any(kind not in INTENDED for kind in wrong)
        drafts = found.lessons.get(one.id, ())
        later = any(_is_later(draft) for draft in drafts)
        counted["harness"] += not later and any(not each.is_earlier for each in recoveries(run))
        counted["later"] += later
        counted["either"] += later or any(_is_earlier(draft) for draft in drafts)
        counted["any"] += bool(drafts and wrong)
    return counted


def _errors(run: Run) -> list[Class]:
    """Give the kinds of the errors of a run that can be quoted, messages that were refused for their form included."""
    noise = noise_of(run.acts)
    kinds = [found.kind for act in run.acts if (found := failure(act, noise))]
    return [*kinds, *(Class.REFUSED for _ in refused_messages(run))]


def _is_pair(draft: Draft) -> bool:
    return draft.section in {COMMANDS, CALLS} and len(draft.evidence) == 2


def _is_later(draft: Draft) -> bool:
    """Tell whether the second quote comes from a later step than the first, and neither is about a construct."""
    first, second = (draft.evidence[0].step, draft.evidence[-1].step)
    return _is_pair(draft) and first < second


def _is_earlier(draft: Draft) -> bool:
    return _is_pair(draft) and draft.evidence[0].step > draft.evidence[1].step


def _shares(counted: Counter[str]) -> str:
    error = counted["error"]
    whole = counted["later"] + counted["harness"]
    return (
        f"failed {counted['failed']}, with error {error} (a mistake, not an intended failure: {counted['mistake']}); "
        f"later step {_share(counted['later'], error)}, or an earlier one {_share(counted['either'], error)}, "
        f"any lesson {_share(counted['any'], error)}; later step, with the {counted['harness']} runs where only the "
        f"harness's change was undone, which are anomalies here and were lessons in the trial: {_share(whole, error)}"
    )


def _share(some: int, of: int) -> str:
    low, high = wilson(some, of)
    return f"{some}/{of} = {some / of if of else 0:.0%} [{low:.0%}, {high:.0%}]"


def wilson(some: int, of: int) -> tuple[float, float]:
    """Give the 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, some / of
    middle, spread = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def deviating(runs: Runs, found: Study) -> None:
    """Print how many failed runs of tasks with both outcomes have a deviation among their lessons."""
    ended: dict[tuple[str, str], set[Status]] = {}
    for one, name in runs:
        ended.setdefault((name, one.trace.task), set()).add(one.outcome.status)
    acting = {(name, one.trace.task) for one, name in runs if any(step.calls for step in one.trace.steps)}
    mixed = [
        one
        for one, name in runs
        if one.outcome.status is Status.FAILURE
        and Status.SUCCESS in ended[name, one.trace.task]
        and (name, one.trace.task) in acting
    ]
    having = [one for one in mixed if any(d.section not in {COMMANDS, CALLS} for d in found.lessons.get(one.id, ()))]
    print(
        f"\nfailed runs of tasks with both outcomes: {len(mixed)}; with a deviation {_share(len(having), len(mixed))}"
    )


def odd(found: Study) -> None:
    """Print the anomalies."""
    print("\nanomalies")
    for each in found.anomalies:
        print(f"  {each.what}")


def roots(runs: Runs) -> None:
    """Print how often the annotated root of a failure is near one of three suspects, and near the first."""
    folder = RUNS / "agentrx"
    if not folder.is_dir():
        return
    truth = {each["trajectory_id"]: each for each in json.loads((folder / "tau_ground_truth.json").read_text())}
    raw = json.loads((folder / "tau_retail_failed.json").read_text())
    own = [one for one, name in runs if name == "agentrx"]
    guesses = study(own).suspects
    first = three = 0
    lucky: list[float] = []
    for record, one in zip(raw, own, strict=True):
        place = root_of(truth[record["task_id"]])
        numbers = numbered(record["traj"])
        told = [numbers[step - 1] for step in guesses[one.id]]
        first += _is_near(place, told[:1])
        three += _is_near(place, told)
        lucky.append(_by_luck(place, len(record["traj"])))
    print(f"\nroot cause, {len(own)} annotated failures, within {NEAR} messages")
    print(f"  first of three suspects {_share(first, len(own))}; three {_share(three, len(own))}")
    print(f"  three messages by chance {statistics.mean(lucky):.0%}; published for this set: one 38 %, three 59 %")


def root_of(truth: dict[str, object]) -> int:
    """Give the number of the message that is annotated as the root cause, from 1."""
    failures, root = truth["failures"], truth["root_cause"]
    assert isinstance(failures, list)  # noqa: S101 - the file's own shape
    assert isinstance(root, dict)  # noqa: S101
    return int(next(each["step_number"] for each in failures if each["failure_id"] == root["failure_id"]))


def numbered(messages: Iterable[dict[str, object]]) -> list[int]:
    """Give for each step of a trace the number of its message: answers of tools are no steps of their own."""
    return [number for number, message in enumerate(messages, start=1) if message["role"] != "tool"]


def _is_near(place: int, guesses: Sequence[int]) -> bool:
    return any(abs(place - guess) <= NEAR for guess in guesses)


def _by_luck(place: int, length: int) -> float:
    near = sum(abs(place - at) <= NEAR for at in range(1, length + 1))
    return 1 - math.comb(length - near, 3) / math.comb(length, 3)


def speed(runs: Sequence[Studied]) -> None:
    """Print how long the study of these runs takes, and of as many again."""
    print("\nspeed")
    for times in (1, 2):
        many = [replace(one, id=f"{one.id}-{time_}") for time_ in range(times) for one in runs]
        start = time.perf_counter()
        study(many)
        took = time.perf_counter() - start
        steps = sum(step.origin is Origin.AGENT for one in many for step in one.trace.steps)
        print(f"  {len(many)} runs, {steps} steps of agents: {took:.2f} s, {1000 * took / len(many):.2f} ms each")


def drawn(runs: Runs, found: Study, number: int, seed: int) -> None:
    """Print lessons drawn by seed, to be judged by reading."""
    named = {one.id: name for one, name in runs}
    drafts = [(trace, draft) for trace, each in found.lessons.items() for draft in each]
    picked = random.Random(seed).sample(drafts, min(number, len(drafts)))  # noqa: S311 - a sample, nothing secret
    print(f"\n{len(picked)} of {len(drafts)} lessons, drawn by seed {seed}")
    for at, (trace, draft) in enumerate(picked, start=1):
        scope = f" [{draft.scope}]" if draft.scope else ""
        print(f"{at}. ({named[trace]}){scope} {draft.title}\n   {draft.rule}\n   {draft.cause}")
        for quote in draft.evidence:
            print(f"   > step {quote.step}: {quote.quote}")


if __name__ == "__main__":
    main()
