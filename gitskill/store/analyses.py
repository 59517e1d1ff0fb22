"""The record of a run of analysts: its plan, and what became of every trace and lesson, written as each is done.

The record is a function of what is in it: however often a run was broken off,
its record, its lessons and their commits come to the same ids.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gitskill import codec
from gitskill.errors import GitRefused, InvalidInput, RefMoved
from gitskill.fate import Anomaly, Aside, LessonFate, TraceFate
from gitskill.ids import CommitId
from gitskill.lesson import Lesson
from gitskill.message import Message
from gitskill.plan import Plan, Strategy, unsound
from gitskill.skill.snapshot import Skill
from gitskill.store import lessons, names, runs
from gitskill.store.locks import Busy, RunLock, held
from gitskill.store.objects import FILE, TREE, Batch, Change, tree_entries
from gitskill.store.oplog import BEGIN, OPLOG, Operation, operations, record
from gitskill.store.records import damaged, loaded, next_state, record_files, stamped, written
from gitskill.store.refs import Move, target
from gitskill.store.repository import Repository, Who
from gitskill.store.runs import Run
from gitskill.store.skills import SkillReader

_PLAN = "plan.json"
_FATES = "fates"
_ANOMALIES = "anomalies.json"
ASIDE = "aside.json"
_FATE = re.compile(r"\d{4,9}\.json")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TRIES = 20
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Ready:
    """A lesson that passed its checks, or is held by one."""

    lesson: Lesson
    skill: Skill
    """The base with the lesson's edits in it."""
    fate: LessonFate


@dataclass(frozen=True, slots=True)
class Finished:
    """A trace that was studied: its fate, and those of its lessons that get a branch."""

    fate: TraceFate
    ready: tuple[Ready, ...] = ()


def begin(reader: SkillReader, plan: Plan, who: Who) -> Run:
    """Give the next run to `plan`, on the commit that is checked out."""
    repository = reader.repository
    for _ in range(_TRIES):
        number = runs.next_run(repository)
        run = Run(number, repository.head(), reader.folder, plan.recipe.engine, who.when, planned=len(plan.assignments))
        batch = Batch(repository)
        tree = batch.edit_tree(None, {_PLAN: codec.canonical(codec.dump(plan)), **runs.files(run)})
        made = batch.commit(tree, [], Message(f"Record of {number}"), stamped(reader, run, who))
        try:
            with held(repository, number) as lock:
                lock.sweep()
                with lock.moving([names.RUNS + str(number), OPLOG]):
                    begun = Operation(f"{BEGIN}{number}", (Move(names.RUNS + str(number), None, made),))
                    record(repository, batch, begun, stamped(reader, run, who))
        except (RefMoved, Busy):
            time.sleep(_PAUSE)
            continue
        return replace(run, record=made)
    raise GitRefused("other gitskill commands keep beginning runs", hint="run the command again")


def plan_of(repository: Repository, run: Run) -> Plan | None:
    """Read the plan of a run; None where it has none, as one of lessons by hand."""
    tree = record_files(repository, run)
    if _PLAN not in tree:
        return None
    found: Plan = loaded(Plan, repository, run, tree[_PLAN][1])
    if problem := unsound(found) or ("" if len(found.assignments) == run.planned else "it has another size"):
        raise damaged(run, f"its plan cannot be followed: {problem}")
    return found


def is_sequential(repository: Repository, run: Run) -> bool:
    """Tell whether each round of a run stands on what came of the one before."""
    plan = plan_of(repository, run)
    return plan is not None and plan.recipe.strategy is Strategy.SEQUENTIAL


def fates(repository: Repository, run: Run) -> Mapping[int, TraceFate]:
    """Read what became of the traces of a run, by their numbers; those that are missing wait to be studied."""
    found: dict[int, TraceFate] = {}
    mode, folder = record_files(repository, run).get(_FATES, (0, ""))
    for inner, oid in (tree_entries(repository, folder) if mode == TREE else {}).values():
        for name, (kind, blob) in (tree_entries(repository, oid) if inner == TREE else {}).items():
            if kind == FILE and _FATE.fullmatch(name):
                fate: TraceFate = loaded(TraceFate, repository, run, blob)
                if not _belongs(fate, int(name.removesuffix(".json")), run):
                    raise damaged(run, f"the fate in {name} is of another trace")
                found[fate.number] = fate
    return dict(sorted(found.items()))


def _belongs(fate: TraceFate, number: int, run: Run) -> bool:
    """Tell whether a fate is that of the trace with this number, and its lessons that trace's: accounts must add up."""
    slots = [one.slot for one in fate.lessons]
    letters = {slot.removeprefix(f"l{number:04d}") for slot in slots}
    return (
        fate.number == number
        and 1 <= number <= run.planned
        and len(set(slots)) == len(slots)
        and all(len(letter) == 1 and letter in _LETTERS for letter in letters)
    )


def is_studied(repository: Repository, run: Run) -> bool:
    """Tell whether every trace of a run's plan has its fate; a run by hand has no plan. A damaged record has not."""
    try:
        return len(fates(repository, run)) >= run.planned
    except InvalidInput:
        return False


def aside(repository: Repository, run: Run) -> Mapping[str, Aside]:
    """Read which lessons took no part when the run was consolidated last, by their slots."""
    tree = record_files(repository, run)
    if ASIDE not in tree:
        return {}
    found: tuple[Aside, ...] = loaded(tuple[Aside, ...], repository, run, tree[ASIDE][1])
    return {each.slot: each for each in found}


def set_aside(reader: SkillReader, batch: Batch, run: Run, found: Sequence[Aside], who: Who) -> Move | None:
    """Write into the record which lessons take no part; None where it says so already."""
    if run.record is None or tuple(found) == tuple(aside(reader.repository, run).values()):
        return None
    changes: dict[str, Change] = {ASIDE: written(found) if found else None}
    return next_state(reader, batch, run, changes, who)


def as_begun(repository: Repository, operation: Operation) -> Operation:
    """Give an operation that began a run with all that has come of it since; any other as it is."""
    run = next((each for each in runs.recorded(repository) if operation.what == f"{BEGIN}{each.id}"), None)
    if run is None:
        return operation
    made = [one for fate in fates(repository, run).values() for one in fate.lessons if one.commit]
    ours = {lesson.id.short: lesson.ref for lesson in lessons.listed(repository, run.id)}
    branches = [Move(ref, None, one.commit) for one in made if (ref := ours.get(one.slot))]
    whole = (*branches, Move(names.RUNS + str(run.id), None, run.record))
    return replace(operation, moves=whole)


def anomalies(repository: Repository, run: Run) -> tuple[Anomaly, ...]:
    """Read what the analysts noticed about the harness or the labels."""
    tree = record_files(repository, run)
    if _ANOMALIES not in tree:
        return ()
    found: tuple[Anomaly, ...] = loaded(tuple[Anomaly, ...], repository, run, tree[_ANOMALIES][1])
    return found


class Writer:
    """Writes what is finished. Not safe for threads: one at a time."""

    def __init__(self, reader: SkillReader, run: Run, lock: RunLock, who: Who) -> None:
        self._reader = reader
        self._run = run
        self._lock = lock
        self._who = stamped(reader, run, who)
        self._began = run.record

    def save(
        self, done: Sequence[Finished], base: CommitId | None = None, under: Batch | None = None
    ) -> tuple[TraceFate, ...]:
        """Give every lesson of `done` its commit and branch, on `base` or the run's, and write the fates at once."""
        repository = self._reader.repository
        batch = Batch(repository, under)
        moves, changes, told = [], {}, []
        for finished in done:
            made = {each.fate.slot: self._add(batch, each, base or self._run.base) for each in finished.ready}
            commits = {slot: str(each.new) for slot, each in made.items()}
            lessons_ = tuple(replace(each, commit=commits.get(each.slot, "")) for each in finished.fate.lessons)
            fate = replace(finished.fate, lessons=lessons_)
            moves += [each for each in made.values() if self._is_new(each)]
            changes[fate_path(fate.number)] = codec.canonical(codec.dump(fate))
            told.append(fate)
        self._change(batch, changes, moves)
        return tuple(told)

    def note(self, found: Sequence[Anomaly]) -> None:
        """Write down what was noticed about the harness or the labels."""
        if found:
            self._change(Batch(self._reader.repository), {_ANOMALIES: written(found)}, [])

    def _change(self, batch: Batch, changes: Mapping[str, Change], moves: Sequence[Move]) -> None:
        """Change the record and make the branches, all or nothing, also where a person adds to the run meanwhile."""
        for _ in range(_TRIES):
            try:
                told = self._record(batch, changes)
                if moves or told.old != told.new:
                    self._move(batch, [*moves, told])
            except RefMoved as error:
                if error.ref != names.RUNS + str(self._run.id):
                    raise
                self._run = self._again()
            else:
                return
        raise GitRefused(f"the record of {self._run.id} keeps moving", hint="run the command again")

    def finish(self, found: Mapping[int, TraceFate]) -> None:
        """Enter the whole run into the log of operations, as one that can be undone, and later what was added to it."""
        repository, ref = self._reader.repository, names.RUNS + str(self._run.id)
        log = list(operations(repository))
        what = f"analyse {self._run.id}"
        logged = next((step for each in log if each.what == what for step in each.moves if step.ref == ref), None)
        if logged and self._began == self._run.record:
            return  # nothing was studied now
        told = {step.ref for each in log if each.what == what for step in each.moves}
        commits = {one.slot: one.commit for each in found.values() for one in each.lessons if one.commit}
        ours = {lesson.id.short: lesson.ref for lesson in lessons.listed(repository, self._run.id)}
        made = [(ours[slot], commit) for slot, commit in commits.items() if slot in ours]
        done = [Move(branch, None, commit) for branch, commit in made if branch and branch not in told]
        done.append(Move(ref, self._began if logged else None, self._run.record))
        with self._lock.moving([OPLOG]):
            record(repository, Batch(repository), Operation(what, (), done=tuple(done)), self._who)

    def _add(self, batch: Batch, ready: Ready, base: CommitId) -> Move:
        return lessons.add(self._reader, batch, ready.lesson, ready.skill, base, self._who)

    def _is_new(self, wanted: Move) -> bool:
        """Tell whether the branch is still to be made: a killed process may have made it, a person gone on from it."""
        repository, made = self._reader.repository, str(wanted.new)
        there = target(repository, wanted.ref)
        if there is None:
            return True
        # Where it is not stored yet, nobody can have gone on from it.
        is_ours = there == made or (made in repository.git and repository.descends(CommitId(there), CommitId(made)))
        if not is_ours:
            raise GitRefused(
                f"{wanted.ref} is in the way: it is not the lesson that {self._run.id} makes there",
                hint=f"rename it: git branch -m {wanted.ref.removeprefix('refs/heads/')} NAME",
            )
        return False

    def _record(self, batch: Batch, changes: Mapping[str, Change]) -> Move:
        return next_state(self._reader, batch, self._run, changes, self._who)

    def _move(self, batch: Batch, moves: Sequence[Move]) -> None:
        batch.write()  # before the refs are locked
        with self._lock.moving([each.ref for each in moves]):
            batch.land(moves, self._who, f"analyse {self._run.id}")
        self._run = replace(self._run, record=CommitId(str(moves[-1].new)))

    def _again(self) -> Run:
        return next(each for each in runs.recorded(self._reader.repository) if each.id == self._run.id)


def fate_path(number: int) -> str:
    """Name the file of a record that holds the fate of a trace."""
    return f"{_FATES}/{number // 100:04d}/{number:04d}.json"
