"""The sub-agents of a session of Claude Code: in its own log, in files of its folder, or in files beside it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitskill.formats.inner.anthropic_blocks import Message
from gitskill.formats.inner.claude_chain import Record, answered, read_log
from gitskill.formats.inner.claude_threads import Thread, prompt_of
from gitskill.formats.loose import mapping, string
from gitskill.formats.parse import Damaged
from gitskill.formats.source import Source, is_plain_name
from gitskill.trace import Call

_HOUSEKEEPING = ("acompact-", "aprompt_suggestion-", "aside_question-")
"""Agents that the program starts for itself: they go over the whole conversation again."""
_WARMUP = "Warmup"


@dataclass(frozen=True, slots=True)
class Agents:
    """The sub-agents of one session."""

    threads: tuple[Thread, ...]
    parts: tuple[Path, ...]
    """The session's folder, and the files beside it that are its own."""
    notes: tuple[str, ...]
    """Of files that could not be read, or were odd."""


@dataclass(frozen=True, slots=True)
class _File:
    """What one sub-agent has done, before it is known which call has started it."""

    names: tuple[str, ...]
    call: str
    records: Sequence[Record]


def agents_of(path: Path, records: Sequence[Record], main: Sequence[Record], left: Sequence[Record]) -> Agents:
    """Find the sub-agents of the session in `path`.

    `main` is what its own agent did; what was started on a branch that was `left` is no part of the run.
    """
    sessions = sorted({record.session for record in main if is_plain_name(record.session)})
    folders = [folder for folder in (path.parent / session for session in sessions) if _is_folder(folder)]
    beside = [file for file in sorted(path.parent.glob("agent-*.jsonl")) if file != path and _is_of(file, sessions)]
    notes: list[str] = []
    found = list(_inline([record for record in records if record.side]))
    for file in (*(file for folder in folders for file in _files(folder)), *beside):
        source = Source(file)
        try:
            found.append(_read(source, file))
        except Damaged as error:
            notes.append(f"the log of a sub-agent, {file.name}, is left out: {error}")
        notes.extend(sorted(source.notes))
    everything = [*left, *main, *(record for agent in found for record in agent.records)]
    lost = {key for key, _ in _calls(left)}
    threads = (thread for thread in _threads(found, everything, main) if thread.call not in lost)
    return Agents(tuple(threads), (*folders, *beside), tuple(notes))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _files(folder: Path) -> Iterator[Path]:
    """Give the logs of sub-agents in a session's folder: those of workflows lie deeper."""
    top = folder / "subagents"
    for parent, _, names in sorted(os.walk(top) if _is_folder(top) else ()):
        yield from (Path(parent, name) for name in sorted(names) if name.startswith("agent-") and name[-6:] == ".jsonl")


def _is_of(file: Path, sessions: Sequence[str]) -> bool:
    """Tell whether a log belongs to one of these sessions, by its first record."""
    source = Source(file)
    try:
        if b'"sessionId"' in source.magic:
            return any(f'"{session}"'.encode() in source.magic for session in sessions)
        return mapping(source.opening[0] if source.opening else None).get("sessionId") in sessions
    except Damaged:
        return False


def _read(source: Source, file: Path) -> _File:
    records = read_log(source).records
    beside = mapping(source.beside(f"{file.stem}.meta.json"))
    names = (file.stem.removeprefix("agent-"), file.parent.name)
    own = next((record.agent for record in records if record.agent), names[0])
    return _File((own, *names), string(beside.get("toolUseId")), records)


def _inline(side: Sequence[Record]) -> Iterator[_File]:
    """Take the sub-agents in the session's own log apart: by their ids, or by the records that they begin with."""
    roots: dict[str, str] = {}
    agents: dict[str, list[Record]] = {}
    for record in side:
        root = record.agent or roots.get(record.parent) or record.uuid[:8]
        roots[record.uuid] = root
        agents.setdefault(root, []).append(record)
    return (_File((name,), "", records) for name, records in agents.items())


def _threads(found: Sequence[_File], everything: Sequence[Record], main: Sequence[Record]) -> Iterator[Thread]:
    """Give each sub-agent with the call that started it: the log names it, or its text is the call's."""
    starts = _starts(everything)
    prompts: dict[str, list[str]] = {}
    for key, prompt in _prompts(everything):
        prompts.setdefault(prompt, []).append(key)
    named = [agent.call or next((starts[name] for name in agent.names if name in starts), "") for agent in found]
    taken = set(named)
    for agent, call in zip(found, named, strict=True):
        thread = Thread(agent.names[0], call, _own(agent.records, main))
        if thread.prompt == _WARMUP or agent.names[0].startswith(_HOUSEKEEPING):
            continue
        alike = call or next((key for key in prompts.get(thread.prompt, ()) if key not in taken), "")
        taken.add(alike)
        yield replace(thread, call=alike)


def _starts(records: Sequence[Record]) -> dict[str, str]:
    """Give the call behind each name of a sub-agent."""
    starts: dict[str, str] = {}
    for record in records:
        for name in record.starts:
            starts.setdefault(name, next(iter(answered([record])), ""))
    return {name: key for name, key in starts.items() if key}


def _prompts(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    return ((key, prompt) for key, call in _calls(records) if (prompt := prompt_of(call)))


def _calls(records: Sequence[Record]) -> Iterator[tuple[str, Call]]:
    return (call for record in records for message in record.messages for call in message.calls)


def _own(records: Sequence[Record], main: Sequence[Record]) -> list[Message]:
    """Leave out what a sub-agent's log has copied from the session's."""
    known = {record.uuid for record in main}
    known |= {message.key for record in main for message in record.messages if message.key}
    fresh = (record for record in records if record.uuid not in known)
    return [message for record in fresh for message in record.messages if message.key not in known]
