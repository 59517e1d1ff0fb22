"""Documents of two sides as one: traces and what people turned down, each named by its content.

What one side took away is not brought back to it, and not taken from the other.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gitskill.errors import GitRefused, InvalidInput, NotFound
from gitskill.ids import CommitId
from gitskill.redact.redactor import Redactor
from gitskill.store import documents, traces
from gitskill.store.objects import Batch, Change
from gitskill.store.refs import Move, target
from gitskill.store.rejections import REJECTED
from gitskill.store.repository import Repository, Who
from gitskill.store.share import Seen, files_of
from gitskill.vetting import rejection_problem, trace_document


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of joining their documents with ours."""

    move: Move | None
    listed: tuple[str, ...]
    """The names of all of theirs."""
    new: int = 0
    gone: int = 0
    """Documents that were taken away here since we last met."""
    refused: tuple[tuple[str, str], ...] = ()
    """What is not what it claims to be, and why."""


def listed(repository: Repository, ref: str) -> tuple[str, ...]:
    """Name the documents of a ref."""
    return tuple(_names(repository, documents.tree_of(repository, ref)))


def join_traces(
    repository: Repository, batch: Batch, theirs: CommitId, seen: Seen, redactor: Redactor, who: Who
) -> Joined:
    """Bring in their traces; what has one content is one, and a person's word on how it ended stands."""
    root = str(repository.read_commit(theirs).tree_id)
    known = {entry.trace: entry for entry in traces.entries(repository)}
    old = target(repository, traces.REF)
    mine, yours = files_of(repository, old) if old else {}, files_of(repository, theirs)
    goes_on = old is None or repository.descends(theirs, CommitId(old))
    names = tuple(_names(repository, root))
    gathered, new, gone = traces.Collection(repository), 0, 0
    pairs = {trace: (documents.path_of(trace), documents.path_of(trace, traces.ABOUT)) for trace in names}
    refused = _strange(yours, {path for pair in pairs.values() for path in pair})
    for trace, files in pairs.items():
        if all(mine.get(path, "") == yours.get(path) for path in files):
            continue
        if trace not in known and seen.had(trace):
            gone += 1
            continue
        try:
            data, entry = trace_document(repository, root, trace, redactor)
        except (InvalidInput, NotFound, GitRefused) as error:
            refused.append((trace[:10], str(error)))
            continue
        if trace not in known:
            new += 1
            gathered.add(data, entry)
        elif goes_on or entry.outcome.weight > known[trace].outcome.weight:
            gathered.describe(entry)
    whole = None if refused or gone else theirs
    return Joined(gathered.joined(batch, whole, who), names, new, gone, tuple(refused))


def join_rejected(
    repository: Repository, batch: Batch, theirs: CommitId, seen: Seen, redactor: Redactor, who: Who
) -> Joined:
    """Bring in what they turned down."""
    root = str(repository.read_commit(theirs).tree_id)
    here, names = set(listed(repository, REJECTED)), tuple(_names(repository, root))
    gone = [name for name in names if name not in here and seen.had(name)]
    wanted = [name for name in names if name not in here and name not in gone]
    new: dict[str, Change] = {}
    refused = _strange(files_of(repository, theirs), set(map(documents.path_of, names)))
    for path, data in documents.load(repository, root, map(documents.path_of, wanted)):
        name = path.removesuffix(".json").replace("/", "")
        if problem := rejection_problem(name, data, redactor):
            refused.append((name[:10], problem))
        else:
            new[path] = data
    whole = None if refused or gone else theirs
    move = documents.join(batch, repository, REJECTED, new, whole, who)
    return Joined(move, names, len(new), len(gone), tuple(refused))


def _strange(found: Collection[str], known: Collection[str]) -> list[tuple[str, str]]:
    """Name files that are no document at all: what nobody reads is not taken in either."""
    return [(path, "it is no such document") for path in sorted(set(found) - set(known))]


def to_send(repository: Repository, ours: CommitId, theirs: CommitId, who: Who) -> str:
    """Give a state that has all documents of both, for the remote: `theirs` itself where ours adds nothing to it."""
    mine, yours = files_of(repository, ours), files_of(repository, theirs)
    is_ahead = repository.descends(ours, theirs)
    added: dict[str, Change] = {
        path: oid for path, oid in mine.items() if path not in yours or (is_ahead and yours[path] != oid)
    }
    if not added:
        return theirs
    if is_ahead and yours.keys() <= mine.keys():
        return ours
    batch = Batch(repository)
    made = documents.union(batch, repository, added, (theirs, ours), who)
    batch.write()
    return made


def _names(repository: Repository, root: str | None) -> Iterator[str]:
    """Name the documents of a tree, each once."""
    for path in documents.paths(repository, root):
        name = path.replace("/", "", 1).removesuffix(".json")
        if len(name) == 64 and documents.path_of(name) == path:
            yield name
