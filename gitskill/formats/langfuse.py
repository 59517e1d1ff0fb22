"""Langfuse: a trace with its observations, as the API and the export of its interface give them.

`{trace, observations}`, or the trace with its `observations` inside, or several
of them. The label is in the trace's scores, if somebody set one up. Each
generation repeats the whole history, in the words of the framework that made it.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from gitskill.formats.inner.generations import (
    Generation,
    Histories,
    Span,
    ToolRun,
    agents,
    request_of,
    steps_of,
    wrappers,
)
from gitskill.formats.inner.message_parts import Message, decoded, key_of
from gitskill.formats.inner.messages import messages
from gitskill.formats.inner.telemetry import agent_of, failed, is_tool_work, made_in, sent_in, tool_of
from gitskill.formats.inner.usage import summed
from gitskill.formats.inner.verdicts import Score, decided, named
from gitskill.formats.loose import count, mapping, mappings, moment, number, string, unpacked
from gitskill.formats.reading import Reading, Refused, per_row
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import Origin, Step, Trace, Usage

NAME = "langfuse"

NOT_KEPT = "no messages are kept in this trace: content was not recorded"


def recognise(source: Source) -> bool:
    """Look for observations that name their kind and their time."""
    first = mapping(source.opening[0]) if source.opening else {}
    trace = mapping(first.get("trace")) or first
    told = mappings(first.get("observations")) or mappings(trace.get("observations"))
    return "id" in trace and any("startTime" in each and string(each.get("type")).isupper() for each in told[:20])


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each trace."""
    return per_row(source, lambda value, place: _read(mapping(value), place))


def _read(document: dict[str, Any], place: str) -> Reading | Refused:
    trace = mapping(document.get("trace")) or document
    observed = _observations(document, trace)
    if not observed:
        return Refused("no observations in this trace", place)
    run = _Run(trace, observed)
    if not any(step.origin is Origin.AGENT for step in run.steps) and not run.error:
        return Refused(NOT_KEPT, place)
    outcome = _outcome([*mappings(trace.get("scores")), *mappings(document.get("scores"))], run.error)
    return Reading(run.trace(), outcome, place)


def _observations(document: dict[str, Any], trace: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the observations by time; one that is listed twice counts where it has content."""
    found: dict[str, dict[str, Any]] = {}
    for at, each in enumerate(chain(mappings(trace.get("observations")), mappings(document.get("observations")))):
        key = string(each.get("id")) or f"#{at}"
        if key not in found or each.get("input") is not None or each.get("output") is not None:
            found[key] = each
    return sorted(found.values(), key=lambda each: moment(each.get("startTime")))


class _Run:
    """What the observations of one trace come to."""

    def __init__(self, told: dict[str, Any], observed: list[dict[str, Any]]) -> None:
        self._told = told
        self._observed = observed
        spans = [_span(each) for each in observed]
        self._agents = agents(spans)
        self._histories = Histories()
        inside = wrappers(spans)
        models = [each for each in observed if _is_model(each) and string(each.get("id")) not in inside]
        roots = [each for each in observed if not each.get("parentObservationId")]
        self._root = roots[0] if roots else {}
        self._generations = [self._generation(each) for each in models]
        if not any(each.made for each in self._generations):
            self._generations += [self._generation(each) for each in (self._root, told) if each.get("output")][:1]
        self.usages = [_usage(each) for each in models]
        self.model = next((name for each in models if (name := string(each.get("model")))), "")
        tools = [self._tool(each) for each in observed if _is_tool(each)]
        self.steps: tuple[Step, ...] = steps_of(self._generations, tools)
        last = models[-1:]
        self.error = next((found for each in (self._root, *last) if (found := _error(each))), "")

    def _generation(self, told: dict[str, Any]) -> Generation:
        attributes = _attributes(told)
        start = moment(told.get("startTime") or told.get("timestamp"))
        sent = self._histories.messages(told.get("input")) or sent_in(attributes, self._histories)
        made = messages(told.get("output"), Origin.AGENT) or made_in(attributes)
        return Generation(start, sent, made, self._agents.get(string(told.get("id")), ""), _usage(told))

    def _tool(self, told: dict[str, Any]) -> ToolRun:
        output = told.get("output")
        key, call = tool_of(_attributes(told), string(told.get("name")), told.get("input"), output)
        call = failed(call, _error(told))
        key = key or key_of({"tool_call_id": mapping(decoded(output)).get("tool_call_id")})
        return ToolRun(moment(told.get("startTime")), key, call, self._agents.get(string(told.get("id")), ""))

    def trace(self) -> Trace:
        """Give the run as a trace."""
        told = self._told
        named = " ".join(filter(None, (string(told.get("name")), string(told.get("version") or told.get("release")))))
        usage = summed(self.usages)
        cost = number(told.get("totalCost")) or usage.cost
        return Trace(
            format=NAME,
            task=string(mapping(decoded(told.get("metadata"))).get("task_id")),
            request=self._request(),
            steps=self.steps,
            agent=named,
            model=self.model,
            session=string(told.get("id")),
            result=self._result(),
            usage=Usage(usage.input, usage.output, usage.cached, cost),
            error=self.error,
        )

    def _request(self) -> str:
        """Take what the application was asked; where that is no text, what the model was sent first."""
        sent = self._generations[0].sent if self._generations else ()
        asked = [_asked(each.get("input")) for each in (self._told, self._root)]
        return next(filter(None, asked), "") or request_of(sent)

    def _result(self) -> str:
        given = [_last(messages(each.get("output"), Origin.AGENT)) for each in (self._told, self._root)]
        words = (step.text for step in reversed(self.steps) if step.origin is Origin.AGENT and step.text)
        return next(filter(None, given), "") or next(words, "")


def _asked(value: Any) -> str:
    """Give the text in a trace's input; arguments of a function are no text."""
    value = decoded(value)
    return "" if isinstance(value, dict) and "args" in value else request_of(messages(value, Origin.USER))


def _last(found: list[Message]) -> str:
    return next((each.text for each in reversed(found) if each.origin is Origin.AGENT and each.text), "")


def _attributes(told: dict[str, Any]) -> dict[str, Any]:
    """Give the attributes of the OpenTelemetry span that an observation was made from."""
    metadata = mapping(unpacked(told.get("metadata")))
    flat = {key.removeprefix("attributes."): value for key, value in metadata.items() if key.startswith("attributes.")}
    return mapping(unpacked(metadata.get("attributes"))) or flat


def _span(told: dict[str, Any]) -> Span:
    agent = agent_of(_attributes(told)) or (string(told.get("name")) if told.get("type") == "AGENT" else "")
    key, parent = string(told.get("id")), string(told.get("parentObservationId"))
    return Span(key, parent, agent, is_model=_is_model(told), is_tool=_is_tool(told))


def _is_model(told: dict[str, Any]) -> bool:
    return told.get("type") == "GENERATION"


def _is_tool(told: dict[str, Any]) -> bool:
    if told.get("type") == "TOOL" or (not _is_model(told) and is_tool_work(_attributes(told))):
        return True
    answer = mapping(decoded(told.get("output")))  # LangChain's tools are plain spans that return a message
    return answer.get("type") == "tool" and "tool_call_id" in answer


def _usage(told: dict[str, Any]) -> Usage:
    """Read the tokens: Langfuse counts those of a kind, as `input_cached_tokens`, beside `input`, not in it."""
    details = mapping(told.get("usageDetails")) or mapping(told.get("usage"))
    sent, made = _summed(details, "input"), _summed(details, "output")
    cached = _summed({key: value for key, value in details.items() if "creation" not in key}, "cache")
    costs = (told.get("totalCost"), told.get("calculatedTotalCost"), mapping(told.get("costDetails")).get("total"))
    cost = next((found for each in costs if (found := number(each)) is not None), None)
    sent = sent if sent is not None else count(told.get("promptTokens"))
    made = made if made is not None else count(told.get("completionTokens"))
    return Usage(sent, made, cached, cost)


def _summed(details: dict[str, Any], word: str) -> int | None:
    found = [count(value) for key, value in details.items() if word in key and not key.endswith("Cost")]
    told = [tokens for tokens in found if tokens is not None]
    return sum(told) if told else None


def _error(told: dict[str, Any]) -> str:
    if told.get("level") != "ERROR":
        return ""
    return string(told.get("statusMessage")) or f"{string(told.get('name'))} failed".strip()


def _outcome(given: list[dict[str, Any]], error: str) -> Outcome:
    """Read the scores of the run as a whole; only where there are none, those of its parts.

    What a model thought of a run (source EVAL) is told in the note and labels nothing.
    """
    whole = [each for each in given if not each.get("observationId")] or given
    known = [_score(each) for each in whole if each.get("source") != "EVAL"]
    outcome = decided(known, "score")
    if not known and whole:
        outcome = Outcome(note=f"only a model judged it: {named(map(_score, whole))}")
    if error and outcome.status is not Status.SUCCESS:
        return Outcome.broken(error, "level ERROR", reward=outcome.reward)
    return outcome


def _score(told: dict[str, Any]) -> Score:
    value: Any = told.get("value")
    if told.get("dataType") == "BOOLEAN" and number(value) is not None:
        value = number(value) == 1
    elif told.get("dataType") == "CATEGORICAL" or value is None:
        value = told.get("stringValue") or value
    return Score(string(told.get("name")), value, string(told.get("comment")))
