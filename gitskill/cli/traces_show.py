"""gitskill traces show"""

from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session
from gitskill.errors import NotFound

if TYPE_CHECKING:
    from gitskill.store.traces import Entry
    from gitskill.trace import Step, Trace, Usage

_WIDTH = 100
_BRIEF = 4
"""Lines of a text that are shown; --full shows all of them."""
_LINES = 1_000_000


@click.command("show")
@click.argument("name", metavar="ID")
@click.option("--step", type=click.IntRange(min=1), help="Only this step, with all of its text.")
@click.option("--full", is_flag=True, help="All of every text.")
@options.as_json
@click.pass_obj
def command(session: Session, name: str, step: int | None, full: bool, as_json: bool) -> None:
    """Show one trace: the task, the steps with their tools and exit codes, and where it failed.

    \b
    Examples:
      gitskill traces show 3f9ac1d2
      gitskill traces show 3f9ac1d2 --step 14
    """
    from gitskill.report.trace import failed_calls
    from gitskill.store.traces import find, read

    entry = find(session.repository, name)
    trace = read(session.repository, entry.trace)
    if step is not None and step > len(trace.steps):
        raise NotFound(f"{entry.short} has {output.counted(len(trace.steps), 'step')}, none numbered {step}")
    if as_json:
        output.document(_document(entry, trace))
        return
    if step is None:
        _head(entry, trace)
    for number, each in enumerate(trace.steps, start=1):
        if step in (None, number):
            output.result()
            show_step(number, each, lines=_LINES if full or step else _BRIEF)
    if step is None and (failed := failed_calls(trace)):
        output.result()
        places = ", ".join(f"{item.step} ({item.call.name} {item.how})" for item in failed[-12:])
        output.result(" ".join(f"failed at step {places}".splitlines()), fg="red")


def _document(entry: "Entry", trace: "Trace") -> dict[str, object]:
    from gitskill import codec
    from gitskill.report.trace import failed_calls
    from gitskill.trace_document import to_document

    return {
        **to_document(trace),
        "trace": entry.trace,
        "path": entry.path,
        "place": entry.place,
        "outcome": {"status": entry.outcome.status.value} | codec.dump(entry.outcome),
        "failed": [{"step": item.step, "tool": item.call.name, "how": item.how} for item in failed_calls(trace)],
    }


def _head(entry: "Entry", trace: "Trace") -> None:
    from gitskill.report.trace import brief

    outcome = entry.outcome
    reward = "" if outcome.reward is None else f"  reward {outcome.reward:g}"
    by = ", ".join(filter(None, (outcome.source, outcome.who)))
    _line(f"{entry.short}  {entry.task}", bold=True)
    _line(f"outcome   {outcome.status}{reward}{f'  ({by})' if by else ''}")
    for label, text in (("why", outcome.note), ("error", trace.error), ("request", trace.request)):
        for number, line in enumerate(brief(text, 8, _WIDTH)):
            _line(f"{label if not number else '':<10}{line}")
    _line(f"agent     {', '.join(filter(None, (trace.agent, trace.model))) or 'unknown'}")
    _line(f"log       {entry.format}  {entry.where}")
    _line(f"used      {output.counted(len(trace.steps), 'step')}{_used(trace.usage)}")
    for note in trace.notes:
        _line(f"note      {note}")
    for artifact in trace.artifacts:
        _line(f"artifact  {artifact.name}, {output.counted(artifact.text.count(chr(10)) + 1, 'line')}")


def _line(text: str, **style: bool) -> None:
    """Print one line: what a log says of itself cannot pose as a line of ours."""
    output.result(" ".join(text.splitlines()), **style)


def _used(usage: "Usage") -> str:
    cached = f" ({usage.cached:,} cached)" if usage.cached else ""
    told = [
        f", {usage.input:,} tokens in{cached}" if usage.input is not None else "",
        f", {usage.output:,} out" if usage.output is not None else "",
        f", ${usage.cost:.4f}" if usage.cost is not None else "",
    ]
    return "".join(told)


def show_step(number: int, step: "Step", *, lines: int = _LINES) -> None:
    """Print one step of a trace, each of its texts up to so many lines."""
    from gitskill.report.trace import brief, ended, speaker, told

    width = _WIDTH if lines == _BRIEF else 10**9
    head = f"{number:>4}  {speaker(step):<8}"
    for prefix, text in (("", step.text), ("~ ", step.thought)):
        for line in brief(text, lines, width):
            _line(f"{head}{prefix}{line}")
            head = " " * len(head)
    for call in step.calls:
        how = ended(call)
        first, *rest = [*brief(told(call), lines, width)] or [""]
        _line(f"{head}> {call.name}  {first}", bold=True)
        head = " " * len(head)
        for line in rest:
            output.result(f"{head}  {line}")
        for line in brief(call.observation.text if call.observation else "", lines, width):
            output.result(f"{head}| {line}")
        if how:
            output.result(f"{head}{how}", fg="red" if how != "exit 0" else None)
