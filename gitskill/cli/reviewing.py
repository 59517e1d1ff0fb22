"""Lessons one by one on a terminal: shown, asked about, and each verdict written as it is given."""

import sys

import click

from gitskill import amend as amending
from gitskill.cli import output
from gitskill.cli.consolidate import by_rule
from gitskill.cli.editing import edited
from gitskill.cli.review import follow_up
from gitskill.cli.session import Session
from gitskill.cli.show import verdict
from gitskill.cli.traces_show import show_step
from gitskill.cli.working import find_run
from gitskill.errors import GitskillError, InvalidInput, NotFound, RefMoved
from gitskill.fate import Decision
from gitskill.ids import LessonId
from gitskill.report.company import company
from gitskill.report.compare import compare
from gitskill.report.lesson import LessonReport, report_lesson
from gitskill.review import Decided, Wanted, decide, items
from gitskill.skill.diffs import apply_diff
from gitskill.skill.patch import as_diff
from gitskill.store.runs import Run
from gitskill.store.traces import read

_WORDS = {
    "accept": "take it as it is, also where a check holds it",
    "reject": "turn it down; you are asked why, and it is not proposed again",
    "edit": "change what it says, as a diff in your editor, and look at it again",
    "skip": "leave it as it is; it comes again the next time",
    "split": "make a lesson of each of its parts (sp)",
    "back": "go to the lesson before",
    "traces": "show the steps that it quotes",
    "quit": "stop here; your verdicts are kept",
    "?": "show this help",
}
"""What may be typed; a word may be cut short, and the first that fits is meant."""

_EVIDENCE = 3
"""Quotes that are shown at once; `traces` shows all."""


class Reviewing:
    """A person at a terminal, and the lessons of a run that are still to be looked at."""

    def __init__(self, session: Session, run: Run) -> None:
        self._session = session
        self._run = run
        self._items = {item.id: item for item in items(session.nodes, run)}
        self._queue = [item.id for item in self._items.values() if item.is_open]
        self._at = 0
        self._done: list[Decided] = []
        self._drafts: dict[LessonId, str] = {}
        """Edits that could not be made of lessons, as the person left them."""

    def work(self) -> None:
        """Go through the lessons until all are seen or the person stops."""
        if not self._queue:
            output.result(f"every lesson of {self._run.id} is decided")
            return
        report: LessonReport | None = None
        while self._at < len(self._queue):
            lesson = self._queue[self._at]
            try:
                report = report or self._shown(lesson)
            except (InvalidInput, NotFound) as error:  # its branch is broken or gone: the others can be looked at
                output.error(error)
                self._at += 1
                continue
            try:
                word = self._asked(report)
            except KeyboardInterrupt:
                click.echo(err=True)
                output.tell(f"  go on     gitskill review {self._run.id}: the verdicts so far are kept")
                raise
            if word == "quit":
                break
            try:
                report = None if self._do(word, lesson, report) else report
            except RefMoved as error:
                output.error(error)
                self._again()
                report = None
            except GitskillError as error:
                output.error(error)
        self._finish()

    def _finish(self) -> None:
        made = [verdict for done in self._done for verdict in done.verdicts]
        counts = {each: sum(one.decision is each for one in made) for each in Decision}
        left = sum(item.is_open for item in items(self._session.nodes, self._run))
        told = ", ".join(f"{count} {decision}ed" for decision, count in counts.items())
        output.result(f"{told}; {output.counted(left, 'lesson')} left to look at")
        for done in self._done:
            if done.run:
                follow_up(self._session, self._run, done)
        plain = [done for done in self._done if not done.run]
        if plain:
            follow_up(self._session, self._run, plain[-1])

    def _shown(self, lesson: LessonId) -> LessonReport:
        item = self._items[lesson]
        if item.found is None:
            raise NotFound(f"{lesson} has no branch any more")
        report = report_lesson(self._session.nodes, item.found)
        output.result()
        _head(report, f"[{self._at + 1}/{len(self._queue)}]")
        _rows(self._session, report)
        difference = compare(self._session.nodes, report.recorded.base, report.recorded.commit)
        output.comparison(difference, lessons=False)
        return report

    def _asked(self, report: LessonReport) -> str:
        """Ask until a word is understood. At the end of what is typed it is `quit`."""
        can_split = len(amending.parts(report.recorded.changes)) > 1
        words = [word for word in _WORDS if can_split or word != "split"]
        while True:
            typed = _line(f"{', '.join(words[:-1])}, ? for help: ")
            if typed is None:
                return "quit"
            word = next((word for word in words if typed and word.startswith(typed.lower())), "?")
            if word != "?":
                return word
            output.table([(f"  {each}", _WORDS[each]) for each in words])

    def _do(self, word: str, lesson: LessonId, report: LessonReport) -> bool:
        """Do what was asked, and tell whether there is something else to look at now."""
        match word:
            case "accept":
                return self._decide(Wanted(lesson, Decision.ACCEPT, seen=report.recorded.commit))
            case "reject":
                return self._reject(report)
            case "traces":
                return _show_traces(self._session, report)
            case "edit":
                return self._edit(report)
            case "split":
                return self._split(report)
            case _:
                self._at = self._at + 1 if word == "skip" else max(self._at - 1, 0)
                return True

    def _decide(self, wanted: Wanted) -> bool:
        done = decide(self._session.nodes, self._run, [wanted], self._session.who())
        self._done = [*self._done, done]
        if done.run:
            by_rule(self._session, done.run)
        self._again()
        self._at += 1
        return True

    def _reject(self, report: LessonReport) -> bool:
        reason = _line("why: ")
        if reason:
            recorded = report.recorded
            return self._decide(Wanted(recorded.lesson.id, Decision.REJECT, reason, recorded.commit))
        output.tell("it is not rejected: a reason is needed")
        return False

    def _edit(self, report: LessonReport) -> bool:
        reader = self._session.reader
        base, before = reader.read(report.recorded.base), reader.read(report.recorded.commit)
        lesson, text = report.recorded.lesson.id, as_diff(base, before)
        changed = edited(self._session, self._drafts.get(lesson, text), lesson)
        if changed == text or not changed.strip():
            self._drafts.pop(lesson, None)
            output.tell("nothing was changed")
            return False
        self._drafts[lesson] = changed  # what a check refuses need not be typed again
        skill = apply_diff(base, changed)
        amending.amend(self._session.nodes, report.found, skill, self._session.who())
        del self._drafts[lesson]
        self._again()
        return True

    def _split(self, report: LessonReport) -> bool:
        made = amending.split(self._session.nodes, self._run, report.found, self._session.who())
        self._queue[self._at + 1 : self._at + 1] = made
        output.tell(f"split: {', '.join(each.short for each in made)} come next")
        self._again()
        return True

    def _again(self) -> None:
        """Read the run as it is now."""
        self._run = find_run(self._session, self._run.id)
        self._items = {item.id: item for item in items(self._session.nodes, self._run)}


def _line(question: str) -> str | None:
    """Ask on the terminal; None at the end of input."""
    click.echo(question, nl=False, err=True)
    typed = sys.stdin.readline()
    return typed.strip() if typed else None


def _head(report: LessonReport, place: str) -> None:
    lesson, standing = report.recorded.lesson, report.standing
    support = standing.support
    told = f"  support {support}" if support and support.traces else ""
    state = str(standing.state).upper()
    output.result(f"{place} {state}  {lesson.id.short}  {lesson.title}{told}", bold=True)


def _rows(session: Session, report: LessonReport) -> None:
    lesson, standing = report.recorded.lesson, report.standing
    met = company(session.nodes, lesson.id, standing)
    rows = [(f"why {standing.state}", f"{standing.by}: {standing.reason}")] if standing.reason else []
    rows += [("verdict", verdict(report))] if report.verdict else []
    rows += [("cause", lesson.cause.replace("\n", " ")), ("by", lesson.analyst)]
    rows += [("of", str(lesson.of[0]))] if lesson.of else []
    rows += [("verified", lesson.verified)] if lesson.verified else []
    tasks = {ref.trace: ref.task for ref in lesson.traces}
    rows += [
        ("evidence", f'{tasks.get(item.trace, item.trace[:12])} step {item.step}  "{" ".join(item.quote.split())}"')
        for item in lesson.evidence[:_EVIDENCE]
    ]
    more = len(lesson.evidence) - _EVIDENCE
    rows += [("", f"and {output.counted(more, 'quote')} more: traces")] if more > 0 else []
    rows += [("merged with", f"{', '.join(each.short for each in met.others)} ({met.how})")] if met.others else []
    rows += [("dropped", f"{each.short}: {reason}") for each, reason in met.dropped]
    rows += [("checks", f"{item.level} {item.path}: {item.message}") for item in report.findings]
    output.table(rows)


def _show_traces(session: Session, report: LessonReport) -> bool:
    """Show each step that the lesson quotes, whole; the lesson itself stays the one that is asked about."""
    if not report.recorded.lesson.evidence:
        output.tell("it quotes nothing")
    for trace, step in dict.fromkeys((item.trace, item.step) for item in report.recorded.lesson.evidence):
        try:
            found = read(session.repository, trace)
        except (InvalidInput, NotFound) as error:
            output.tell(f"{trace[:12]}: {error}")
            continue
        output.result(f"{trace[:12]}", bold=True)
        if 1 <= step <= len(found.steps):
            show_step(step, found.steps[step - 1])
    return False
