"""gitskill verify"""

from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.verify import Verified


@click.command()
@click.argument("tag", default="")
@click.option("--all", "every", is_flag=True, help="Verify every version, newest first, and name those that are gone.")
@click.option("--require-signature", is_flag=True, help="Fail where no signature of yours to trust is there.")
@options.as_json
@click.pass_obj
def verify(session: Session, tag: str, every: bool, require_signature: bool, as_json: bool) -> int:
    """Check a version: its record, its text, its signature.

    Found are moved and recreated tags, records from elsewhere, gaps in the
    chain of versions, versions older than this clone has seen, and wrong
    signers. Who may sign says your own git configuration, never a repository's.

    \b
    Example:
      gitskill verify v1.4.0
      gitskill verify --all --require-signature
    """
    from gitskill.store.git import user_settings
    from gitskill.store.seen import remember, seen
    from gitskill.verify import Ground, Verdict, verify_all
    from gitskill.verify import verify as verify_one

    if bool(tag) == every:
        raise click.UsageError("name a version, or say --all")
    repository = session.repository
    ground = Ground(session.reader, user_settings(repository.git_dir), seen(repository))
    found = verify_all(ground) if every else [verify_one(ground, tag)]
    try:
        remember(repository, {each.tag: each.oid for each in found if each.verdict is not Verdict.BROKEN})
    except OSError as error:
        output.tell(f"  note      this clone cannot keep what it has seen: {error.strerror}")
    if as_json:
        documents = [_document(each) for each in found]
        output.document(documents if every else documents[0])
    else:
        _show(found)
    wrong = {Verdict.BROKEN, *([Verdict.UNSIGNED] if require_signature else [])}
    return 3 if wrong & {each.verdict for each in found} else 0


def _show(found: "list[Verified]") -> None:
    rows = []
    for each in found:
        told = [*each.problems, *each.notes]
        rows.append((each.tag, str(each.verdict), told[0] if told else ""))
        rows += [("", "", more) for more in told[1:]]
    output.table(rows)
    if not found:
        output.tell("no version is tagged yet")


def _document(found: "Verified") -> dict[str, Any]:
    return {
        "tag": found.tag,
        "verdict": str(found.verdict),
        "problems": list(found.problems),
        "notes": list(found.notes),
    }
