"""History read by its trailers: what a clone knows without any ref of ours."""

from collections.abc import Iterable, Iterator

import pygit2
from pygit2.enums import SortMode

from gitskill.ids import CommitId
from gitskill.message import Message
from gitskill.node import Octopus
from gitskill.store.refs import OWN
from gitskill.store.repository import Repository


def commits_with(
    repository: Repository, key: str, start: CommitId | None = None, *, also: Iterable[CommitId] = ()
) -> Iterator[tuple[CommitId, Message]]:
    """Give every commit with a trailer `key`, children before parents: from `start`, or from all branches and tags.

    `also` names further commits to start from.
    """
    tips = [*([start] if start else _tips(repository)), *also]
    if not tips:
        return
    walk = repository.git.walk(None, SortMode.TOPOLOGICAL | SortMode.TIME)
    for tip in tips:
        walk.push(tip)
    mark = f"\n{key}: ".encode()
    for commit in walk:
        if mark in commit.raw_message:
            message = Message.parse(commit.message)
            if message.one(key) is not None:
                yield CommitId(str(commit.id)), message


def octopuses(repository: Repository, start: CommitId | None = None) -> Iterator[tuple[CommitId, Octopus]]:
    """Give every octopus, children before parents. A squashed one has its message and not its parents: it is none."""
    for commit, message in commits_with(repository, "Level", start):
        says = Octopus.read(message)
        if says and len(repository.parents(commit)) > 1:
            yield commit, says


def line(repository: Repository, commit: CommitId) -> Iterator[tuple[CommitId, Octopus]]:
    """Give an octopus and those of its run that it stands on, as the rounds of a sequential run do; the last first."""
    run = None
    while says := _octopus(repository, commit):
        if run not in (None, says.id.run):
            return
        yield commit, says
        run, commit = says.id.run, repository.parents(commit)[0]


def _octopus(repository: Repository, commit: CommitId) -> Octopus | None:
    says = Octopus.read(Message.parse(repository.read_commit(commit).message))
    return says if says and len(repository.parents(commit)) > 1 else None


def since_lessons(repository: Repository, start: CommitId) -> frozenset[CommitId]:
    """Give the commits in the history of `start` that the first lessons did not stand on; none where there are none."""
    bases = {repository.parents(commit)[0] for commit, _ in octopuses(repository, start)}
    first = [base for base in bases if next(octopuses(repository, base), None) is None]
    if not first:
        return frozenset()
    walk = repository.git.walk(start, SortMode.TOPOLOGICAL)
    for base in first:
        walk.hide(base)
    return frozenset(CommitId(str(commit.id)) for commit in walk)


def _tips(repository: Repository) -> list[CommitId]:
    """Every commit that a branch, a remote's branch, a tag or HEAD leads to; our own records are no history."""
    refs = [name for name in repository.git.references if not name.startswith(OWN)]
    found = [commit for name in refs if (commit := peeled(repository, name))]
    if not repository.git.head_is_unborn:
        found.append(repository.head())
    return list(dict.fromkeys(found))


def peeled(repository: Repository, ref: str) -> CommitId | None:
    """Follow a ref, and any tag it names, to a commit; None where it leads to something else."""
    try:
        return CommitId(str(repository.git.references[ref].peel(pygit2.Commit).id))
    except (pygit2.InvalidSpecError, pygit2.GitError, KeyError):
        return None


def commit_of(repository: Repository, oid: str) -> CommitId | None:
    """Follow the id of a commit or tag to a commit; None where it is of something else, or git no longer has it."""
    try:
        return CommitId(str(repository.git[oid].peel(pygit2.Commit).id))
    except (pygit2.InvalidSpecError, pygit2.GitError, KeyError, ValueError):
        return None
