"""What an error analyst tries, written into the ledger like a model's answer: a resumed run sees the same."""

import base64
import binascii
import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitskill.analysts.draft import Studied
from gitskill.analysts.room import Ran
from gitskill.errors import InvalidInput
from gitskill.judge import Judge
from gitskill.model.request import Answer, Label, Message, Model, Question
from gitskill.model.stack import OURS
from gitskill.outcome import Status
from gitskill.sandbox.bubblewrap import Sandbox
from gitskill.skill.snapshot import Skill
from gitskill.trace_document import canonical

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class KeptRunner:
    """Runs commands in the sandbox; the same command among the same files is run once."""

    kept: Model
    """A `SandboxModel` behind the ledger."""
    run_id: str
    trace: str
    skill: str
    """A hash of the skill that the commands can read."""

    async def run(self, command: Sequence[str], files: Mapping[str, bytes]) -> Ran:
        """Run a command among files."""
        asked = {"command": list(command), "files": _written(files), "skill": self.skill}
        answer = await self.kept.ask(_question("sandbox", asked, self.run_id, self.trace))
        told = json.loads(answer.text)
        return Ran(told["exit"], told["output"], _read(told["files"]), tuple(told["dropped"]))


@dataclass(frozen=True, slots=True)
class SandboxModel:
    """Answers the questions of a `KeptRunner` by running what they ask for."""

    sandbox: Sandbox
    skill: Skill

    async def ask(self, question: Question) -> Answer:
        """Run the command of a question."""
        told = json.loads(question.messages[0].content)
        ran = await self.sandbox.run(told["command"], _read(told["files"]), self.skill.files)
        done = {"exit": ran.exit, "output": ran.output, "files": _written(ran.files), "dropped": list(ran.dropped)}
        return Answer(json.dumps(done, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class KeptChecker:
    """Has a person's command judge a fixed file; the same file of the same trace is judged once."""

    kept: Model
    """A `JudgeModel` behind the ledger."""
    run_id: str
    command: str

    async def check(self, trace: Studied, name: str, data: bytes) -> tuple[bool, str]:
        """Tell whether the file passes. What the command prints stays with us: it may hold the answer."""
        document = canonical(trace.trace).decode()
        asked = {"command": self.command, "id": trace.id, "trace": document, "file": _written({name: data})}
        answer = await self.kept.ask(_question("checker", asked, self.run_id, trace.id))
        passed = json.loads(answer.text)["passed"] is True
        return passed, "passed" if passed else "did not pass"


@dataclass(frozen=True, slots=True)
class JudgeModel:
    """Answers the questions of a `KeptChecker` by asking the person's command, outside any sandbox."""

    judge: Judge

    async def ask(self, question: Question) -> Answer:
        """Have the file of a question judged."""
        told = json.loads(question.messages[0].content)
        [(name, data)] = _read(told["file"]).items()
        with tempfile.TemporaryDirectory(prefix="gitskill-fix-") as folder:
            # Its own last name only: the command may go by the file's ending.
            file = Path(folder) / (Path(name).name or "fix")
            file.write_bytes(data)
            outcome = await self.judge.label_soon(told["trace"].encode(), path=str(file), trace=told["id"])
        return Answer(json.dumps({"passed": outcome.status is Status.SUCCESS}))


def skill_hash(skill: Skill) -> str:
    """Name what a command can read of the skill."""
    told = {path: hashlib.sha256(data).hexdigest() for path, data in skill.files.items()}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def reference_hashes(paths: Iterable[Path]) -> frozenset[str]:
    """Name every file of known answers by its SHA-256."""
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    return frozenset(_digest(file) for file in files if file.is_file())


def _digest(file: Path) -> str:
    found = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                found.update(block)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    return found.hexdigest()


def _question(tool: str, asked: Mapping[str, Any], run: str, trace: str) -> Question:
    text = json.dumps(asked, ensure_ascii=False, sort_keys=True)
    return Question(tool, (Message("user", text),), about=(trace,), label=Label(run, OURS))


def _written(files: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    return {name: _form(data) for name, data in sorted(files.items())}


def _form(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _read(files: Mapping[str, Mapping[str, str]]) -> dict[str, bytes]:
    """Read files back. One whose bytes looked like a secret comes back without it, or not at all."""
    found = {}
    for name, form in files.items():
        try:
            found[name] = form["text"].encode() if "text" in form else base64.b64decode(form["base64"], validate=True)
        except binascii.Error:
            continue
    return found
