"""Messages that the harness refused for their form, so that nothing in them was run.

What tells them is what happens, not who prints it: a message of the agent has
no call, the harness answers it in words that ask for a form, and the agent's
next message has calls again.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from gitskill.analysts.offline.acts import Act, Run
from gitskill.analysts.offline.masks import clip, general
from gitskill.trace import Origin, Step

_LONGEST = 300
_ASKS = re.compile(
    r"\b(?:exactly|must|only|please|expected|missing|found (?:no|\d+)|no|not|could not|cannot|failed to)\b",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"\b(?:actions?|tool[ _-]?calls?|function calls?|code blocks?|backticks|format(?:ted)?|parse[ds]?|parsing)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was refused, and the first act of the next one, which was not."""

    run: Run
    step: int
    """The number of the step in which the harness says why."""
    quote: str
    message: str
    """Why, made general."""
    passed: Act


def refused_messages(run: Run) -> list[Refused]:
    """Find the messages of a run that were refused for their form, each reason once."""
    steps = run.studied.trace.steps
    first = {act.step: act for act in reversed(run.acts)}
    found: dict[str, Refused] = {}
    for number, (said, answer) in enumerate(pairwise(steps), start=2):
        line = _refusal(said, answer)
        if line and number + 1 in first:
            each = Refused(run, number, clip(line), general(line), first[number + 1])
            found.setdefault(each.message, each)
    return list(found.values())


def _refusal(said: Step, answer: Step) -> str:
    """Give the line in which the harness asks for another form; empty where it does not."""
    if (
        said.origin is not Origin.AGENT
        or said.calls
        or not (said.text or said.thought).strip()
        or answer.origin is not Origin.SYSTEM
    ):
        return ""
    line = next((line.strip() for line in answer.text.splitlines() if line.strip()), "")
    is_one = len(line) <= _LONGEST and line.isprintable() and _ASKS.search(line) and _FORM.search(line)
    return line if is_one else ""
