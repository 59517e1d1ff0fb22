"""The log of a session of Claude Code is a tree: the run is the branch that its last record stands on.

Going back to an earlier message leaves a branch behind. But not everything off the branch was left behind:
answers to parallel calls each hang on the record of their call, and where the log was compacted, or was
begun by another file, the link to the record before is broken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gitskill.formats.inner.anthropic_blocks import Message
from gitskill.formats.inner.claude_records import failure_of, messages_of
from gitskill.formats.inner.claude_texts import is_command, is_local_output
from gitskill.formats.loose import mapping, number, string
from gitskill.formats.source import Source
from gitskill.trace import Origin

_SPOKEN = {"user", "assistant"}
"""Reports on hooks and on progress stand behind the last message, on no branch in particular."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is needed of one record of a log."""

    uuid: str
    parent: str
    """The record before; empty for the first of a branch."""
    logical: str
    """The record before, where compaction has cut the link."""
    kind: str
    side: bool
    """It is a sub-agent's."""
    agent: str
    session: str
    version: str
    failure: str
    starts: tuple[str, ...]
    """The names under which the log knows the sub-agents that the call in this record has started."""
    is_command: bool
    is_local_output: bool
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """One file."""

    records: tuple[Record, ...]
    """Each once, in the file's order."""
    cost: float | None
    """Of the whole session, as newer versions sum it up."""


def read_log(source: Source) -> Log:
    """Read the records of a session's log, or of a sub-agent's. Those outside the tree are no part of the run."""
    records: dict[str, Record] = {}
    cost = None
    for line, value in source.records():
        raw = mapping(value)
        if raw.get("type") == "cost-state":
            cost = number(raw.get("totalCostUSD"))
        if raw.get("uuid") or "message" in raw:
            record = _record(raw, line)
            records.setdefault(record.uuid, record)
    return Log(tuple(records.values()), cost)


def _record(raw: dict[str, Any], line: int) -> Record:
    side = raw.get("isSidechain") is True
    told = mapping(raw.get("toolUseResult"))
    said = string(mapping(raw.get("message")).get("content")) or string(raw.get("content"))
    return Record(
        uuid=string(raw.get("uuid")) or f"line {line}",
        parent=string(raw.get("parentUuid")),
        logical=string(raw.get("logicalParentUuid")),
        kind=string(raw.get("type")),
        side=side,
        agent=string(raw.get("agentId")),
        session=string(raw.get("sessionId")),
        version=string(raw.get("version")),
        failure=failure_of(raw),
        starts=tuple(filter(None, (string(told.get("agentId")), _last_part(string(told.get("transcriptDir")))))),
        is_command=is_command(said),
        is_local_output=is_local_output(said),
        messages=tuple(messages_of(raw, side=side)),
    )


def _last_part(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def chain(main: Sequence[Record]) -> list[Record]:
    """Give the records of the run out of those of the run's own agent, in the file's order."""
    at = {record.uuid: place for place, record in enumerate(main)}
    orphans: dict[str, int] = {}
    for place, record in enumerate(main):
        if record.parent not in at:
            orphans.setdefault(record.parent, place)
    kept: set[int] = set()
    place = max((place for place, record in enumerate(main) if record.kind in _SPOKEN or record.failure), default=-1)
    while place >= 0:
        kept.add(place)
        place = _before(main[place], place, at, orphans)
        while place in kept:  # the links go round in a circle
            place -= 1
    return [main[place] for place in sorted(kept | _beside(main, kept))]


def _before(record: Record, place: int, at: dict[str, int], orphans: dict[str, int]) -> int:
    """Find the record before this one; -1 where it is the first.

    Where the link leads nowhere it is the one before in the file. But where the user speaks, another record with
    the same lost link is another branch from there; and with no link at all the user starts over from nothing.
    """
    for link in (record.parent, record.logical):
        if link in at:
            return at[link]
    return (orphans[record.parent] if _is_own_words(record) else place) - 1


def _is_own_words(record: Record) -> bool:
    return any(message.origin is Origin.USER for message in record.messages)


def _beside(main: Sequence[Record], kept: set[int]) -> set[int]:
    """Find what belongs to the run without standing on its branch: other pieces of an answer, answers to its calls."""
    keys = {message.key for place in kept for message in main[place].messages if message.key}
    others = [place for place in range(len(main)) if place not in kept]
    found = {place for place in others if any(message.key in keys for message in main[place].messages)}
    own = [main[place] for place in kept | found]
    waiting = {key for record in own for message in record.messages for key, _ in message.calls} - set(answered(own))
    return found | {place for place in others if not waiting.isdisjoint(answered([main[place]]))}


def answered(records: Iterable[Record]) -> Iterable[str]:
    """Give the ids of the calls that records have answers to."""
    return (key for record in records for message in record.messages for key, _ in message.answers)
