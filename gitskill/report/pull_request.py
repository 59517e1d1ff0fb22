"""What a pull request says of a run or of a lesson: title and text."""

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitskill.errors import InvalidInput, NotFound
from gitskill.ids import CommitId, LessonId
from gitskill.lesson import Lesson
from gitskill.messages import Markdown, fill, markdown, plain
from gitskill.node import Kind, Live
from gitskill.report.compare import Comparison, compare
from gitskill.report.lesson import LessonReport, State
from gitskill.report.status import Status
from gitskill.skill.frontmatter import split
from gitskill.skill.snapshot import SKILL_FILE
from gitskill.store.history import octopuses
from gitskill.store.nodes import NodeStore

LIMIT = 60_000
"""Bytes of a text: GitHub takes 65,536 characters, others more."""

_ROWS = 40_000
_WAITING = 8_000
_QUOTES = 5
_FINDINGS = 20
_CLOSES = re.compile(
    r"\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?)\b[^\w\n]{1,3}"
    r"(?:issues?\s+)?(?:[\w./-]*#\d|GH-\d|https?://)",
    re.IGNORECASE,
)
_NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Text:
    """A pull request in words."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Branch:
    """What a reader needs to try it."""

    name: str
    """The branch as the remote has it."""
    base: CommitId
    """What the lessons stand on."""

    @property
    def commands(self) -> list[Markdown]:
        """What to type to try it. The names come from the repository: a shell must not obey them."""
        told = [f"git fetch origin {shlex.quote(self.name)}", "git switch --detach FETCH_HEAD"]
        told += [f"gitskill diff {self.base[:10]} HEAD"]
        return [Markdown(each) for each in told if each.isprintable() and "```" not in each]


def of_run(nodes: NodeStore, found: Status, branch: Branch, cost: str) -> Text:
    """Write the pull request of a run's candidate."""
    if found.candidate is None:
        raise NotFound(f"{found.run.id} has no candidate", hint=f"gitskill consolidate {found.run.id}")
    lessons = _lessons(nodes, found.candidate)
    change = compare(nodes, found.run.base, found.candidate)
    places = _places(change)
    rows = [
        {
            "support": str(each.support),
            "lesson": each.lesson.short,
            "title": each.title or lessons[each.lesson].title,
            "where": "; ".join(places[each.lesson]) or "takes lines out",
            "why": lessons[each.lesson].cause,
        }
        for each in found.top
    ]
    shown = _fitting(rows, _ROWS)
    waiting = _waiting(found)
    waiting_shown = _fitting(waiting, _WAITING)
    title = f"{_skill(nodes, found.run.base)}: {_counted(len(rows), 'lesson')}{_from_traces(found)} ({found.run.id})"
    values = {
        "result": _result(found, len(rows)),
        "rows": shown,
        "more": len(rows) - len(shown),
        "show": f"gitskill show {found.run.id}",
        "waiting": waiting_shown,
        "waiting_more": len(waiting) - len(waiting_shown),
        "change": change.summary,
        "gate": _NOT_MEASURED,
        "cost": cost,
        "commands": branch.commands,
        "blame": "gitskill blame SKILL.md",
        "drop": f"gitskill drop {rows[0]['lesson']}" if rows else "",
    }
    return Text(plain(title, 200), fill("pull-request-run.md", values))


def of_lesson(nodes: NodeStore, report: LessonReport, branch: Branch) -> Text:
    """Write the pull request of one lesson's branch."""
    lesson = report.recorded.lesson
    change = compare(nodes, report.recorded.base, report.recorded.commit)
    where = dict.fromkeys(_place(item.path, item.section) for item in change.differences)
    quotes = [{"place": f"{each.trace[:12]} step {each.step}", "quote": each.quote} for each in lesson.evidence]
    values = {
        "cause": markdown(lesson.cause, 2000),
        "lesson": str(lesson.id),
        "analyst": lesson.analyst,
        "support": _counted(report.support, "trace") if report.support else "a person wrote it",
        "where": markdown("; ".join(where) or ", ".join(report.files), 2000),
        "change": change.summary,
        "verified": lesson.verified,
        "gate": _NOT_MEASURED,
        "quotes": quotes[:_QUOTES],
        "quotes_more": max(0, len(quotes) - _QUOTES),
        "findings": [f"{item.level} {item.path}: {item.message}" for item in report.findings[:_FINDINGS]],
        "commands": branch.commands,
    }
    return Text(plain(lesson.title, 200), fill("pull-request-lesson.md", values))


def closing(nodes: NodeStore, lessons: Iterable[CommitId]) -> list[LessonId]:
    """Name the lessons whose commit messages hold words by which forges close issues once they are merged.

    A message quotes what stands in traces exactly, so those words stay: a person must know of them.
    """
    repository = nodes.reader.repository
    found = (each for each in lessons if _CLOSES.search(repository.read_commit(each).message))
    return sorted(nodes.lesson(commit).lesson.id for commit in found)


def taught(nodes: NodeStore, candidate: CommitId) -> list[CommitId]:
    """List the lessons that a candidate carries, of each fold the one that speaks for it."""
    return [
        commit
        for live in _carried(nodes, candidate)
        for _, commit in (live.sources[:1] if live.kind is Kind.FOLD else live.sources)
    ]


def _lessons(nodes: NodeStore, candidate: CommitId) -> Mapping[LessonId, Lesson]:
    """Read every lesson that a candidate carries."""
    sources = [source for live in _carried(nodes, candidate) for source in live.sources]
    return {lesson: nodes.lesson(commit).lesson for lesson, commit in sources}


def _carried(nodes: NodeStore, candidate: CommitId) -> tuple[Live, ...]:
    """Give what the last octopus of a candidate carries, and the rounds below it; a person may have gone on from it."""
    octopus = next((commit for commit, _ in octopuses(nodes.reader.repository, candidate)), None)
    if octopus is None:
        raise InvalidInput(f"{candidate[:10]} joins no lessons")
    return tuple(live for node in reversed(nodes.line(octopus)) for live in node.live)


def _places(change: Comparison) -> Mapping[LessonId, list[str]]:
    """Tell where in the candidate each lesson has lines."""
    found: defaultdict[LessonId, dict[str, None]] = defaultdict(dict)
    for item in change.differences:
        for line in item.added:
            for lesson in line.line.lessons:
                found[lesson][_place(item.path, item.section)] = None
    return defaultdict(list, {lesson: list(places) for lesson, places in found.items()})


def _place(path: str, section: str) -> str:
    last = section.rpartition(" > ")[2]
    return f"{path}, {last}" if last else path


def _waiting(found: Status) -> list[dict[str, str]]:
    titles = {one.slot: one.title for each in found.fates.values() for one in each.lessons}
    held = [(lesson, one) for lesson, one in found.lessons.items() if one.state is State.HELD]
    return [
        {"lesson": lesson.short, "title": titles.get(lesson.short, ""), "why": f"{one.by}: {one.reason}"}
        for lesson, one in held
    ]


def _result(found: Status, count: int) -> str:
    said = len([one for one in found.lessons.values() if one.state is State.FOLDED])
    folded = f"; {said} more said the same and count as support" if said else ""
    return f"{_counted(count, 'lesson')}{_from_traces(found)}, run {found.run.id} by {found.run.engine}{folded}."


def _from_traces(found: Status) -> str:
    studied = sum(number for name, number in found.traces.items() if name not in {"skipped", "pending"})
    return f" from {_counted(studied, 'trace')}" if studied else ""


def _skill(nodes: NodeStore, base: CommitId) -> str:
    """Name the skill as it names itself, else by its folder."""
    text = str(nodes.reader.read(base).text(SKILL_FILE))
    name = split(text).fields.get("name")
    return str(name or nodes.reader.folder.rpartition("/")[2] or "skill")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _fitting(rows: Sequence[dict[str, str]], most: int) -> list[dict[str, str]]:
    """Give as many of the first rows as fit into so many bytes of Markdown."""
    shown: list[dict[str, str]] = []
    for row in rows:
        most -= _size(row.values()) + 20
        if most < 0:
            break
        shown.append(row)
    return shown


def _size(values: Iterable[Any]) -> int:
    return sum(len(markdown(str(value)).encode()) for value in values)
