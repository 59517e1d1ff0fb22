"""Traces under `refs/gitskill/traces`: each document by its hash, and beside it what may change: the outcome."""

import json
import re
from dataclasses import dataclass

from gitskill import codec
from gitskill.errors import GitRefused, InvalidInput, NotFound, RefMoved
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.store.documents import load, path_of, paths, save
from gitskill.store.objects import Batch, Change
from gitskill.store.oplog import Operation, record
from gitskill.store.repository import Repository, Who
from gitskill.trace import Trace
from gitskill.trace_document import from_document

REF = "refs/gitskill/traces"

ABOUT = ".about.json"
_ENTRY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})\.about\.json")
_ID = re.compile(r"[0-9a-f]{4,64}")
_FLUSH = 32_000_000
"""Compressed bytes that wait in memory at most, before they are written as a pack."""
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept beside a trace: its outcome, and enough to list it without reading it."""

    trace: str
    """The trace's id."""
    task: str
    format: str
    steps: int
    outcome: Outcome = UNLABELLED
    path: str = ""
    """The file that it was read from, and the place in it; the home folder as `~`."""
    session: str = ""
    calls: str = ""
    """A digest of what the agent called with which arguments: the same run in another format has the same."""

    @property
    def short(self) -> str:
        """The id as people see it."""
        return self.trace[:10]


def entries(repository: Repository) -> list[Entry]:
    """Give every trace's entry, by task and place."""
    found = [path for path in paths(repository, REF) if _ENTRY.fullmatch(path)]
    told = [_entry(path, data) for path, data in load(repository, REF, found)]
    return sorted(told, key=lambda entry: (entry.task, entry.path, entry.trace))


def find(repository: Repository, name: str) -> Entry:
    """Give the entry of the trace whose id begins with `name`, or whose session is `name`. Raises NotFound."""
    known = entries(repository)
    named = [entry for entry in known if _ID.fullmatch(name) and entry.trace.startswith(name)]
    named = named or [entry for entry in known if name and entry.session == name]
    if len(named) == 1:
        return named[0]
    if not named:
        raise NotFound(f"no trace is named {name!r}", hint="gitskill traces list names them")
    raise InvalidInput(
        f"{len(named)} traces are named {name!r}", hint=f"one of {', '.join(entry.short for entry in named[:5])}"
    )


def read(repository: Repository, trace: str) -> Trace:
    """Read a trace by its full id."""
    [(path, data)] = load(repository, REF, [path_of(trace)])
    return from_document(_parsed(path, data))


def _entry(path: str, data: bytes) -> Entry:
    entry: Entry = codec.load(Entry, _parsed(path, data), path)
    if path != path_of(entry.trace, ABOUT):
        raise _damaged(path, "it is about another trace")
    return entry


def _parsed(path: str, data: bytes) -> object:
    try:
        found: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    return found


def _damaged(path: str, why: str) -> InvalidInput:
    return InvalidInput(f"{REF} is damaged at {path}: {why}", hint="gitskill undo, or git log refs/gitskill/traces")


class Collection:
    """Changes to the traces of a repository, gathered and then made in one step. Not safe for threads."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._batch = Batch(repository)
        self._changes: dict[str, Change] = {}

    def add(self, document: bytes, entry: Entry) -> None:
        """Add a trace. Its bytes may reach the disk before `save`, where nothing leads to them."""
        self._changes[path_of(entry.trace)] = self._batch.blob(document)
        self.describe(entry)

    def describe(self, entry: Entry) -> None:
        """Set what is kept beside a trace."""
        self._changes[path_of(entry.trace, ABOUT)] = self._batch.blob(codec.canonical(codec.dump(entry)))
        if self._batch.waiting > _FLUSH:
            self._batch.write()

    def remove(self, trace: str) -> None:
        """Take a trace out. It stays in the ref's history."""
        self._changes |= {path_of(trace): None, path_of(trace, ABOUT): None}

    def save(self, what: str, who: Who) -> None:
        """Make the changes in one commit that `undo` can take back, or none. Another command may add meanwhile."""
        for _ in range(_TRIES):
            move = save(self._batch, self._repository, REF, self._changes, who, what)
            if move is None:
                return
            try:
                record(self._repository, self._batch, Operation(what, (move,), keep=False), who)
            except RefMoved as error:
                if error.ref != REF:
                    raise
            else:
                return
        raise GitRefused(f"{REF} is too busy: other gitskill commands keep writing", hint="run the command again")
