"""Names that people type, to commits."""

import re

from gitskill.errors import NotFound
from gitskill.ids import CommitId, NodeId, RunId
from gitskill.store import lessons, names
from gitskill.store.history import octopuses
from gitskill.store.refs import target
from gitskill.store.repository import Repository

_OURS = re.compile(r"(?:r\d+/)?l\d+[a-z]|(?P<node>r\d+/m\d+-\d+)|(?P<run>r\d+)(?:/evolved)?")


def resolve(repository: Repository, name: str) -> CommitId:
    """Resolve what git resolves, a lesson (`l0042a`), a merge (`r0007/m1-03`) or a run's candidate (`r0007`)."""
    try:
        return repository.commit(name)
    except NotFound:
        ours = _OURS.fullmatch(name)
        if ours is None:
            raise
    if ours["run"]:
        return candidate(repository, RunId.parse(ours["run"]))
    return node(repository, NodeId.parse(name)) if ours["node"] else lessons.find(repository, name).commit


def candidate(repository: Repository, run: RunId) -> CommitId:
    """Find what a run came to, live or put away, else the highest of its merges that HEAD has, or raise NotFound."""
    if found := find_candidate(repository, run):
        return found
    start = None if repository.git.head_is_unborn else repository.head()
    known = octopuses(repository, start)
    ours = [(says.id.level, says.id.group, commit) for commit, says in known if says.id.run == run]
    if start and ours:
        return max(ours)[2]
    raise NotFound(f"{run} has no candidate", hint=f"gitskill consolidate {run}")


def find_candidate(repository: Repository, run: RunId) -> CommitId | None:
    """Find what a run came to, live or put away; None where it has come to nothing yet."""
    live = names.evolved_ref(repository, run)
    for ref in (live, names.archived(repository, live)):
        if (found := target(repository, ref)) is not None:
            return CommitId(found)
    return None


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
