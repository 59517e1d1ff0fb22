"""The room of the error analyst: what it can look at in one run, and what it can try.

A room is a value: an act gives a new room and what was seen. Whether a fix was
proved is written down here, by code, and never by the model.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import Protocol, assert_never

from gitskill.analysts.draft import Studied
from gitskill.analysts.rendering import rendered
from gitskill.analysts.shapes import (
    Act,
    CheckFix,
    CheckingTurn,
    ReadArtifact,
    ReadingTurn,
    ReadSkill,
    ReadSteps,
    RunCommand,
    Search,
    TryingTurn,
    Turn,
    WriteFile,
)
from gitskill.errors import InvalidInput
from gitskill.skill.snapshot import Skill, is_binary
from gitskill.trace import shortened

MOST = 6_000
"""Characters of what one act shows."""
_NAMES = 1_000
_NEEDLE = 200
_HITS = 40
_AROUND = 100
"""Characters that are shown on either side of what a search found."""
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command in the sandbox ended."""

    exit: int | None
    """None where it was stopped."""
    output: str
    files: Mapping[str, bytes]
    """The files of the job afterwards."""
    dropped: tuple[str, ...] = ()
    """Files that were not kept."""


class Runner(Protocol):
    """The sandbox, behind the ledger."""

    async def run(self, command: Sequence[str], files: Mapping[str, bytes]) -> Ran:
        """Run a command among these files, or raise InvalidInput: it is none that can be run."""
        ...


class Checker(Protocol):
    """A person's own command, which says whether a file is what the task wanted."""

    async def check(self, trace: Studied, name: str, data: bytes) -> tuple[bool | None, str]:
        """Tell whether the file passes, None if the command does not say, and what may be told of it."""
        ...


@dataclass(frozen=True, slots=True)
class Equipment:
    """What there is to try a fix with."""

    runner: Runner | None = None
    checker: Checker | None = None
    references: frozenset[str] = frozenset()
    """SHA-256 of files that are known answers: none of them is a fix."""

    @property
    def turn(self) -> type[Turn]:
        """The shape of an answer that has just the acts that are possible."""
        if self.runner is None:
            return ReadingTurn
        return CheckingTurn if self.checker else TryingTurn


BARE = Equipment()
"""Nothing: the analyst can only read."""


@dataclass(frozen=True, slots=True)
class Block:
    """A text for the model: what we say of it, and what others wrote, which may be empty."""

    told: str
    data: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """One run with the files of its job, as far as the analyst has come with it."""

    run: Studied
    skill: Skill
    tools: Equipment = BARE
    files: Mapping[str, bytes] = field(default_factory=dict)
    ran: bool = False
    failed: bool = False
    """The checker turned a fix down."""
    unjudged: bool = False
    """The checker was asked and did not say."""
    passed: str = ""
    """The file that passed the check."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))

    @classmethod
    def of(cls, run: Studied, skill: Skill, tools: Equipment) -> "Room":
        """Open the room: the files of the job are what the run left behind."""
        return cls(run, skill, tools, _left(run))

    @property
    def verified(self) -> str:
        """Say what was tried, and how it ended."""
        if self.passed:
            return f"checker passed on {self.passed}"
        if self.failed:
            return "checker did not pass"
        if self.unjudged:
            return "checker gave no verdict"
        return "ran in the sandbox, nothing checked" if self.ran else ""

    async def done(self, act: Act) -> tuple["Room", tuple[Block, ...]]:
        """Do what the model asked for, or say precisely why it cannot be done."""
        match act:
            case ReadSteps() | Search() | ReadSkill() | ReadArtifact():
                return self, (self._seen(act),)
            case WriteFile():
                return self._written(act)
            case RunCommand():
                return await self._run(act)
            case CheckFix():
                return await self._check(act)
            case _:
                assert_never(act)

    def _seen(self, act: ReadSteps | Search | ReadSkill | ReadArtifact) -> Block:
        match act:
            case ReadSteps(first=first, last=last):
                return self._steps(first, last)
            case Search(text=text):
                return self._found(text)
            case ReadSkill(file=file):
                return _page(self.skill.files, file, 0)
            case ReadArtifact(name=name, line=line):
                return _page(self.files, name, line)
            case _:
                assert_never(act)

    def _steps(self, first: int, last: int) -> Block:
        trace = self.run.trace
        count = len(trace.steps)
        if not count:
            return Block("The run has no steps.")
        first = min(max(first, 1), count)
        last = min(max(last, first), count)
        return Block(f"Steps {first} to {last} of {count}:", rendered(trace, first, last, MOST))

    def _found(self, text: str) -> Block:
        needle = text.strip().casefold()
        if not needle or "\n" in needle or len(needle) > _NEEDLE:
            return Block(f"Search for one line of 1 to {_NEEDLE} characters.")
        hits = list(islice(self._hits(needle), _HITS + 1))
        if not hits:
            return Block("No line of the run holds that text.")
        count = f"More than {_HITS} lines hold" if len(hits) > _HITS else f"{len(hits)} line(s) hold"
        lines = "\n".join(f"step {number}: {line}" for number, line in hits[:_HITS])
        return Block(f"{count} that text:", shortened(lines, MOST))

    def _hits(self, needle: str) -> Iterator[tuple[int, str]]:
        for number, step in enumerate(self.run.trace.steps, 1):
            for _, text in step.texts():
                for line in text.split("\n"):
                    at = line.casefold().find(needle)
                    if at >= 0:
                        yield number, line[max(at - _AROUND, 0) : at + len(needle) + _AROUND]

    def _written(self, act: WriteFile) -> tuple["Room", tuple[Block, ...]]:
        if problem := self._bad_name(act.name):
            return self, (Block(problem),)
        files = {**self.files, act.name: act.content.encode("utf-8", "replace")}
        return replace(self, files=files), (Block(f"Written, {len(files[act.name]):,} bytes."),)

    async def _run(self, act: RunCommand) -> tuple["Room", tuple[Block, ...]]:
        if self.tools.runner is None:
            return self, (Block("There is no sandbox here."),)
        if not act.command or not act.command[0].strip():
            return self, (Block("A command needs at least the name of a program."),)
        sent = {name: data for name, data in self.files.items() if not self._bad_name(name)}
        try:
            ran = await self.tools.runner.run(act.command, sent)
        except InvalidInput as error:
            return self, (Block(f"Nothing was executed: {error}."),)
        unsent = {name: data for name, data in self.files.items() if name not in sent}
        changed = [name for name, data in ran.files.items() if sent.get(name) != data]
        ended = "It was stopped." if ran.exit is None else f"Exit code {ran.exit}."
        blocks = (
            Block(f"{ended} {'Its output:' if ran.output else 'It printed nothing.'}", shortened(ran.output, MOST)),
            _listed("Files it wrote or changed:", changed),
            _listed("Files it removed:", [name for name in sent if name not in ran.files]),
            _listed("Not kept, so as it was before (. stands for all the rest):", ran.dropped),
            _listed("Files that could not be taken into the sandbox because of their names:", list(unsent)),
        )
        room = replace(self, files={**unsent, **ran.files}, ran=True)
        return room, tuple(block for block in blocks if block.told)

    async def _check(self, act: CheckFix) -> tuple["Room", tuple[Block, ...]]:
        if self.tools.checker is None:
            return self, (Block("There is nothing to check with here."),)
        data = self.files.get(act.name)
        if data is None:
            return self, (_missing(self.files),)
        if hashlib.sha256(data).hexdigest() in self.tools.references:
            return self, (Block("Refused: this file is a known answer, not a fix. Make one from what the run had."),)
        if _left(self.run).get(act.name) == data:
            return self, (Block("Refused: this file is as the run left it. Change what was wrong with it first."),)
        passed, said = await self.tools.checker.check(self.run, act.name, data)
        if passed is None:
            room, verdict = replace(self, unjudged=True), "The checker broke off and gave no verdict."
        elif passed:
            room, verdict = replace(self, passed=" ".join(act.name.split())), "The check passed."
        else:
            room, verdict = replace(self, failed=True), "The check did not pass."
        return room, (Block(f"{verdict}{' It said:' if said else ''}", shortened(said, MOST)),)

    def _bad_name(self, name: str) -> str:
        """Say why no file of this name can be in the sandbox; empty if it can."""
        parts = name.split("/")
        if not name.isprintable() or len(name.encode("utf-8", "replace")) > _NEEDLE or "\\" in name:
            return f"A file's name has 1 to {_NEEDLE} printable characters and no backslash."
        if any(part in {"", ".", ".."} for part in parts) or len(parts) > _DEEPEST:
            return f"A file's name is relative, has no part that is . or .., and at most {_DEEPEST} parts."
        above = {"/".join(parts[:deep]) for deep in range(1, len(parts))}
        if above & self.files.keys() or any(other.startswith(f"{name}/") for other in self.files):
            return "A file or folder stands in the way of that name."
        return ""


def _left(run: Studied) -> dict[str, bytes]:
    return {each.name: each.text.encode("utf-8", "replace") for each in run.trace.artifacts}


def _page(files: Mapping[str, bytes], name: str, line: int) -> Block:
    """Show a file: from line `line` as much as fits, or, with line 0, its head and tail."""
    data = files.get(name)
    if data is None:
        return _missing(files)
    if is_binary(data):
        return Block(f"A binary file of {len(data):,} bytes; it cannot be shown.")
    text = data.decode("utf-8", "replace")
    if not line:
        return Block("The file:", shortened(text, MOST)) if text else Block("The file is empty.")
    lines = text.split("\n")
    first = last = min(max(line, 1), len(lines))
    size = len(lines[first - 1])
    while last < len(lines) and size + len(lines[last]) < MOST:
        size += len(lines[last]) + 1
        last += 1
    return Block(f"Lines {first} to {last} of {len(lines)}:", shortened("\n".join(lines[first - 1 : last]), MOST))


def _missing(files: Mapping[str, bytes]) -> Block:
    return _listed("There is no such file. These there are:", list(files)) if files else Block("There are no files.")


def _listed(told: str, names: Sequence[str]) -> Block:
    return Block(told, shortened("\n".join(" ".join(name.split()) for name in names), _NAMES)) if names else Block("")
