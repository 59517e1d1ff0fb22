"""gitskill doctor"""

import platform
import shutil
import sys

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session
from gitskill.errors import GitskillError

_PROGRAMS = {
    "git": "needed: packs, refs",
    "bwrap": "optional: runs what a model proposes, in a sandbox",
    "chromium": "optional: gitskill's own tests look at its report with it",
    "strace": "optional: gitskill's own tests break off writes with it",
}


@click.command()
@click.option("--no-call", is_flag=True, help="Send nothing to the model that is configured.")
@options.as_json
@click.pass_obj
def doctor(session: Session, no_call: bool, as_json: bool) -> int:
    """Say what gitskill finds here, and what is missing.

    A configured model is asked one tiny question, which may cost a fraction
    of a cent. Model servers on this machine are looked for; they get no key.

    \b
    Example:
      gitskill doctor
      gitskill doctor --no-call
    """
    from gitskill.cli import doctor_model
    from gitskill.model.local import PORTS

    rows = [*_versions(), *_programs(), *_repository(session)]
    rows += [*doctor_model.rows(session, call=not no_call), doctor_model.local_row(tuple(PORTS))]
    if as_json:
        output.document([{"what": what, "verdict": verdict, "detail": detail} for what, verdict, detail in rows])
    else:
        output.table([(verdict, what, detail) for what, verdict, detail in rows])
    return 3 if any(verdict == "bad" for _, verdict, _ in rows) else 0


def _versions() -> list[tuple[str, str, str]]:
    from importlib.metadata import version

    import pygit2

    return [
        ("gitskill", "ok", version("gitskill")),
        ("python", "ok", f"{platform.python_version()} at {sys.executable}"),
        ("pygit2", "ok", f"{version('pygit2')}, libgit2 {pygit2.LIBGIT2_VERSION}"),
    ]


def _programs() -> list[tuple[str, str, str]]:
    rows = []
    for program, purpose in _PROGRAMS.items():
        found = shutil.which(program)
        missing = "bad" if purpose.startswith("needed") else "none"
        rows.append((program, "ok" if found else missing, found or f"not on PATH; {purpose}"))
    return rows


def _repository(session: Session) -> list[tuple[str, str, str]]:
    from gitskill.checks.finding import Verdict, verdict
    from gitskill.checks.whole import check_whole
    from gitskill.cli.doctor_model import reason
    from gitskill.store.checkout import edited

    rows = []
    try:
        rows.append(("repository", "ok", f"{session.repository.shown}, branches below {session.repository.prefix}/"))
        who = session.who()
        rows.append(("identity", "ok", f"{who.name} <{who.email}>"))
        reader = session.reader
        skill = reader.read(session.repository.head())
        found = verdict(check_whole(skill, ""))
        place = reader.folder or "the root"
        rows.append(("skill", "bad" if found is Verdict.INVALID else "ok", f"{place}: {found}"))
        if files := edited(reader):
            rows.append(("checkout", "note", f"uncommitted edits are not part of a base: {', '.join(files)}"))
    except GitskillError as error:
        rows.append(("repository", "bad", reason(error)))
    return rows
