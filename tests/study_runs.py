"""Small runs in our own format, to be studied."""

import json
from pathlib import Path
from typing import Any


def run_log(task: str, number: int, *, failed: bool = False) -> dict[str, Any]:
    """Write a run: it asks, fails once with an error that can be quoted, and gets past it."""
    broken = {"text": "rm: missing operand\nTry 'rm --help' for more information.", "exit_code": 123}
    good = {"text": f"removed {number} files", "exit_code": 0}
    return {
        "gitskill_trace": 1,
        "task": task,
        "request": f"Tidy up sheet number {number}.",
        "steps": [
            {"origin": "user", "text": f"Tidy up sheet number {number}."},
            _called(f"find /sheets -size {number} | xargs rm", broken),
            _called(f"find /sheets -size {number} | xargs rm{' ' if failed else ' -f'}", broken if failed else good),
        ],
    }


def _called(command: str, observation: dict[str, Any]) -> dict[str, Any]:
    call = {"name": "bash", "arguments": {"command": command}, "observation": observation}
    return {"origin": "agent", "calls": [call]}


def runs(folder: Path, *, good: int = 0, bad: int = 0) -> tuple[Path, Path]:
    """Write runs and their labels into `folder`."""
    folder.mkdir(exist_ok=True)
    labels = []
    for number in range(good + bad):
        failed, task = number >= good, f"sheet-{number}x"
        (folder / f"{task}.json").write_text(json.dumps(run_log(task, number, failed=failed)))
        labels.append(f"{task},{'failure' if failed else 'success'}")
    graded = folder.parent / f"{folder.name}.csv"
    graded.write_text("\n".join(["id,outcome", *labels]) + "\n")
    return folder, graded
