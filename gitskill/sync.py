"""Runs, traces and rejections shared with a team through a remote, each ref by its own name.

What is fetched is held against what it claims to be before a ref leads to it.
What both sides have is joined where a rule says how; else both are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitskill.errors import GitRefused, InvalidInput
from gitskill.ids import CommitId, RunId
from gitskill.redact.redactor import Redactor
from gitskill.store import documents, names, remote, traces
from gitskill.store.objects import Batch, Change
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import OWN, Move, checked_out, target, under
from gitskill.store.repository import Repository, Who
from gitskill.store.share import Relation, Seen, relation, remember, seen
from gitskill.vetting import record_problem, rejection_problem, trace_document

REJECTED = f"{OWN}rejected"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be shared."""

    remote: str
    traces: bool = False
    lessons: RunId | None = None
    """The run whose branches go along."""


@dataclass(frozen=True, slots=True)
class Step:
    """One ref, and what happens to it."""

    ref: str
    what: str
    detail: str = ""


@dataclass
class Pulled:
    """What a pull comes to: refs to move, documents to join, and what is left out."""

    seen: Seen
    there: Mapping[str, str]
    """The remote's refs."""
    moves: list[Move] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    skipped: list[Step] = field(default_factory=list)
    batch: Batch | None = None


def look(repository: Repository, wish: Wish, *, may_ask: bool = False) -> dict[str, str]:
    """Ask the remote where the refs stand that are to be shared. Names that are none of ours are not seen."""
    patterns = [f"{names.RUNS}*", REJECTED, *([traces.REF] if wish.traces else [])]
    if wish.lessons:
        patterns.append(f"{names.branches(repository)}{wish.lessons}/*")
    found = remote.advertised(repository, wish.remote, *patterns, may_ask=may_ask).refs
    return {ref: oid for ref, oid in found.items() if _is_shared(repository, ref, wish)}


def _is_shared(repository: Repository, ref: str, wish: Wish) -> bool:
    """Tell whether a ref is one of those that travel: never the log of operations, nor anybody's branch."""
    if ref.startswith(names.RUNS):
        run = names.run_of(ref)
        return run is not None and ref == f"{names.RUNS}{run}"
    if wish.lessons and ref.startswith(f"{names.branches(repository)}{wish.lessons}/"):
        return ref.count("/") == f"{names.branches(repository)}{wish.lessons}/".count("/")
    return ref == REJECTED or (wish.traces and ref == traces.REF)


def ours(repository: Repository, wish: Wish) -> dict[str, str]:
    """Give the refs of this repository that are to be shared."""
    return {ref: oid for ref, oid in under(repository, "refs/") if _is_shared(repository, ref, wish)}


def pull(
    repository: Repository, wish: Wish, there: Mapping[str, str], redactor: Redactor, who: Who, *, may_ask: bool = False
) -> Pulled:
    """Bring what is new, and say what becomes of each ref. No ref moves yet."""
    here = ours(repository, wish)
    new = {ref: oid for ref, oid in there.items() if here.get(ref) != oid}
    found = Pulled(seen(repository, wish.remote), there, batch=Batch(repository))
    brought = (
        remote.fetch(repository, wish.remote, [f"{ref}:{ref}" for ref in sorted(new)], may_ask=may_ask) if new else {}
    )
    for ref, oid in sorted(brought.items()):
        if ref not in new or not _is_commit(repository, oid):
            found.skipped.append(Step(ref, "skipped", "it is no commit"))
        elif ref.startswith(names.RUNS):
            _pull_run(repository, wish, found, (ref, oid), redactor)
        elif ref == traces.REF:
            _pull_traces(repository, found, oid, redactor, who)
        elif ref == REJECTED:
            _pull_rejected(repository, found, oid, redactor, who)
        else:
            _pull_branch(repository, found, ref, oid)
    return found


def settle(repository: Repository, wish: Wish, found: Pulled, who: Who) -> None:
    """Move the refs that a pull brought, all of them or none, and remember what was seen."""
    if found.moves and found.batch:
        record(repository, found.batch, Operation(f"sync {wish.remote}", tuple(found.moves), keep=False), who)
    left = {each.ref for each in found.skipped}
    now = found.seen.with_refs((ref, oid) for ref, oid in found.there.items() if ref not in left)
    remember(repository, now)


def push(
    repository: Repository, wish: Wish, there: Mapping[str, str], *, dry_run: bool = False, may_ask: bool = False
) -> tuple[list[Step], list[Step]]:
    """Send what is new here, each ref only if the remote's is where it was seen; give what went and what did not."""
    before = seen(repository, wish.remote)
    specs: dict[str, str] = {}
    steps, skipped = [], []
    for ref, oid in sorted(ours(repository, wish).items()):
        old = there.get(ref)
        if old == oid:
            continue
        if old and not _is_ahead(repository, ref, oid, old, before.at(ref)):
            skipped.append(Step(ref, "kept", "the remote's has what ours lacks: pull first, or see what pull says"))
            continue
        specs[ref] = oid
        steps.append(Step(ref, "sent" if old else "sent, new"))
    if dry_run or not specs:
        return steps, skipped
    leases = {ref: there.get(ref, "") for ref in specs}
    done = remote.push(
        repository, wish.remote, [f"{oid}:{ref}" for ref, oid in specs.items()], leases=leases, may_ask=may_ask
    )
    arrived = {each.ref: specs[each.ref] for each in done.refs if each.state != "refused" and each.ref in specs}
    names_ = _document_names(repository, traces.REF) if traces.REF in arrived else []
    remember(repository, before.with_refs(arrived.items()).with_documents(names_))
    if done.refused:
        told = "; ".join(f"{each.ref}: {each.reason}" for each in done.refused[:5])
        said = "; ".join(done.said[:3])
        raise GitRefused(f"{wish.remote} did not take {told}", hint=said or "pull first, then push again")
    return steps, skipped


def _is_ahead(repository: Repository, ref: str, oid: str, old: str, last: str) -> bool:
    if ref.startswith(names.RUNS) and old == last:
        return True
    if old not in repository.git:
        return False
    if ref.startswith(names.RUNS):
        return relation(repository, oid, old, last) is Relation.AHEAD
    return repository.descends(CommitId(oid), CommitId(old))


def _pull_run(repository: Repository, wish: Wish, found: Pulled, theirs: tuple[str, str], redactor: Redactor) -> None:
    ref, oid = theirs
    name = ref.removeprefix(names.RUNS)
    if problem := record_problem(repository, oid, name, redactor):
        found.skipped.append(Step(ref, "skipped", problem))
        return
    old = target(repository, ref)
    match relation(repository, old, oid, found.seen.at(ref)):
        case Relation.BEHIND:
            found.moves.append(Move(ref, old, oid))
            found.steps.append(Step(ref, "brought, new" if old is None else "brought"))
        case Relation.REMOVED:
            found.steps.append(Step(ref, "left", "it was taken away here"))
        case Relation.DIFFERS | Relation.ANOTHER as how:
            _keep_both(repository, wish, found, theirs, how)
        case _:
            pass


def _keep_both(repository: Repository, wish: Wish, found: Pulled, theirs: tuple[str, str], how: Relation) -> None:
    """Put the remote's record beside ours: neither may be lost, and no rule says which is right."""
    ref, oid = theirs
    name = ref.removeprefix(names.RUNS)
    beside = f"{names.REMOTES}{_plain(wish.remote)}/runs/{name}"
    why = "is another run there" if how is Relation.ANOTHER else "went on in another way there"
    old = target(repository, beside)
    if old != oid:
        found.moves.append(Move(beside, old, oid))
    found.skipped.append(Step(ref, "kept both", f"{name} {why}: ours stays, theirs is {beside}"))


def _plain(remote_name: str) -> str:
    """Make a part of a ref's name of what a remote is called."""
    found = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in remote_name)
    return found.strip("-")[:60] or "remote"


def _pull_traces(repository: Repository, found: Pulled, oid: str, redactor: Redactor, who: Who) -> None:
    """Join their traces with ours: what has one content is one, a person's word stands, what was removed stays away."""
    root = str(repository.read_commit(CommitId(oid)).tree_id)
    known = {entry.trace: entry for entry in traces.entries(repository)}
    gathered, clean, new, gone = traces.Collection(repository), True, 0, 0
    listed = [_trace_of(path) for path in documents.paths(repository, root) if path.endswith(traces.ABOUT)]
    for trace in listed:
        if trace not in known and found.seen.had(trace):
            gone += 1
            continue
        try:
            data, entry = trace_document(repository, root, trace, redactor)
        except (InvalidInput, GitRefused) as error:
            clean = False
            found.skipped.append(Step(f"{traces.REF}:{trace[:10]}", "skipped", str(error)))
            continue
        if trace not in known:
            new += 1
            gathered.add(data, entry)
        elif entry.outcome.weight > known[trace].outcome.weight:
            gathered.describe(entry)
    batch = found.batch or Batch(repository)
    move = gathered.joined(batch, CommitId(oid) if clean else None, who)
    if move:
        found.moves.append(move)
    found.seen = found.seen.with_documents(listed)
    detail = f"{new} new" + (f", {gone} that were taken away here stay away" if gone else "")
    found.steps.append(Step(traces.REF, "joined", detail))


def _trace_of(path: str) -> str:
    return path.removesuffix(traces.ABOUT).replace("/", "")


def _document_names(repository: Repository, ref: str) -> list[str]:
    every = documents.paths(repository, documents.tree_of(repository, ref))
    return [_trace_of(path) for path in every if path.endswith(traces.ABOUT)]


def _pull_rejected(repository: Repository, found: Pulled, oid: str, redactor: Redactor, who: Who) -> None:
    """Join what they turned down with what was turned down here."""
    root = str(repository.read_commit(CommitId(oid)).tree_id)
    here = set(documents.paths(repository, documents.tree_of(repository, REJECTED)))
    new: dict[str, Change] = {}
    clean = True
    for path, data in documents.load(repository, root, documents.paths(repository, root)):
        name = path.removesuffix(".json").replace("/", "")
        if path in here:
            continue
        problem = rejection_problem(name, data, redactor) if documents.path_of(name) == path else "it has another name"
        if problem:
            clean = False
            found.skipped.append(Step(f"{REJECTED}:{path}", "skipped", problem))
        else:
            new[path] = data
    batch = found.batch or Batch(repository)
    move = documents.join(batch, repository, REJECTED, new, CommitId(oid) if clean else None, who)
    if move:
        found.moves.append(move)
    found.steps.append(Step(REJECTED, "joined", f"{len(new)} new"))


def _pull_branch(repository: Repository, found: Pulled, ref: str, oid: str) -> None:
    """Take a lesson's or a merge's branch that is new, or that goes on from ours; never one that is checked out."""
    old = target(repository, ref)
    if ref in checked_out(repository):
        found.skipped.append(Step(ref, "kept", "it is checked out"))
    elif old is None or repository.descends(CommitId(oid), CommitId(old)):
        found.moves.append(Move(ref, old, oid))
        found.steps.append(Step(ref, "brought, new" if old is None else "brought"))
    elif not repository.descends(CommitId(old), CommitId(oid)):
        found.skipped.append(Step(ref, "kept", f"theirs is another: {oid[:10]}"))


def _is_commit(repository: Repository, oid: str) -> bool:
    try:
        repository.read_commit(CommitId(oid))
    except (InvalidInput, GitRefused):
        return False
    return True
