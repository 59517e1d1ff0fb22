"""All lessons of a run to one candidate: joined along the tree, put in their places, and their branches moved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitskill.consolidate.gather import Gathered
from gitskill.consolidate.group import Ground
from gitskill.consolidate.rounds import Rounds
from gitskill.consolidate.tree import Held, Levels, Policy, grow, leaves_of, placed
from gitskill.fate import Aside, State, TraceFate
from gitskill.ids import CommitId
from gitskill.node import Node
from gitskill.store import names
from gitskill.store.analyses import ASIDE, set_aside
from gitskill.store.lessons import listed
from gitskill.store.locks import RunLock
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import OPLOG, Operation, logged, record
from gitskill.store.refs import Move, target, under
from gitskill.store.repository import Who
from gitskill.store.runs import Run, differ_in

_STRANGE = "it was added beside the rounds of its run"


@dataclass(frozen=True, slots=True)
class Consolidated:
    """What came of it."""

    candidate: Node | None
    """None where nothing stands."""
    nodes: tuple[Node, ...]
    kept: tuple[str, ...] = ()
    """Lessons that a person changed or deleted, and that stand as they were all the same."""


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
    found = await placed(ground, made[-1], gathered, policy) if made else ()
    candidate = found if isinstance(found, Node) else None
    # Where nothing stands, no merge says why: the record does.
    every = {node.says.id: node for node in (*made, candidate)} if candidate else {}
    aside = gathered.aside if candidate else (*gathered.aside, *_stood_back(made, found))
    done = Consolidated(candidate, tuple(every.values()))
    _land(nodes, run, batch, done, aside, holder)
    return done


async def consolidate_rounds(
    nodes: NodeStore, run: Run, rounds: Sequence[Sequence[int]], fates: Mapping[int, TraceFate], holder: Holder
) -> Consolidated:
    """Join the rounds of a sequential run once more as they were joined while it was studied, and move its branches.

    What a person did to the branch of one of its lessons since does not count:
    later lessons stand on it as it was. Those are named.
    """
    repository = nodes.reader.repository
    batch = Batch(repository)
    line = Rounds(nodes, run, len(fates))
    for number, members in enumerate(rounds, start=1):
        await line.join(number, [one for member in members for one in fates[member].lessons])
        batch.take(line.batch)
    proposed = {one.slot: one for each in fates.values() for one in each.lessons}
    here = {found.id.short: found.commit for found in listed(repository, run.id)}
    kept = [one.slot for one in proposed.values() if one.state is State.PROPOSED and here.get(one.slot) != one.commit]
    strangers = [Aside(slot, is_said=False, by="check", reason=_STRANGE) for slot in here if slot not in proposed]
    done = Consolidated(line.made[-1] if line.made else None, tuple(line.made), tuple(kept))
    _land(nodes, run, batch, done, (*line.aside, *strangers), holder)
    return done


def _land(nodes: NodeStore, run: Run, batch: Batch, done: Consolidated, aside: Sequence[Aside], holder: Holder) -> None:
    """Move the branches of a run to its nodes and its candidate, and write down what takes no part."""
    repository = nodes.reader.repository
    who = Who(holder.who.name, holder.who.email, run.started)
    wanted = {names.node_ref(repository, node.says.id): node.commit for node in done.nodes}
    if done.candidate:
        wanted[names.evolved_ref(repository, run.id)] = done.candidate.commit
    noted = set_aside(nodes.reader, batch, run, aside, who)
    moves = (*_moves(nodes, run, wanted), *([noted] if noted else []))
    logged_before = _unlogged(nodes, run, wanted, moves)
    if moves or logged_before:
        batch.write()  # before the refs are locked
        with holder.lock.moving([*(each.ref for each in moves), OPLOG]):
            record(repository, batch, Operation(f"consolidate {run.id}", moves, done=logged_before), who)


def _stood_back(made: Sequence[Node], held: Node | Held) -> Iterator[Aside]:
    """Give every lesson that some merge dropped or that waits, with the reason."""
    told = {lesson: reason for node in made for lesson, reason in node.says.dropped}
    told |= dict(held) if not isinstance(held, Node) else {}
    for lesson, reason in sorted(told.items()):
        yield Aside(lesson.short, is_said=False, by="support", reason=reason)


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
