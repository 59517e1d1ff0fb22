"""The ledger's file: one table of calls in SQLite, durable before anything is used."""

import contextlib
import json
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitskill.model.failures import LedgerUnusable

_VERSION = 1
_OURS = 0x67736B6C
_TABLE = """
CREATE TABLE calls (
    key TEXT PRIMARY KEY,           -- what was asked: model, parameters, messages, schema, tools
    run TEXT NOT NULL, stage TEXT NOT NULL, lesson TEXT NOT NULL,
    about TEXT NOT NULL,            -- the ids of the traces, as JSON
    question TEXT NOT NULL,         -- its messages, as JSON, redacted
    asked INTEGER NOT NULL,         -- how often it may have been paid for: an intent is committed before each request
    answer TEXT,                    -- as JSON, redacted; NULL until it is here
    input INTEGER NOT NULL DEFAULT 0, output INTEGER NOT NULL DEFAULT 0, cached INTEGER NOT NULL DEFAULT 0,
    usd REAL                        -- NULL where the price is not known
) STRICT
"""
_INTEND = """
INSERT INTO calls (key, run, stage, lesson, about, question, asked) VALUES (?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (key) DO UPDATE SET asked = asked + 1, run = excluded.run, stage = excluded.stage, lesson = excluded.lesson
"""
_KEEP = """
UPDATE calls SET answer = ?, input = ?, output = ?, cached = ?, usd = ? WHERE key = ? AND answer IS NULL
"""
_COUNT = "UPDATE calls SET asked = asked + ? WHERE key = ?"

_BILLS = """
SELECT run, stage, lesson, asked, answer IS NOT NULL, input, output, cached, usd FROM calls WHERE run = ? OR ? IS NULL
"""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question that may have an answer already; the traces it is about are noted with it."""

    key: str
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """A question that is about to be asked."""

    key: str
    about: tuple[str, ...]
    label: tuple[str, str, str]
    question: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came back, with its usage and price, and how many more requests than one may be billed."""

    key: str
    answer: str
    usage: tuple[int, int, int]
    usd: float | None
    more: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """A question that came to nothing, and how many of its requests may be billed all the same."""

    key: str
    maybe_paid: int


Change = Lookup | Intent | Result | Nothing


class LedgerFile:
    """One connection to the ledger. One thread at a time may use it; several processes may have one each."""

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._alone = threading.Lock()
        self._closed = False
        _create(path)
        with self._told():
            self._db = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=patience, cached_statements=32
            )
        try:
            with self._told():
                self._prepare(patience)
        except LedgerUnusable:
            self._db.close()
            raise

    def _prepare(self, patience: float) -> None:
        is_new = self._is_new()  # before anything is written
        self._use_log(time.monotonic() + patience)
        for setting in ("synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY"):
            self._db.execute(f"PRAGMA {setting}")
        if is_new:
            with self._transaction():
                if self._is_new():  # still: two processes may make it at once
                    self._db.execute(_TABLE)
                    self._db.execute(f"PRAGMA user_version = {_VERSION}")
                    self._db.execute(f"PRAGMA application_id = {_OURS}")

    def _is_new(self) -> bool:
        """Tell whether the file is empty; raise unless it is that or a whole ledger of ours."""
        if (found := self._number("quick_check(1)")) != "ok":
            raise sqlite3.DatabaseError(found)
        if not self._db.execute("SELECT 1 FROM sqlite_schema").fetchone():
            return True
        if self._number("application_id") != _OURS:
            raise LedgerUnusable(f"{self._path} is no ledger of gitskill", hint="move it away")
        if self._number("user_version") != _VERSION:
            raise LedgerUnusable(f"{self._path} was written by a newer gitskill", hint="upgrade gitskill")
        return False

    def _use_log(self, until: float) -> None:
        """Write ahead. Where two processes make the file at once, SQLite refuses one of them without waiting."""
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the rest of the code says why
                if not busy or time.monotonic() > until:
                    raise
                time.sleep(0.01)
            else:
                return

    def _number(self, pragma: str) -> Any:
        return self._db.execute(f"PRAGMA {pragma}").fetchone()[0]

    def close(self) -> None:
        """Close the connection, once a change that is being written is written."""
        with self._alone:
            self._closed = True
            self._db.close()

    def apply(self, changes: Sequence[Change]) -> list[str | None]:
        """Commit all changes at once; give for each the answer that the ledger now holds for its key."""
        with self._told(), self._transaction():
            return [self._apply(change) for change in changes]

    def _apply(self, change: Change) -> str | None:
        match change:
            case Lookup():
                return self._look_up(change)
            case Intent():
                if (stored := self._look_up(change)) is None:
                    about = json.dumps(sorted(change.about))
                    self._db.execute(_INTEND, (change.key, *change.label, about, change.question))
                return stored
            case Result():
                # Another process may have been first: its answer stands. Or a person forgot the question meanwhile.
                self._db.execute(_KEEP, (change.answer, *change.usage, change.usd, change.key))
                self._db.execute(_COUNT, (change.more, change.key))
                return self._answer(change.key) or change.answer
            case Nothing():
                self._db.execute(_COUNT, (change.maybe_paid - 1, change.key))
                return None

    def _look_up(self, change: Lookup | Intent) -> str | None:
        found = self._db.execute("SELECT about FROM calls WHERE key = ?", (change.key,)).fetchone()
        known = set(json.loads(found[0])) if found else set()
        if found and not known.issuperset(change.about):
            about = json.dumps(sorted(known.union(change.about)))
            self._db.execute("UPDATE calls SET about = ? WHERE key = ?", (about, change.key))
        return self._answer(change.key) if found else None

    def _answer(self, key: str) -> str | None:
        found = self._db.execute("SELECT answer FROM calls WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def bills(self, run: str | None) -> list[tuple[Any, ...]]:
        """Give label, requests, whether answered, usage and price of each call, of one run or (None) of all."""
        with self._told():
            return self._db.execute(_BILLS, (run, run)).fetchall()

    def delete(self, wanted: Callable[[str, str, str], bool]) -> int:
        """Delete the calls whose about, question and answer are `wanted`, and every byte of them."""
        with self._told(), self._transaction():
            rows = self._db.execute("SELECT key, about, question, coalesce(answer, '\"\"') FROM calls")
            keys = [(key,) for key, *texts in rows if wanted(*texts)]
            self._db.executemany("DELETE FROM calls WHERE key = ?", keys)
        with self._told():
            # The file is written anew, and the log in which old pages stand is emptied: before, so that little is
            # written twice, and after, so that nothing stays in it. Also if no call was found: the last time may
            # have been interrupted here.
            self._checkpoint()
            self._db.execute("VACUUM")
            self._checkpoint()
        return len(keys)

    def _checkpoint(self) -> None:
        busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise sqlite3.OperationalError("another process is reading it")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:  # commits, or rolls back
            yield

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Use the connection alone, and turn what SQLite says into what a person can do."""
        try:
            with self._alone:
                if self._closed:
                    raise LedgerUnusable(f"{self._path} is closed")
                yield
        except sqlite3.OperationalError as error:
            raise LedgerUnusable(
                f"{self._path} cannot be used: {error}",
                hint="see whether another gitskill runs, and whether the disk is full",
            ) from error
        except sqlite3.DatabaseError as error:
            raise LedgerUnusable(
                f"{self._path} is damaged: {error}",
                hint="move it away with its -wal and -shm; what was paid for in unfinished runs will be asked again",
            ) from error


def _create(path: Path) -> None:
    """See that the file is there, a real one, and the user's alone; SQLite gives its log the same mode.

    An existing file is not opened here: closing it would take away the locks
    of every other connection that this process has to it.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        if not stat.S_ISREG(path.lstat().st_mode):
            raise LedgerUnusable(f"{path} is no file")
        path.chmod(0o600)
    except OSError as error:
        raise LedgerUnusable(f"{path} cannot be opened: {error.strerror}") from error
