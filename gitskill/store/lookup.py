"""Names that people type, to commits."""

import re

from gitskill.errors import NotFound
from gitskill.ids import CommitId, NodeId
from gitskill.store import lessons, names
from gitskill.store.history import octopuses
from gitskill.store.refs import target
from gitskill.store.repository import Repository

_OURS = re.compile(r"(?:r\d+/)?l\d+[a-z]|(?P<node>r\d+/m\d+-\d+)")


def resolve(repository: Repository, name: str) -> CommitId:
    """Resolve what git resolves, a lesson (`l0042a`) or a merge (`r0007/m1-03`) to a commit, or raise NotFound."""
    try:
        return repository.commit(name)
    except NotFound:
        ours = _OURS.fullmatch(name)
        if ours is None:
            raise
    return node(repository, NodeId.parse(name)) if ours["node"] else lessons.find(repository, name).commit


def node(repository: Repository, wanted: NodeId) -> CommitId:
    """Find an octopus by its id: its branch, live or put away, else history."""
    live = names.node_ref(repository, wanted)
    for ref in (live, names.archived(repository, live)):
        if (found := target(repository, ref)) is not None:
            return CommitId(found)
    for commit, says in octopuses(repository):
        if says.id == wanted:
            return commit
    raise NotFound(f"there is no merge {wanted} in {repository.shown}")
