"""gitskill drop"""

import re
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import models, options, output, settling
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitskill.drop import Drop, Found
    from gitskill.release import Released
    from gitskill.store.past import Past

_HEX = re.compile(r"[0-9a-f]{4,64}")


@click.command()
@click.argument("lesson", required=False, metavar="[LESSON]")
@click.option("--trace", metavar="T", help="Every lesson that only this trace taught.")
@settling.wishes
@models.flags
@options.sign
@options.as_json
@click.pass_obj
def drop(
    session: Session,
    lesson: str | None,
    trace: str | None,
    wish: settling.Wish,
    flags: models.ModelFlags,
    sign: bool,
    as_json: bool,
) -> None:
    """Take a lesson out of the skill.

    That is a commit on top of the branch that is checked out. The lines that
    nobody else taught go, and text that the lesson replaced comes back. What
    other lessons say too stays, with one source less. Lines that a later
    release or a person changed are named, nothing is moved, and the exit code
    is 4.

    \b
    Example:
      gitskill drop l0044a --dry-run
      gitskill drop --trace 3f9ac1d2
    """
    from gitskill import drop as step
    from gitskill.cli.release import signer
    from gitskill.release import ready_branch
    from gitskill.store.checkout import branch_here
    from gitskill.store.past import Past

    if (lesson is None) == (trace is None):
        raise click.UsageError("name one LESSON, or a trace with --trace")
    branch = (branch_here if wish.dry_run else ready_branch)(session.repository)
    past = Past(session.nodes, session.repository.head())
    wanted, among = _wanted(session, past, lesson, trace)
    reason, who = wish.why or "a person took it out", session.who()
    found = settling.settled(session, flags, wish, lambda settlers: step.plan(past, wanted, reason, settlers, who))
    made = None if wish.dry_run else step.make(session.nodes, found, branch, who, signer(session) if sign else None)
    if as_json:
        output.document(_document(found, made, among))
    else:
        _print(found, made, among)


def _wanted(session: Session, past: "Past", lesson: str | None, trace: str | None) -> "tuple[Found, Found]":
    """Find what is to go, and what a trace taught together with others."""
    from gitskill.drop import find, of_trace
    from gitskill.errors import InvalidInput, NotFound
    from gitskill.store.traces import find as find_trace

    if lesson is not None:
        return find(past, lesson), {}
    name = trace or ""
    try:
        name = find_trace(session.repository, name).trace
    except NotFound:  # a clone has the lessons without the traces
        if not _HEX.fullmatch(name):
            raise
    alone, among = of_trace(past, name)
    if not alone:
        raise InvalidInput(
            f"every lesson of trace {name[:10]} is taught by other traces too: {', '.join(map(str, among))}",
            hint="to drop one all the same, name it",
        )
    return alone, among


def _print(found: "Drop", made: "Released | None", among: "Found") -> None:
    from gitskill.cli.release import screen
    from gitskill.drop import account

    names = ", ".join(map(str, sorted(found.lessons)))
    output.result(f"{names}  {f'dropped in {made.tag}' if made else 'would be dropped'}")
    told = account(found.before, found.after)
    for path, removed, added in told:
        output.result()
        output.result(path, bold=True)
        for sign, texts, colour in (("-", removed, "red"), ("+", added, "green")):
            for text in texts:
                output.result(f"{sign} {text}".rstrip(), fg=colour)
    if not told:
        output.result("  no line changes")
    for text in (*_apart(found), *(f"{lesson} stays: other traces teach it too" for lesson in among)):
        output.result(f"  {text}")
    if made:
        output.result()
        screen(made)


def _apart(found: "Drop") -> "Iterator[str]":
    """Tell what happens besides the lines that change."""
    for lesson, others in found.shared.items():
        yield f"{lesson} says the same as {', '.join(map(str, others))}: the text stays, with one source less"
    for each in found.settled:
        for one in each.rewritten:
            both = ", ".join(str(lesson) for part in one.of for lesson in part.lessons)
            yield f"{both}: settled again by {each.by}"
    for lesson, why in found.also.items():
        yield f"{lesson} goes too: {why}"


def _document(found: "Drop", made: "Released | None", among: "Found") -> dict[str, Any]:
    from gitskill.drop import account

    told = account(found.before, found.after)
    return {
        "lessons": [str(lesson) for lesson in sorted(found.lessons)],
        "version": str(made.version) if made else None,
        "tag": made.tag if made else None,
        "commit": made.commit if made else None,
        "previous": (made.previous or None) if made else None,
        "removed": sum(len(removed) for _, removed, _ in told),
        "added": sum(len(added) for _, _, added in told),
        "files": [path for path, _, _ in told],
        "shared": {str(lesson): [str(each) for each in others] for lesson, others in found.shared.items()},
        "stays": [str(lesson) for lesson in among],
        "also": {str(lesson): why for lesson, why in found.also.items()},
        "settled": [
            {"by": each.by, "lessons": [str(key) for part in one.of for key in part.lessons]}
            for each in found.settled
            for one in each.rewritten
        ],
    }
