"""Taking lessons out of the skill: a commit on top in which the lines that nobody else taught are gone.

The merges that carry the lessons are made anew without them. What differs
between the two is carried over to the skill as it is now; where somebody else
has written since, a person must decide.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gitskill.checks.change import check_change
from gitskill.checks.finding import Level
from gitskill.checks.hidden import hidden_names
from gitskill.consolidate.group import Ground
from gitskill.consolidate.settle import Group, Settlement, Settler
from gitskill.consolidate.without import without
from gitskill.errors import InvalidInput, NeedsPerson
from gitskill.ids import CommitId, LessonId
from gitskill.message import one_line
from gitskill.node import Kind, Live, Node
from gitskill.ontop import OnTop, commit_on_top
from gitskill.release import Released
from gitskill.skill.carry import Blocked, carry
from gitskill.skill.compose import apply_parts, overlapping
from gitskill.skill.diff import changes_between, line_spans
from gitskill.skill.hunks import Changes
from gitskill.skill.orphans import orphaned
from gitskill.skill.snapshot import Skill, is_binary
from gitskill.store import lessons
from gitskill.store.nodes import NodeStore, parts
from gitskill.store.objects import Batch, Signer
from gitskill.store.past import Past
from gitskill.store.refs import Move
from gitskill.store.rejections import remember, turned_down
from gitskill.store.releases import following
from gitskill.store.repository import Who
from gitskill.store.skills import with_skill

DROPPED = "Dropped-Lesson"
"""The trailer that names a lesson whose text a version no longer has."""
SOURCE = "Dropped-Source"
"""The trailer that names a lesson which is no longer a source of what others say too."""
Found = Mapping[LessonId, CommitId]
"""Lessons with their commits."""
Settlers = Callable[[Node], Settler]
"""Gives who decides between lessons of a merge that is made anew."""


@dataclass(frozen=True, slots=True)
class Drop:
    """What taking lessons out comes to. Nothing is written yet."""

    head: CommitId
    lessons: Found
    reason: str
    before: Skill
    after: Skill
    nodes: tuple[Node, ...]
    """The merges made anew, without the lessons."""
    shared: Mapping[LessonId, tuple[LessonId, ...]]
    """Of these lessons the text stays, for others say the same."""
    settled: tuple[Settlement, ...]
    """What was decided again between lessons that are left."""
    also: Mapping[LessonId, str]
    """Lessons that stand back in consequence, each with the reason."""
    open: bool
    """Lessons are left that somebody must decide between."""
    batch: Batch
    """The commits that it takes, not written yet."""


def carried(past: Past) -> Found:
    """Give every lesson that the skill has now."""
    return {lesson: commit for node in past.carried for live in node.live for lesson, commit in live.sources}


def find(past: Past, name: str) -> Found:
    """Find a lesson of the skill by what people call it, or raise: it is not there, or there are several."""
    here = carried(past)
    short = name.rpartition("/")[2]
    named = [each for each in here if name in (str(each), each.short)]
    if len(named) > 1:
        raise InvalidInput(
            f"{name!r} is the name of {len(named)} lessons", hint=f"say {' or '.join(map(str, sorted(named)))}"
        )
    if not named:
        found = lessons.find(past.nodes.reader.repository, name)  # says so where nobody ever taught it
        if found.id not in here:
            raise InvalidInput(f"{found.id} is not in the skill", hint=f"gitskill show {short} says what became of it")
        named = [found.id]
    return {named[0]: here[named[0]]}


def of_trace(past: Past, trace: str) -> tuple[Found, Found]:
    """Find the lessons that this trace alone taught, and those that other traces taught too.

    `trace` is an id, or what one begins with.
    """
    alone: dict[LessonId, CommitId] = {}
    among: dict[LessonId, CommitId] = {}
    meant: set[str] = set()
    for lesson, commit in sorted(carried(past).items()):
        traces = {ref.trace for ref in past.nodes.lesson(commit).lesson.traces}
        if mine := {each for each in traces if each.startswith(trace)}:
            meant |= mine
            (alone if traces == mine else among)[lesson] = commit
    if not meant:
        raise InvalidInput(f"no lesson in the skill is of trace {trace[:10]}", hint="gitskill traces list names traces")
    if len(meant) > 1:
        raise InvalidInput(f"{trace!r} begins the ids of {len(meant)} traces", hint="say more of the id")
    return alone, among


async def plan(past: Past, wanted: Found, reason: str, settlers: Settlers, who: Who) -> Drop:
    """Work out the skill without the lessons of `wanted`, or raise NeedsPerson, naming the lines in the way."""
    if names := hidden_names(reason.replace("\n", " ")):
        raise InvalidInput(f"the reason hides {names}")
    reason = one_line(reason)  # a line of its own could pass for a trailer
    nodes = past.nodes
    gone = dict.fromkeys(wanted, reason)
    batch, noted = Batch(nodes.reader.repository), _Noted()
    found: dict[int, Changes] = {}
    blocked: list[Blocked] = []
    made: list[Node] = []
    before = nodes.reader.read(past.start)
    affected = [node for node in past.carried if any(not gone.keys().isdisjoint(item.lessons) for item in node.live)]
    for number, node in enumerate(affected):
        base = nodes.reader.read(node.base)
        mine = {lesson: reason for item in node.live for lesson in item.lessons if lesson in gone}
        made.append(await without(_ground(nodes, node, batch, who), node, mine, noted.by(settlers(node))))
        old, new = apply_parts(base, parts(node.live)), apply_parts(base, parts(made[-1].live))
        over = carry(changes_between(old, new), old, before, past.follow(node))
        found[number] = over.changes
        blocked += over.blocked
    blocked += orphaned(before, tuple(change for changes in found.values() for change in changes))
    _refuse_blocked(wanted, blocked, found)
    after = apply_parts(before, found)
    _refuse_broken(wanted, before, after)
    shared = {lesson: others for lesson in wanted if (others := _sharing(nodes, affected, lesson, gone))}
    also = {
        lesson: why
        for old, new in zip(affected, made, strict=True)
        for lesson, why in new.says.dropped
        if lesson not in gone and lesson not in dict(old.says.dropped)
    }
    return Drop(
        past.start, wanted, reason, before, after, tuple(made), shared, tuple(noted.decided), also, noted.open, batch
    )


@dataclass
class _Noted:
    """Keeps what is decided, and whether there was anything to decide."""

    decided: list[Settlement] = field(default_factory=list)
    open: bool = False

    def by(self, settler: Settler) -> Settler:
        """Give `settler`, noted."""
        return _Noting(settler, self)


@dataclass(frozen=True, slots=True)
class _Noting:
    settler: Settler
    noted: _Noted

    async def settle(self, group: Group) -> Settlement:
        self.noted.open = True
        found = await self.settler.settle(group)
        self.noted.decided += [found] if found.dropped or found.rewritten else []
        return found


def _ground(nodes: NodeStore, node: Node, batch: Batch, who: Who) -> Ground:
    sources = {lesson: commit for item in node.live for lesson, commit in item.sources}
    taught = {lesson: nodes.lesson(commit).lesson.traces for lesson, commit in sources.items()}
    of = max((support.of for _, support in node.says.support), default=0)
    return Ground(nodes, batch, node.base, taught, of, who)


def _refuse_blocked(wanted: Found, blocked: Sequence[Blocked], found: Mapping[int, Changes]) -> None:
    own = [Blocked(change.path, 0, 0) for _, change, _, _ in overlapping(found)]
    if not (lines := sorted({*blocked, *own})):
        return
    first = next((each for each in lines if each.first), None)
    look = f"gitskill blame {first.path} -L {first.first},{first.last}" if first else "gitskill log"
    raise NeedsPerson(
        f"{_names(wanted)}: somebody wrote since where its text was: {', '.join(map(str, lines))}",
        hint=f"see who: {look}; then edit it by hand and commit",
    )


def _refuse_broken(wanted: Found, before: Skill, after: Skill) -> None:
    broken = [each for each in check_change(before, after) if each.level is Level.INVALID]
    if broken:
        raise NeedsPerson(
            f"without {_names(wanted)} the skill would be broken: {broken[0].path}: {broken[0].message}",
            hint="edit the skill by hand and commit",
        )


def _names(wanted: Found) -> str:
    return ", ".join(map(str, sorted(wanted)))


def _sharing(
    nodes: NodeStore, affected: Sequence[Node], lesson: LessonId, gone: Mapping[LessonId, str]
) -> tuple[LessonId, ...]:
    """Give the lessons that say the same as `lesson` and stay."""
    folds = (
        fold for node in affected for item in node.live if lesson in item.lessons for fold in _folds(nodes, node, item)
    )
    others = {each for fold in folds if lesson in fold.lessons for each in fold.lessons}
    return tuple(sorted(others - gone.keys()))


def _folds(nodes: NodeStore, node: Node, item: Live) -> Iterator[Live]:
    """Give the folds in a part of a live set."""
    if item.kind is Kind.FOLD:
        yield item
    elif item.kind is not Kind.LESSON:
        for member in nodes.members(item, node.base):
            yield from _folds(nodes, node, member)


def make(nodes: NodeStore, drop: Drop, branch: str, who: Who, sign: Signer | None = None) -> Released:
    """Commit the skill without the lessons as the next version, with the merges made anew as further parents."""
    reader = nodes.reader
    tree, first = str(reader.repository.read_commit(drop.head).tree_id), min(drop.lessons)
    step = OnTop(
        branch=branch,
        head=drop.head,
        tree=with_skill(drop.batch, tree, reader.folder, drop.before, drop.after),
        verb="drop",
        about=str(first) if len(drop.lessons) == 1 else f"{len(drop.lessons)} lessons",
        title=nodes.lesson(drop.lessons[first]).lesson.title if len(drop.lessons) == 1 else "",
        trailers=tuple(
            (SOURCE if lesson in drop.shared else DROPPED, f"{lesson} {drop.lessons[lesson]}")
            for lesson in sorted(drop.lessons)
        ),
        body="\n".join([drop.reason, *_stays(drop)]),
        joined=tuple(node.commit for node in drop.nodes),
        moves=_remembered(nodes, drop, who),
    )
    return commit_on_top(nodes, drop.batch, step, following(reader, drop.head, drop.after), who, sign)


def _remembered(nodes: NodeStore, drop: Drop, who: Who) -> tuple[Move, ...]:
    """Remember what goes, so that no later run proposes it again; what others say too was not turned down."""
    gone = [nodes.lesson(drop.lessons[lesson]) for lesson in sorted(drop.lessons) if lesson not in drop.shared]
    found = [turned_down(nodes.reader, each, drop.reason, who.name, who.when) for each in gone]
    move = remember(drop.batch, nodes.reader.repository, found, (), who)
    return (move,) if move else ()


def _stays(drop: Drop) -> Iterator[str]:
    for lesson, others in drop.shared.items():
        yield f"What {lesson} says stays: {', '.join(map(str, others))} say it too."


def account(before: Skill, after: Skill) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Give, for each file that changes, the lines that go and those that come back. A binary file has none."""
    found = []
    for path in sorted(before.files.keys() | after.files.keys()):
        if before.files.get(path) == after.files.get(path):
            continue
        old, new = (
            skill.text(path).lines if not is_binary(skill.files.get(path, b"")) else () for skill in (before, after)
        )
        spans = line_spans(old, new)
        removed = tuple(text for start, end, _ in spans for text in old[start:end] if text.strip())
        found.append((path, removed, tuple(text for _, _, lines in spans for text in lines if text.strip())))
    return found
