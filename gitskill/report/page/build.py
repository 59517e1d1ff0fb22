"""The page of a run or a release, built from git and the bill."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gitskill.checks.reach import reach_findings
from gitskill.checks.risk import risk_of, worst, worst_first
from gitskill.ids import LessonId
from gitskill.lesson import distinct
from gitskill.model.ledger import Bill
from gitskill.model.request import Label
from gitskill.plan import WHY
from gitskill.report.lesson import State
from gitskill.report.page.account import Account, account
from gitskill.report.page.branches import Trees
from gitskill.report.page.cards import Cards
from gitskill.report.page.cost import by_slot, by_stage, figure, sentence, slot_rows
from gitskill.report.page.lines import Lines
from gitskill.report.page.quotes import Quotes
from gitskill.report.page.subject import Subject
from gitskill.report.page.values import Card, Figure, Page, Remark
from gitskill.skill.bump import Bump, bump
from gitskill.skill.diff import line_spans
from gitskill.skill.frontmatter import split
from gitskill.skill.snapshot import SKILL_FILE, Skill, is_binary
from gitskill.skill.tokens import estimate
from gitskill.store.nodes import NodeStore
from gitskill.store.releases import following, previous, released_as
from gitskill.store.runs import Run

_STANDS = {State.MERGED}
_MEANS = {
    State.PROPOSED: "They are not merged yet.",
    State.FOLDED: "The skill says this already.",
    State.HELD: "They wait for a person.",
    State.DROPPED: "They stand back for another, or their branch is gone.",
    State.REJECTED: "A check, or a person, turned them down.",
}
_SAID = {
    State.MERGED: ("stands in the WHERE", "stand in the WHERE"),
    State.FOLDED: ("says the same as one of these or as the skill", "say the same as one of these or as the skill"),
    State.DROPPED: ("was dropped", "were dropped"),
    State.HELD: ("waits for a person", "wait for a person"),
    State.REJECTED: ("was rejected", "were rejected"),
    State.PROPOSED: ("is not merged yet", "are not merged yet"),
}
Bills = Mapping[str, Mapping[Label, Bill]]
"""What was paid, by run."""


def build(nodes: NodeStore, about: Subject, bills: Bills) -> Page:
    """Build the page."""
    accounts = [account(nodes, story) for story in about.stories]
    paid = {label: bill for run in bills.values() for label, bill in run.items()}
    cards = [card for each in accounts for card in _cards(each, bills.get(str(each.story.id), {}))]
    standing = [card for card in cards if card.standing.state in _STANDS]
    engines = [each.story.run.engine for each in accounts if each.story.run]
    shown = frozenset(card.lesson for card in cards)
    several = len(accounts) > 1
    return Page(
        name=about.name,
        skill=_name(nodes, about),
        several=several,
        sentence=_sentence(about, accounts),
        figures=(*_figures(standing, accounts), figure(paid, engines), _gate()),
        meaning=tuple(_meaning(nodes, about)),
        trees=tuple(tree for each in accounts for tree in Trees(each, shown).grow(several=several)),
        lessons=tuple(sorted(standing, key=_rank)),
        waiting=tuple(_waiting(cards)),
        traces=tuple(row for each in accounts for row in _traces(each)),
        files=tuple(Lines(nodes, about.shown, _anchors(accounts, cards), several=several).files()),
        stages=by_stage(paid),
        slots=slot_rows(by_slot(paid)),
        bill=sentence(paid, engines),
        remarks=tuple(remark for each in accounts for remark in _remarks(each)),
    )


def _cards(found: Account, bills: Mapping[Label, Bill]) -> Iterator[Card]:
    make = Cards(found, by_slot(bills))
    # What is folded stands on the card of the lesson that speaks for it; of what the skill said already there is none.
    for lesson, standing in found.standings.items():
        if standing.state is not State.FOLDED or standing.first is None:
            yield make.card(lesson)


def _rank(card: Card) -> tuple[int, int, LessonId]:
    return -card.support.traces, -card.support.tasks, card.lesson


def _anchors(accounts: Sequence[Account], cards: Sequence[Card]) -> Mapping[LessonId, str]:
    known = {card.lesson: card.anchor for card in cards}
    stands = [(lesson, one.first) for each in accounts for lesson, one in each.standings.items()]
    return known | {lesson: known[first] for lesson, first in stands if first is not None and first in known}


def _name(nodes: NodeStore, about: Subject) -> str:
    told = split(str(nodes.reader.read(about.shown).text(SKILL_FILE))).fields.get("name")
    return told if isinstance(told, str) and told else nodes.reader.folder or "the skill"


def _sentence(about: Subject, accounts: Sequence[Account]) -> str:
    states = Counter(one.state for each in accounts for one in each.standings.values())
    studied = sum(each.studied for each in accounts)
    where = "skill" if about.release else "candidate"
    told = [
        f"{states[state]:,} {one if states[state] == 1 else many}".replace("WHERE", where)
        for state, (one, many) in _SAID.items()
        if states[state]
    ]
    if not states:
        return f"{_who(about, accounts, studied)}: no lesson came of it."
    return f"{_who(about, accounts, studied)}: of {_count(sum(states.values()), 'lesson')}, {', '.join(told)}."


def _who(about: Subject, accounts: Sequence[Account], studied: int) -> str:
    """Say what the page is about; runs of lessons by hand have no traces."""
    runs = " and ".join(str(each.story.id) for each in accounts)
    traces = _count(studied, "trace")
    if about.release:
        return f"{about.name} brought what {runs} learned" + (f" from {traces}" if studied else "")
    return f"{runs} studied {traces}" if studied else f"{runs} holds lessons by hand"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _figures(standing: Sequence[Card], accounts: Sequence[Account]) -> Iterator[Figure]:
    folded = sum(len(each.in_state(State.FOLDED)) for each in accounts)
    yield Figure("Lessons", f"{len(standing):,}", f"stand; {folded:,} more say the same" if folded else "stand")
    best = min(standing, key=_rank, default=None)
    if best is None:
        yield Figure("Support of the best", "none", "no lesson stands")
        return
    if not best.support.traces:
        yield Figure("Support of the best", "none", "no trace teaches these lessons: people wrote them")
        return
    tasks = _count(best.support.tasks, "task")
    yield Figure("Support of the best", str(best.support), f"traces, {tasks}: {best.title}")


def _gate() -> Figure:
    return Figure("Gate", "not measured", "no task was run with and without these lessons")


def _meaning(nodes: NodeStore, about: Subject) -> Iterator[tuple[str, str]]:
    """Say what the change amounts to."""
    before, after = nodes.reader.read(about.base), nodes.reader.read(about.shown)
    added, removed = _changed_lines(before, after)
    sizes = [f"{estimate(str(skill.text(SKILL_FILE))):,}" for skill in (before, after)]
    yield "Change", f"+{added} -{removed} lines; SKILL.md {sizes[0]} → {sizes[1]} tokens"
    reach = worst_first(reach_findings(before, after))
    told = "; ".join(f"{each.message.removeprefix(f'{risk_of(each)}: ')} ({each.path})" for each in reach[:5])
    more = f"; and {len(reach) - 5} more" if len(reach) > 5 else ""
    yield "New reach", f"{worst(reach)}: {told}{more}" if reach else "none: no new host, command, script or frontmatter"
    yield "Version", _version(nodes, about, after, bump(before, after))


def _version(nodes: NodeStore, about: Subject, after: Skill, by: Bump) -> str:
    if about.release:
        return f"{about.release.tag}, by what changed: {by}"
    repository, folder = nodes.reader.repository, nodes.reader.folder
    story = about.stories[0]
    # A clone has the merges of a run without its record.
    run = story.run or Run(story.id, story.base, folder, engine="", started=0)
    if story.roots and (done := released_as(repository, run)):
        return f"{by}: released as {done.tag}"
    if by is Bump.NONE or not (last := previous(repository, folder, about.base)):
        return str(by)
    return f"{by}: {last.tag} would become {following(nodes.reader, about.base, after)}"


def _changed_lines(before: Skill, after: Skill) -> tuple[int, int]:
    added = removed = 0
    for path in before.files.keys() | after.files.keys():
        if not any(is_binary(skill.files.get(path, b"")) for skill in (before, after)):
            for start, end, lines in line_spans(before.text(path).lines, after.text(path).lines):
                added, removed = added + len(lines), removed + end - start
    return added, removed


def _waiting(cards: Sequence[Card]) -> Iterator[tuple[str, str, tuple[Card, ...]]]:
    for state, means in _MEANS.items():
        found = tuple(sorted((card for card in cards if card.standing.state is state), key=_rank))
        if found:
            yield str(state), means, found


def _traces(found: Account) -> Iterator[tuple[int, str, str]]:
    """Count how traces ended, the commonest first."""
    if found.status is None:
        named, _ = distinct(found.refs(found.standings))
        if named:
            yield named, "lessons", "the run's record is not in this repository: what taught nothing is not known here"
        return
    ends: Counter[tuple[str, str]] = Counter()
    for each in found.status.fates.values():
        ends[str(each.fate).replace("_", " "), "" if each.lessons else each.reason] += 1
    for skipped in found.status.plan.skipped if found.status.plan else ():
        ends["skipped", WHY[skipped.why]] += 1
    if pending := found.status.traces["pending"]:
        ends["pending", "not studied yet"] += pending
    yield from ((count, end, why) for (end, why), count in sorted(ends.items(), key=lambda item: (-item[1], item[0])))


def _remarks(found: Account) -> Iterator[Remark]:
    """Give the anomalies, and what analysts remarked on a trace."""
    if found.status is None:
        return
    quotes = Quotes(found.nodes.reader.repository)
    for anomaly in found.status.anomalies:
        yield Remark(anomaly.what, tuple(quotes.of(each, {}) for each in anomaly.evidence))
    for each in found.status.fates.values():
        if each.lessons and each.reason:
            yield Remark(f"on l{each.number:04d}: {each.reason}")
