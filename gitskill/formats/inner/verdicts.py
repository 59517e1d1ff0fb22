"""Labels that stand in fields or scores whose names are a convention, not a rule."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gitskill.formats.loose import number, written
from gitskill.outcome import Outcome, Status

CLEAR = ("success", "resolved", "passed", "is_solved", "is_correct", "solved", "correct", "is_resolved", "succeeded")
VAGUE = ("reward", "score", "correctness", "outcome", "label", "verdict", "task_success", "task_completion", "accuracy")
_LOW_IS_GOOD = re.compile(
    r"toxic|hallucinat|harm|bias|laten|cost|error|length|risk|pii|leak|refus|duration|tokens|turns"
)


@dataclass(frozen=True, slots=True)
class Score:
    """One judgement on a run."""

    name: str
    value: Any
    note: str = ""


def decided(scores: Iterable[Score], source: str) -> Outcome:
    """Make one outcome of what was said of a run; unlabelled, with a note that says why, where it is not clear."""
    given = list(scores)
    telling = [score for name in (*CLEAR, *VAGUE) for score in given if _plain(score.name) == name]
    if not telling and len(given) == 1 and not _LOW_IS_GOOD.search(_plain(given[0].name)):
        telling = given
    found = [(score, outcome) for score in telling if (outcome := told(score.value, f"{source} {score.name}".strip()))]
    if not found:
        return Outcome(note=f"not clear whether the task was done: {named(given)}" if given else "")
    if len({outcome.status for _, outcome in found}) > 1 and not _is_clear(found[0][0]):
        return Outcome(note=f"labels that contradict each other: {named(score for score, _ in found)}")
    score, outcome = found[0]
    rewards = [other.reward for _, other in found if other.reward is not None]
    return replace(outcome, reward=rewards[0] if rewards else None, note=score.note)


def told(value: Any, source: str) -> Outcome | None:
    """Read one label; None where it is none, as a score out of a hundred."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        reward = number(value)
        if reward is not None and not 0 <= reward <= 1:
            return None
    found = Outcome.told(value, source)
    return None if found is None or found.status is Status.UNLABELLED else found


def named(scores: Iterable[Score]) -> str:
    """Write scores for a note."""
    return ", ".join(sorted(f"{score.name} {written(score.value)[:40]}" for score in scores))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]+", "_", name.lower()).strip("_")


def _is_clear(score: Score) -> bool:
    return _plain(score.name) in CLEAR and isinstance(score.value, bool)
