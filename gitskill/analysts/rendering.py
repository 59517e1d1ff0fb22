"""A run, and the skill, as text for a model.

Every text of a run stands as it is, letter for letter, so that it can be
quoted. What says who wrote it is a label: a line with a mark that is made of
all that the run says, so that no text in the run can hold it.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from gitskill.skill.snapshot import SKILL_FILE, Skill, is_binary
from gitskill.trace import Call, Json, Observation, Step, Trace, shortened

BUDGET = 60_000
"""Characters of a run."""
LEAST = 120
"""Characters that stay of any text that is shown."""
_CUT = 40
"""Characters that the note about a cut takes."""
_GAP = 45
"""Characters that the note about steps left out takes."""
_MARK = re.compile(r"\[([0-9a-f]{6})\]")
_MOST = 60
"""Texts of one step; more are counted."""
_FIRST, _LAST = 2, 8
"""Steps at either end that are shown in any case."""
_OTHER_FILE = 6_000
"""Characters of a file of the skill that is no Markdown: nobody has to quote it in full."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text under its label; one with more weight keeps more of itself."""

    label: str
    text: str
    weight: int = 1


def fenced(text: str) -> str:
    """Put `text` between two lines made of its SHA-256: it cannot hold them, and each resume writes the same."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    return f"<data {digest}>\n{text}\n</data {digest}>"


def mark(trace: Trace) -> str:
    """Give the six characters with which each label of this run begins; no text of the run holds them in brackets."""
    texts = [trace.request, trace.result, *(text for step in trace.steps for _, text in step.texts())]
    known = hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).digest()
    taken = {found for text in texts for found in _MARK.findall(text)}
    marks = (hashlib.sha256(known + b"%d" % attempt).hexdigest()[:6] for attempt in count())
    return next(each for each in marks if each not in taken)


def failed(step: Step) -> bool:
    """Tell whether a tool said that something in this step went wrong."""
    return any(_is_bad(call.observation) for call in step.calls if call.observation)


def rendered(trace: Trace, first: int = 1, last: int | None = None, budget: int = BUDGET) -> str:
    """Write the steps from `first` to `last` in at most `budget` characters.

    Long texts are shortened to one length, and keep up to four times as much
    in steps that failed and at the end. Of very many steps, some are left out.
    """
    sign, numbers = mark(trace), range(first, (last or len(trace.steps)) + 1)
    ends = {number for number in numbers if number > numbers[-1] - 3} if numbers else set()
    steps = {number: _pieces(trace.steps[number - 1], number, last=number in ends) for number in numbers}
    costs = {number: sum(_cost(piece, sign, LEAST) for piece in pieces) for number, pieces in steps.items()}
    shown = chosen(costs, {number for number in numbers if failed(trace.steps[number - 1])}, budget)
    kept = [piece for number in shown for piece in steps[number]]
    cap = _cap(kept, sign, budget)
    blocks = []
    for before, number in zip([first - 1, *shown], shown, strict=False):
        if number > before + 1:
            blocks.append(f"[{sign}] steps {before + 1} to {number - 1} are left out")
        blocks += [_block(piece, sign, cap) for piece in steps[number]]
    return _within("\n".join(blocks), budget)


def whole(trace: Trace, budget: int = BUDGET) -> str:
    """Write the task, the steps, and how it ended."""
    sign = mark(trace)
    told = [text for step in trace.steps for _, text in step.texts()]
    request = "" if any(trace.request in text for text in told) else trace.request
    result = "" if any(trace.result in text for text in told) else trace.result
    head, tail = (_within(text, budget // 6) for text in (request, result))
    parts = [f"[{sign}] task\n{head}"] if head else []
    parts.append(rendered(trace, budget=budget - len(head) - len(tail) - 2 * _CUT))
    return "\n".join([*parts, f"[{sign}] result\n{tail}"] if tail else parts)


def overview(trace: Trace, budget: int = 8_000) -> str:
    """Write one line for each step, those that failed marked; of very many steps, some are left out."""
    lines = {number: _line(step, number) for number, step in enumerate(trace.steps, 1)}
    bad = {number for number, step in enumerate(trace.steps, 1) if failed(step)}
    shown = chosen({number: len(line) + 1 for number, line in lines.items()}, bad, budget)
    out = []
    for before, number in zip([0, *shown], shown, strict=False):
        if number > before + 1:
            out.append(f"({number - before - 1} steps left out)")
        out.append(lines[number])
    return "\n".join(out)


def chosen(costs: Mapping[int, int], bad: Iterable[int], budget: int) -> list[int]:
    """Choose steps that fit: all, or those at the ends, those that failed, and then the later ones.

    Each step that is kept may need a note about those that are left out before it.
    """
    if sum(costs.values()) <= budget:
        return list(costs)
    numbers, failures = list(costs), set(bad)
    ends = {*numbers[:_FIRST], *numbers[-_LAST:]}
    room, kept = budget, []
    for number in sorted(numbers, key=lambda each: (each not in ends, each not in failures, -each)):
        if costs[number] + _GAP <= room:
            room -= costs[number] + _GAP
            kept.append(number)
    return sorted(kept)


def skill_text(skill: Skill, *, only: str = "") -> str:
    """Write the skill's files, `SKILL.md` first; with `only`, this one, and the others by name and size."""
    paths = sorted(skill.files, key=lambda path: (path != SKILL_FILE, path))
    return "\n\n".join(_file(path, skill.files[path], shown=only in {"", path}) for path in paths)


def _file(path: str, data: bytes, *, shown: bool) -> str:
    if is_binary(data) or not shown:
        return f"File {path}, {len(data):,} bytes, not shown"
    text = data.decode("utf-8", "replace")
    return f"File {path}:\n{fenced(text if path.endswith('.md') else shortened(text, _OTHER_FILE))}"


def _pieces(step: Step, number: int, *, last: bool) -> list[_Piece]:
    """Take a step apart into the texts that its writers wrote."""
    who = f"step {number}, {step.origin}" + (f" {_name(step.agent)}" if step.agent else "")
    weight = 4 if last or failed(step) else 1
    pieces = [_Piece(who, step.text, weight)] if step.text else []
    pieces += [_Piece(f"step {number}, agent thinks", step.thought, weight)] if step.thought else []
    for call in step.calls:
        pieces += _call(call, number, weight)
    more = len(pieces) - _MOST
    if more > 0:
        pieces[_MOST:] = [_Piece(f"step {number}, and {more:,} more texts", "")]
    return pieces or [_Piece(f"{who}, empty", "")]


def _call(call: Call, number: int, weight: int) -> Iterator[_Piece]:
    label = f"step {number}, call {_name(call.name)}"
    texts = list(_arguments(call.arguments, ""))
    if others := ", ".join(f"{name} = {text}" for name, text, is_text in texts if not is_text):
        yield _Piece(f"{label}, values", others, weight)
    elif not texts:
        yield _Piece(label, "")
    for name, text, is_text in texts:
        if is_text:
            yield _Piece(f"{label}, {name}" if name else label, text, weight)
    if seen := call.observation:
        code = "" if seen.exit_code is None else f", exit code {seen.exit_code}"
        state = f"{code}{', failed' if _is_bad(seen) else ''}{'' if seen.text else ', empty'}"
        yield _Piece(f"step {number}, answer to {_name(call.name)}{state}", seen.text, weight)


def _arguments(value: Json, path: str) -> Iterator[tuple[str, str, bool]]:
    """Give the arguments by name; texts as they are, all else as JSON."""
    if isinstance(value, str):
        yield path, value, bool(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _arguments(item, f"{path}.{_name(key)}" if path else _name(key))
    elif isinstance(value, list) and any(isinstance(item, str | list | Mapping) for item in value):
        for at, item in enumerate(value, 1):
            yield from _arguments(item, f"{path}.{at}" if path else str(at))
    elif value is not None:
        yield path or "it", json.dumps(value, ensure_ascii=False), False


def _is_bad(seen: Observation) -> bool:
    return seen.is_error or seen.exit_code not in {None, 0}


def _name(text: str) -> str:
    """Give a name that stands in a label: on one line, and short."""
    return " ".join(text[:200].split())[:60]


def _cost(piece: _Piece, sign: str, cap: int) -> int:
    return len(piece.label) + len(sign) + 4 + min(len(piece.text), cap * piece.weight) + bool(piece.text)


def _cap(pieces: Sequence[_Piece], sign: str, budget: int) -> int:
    """Find the greatest length to which texts are cut so that all of them fit."""
    low, high = LEAST, max((len(piece.text) for piece in pieces), default=LEAST)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(_cost(piece, sign, middle) for piece in pieces) <= budget:
            low = middle
        else:
            high = middle - 1
    return low


def _block(piece: _Piece, sign: str, cap: int) -> str:
    label = f"[{sign}] {piece.label}"
    return f"{label}\n{_within(piece.text, cap * piece.weight)}" if piece.text else label


def _within(text: str, limit: int) -> str:
    """Shorten `text` so that it fits with the note about what was cut."""
    return text if len(text) <= limit else shortened(text, max(limit - _CUT, 2))


def _line(step: Step, number: int) -> str:
    """Sum a step up in one line."""
    parts = [f"{number} {step.origin}:", _short(step.text or step.thought, 70)]
    for call in step.calls[:3]:
        texts = [text for _, text, is_text in _arguments(call.arguments, "") if is_text]
        parts.append(f"| {_name(call.name)} {_short(texts[0] if texts else '', 70)}")
        if call.observation and _is_bad(call.observation):
            said = call.observation.text.rstrip()[-300:].rpartition("\n")[2]
            parts.append(f"-> FAILED: {_short(said, 100)}")
    more = len(step.calls) - 3
    return " ".join(part for part in [*parts, f"| and {more} more" if more > 0 else ""] if part)


def _short(text: str, limit: int) -> str:
    found = " ".join(text[: 4 * limit].split())
    return found if len(found) <= limit else f"{found[:limit]}…"
