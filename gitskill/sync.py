"""Runs, traces and rejections shared with a team through a remote, each ref by its own name.

What is fetched is held against what it claims to be before a ref leads to it.
What both sides have is joined where a rule says how; else both are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitskill import shared
from gitskill.errors import GitRefused, InvalidInput
from gitskill.ids import CommitId, RunId
from gitskill.redact.redactor import Redactor
from gitskill.store import names, remote, traces
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import Move, checked_out, target, under
from gitskill.store.rejections import REJECTED
from gitskill.store.repository import Repository, Who
from gitskill.store.share import Relation, Seen, relation, remember, seen
from gitskill.vetting import record_problem

ALL = "all"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be shared."""

    remote: str
    traces: bool = False
    lessons: str = ""
    """The run whose branches go along, or `all`."""

    def __post_init__(self) -> None:
        if self.lessons not in ("", ALL):
            RunId.parse(self.lessons)

    def shown(self, repository: Repository) -> str:
        """Name the remote where it is told or kept: a URL may hold a password, which goes to the remote alone."""
        return remote.shown(repository, self.remote)

    def has_branch(self, repository: Repository, ref: str) -> bool:
        """Tell whether a ref is a branch of a lesson or merge that goes along."""
        above, _, name = ref.removeprefix(names.branches(repository)).partition("/")
        run = names.run_of(f"/{above}/")
        is_ours = ref == f"{names.branches(repository)}{run}/{name}" and name != "" and "/" not in name
        return is_ours and self.lessons in (ALL, str(run))


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
    batch: Batch
    moves: list[Move] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    skipped: list[Step] = field(default_factory=list)


def look(repository: Repository, wish: Wish, *, may_ask: bool = False) -> dict[str, str]:
    """Ask the remote where the refs stand that are to be shared. Names that are none of ours are not seen."""
    patterns = [f"{names.RUNS}*", REJECTED, *([traces.REF] if wish.traces else [])]
    if wish.lessons:
        patterns.append(f"{names.branches(repository)}{'' if wish.lessons == ALL else f'{wish.lessons}/'}*")
    found = remote.advertised(repository, wish.remote, *patterns, may_ask=may_ask).refs
    return {ref: oid for ref, oid in found.items() if _is_shared(repository, ref, wish)}


def _is_shared(repository: Repository, ref: str, wish: Wish) -> bool:
    """Tell whether a ref is one of those that travel: never the log of operations, nor anybody's branch."""
    if ref.startswith(names.RUNS):
        run = names.run_of(ref)
        return run is not None and ref == f"{names.RUNS}{run}"
    return ref == REJECTED or (wish.traces and ref == traces.REF) or wish.has_branch(repository, ref)


def ours(repository: Repository, wish: Wish) -> dict[str, str]:
    """Give the refs of this repository that are to be shared."""
    return {ref: oid for ref, oid in under(repository, "refs/") if _is_shared(repository, ref, wish)}


def pull(
    repository: Repository, wish: Wish, there: Mapping[str, str], redactor: Redactor, who: Who, *, may_ask: bool = False
) -> Pulled:
    """Bring what is new, and say what becomes of each ref. No ref moves yet."""
    here = ours(repository, wish)
    new = {ref: oid for ref, oid in there.items() if here.get(ref) != oid}
    found = Pulled(seen(repository, wish.shown(repository)), there, Batch(repository))
    brought = (
        remote.fetch(repository, wish.remote, [f"{ref}:{ref}" for ref in sorted(new)], may_ask=may_ask) if new else {}
    )
    for ref, oid in sorted(brought.items()):
        if ref not in new or not _is_commit(repository, oid):
            found.skipped.append(Step(ref, "skipped", "it is no commit"))
        elif (target(repository, ref) or "").startswith("ref: "):
            found.skipped.append(Step(ref, "skipped", "it is a symbolic ref here; gitskill makes none"))
        elif ref.startswith(names.RUNS):
            _pull_run(repository, wish, found, (ref, oid), redactor)
        elif ref in (traces.REF, REJECTED):
            _join(repository, found, (ref, oid), redactor, who)
        else:
            _pull_branch(repository, found, ref, oid)
    return found


def settle(repository: Repository, wish: Wish, found: Pulled, who: Who) -> None:
    """Move the refs that a pull brought, all of them or none, and remember what was seen."""
    if found.moves:
        record(
            repository, found.batch, Operation(f"sync {wish.shown(repository)}", tuple(found.moves), keep=False), who
        )
    left = {each.ref for each in found.skipped}
    now = found.seen.with_refs((ref, oid) for ref, oid in found.there.items() if ref not in left)
    remember(repository, now)


def push(
    repository: Repository,
    wish: Wish,
    there: Mapping[str, str],
    who: Who,
    *,
    dry_run: bool = False,
    may_ask: bool = False,
) -> tuple[list[Step], list[Step]]:
    """Send what is new here, each ref only if the remote's is where it was seen; give what went and what did not."""
    before = seen(repository, wish.shown(repository))
    specs: dict[str, str] = {}
    steps, skipped = [], []
    for ref, oid in sorted(ours(repository, wish).items()):
        old = there.get(ref, "")
        made = _to_send(repository, (ref, oid), old, before.at(ref), who)
        if made is None:
            skipped.append(Step(ref, "kept", "the remote's has what ours lacks: pull first, or see what pull says"))
        elif made != old:
            specs[ref] = made
            steps.append(Step(ref, "sent" if old else "sent, new"))
    if not dry_run and specs:
        _send(repository, wish, there, specs, may_ask=may_ask)
    return steps, skipped


def _send(
    repository: Repository, wish: Wish, there: Mapping[str, str], specs: Mapping[str, str], *, may_ask: bool
) -> None:
    leases = {ref: there.get(ref, "") for ref in specs}
    named = [f"{oid}:{ref}" for ref, oid in specs.items()]
    done = remote.push(repository, wish.remote, named, leases=leases, may_ask=may_ask)
    arrived = {each.ref: specs[each.ref] for each in done.refs if each.state != "refused" and each.ref in specs}
    name = wish.shown(repository)
    now = seen(repository, name).with_refs(arrived.items())
    for ref in arrived.keys() & {traces.REF, REJECTED}:
        now = now.with_documents(shared.listed(repository, ref))
    remember(repository, now)
    if done.refused:
        told = "; ".join(f"{each.ref}: {each.reason}" for each in done.refused[:5])
        said = "; ".join(done.said[:3])
        raise GitRefused(f"{name} did not take {told}", hint=said or "pull first, then push again")


def _to_send(repository: Repository, mine: tuple[str, str], old: str, last: str, who: Who) -> str | None:
    """Give what the remote's ref should stand at: `old` where it has all that we have; None where ours cannot go."""
    ref, oid = mine
    if old in ("", oid):
        return oid
    if ref.startswith(names.RUNS) and old == last:
        return oid
    if old not in repository.git:
        return None
    if ref.startswith(names.RUNS):
        return oid if relation(repository, oid, old, last) is Relation.AHEAD else None
    if ref in (traces.REF, REJECTED):
        return shared.to_send(repository, CommitId(oid), CommitId(old), who)
    return oid if repository.descends(CommitId(oid), CommitId(old)) else None


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
    beside = f"{names.REMOTES}{_plain(wish.shown(repository))}/runs/{name}"
    why = "is another run there" if how is Relation.ANOTHER else "went on in another way there"
    old = target(repository, beside)
    if old != oid:
        found.moves.append(Move(beside, old, oid))
    found.skipped.append(Step(ref, "kept both", f"{name} {why}: ours stays, theirs is {beside}"))


def _plain(remote_name: str) -> str:
    """Make a part of a ref's name of what a remote is called."""
    found = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in remote_name)
    return found.strip("-")[:60] or "remote"


def _join(repository: Repository, found: Pulled, theirs: tuple[str, str], redactor: Redactor, who: Who) -> None:
    """Join their documents with ours."""
    ref, oid = theirs
    gather = shared.join_traces if ref == traces.REF else shared.join_rejected
    joined = gather(repository, found.batch, CommitId(oid), found.seen, redactor, who)
    if joined.move:
        found.moves.append(joined.move)
    found.seen = found.seen.with_documents(joined.listed)
    found.skipped += [Step(f"{ref}:{name}", "skipped", why) for name, why in joined.refused]
    stays = f", {joined.gone} that were taken away here stay away" if joined.gone else ""
    found.steps.append(Step(ref, "joined", f"{joined.new} new{stays}"))


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
