"""A person's verdicts on lessons: kept in the run's record, and what is turned down remembered for later runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gitskill.checks.hidden import hidden_names
from gitskill.consolidate.gather import refuse_unfit
from gitskill.errors import InvalidInput, NotFound, RefMoved
from gitskill.fate import Decision, Verdict
from gitskill.ids import LessonId, RunId
from gitskill.message import one_line
from gitskill.onto import take_up
from gitskill.report.lesson import Standing, Standings, State, rejected
from gitskill.store import lookup
from gitskill.store.analyses import is_sequential
from gitskill.store.lessons import Found, Recorded, listed
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.rejections import name_of, remember, turned_down
from gitskill.store.repository import Repository, Who
from gitskill.store.runs import Run
from gitskill.store.verdicts import decide as write
from gitskill.store.verdicts import verdicts

_NAMED = 4
"""Verdicts that the log of operations names one by one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants to decide."""

    lesson: LessonId
    decision: Decision
    reason: str = ""
    seen: str = ""
    """The commit that the person looked at, where that is known: a verdict on anything else is none."""


@dataclass(frozen=True, slots=True)
class Item:
    """A lesson to look at."""

    id: LessonId
    title: str
    standing: Standing
    found: Found | None
    """None where nothing of it was committed."""
    verdict: Verdict | None

    @property
    def waits(self) -> bool:
        """Tell whether a person must decide."""
        return self.standing.state is State.HELD

    @property
    def is_open(self) -> bool:
        """Tell whether a person has still to look: at what waits, and at what stands or will stand."""
        looked = self.verdict is not None and self.found is not None and self.verdict.commit == self.found.commit
        stands = self.standing.state in {State.HELD, State.MERGED, State.PROPOSED}
        return self.found is not None and stands and not looked


def items(nodes: NodeStore, run: Run) -> tuple[Item, ...]:
    """Give every lesson of a run: what waits first, then by support."""
    standings = Standings(nodes)
    decided = verdicts(nodes.reader.repository, run)
    fates = standings.fates(run.id)
    found = {each.id: each for each in listed(nodes.reader.repository, run.id)}
    every = sorted({*found, *(LessonId.parse(f"{run.id}/{slot}") for slot in fates)})
    made = []
    for lesson in every:
        at, fate = found.get(lesson), fates.get(lesson.short)
        title = fate.title if fate else _title(nodes, at)
        made.append(Item(lesson, title, standings.of(lesson), at, decided.get(lesson.short)))
    return tuple(sorted(made, key=lambda item: (not item.waits, -_traces(item), item.id)))


def _title(nodes: NodeStore, found: Found | None) -> str:
    try:
        return nodes.lesson(found.commit).lesson.title if found else ""
    except InvalidInput as error:
        return f"(cannot be read: {error})"


def _traces(item: Item) -> int:
    return item.standing.support.traces if item.standing.support else 0


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided, all of it written."""

    verdicts: tuple[Verdict, ...]
    run: RunId | None = None
    """The run that was made of lessons that were accepted after the release of theirs."""
    is_closed: bool = False
    """The run they are of is not consolidated any more."""


def decide(nodes: NodeStore, run: Run, wanted: Sequence[Wanted], who: Who) -> Decided:
    """Write verdicts into the record of their run and into the memory of what was turned down: all or nothing.

    Raises, and writes nothing, where one of them cannot be.
    """
    if not wanted:
        return Decided(())
    repository = nodes.reader.repository
    found = {each.id: each for each in listed(repository, run.id)}
    lessons = {each.lesson: _readable(nodes, found, each.lesson) for each in wanted}
    for each in wanted:
        if each.seen not in ("", found[each.lesson].commit):
            raise RefMoved(found[each.lesson].ref or str(each.lesson))
    # What cannot be consolidated anew: a lesson of it that is accepted now is made anew on what is checked out.
    is_closed = is_sequential(repository, run) or _is_taken(repository, run.id)
    if is_closed:
        _refuse_settled(nodes, wanted)
    accepted = [lessons[each.lesson] for each in wanted if each.decision is Decision.ACCEPT]
    for recorded in accepted:
        _refuse_unfit(nodes, run, recorded)
    batch = Batch(repository)
    before = verdicts(repository, run)
    made = tuple(_verdict(each, lessons[each.lesson], before, who) for each in wanted)
    anew = take_up(nodes, batch, run, accepted, who) if is_closed and accepted else None
    moves = [] if anew is None else list(anew[1])
    if anew:
        made = tuple(_again(each, anew[0].id) for each in made)
    memory = [
        turned_down(nodes.reader, lessons[LessonId.parse(f"{run.id}/{each.slot}")], each.reason, each.who, each.when)
        for each in made
        if each.decision is Decision.REJECT
    ]
    gone = [name_of(nodes.reader.read(each.base), each.changes) for each in accepted]
    remembered = remember(batch, repository, memory, gone, who)
    moves += [*([remembered] if remembered else []), write(nodes.reader, batch, run, made, who)]
    if moves := [move for move in moves if move.old != move.new]:
        record(repository, batch, Operation(_what(run, made), tuple(moves)), who)
    return Decided(made, anew[0].id if anew else None, is_closed)


def _readable(nodes: NodeStore, found: dict[LessonId, Found], lesson: LessonId) -> Recorded:
    if lesson not in found:
        fate = rejected(nodes, str(lesson))
        if fate:
            raise InvalidInput(f"{lesson} has no commit: {fate[1].state} by {fate[1].by}: {fate[1].reason}")
        raise NotFound(f"{lesson} has no branch", hint=f"gitskill show {lesson.run} lists the lessons of a run")
    try:
        return nodes.lesson(found[lesson].commit)
    except InvalidInput as error:
        raise InvalidInput(f"{lesson}: {error}", hint=error.hint) from error


def _is_taken(repository: Repository, run: RunId) -> bool:
    """Tell whether what a run came to is in the history of the branch that is checked out."""
    try:
        return repository.descends(repository.head(), lookup.candidate(repository, run))
    except NotFound:
        return False


def _refuse_settled(nodes: NodeStore, wanted: Sequence[Wanted]) -> None:
    """Refuse to decide on what the branch that is checked out has already, or what later rounds stand on."""
    standings = Standings(nodes)
    for each in wanted:
        state = standings.of(each.lesson).state
        if state in {State.MERGED, State.FOLDED}:
            raise InvalidInput(
                f"{each.lesson} is {state} already, and released or built upon",
                hint=f"once it is released, this takes it out: gitskill drop {each.lesson}",
            )


def _refuse_unfit(nodes: NodeStore, run: Run, recorded: Recorded) -> None:
    base = recorded.base if is_sequential(nodes.reader.repository, run) else run.base
    try:
        refuse_unfit(nodes, base, recorded, is_accepted=True)
    except InvalidInput as error:
        raise InvalidInput(f"{recorded.lesson.id} cannot be accepted: {error}", hint=error.hint) from error


def _verdict(wanted: Wanted, recorded: Recorded, before: Mapping[str, Verdict], who: Who) -> Verdict:
    """Give the verdict; where that was said already, as it was said."""
    if names := hidden_names(wanted.reason.replace("\n", " ")):
        raise InvalidInput(f"the reason hides {names}")
    reason = one_line(wanted.reason)
    made = Verdict(wanted.lesson.short, wanted.decision, recorded.commit, who.name, who.when, reason)
    old = before.get(made.slot)
    return old if old and replace(old, when=made.when) == made else made


def _again(verdict: Verdict, run: RunId) -> Verdict:
    return replace(verdict, again=f"{run}/{verdict.slot}") if verdict.decision is Decision.ACCEPT else verdict


def _what(run: Run, made: Sequence[Verdict]) -> str:
    """Name the operation for the log."""
    if len(made) <= _NAMED:
        return f"review {run.id}: {', '.join(f'{each.decision} {each.slot}' for each in made)}"
    counts = (f"{each} {sum(one.decision is each for one in made)}" for each in Decision)
    return f"review {run.id}: {', '.join(counts)}"
