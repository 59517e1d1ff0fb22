"""gitskill hook"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitskill.cli import output
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput, NeedsPerson

if TYPE_CHECKING:
    from gitskill.guard import Author, Objection, RefChange
    from gitskill.store.repository import Repository

_ALLOW = "GITSKILL_ALLOW"
"""The variable by which a person lets something through. No file of a repository can set it."""

_LONGEST = 10_000_000


@click.group()
def hook() -> None:
    """Answer git's hooks; `gitskill install` makes git ask.

    Each says what is wrong on stderr, and its exit code stops git or not.
    GITSKILL_ALLOW, with one or more of held, branches, red, lets through what
    a person has looked at.

    \b
    Example:
      gitskill hook pre-commit
      GITSKILL_ALLOW=held git commit
    """


@hook.command("pre-commit")
@click.pass_obj
def pre_commit(session: Session) -> None:
    """Check the skills that are staged.

    They are read from the index and held against HEAD: what was wrong before
    is not asked about. Exit code 3 for an invalid skill; 4 where a person must
    look first, as at a new host or command.

    \b
    Example:
      gitskill hook pre-commit
    """
    from gitskill.checks.finding import Level
    from gitskill.guard import staged_findings
    from gitskill.store.staged import staged_tree

    repository = _repository(session)
    index = session.environment.get("GIT_INDEX_FILE", "") or repository.git_dir / "index"
    found = staged_findings(repository, staged_tree(repository, session.directory / index))
    for each in found:
        place = f"{each.path}:{each.line}: " if each.line else f"{each.path}: "
        output.tell(f"{each.level}  {each.check}  {place}{each.message}")
    levels = {each.level for each in found}
    if Level.INVALID in levels:
        raise InvalidInput("what is staged makes a skill invalid", hint="mend it, git add it, and commit again")
    if Level.HELD in levels and "held" not in _allowed(session):
        raise NeedsPerson(
            "the skill would get new reach: look at it first", hint=f"if it is right: {_ALLOW}=held git commit"
        )


@hook.command("commit-msg")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def commit_msg(session: Session, file: Path) -> None:
    """Keep the trailers of lessons and merges.

    On gitskill's branches the trailers are what says which lesson a commit is.
    A message that would lose them is refused.

    \b
    Example:
      gitskill hook commit-msg .git/COMMIT_EDITMSG
    """
    from gitskill.guard import message_problem

    try:
        text = (session.directory / file).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    if problem := message_problem(_repository(session), text, _author(session)):
        raise InvalidInput(problem, hint="git log -1 --format=%B shows the message that is there")


@hook.command("pre-push")
@click.argument("remote", nargs=-1, expose_value=False, metavar="[REMOTE URL]")
@click.pass_obj
def pre_push(session: Session) -> None:
    """Keep to yourself what nobody asked for.

    Git gives the refs on stdin. gitskill's own branches and refs are refused,
    and branches and tags with an invalid skill.

    \b
    Example:
      echo "$LOCAL $OID $REMOTE $OLD" | gitskill hook pre-push origin
    """
    from gitskill.guard import push_objections

    changes = _changes(lambda fields: (fields[2], fields[3], fields[1]))
    found = [
        each for each in push_objections(_repository(session), changes) if each.allowed_by not in _allowed(session)
    ]
    _refuse(found, "; ".join(f"{_ALLOW}={word} git push" for word in sorted({each.allowed_by for each in found})))


@hook.command("pre-receive")
@click.pass_obj
def pre_receive(session: Session) -> None:
    """Guard a server: released versions stay, skills stay valid.

    Git gives the refs on stdin. Refused are version tags that move or go,
    refs/gitskill/ that lose history, and branches and tags with an invalid
    skill.

    \b
    Example:
      echo "$OLD $NEW refs/heads/main" | gitskill hook pre-receive
    """
    from gitskill.guard import receive_objections
    from gitskill.store.staged import look_into

    repository = _repository(session)
    if waiting := session.environment.get("GIT_OBJECT_DIRECTORY", ""):
        look_into(repository, session.directory / waiting)
    _refuse(list(receive_objections(repository, _changes(lambda fields: (fields[2], fields[0], fields[1])))), "")


@hook.command("merge-driver")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@click.argument("marker", type=click.IntRange(1, 1000), default=7)
@click.argument("name", default="SKILL.md")
@click.pass_obj
def merge_driver(session: Session, base: Path, ours: Path, theirs: Path, marker: int, name: str) -> int:
    """Merge three versions of a file into OURS.

    Two people who add to one list are no conflict. Where both change one line
    there are conflict markers, and the exit code is 1.

    \b
    Example:
      gitskill hook merge-driver %O %A %B %L %P
    """
    from gitskill.merging import merge_files

    versions = [_read(session.directory / path) for path in (base, ours, theirs)]
    merged = merge_files(*versions, markdown=name.endswith(".md"), marker=marker)
    if merged.data != versions[1]:
        try:
            (session.directory / ours).write_bytes(merged.data)
        except OSError as error:
            raise InvalidInput(f"{ours} cannot be written: {error.strerror}") from error
    if merged.conflicts:
        output.tell(f"gitskill: {output.counted(merged.conflicts, 'place')} in {name} for you to decide")
    return 1 if merged.conflicts else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def _repository(session: Session) -> "Repository":
    """Open the repository that git is at work in: it may be another one than that around the directory."""
    named = session.environment.get("GIT_DIR", "")
    return replace(session, directory=session.directory / named).repository if named else session.repository


def _allowed(session: Session) -> set[str]:
    return set(session.environment.get(_ALLOW, "").replace(",", " ").split())


def _author(session: Session) -> "Author | None":
    """Tell whom git names as the author of the commit, as it does to this hook."""
    name, email, date = (session.environment.get(f"GIT_AUTHOR_{part}", "") for part in ("NAME", "EMAIL", "DATE"))
    moment = date.partition(" ")[0].removeprefix("@")
    return (name, email, int(moment)) if moment.isascii() and moment.isdecimal() else None


def _changes(order: Callable[[list[str]], tuple[str, str, str]]) -> "Iterator[RefChange]":
    from gitskill.guard import RefChange

    data = sys.stdin.buffer.read(_LONGEST + 1) if sys.stdin else b""
    if len(data) > _LONGEST:
        raise InvalidInput("git names more refs than can be looked at", hint="push fewer at once")
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            raise InvalidInput(f"{line[:80]!r} is not what git says to a hook")
        yield RefChange(*order([*fields, ""]))


def _refuse(found: "list[Objection]", allow: str) -> None:
    for each in found:
        output.tell(f"refused  {each.ref} {each.why}")
    if found:
        what = output.counted(len(found), "thing")
        hint = f"if that is what you want: {allow}" if allow else ""
        raise NeedsPerson(f"{what} to look at before this is pushed", hint=hint)
