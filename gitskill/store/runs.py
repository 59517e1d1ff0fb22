"""The record of each run under `refs/gitskill/runs`, and the number of the next."""

import json
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
    return {_RECORD: json.dumps(data, indent=1, sort_keys=True).encode() + b"\n"}


def recorded(repository: Repository) -> list[Run]:
    """Read every run that has a record here, oldest first."""
    found = [_read(repository, commit) for _, commit in commits_under(repository, names.RUNS)]
    return sorted(found, key=lambda run: run.id)


def _read(repository: Repository, commit: CommitId) -> Run:
    tree = tree_entries(repository, str(repository.read_commit(commit).tree_id))
    try:
        data: dict[str, Any] = json.loads(repository.read_object(tree[_RECORD][1]))
        return Run(
            RunId.parse(data["id"]),
            CommitId(data["base"]),
            data["folder"],
            data["engine"],
            int(data["started"]),
            tuple(data["lessons"]),
            int(data.get("planned", 0)),
            commit,
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the run's record {commit[:10]} cannot be read: {error}") from error


def next_run(repository: Repository) -> RunId:
    """Give the number after the highest that any ref, the operation log or history knows."""
    refs = [names.run_of(name) for name in repository.git.references if _is_ours(repository, name)]
    refs += [names.run_of(step.ref) for operation in operations(repository) for step in operation.moves]
    numbers = [run.number for run in refs if run]
    told = (message.one("Gitskill-Run") or "" for _, message in commits_with(repository, "Gitskill-Run"))
    numbers += [run.number for text in told if (run := names.run_of(text))]
    return RunId(max(numbers, default=0) + 1)


def _is_ours(repository: Repository, ref: str) -> bool:
    return ref.startswith("refs/gitskill/") or f"/{repository.prefix}/" in ref
