"""gitskill show"""

import re
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.review import verdict_document
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.report.lesson import LessonReport

_RUN = re.compile(r"r\d+")
_MERGE = re.compile(r"(r\d+/)?m\d+-\d+")


@click.command()
@click.argument("name", metavar="LESSON|RUN")
@options.as_json
@click.pass_obj
def show(session: Session, name: str, as_json: bool) -> None:
    """Show a lesson and its fate, or list those of a run.

    \b
    Example:
      gitskill show l0001a
      gitskill show r0001
    """
    from gitskill.errors import NotFound
    from gitskill.report.lesson import report_lesson
    from gitskill.store.lessons import find

    if _MERGE.fullmatch(name):
        raise click.UsageError(f"{name} is a merge; see it with: gitskill diff HEAD {name}")
    if _RUN.fullmatch(name):
        _show_run(session, name, as_json=as_json)
        return
    try:
        found = find(session.repository, name)
    except NotFound:
        _show_rejected(session, name, as_json=as_json)
        return
    report = report_lesson(session.nodes, found)
    if as_json:
        output.document(_document(report))
    else:
        _print(session, report)


def _print(session: Session, report: "LessonReport") -> None:
    lesson, standing = report.recorded.lesson, report.standing
    where = f" {'in' if '/' in standing.by else 'by'} {standing.by}" if standing.by else ""
    released = f", released in {standing.released}" if standing.released else ""
    output.result(f"{lesson.id}  {lesson.title}  ({standing.state}{where}{released})")
    rows = [("cause", lesson.cause.replace("\n", " ")), ("by", lesson.analyst)]
    rows += [("verified", lesson.verified)] if lesson.verified else []
    rows += [("critical", "its analyst says that ignoring it cannot be made good")] if lesson.critical else []
    rows += [("reason", standing.reason)] if standing.reason else []
    rows += [("verdict", verdict(report))] if report.verdict else []
    rows += [("support", _support(report))] if lesson.traces else []
    rows += [
        ("evidence", f'{item.trace[:12]} step {item.step}  "{" ".join(item.quote.split())}"')
        for item in lesson.evidence
    ]
    rows += [("branch", report.found.branch or "put away, or only in history")]
    rows += [("checks", "ok")] if not report.findings else []
    rows += [("checks", f"{item.level} {item.path}: {item.message}") for item in report.findings]
    output.table(rows)
    _print_changes(session, report)


def verdict(report: "LessonReport") -> str:
    """Say who decided what and when, and whether it counts yet."""
    from gitskill.report.changelog import day_of
    from gitskill.report.status import is_uncounted

    made = report.verdict
    if made is None:
        return ""
    told = f"{made.decision}ed by {made.who} on {day_of(made.when)}"
    told += f": {made.reason}" if made.reason else ""
    told += f", as {made.again}" if made.again else ""
    run = report.recorded.lesson.id.run
    is_open = is_uncounted(report.standing, made)
    return f"{told}; it counts with: gitskill consolidate {run}" if is_open else told


def _support(report: "LessonReport") -> str:
    """Say how many traces teach it: of all that were studied, where it was merged with what says the same."""
    counted = report.standing.support
    again = "".join(f"; {output.counted(traces, 'more trace')} in {run}" for run, traces in report.again.items())
    if counted is None or not counted.traces:
        return output.counted(report.support, "trace") + again
    return f"{counted.traces} of {output.counted(counted.of, 'trace')}, {output.counted(counted.tasks, 'task')}{again}"


def _print_changes(session: Session, report: "LessonReport") -> None:
    from gitskill.report.compare import compare

    difference = compare(session.nodes, report.recorded.base, report.recorded.commit)
    output.comparison(difference, lessons=False)


def _document(report: "LessonReport") -> dict[str, Any]:
    lesson, standing = report.recorded.lesson, report.standing
    return {
        "lesson": str(lesson.id),
        "commit": report.recorded.commit,
        "branch": report.found.branch,
        "state": str(standing.state),
        "by": standing.by,
        "reason": standing.reason,
        "released": standing.released,
        "title": lesson.title,
        "cause": lesson.cause,
        "analyst": lesson.analyst,
        "verified": lesson.verified,
        "critical": lesson.critical,
        "traces": [{"trace": ref.trace, "task": ref.task, "outcome": ref.outcome} for ref in lesson.traces],
        "evidence": [{"trace": item.trace, "step": item.step, "quote": item.quote} for item in lesson.evidence],
        "support": standing.support.traces if standing.support else report.support,
        "again": {str(run): traces for run, traces in report.again.items()},
        "files": list(report.files),
        "verdict": verdict_document(str(lesson.id.run), report.verdict) if report.verdict else None,
        "checks": [
            {"check": item.check, "verdict": str(item.level), "detail": f"{item.path}: {item.message}"}
            for item in report.findings
        ],
    }


def _show_rejected(session: Session, name: str, *, as_json: bool) -> None:
    """Show what is kept of a lesson that has no commit, or raise the NotFound that is being handled."""
    from gitskill.report.lesson import rejected

    found = rejected(session.nodes, name)
    if found is None:
        raise  # noqa: PLE0704 - called where NotFound is handled
    lesson, fate = found
    told = {"lesson": str(lesson), "state": str(fate.state), "by": fate.by, "reason": fate.reason, "title": fate.title}
    if as_json:
        output.document({**told, "commit": None, "branch": None, "rule": fate.rule})
        return
    output.result(f"{lesson}  {fate.title}  ({fate.state} by {fate.by})")
    output.table([("reason", fate.reason), ("said", fate.rule), ("branch", "none: nothing of it was committed")])


def _show_run(session: Session, name: str, *, as_json: bool) -> None:
    from gitskill.errors import InvalidInput, NotFound
    from gitskill.ids import LessonId, RunId
    from gitskill.report.lesson import Standings
    from gitskill.store.lessons import listed

    run = RunId.parse(name)
    standings = Standings(session.nodes)
    titles = {LessonId.parse(f"{run}/{slot}"): fate.title for slot, fate in standings.fates(run).items()}
    for item in listed(session.repository, run):
        if item.id not in titles:
            try:
                titles[item.id] = session.nodes.lesson(item.commit).lesson.title
            except InvalidInput as error:
                output.tell(f"{item.id} cannot be read: {error}")
    if not titles:
        raise NotFound(f"no branch here is a lesson of {name}", hint="gitskill log names released runs")
    rows = []
    for lesson, title in sorted(titles.items()):
        state = standings.of(lesson)
        rows.append({"lesson": str(lesson), "title": title, "state": str(state.state), "by": state.by})
    if as_json:
        output.document(rows)
    else:
        output.table([(row["lesson"], row["state"], row["title"]) for row in rows])
