"""gitskill traces stats"""

from typing import TYPE_CHECKING

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session

if TYPE_CHECKING:
    from gitskill.report.trace import Totals


@click.command("stats")
@options.as_json
@click.pass_obj
def command(session: Session, as_json: bool) -> None:
    """Say what the traces add up to: outcomes, tasks, tools and how often they fail.

    \b
    Example:
      gitskill traces stats
    """
    from gitskill.outcome import Status
    from gitskill.report.trace import totals
    from gitskill.store.traces import entries, read

    found = totals((entry, read(session.repository, entry.trace)) for entry in entries(session.repository))
    if as_json:
        output.document(_document(found))
        return
    output.result(f"{output.counted(found.traces, 'trace')} of {output.counted(len(found.tasks), 'task')}")
    output.result(f"{output.counted(found.mixed, 'task')} with successful and failed runs")
    output.table([("outcome", str(status), str(found.outcomes[status])) for status in Status])
    output.table([("format", name, str(count)) for name, count in found.formats.most_common()])
    output.result(f"{found.steps:,} steps, {found.input:,} tokens in, {found.output:,} out, ${found.cost:,.2f}")
    output.table(
        [
            ("tool", name, output.counted(calls, "call"), f"{found.failed[name]} failed")
            for name, calls in found.calls.most_common(20)
        ]
    )


def _document(found: "Totals") -> dict[str, object]:
    from gitskill.outcome import Status

    tools = found.calls.most_common()
    return {
        "traces": found.traces,
        "tasks": len(found.tasks),
        "mixed_tasks": found.mixed,
        "outcomes": {status.value: found.outcomes[status] for status in Status},
        "formats": dict(sorted(found.formats.items())),
        "steps": found.steps,
        "tokens": {"input": found.input, "output": found.output},
        "usd": round(found.cost, 6),
        "tools": [{"tool": name, "calls": calls, "failed": found.failed[name]} for name, calls in tools],
    }
