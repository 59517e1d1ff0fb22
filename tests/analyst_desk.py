"""Analysts at a real endpoint: a small skill, runs that can be quoted, and what a model would answer."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from fault_server import FaultServer, Reaction, ok, then
from gitskill.analysts.desk import Desk
from gitskill.analysts.draft import Studied
from gitskill.analysts.suggestion import Problem, Suggestion, Taught
from gitskill.checks.evidence import evidence_findings
from gitskill.errors import InvalidInput
from gitskill.model.client import OpenAIModel
from gitskill.model.endpoint import Endpoint
from gitskill.model.request import Model
from gitskill.model.scripted import Scripted
from gitskill.model.structured import Validated
from gitskill.prompts import Prompts
from gitskill.skill.edits import apply_edits
from gitskill.skill.snapshot import Skill
from gitskill.trace import Artifact
from model_stack import KEY, Waits
from offline_runs import command, run

SKILL = Skill(
    {
        "SKILL.md": b"---\nname: sheets\ndescription: Edit sheets.\n---\n\n# Sheets\n\n## Writing\n\n- Save anew.\n",
        "references/dates.md": b"# Dates\n\nStore dates as dates.\n",
    }
)
QUOTE = "KeyError: 'Total'"
RUN = run(
    command("python fill.py", f"Traceback (most recent call last):\n{QUOTE}", 1),
    command("python fill.py --header 2", "done", 0),
    name="a" * 64,
)


class Analyst(Protocol):
    """What is tested."""

    async def study(self, runs: Sequence[Studied], slot: str) -> Taught: ...


def problem(runs: Sequence[Studied]) -> Problem:
    """Place the edits, and look for the evidence."""

    async def found(suggestion: Suggestion) -> str:
        findings = evidence_findings(suggestion.evidence, {each.id: each.trace for each in runs})
        try:
            apply_edits(SKILL, suggestion.edits)
        except InvalidInput as error:
            return str(error)
        return "; ".join(each.message for each in findings)

    return found


def desk(model: Model, runs: Sequence[Studied], **changes: Any) -> Desk:
    return replace(Desk(model, "m", Prompts(), SKILL, problem(runs), run="r0001"), **changes)


def lesson(title: str = "Look before you write", **changes: Any) -> dict[str, Any]:
    """Write a lesson as a model would, one that stands."""
    edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": "Writing", "content": "- Look first."}
    return {
        "title": title,
        "cause": "At step 2 it wrote without a look.",
        "rule": "Look first.",
        "evidence": [{"run": 1, "step": 2, "text": QUOTE}],
        "edits": [edit],
    } | changes


def unplaced(title: str, **changes: Any) -> dict[str, Any]:
    """Write a lesson whose edit names a section that the skill has not."""
    edit = {"op": "append_to_section", "file": "SKILL.md", "target_section": "Nowhere", "content": "- Look first."}
    return lesson(title, edits=[edit], **changes)


def lessons(*several: dict[str, Any], reason: str = "") -> Reaction:
    return ok(json.dumps({"lessons": several, "reason": reason}))


def act(do: str, **more: Any) -> Reaction:
    return ok(json.dumps({"thought": "I look.", "act": {"do": do, **more}}))


def with_files(studied: Studied, **files: str) -> Studied:
    artifacts = tuple(Artifact(name.replace("_", "."), text) for name, text in files.items())
    return replace(studied, trace=replace(studied.trace, artifacts=artifacts))


def study(
    make: Callable[[Desk], Analyst], runs: Sequence[Studied], *answers: Reaction, **changes: Any
) -> tuple[Taught, FaultServer]:
    """Have runs studied at an endpoint that gives these answers, the last of them again and again."""

    async def ask(server: FaultServer) -> Taught:
        async with OpenAIModel(Endpoint(server.url, KEY, deadline=5.0), Waits().patience(tries=1)) as model:
            return await make(desk(Validated(model), runs, **changes)).study(runs, "l0042")

    with FaultServer(then(*answers)) as server:
        return asyncio.run(ask(server)), server


def scripted(make: Callable[[Desk], Analyst], runs: Sequence[Studied], path: Path, lines: list[Any]) -> Taught:
    """Have runs studied by answers from a file."""
    path.write_text(json.dumps(lines))
    return asyncio.run(make(desk(Validated(Scripted(path)), runs)).study(runs, "l0042"))
