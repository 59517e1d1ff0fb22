"""gitskill pr"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session
from gitskill.errors import GitRefused, InvalidInput, NotFound

if TYPE_CHECKING:
    from gitskill.forge.place import Place
    from gitskill.forge.shape import Wanted
    from gitskill.ids import CommitId
    from gitskill.publish import Published, Sending
    from gitskill.report.pull_request import Branch, Text

_RUN = re.compile(r"r\d+")


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says."""

    remote: str | None
    base: str | None
    title: str | None
    forge: str
    draft: bool
    dry_run: bool
    request_pull: bool
    bundle: Path | None
    patch: bool

    def __post_init__(self) -> None:
        if sum(map(bool, (self.request_pull, self.bundle, self.patch))) > 1:
            raise click.UsageError("--request-pull, --bundle and --patch do not go together")

    @property
    def without_forge(self) -> bool:
        """Nothing is to be sent: the person carries it on."""
        return bool(self.request_pull or self.bundle or self.patch)


@dataclass(frozen=True, slots=True)
class Subject:
    """The run or the lesson that it is about."""

    name: str
    ref: str
    commit: "CommitId"
    base: "CommitId"
    """What its lessons stand on."""
    lessons: tuple["CommitId", ...]
    told: Any
    """What is known of it: the Status of a run, the LessonReport of a lesson."""


_OPTIONS = (
    click.option("--remote", metavar="NAME|URL", help="Where to push; else the branch's own remote, origin, the only."),
    click.option("--base", metavar="BRANCH", help="The branch it is for; else the remote's default one."),
    click.option("--title", metavar="TEXT", help="A title of your own."),
    click.option("--forge", default="", metavar="KIND[=URL]", help="github, gitlab or gitea, and its address."),
    click.option("--draft", is_flag=True, help="Open it as a draft."),
    click.option("--dry-run", "-n", is_flag=True, help="Show all that would be sent; touch no network."),
    click.option("--request-pull", is_flag=True, help="Without a forge: print what git request-pull would."),
    click.option("--bundle", type=click.Path(path_type=Path), metavar="FILE", help="Without a forge: write a bundle."),
    click.option("--patch", is_flag=True, help="Without a forge: print the lessons as mails for git am."),
)


@click.command()
@click.argument("name", default="", metavar="[RUN|LESSON]")
@options.together("flags", Flags, _OPTIONS)
@options.as_json
@click.pass_obj
def pr(session: Session, name: str, flags: Flags, as_json: bool) -> None:
    """Push a candidate or a lesson, and open a pull request for it.

    Without a name it is the newest run. Only that one branch is pushed, with
    the credentials that your own git has. Where its pull request is open
    already, title and text are brought up to date.

    \b
    Example:
      gitskill pr r0007 --dry-run
      gitskill pr r0007 --draft
      gitskill pr l0044a --remote upstream --base main
      gitskill pr r0007 --bundle r0007.bundle
    """
    subject = _subject(session, name)
    if flags.without_forge:
        _carry(session, subject, flags)
        return
    sending, place = _where(session, subject, flags)
    wanted = _wanted(session, subject, sending, flags)
    _warn(session, subject)
    if flags.dry_run:
        _show(session, sending, place, wanted, as_json=as_json)
        return
    done = _publish(session, sending, place, wanted)
    if as_json:
        output.document(_document(sending, place, done))
        return
    output.result(f"{done.found.url}  {'opened' if done.opened else 'brought up to date'}")
    if not done.pushed:
        output.tell(f"  pushed    nothing: {sending.shown} has {wanted.head} as it is")


def _subject(session: Session, name: str) -> Subject:
    """Find what is meant, and the branch that it has here."""
    from gitskill.cli.working import find_run, stands
    from gitskill.ids import RunId
    from gitskill.report.lesson import report_lesson
    from gitskill.report.pull_request import taught
    from gitskill.store.lessons import find
    from gitskill.store.names import archived, evolved_ref
    from gitskill.store.refs import target

    if not name or _RUN.fullmatch(name):
        found = stands(session, RunId.parse(name) if name else find_run(session).id)
        run = found.run
        if found.candidate is None:
            gone = target(session.repository, archived(session.repository, evolved_ref(session.repository, run.id)))
            what = "was put away, as it is released" if gone else "is not there"
            raise NotFound(f"the candidate of {run.id} {what}", hint=f"gitskill status {run.id}")
        lessons = tuple(taught(session.nodes, found.candidate))
        return Subject(str(run.id), evolved_ref(session.repository, run.id), found.candidate, run.base, lessons, found)
    lesson = find(session.repository, name)
    report = report_lesson(session.nodes, lesson)
    if lesson.ref is None:
        raise NotFound(f"{lesson.id} has no branch here", hint=f"gitskill restore {lesson.id}")
    made = report.recorded
    return Subject(str(lesson.id), lesson.ref, lesson.commit, made.base, (lesson.commit,), report)


def _where(session: Session, subject: Subject, flags: Flags) -> "tuple[Sending, Place]":
    """Find the remote, its forge, and the branch that it is for; nobody is asked."""
    from gitskill.forge.place import locate
    from gitskill.publish import Sending
    from gitskill.store import remote
    from gitskill.store.refs import HEADS

    name = flags.remote or remote.default(session.repository)
    place = locate(remote.url_of(session.repository, name, push=True), flags.forge)
    base = flags.base or remote.default_branch(session.repository, name)
    if HEADS + base == subject.ref:
        raise InvalidInput(f"{base} cannot be merged into itself", hint="say which branch it is for with --base")
    return Sending(name, remote.shown(session.repository, name), subject.ref, subject.commit, base), place


def _text(session: Session, subject: Subject, branch: "Branch") -> "Text":
    from gitskill.cli.status import cost
    from gitskill.report.pull_request import of_lesson, of_run
    from gitskill.report.status import Status

    if isinstance(subject.told, Status):
        told = cost(session, subject.told) or "no model was asked"
        return of_run(session.nodes, subject.told, branch, told)
    return of_lesson(session.nodes, subject.told, branch)


def _wanted(session: Session, subject: Subject, sending: "Sending", flags: Flags) -> "Wanted":
    from gitskill.forge.shape import Wanted
    from gitskill.report.pull_request import Branch
    from gitskill.store.refs import HEADS

    head = subject.ref.removeprefix(HEADS)
    text = _text(session, subject, Branch(head, subject.base))
    title = " ".join((flags.title or text.title).split())
    if not title:
        raise InvalidInput("the title is empty")
    return Wanted(head, sending.base, title, text.body, flags.draft)


def _warn(session: Session, subject: Subject) -> None:
    """Say what the text cannot make harmless."""
    from gitskill.report.pull_request import closing

    if found := closing(session.nodes, subject.lessons):
        several = f" and {len(found) - 1} others" if len(found) > 1 else ""
        output.tell(f"  note      the commit message of {found[0]}{several} holds words that close issues when merged")


def _publish(session: Session, sending: "Sending", place: "Place", wanted: "Wanted") -> "Published":
    from gitskill.forge.client import Client
    from gitskill.forge.place import token_for
    from gitskill.publish import publish

    token = token_for(place, session.environment)
    client = Client.connect(place, token, session.environment)
    output.tell(f"  forge     {client.forge.name} at {client.endpoint.host}, with the token of {token.source}")
    may_ask = sys.stdin.isatty() and sys.stderr.isatty()
    return publish(session.repository, sending, client, wanted, may_ask=may_ask, tell=output.tell)


def _document(sending: "Sending", place: "Place", done: "Published | None" = None) -> dict[str, Any]:
    from gitskill.store.refs import HEADS

    return {
        "url": done.found.url if done else None,
        "number": done.found.number if done else None,
        "opened": bool(done and done.opened),
        "pushed": bool(done and done.pushed),
        "forge": place.kind,
        "project": place.project,
        "remote": sending.shown,
        "branch": sending.ref.removeprefix(HEADS),
        "commit": sending.commit,
        "base": sending.base,
    }


def _show(session: Session, sending: "Sending", place: "Place", wanted: "Wanted", *, as_json: bool) -> None:
    """Print what would be sent, in the order in which it would."""
    import json

    from gitskill.store import remote

    where = remote.url_of(session.repository, sending.remote, push=True).shown
    forge = place.forge
    push = f"{sending.commit}:{sending.ref}"
    calls = (forge.finding(wanted.head, 1), forge.opening(wanted))
    if as_json:
        told = [{"method": each.method, "url": forge.api + each.path, "body": each.body} for each in calls]
        output.document(_document(sending, place) | {"push": {"to": where, "refspec": push}, "calls": told})
        return
    output.result(f"push  {where}  {push}")
    for call in calls:
        output.result(f"{call.method}  {forge.api}{call.path}")
    short = {name: value for name, value in (calls[1].body or {}).items() if value != wanted.body}
    output.result(f"      {json.dumps(short, ensure_ascii=False)}, and this text:")
    output.result()
    output.block(wanted.body)
    output.tell("nothing was sent; where the pull request is open already, its title and text would be changed")


def _carry(session: Session, subject: Subject, flags: Flags) -> None:
    """Give the branch in a form that a person takes along."""
    from gitskill.store import mail, remote
    from gitskill.store.refs import HEADS

    repository = session.repository
    if flags.request_pull:
        name = flags.remote or remote.default(repository)
        url = remote.url_of(repository, name).shown
        branch = subject.ref.removeprefix(HEADS)
        output.block(mail.request_pull(repository, subject.base, subject.commit, url, branch).rstrip("\n"))
        output.tell(f"  push it   git push {remote.shown(repository, name)} {branch}")
    elif flags.patch:
        output.exact(mail.patches(repository, subject.lessons))
        if len(subject.lessons) > 1:
            output.tell("each lesson is a patch to the base; what was settled between them is only in the branch")
    elif flags.bundle:
        data = mail.bundle(repository, subject.base, subject.ref)
        try:
            with flags.bundle.open("xb") as file:
                file.write(data)
        except FileExistsError as error:
            raise InvalidInput(f"{flags.bundle} is there already", hint="name another file") from error
        except OSError as error:
            raise GitRefused(f"{flags.bundle} cannot be written: {error.strerror}") from error
        output.result(f"{flags.bundle}  {subject.name}, for whoever has {subject.base[:10]}")
        output.tell(f"  take it   git fetch {flags.bundle} {subject.ref}")
