"""Where lessons stand in the end: what recurs in SKILL.md, what does not in a reference that it links."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gitskill.checks.size import MAX_LINES, MAX_TOKENS
from gitskill.consolidate.group import Ground
from gitskill.consolidate.join import with_body
from gitskill.errors import InvalidInput
from gitskill.ids import LessonId, NodeId
from gitskill.node import Live, Settled
from gitskill.skill import frontmatter, tokens
from gitskill.skill.compose import apply_parts
from gitskill.skill.edits import AddSection, AppendToSection, Create, Edit, apply_edits
from gitskill.skill.hunks import Hunk, heading_level
from gitskill.skill.sections import outline
from gitskill.skill.snapshot import SKILL_FILE, Skill
from gitskill.store.nodes import parts

_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_OTHER = "Other"
"""The topic of what stands under no heading."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of SKILL.md there may be, and what has a place in it."""

    min_support: int = 2
    lines: int = MAX_LINES
    tokens: int = MAX_TOKENS


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands in SKILL.md, what was placed elsewhere, and what waits for a person."""

    standing: tuple[Live, ...]
    held: tuple[tuple[LessonId, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Exempt:
    """What stays where it is, however few traces teach it."""

    by_person: frozenset[LessonId]
    critical: frozenset[LessonId]
    """What analysts marked. That says where a text stands, never that it may replace another."""

    def stays(self, item: Live) -> bool:
        """Tell whether a part stays in SKILL.md."""
        return not (self.by_person | self.critical).isdisjoint(item.lessons)


def place(ground: Ground, node: NodeId, live: Sequence[Live], exempt: Exempt, budget: Budget) -> Placed:
    """Move what too few traces teach, and what is too much, out of SKILL.md; nothing that a person stands for."""
    parts_ = [one for item in live for one in ground.apart(item)]
    rare = [item for item in parts_ if _is_rare(ground, item, budget)]
    held = [item for item in rare if _replaces(item) and exempt.by_person.isdisjoint(item.lessons)]
    moved = {item.key for item in rare if _is_insert(item) and not exempt.stays(item)}
    stays = [item for item in parts_ if item not in held]
    moved |= _evicted(ground, [item for item in stays if item.key not in moved], exempt, budget)
    reason = f"it replaces text of the skill, and fewer than {budget.min_support} traces teach it"
    return Placed(
        (*(item for item in stays if item.key not in moved), *placings(ground, node, stays, moved)),
        tuple((lesson, f"held: {reason}") for item in held for lesson in item.lessons),
    )


def _is_rare(ground: Ground, item: Live, budget: Budget) -> bool:
    return ground.support(item).traces < budget.min_support


def _replaces(item: Live) -> bool:
    return any(not (isinstance(change, Hunk) and change.is_insert) for change in item.changes)


def _is_insert(item: Live) -> bool:
    """Tell whether all that a part does is to insert text into SKILL.md."""
    return not _replaces(item) and all(change.path == SKILL_FILE for change in item.changes)


def _evicted(ground: Ground, live: Sequence[Live], exempt: Exempt, budget: Budget) -> set[LessonId]:
    """Choose what goes so that SKILL.md fits, the least supported first; the base's own size is not ours to mend."""
    base = ground.nodes.reader.read(ground.base)
    allowed = tuple(max(most, now) for most, now in zip((budget.lines, budget.tokens), _size(base), strict=True))
    movable = [item for item in live if _is_insert(item) and not exempt.stays(item)]
    movable.sort(key=lambda item: (ground.support(item).traces, ground.support(item).tasks, -item.key.trace))

    def fits(count: int) -> bool:
        gone = {item.key for item in movable[:count]}
        size = _size(apply_parts(base, parts([one for one in live if one.key not in gone])))
        return all(now <= most for now, most in zip(size, allowed, strict=True))

    # The more goes, the smaller it is: a thousand lessons are not put together a thousand times.
    return {item.key for item in movable[: bisect_left(range(len(movable)), True, key=fits)]}


def _size(skill: Skill) -> tuple[int, int]:
    text = skill.text(SKILL_FILE)
    return len(text.lines), tokens.estimate(frontmatter.split(str(text)).body)


def placings(ground: Ground, node: NodeId, live: Sequence[Live], moved: set[LessonId]) -> Iterable[Live]:
    """Make one placing for each topic of the parts that are moved."""
    base = ground.nodes.reader.read(ground.base)
    topics: defaultdict[str, list[Live]] = defaultdict(list)
    for item in sorted((item for item in live if item.key in moved), key=lambda item: item.key):
        topics[_topic(base, item)].append(item)
    for number, (topic, group) in enumerate(sorted(topics.items()), start=1):
        path = f"references/{_slug(topic)}.md"
        skill = _with_reference(base, topic, path, group)
        sources = tuple(source for item in group for source in item.sources)
        # Numbers of folds and joins at this place come before, and there are never so many.
        settled = Settled(node, 1000 + number, f"placing {path}", "rule:support", sources)
        made = ground.nodes.settle(ground.batch, ground.base, settled, group, skill, ground.who)
        ground.members[made.commit] = tuple(group)
        yield made


def _topic(base: Skill, item: Live) -> str:
    """Name the heading under which a part stands: its own, or that of the base around it."""
    hunk = next(change for change in item.changes if isinstance(change, Hunk))
    own = outline("\n".join(hunk.lines)).sections if heading_level(hunk.lines) else ()
    if own:
        return own[0].title
    around = [section for section in outline(str(base.text(SKILL_FILE))).sections if section.start < hunk.start]
    return around[-1].title if around and around[-1].title else _OTHER


def _slug(topic: str) -> str:
    return _NOT_SLUG.sub("-", topic.lower()).strip("-")[:40].strip("-") or "other"


def _with_reference(base: Skill, topic: str, path: str, group: Sequence[Live]) -> Skill:
    lines: tuple[str, ...] = (f"# {topic}",)
    for item in group:
        for change in item.changes:
            lines = with_body(lines, change.lines) if isinstance(change, Hunk) else lines
    edits = [] if f"]({path})" in str(base.text(SKILL_FILE)) else [_link(base, topic, path)]
    if path in base.files:
        edits.append(_appended(base, path, "\n".join(lines[1:]).strip("\n")))
    else:
        edits.append(Create(path, "\n".join(lines) + "\n"))
    return apply_edits(base, edits)


def _appended(base: Skill, path: str, text: str) -> Edit:
    last = outline(str(base.text(path))).sections[-1]
    return AppendToSection(path, last.title, text)


def _link(base: Skill, topic: str, path: str) -> Edit:
    """Link the reference where its topic stands in SKILL.md, else under a heading of its own."""
    line = f"- Less common: [{topic}]({path})."
    append = AppendToSection(SKILL_FILE, topic, line)
    try:
        apply_edits(base, (append,))
    except InvalidInput:
        return AddSection(SKILL_FILE, f"## {topic}\n\n{line}\n")
    return append
