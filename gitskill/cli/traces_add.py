"""gitskill traces add"""

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput

if TYPE_CHECKING:
    from gitskill.formats.reading import Format
    from gitskill.intake import Labeller, Summary
    from gitskill.redact.redactor import Redactor

_NAMED = 20
"""Lines of one kind that a person reads; scripts get them all."""
_LABELS = {".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".txt"}
"""Some file systems call every file a program."""


class _Finite(click.types.FloatParamType):
    """A number that rewards can be held against."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found: float = super().convert(value, param, ctx)
        return found if math.isfinite(found) else self.fail(f"{value!r} is not a finite number", param, ctx)


@click.command("add")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format", "format_name", metavar="NAME", help="Read every file as this format; else its content says it."
)
@click.option(
    "--labels", metavar="FILE|CMD", help="How runs ended: JSON, JSON lines or CSV, or a command for each run."
)
@click.option(
    "--threshold", type=_Finite(), default=1.0, show_default=True, help="The reward in --labels that means success."
)
@click.option(
    "--task-from",
    metavar="RULE",
    default="log",
    show_default=True,
    help="Where a task's id stands: log, file, folder, text or path:REGEX.",
)
@click.option("--strict", is_flag=True, help="Fail with exit code 3 and store nothing where anything is skipped.")
@options.as_json
@click.pass_obj
def command(
    session: Session,
    paths: tuple[Path, ...],
    format_name: str | None,
    labels: str | None,
    threshold: float,
    task_from: str,
    strict: bool,
    as_json: bool,
) -> int:
    """Bring in runs: files, folders with all below them, or patterns.

    The same run added twice is one trace. What cannot be read is named with
    its reason, and the rest goes on (exit code 7).

    \b
    Examples:
      gitskill traces add ~/.claude/projects/sheets
      gitskill traces add runs/ --labels graded.csv --task-from folder
    """
    from gitskill.intake import Choice, Intake
    from gitskill.store.traces import Collection, entries
    from gitskill.tasks import TaskRule

    who, labeller = session.who(), _labeller(session, labels, threshold)
    rule, file = TaskRule.parse(task_from), _file(session, labels)
    choice = Choice(_format(format_name), rule, labeller, file, session.home)
    collection = Collection(session.repository)
    intake = Intake(redactor(session), collection, entries(session.repository), choice)
    summary = intake.run([session.directory / path for path in paths], _progress())
    if not (strict and summary.skipped):
        collection.save(f"traces add: {output.counted(summary.added, 'trace')}", who)
    if as_json:
        output.document(_document(summary, labeller) | {"stored": not (strict and summary.skipped)})
    else:
        _show(summary, labeller)
    if strict and summary.skipped:
        raise InvalidInput(f"{output.counted(len(summary.skipped), 'input')} cannot be read; nothing was stored")
    return 7 if summary.skipped else 0


def redactor(session: Session) -> "Redactor":
    """Give what takes secrets out of traces, those of the user's configuration among them."""
    from gitskill.cli.configured import user_config
    from gitskill.redact.redactor import Redactor

    return Redactor({**session.environment, **user_config(session).secrets})


def _file(session: Session, labels: str | None) -> Path | None:
    return (session.directory / labels).resolve() if labels else None


def _format(name: str | None) -> "Format | None":
    from gitskill.formats.table import by_name

    return by_name(name) if name else None


def _labeller(session: Session, labels: str | None, threshold: float) -> "Labeller | None":
    from gitskill.judge import Judge
    from gitskill.labelling import FromCommand, FromFile
    from gitskill.labels import parse_labels

    if labels is None:
        return None
    file = session.directory / labels
    who = session.who().name
    is_program = os.access(file, os.X_OK) and file.suffix.lower() not in _LABELS
    if os.path.isfile(file) and not is_program:  # noqa: PTH113 - a command may be too long for a path
        try:
            text = file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{labels} cannot be read: {error}") from error
        found = parse_labels(text, f"labels {file.name}", threshold=threshold, who=who)
        return FromFile(found, file.resolve().parent)
    return FromCommand(Judge.parse(labels, threshold), who)


def _progress() -> Callable[[int, int], None]:
    """Count files on the terminal, if stderr is one."""
    if not sys.stderr or not sys.stderr.isatty():
        return lambda _done, _of: None
    return lambda done, of: click.echo(
        f"\r  {done}/{of} files" if done < of else f"\r{'':{len(f'  {of}/{of} files')}}\r", nl=False, err=True
    )


def _document(summary: "Summary", labeller: "Labeller | None") -> dict[str, object]:
    from gitskill.labelling import FromFile
    from gitskill.outcome import Status

    return {
        "no_run_for": labeller.labels.unused if isinstance(labeller, FromFile) else [],
        "added": summary.added,
        "known": summary.known,
        "relabelled": summary.relabelled,
        "skipped": [{"path": item.path, "reason": item.reason} for item in summary.skipped],
        "passed_over": summary.passed,
        "formats": dict(sorted(summary.formats.items())),
        "outcomes": {status.value: summary.outcomes[status] for status in Status},
        "unlabelled": [entry.trace for entry in summary.unlabelled],
        "redacted": dict(sorted(summary.redacted.items())),
        "same_run": [{"trace": entry.trace, "as": twin.trace} for entry, twin in summary.twins],
        "notes": [{"path": item.path, "note": item.reason} for item in summary.notes],
    }


def _show(summary: "Summary", labeller: "Labeller | None") -> None:
    from gitskill.labelling import FromFile

    formats = ", ".join(f"{name} {count}" for name, count in summary.formats.most_common())
    known = f", {summary.known} known before" if summary.known else ""
    again = f" ({summary.relabelled} with another outcome now)" if summary.relabelled else ""
    output.result(f"{output.counted(summary.added, 'trace')} added{known}{again}" + (f"  {formats}" if formats else ""))
    if summary.outcomes:
        output.result("  outcome   " + ", ".join(f"{n} {status}" for status, n in sorted(summary.outcomes.items())))
    if summary.redacted:
        output.result("  redacted  " + ", ".join(f"{kind} {n}" for kind, n in sorted(summary.redacted.items())))
    _lines("no label", [f"{entry.short}  {entry.where}" for entry in summary.unlabelled])
    _lines("same run", [f"{entry.short} as {twin.short}  {entry.where}" for entry, twin in summary.twins])
    _lines("note", [f"{item.path}: {item.reason}" for item in summary.notes])
    _lines("skipped", [f"{item.path}: {item.reason}" for item in summary.skipped])
    if isinstance(labeller, FromFile):
        _lines("no run for", labeller.labels.unused)
    if summary.passed:
        output.tell(f"  {output.counted(summary.passed, 'other file')} passed over")
    if summary.unlabelled:
        output.tell("  label     gitskill traces label ID success|failure, or add them again with --labels")


def _lines(what: str, lines: list[str]) -> None:
    for line in lines[:_NAMED]:
        output.tell(f"  {what:<10}{' '.join(line.splitlines())}")
    if len(lines) > _NAMED:
        output.tell(f"  {what:<10}... and {len(lines) - _NAMED} more (--json names them all)")
