"""Removing a trace for good: from the trace store, from branches and records of runs, and from what undo keeps.

History that was released is never rewritten: what is left there is named.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from pygit2.enums import ObjectType

from gitskill import codec
from gitskill.errors import GitRefused, InvalidInput, NotFound
from gitskill.fate import Anomaly, LessonFate, State, TraceFate
from gitskill.ids import CommitId, RunId
from gitskill.message import Message
from gitskill.plan import Plan
from gitskill.store import names, oplog, rejections
from gitskill.store.documents import path_of
from gitskill.store.git import run
from gitskill.store.history import commit_of, commits_with, peeled
from gitskill.store.locks import held
from gitskill.store.objects import FILE, TREE, Batch, Change, tree_entries
from gitskill.store.oplog import Operation
from gitskill.store.refs import OWN, Move, commits_under, detached, target, under
from gitskill.store.repository import Repository, Who
from gitskill.store.traces import ABOUT, REF, Entry, entries_of, find

_ID = re.compile(r"[0-9a-f]{8,64}")
_FORGOTTEN = "forgotten"
_Lost = Collection[CommitId]


@dataclass(frozen=True, slots=True)
class Purge:
    """What goes with a trace, and what stays."""

    entry: Entry
    branches: tuple[tuple[str, CommitId], ...]
    """Lessons that quote the trace, and merges that hold such a lesson: live or put away, not released."""
    released: tuple[CommitId, ...]
    """Commits that quote the trace and are in the history of a branch, tag or remote that is not ours."""
    lost: frozenset[CommitId] = frozenset()
    """Commits that quote the trace and were not released, also where only the log of operations has them."""


def remembered(repository: Repository, name: str) -> Entry:
    """Give the entry of a trace that is there, or that was there before it was taken out or its import undone."""
    try:
        return find(repository, name)
    except NotFound:
        if not _ID.fullmatch(name):
            raise
        for state in _states(repository):
            for entry in entries_of(repository, state):
                if entry.trace.startswith(name):
                    return entry
        raise


def plan(repository: Repository, entry: Entry) -> Purge:
    """Find everything that quotes the trace."""
    places = (names.branches(repository), names.ARCHIVE)
    ours = [item for place in places for item in commits_under(repository, place)]
    also = [*(commit for _, commit in ours), *_logged(repository, names.branches(repository), names.ARCHIVE)]
    told = commits_with(repository, "Trace", also=also)
    quoting = {commit for commit, message in told if _quotes(entry.trace, message)}
    tips = list(_foreign(repository))
    released = {commit for commit in quoting if any(repository.descends(tip, commit) for tip in tips)}
    lost = quoting - released
    branches = [(ref, tip) for ref, tip in ours if any(repository.descends(tip, commit) for commit in lost)]
    return Purge(entry, tuple(branches), tuple(sorted(released)), frozenset(lost))


def _quotes(trace: str, message: Message) -> bool:
    return any(value.partition(" ")[0] == trace for value in message.values("Trace"))


def _foreign(repository: Repository) -> Iterator[CommitId]:
    """Give the tips of all refs that people own: what they lead to was released, or is about to be."""
    ours = (OWN, names.branches(repository))
    for ref in repository.git.references:
        if not ref.startswith(ours) and (commit := peeled(repository, ref)):
            yield commit
    # A work tree on no branch, or on one of people's; one of ours that is checked out is not moved at all.
    yield from detached(repository)


def purge(repository: Repository, wanted: Purge, who: Who) -> None:
    """Move every ref off the trace in one transaction. The objects go when git collects them; no undo."""
    batch = Batch(repository)
    before = target(repository, REF)
    tree = str(repository.read_commit(CommitId(before)).tree_id) if before else None
    gone = {path_of(wanted.entry.trace): None, path_of(wanted.entry.trace, ABOUT): None}
    after = batch.commit(batch.edit_tree(tree, gone), [], Message("traces"), who)
    with ExitStack() as stack:
        anew = _records(repository, batch, wanted)
        tips = dict(_record_refs(repository))
        records = [Move(ref, tip, anew[tip]) for ref, tip in tips.items() if tip in anew]
        for each in records:  # analysts who are at work would write it down again
            if each.ref.startswith(names.RUNS):
                stack.enter_context(held(repository, RunId.parse(each.ref.removeprefix(names.RUNS))))
        log = target(repository, oplog.OPLOG)
        memory = rejections.forget(batch, repository, wanted.lost, who)
        begun = [*([memory] if memory else []), Move(REF, before, after)]
        told = _log(repository, batch, wanted.lost, anew, {each.ref for each in begun})
        # A tag that was undone is kept for whoever undoes that.
        kept = [each for each in under(repository, oplog.KEPT) if _leads_to(repository, each[1], wanted.lost)]
        moves = [*(Move(ref, at, None) for ref, at in (*wanted.branches, *kept)), *records, *begun]
        if told != log:
            moves.append(Move(oplog.OPLOG, log, told))
        batch.land(moves, who, f"forget {wanted.entry.short}")
    for ref in (oplog.OPLOG, *(each.ref for each in (*begun, *records))):
        _drop_reflog(repository, ref)


def _records(repository: Repository, batch: Batch, wanted: Purge) -> dict[str, CommitId]:
    """Write every state of a record that tells of the trace anew, and give the new ones by the old."""
    tips = (tip for _, tip in _record_refs(repository))
    states = dict.fromkeys([*tips, *_logged(repository, names.RUNS, names.REMOTES)])
    found = ((state, _record(repository, batch, state, wanted)) for state in states)
    return {state: made for state, made in found if made}


def _record_refs(repository: Repository) -> Iterator[tuple[str, CommitId]]:
    """Give the records of our runs, and those of a remote's that have the number of one of ours."""
    yield from commits_under(repository, names.RUNS)
    yield from commits_under(repository, names.REMOTES)


def _record(repository: Repository, batch: Batch, state: CommitId, wanted: Purge) -> CommitId | None:
    """Write a state of a record without the trace, on its first state alone; None where it tells nothing of it."""
    commit = repository.read_commit(state)
    changes = _changes(repository, str(commit.tree_id), wanted)
    if not changes:
        return None
    origin = state
    while parents := repository.parents(origin):
        origin = parents[0]
    below = _record(repository, batch, origin, wanted) or origin if origin != state else None
    tree = batch.edit_tree(str(commit.tree_id), changes)
    who = Who(commit.committer.name, commit.committer.email, commit.commit_time)
    return batch.commit(tree, [below] if below else [], Message.parse(commit.message), who)


def _changes(repository: Repository, tree: str, wanted: Purge) -> Mapping[str, Change]:
    """Give the files of a record that tell of the trace, without what they tell."""
    trace, read = wanted.entry.trace, partial(_file, repository, tree)
    changes: dict[str, Change] = {}
    if found := read("plan.json"):
        plan_: Plan = codec.load(Plan, found)
        changes |= _fate_changes(read, plan_, wanted)
        if (clean := _plan(plan_, trace)) != plan_:
            changes["plan.json"] = codec.canonical(codec.dump(clean))
    if found := read("anomalies.json"):
        told: tuple[Anomaly, ...] = codec.load(tuple[Anomaly, ...], found)
        left = [each for each in told if all(item.trace != trace for item in each.evidence)]
        if len(left) < len(told):
            data = json.dumps([codec.dump(each) for each in left], ensure_ascii=False, sort_keys=True)
            changes["anomalies.json"] = data.encode(errors="replace")
    return changes


def _plan(found: Plan, trace: str) -> Plan:
    """Keep the places in the plan. The id goes too, as it is made of the text: instead there stands the number."""
    return replace(
        found,
        assignments=tuple(
            replace(each, trace=f"{each.number:064d}", task="", size=0) if each.trace == trace else each
            for each in found.assignments
        ),
        skipped=tuple(
            replace(each, trace=f"{0:064d}", task="") if each.trace == trace else each for each in found.skipped
        ),
    )


def _fate_changes(read: Callable[[str], object], found: Plan, wanted: Purge) -> dict[str, Change]:
    """Take the words out of the trace's fate, and out of those of the traces that were studied with it."""
    changes: dict[str, Change] = {}
    for unit in found.units:
        if all(each.trace != wanted.entry.trace for each in unit):
            continue
        for each in unit:
            path = f"fates/{each.number // 100:04d}/{each.number:04d}.json"
            if told := read(path):
                fate: TraceFate = codec.load(TraceFate, told)
                lessons = tuple(_lesson(one, wanted, each.trace) for one in fate.lessons)
                suspects = () if each.trace == wanted.entry.trace else fate.suspects
                reason = _FORGOTTEN if fate.reason else ""
                clean = replace(fate, reason=reason, lessons=lessons, suspects=suspects)
                changes[path] = codec.canonical(codec.dump(clean))
    return changes


def _lesson(found: LessonFate, wanted: Purge, trace: str) -> LessonFate:
    """Keep of a lesson that went with the trace that it was there; what was released has its words in history."""
    is_others = trace != wanted.entry.trace and found.commit not in wanted.lost
    if found.commit and (found.commit in wanted.released or is_others):
        return found
    return LessonFate(found.slot, "(forgotten)", State.REJECTED, "", "forget", "its trace was forgotten")


def _file(repository: Repository, tree: str, path: str) -> object:
    """Read a file of a record; None where it is not there."""
    mode, oid = TREE, tree
    for name in path.split("/"):
        mode, oid = tree_entries(repository, oid).get(name, (0, "")) if mode == TREE else (0, "")
    if mode != FILE:
        return None
    try:
        found: object = json.loads(repository.read_object(oid))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} in a run's record is damaged: {error}") from error
    return found


def _log(
    repository: Repository, batch: Batch, lost: _Lost, anew: Mapping[str, CommitId], begun: Collection[str]
) -> CommitId | None:
    """Write the log of operations so that it leads to nothing of the trace. What is not changed keeps its entry.

    The refs `begun` have no history any more, so that nothing can be undone there.
    """
    renamed: dict[str, CommitId] = {}
    tip: CommitId | None = None
    for entry in reversed(list(oplog.operations(repository))):
        moves = _moves(repository, entry, lost, anew, begun)
        if not moves:
            continue
        others = _kept(repository, entry, begun)
        kept = [anew.get(oid, oid) for oid in others if not _leads_to(repository, oid, lost)]
        trailers = [("Previous", tip)] if tip else []
        trailers += [("Undoes", renamed[entry.undoes])] if entry.undoes in renamed else []
        tree = oplog.moves_tree(batch, moves)
        commit = repository.read_commit(CommitId(str(entry.commit)))
        who = Who(commit.committer.name, commit.committer.email, commit.commit_time)
        tip = batch.commit(tree, [tip, *kept] if tip else kept, Message(entry.what, "", tuple(trailers)), who)
        renamed[str(entry.commit)] = tip
    return tip


def _moves(
    repository: Repository, entry: Operation, lost: _Lost, anew: Mapping[str, CommitId], begun: Collection[str]
) -> list[Move]:
    """Give the moves of an operation that can still be undone, those of records with the states written anew."""
    moves = []
    for step in entry.moves:
        ends = [CommitId(oid) for oid in (step.old, step.new) if oid]
        if step.ref not in begun and not any(_leads_to(repository, oid, lost) for oid in ends):
            moves.append(Move(step.ref, anew.get(step.old or "", step.old), anew.get(step.new or "", step.new)))
    return moves


def _kept(repository: Repository, entry: Operation, begun: Collection[str]) -> list[CommitId]:
    """Give what an entry keeps besides the one before it, but for states of the refs `begun`."""
    commit = repository.read_commit(CommitId(str(entry.commit)))
    parents = [CommitId(str(oid)) for oid in commit.parent_ids]
    further = parents[1:] if Message.parse(commit.message).one("Previous") else parents
    states = {oid for step in entry.moves if step.ref in begun for oid in (step.old, step.new)}
    return [oid for oid in further if oid not in states]


def _leads_to(repository: Repository, oid: str, lost: _Lost) -> bool:
    """Tell whether a commit, or a tag, has any of `lost` in its history."""
    commit = commit_of(repository, oid)
    return commit is not None and any(repository.descends(commit, each) for each in lost)


def _is_commit(repository: Repository, oid: str) -> bool:
    found = repository.git.get(oid)
    return found is not None and found.type == ObjectType.COMMIT


def _logged(repository: Repository, *below: str) -> list[CommitId]:
    """Give every commit that the log of operations names for a ref below `below`, as far as git still has it."""
    steps = (step for entry in oplog.operations(repository) for step in entry.moves if step.ref.startswith(below))
    told = dict.fromkeys(CommitId(oid) for step in steps for oid in (step.old, step.new) if oid)
    return [oid for oid in told if _is_commit(repository, oid)]


def _states(repository: Repository) -> list[CommitId]:
    """Give every state that the traces were in, as far as git still has it, the newest first."""
    now = target(repository, REF)
    told = [*([CommitId(now)] if now else []), *_logged(repository, REF)]
    return list(dict.fromkeys(told))


def _drop_reflog(repository: Repository, ref: str) -> None:
    """Git keeps no log of our refs unless somebody asked for logs of all refs."""
    try:
        run(repository.git_dir, "reflog", "exists", ref)
    except GitRefused:
        return
    run(repository.git_dir, "reflog", "expire", "--expire=all", ref)
