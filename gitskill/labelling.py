"""Two ways in which a person says how runs ended: a file of labels, and a command that looks at each run."""

from dataclasses import dataclass, replace
from pathlib import Path

from gitskill.judge import Judge
from gitskill.labels import Labels
from gitskill.outcome import Outcome
from gitskill.store.traces import Entry


@dataclass(frozen=True, slots=True)
class FromFile:
    """Labels that were read from a file; names of files in it count from its own folder."""

    labels: Labels
    folder: Path

    def label(self, entry: Entry, _document: bytes, path: Path) -> Outcome | None:
        """Give the label that names this run: by its id, its session, its file or its task."""
        near = [path.relative_to(self.folder).as_posix()] if path.is_relative_to(self.folder) else []
        names = (entry.session, str(path), *near, path.name, path.name.split(".", 1)[0], entry.task)
        return self.labels.find(entry.trace, filter(None, names))


@dataclass(frozen=True, slots=True)
class FromCommand:
    """A command that is run for every trace."""

    judge: Judge
    who: str

    def label(self, entry: Entry, document: bytes, path: Path) -> Outcome | None:
        """Give what the command says of this run."""
        return replace(self.judge.label(document, path=str(path), trace=entry.trace), who=self.who)
