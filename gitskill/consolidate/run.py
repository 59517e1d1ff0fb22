"""All lessons of a run to one candidate: joined along the tree, put in their places, and their branches moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitskill.consolidate.gather import Gathered
from gitskill.consolidate.group import Ground
from gitskill.consolidate.tree import Levels, Policy, grow, leaves_of, placed
from gitskill.ids import CommitId
from gitskill.node import Node
from gitskill.store import names
from gitskill.store.analyses import ASIDE, set_aside
from gitskill.store.locks import RunLock
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import OPLOG, Operation, logged, record
from gitskill.store.refs import Move, target, under
from gitskill.store.repository import Who
from gitskill.store.runs import Run, differ_in


@dataclass(frozen=True, slots=True)
class Consolidated:
    """What came of it."""

    candidate: Node | None
    """None where nothing stands."""
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The groups of a run, and how many traces it has studied: what support is out of."""

    levels: Levels
    of: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Who consolidates, and their hold on the run: nobody else works on it meanwhile."""

    lock: RunLock
    who: Who


async def consolidate(
    nodes: NodeStore, run: Run, tree: Tree, gathered: Gathered, policy: Policy, holder: Holder
) -> Consolidated:
    """Make the tree and the candidate of a run, and move their branches, all or nothing."""
    repository = nodes.reader.repository
    batch = Batch(repository)
    who = Who(holder.who.name, holder.who.email, run.started)
    ground = Ground(nodes, batch, run.base, gathered.taught, tree.of, who)
    made = await grow(ground, run.id, tree.levels, leaves_of(tree.levels, gathered.live), policy.settler)
    candidate = await placed(ground, made[-1], gathered, policy) if made else None
    every = {node.says.id: node for node in (*made, *([candidate] if candidate else []))}
    wanted = {names.node_ref(repository, place): node.commit for place, node in every.items()}
    if candidate:
        wanted[names.evolved_ref(repository, run.id)] = candidate.commit
    noted = set_aside(nodes.reader, batch, run, gathered.aside, who)
    moves = (*_moves(nodes, run, wanted), *([noted] if noted else []))
    done = _unlogged(nodes, run, wanted, moves)
    if moves or done:
        batch.write()  # before the refs are locked
        with holder.lock.moving([*(each.ref for each in moves), OPLOG]):
            record(repository, batch, Operation(f"consolidate {run.id}", moves, done=done), who)
    return Consolidated(candidate, tuple(every.values()))


def _moves(nodes: NodeStore, run: Run, wanted: Mapping[str, CommitId]) -> tuple[Move, ...]:
    """Give the moves from the branches of nodes as they are to those that are wanted."""
    repository = nodes.reader.repository
    prefix = f"{names.branches(repository)}{run.id}/"
    there = {ref: oid for ref, oid in under(repository, prefix) if names.lesson_of(repository, ref) is None}
    gone = [Move(ref, oid, None) for ref, oid in there.items() if ref not in wanted]
    new = [Move(ref, target(repository, ref), commit) for ref, commit in wanted.items() if there.get(ref) != commit]
    return (*gone, *new)


def _unlogged(nodes: NodeStore, run: Run, wanted: Mapping[str, CommitId], moves: Sequence[Move]) -> tuple[Move, ...]:
    """Give the moves that a process made which was killed before git had moved all of them, and the log the last.

    What they made is what is wanted now; without them in the log, `undo` would
    take back a part of it.
    """
    repository, places = nodes.reader.repository, logged(nodes.reader.repository)
    mine = f"{names.branches(repository)}{run.id}/"
    told = {
        ref: old for ref, old in places.items() if ref.startswith(mine) and names.lesson_of(repository, ref) is None
    }
    steps = [Move(ref, told.get(ref), wanted.get(ref)) for ref in sorted({*told, *wanted})]
    before = places.get(names.RUNS + str(run.id))
    if run.record and before and differ_in(repository, CommitId(before), run.record, ASIDE):
        steps.append(Move(names.RUNS + str(run.id), before, run.record))
    made = {each.ref for each in moves}
    return tuple(
        each
        for each in steps
        if each.ref not in made and each.old != each.new and target(repository, each.ref) == each.new
    )
