"""What a terminal showed during a run: logs and recordings as plain text."""

import re
from pathlib import Path

from gitskill.formats.inner.folder import tail
from gitskill.formats.loose import items, mapping, string
from gitskill.formats.parse import Damaged
from gitskill.formats.source import Source

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
)
_PROGRAMS = "mini|claude|codex|gemini|goose|aider|openhands|opencode|cursor-agent|grok|qwen|sweagent|copilot|kimi"
_MISSING = re.compile(rf"^.{{0,80}}\b({_PROGRAMS}): (?:command )?not found", re.MULTILINE)


def plain(shown: str) -> str:
    """Leave out what moves the cursor and colours the text; of a line that was written over give the last."""
    lines = _ESCAPES.sub("", shown).split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def logged(path: Path | None) -> str:
    """Read the log of a terminal; nothing where there is none."""
    if path is None:
        return ""
    try:
        return plain(Source(path).text())
    except Damaged:
        return plain(tail(path))


def recorded(path: Path | None) -> str:
    """Read what asciinema recorded, all versions; a line that is torn is passed over."""
    if path is None:
        return ""
    shown = []
    try:
        for _, row in Source(path).rows():
            event = items(row)
            shown += [
                string(item[1]) for item in items(mapping(row).get("stdout")) if isinstance(item, list) and item[1:]
            ]
            shown += [string(event[2])] if event[2:] and event[1] == "o" else []
    except Damaged:
        return ""
    return plain("".join(shown))


def missing(shown: str) -> str:
    """Name the agent's own program, where the shell did not find it."""
    found = _MISSING.search(shown)
    return found[1] if found else ""
