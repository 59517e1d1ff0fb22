"""Traces under `refs/gitskill/traces`: each document by its hash, and beside it what may change: the outcome."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gitskill import codec
from gitskill.errors import GitRefused, InvalidInput, NotFound, RefMoved
from gitskill.ids import CommitId
from gitskill.outcome import UNLABELLED, Outcome
from gitskill.store.documents import join, load, path_of, paths, save, tree_of
from gitskill.store.objects import Batch, Change
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import Move
from gitskill.store.repository import Repository, Who
from gitskill.trace import Trace
from gitskill.trace_document import from_document

REF = "refs/gitskill/traces"

ABOUT = ".about.json"
_ENTRY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})\.about\.json")
_NUMBER = re.compile(r"\d{1,12}")
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
    """The file that it was read from; the home folder as `~`."""
    place: str = ""
    """Where in that file, if it holds several runs: `line 7`, `[6]`."""
    session: str = ""
    calls: str = ""
    """A digest of what the agent called with which arguments: the same run in another format has the same."""

    @property
    def short(self) -> str:
        """The id as people see it."""
        return self.trace[:10]

    @property
    def where(self) -> str:
        """The file and the place in it, as people see it."""
        return f"{self.path} {self.place}".rstrip()


def entries(repository: Repository) -> list[Entry]:
    """Give every trace's entry, by task and place. An entry whose trace is not there is none."""
    return _entries(repository, tree_of(repository, REF))


def entries_of(repository: Repository, state: CommitId) -> list[Entry]:
    """Give the entries as they were in an earlier state of the traces."""
    return _entries(repository, str(repository.read_commit(state).tree_id))


def _entries(repository: Repository, root: str | None) -> list[Entry]:
    every = set(paths(repository, root))
    found = sorted(path for path in every if _ENTRY.fullmatch(path) and path.replace(ABOUT, ".json") in every)
    told = [parse_entry(path, data) for path, data in load(repository, root, found)]
    return sorted(told, key=lambda entry: (entry.task, entry.path, *_order(entry.place), entry.trace))


def _order(place: str) -> tuple[int, str]:
    """Put line 9 before line 10."""
    digits = _NUMBER.search(place)
    return int(digits[0]) if digits else 0, place


def find(repository: Repository, name: str) -> Entry:
    """Give the entry of the trace whose id begins with `name`, or whose session is `name`. Raises NotFound."""
    return named(entries(repository), name)


def named(known: Sequence[Entry], name: str) -> Entry:
    """Choose the entry that `name` means, or raise: there is none, or there are several."""
    found = [entry for entry in known if _ID.fullmatch(name) and entry.trace.startswith(name)]
    found = found or [entry for entry in known if name and entry.session == name]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"no trace is named {name!r}", hint="gitskill traces list names them")
    raise InvalidInput(
        f"{len(found)} traces are named {name!r}", hint=f"one of {', '.join(entry.short for entry in found[:5])}"
    )


def read(repository: Repository, trace: str) -> Trace:
    """Read a trace by its full id."""
    [(path, data)] = load(repository, tree_of(repository, REF), [path_of(trace)])
    return from_document(_parsed(path, data))


def documents(repository: Repository, wanted: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Give each entry with the bytes of its trace, one after the other."""
    found = load(repository, tree_of(repository, REF), [path_of(entry.trace) for entry in wanted])
    return ((entry, data) for entry, (_, data) in zip(wanted, found, strict=True))


def parse(data: bytes) -> Trace:
    """Read a trace from its bytes."""
    return from_document(_parsed("a trace", data))


def parse_entry(path: str, data: bytes) -> Entry:
    """Read what is kept beside a trace, or raise InvalidInput: it is damaged, or about another trace."""
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
        self._documents: dict[str, Change] = {}
        self._entries: dict[str, Entry | None] = {}
        self._new: set[str] = set()

    def add(self, document: bytes, entry: Entry) -> None:
        """Add a trace. Its bytes may reach the disk before `save`, where nothing leads to them."""
        self._documents[path_of(entry.trace)] = self._batch.blob(document)
        self._entries[entry.trace] = entry
        self._new.add(entry.trace)
        if self._batch.waiting > _FLUSH:
            self._batch.write()

    def describe(self, entry: Entry) -> None:
        """Set what is kept beside a trace."""
        self._entries[entry.trace] = entry

    def remove(self, trace: str) -> None:
        """Take a trace out. It stays in the ref's history."""
        self._documents[path_of(trace)] = None
        self._entries[trace] = None

    def save(self, what: str, who: Who) -> None:
        """Make the changes in one commit that `undo` can take back, or none.

        Another command may add, label or forget meanwhile: a person's word stands, and what is gone stays gone.
        """
        for _ in range(_TRIES):
            move = save(self._batch, self._repository, REF, self._changes(), who, what)
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

    def joined(self, batch: Batch, theirs: CommitId | None, who: Who) -> Move | None:
        """Give the ref to move for what was gathered from another state of the traces; its objects go into `batch`."""
        self._batch.write()
        return join(batch, self._repository, REF, self._changes(), theirs, who)

    def _changes(self) -> dict[str, Change]:
        """Hold what was gathered against what the store says now."""
        now = {entry.trace: entry for entry in entries(self._repository)}
        found = dict(self._documents)
        for trace, entry in self._entries.items():
            there = now.get(trace)
            if entry is None:
                found[path_of(trace, ABOUT)] = None
            elif there:
                kept = replace(entry, outcome=there.outcome.followed_by(entry.outcome))
                found[path_of(trace, ABOUT)] = codec.canonical(codec.dump(kept))
            elif trace in self._new:
                found[path_of(trace, ABOUT)] = codec.canonical(codec.dump(entry))
        return found
