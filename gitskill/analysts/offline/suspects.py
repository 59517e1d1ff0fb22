"""Where to look first for what went wrong in a failed run: three steps, ranked.

Where a run made calls that change something, the middle one is the best single
guess that was found; else an error that was never got past. The rest spreads
the guesses over the run, so that three of them see more of it.
"""

from collections.abc import Iterator

from gitskill.analysts.offline.acts import Act, Kind, Run
from gitskill.analysts.offline.changes import called, hands_over
from gitskill.analysts.offline.errors import failure, noise_of
from gitskill.trace import Origin

WANTED = 3
_APART = 2
"""Steps: a guess nearer to an earlier one would only say the same."""


def suspects(run: Run, changing: frozenset[str]) -> tuple[int, ...]:
    """Rank three steps of a run, by their numbers; fewer where it has no more that lie apart."""
    chosen: list[int] = []
    for number in _ranked(run, changing):
        if len(chosen) < WANTED and all(abs(number - other) > _APART for other in chosen):
            chosen.append(number)
    return tuple(chosen)


def _ranked(run: Run, changing: frozenset[str]) -> Iterator[int]:
    steps = run.studied.trace.steps
    made = [act for act in run.acts if act.kind is Kind.CALL and called(act) in changing and not hands_over(act.tool)]
    if made:
        yield _before(run, made[(len(made) - 1) // 2].step)
        yield _before(run, run.acts[-1].step)
        yield _before(run, made[0].step)
    else:
        yield from _unsolved(run)
        yield len(steps)
    yield max(1, round(0.75 * len(steps)))
    own = [number for number, step in enumerate(steps, start=1) if step.origin is Origin.AGENT]
    yield from sorted(own, key=lambda number: -len(steps[number - 1].text))


def _before(run: Run, number: int) -> int:
    """Give the agent's step before one, or the first of all."""
    steps = run.studied.trace.steps
    return next((at for at in range(number - 1, 0, -1) if steps[at - 1].origin is not Origin.SYSTEM), number)


def _unsolved(run: Run) -> Iterator[int]:
    """Give the steps with an error, the one that recurs most first."""
    noise = noise_of(run.acts)
    wrong: dict[str, list[Act]] = {}
    for act in run.acts:
        if found := failure(act, noise):
            wrong.setdefault(found.signature, []).append(act)
    for acts in sorted(wrong.values(), key=lambda each: (-len(each), each[0].at)):
        yield acts[0].step
