"""The log of the agent in a trial of Harbor: whatever the agent left in its folder, the best first."""

from collections.abc import Iterator
from pathlib import Path

from gitskill.formats import (
    atif,
    claude_code,
    claude_stream,
    codex,
    codex_exec,
    gemini,
    mini_swe_agent,
    opencode,
    opencode_events,
    openhands,
    openhands_sdk,
    swe_agent,
)
from gitskill.formats.inner.folder import files, folders, within
from gitskill.formats.inner.terminal import logged, missing
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Format, Reading
from gitskill.formats.source import Source
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.trace import Call, Observation, Origin, Step, Trace

_FORMATS: tuple[Format, ...] = (
    atif,
    claude_code,
    claude_stream,
    codex,
    codex_exec,
    gemini,
    opencode,
    opencode_events,
    openhands,
    openhands_sdk,
    mini_swe_agent,
    swe_agent,
)
"""What agents leave behind that Harbor runs. A new one is a line here."""

_SUFFIXES = (".traj", ".jsonl", ".json", ".txt", ".log")
_DEPTH = 6
_MOST = 60
_PASSED = {"subagents", "setup"}


def best_log(folder: Path) -> Reading | None:
    """Read the first log that tells of a step; a text of unknown format as one step; None where there is none."""
    candidates = list(_candidates(folder))
    for path in candidates:
        if found := _read(path):
            return found
    return next((found for path in candidates if (found := _printed(path))), None)


def _candidates(folder: Path) -> Iterator[Path]:
    """Give the files that may be the log: Harbor's own conversion, sessions, and then what was printed."""
    if best := within(folder, "trajectory.json"):
        yield best
    below = [path for path in _below(folder, _DEPTH) if path != best]
    yield from sorted(below, key=lambda path: (_rank(path, folder), str(path)))[:_MOST]


def _rank(path: Path, folder: Path) -> tuple[int, int, int]:
    """Put sessions before other logs, whole logs before parts, large ones before small ones."""
    is_session = (path.relative_to(folder).parts[0] == "sessions" and path.suffix == ".jsonl") or "traj" in path.name
    try:
        size = path.lstat().st_size
    except OSError:
        size = 0
    return 0 if is_session else 1, _SUFFIXES.index(path.suffix), -size


def _below(folder: Path, depth: int) -> Iterator[Path]:
    yield from (path for path in files(folder) if path.suffix in _SUFFIXES)
    for inner in folders(folder) if depth else []:
        if inner.name not in _PASSED:
            yield from _below(inner, depth - 1)


def _read(path: Path) -> Reading | None:
    source = Source(path)
    for candidate in _FORMATS:
        try:
            read = candidate.read(source) if candidate.recognise(source) else ()
            if found := next((one for one in read if isinstance(one, Reading) and one.trace.actions), None):
                return found
        except Damaged:
            continue
    return None


def _printed(path: Path) -> Reading | None:
    """Give what an agent printed as one step, where its format is unknown."""
    if path.suffix not in {".txt", ".log"} or not (shown := logged(path)).strip():
        return None
    step = Step(Origin.AGENT, calls=(Call("terminal", {}, Observation(shown)),))
    program = missing(shown)
    outcome = Outcome.broken(f"{program}: command not found", path.name) if program else UNLABELLED
    note = f"the format of {path.name} is unknown: what it shows is given as one step"
    return Reading(Trace("", "", "", (step,), notes=(note,)), outcome)
