"""OpenCode: a session as it lies on disk, `~/.local/share/opencode/storage` (newer builds keep a database instead).

Upstream: anomalyco/opencode, `packages/opencode/src/storage/storage.ts`. The session's file is the one to read:
`session/<project>/<session>.json`, before that `session/info/<session>.json`. Its messages lie in `message/<session>`,
their parts in `part/<message>`, `part/<session>/<message>` or `part`. The label: none. The trap: a task call starts
a session of its own, which is a part of this one.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from gitskill.formats.inner.folder import present
from gitskill.formats.inner.opencode_messages import Message, changed_files, message_steps
from gitskill.formats.inner.opencode_parts import spawned
from gitskill.formats.loose import mapping, string
from gitskill.formats.opencode import outcome_of, session_trace
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source, is_plain_name
from gitskill.trace import Step

NAME = "opencode-storage"

_MAX_NESTED = 8
_SHOWN = 5


def recognise(source: Source) -> bool:
    """Look for what OpenCode keeps of a session, without its messages."""
    return not source.is_lines and _is_session(source.document)


def _is_session(value: Any) -> bool:
    session = mapping(value)
    about = any(isinstance(session.get(key), str) for key in ("projectID", "directory", "title"))
    other = {"role", "messageID", "sessionID", "messages", "parts", "info", "type"} & session.keys()
    return isinstance(session.get("id"), str) and "created" in mapping(session.get("time")) and about and not other


def read(source: Source) -> Iterator[Reading | Refused]:
    """Give the session, with the sessions that its tasks started."""
    session = mapping(source.document)
    storage = _Storage(source.path, string(session.get("id")))
    parent = string(session.get("parentID"))
    if parent and _is_started_by(parent, storage):
        yield Refused("a part of an OpenCode session: it is read with its session file")
        return
    messages = storage.messages(storage.session)
    if not messages:
        yield Refused("no message of this session is in the storage", parts=tuple(storage.parts))
        return
    notes = [f"a sub-session of {parent}"] if parent else []
    trace = session_trace(NAME, session, messages, notes, storage.child)
    artifacts = trace.artifacts or changed_files(storage.beside("session_diff"))
    storage.beside("todo")
    source.notes |= storage.notes
    trace = replace(trace, artifacts=artifacts, notes=(*trace.notes, *storage.complaints))
    yield Reading(trace, outcome_of(trace), parts=tuple(storage.parts))


def _is_started_by(parent: str, child: "_Storage") -> bool:
    """Tell whether a session that is in the storage has started another, and so is read with it."""
    storage = _Storage(child.file, parent)
    if storage.session_file(parent) is None:
        return False
    parts = (part for message in storage.messages(parent) for part in message.parts)
    return any(child.session in spawned(part) for part in parts)


class _Storage:
    """The folder around a session's file. It finds what belongs to a session, and keeps what it has found."""

    def __init__(self, file: Path, session: str) -> None:
        self.file = file
        self.session = session
        self.notes: set[str] = set()
        roots = (file.parent.parent.parent, file.parent.parent)
        self._root = next((root for root in roots if _folder(root, "message", session)), roots[0])
        self.parts: list[Path] = [*present(self._root / "project", [f"{file.parent.name}.json"])]
        self._damaged: list[str] = []
        self._read: list[str] = [session]
        self._depth = 0

    def messages(self, session: str) -> list[Message]:
        """Read the messages of a session, in the order of their names: OpenCode's own order."""
        if (folder := _folder(self._root, "message", session)) is None:
            return []
        self.parts.append(folder)
        found = [(path, mapping(self._document(path))) for path in _files(folder)]
        return [
            Message.of(info, self._parts_of(session, string(info.get("id")) or path.stem))
            for path, info in found
            if info
        ]

    def child(self, session: str) -> list[Step]:
        """Read a session that a task of this one started. What it was asked stands in the task's call."""
        file = self.session_file(session)
        parent = string(mapping(self._document(file)).get("parentID")) if file else self.session
        if session in self._read or parent not in self._read or self._depth == _MAX_NESTED:
            return []
        self._read.append(session)
        self.parts += [file] if file else []
        self._depth += 1
        messages = self.messages(session)
        first = next((at for at, message in enumerate(messages) if not message.is_agents), -1)
        asked = [message for at, message in enumerate(messages) if at != first]
        steps = [step for message in asked for step in message_steps(message, session, self.child)]
        self._depth -= 1
        return steps

    def session_file(self, session: str) -> Path | None:
        """Find the file of another session of the same project."""
        if not is_plain_name(session):
            return None
        named = (self.file.parent / f"{session}.json", self.file.parent / f"ses_{session}.json")
        return next((path for path in named if path.is_file() and not path.is_symlink()), None)

    def beside(self, folder: str) -> Any:
        """Read what OpenCode keeps of this session in another folder; None where there is nothing."""
        if _folder(self._root, folder) is None or not is_plain_name(self.session):
            return None
        path = self._root / folder / f"{self.session}.json"
        if not path.is_file():
            return None
        self.parts.append(path)
        return self._document(path)

    @property
    def complaints(self) -> list[str]:
        """Say which files could not be read."""
        if not self._damaged:
            return []
        shown = "; ".join(self._damaged[:_SHOWN]) + ("; ..." if len(self._damaged) > _SHOWN else "")
        return [f"files that could not be read ({len(self._damaged)}): {shown}"]

    def _parts_of(self, session: str, message: str) -> list[dict[str, Any]]:
        folder = _folder(self._root, "part", message) or _folder(self._root, "part", session, message)
        if folder:
            self.parts.append(folder)
            return [part for path in _files(folder) if (part := mapping(self._document(path)))]
        found = self._flat.get(message, [])
        self.parts += [path for path, _ in found]
        return [part for _, part in found]

    @cached_property
    def _flat(self) -> dict[str, list[tuple[Path, dict[str, Any]]]]:
        """The parts that lie in one folder for all messages, by their message."""
        found: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
        for path in _files(_folder(self._root, "part")):
            part = mapping(self._document(path))
            found.setdefault(string(part.get("messageID")), []).append((path, part))
        return found

    def _document(self, path: Path) -> Any:
        source = Source(path)
        try:
            found = source.document
        except Damaged as error:
            self._damaged.append(f"{path.relative_to(self._root)}: {error}")
            return None
        self.notes |= source.notes
        return found


def _folder(root: Path, *names: str) -> Path | None:
    """Go down into folders, through no link and by no name that is more than a name."""
    for name in names:
        root /= name
        if not is_plain_name(name) or root.is_symlink() or not root.is_dir():
            return None
    return root


def _files(folder: Path | None) -> list[Path]:
    """List the JSON files in a folder by their names; a folder that cannot be listed is as good as empty."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name) if folder else []
    except OSError:
        return []
    plain = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    return [folder / name for name in plain if folder and name.endswith(".json") and not name.startswith(".")]
