"""An earlier version brought back: a new commit on top with its files, and a new version that says so."""

from gitskill.checks.finding import Level
from gitskill.checks.whole import check_whole
from gitskill.errors import InvalidInput, NeedsPerson, NotFound
from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.record import Record
from gitskill.release import Released, ready_branch, short
from gitskill.store import checkout, tags
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch, Signer
from gitskill.store.oplog import Operation
from gitskill.store.refs import Move
from gitskill.store.releases import chained, following, previous
from gitskill.store.repository import Who
from gitskill.store.skills import SkillReader, skill_tree, with_tree
from gitskill.store.tags import Release


def find_version(reader: SkillReader, name: str) -> Release:
    """Find a version of the skill by its tag, or by its number alone; or raise NotFound."""
    found = [each for each in tags.releases(reader.repository, reader.folder) if name in {each.tag, str(each.version)}]
    if not found:
        raise NotFound(f"{name} is no version of this skill", hint="gitskill log names them")
    return found[0]


def rollback(nodes: NodeStore, wanted: str, who: Who, sign: Signer | None = None) -> Released:
    """Give the branch that is checked out the skill as it was in the version `wanted`; history stays as it is.

    The repository's other files stay too. A run that begins afterwards stands on
    the old text, so nothing of what was rolled back comes again unless it is
    learned again.
    """
    reader = nodes.reader
    repository = reader.repository
    branch = ready_branch(repository)
    head = repository.head()
    old = find_version(reader, wanted)
    _refuse_unfit(reader, old, head, branch)
    version = following(reader, head, reader.read(old.commit))
    tag = tags.tag_name(reader.folder, version)
    batch = Batch(repository)
    who = who.at_least(repository.read_commit(head).commit_time)
    here, there = (str(repository.read_commit(commit).tree_id) for commit in (head, old.commit))
    tree = with_tree(batch, here, reader.folder, there)
    subject = f"Release {tag}: rollback to {old.tag}"
    commit = batch.commit(tree, [head], Message(subject, "", (("Rollback-To", old.tag), (tags.VERSION, tag))), who)
    before = previous(repository, reader.folder, head)
    says = Record(
        version=version,
        skill=reader.folder,
        commit=commit,
        tree=skill_tree(batch, tree, reader.folder),
        rollback=old.tag,
        **chained(repository, before),
    )
    tagged = tags.add(batch, tag, commit, says.message(subject), who, sign)
    operation = Operation(f"rollback {tag} (to {old.tag})", (tagged,))
    checkout.advance(repository, batch, operation, Move(branch, head, commit), who)
    return Released(version, tag, commit, before.tag if before else "", short(branch))


def _refuse_unfit(reader: SkillReader, old: Release, head: CommitId, branch: str) -> None:
    if not reader.repository.descends(head, old.commit):
        raise NeedsPerson(f"{old.tag} is not in the history of {short(branch)}", hint="git switch to its branch first")
    if reader.tree_id(head) == reader.tree_id(old.commit):
        raise InvalidInput(f"the skill is that of {old.tag} already")
    if wrong := [each for each in check_whole(reader.read(old.commit), "") if each.level is Level.INVALID]:
        raise InvalidInput(f"{old.tag} holds what no version may: {wrong[0].path}: {wrong[0].message}")
