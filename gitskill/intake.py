"""Files in, stored traces out: find, recognise, read, redact, cut, label, keep."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from gitskill.formats import openai_chat
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Format, Reading
from gitskill.formats.source import Source
from gitskill.formats.table import FORMATS, is_label_file, is_of, recognised
from gitskill.formats.walk import File, Unusable, walk
from gitskill.outcome import Outcome, Status
from gitskill.redact.redactor import Redactor
from gitskill.store.traces import Entry
from gitskill.tasks import TaskRule
from gitskill.trace import Trace, fingerprint, shortened, with_texts
from gitskill.trace_document import canonical, trace_id

LIMIT = 32_000
"""Characters that are kept of one text: half of them from its head, half from its tail."""

_SAID = 2000
"""Characters of what is said about an outcome."""

_LOGS = {".json", ".jsonl", ".ndjson", ".traj", ".eval", ".log", ".txt", ".md"}
_SURE = {".json", ".jsonl", ".ndjson", ".traj", ".eval"}
"""What ends like this and is in a folder of runs should be one: if it cannot be read, that is said."""


class Keeper(Protocol):
    """Where traces go."""

    def add(self, document: bytes, entry: Entry) -> None:
        """Keep a trace that is new."""

    def describe(self, entry: Entry) -> None:
        """Keep another outcome of a trace that is there."""


class Labeller(Protocol):
    """Somebody who knows how runs ended."""

    def label(self, entry: Entry, document: bytes, path: Path) -> Outcome | None:
        """Say how this run ended; None where nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose for an import."""

    format: Format | None = None
    """The one to read every file as; else each is recognised by its content."""
    task: TaskRule = TaskRule()  # noqa: RUF009 - frozen
    labeller: Labeller | None = None
    labels: Path | None = None
    """The file of labels, which may lie among the runs and is none."""
    home: Path | None = None
    """The person's own home folder: it is written `~` in the places of traces."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not read, and why."""

    path: str
    reason: str


@dataclass
class Summary:
    """What came of an import."""

    added: int = 0
    known: int = 0
    relabelled: int = 0
    """Traces that were known and have another outcome now."""
    skipped: list[Skipped] = field(default_factory=list)
    passed: int = 0
    """Files in folders that do not look like logs: programs, pictures, notes."""
    formats: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Status] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)
    unlabelled: list[Entry] = field(default_factory=list)
    twins: list[tuple[Entry, Entry]] = field(default_factory=list)
    """Traces that look like the same run, read from two logs."""
    notes: list[Skipped] = field(default_factory=list)
    """What was odd about files that were read all the same."""


class Intake:
    """One import: every file ends as traces, as a part of one, as skipped with a reason, or as passed over."""

    def __init__(self, redactor: Redactor, keeper: Keeper, known: Iterable[Entry], choice: Choice) -> None:
        self.summary = Summary()
        self._redactor = redactor
        self._keeper = keeper
        self._choice = choice
        self._known = {entry.trace: entry for entry in known}
        self._met: dict[str, Entry] = {}
        """The traces of this import."""
        self._sessions = {entry.session: entry for entry in self._known.values() if entry.session}
        self._calls = {entry.calls: entry for entry in self._known.values() if entry.calls}

    @property
    def met(self) -> tuple[Entry, ...]:
        """Give every trace that the import met, new or known."""
        return tuple(self._met.values())

    def run(self, paths: Iterable[Path], tell: Callable[[int, int], None]) -> Summary:
        """Import everything that `paths` name; `tell` hears how many files of how many are done."""
        files = self._recognised(paths)
        parts: set[Path] = set()
        for done, (chosen, path) in enumerate(files, start=1):
            if not _is_in(path, parts):
                parts.update(self._read(chosen, path))
            tell(done, len(files))
        # A part may have been looked at, and refused by itself, before the run that it belongs to.
        skipped = self.summary.skipped
        self.summary.skipped = [item for item in skipped if not _is_in(Path(item.path), parts)]
        self._count()
        return self.summary

    def _recognised(self, paths: Iterable[Path]) -> list[tuple[Format, Path]]:
        """Find the files that hold runs. Those with a format that gathers several files come first."""
        found = []
        for item in walk(paths):
            if item.path == self._choice.labels:
                continue
            if isinstance(item, Unusable):
                self._skip(item.path, item.reason)
            elif chosen := self._format_of(item):
                found.append((chosen, item.path))
        return sorted(found, key=lambda item: FORMATS.index(item[0]))

    def _format_of(self, file: File) -> Format | None:
        source = Source(file.path)
        if not file.named and file.path.suffix.lower() not in _LOGS:
            self.summary.passed += 1
            return None
        chosen = self._choice.format
        if chosen and (file.named or is_of(chosen, source)):
            return chosen
        found = [] if chosen else recognised(source)
        if not found:
            self._unknown(file, f"not {chosen.NAME}" if chosen else "in no format that gitskill knows", source)
            return None
        if others := [other.NAME for other in found[1:] if other is not openai_chat]:
            self._note(file.path, f"read as {found[0].NAME}; it could be {', '.join(others)} (--format says which)")
        return found[0]

    def _unknown(self, file: File, why: str, source: Source) -> None:
        """Say what becomes of a file that holds no run."""
        reason = _unreadable(source, why)
        if reason == _LABELS:
            if file.named:
                self._note(file.path, "a file of labels: it is read beside its runs")
        elif file.named or file.path.suffix.lower() in _SURE:
            self._skip(file.path, reason)
        else:
            self.summary.passed += 1

    def _read(self, chosen: Format, path: Path) -> Iterator[Path]:
        """Read the runs of a file, and give the other files that belong to them."""
        source = Source(path)
        count = 0
        try:
            for item in chosen.read(source):
                count += 1
                yield from item.parts
                if isinstance(item, Reading):
                    self._keep(item, path)
                else:
                    is_told = item.reason.startswith(item.place)
                    self._skip(path, item.reason if is_told else f"{item.place}: {item.reason}")
        except Damaged as error:
            self._skip(path, str(error))
            return
        if not count:
            self._skip(path, f"read as {chosen.NAME}, and no run is in it")
        for note in sorted(source.notes):
            self._note(path, note)

    def _keep(self, reading: Reading, path: Path) -> None:
        redaction = self._redactor.session()
        trace = with_texts(reading.trace, lambda key, text: shortened(redaction.under(key, text), LIMIT))
        document = canonical(trace)
        entry = Entry(
            trace=trace_id(document),
            task=self._choice.task.task(trace, path, redaction.text),
            format=trace.format,
            steps=len(trace.steps),
            path=redaction.text(self._shown(path)),
            place=redaction.text(reading.place),
            session=trace.session,
            calls=fingerprint(trace),
        )
        told = self._choice.labeller.label(entry, document, path) if self._choice.labeller else None
        outcome = _decided(reading.outcome, told, trace)
        note, source = (shortened(redaction.text(text), _SAID) for text in (outcome.note, outcome.source))
        self._store(replace(entry, outcome=replace(outcome, note=note, source=source)), document)
        self.summary.redacted.update(redaction.counts)

    def _store(self, entry: Entry, document: bytes) -> None:
        summary = self.summary
        if old := self._known.get(entry.trace):
            summary.known += 1
            entry = self._combined(old, entry)
            if entry != old:
                summary.relabelled += entry.outcome != old.outcome
                self._keeper.describe(entry)
        else:
            summary.added += 1
            self._keeper.add(document, entry)
            self._compare(entry)
        self._known[entry.trace] = self._met[entry.trace] = entry

    def _combined(self, old: Entry, new: Entry) -> Entry:
        """Join what is known of a trace with what is read of it now."""
        task = old.task if self._choice.task == TaskRule() else new.task
        outcome = old.outcome.followed_by(new.outcome)
        twice = self._met.get(new.trace)
        if twice and {outcome.weight, twice.outcome.weight} == {1} and outcome.status is not twice.outcome.status:
            outcome = Outcome(note=f"identical runs, labelled {twice.outcome.status} and {outcome.status}")
        return replace(old, task=task, outcome=outcome)

    def _count(self) -> None:
        """Count every trace that was met once, by what became of it."""
        for entry in self._met.values():
            self.summary.formats[entry.format] += 1
            self.summary.outcomes[entry.outcome.status] += 1
            if entry.outcome.status is Status.UNLABELLED:
                self.summary.unlabelled.append(entry)

    def _compare(self, entry: Entry) -> None:
        """Report where another trace is the same run: of the same session, or in another format with the same calls."""
        twin = self._sessions.get(entry.session) if entry.session else None
        alike = self._calls.get(entry.calls) if entry.calls else None
        if twin is None and alike and alike.format != entry.format:
            twin = alike
        if twin:
            self.summary.twins.append((entry, twin))
        self._sessions.setdefault(entry.session, entry)
        self._calls.setdefault(entry.calls, entry)

    def _shown(self, path: Path) -> str:
        home = self._choice.home
        return f"~/{path.relative_to(home)}" if home and path.is_relative_to(home) else str(path)

    def _skip(self, path: Path, reason: str) -> None:
        # A reason may quote what stands in the file.
        self.summary.skipped.append(Skipped(str(path), self._redactor.session().text(reason)))

    def _note(self, path: Path, note: str) -> None:
        self.summary.notes.append(Skipped(str(path), self._redactor.session().text(note)))


def _is_in(path: Path, parts: set[Path]) -> bool:
    return not parts.isdisjoint((path, *path.parents))


_LABELS = "a file of labels"


def _unreadable(source: Source, why: str) -> str:
    """Say what is wrong with a file that holds no run; `why` where it is whole."""
    try:
        if not source.opening:
            return "empty"
        return _LABELS if is_label_file(source) else why
    except Damaged as error:
        return str(error)


def _decided(read: Outcome, told: Outcome | None, trace: Trace) -> Outcome:
    """Weigh what the log says against what a person's labels say: they win, but a broken run is no failure."""
    if not trace.actions and read.status is not Status.SUCCESS and read.status is not Status.INFRA_ERROR:
        read = Outcome.broken("the agent took no step", "steps", reward=read.reward)
    if told is None:
        return read
    if told.status is Status.UNLABELLED and told.note:  # a command that could not tell
        return replace(read, note="; ".join(filter(None, (read.note, told.note))))
    if told.status is Status.FAILURE and read.status is Status.INFRA_ERROR:
        return replace(read, note=f"{read.note} ({told.source} says failure)")
    return told
