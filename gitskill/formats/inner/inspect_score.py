"""How a sample of an Inspect log ended, by its first score.

A value is read as Inspect's own `value_to_float` reads it: C is 1, P is a half, I
and N are 0, `yes` and `true` are 1, `no` and `false` are 0, and numbers are
themselves. Inspect takes everything else for 0; here it is no label, and neither
is a number outside 0 to 1, whose scale nobody tells.
"""

from typing import Any

from gitskill.formats.loose import items, mapping, number, string, text, written
from gitskill.outcome import NEARLY, Outcome, Status

_GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_MAIN = ("score", "correct", "accuracy", "success", "resolved", "passed", "reward")
"""Names of the one value among several that is the verdict."""


def outcome_of(sample: dict[str, Any]) -> tuple[Outcome, tuple[str, ...]]:
    """Give the label of a sample, and what is odd about it."""
    scores = mapping(sample.get("scores"))
    if not scores and isinstance(sample.get("score"), dict):
        scores = {"score": sample["score"]}  # of the first versions, which knew one score only
    name = next(iter(scores), "")
    scored = _scored(name, mapping(scores.get(name))) if scores else Outcome()
    others = [f"{other}={written(mapping(told).get('value'))}" for other, told in scores.items() if other != name]
    notes = [f"scored by others too: {', '.join(others)}"] if others else []
    return _weighed(sample, scored), (*notes, *_oddities(sample))


def _scored(name: str, score: dict[str, Any]) -> Outcome:
    source, value = f"scores.{name}", score.get("value")
    reward = _reward(value, name)
    if reward is None:
        reason = string(score.get("reason")) or string(mapping(score.get("metadata")).get("unscored_reason"))
        return Outcome(source=source, note=reason or f"a value that is no verdict: {written(value)[:80]}")
    if not -NEARLY <= reward <= 1 + NEARLY:
        return Outcome(reward=reward, source=source, note="a score of unknown scale")
    return Outcome.scored(reward, source)


def _reward(value: Any, name: str) -> float | None:
    """Read a value; of several the only one, or the one whose name says that it is the verdict."""
    if isinstance(value, dict):
        named = [key for key in (name, *_MAIN) if key in value]
        return _single(value[named[0]]) if named else _single(*value.values()) if len(value) == 1 else None
    if isinstance(value, list):
        return _single(value[0]) if len(value) == 1 else None
    return _single(value)


def _single(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and (told := _GRADES.get(value, _WORDS.get(value.lower()))) is not None:
        return told
    return number(value)


def _weighed(sample: dict[str, Any], scored: Outcome) -> Outcome:
    """Let stand what the score says, unless something outside the agent ended the run or somebody voided it."""
    if isinstance(sample.get("invalidation"), dict):
        return Outcome(source="invalidation", note=string(sample["invalidation"].get("reason")))
    if scored.status is Status.SUCCESS:
        return scored
    if error := mapping(sample.get("error")):
        trail = text(error.get("traceback")).strip().rpartition("\n")[2]
        return Outcome.broken(text(error.get("message")) or trail or "an error", "error", reward=scored.reward)
    if mapping(sample.get("limit")).get("type") == "operator":
        return Outcome.broken("stopped by a person", "limit", reward=scored.reward)
    return scored


def _oddities(sample: dict[str, Any]) -> list[str]:
    limit, retries = mapping(sample.get("limit")), items(sample.get("error_retries"))
    found = [f"stopped by a limit: {string(limit.get('type'))} {string(limit.get('limit'))}"] if limit else []
    return [*found, *([f"tried again after {len(retries)} errors"] if retries else [])]
