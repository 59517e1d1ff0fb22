"""The options that say which traces are studied and how, and what they come to: a recipe and a plan."""

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from gitskill.cli import options, output
from gitskill.cli.session import Session
from gitskill.errors import InvalidInput

if TYPE_CHECKING:
    from gitskill.cli.models import Chosen
    from gitskill.intake import Keeper
    from gitskill.plan import Plan, Recipe
    from gitskill.store.traces import Entry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StudyFlags:
    """What a command line says about traces and analysts."""

    traces: tuple[Path, ...] = ()
    signal: str = "combined"
    max_traces: int | None = None
    seed: int = 0
    batch: int = 1
    max_turns: int = 20
    verify: str | None = None
    checker: str | None = None
    references: Path | None = None
    fan_in: int = 16
    strategy: str = "parallel"


_OPTIONS = (
    click.option(
        "--traces",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="PATH",
        help="Study the runs in PATH; those that are new are brought in first. Else all stored traces.",
    ),
    click.option(
        "--signal",
        type=click.Choice(["error", "success", "combined"]),
        default="combined",
        show_default=True,
        help="Which runs teach: failed ones, successful ones, or both.",
    ),
    click.option("--max-traces", type=click.IntRange(1), metavar="N", help="Draw at most N traces."),
    click.option("--seed", type=int, default=0, show_default=True, help="Which ones are drawn."),
    click.option(
        "--batch",
        type=click.IntRange(1, 16),
        default=1,
        show_default=True,
        metavar="K",
        help="Successful traces in one call; sequential: traces of a round.",
    ),
    click.option(
        "--max-turns",
        type=click.IntRange(1, 200),
        default=20,
        show_default=True,
        metavar="N",
        help="Calls that one failed trace may take.",
    ),
    click.option(
        "--verify",
        type=click.Choice(["require", "auto", "off"]),
        help="Let analysts try a fix in a sandbox: always, where there is one, never.  [default: auto]",
    ),
    click.option("--checker", metavar="CMD", help="Your command that judges a fixed file: exit code 0 if it is right."),
    click.option(
        "--references",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Known answers: a fix that is one of them is no fix.",
    ),
    click.option(
        "--fan-in",
        type=click.IntRange(2, 32),
        default=16,
        show_default=True,
        metavar="N",
        help="Traces, or groups, that one merge joins.",
    ),
    click.option(
        "--strategy",
        type=click.Choice(["parallel", "sequential"]),
        default="parallel",
        show_default=True,
        help="All traces on one frozen skill, or round after round.",
    ),
)


flags = options.together("study", StudyFlags, _OPTIONS)
"""Gives a command the options of a study; it gets them as one argument `study`, a StudyFlags."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which run a command works on."""

    run: str | None = None
    new: bool = False
    retry: bool = False

    def __post_init__(self) -> None:
        if self.run == "":
            raise click.UsageError("--run is empty: name a run, such as r0007")
        if self.new and (self.run or self.retry):
            raise click.UsageError("--new does not go with --run or --retry")


_WHICH = (
    click.option("--run", metavar="RUN", help="Go on with this run, as it was planned."),
    click.option("--new", is_flag=True, help="Begin a new run even where one with the same plan is there."),
    click.option("--retry", is_flag=True, help="Study again what failed."),
)


which = options.together("which", Which, _WHICH)
"""Gives a command the options that choose a run; it gets them as one argument `which`, a Which."""


def refuse_replanning(study: StudyFlags) -> None:
    """Refuse options that would plan anew what a run has planned already."""
    kept = {"verify", "checker", "references"}
    other = [each.name for each in fields(StudyFlags) if each.name not in kept]
    if given := [name for name in other if getattr(study, name) != getattr(StudyFlags(), name)]:
        flag = f"--{given[0].replace('_', '-')}"
        raise click.UsageError(f"{flag} does not go with --run: that run is planned already")


def again(study: StudyFlags) -> str:
    """Give the flags that a run must be given again to go on: its record may not say what program runs."""
    given = (("--checker", study.checker), ("--references", study.references))
    return "".join(f" {flag} {shlex.quote(str(value))}" for flag, value in given if value)


def recipe(chosen: "Chosen", study: StudyFlags, *, sandbox: bool, references: str = "") -> "Recipe":
    """Give every setting that decides what a run comes to."""
    from gitskill.plan import OFFLINE, Recipe, Signal, Strategy
    from gitskill.prompts import Prompts

    setup = chosen.setup
    return Recipe(
        engine=setup.where.model if setup else OFFLINE,
        prompts=Prompts(chosen.prompts).hash if setup else "",
        signal=Signal(study.signal),
        batch=study.batch if setup else 1,
        turns=study.max_turns,
        verify="sandbox" if sandbox else "off",
        checker=study.checker or "" if sandbox else "",
        references=references,
        max_traces=study.max_traces,
        seed=study.seed,
        fan_in=study.fan_in,
        strategy=Strategy(study.strategy),
    )


def plan_stored(session: Session, study: StudyFlags, settings: "Recipe") -> "tuple[Plan, int]":
    """Plan over the stored traces, or those of --traces, which are brought in first; count what could not be read."""
    from gitskill.materials import materials
    from gitskill.plan import make
    from gitskill.store.traces import Collection, documents, entries

    wanted, skipped = entries(session.repository), 0
    if study.traces:
        collection = Collection(session.repository)
        met, skipped = _brought(session, study.traces, collection)
        collection.save("analyse: bring in traces", session.who())
        wanted = [entry for entry in entries(session.repository) if entry.trace in met]
    if not wanted:
        raise InvalidInput("there are no traces", hint="bring some in: gitskill traces add PATH, or --traces PATH")
    return make(materials(documents(session.repository, wanted)), settings), skipped


def plan_only(session: Session, study: StudyFlags, settings: "Recipe") -> "Plan":
    """Plan as `plan_stored` does, and store nothing."""
    from gitskill.materials import materials
    from gitskill.plan import make
    from gitskill.store.traces import documents, entries

    if not study.traces:
        return plan_stored(session, study, settings)[0]
    unsaved = _Unsaved()
    met, _ = _brought(session, study.traces, unsaved)
    known = [entry for entry in entries(session.repository) if entry.trace in met]
    stored = [(met[entry.trace], data) for entry, data in documents(session.repository, known)]
    if not met:
        raise InvalidInput("there are no traces in what --traces names")
    return make(materials([*stored, *unsaved.traces]), settings)


class _Unsaved:
    """Keeps what an import finds in memory alone."""

    def __init__(self) -> None:
        self.traces: list[tuple[Entry, bytes]] = []

    def add(self, document: bytes, entry: "Entry") -> None:
        self.traces.append((entry, document))

    def describe(self, entry: "Entry") -> None:
        """Change nothing: who plans takes what the import met."""


def _brought(session: Session, paths: tuple[Path, ...], keeper: "Keeper") -> "tuple[dict[str, Entry], int]":
    """Import what `paths` name, and tell what came of it; count what could not be read."""
    from gitskill.cli.traces_add import redactor
    from gitskill.intake import Choice, Intake
    from gitskill.store.traces import entries

    intake = Intake(redactor(session), keeper, entries(session.repository), Choice(home=session.home))
    summary = intake.run([session.directory / path for path in paths], lambda _done, _of: None)
    for item in summary.skipped:
        output.tell(f"  skipped   {item.path}: {' '.join(item.reason.splitlines())}")
    redacted = ", ".join(f"{kind} {count}" for kind, count in sorted(summary.redacted.items()))
    known = f", {summary.known} known before" if summary.known else ""
    output.tell(
        f"  import    {output.counted(summary.added, 'trace')}{known}" + (f"; redacted: {redacted}" * bool(redacted))
    )
    return {entry.trace: entry for entry in intake.met}, len(summary.skipped)
