"""Claude Code: the log of a session, a JSON record on each line.

Written by the program `claude`, versions 1 and 2, to `~/.claude/projects/<folder>/<session>.jsonl`; what
sub-agents did lies in the same file, in `<session>/subagents/agent-*.jsonl`, or in `agent-*.jsonl` beside it.
The log has no label: it comes from a file beside it, or from a harness.

The trap that costs most: an answer of the model is split over records that each repeat its usage, in a tree
of which only one branch is the run.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gitskill.formats.inner.anthropic_blocks import Message, joined
from gitskill.formats.inner.claude_agents import Agents, agents_of
from gitskill.formats.inner.claude_chain import Log, Record, chain, read_log
from gitskill.formats.inner.claude_texts import INTERRUPTED, is_caveat
from gitskill.formats.inner.claude_threads import woven
from gitskill.formats.inner.usage import summed
from gitskill.formats.loose import mappings
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.trace import Origin, Trace

NAME = "claude-code"

_TREE = {"uuid", "parentUuid", "sessionId"}
_OUTSIDE = {"summary": "leafUuid", "file-history-snapshot": "messageId", "queue-operation": "sessionId"}
"""Records outside the tree, each with a key that it has; dozens of them may stand before the first message."""


def recognise(source: Source) -> bool:
    """Look for a message in the session's tree; a file may begin with other records of the session."""
    records = mappings(source.opening)
    if any(record.keys() >= _TREE for record in records):
        return True
    known = [_OUTSIDE.get(str(record.get("type")), "") in record for record in records]
    return bool(known) and all(known)


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the one run in the file, with its sub-agents."""
    log = read_log(source)
    main = [record for record in log.records if not record.side]
    if not main:
        sessions = {record.session for record in log.records}
        kind = "a sub-agent's log: it is read with its session " + ", ".join(sorted(sessions))
        yield Refused(kind if sessions else "no message in it, only notes on other sessions")
        return
    path = _settled(chain(main))
    on_path = {record.uuid for record in path}
    left = [record for record in main if record.uuid not in on_path]
    agents = agents_of(source.path, log.records, path, left)
    trace = _trace(log, path, agents)
    said = sum(record.kind in {"user", "assistant"} for record in left)
    notes = [f"{said} messages stand on branches that were left: not read"] if said else []
    yield Reading(replace(trace, notes=(*notes, *trace.notes)), _outcome(trace), parts=agents.parts)


def _settled(path: Sequence[Record]) -> list[Record]:
    """Give to the program the commands that it carried out by itself: their output follows them, or a caveat leads."""
    found: list[Record] = []
    is_output_next = False
    for before, record in zip([None, *path[:-1]][::-1], path[::-1], strict=True):
        is_local = record.is_command and (is_output_next or (before is not None and _is_caveat(before)))
        found.append(replace(record, messages=_programs(record.messages)) if is_local else record)
        if record.kind in {"user", "assistant"} or record.is_local_output:
            is_output_next = record.is_local_output
    return found[::-1]


def _is_caveat(record: Record) -> bool:
    return any(is_caveat(message.text) for message in record.messages)


def _programs(messages: Iterable[Message]) -> tuple[Message, ...]:
    return tuple(replace(message, origin=Origin.SYSTEM) for message in messages)


def _trace(log: Log, path: Sequence[Record], agents: Agents) -> Trace:
    messages = [message for record in path for message in record.messages]
    steps = woven(messages, agents.threads)
    used = summed(step.usage for step in steps)
    failures = [record for record in path if record.failure]
    error = _last_failure(path)
    passed = len(failures) - bool(error)
    return Trace(
        format=NAME,
        task="",
        request=request_in(messages),
        steps=steps,
        agent=f"claude-code {_last(record.version for record in path)}".strip(),
        model=model_of(messages),
        session=_last(record.session for record in path),
        result=_last(message.text for message in messages if message.origin is Origin.AGENT),
        usage=used if log.cost is None else replace(used, cost=log.cost),
        error=error,
        notes=(*([f"{passed} API errors on the way, of which the run recovered"] if passed else []), *agents.notes),
    )


def _last(texts: Iterable[str]) -> str:
    """Give the last text that is not empty."""
    return next(filter(None, reversed(list(texts))), "")


def _last_failure(path: Sequence[Record]) -> str:
    """Give the error that the run ended in: nothing by the agent follows it."""
    told = (record.failure for record in reversed(path) if record.kind == "assistant" or record.failure)
    return next(told, "")


def request_in(messages: Iterable[Message]) -> str:
    """Give the first words of the user."""
    own = (message.text for message in messages if message.origin is Origin.USER)
    return next((text for text in own if not text.startswith(INTERRUPTED)), "")


def model_of(messages: Iterable[Message]) -> str:
    """Name the model that gave most of the answers."""
    models = Counter(message.model for message in joined(messages) if message.origin is Origin.AGENT and message.model)
    return models.most_common(1)[0][0] if models else ""


def _outcome(trace: Trace) -> Outcome:
    """Tell whether the run broke: the log says nothing of how good it was."""
    if trace.error:
        return Outcome.broken(trace.error, "isApiErrorMessage")
    if not any(step.origin is Origin.AGENT and not step.agent for step in trace.steps):
        return Outcome.broken("no step taken", "log")
    return UNLABELLED
