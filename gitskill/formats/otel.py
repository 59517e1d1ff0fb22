"""OpenTelemetry: spans of an agent's run, as the collector's file exporter or an SDK writes them.

OTLP as JSON (`resourceSpans`), one document or one on each line, or a list of
spans. One run for each trace, or for each conversation that spans several. The
label is in `gen_ai.evaluation.*`. Each call of a model repeats the whole history.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
from gitskill.formats.inner.message_parts import Message, decoded
from gitskill.formats.inner.messages import messages
from gitskill.formats.inner.telemetry import (
    agent_of,
    failed,
    is_model_work,
    is_tool_work,
    made_in,
    model_of,
    sent_in,
    tool_of,
    usage_of,
)
from gitskill.formats.inner.usage import summed
from gitskill.formats.inner.verdicts import Score, decided
from gitskill.formats.loose import items, mapping, mappings, moment, number, string
from gitskill.formats.parse import Damaged, parse
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Outcome, Status
from gitskill.trace import Origin, Trace

NAME = "otel"

NO_MODEL = "no call of a model in these spans"
NOT_KEPT = "no messages are kept in this trace: content was not recorded"
_EVENT_ROLES = {
    "gen_ai.system.message": Origin.SYSTEM,
    "gen_ai.user.message": Origin.USER,
    "gen_ai.assistant.message": Origin.AGENT,
    "gen_ai.tool.message": Origin.TOOL,
}
_ROLES = {Origin.SYSTEM: "system", Origin.USER: "user", Origin.AGENT: "assistant", Origin.TOOL: "tool"}


@dataclass(frozen=True, slots=True)
class _Told:
    """One span, whichever way it was written."""

    trace: str
    name: str
    start: str
    order: str
    """Its start, exactly: many spans begin within a millisecond."""
    error: str
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    service: str
    place: Span


def recognise(source: Source) -> bool:
    """Look for resource spans, or for spans with a trace's id."""
    if _is_printed(source):
        return True
    first = mapping(source.opening[0]) if source.opening else {}
    if mappings(first.get("resourceSpans")) or mappings(first.get("resource_spans")):
        return True
    return "name" in first and bool(_trace_id(first)) and ("attributes" in first or "parent_id" in first)


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give one run for each trace or conversation."""
    runs: dict[str, list[_Told]] = defaultdict(list)
    conversations: dict[str, str] = {}
    for span in (span for value in _values(source) for span in _spans(value)):
        runs[span.trace].append(span)
        if named := string(span.attributes.get("gen_ai.conversation.id")):
            conversations.setdefault(span.trace, named)
    joined: dict[str, list[_Told]] = defaultdict(list)
    for trace, spans in runs.items():
        joined[conversations.get(trace, trace)] += spans
    found = False
    for session, spans in joined.items():
        if reading := _read(session, spans, f"trace {session}" if len(joined) > 1 else ""):
            found = True
            yield reading
    if not found:
        yield Refused(NO_MODEL)


def _is_printed(source: Source) -> bool:
    """Tell whether an SDK printed its spans one after the other, each over several lines."""
    head = source.magic.lstrip()
    return head.startswith(b"{\n") and b'"context"' in head and b'"trace_id"' in head


def _values(source: Source) -> Iterator[Any]:
    if not _is_printed(source):
        yield from (value for _, value in source.records())
        return
    for at, part in enumerate(source.text().strip().split("\n}\n"), start=1):
        try:
            yield parse((part if part.rstrip().endswith("\n}") else part + "\n}").encode(), source.notes)
        except Damaged as error:
            raise Damaged(f"span {at}: {error}") from error


def _spans(value: Any) -> Iterator[_Told]:
    told = mapping(value)
    resources = mappings(told.get("resourceSpans")) or mappings(told.get("resource_spans"))
    if not resources:
        if _trace_id(told):
            yield _flat(told)
        return
    for resource in resources:
        service = string(_attributes(mapping(resource.get("resource")).get("attributes")).get("service.name"))
        for key in ("scopeSpans", "scope_spans", "instrumentationLibrarySpans"):
            for scope in mappings(resource.get(key)):
                yield from (_flat(span, service) for span in mappings(scope.get("spans")))


def _trace_id(told: dict[str, Any]) -> str:
    return string(_either(told, "traceId", "trace_id") or mapping(told.get("context")).get("trace_id"))


def _flat(told: dict[str, Any], service: str = "") -> _Told:
    status = mapping(told.get("status"))
    is_error = string(status.get("code") or status.get("status_code")).rpartition("_")[2] in {"2", "ERROR"}
    name, attributes = string(told.get("name")), _attributes(told.get("attributes"))
    start = _either(told, "startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime")
    key = string(_either(told, "spanId", "span_id") or mapping(told.get("context")).get("span_id"))
    parent = string(_either(told, "parentSpanId", "parent_span_id", "parent_id"))
    is_model, is_tool = is_model_work(attributes), is_tool_work(attributes)
    resource = _attributes(mapping(told.get("resource")).get("attributes"))
    return _Told(
        trace=_trace_id(told),
        name=name,
        start=_time(start),
        order=string(start).zfill(25),
        error=(string(_either(status, "message", "description")) or f"{name} failed") if is_error else "",
        attributes=attributes,
        events=[
            (string(each.get("name")), _attributes(each.get("attributes"))) for each in mappings(told.get("events"))
        ],
        service=service or string(resource.get("service.name")),
        place=Span(key, parent, agent_of(attributes), is_model=is_model, is_tool=is_tool and not is_model),
    )


def _either(told: dict[str, Any], *keys: str) -> Any:
    return next((told[key] for key in keys if told.get(key)), None)


def _time(value: Any) -> str:
    """Read a time, which OTLP counts in nanoseconds."""
    nanoseconds = number(value)
    return moment(value if nanoseconds is None or nanoseconds < 1e15 else nanoseconds / 1e9)


def _attributes(value: Any) -> dict[str, Any]:
    """Read attributes: a list of keys and typed values, or an object."""
    if isinstance(value, dict):
        return value
    return {string(each.get("key")): _value(each.get("value")) for each in mappings(value)}


def _value(value: Any) -> Any:
    """Read a typed value; whole numbers are written as text."""
    told = mapping(value)
    for kind, inner in told.items():
        if kind in {"intValue", "int_value", "doubleValue", "double_value"}:
            found = number(inner)
            return int(found) if found is not None and kind.startswith("int") else found
        if kind in {"arrayValue", "array_value"}:
            return [_value(item) for item in items(mapping(inner).get("values"))]
        if kind in {"kvlistValue", "kvlist_value"}:
            return _attributes(items(mapping(inner).get("values")))
        return inner
    return None


def _read(session: str, told: list[_Told], place: str) -> Reading | Refused | None:
    """Read one run; None where the spans are of something else, as a web server."""
    spans = sorted(told, key=lambda span: span.order)
    inside = wrappers(span.place for span in spans)
    models = [span for span in spans if span.place.is_model and span.place.key not in inside]
    models = models or [span for span in spans if not span.place.is_tool and made_in(span.attributes)][:1]
    if not models:
        return None
    named = agents(span.place for span in spans)
    histories = Histories()
    generations = [_generation(span, histories, named.get(span.place.key, "")) for span in models]
    tools = [_tool(span, named.get(span.place.key, "")) for span in spans if span.place.is_tool]
    steps = steps_of(generations, tools)
    known = {span.place.key for span in spans}
    roots = [span for span in spans if span.place.parent not in known and not span.place.is_tool]
    error = next((span.error for span in (*roots, models[-1]) if span.error), "")
    if not any(step.origin is Origin.AGENT for step in steps) and not error:
        return Refused(NOT_KEPT, place)
    trace = Trace(
        format=NAME,
        task="",
        request=next((asked for each in generations if (asked := request_of(each.sent))), ""),
        steps=steps,
        agent=named.get(models[0].place.key, "") or models[0].service,
        model=next((model for span in models if (model := model_of(span.attributes))), ""),
        session=session,
        result=next((step.text for step in reversed(steps) if step.origin is Origin.AGENT and step.text), ""),
        usage=summed(each.usage for each in generations),
        error=error,
    )
    return Reading(trace, _outcome(spans, error), place)


def _generation(span: _Told, histories: Histories, agent: str) -> Generation:
    told = span.attributes
    details = {key: value for name, each in span.events if "operation.details" in name for key, value in each.items()}
    sent, made = _events(span.events + _packed(told))
    return Generation(
        span.start,
        sent_in({**details, **told}, histories) or sent,
        made_in({**details, **told}) or made,
        agent,
        usage_of(told),
    )


def _packed(told: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Give events that Logfire keeps in an attribute."""
    return [(string(each.get("event.name")), each) for each in mappings(decoded(told.get("events")))]


def _events(events: Iterable[tuple[str, dict[str, Any]]]) -> tuple[list[Message], list[Message]]:
    """Read messages that were logged as events: those sent, and those made."""
    sent: list[Message] = []
    made: list[Message] = []
    for name, told in events:
        if name in _EVENT_ROLES:
            content = told.get("gen_ai.event.content")
            body = mapping(decoded(content)) or {**told, "content": told.get("content", content)}
            sent += messages({"role": _ROLES[_EVENT_ROLES[name]], **body}, Origin.USER)
        elif name == "gen_ai.choice":
            body = mapping(decoded(told.get("gen_ai.event.content"))) or told
            message = decoded(body.get("message")) or body
            made += messages({"role": "assistant", **message} if isinstance(message, dict) else message, Origin.AGENT)
        elif name == "gen_ai.content.prompt":
            sent += messages(told.get("gen_ai.prompt"), Origin.USER)
        elif name == "gen_ai.content.completion":
            made += messages(told.get("gen_ai.completion"), Origin.AGENT)
    return sent, made


def _tool(span: _Told, agent: str) -> ToolRun:
    key, call = tool_of(span.attributes, span.name)
    return ToolRun(span.start, key, failed(call, span.error), agent)


def _outcome(spans: list[_Told], error: str) -> Outcome:
    """Read the evaluations, which stand in events or in spans of their own."""
    places = [each for span in spans for each in (span.attributes, *(told for _, told in span.events))]
    outcome = decided([_score(each) for each in places if "gen_ai.evaluation.name" in each], "gen_ai.evaluation")
    if error and outcome.status is not Status.SUCCESS:
        return Outcome.broken(error, "status", reward=outcome.reward)
    return outcome


def _score(told: dict[str, Any]) -> Score:
    label, value = told.get("gen_ai.evaluation.score.label"), told.get("gen_ai.evaluation.score.value")
    is_word = Outcome.told(label, "") is not None
    note = string(told.get("gen_ai.evaluation.explanation"))
    return Score(string(told.get("gen_ai.evaluation.name")), label if is_word else value, note)
