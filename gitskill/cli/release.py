"""gitskill release"""

from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.release import Released
    from gitskill.report.status import Status
    from gitskill.store.objects import Signer


@click.command()
@click.argument("run", default="", metavar="[RUN]")
@click.option(
    "--bump", type=click.Choice(["major", "minor", "patch"]), help="Which number grows.  [default: what changed]"
)
@options.sign
@options.as_json
@click.pass_obj
def release(session: Session, run: str, bump: str | None, sign: bool, as_json: bool) -> None:
    """Merge a run's candidate into your branch and tag it.

    Your branch, its work tree, the tag and the run's branches move together or
    not at all. What you committed on gitskill/RUN/evolved is released with it.
    Without RUN it is the newest one with a candidate.

    \b
    Example:
      gitskill release r0007
      gitskill release --bump major --sign
    """
    made = released(session, candidate_run(session, run), bump, sign=sign)
    if as_json:
        output.document(document(made))
    else:
        screen(made)


def candidate_run(session: Session, name: str) -> "Status":
    """Give the run that is named, or the newest whose candidate waits; else the newest, so as to say what it lacks."""
    from gitskill.cli.working import find_run, stands
    from gitskill.errors import InvalidInput
    from gitskill.ids import RunId
    from gitskill.store.names import evolved_ref
    from gitskill.store.refs import target
    from gitskill.store.runs import recorded

    wanted = RunId.parse(name) if name else None
    known = recorded(session.repository)
    others = [run for run in known if run.id == wanted and run.folder != session.reader.folder]
    if others:
        raise InvalidInput(
            f"{wanted} is a run of the skill in {others[0].folder or 'the root'}",
            hint=f"gitskill --skill {others[0].folder or '.'} release {wanted}",
        )
    if wanted is None:
        ours = [run for run in known if run.folder == session.reader.folder]
        waiting = [run for run in ours if target(session.repository, evolved_ref(session.repository, run.id))]
        wanted = waiting[-1].id if waiting else None
    return stands(session, find_run(session, wanted).id)


def released(session: Session, found: "Status", bump: str | None = None, *, sign: bool = False) -> "Released":
    """Check the release of a run once more, and make it."""
    from gitskill.cli.traces_add import redactor
    from gitskill.release import check, prepare
    from gitskill.release import release as make
    from gitskill.skill.bump import Bump

    draft = prepare(session.nodes, found, Bump(bump) if bump else None)
    check(session.nodes, found, draft, redactor(session))
    return make(session.nodes, found, draft, session.who(), signer(session) if sign else None)


def signer(session: Session) -> "Signer":
    """Give what signs as the person's own git configuration says."""
    from gitskill.store.git import user_settings
    from gitskill.store.signing import signer as sign_as

    who = session.who()
    return sign_as(user_settings(session.repository.git_dir), f"{who.name} <{who.email}>")


def document(made: "Released") -> dict[str, str | None]:
    """Give the document that `release --json` prints; its keys are stable."""
    told = {"version": str(made.version), "tag": made.tag, "commit": made.commit, "previous": made.previous or None}
    return {**told, "branch": made.branch}


def screen(made: "Released") -> None:
    """Print what was released, and what to do next."""
    output.result(f"released {made.tag}: {made.commit[:10]} on {made.branch}")
    if made.previous:
        output.tell(f"  compare   gitskill diff {made.previous} {made.tag}")
    output.tell(f"  share     git push origin {made.branch} {made.tag}")
    output.tell("  undo      gitskill undo, while it is not pushed")
