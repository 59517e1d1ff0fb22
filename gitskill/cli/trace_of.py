"""gitskill trace-of"""

import re
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.blame import inside
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.report.evidence import Grounds, Piece
    from gitskill.report.sources import SourcedLine

_WHERE = re.compile(r"(?:(.+):)?(\d{1,9})")
_MOST = 6
"""Quotes that are shown; --all shows every one."""


@click.command("trace-of")
@click.argument("where", metavar="[FILE:]LINE")
@click.option("--rev", default="HEAD", show_default=True, help="The version to look at.")
@click.option("--context", type=click.IntRange(0, 50), default=2, show_default=True, help="Lines around each quote.")
@click.option("--all", "every", is_flag=True, help="Every quote, however many.")
@options.as_json
@click.pass_obj
def trace_of(session: Session, where: str, rev: str, context: int, every: bool, as_json: bool) -> None:
    """Show what a line of the skill rests on.

    For each lesson that taught it: the quotes, with the lines around them in
    the trace. A clone has the quotes without the traces, and says so. FILE is
    SKILL.md unless another is named.

    \b
    Example:
      gitskill trace-of 41
      gitskill trace-of references/dates.md:7 --all
    """
    from gitskill.report.evidence import grounds
    from gitskill.report.sources import sourced

    match = _WHERE.fullmatch(where)
    if match is None:
        raise click.BadParameter(f"{where!r} is not a line such as 41 or SKILL.md:41", param_hint="[FILE:]LINE")
    file = inside(session, match[1] or "SKILL.md")
    lines = sourced(session.nodes, file, session.commit(rev))
    number = int(match[2])
    if not 1 <= number <= len(lines):
        raise click.BadParameter(f"{file} has lines 1 to {len(lines)}", param_hint="[FILE:]LINE")
    line = lines[number - 1]
    found = list(grounds(session.nodes, line, context))
    if as_json:
        output.document(_document(file, line, found))
    else:
        _print(session, file, line, found, every=every)


def _print(session: Session, file: str, line: "SourcedLine", found: "list[Grounds]", *, every: bool) -> None:
    blamed = line.line
    output.result(f"{file}:{blamed.number}  {blamed.text}".rstrip(), bold=True)
    if not found:
        commit = session.repository.read_commit(blamed.commit)
        subject = commit.message.partition("\n")[0]
        output.result(f"  {blamed.kind}: {blamed.commit[:10]} {subject}, by {commit.author.name}; no lesson taught it")
        return
    left = sum(len(each.pieces) for each in found)
    room = left if every else _MOST
    for each in found:
        if room <= 0:
            break
        output.result()
        by = f"{each.id}  {each.lesson.title}  ({each.lesson.analyst.partition(' ')[0]})"
        output.result(by)
        output.result(f"  cause     {' '.join(each.lesson.cause.split())}")
        for piece in each.pieces[:room]:
            _piece(piece)
        left, room = left - len(each.pieces[:room]), room - max(len(each.pieces), 1)
    if left:
        output.tell(f"  {output.counted(left, 'quote')} more: --all")


def _piece(piece: "Piece") -> None:
    item, ref = piece.evidence, piece.ref
    about = f"  task {ref.task}, {ref.outcome}" if ref else ""
    who = f"  ({piece.passage.origin})" if piece.passage else f"  ({piece.missing})"
    output.result(f"  evidence  {item.trace[:10]} step {item.step}{about}{who}")
    shown = piece.passage
    for mark, texts in (
        ("|", shown.before if shown else ()),
        (">", item.quote.split("\n")),
        ("|", shown.after if shown else ()),
    ):
        for text in texts:
            output.result(f"    {mark} {text}".rstrip(), bold=mark == ">" and shown is not None)


def _document(file: str, line: "SourcedLine", found: "list[Grounds]") -> dict[str, Any]:
    blamed = line.line
    return {
        "file": file,
        "line": blamed.number,
        "text": blamed.text,
        "commit": blamed.commit,
        "kind": str(blamed.kind),
        "support": line.support,
        "of": blamed.of or None,
        "lessons": [
            {
                "lesson": str(each.id),
                "commit": each.commit,
                "title": each.lesson.title,
                "cause": each.lesson.cause,
                "analyst": each.lesson.analyst,
                "evidence": [_evidence(piece) for piece in each.pieces],
            }
            for each in found
        ],
    }


def _evidence(piece: "Piece") -> dict[str, Any]:
    item, shown = piece.evidence, piece.passage
    return {
        "trace": item.trace,
        "task": piece.ref.task if piece.ref else None,
        "outcome": piece.ref.outcome if piece.ref else None,
        "step": item.step,
        "quote": item.quote,
        "stored": shown is not None,
        "missing": piece.missing,
        "origin": str(shown.origin) if shown else None,
        "before": list(shown.before) if shown else [],
        "after": list(shown.after) if shown else [],
    }
