"""An earlier version brought back: a new commit on top with its files, and a new version that says so."""

from gitskill.checks.release import unfit
from gitskill.errors import InvalidInput, NeedsPerson, NotFound
from gitskill.ids import CommitId
from gitskill.ontop import OnTop, commit_on_top
from gitskill.release import Released, ready_branch, short
from gitskill.store import tags
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch, Signer
from gitskill.store.releases import following
from gitskill.store.repository import Who
from gitskill.store.skills import SkillReader, with_tree
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
    batch = Batch(repository)
    here, there = (str(repository.read_commit(commit).tree_id) for commit in (head, old.commit))
    tree = with_tree(batch, here, reader.folder, there)
    trailers = (("Rollback-To", old.tag),)
    step = OnTop(branch, head, tree, "rollback", f"to {old.tag}", trailers, rollback=old.tag)
    return commit_on_top(nodes, batch, step, version, who, sign)


def _refuse_unfit(reader: SkillReader, old: Release, head: CommitId, branch: str) -> None:
    if not reader.repository.descends(head, old.commit):
        raise NeedsPerson(f"{old.tag} is not in the history of {short(branch)}", hint="git switch to its branch first")
    if reader.tree_id(head) == reader.tree_id(old.commit):
        raise InvalidInput(f"the skill is that of {old.tag} already")
    if wrong := unfit(reader.read(old.commit)):
        raise InvalidInput(f"{old.tag} holds what no version may: {wrong[0].path}: {wrong[0].message}")
