"""The names of our refs: which branch is which lesson or merge."""

import re

from gitskill.ids import LessonId, NodeId, RunId
from gitskill.store.refs import HEADS, OWN
from gitskill.store.repository import Repository

ARCHIVE = f"{OWN}archive/"
RUNS = f"{OWN}runs/"
REMOTES = f"{OWN}remotes/"
"""Records of a remote's runs that have the number of another run here: `refs/gitskill/remotes/origin/runs/r0007`."""

_LESSON = re.compile(r"(r\d{4,9})/(l\d{4,9}[a-z])(?:-[a-z0-9-]+)?")
_RUN = re.compile(r"(?:^|/)r(\d{4,9})(?:/|$)")


def branches(repository: Repository) -> str:
    """Give the prefix of every branch that gitskill makes here: `refs/heads/gitskill/`."""
    return f"{HEADS}{repository.prefix}/"


def lesson_ref(repository: Repository, lesson: LessonId, slug: str) -> str:
    """Name a lesson's branch: `refs/heads/gitskill/r0007/l0042a-recalculate-after-write`."""
    return f"{branches(repository)}{lesson}{'-' if slug else ''}{slug}"


def node_ref(repository: Repository, node: NodeId) -> str:
    """Name an octopus's branch: `refs/heads/gitskill/r0007/m1-03`."""
    return f"{branches(repository)}{node}"


def evolved_ref(repository: Repository, run: RunId) -> str:
    """Name the candidate of a run: `refs/heads/gitskill/r0007/evolved`."""
    return f"{branches(repository)}{run}/evolved"


def archived(repository: Repository, ref: str) -> str:
    """Name the place of a branch that is put away."""
    return ARCHIVE + ref.removeprefix(branches(repository))


def lesson_of(repository: Repository, ref: str) -> LessonId | None:
    """Read which lesson a branch, live or archived, is; None where it is no lesson's."""
    match = _LESSON.fullmatch(ref.removeprefix(branches(repository)).removeprefix(ARCHIVE))
    return LessonId.parse(f"{match[1]}/{match[2]}") if match else None


def run_of(ref: str) -> RunId | None:
    """Read which run a ref of ours belongs to, on this side or a remote's."""
    match = _RUN.search(ref)
    return RunId(int(match[1])) if match else None
