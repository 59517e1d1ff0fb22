"""The lessons of a run on another base: made anew, each saying what it was made of, in a run of their own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gitskill import codec
from gitskill.errors import InvalidInput, NeedsPerson
from gitskill.fate import Decision, LessonFate, State, TraceFate, Verdict
from gitskill.ids import CommitId, LessonId, RunId
from gitskill.lesson import Lesson
from gitskill.skill.compose import apply_parts
from gitskill.skill.replant import replant
from gitskill.skill.snapshot import SKILL_FILE, Skill
from gitskill.store import lessons, runs
from gitskill.store.analyses import ASIDE, fate_path, fates, is_sequential
from gitskill.store.lessons import Recorded
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch, Change
from gitskill.store.oplog import Operation, record
from gitskill.store.records import first_state
from gitskill.store.refs import Move
from gitskill.store.repository import Who
from gitskill.store.runs import Run
from gitskill.store.verdicts import VERDICTS, in_file, verdicts


@dataclass(frozen=True, slots=True)
class _Moved:
    """A lesson on its new base."""

    lesson: Lesson
    skill: Skill
    of: Recorded
    is_empty: bool
    """The new base says all of it."""


def _moved(nodes: NodeStore, of: Recorded, run: RunId, base: CommitId) -> _Moved:
    old, new = nodes.reader.read(of.base), nodes.reader.read(base)
    found = replant(of.changes, old, new)
    clash = f"since {of.lesson.id.run} the base changed the same: {', '.join(found.clashes)}" if found.clashes else ""
    slot = LessonId(run, of.lesson.id.trace, of.lesson.id.letter)
    lesson = replace(of.lesson, id=slot, of=(of.lesson.id, of.commit), clash=clash)
    return _Moved(lesson, apply_parts(new, {slot: found.changes}), of, not found.changes)


def take_up(nodes: NodeStore, batch: Batch, of: Run, accepted: Sequence[Recorded], who: Who) -> tuple[Run, list[Move]]:
    """Put into `batch` a run on what is checked out, of lessons that a person accepted after their run was released.

    Raises NeedsPerson where the skill has changed the same lines since.
    """
    repository = nodes.reader.repository
    studied = len(fates(repository, of)) or of.studied
    slots = tuple(item.lesson.id.short for item in accepted)
    run = Run(
        runs.next_run(repository), repository.head(), of.folder, of.engine, who.when, slots, 0, str(of.id), studied
    )
    moves, kept = [], []
    for item in accepted:
        moved = _moved(nodes, item, run.id, run.base)
        if moved.is_empty:
            raise InvalidInput(f"the skill says {item.lesson.id} already")
        if moved.lesson.clash:
            raise NeedsPerson(
                f"{item.lesson.id} cannot be taken as it is: {moved.lesson.clash}",
                hint=f"make it anew where you can edit it: gitskill consolidate {of.id} --onto HEAD",
            )
        branch = lessons.add(nodes.reader, batch, moved.lesson, moved.skill, run.base, who)
        moves.append(branch)
        kept.append(Verdict(item.lesson.id.short, Decision.ACCEPT, str(branch.new), who.name, who.when))
    moves.append(first_state(nodes.reader, batch, run, None, {VERDICTS: in_file(kept)}, who))
    return run, moves


def move_run(nodes: NodeStore, of: Run, base: CommitId, what: str, who: Who) -> Run:
    """Make a run on `base` of all lessons of another, with its plan and what people decided; `what` names the command.

    Where there is such a run, it is that one.
    """
    repository = nodes.reader.repository
    _refuse_unfit_base(nodes, of, base)
    known = [run for run in runs.recorded(repository) if _is_moved(run, of, base)]
    if known:
        return known[-1]
    run = replace(of, id=runs.next_run(repository), base=base, started=who.when, origin=str(of.id), record=None)
    batch = Batch(repository)
    made: dict[str, tuple[_Moved, Move]] = {}
    for found in lessons.listed(repository, of.id):
        moved = _moved(nodes, _read(nodes, found), run.id, base)
        made[found.id.short] = moved, lessons.add(nodes.reader, batch, moved.lesson, moved.skill, base, who)
    tree = str(repository.read_commit(of.record).tree_id) if of.record else None
    told = first_state(nodes.reader, batch, run, tree, _changes(nodes, of, made), who)
    branches = [branch for _, branch in made.values()]
    record(repository, batch, Operation(f"{what}: {run.id}", (*branches, told)), who)
    return next(each for each in runs.recorded(repository) if each.id == run.id)


def _is_moved(run: Run, of: Run, base: CommitId) -> bool:
    """Tell whether `run` is `of` on `base`."""
    return (run.origin, run.base, run.folder, run.planned) == (str(of.id), base, of.folder, of.planned) and set(
        run.lessons
    ) >= set(of.lessons)


def _refuse_unfit_base(nodes: NodeStore, of: Run, base: CommitId) -> None:
    if is_sequential(nodes.reader.repository, of):
        raise InvalidInput(
            f"the rounds of {of.id} stand on each other, so they cannot be moved",
            hint="study the same traces again: gitskill evolve --new --strategy sequential",
        )
    if base == of.base:
        raise InvalidInput(f"{of.id} stands on {base[:10]} already", hint=f"gitskill consolidate {of.id}")
    if SKILL_FILE not in nodes.reader.read(base).files:
        raise InvalidInput(f"{base[:10]} has no skill in {of.folder or 'its root'}")


def _read(nodes: NodeStore, found: lessons.Found) -> Recorded:
    try:
        return nodes.lesson(found.commit)
    except InvalidInput as error:
        hint = "mend its branch, or delete it: then it is dropped"
        raise InvalidInput(f"{found.id} cannot be moved: {error}", hint=hint) from error


def _changes(nodes: NodeStore, of: Run, made: Mapping[str, tuple[_Moved, Move]]) -> dict[str, Change]:
    """Give the files of the old record that tell of commits, with the new ones."""
    repository = nodes.reader.repository
    found = fates(repository, of)
    decided = [_verdict(each, made) for each in verdicts(repository, of).values()]
    kept = [each for each in decided if each]
    changes: dict[str, Change] = {ASIDE: None, VERDICTS: in_file(kept) if kept else None}
    return changes | {fate_path(number): _fate(each, lambda one: _lesson(one, made)) for number, each in found.items()}


def _fate(fate: TraceFate, moved: Callable[[LessonFate], LessonFate]) -> bytes:
    return codec.canonical(codec.dump(replace(fate, lessons=tuple(map(moved, fate.lessons)))))


def _lesson(fate: LessonFate, made: Mapping[str, tuple[_Moved, Move]]) -> LessonFate:
    """Give the fate of a lesson on its new base: as before, but where the base clashes, or a person amended it."""
    if fate.slot not in made:
        return fate  # it was never committed, or its branch was deleted
    moved, branch = made[fate.slot]
    commit = str(branch.new)
    if moved.lesson.clash and fate.state is not State.REJECTED:
        return LessonFate(fate.slot, moved.lesson.title, State.HELD, commit, "base", moved.lesson.clash)
    if moved.of.commit != fate.commit:
        return LessonFate(fate.slot, moved.lesson.title, State.PROPOSED, commit)
    return replace(fate, commit=commit)


def _verdict(verdict: Verdict, made: Mapping[str, tuple[_Moved, Move]]) -> Verdict | None:
    """Give a verdict on the lesson as it is now. What the base clashes with was not accepted so."""
    if verdict.slot not in made:
        return verdict
    moved, branch = made[verdict.slot]
    if verdict.is_accepted(moved.of.commit):
        return None if moved.lesson.clash else replace(verdict, commit=str(branch.new))
    return replace(verdict, commit=str(branch.new)) if verdict.decision is Decision.REJECT else verdict
