"""Claude Code's output: what `claude -p --output-format stream-json --verbose` prints, an event on each line.

Harbor saves it as `claude-code.txt`; with `--output-format json --verbose` it is one JSON list. Its last event,
`result`, says how the program ended and what the run cost, not whether the task was done: there is no label.

The trap that costs most: the prompt is not in it, and lines of other programs may stand before, between and
behind the events.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from gitskill.formats.claude_code import model_of, request_in
from gitskill.formats.inner.anthropic_blocks import Message, usage_of
from gitskill.formats.inner.claude_records import failure_of, messages_of
from gitskill.formats.inner.claude_threads import Thread, woven
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import items, mapping, mappings, number, string, written
from gitskill.formats.parse import Damaged, parse
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.trace import Origin, Step, Trace, Usage

NAME = "claude-stream"

_OPENING = 40
_ARRAY = re.compile(rb"\s*\[\s*\{")
_WHOLE = re.compile(rb"\s*\[?\s*\{")
_STOPPED = {"error_max_turns", "error_max_budget_usd", "error_max_structured_output_retries"}
"""The run came to a limit that its user had set: nothing broke."""

_Event = dict[str, Any]


def recognise(source: Source) -> bool:
    """Look for events with a `session_id`, behind what a shell may have printed before them."""
    if source.is_lines or _WHOLE.match(source.magic):
        events = mappings(source.opening)
    elif b'\n{"type":' in source.magic:
        events = [event for _, event in islice(_lines(source), _OPENING)]
    else:
        events = []
    others = any(event.get("type") == "tool_call" for event in events)  # the Cursor agent prints nearly the same
    return any(map(_is_event, events)) and not others


def _is_event(event: _Event) -> bool:
    match string(event.get("type")):
        case "assistant" | "user":
            is_known = isinstance(event.get("message"), dict)
        case "system":
            is_known = event.get("subtype") == "init"
        case kind:
            is_known = kind == "result" and "subtype" in event
    return is_known and "session_id" in event and "parentUuid" not in event


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each session that the output is of."""
    events = _array(source) if _ARRAY.match(source.magic) else _lines(source)
    for place, run in _runs(events):
        if all(event.get("type") == "result" for event in run):
            yield Refused("only the result of a run, no step of it: run with --output-format stream-json", place)
        else:
            yield _reading(run, place, sorted(source.notes))


def _array(source: Source) -> Iterator[tuple[int, _Event]]:
    return ((place, mapping(event)) for place, event in source.records())


def _lines(source: Source) -> Iterator[tuple[int, _Event]]:
    """Give the events with their lines. What does not begin as one is left out; one that is torn is Damaged."""
    try:
        lines = source.text().split("\n")
    except Damaged:  # too large to be held as text: no line may be foreign then
        yield from _array(source)
        return
    foreign = 0
    for at, line in enumerate(lines, start=1):
        if not line.startswith("{"):
            foreign += bool(line.strip())
            continue
        try:
            yield at, mapping(parse(line.encode(), source.notes))
        except Damaged as error:
            raise Damaged(f"line {at}: {error}") from error
    if foreign:
        source.notes.add(f"{foreign} lines that are no events were left out")


def _runs(events: Iterable[tuple[int, _Event]]) -> Iterator[tuple[str, list[_Event]]]:
    """Divide the output of several runs, each begun by a session of its own. Each event counts once."""
    runs: list[tuple[str, list[_Event]]] = []
    seen: set[str] = set()
    session = ""
    for line, event in events:
        begun = string(event.get("session_id")) if event.get("subtype") == "init" else ""
        if not runs or (session and begun not in {"", session}):
            runs.append((f"line {line}", []))
        session = begun or session
        key = string(event.get("uuid"))
        if not key or key not in seen:
            runs[-1][1].append(event)
            seen.add(key)
    yield from runs if len(runs) > 1 else (("", run) for _, run in runs)


def _reading(run: Sequence[_Event], place: str, notes: Iterable[str]) -> Reading:
    main, threads = _spoken(run)
    results = [event for event in run if event.get("type") == "result"]
    result = results[-1] if results else {}
    error, where = _error(run, result)
    init = next((event for event in run if event.get("subtype") == "init"), {})
    steps = woven(main, threads)
    said = [message.text for message in main if message.origin is Origin.AGENT and message.text]
    trace = Trace(
        format=NAME,
        task="",
        request=request_in(main),
        steps=steps,
        agent=f"claude-code {string(init.get('claude_code_version'))}".strip(),
        model=model_of(main) or string(init.get("model")),
        session=next(filter(None, (string(event.get("session_id")) for event in (init, *run))), ""),
        result=string(result.get("result")) or next(reversed(said), ""),
        usage=_usage(results, steps),
        error=error,
        notes=(*notes, *_notes(result)),
    )
    return Reading(trace, _outcome(trace, where), place)


def _spoken(run: Iterable[_Event]) -> tuple[list[Message], list[Thread]]:
    """Give what the run's own agent said and did, and each sub-agent."""
    main: list[Message] = []
    sides: dict[str, list[Message]] = {}
    names: dict[str, str] = {}
    for event in run:
        caller = string(event.get("parent_tool_use_id"))
        said = list(messages_of(event, side=bool(caller)))
        (sides.setdefault(caller, []) if caller else main).extend(said)
        name = string(mapping(event.get("tool_use_result")).get("agentId"))
        names |= {key: name for message in said for key, _ in message.answers if name}
    return main, [Thread(names.get(caller, caller), caller, said) for caller, said in sides.items()]


def _usage(results: Sequence[_Event], steps: Iterable[Step]) -> Usage:
    """Give what the run used: as summed up by model, sub-agents included, or by turn, or of the steps."""
    if not results:
        return summed(step.usage for step in steps)
    last = results[-1]
    told = [number(last.get(key)) for key in ("total_cost_usd", "cost_usd")]
    cost = next((found for found in told if found is not None), None)
    models = [_model_usage(mapping(model)) for model in mapping(last.get("modelUsage")).values()]
    used = summed(models or (usage_of(result.get("usage")) for result in results))
    if used.output is None:
        used = summed(step.usage for step in steps)
    return Usage(used.input, used.output, used.cached, cost)


def _model_usage(told: dict[str, Any]) -> Usage:
    return usage_of(
        {
            "input_tokens": told.get("inputTokens"),
            "output_tokens": told.get("outputTokens"),
            "cache_read_input_tokens": told.get("cacheReadInputTokens"),
            "cache_creation_input_tokens": told.get("cacheCreationInputTokens"),
        }
    )


def _notes(result: _Event) -> Iterator[str]:
    if not result:
        yield "no event `result`: the output ends before the run did"
    if (subtype := string(result.get("subtype"))) in _STOPPED:
        yield f"stopped at a limit: {subtype}"
    if denied := len(items(result.get("permission_denials"))):
        yield f"{denied} calls were denied for want of a permission"


def _error(run: Sequence[_Event], result: _Event) -> tuple[str, str]:
    """Give what broke outside the agent, and where that stands: in the result, or in the last thing that was said."""
    subtype = string(result.get("subtype"))
    if subtype not in _STOPPED and (result.get("is_error") is True or subtype == "error_during_execution"):
        told = "; ".join(map(written, items(result.get("errors"))))
        return string(result.get("result")) or told or subtype or "error", "result.is_error"
    spoken = (event for event in reversed(run) if event.get("type") == "assistant")
    return next((failure_of(event) for event in spoken if not event.get("parent_tool_use_id")), ""), "assistant"


def _outcome(trace: Trace, where: str) -> Outcome:
    if trace.error:
        return Outcome.broken(trace.error, where)
    if not any(step.origin is Origin.AGENT and not step.agent for step in trace.steps):
        return Outcome.broken("no step taken", "log")
    return UNLABELLED
