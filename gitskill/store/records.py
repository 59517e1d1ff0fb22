"""The record of a run, file by file: read as values, and moved to its next state."""

import json
from collections.abc import Mapping
from typing import Any

from gitskill import codec
from gitskill.errors import InvalidInput
from gitskill.message import Message
from gitskill.store import names
from gitskill.store.objects import Batch, Change, tree_entries
from gitskill.store.refs import Move
from gitskill.store.repository import Repository, Who
from gitskill.store.runs import Run, files
from gitskill.store.skills import SkillReader


def record_files(repository: Repository, run: Run) -> dict[str, tuple[int, str]]:
    """Give the mode and the id of each file and folder of a record."""
    return tree_entries(repository, str(repository.read_commit(run.record).tree_id)) if run.record else {}


def loaded(kind: Any, repository: Repository, run: Run, blob: str) -> Any:
    """Read a file of a record as a value of `kind`, or raise InvalidInput with what to do."""
    try:
        return codec.load(kind, json.loads(repository.read_object(blob)))
    except (InvalidInput, ValueError, RecursionError) as error:
        raise damaged(run, str(error)) from error


def written(values: Any) -> bytes:
    """Write a list of values as a file of a record."""
    return json.dumps([codec.dump(each) for each in values], ensure_ascii=False, sort_keys=True).encode(
        errors="replace"
    )


def damaged(run: Run, why: str) -> InvalidInput:
    """Give the error for a record that is not what we would have written."""
    ref = names.RUNS + str(run.id)
    return InvalidInput(
        f"the record of {run.id} is damaged: {why}", hint=f"git log {ref}; without it: git update-ref -d {ref}"
    )


def first_state(
    reader: SkillReader, batch: Batch, run: Run, tree: str | None, changes: Mapping[str, Change], who: Who
) -> Move:
    """Make the record of a new run: the files of `tree`, with `changes`."""
    whole = batch.edit_tree(tree, {**changes, **files(run)})
    made = batch.commit(whole, [], Message(f"Record of {run.id}"), stamped(reader, run, who))
    return Move(names.RUNS + str(run.id), None, made)


def next_state(reader: SkillReader, batch: Batch, run: Run, changes: Mapping[str, Change], who: Who) -> Move:
    """Make the next state of a record. Each has the first one as its parent, however many there were in between."""
    repository = reader.repository
    if run.record is None:
        raise InvalidInput(f"{run.id} has no record")
    origin = run.record
    while parents := repository.parents(origin):
        origin = parents[0]
    tree = batch.edit_tree(str(repository.read_commit(run.record).tree_id), changes)
    made = batch.commit(tree, [origin], Message(f"Record of {run.id}"), stamped(reader, run, who))
    return Move(names.RUNS + str(run.id), run.record, made)


def stamped(reader: SkillReader, run: Run, who: Who) -> Who:
    """Give the stamp of everything in the run: never a clock, only its start, and not before its base."""
    started = Who(who.name, who.email, run.started)
    return started.at_least(reader.repository.read_commit(run.base).commit_time)
