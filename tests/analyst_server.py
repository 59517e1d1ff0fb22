"""An endpoint that studies runs as an analyst would: what it answers depends on the bytes of the question alone."""

import hashlib
import json
import re
from typing import Any

from fault_server import Reaction, Seen, ok

_LABEL = re.compile(r"\[([0-9a-f]{6})\] step (\d+), ([^\n]+)\n([^\n]+)")
_WORDS = ("always", "check", "read", "write", "save", "open", "close", "keep")


def lesson(step: int, quote: str, rule: str, **changes: Any) -> dict[str, Any]:
    """Write a lesson as a model does: a bullet in the section Writing."""
    edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": "Writing", "content": f"- {rule}"}
    quotes = [{"run": 1, "step": step, "text": quote}]
    told = {"title": rule[:80], "cause": f"step {step} shows it", "rule": rule, "evidence": quotes, "edits": [edit]}
    return told | changes


def lessons(*told: dict[str, Any], reason: str = "") -> str:
    return json.dumps({"lessons": list(told), "reason": reason})


def turn(act: str, **fields: Any) -> str:
    return json.dumps({"thought": "so", "act": {"do": act, **fields}})


def quotable(text: str) -> tuple[int, str]:
    """Find a step of the run that a question shows, with a line of it."""
    _, step, _, line = _LABEL.findall(text)[-1]
    return int(step), line.strip()


def rule_for(text: str) -> str:
    """Make a rule out of a question: another one for another question."""
    digest = hashlib.sha256(text.encode()).digest()
    return " ".join(_WORDS[byte % len(_WORDS)] for byte in digest[:6]).capitalize() + " first."


def answer(seen: Seen) -> str:
    """Answer as an analyst: one lesson of a successful run; a failed run is read first."""
    messages = [str(message["content"]) for message in seen.json["messages"]]
    schema = seen.json["response_format"]["json_schema"]["name"]
    if schema == "Lessons":
        return lessons(lesson(*quotable(messages[1]), rule_for(messages[1])))
    if len(messages) == 2:
        return turn("read_steps", first=1, last=50)
    return turn("report", lessons=[lesson(*quotable(messages[-1]), rule_for(messages[1]))], reason="")


def analysts(seen: Seen) -> Reaction:
    """React to any question of an analyst."""
    return ok(answer(seen))
