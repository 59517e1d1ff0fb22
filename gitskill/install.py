"""gitskill inside a person's git: hooks, attributes and a merge driver, put there and taken away again.

What was there stays as it was. A note in the git folder says what we wrote, so
that `uninstall` takes back that and nothing else.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitskill import codec
from gitskill.errors import InvalidInput
from gitskill.resources import resource
from gitskill.store.beside import (
    FileChange,
    hooks_folder,
    missing_folders,
    named_hooks_folder,
    read_plain,
    write_all,
)
from gitskill.store.repository import Repository

HOOKS = ("pre-commit", "commit-msg", "pre-push")
SERVER_HOOKS = ("pre-receive",)
_BEGIN = "# begin of gitskill's lines; `gitskill uninstall` takes them out"
_END = "# end of gitskill's lines"
_ATTRIBUTES = ("SKILL.md diff=markdown merge=gitskill", "**/references/**/*.md diff=markdown merge=gitskill")
_ABOUT = {
    ".gitattributes": "how skills are shown and merged; commit it if the others have gitskill too",
    "config": "the merge driver, and gitskill's branches left out of git log's names",
}
_DRIVER = (
    "if command -v gitskill >/dev/null; then gitskill hook merge-driver -- %O %A %B %L %P; s=$?; "
    "if test $s = 0 || grep -q '^<<<<<<<' %A; then exit $s; fi; fi; "
    "git merge-file --marker-size=%L -L ours -L base -L theirs %A %O %B"
)
"""Where gitskill is missing or broken git's own merge stands in: a conflict without markers would hide their side."""


@dataclass(frozen=True, slots=True)
class Written:
    """A hook that we wrote."""

    hook: str
    digest: str


@dataclass(frozen=True, slots=True)
class Added:
    """Lines that we put into a file."""

    path: str
    """From the git folder, so that it stays true when the repository is moved."""
    text: str
    made: bool = False
    """There was no such file before."""


@dataclass(frozen=True, slots=True)
class Note:
    """What `install` did here."""

    hooks: tuple[Written, ...] = ()
    files: tuple[Added, ...] = ()
    folders: tuple[str, ...] = ()
    """Folders that we made, the innermost first, from the git folder."""

    def digest(self, hook: str) -> str:
        """Give the hash of a hook as we wrote it; empty where we did not."""
        return next((each.digest for each in self.hooks if each.hook == hook), "")

    def added(self, path: str) -> Added | None:
        """Give what we added to a file."""
        return next((each for each in self.files if each.path == path), None)


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done, or was not, and why."""

    what: str
    """`wrote`, `removed`, `kept`, or `there` already."""
    place: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What `install` or `uninstall` is about to do."""

    changes: tuple[FileChange, ...]
    deeds: tuple[Deed, ...]
    note: Note
    folders: tuple[Path, ...] = ()
    """Folders to remove, if they are empty then."""


def plan_install(repository: Repository) -> Plan:
    """Say what is to be written. Raises, before anything is, where a file cannot be what it must be."""
    note = _note(repository)
    hooks = list(_hooks_to_write(repository, note))
    files = list(_lines_to_write(repository, note))
    changes = [change for change, _ in hooks if change] + [change for change, _, _ in files if change]
    written = {each.hook: each for each in note.hooks}
    written |= {
        change.path.name: Written(change.path.name, _digest(change.new or b"")) for change, _ in hooks if change
    }
    added = {each.path: each for each in (*note.files, *(found for _, _, found in files if found))}
    made = dict.fromkeys(_from(repository, place) for change in changes for place in missing_folders(change.path))
    now = Note(tuple(written.values()), tuple(added.values()), (*note.folders, *made))
    return Plan(tuple(changes), (*(deed for _, deed in hooks), *(deed for _, deed, _ in files)), now)


def plan_uninstall(repository: Repository) -> Plan:
    """Say what is to be taken back: what the note names, where it still is as we wrote it."""
    note, common = _note(repository), repository.common_dir.resolve()
    undone = [*_hooks_to_remove(repository, note), *_lines_to_remove(repository, note)]
    hooks = hooks_folder(repository) or common / "hooks"
    made = [place for place in (hooks, *hooks.parents) if _from(repository, place) in note.folders]
    changes = tuple(change for change, _ in undone if change)
    return Plan(changes, tuple(deed for _, deed in undone), Note(), (*made, common / "gitskill"))


def carry_out(repository: Repository, plan: Plan) -> None:
    """Do what a plan says, all of it or nothing, and note it."""
    place = _note_file(repository)
    before, after = read_plain(place), None
    if plan.note != Note():
        after = json.dumps(codec.dump(plan.note), indent=1, sort_keys=True).encode() + b"\n"
    if plan.changes or before != after:
        write_all((*plan.changes, FileChange(place, before, after)), repository.common_dir / "config")
    for folder in plan.folders:
        with suppress(OSError):  # there is something in it that is not ours
            folder.rmdir()


def _hooks_to_write(repository: Repository, note: Note) -> Iterator[tuple[FileChange | None, Deed]]:
    folder = hooks_folder(repository)
    for name in SERVER_HOOKS if repository.git.is_bare else HOOKS:
        call = f'add to it:  gitskill hook {name} "$@" || exit'
        if folder is None:
            place = f"{named_hooks_folder(repository)}/{name}"
            yield None, Deed("kept", place, f"core.hooksPath leads out of this repository; {call}")
            continue
        path, ours = folder / name, resource(f"hooks/{name}").read_bytes()
        found = read_plain(path)
        if found == ours:
            yield None, Deed("there", _shown(repository, path))
        elif found is None or _digest(found) == note.digest(name):
            yield FileChange(path, found, ours, executable=True), Deed("wrote", _shown(repository, path))
        else:
            yield None, Deed("kept", _shown(repository, path), f"it is yours; {call}")


def _hooks_to_remove(repository: Repository, note: Note) -> Iterator[tuple[FileChange | None, Deed]]:
    folder = hooks_folder(repository) or repository.common_dir / "hooks"
    for name in (*HOOKS, *SERVER_HOOKS):
        data = read_plain(folder / name) if note.digest(name) else None
        place = _shown(repository, folder / name)
        if data is not None and _digest(data) == note.digest(name):
            yield FileChange(folder / name, data, None, executable=True), Deed("removed", place)
        elif data is not None:
            yield None, Deed("kept", place, "it was changed since, so it is yours")


def _lines_to_write(repository: Repository, note: Note) -> Iterator[tuple[FileChange | None, Deed, Added | None]]:
    for path, lines in _files(repository).items():
        name, place = _from(repository, path), _shown(repository, path)
        data, told = read_plain(path), note.added(name)
        text = (data or b"").decode("latin-1")
        block = "\n".join((_BEGIN, *lines, _END, "")).encode().decode("latin-1")
        if block in text:
            yield None, Deed("there", place), None
            continue
        text = _without(text, told.text) if told else text
        if _BEGIN in text:
            yield None, Deed("kept", place, "another gitskill wrote its lines: take them out to have these"), None
            continue
        added = "\n" * bool(text and not text.endswith("\n")) + block
        change = FileChange(path, data, (text + added).encode("latin-1"))
        made = told.made if told else data is None
        yield change, Deed("wrote", place, _ABOUT[path.name]), Added(name, added, made)


def _lines_to_remove(repository: Repository, note: Note) -> Iterator[tuple[FileChange | None, Deed]]:
    for path in _files(repository):
        told = note.added(_from(repository, path))
        data = read_plain(path) if told else None
        if told and data is not None:
            left = _without(data.decode("latin-1"), told.text).encode("latin-1")
            change = FileChange(path, data, None if told.made and not left else left)
            yield change, Deed("removed", _shown(repository, path), "gitskill's lines")
    here = {_from(repository, path) for path in _files(repository)}
    for each in note.files:
        if each.path not in here:
            yield None, Deed("kept", each.path, "it is of another work tree: uninstall there")


def _files(repository: Repository) -> dict[Path, tuple[str, ...]]:
    """Give the files that get lines of ours. A bare repository merges nothing and shows nobody a graph."""
    if repository.git.is_bare:
        return {}
    prefix = repository.prefix.replace("\\", "\\\\").replace('"', '\\"')
    hidden = (f"refs/heads/{prefix}/", f"refs/remotes/*/{prefix}/*", "refs/gitskill/")
    driver = _DRIVER.replace('"', '\\"')
    config = (
        '[merge "gitskill"]',
        "\tname = changes to a skill that only meet are both kept",
        f'\tdriver = "{driver}"',
        "\trecursive = text",
        "[log]",
        *(f'\texcludeDecoration = "{each}"' for each in hidden),
    )
    return {
        Path(repository.git.workdir) / ".gitattributes": _ATTRIBUTES,
        repository.common_dir / "config": config,
    }


def _without(text: str, added: str) -> str:
    """Take lines of ours out of a text; what somebody else wrote between them stays, below its heading."""
    before, found, after = text.partition(added)
    if found:
        return before + ("\n" if after and added.startswith("\n") else "") + after
    before, begin, rest = text.partition(f"{_BEGIN}\n")
    inner, end, after = rest.partition(f"{_END}\n")
    if not begin or not end:
        return text
    ours = set(added.split("\n"))
    left = [line for line in inner.split("\n") if line not in ours or line.startswith("[")]
    kept = [
        f"{line}\n"
        for line, below in zip(left, [*left[1:], "["], strict=True)
        if line not in ours or not below.startswith("[")
    ]
    return before + "".join(kept) + after


def _note(repository: Repository) -> Note:
    data = read_plain(_note_file(repository))
    if data is None:
        return Note()
    try:
        found: Note = codec.load(Note, json.loads(data), "installed.json")
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{_note_file(repository)} is no JSON: {error}") from error
    return found


def _note_file(repository: Repository) -> Path:
    return repository.common_dir / "gitskill" / "installed.json"


def _from(repository: Repository, path: Path) -> str:
    """Name a file such that its name stays true when the repository is moved."""
    return os.path.relpath(path, repository.common_dir)


def _shown(repository: Repository, path: Path) -> str:
    return os.path.relpath(path, Path(repository.shown))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
