"""What an error analyst tries, written into the ledger like a model's answer: a resumed run sees the same.

What is written down of a file is its hash where it went in, and its content
only where a command made or changed it: a job of many files costs little.
"""

import hashlib
import json
import os
import re
import stat
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from gitskill.analysts.draft import Studied
from gitskill.analysts.room import Ran
from gitskill.errors import InvalidInput
from gitskill.judge import Judge
from gitskill.model.request import OURS, Answer, Label, Message, Model, Question
from gitskill.outcome import Status
from gitskill.sandbox import bubblewrap
from gitskill.sandbox.bubblewrap import Sandbox
from gitskill.sandbox.job import MAX_DROPPED
from gitskill.skill.snapshot import Skill, is_binary
from gitskill.trace_document import canonical

_BLOCK = 1 << 20
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,10}")
_PACKED = "packed"
_PASSED = {Status.SUCCESS: True, Status.FAILURE: False}


@dataclass(frozen=True, slots=True)
class _Tried(Question):
    """A question of ours. It has the files with it for whoever answers; its text, which is kept, has their hashes."""

    files: Mapping[str, bytes] = field(default_factory=dict)


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
        """Run a command among files, or raise InvalidInput as the sandbox does."""
        asked = {"command": list(command), "files": _hashes(files), "skill": self.skill}
        answer = await self.kept.ask(_question("sandbox", asked, files, self.run_id, self.trace))
        told = json.loads(answer.text)
        if "refused" in told:
            raise InvalidInput(told["refused"])
        return _read(told, files)


@dataclass(frozen=True, slots=True)
class SandboxModel:
    """Answers the questions of a `KeptRunner` by running what they ask for."""

    sandbox: Sandbox
    skill: Skill
    seconds: float = 30.0
    """What one command may take."""

    async def ask(self, question: Question) -> Answer:
        """Run the command of a question. That it is none which could be run is an answer too."""
        asked, files = _asked(question)
        try:
            ran = await self.sandbox.run(asked["command"], files, self.skill.files, self.seconds)
        except InvalidInput as error:
            return Answer(json.dumps({"refused": str(error)}, ensure_ascii=False))
        return Answer(json.dumps(_written(ran, files), ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class KeptChecker:
    """Has a person's command judge a fixed file; in one run the same file of the same trace is judged once.

    In another run it is judged anew: the person may have mended the command.
    """

    kept: Model
    """A `JudgeModel` behind the ledger."""
    run_id: str
    command: str

    async def check(self, trace: Studied, name: str, data: bytes) -> tuple[bool | None, str]:
        """Tell whether the file passes, None if the command does not say.

        What the command prints stays with us: it may hold the answer.
        """
        files = {"trace": canonical(trace.trace), "fix": data}
        # A model made up the name, and a person's command may hand it to a shell. The ending is what programs go by.
        ending = match[0] if (match := _ENDING.fullmatch(Path(name).suffix)) else ""
        asked = {"command": self.command, "run": self.run_id, "id": trace.id, "ending": ending, "files": _hashes(files)}
        answer = await self.kept.ask(_question("checker", asked, files, self.run_id, trace.id))
        return json.loads(answer.text)["passed"], ""


@dataclass(frozen=True, slots=True)
class JudgeModel:
    """Answers the questions of a `KeptChecker` by asking the person's command, outside any sandbox."""

    judge: Judge

    async def ask(self, question: Question) -> Answer:
        """Have the file of a question judged."""
        asked, files = _asked(question)
        with _on_disk(f"fix{asked['ending']}", files["fix"]) as path:
            outcome = await self.judge.label_soon(files["trace"], path=path, trace=asked["id"])
        return Answer(json.dumps({"passed": _PASSED.get(outcome.status), "note": outcome.note}, ensure_ascii=False))


@contextmanager
def _on_disk(name: str, data: bytes) -> Iterator[str]:
    """Lay out a file in a folder of its own, for a while."""
    try:
        with tempfile.TemporaryDirectory(prefix="gitskill-fix-", ignore_cleanup_errors=True) as folder:
            file = Path(folder, name)
            file.write_bytes(data)
            yield str(file)
    except OSError as error:
        raise InvalidInput(f"a fix cannot be laid out for the checker: {error.strerror}") from error


def skill_hash(skill: Skill) -> str:
    """Name what a command can read of the skill."""
    return hashlib.sha256(json.dumps(_hashes(skill.files)).encode()).hexdigest()


def reference_hashes(paths: Iterable[Path]) -> frozenset[str]:
    """Name every file of known answers by its SHA-256.

    Raises InvalidInput for a path that holds none, and for what cannot be read:
    an answer that we do not know could pass for a fix.
    """
    found: set[str] = set()
    for path in paths:
        files = [path] if path.is_file() else _below(path)
        hashes = {_digest(file) for file in files} - {""}
        if not hashes:
            raise InvalidInput(f"{path} holds no file")
        found |= hashes
    return frozenset(found)


def _below(path: Path) -> Iterator[Path]:
    """Give every file below a folder, through links too; a folder that is met again is not entered again."""
    seen: set[Path] = set()
    for folder, inner, names in os.walk(path, onerror=_unreadable, followlinks=True):
        real = Path(folder).resolve()
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        yield from (Path(folder, name) for name in names)


def _digest(file: Path) -> str:
    """Hash a file; a pipe or a device, which holds nothing, has no hash."""
    found = hashlib.sha256()
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return ""
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                found.update(block)
    except OSError as error:
        _unreadable(error)
    return found.hexdigest()


def _unreadable(error: OSError) -> NoReturn:
    raise InvalidInput(f"{error.filename} cannot be read: {error.strerror}") from error


def _question(tool: str, asked: Mapping[str, Any], files: Mapping[str, bytes], run: str, trace: str) -> _Tried:
    text = json.dumps(asked, ensure_ascii=False, sort_keys=True)
    return _Tried(tool, (Message("user", text),), about=(trace,), label=Label(run, OURS), files=files)


def _asked(question: Question) -> tuple[Any, Mapping[str, bytes]]:
    if not isinstance(question, _Tried):
        raise TypeError("only what we ask ourselves can be tried")
    return json.loads(question.messages[0].content), question.files


def _hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}


def _written(ran: bubblewrap.Ran, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Write down what a command did to its files: which are gone, by their place in the order of names, and new bytes.

    One that was there afterwards but is too much to be taken out is not gone: it stays as it was.
    """
    is_full = len(ran.dropped) > MAX_DROPPED  # not all that was left behind is named
    lost = files.keys() - ran.files.keys() - set(ran.dropped) if not is_full else set()
    changed = sorted((name, data) for name, data in ran.files.items() if files.get(name) != data)
    return {
        "exit": ran.exit,
        "output": ran.output,
        "gone": [at for at, name in enumerate(sorted(files)) if name in lost],
        "new": [[name, zlib.crc32(data), *_form(data)] for name, data in changed],
        "dropped": list(ran.dropped),
    }


def _read(told: Mapping[str, Any], files: Mapping[str, bytes]) -> Ran:
    """Read back what `_written` wrote, after the ledger has taken secrets out of it. What that harmed is named."""
    given = sorted(files)
    gone = {given[at] for at in told["gone"]}
    after = {name: data for name, data in files.items() if name not in gone}
    new: dict[str, bytes] = {}
    harmed = []
    for name, check, kind, text in told["new"]:
        data = _data(kind, text)
        if data is None or name in new:
            harmed.append(f"{name} (its name or content looked like a secret)")
            continue
        if zlib.crc32(data) != check:
            harmed.append(f"{name} (in part: something in it looked like a secret)")
        new[name] = data
    return Ran(told["exit"], told["output"], after | new, (*told["dropped"], *harmed))


def _form(data: bytes) -> tuple[str, str]:
    """Write a file as a text.

    What an analyst could be shown stays a text in which secrets are found. Any
    other bytes become signs that stand in no secret: as base64 some of them
    would look like one.
    """
    if is_binary(data):
        packed = zlib.compress(data)
        wide = bytearray(b"\1" * (2 * len(packed)))  # each byte becomes a sign from U+0100 on
        wide[::2] = packed
        return _PACKED, wide.decode("utf-16-le")
    try:
        return "utf-8", data.decode()
    except UnicodeDecodeError:
        return "latin-1", data.decode("latin-1")


def _data(kind: str, text: str) -> bytes | None:
    if kind != _PACKED:
        return text.encode(kind, "replace")
    try:
        return zlib.decompress(text.encode("utf-16-le")[::2])
    except zlib.error:
        return None
