"""Records of Claude Code's session log, for tests of what a log can hold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gitskill.formats import claude_code
from gitskill.formats.reading import Reading
from reading_runs import readings, written

Json = dict[str, Any]
SESSION = "11111111-2222-3333-4444-555555555555"


def record(kind: str, uuid: str, parent: str | None, **more: Any) -> Json:
    base = {"type": kind, "uuid": uuid, "parentUuid": parent, "sessionId": SESSION, "isSidechain": False}
    return {**base, "version": "2.1.0", "timestamp": "2026-01-01T00:00:00.000Z", **more}


def user(uuid: str, parent: str | None, content: Any, **more: Any) -> Json:
    return record("user", uuid, parent, message={"role": "user", "content": content}, **more)


def agent(uuid: str, parent: str | None, *blocks: Json | str, id: str = "", **more: Any) -> Json:  # noqa: A002 - as in the log
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    usage = {"input_tokens": 1, "output_tokens": 10}
    body = {"id": id or f"msg_{uuid}", "model": "claude-sonnet-4-5", "content": content, "usage": usage}
    return record("assistant", uuid, parent, message=body | more.pop("message", {}), **more)


def use(key: str, name: str = "Bash", **arguments: Any) -> Json:
    return {"type": "tool_use", "id": key, "name": name, "input": arguments}


def returned(uuid: str, parent: str | None, key: str, content: Any = "done", **more: Any) -> Json:
    block = {"type": "tool_result", "tool_use_id": key, "content": content}
    if (failed := more.pop("is_error", None)) is not None:
        block["is_error"] = failed
    return user(uuid, parent, [block], **more)


def reading(folder: Path, records: Sequence[Json]) -> Reading:
    """Write a session and read it."""
    (found,) = readings(claude_code, written(folder / f"{SESSION}.jsonl", *records))
    return found


def texts(found: Reading) -> list[str]:
    return [step.text for step in found.trace.steps]
