"""A commit on top of the branch that is checked out, as the next version: what rollback and drop have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.record import Record
from gitskill.release import Released, short
from gitskill.store import checkout, tags
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch, Signer
from gitskill.store.oplog import Operation
from gitskill.store.refs import Move
from gitskill.store.releases import chained, previous
from gitskill.store.repository import Who
from gitskill.store.skills import skill_tree
from gitskill.version import Version


@dataclass(frozen=True, slots=True)
class OnTop:
    """What is to be committed on top of a branch."""

    branch: str
    head: CommitId
    tree: str
    """The root tree, in the batch."""
    verb: str
    """`rollback` or `drop`."""
    about: str
    """What is rolled back or dropped: `to v1.1.0`, `r0007/l0044a`."""
    trailers: tuple[tuple[str, str], ...]
    title: str = ""
    body: str = ""
    joined: tuple[CommitId, ...] = ()
    """Further parents."""
    rollback: str = ""
    """The tag whose text it brings back."""
    moves: Sequence[Move] = ()
    """Refs that move with it."""


def commit_on_top(
    nodes: NodeStore, batch: Batch, step: OnTop, version: Version, who: Who, sign: Signer | None
) -> Released:
    """Commit it, tag it and move branch and work tree, all or nothing."""
    reader = nodes.reader
    repository = reader.repository
    tag = tags.tag_name(reader.folder, version)
    who = who.at_least(repository.read_commit(step.head).commit_time)
    title = f": {step.title}" if step.title else ""
    message = Message(
        f"Release {tag}: {step.verb} {step.about}{title}", step.body, (*step.trailers, (tags.VERSION, tag))
    )
    commit = batch.commit(step.tree, [step.head, *step.joined], message, who)
    before = previous(repository, reader.folder, step.head)
    says = Record(
        version=version,
        skill=reader.folder,
        commit=commit,
        tree=skill_tree(batch, step.tree, reader.folder),
        rollback=step.rollback,
        **chained(repository, before),
    )
    tagged = tags.add(batch, tag, commit, says.message(message.subject), who, sign)
    operation = Operation(f"{step.verb} {tag} ({step.about})", (tagged, *step.moves))
    checkout.advance(repository, batch, operation, Move(step.branch, step.head, commit), who)
    return Released(version, tag, commit, before.tag if before else "", short(step.branch))
