"""The record of each run under `refs/gitskill/runs`, and the number of the next."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gitskill.errors import InvalidInput
from gitskill.ids import CommitId, RunId
from gitskill.message import Message
from gitskill.store import names
from gitskill.store.history import commits_with
from gitskill.store.objects import Batch, Change, tree_entries
from gitskill.store.oplog import operations
from gitskill.store.refs import Move, commits_under
from gitskill.store.repository import Repository, Who

_RECORD = "run.json"


@dataclass(frozen=True, slots=True)
class Run:
    """What a run stands on."""

    id: RunId
    base: CommitId
    folder: str
    """The skill's folder; empty where it is the repository's root."""
    engine: str
    """Who proposes its lessons: `person` for lessons added by hand."""
    started: int
    lessons: tuple[str, ...] = ()
    """The slots that are taken: `l0001a`. Moving the record's ref is what makes a slot ours."""
    planned: int = 0
    """How many slots its plan takes for analysts; those of a person come after them."""
    origin: str = ""
    """The run whose lessons these were, on another base."""
    studied: int = 0
    """How many traces that run has studied, where this one has a part of its lessons and no plan."""
    record: CommitId | None = None
    """Where the record's ref stood when this was read; None where there is no record yet."""


def add(batch: Batch, run: Run, who: Who) -> Move:
    """Put the record of `run` into `batch` and return the ref to create, or to move from where it was read."""
    old = str(batch.repository.read_commit(run.record).tree_id) if run.record else None
    tree = batch.edit_tree(old, files(run))
    parents = [run.record] if run.record else []
    made = batch.commit(tree, parents, Message(f"Record of {run.id}"), who)
    return Move(names.RUNS + str(run.id), run.record, made)


def files(run: Run) -> dict[str, Change]:
    """Give the files of a record that say what the run stands on."""
    data = {**asdict(run), "id": str(run.id)}
    del data["record"]
    data = {key: value for key, value in data.items() if value or key not in _OPTIONAL}
    return {_RECORD: json.dumps(data, indent=1, sort_keys=True).encode() + b"\n"}


def differ_in(repository: Repository, one: CommitId, other: CommitId, file: str) -> bool:
    """Tell whether two states of a record differ in one file and in nothing else."""
    trees = [tree_entries(repository, str(repository.read_commit(commit).tree_id)) for commit in (one, other)]
    before, after = ({name: entry for name, entry in tree.items() if name != file} for tree in trees)
    return before == after and trees[0] != trees[1]


def recorded(repository: Repository) -> list[Run]:
    """Read every run that has a record here, oldest first. Records that cannot be read are named by `damaged`."""
    return sorted(_read_all(repository)[0], key=lambda run: run.id)


def damaged(repository: Repository) -> Mapping[str, str]:
    """Name every ref below our runs that holds no record, with what is wrong: one of them must not stop the others."""
    return _read_all(repository)[1]


def _read_all(repository: Repository) -> tuple[list[Run], dict[str, str]]:
    found, wrong = [], {}
    for ref, commit in commits_under(repository, names.RUNS):
        try:
            found.append(read(repository, commit, ref.removeprefix(names.RUNS)))
        except InvalidInput as error:
            wrong[ref] = str(error)
    return found, wrong


def read(repository: Repository, commit: CommitId, name: str) -> Run:
    """Read a state of the record of the run called `name`, or raise InvalidInput: it is none."""
    tree = tree_entries(repository, str(repository.read_commit(commit).tree_id))
    if _RECORD not in tree:
        raise InvalidInput(f"it has no {_RECORD}")
    try:
        data: object = json.loads(repository.read_object(tree[_RECORD][1]))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{_RECORD} is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise InvalidInput(f"{_RECORD} is no object")
    found: dict[str, Any] = {"planned": data.get("planned", 0), **{key: data.get(key) for key in _KEYS}}
    found |= {key: data.get(key, empty) for key, empty in _OPTIONAL.items()}
    if wrong := [key for key, value in found.items() if not _is_right(key, value)]:
        raise InvalidInput(f"{_RECORD}: {wrong[0]} is {json.dumps(found[wrong[0]])[:40]}")
    if found["id"] != name:
        raise InvalidInput(f"{_RECORD} is that of {found['id']}")
    told: dict[str, Any] = {**found, "id": RunId.parse(name), "lessons": tuple(found["lessons"]), "record": commit}
    return Run(**told)


_KEYS = ("id", "base", "folder", "engine", "started", "lessons")
_OPTIONAL: dict[str, Any] = {"origin": "", "studied": 0}
_BASE = re.compile(r"[0-9a-f]{40}")
_SLOT = re.compile(r"l\d{4,9}[a-z]")
_NAME = re.compile(r"r\d{4,9}")
_MOST = 1_000_000
_MOST_RUNS = 10_000_000
_END_OF_TIME = 253_402_300_800
"""The year 10000."""


def _is_right(key: str, value: object) -> bool:
    """Tell whether a value of a record is of its kind: anybody may have pushed it."""
    match key:
        case "id":
            return isinstance(value, str) and bool(_NAME.fullmatch(value))
        case "base":
            return isinstance(value, str) and bool(_BASE.fullmatch(value))
        case "origin":
            return value == "" or (isinstance(value, str) and bool(_NAME.fullmatch(value)))
        case "started" | "planned" | "studied":
            most = _END_OF_TIME if key == "started" else _MOST
            return type(value) is int and 0 <= value < most
        case "lessons":
            return isinstance(value, list) and all(isinstance(each, str) and _SLOT.fullmatch(each) for each in value)
        case _:
            return isinstance(value, str)


def next_run(repository: Repository) -> RunId:
    """Give the number after the highest that any ref, the operation log or history knows."""
    refs = [names.run_of(name) for name in repository.git.references if _is_ours(repository, name)]
    refs += [names.run_of(step.ref) for operation in operations(repository) for step in operation.moves]
    numbers = [run.number for run in refs if run]
    told = (message.one("Gitskill-Run") or "" for _, message in commits_with(repository, "Gitskill-Run"))
    numbers += [run.number for text in told if (run := names.run_of(text))]
    # Whoever writes a number beyond all sense into a branch must not take the numbers away from us.
    return RunId(max((number for number in numbers if number < _MOST_RUNS), default=0) + 1)


def _is_ours(repository: Repository, ref: str) -> bool:
    return ref.startswith("refs/gitskill/") or f"/{repository.prefix}/" in ref
