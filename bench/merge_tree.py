"""A thousand lessons merged in a tree of octopuses with fan-in 16: read from git, joined, written.

Run: python bench/merge_tree.py [COUNT]
"""

import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import branches
import sample

from gitskill.ids import CommitId, NodeId, RunId
from gitskill.node import Live, Node, Octopus, Support
from gitskill.store.lessons import listed
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import Move
from gitskill.store.repository import Repository
from gitskill.store.skills import SkillReader

FAN_IN = 16


def merge_all(repository: Repository) -> Node:
    """Join every lesson of run 1, level by level, and put the root on a branch."""
    nodes = NodeStore(SkillReader(repository, ""))
    base = repository.head()
    batch = Batch(repository)
    waiting: list[tuple[Sequence[Live], CommitId]] = [
        ((nodes.live(found.commit, base),), found.commit) for found in listed(repository)
    ]
    level = 0
    root: Node | None = None
    while root is None or len(waiting) > 1:
        level += 1
        groups = [waiting[at : at + FAN_IN] for at in range(0, len(waiting), FAN_IN)]
        waiting = []
        for number, group in enumerate(groups):
            live = [item for items, _ in group for item in items]
            support = tuple((item.key, Support(1, len(live), 1)) for item in live)
            says = Octopus(NodeId(RunId(1), level, number), support)
            root = nodes.join(batch, base, says, live, [commit for _, commit in group], sample.WHO)
            waiting.append((root.live, root.commit))
    moves = (Move("refs/heads/gitskill/r0001/evolved", None, root.commit),)
    record(repository, batch, Operation("merge", moves), sample.WHO)
    return root


def main() -> None:
    """Print seconds, memory, and what git itself needs to check the result."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "repo"
        sample.make_repository(folder)
        branches.ours(folder, count)
        repository = Repository.open(folder)
        start = time.perf_counter()
        root = merge_all(repository)
        mine = time.perf_counter() - start
        start = time.perf_counter()
        sample.git(folder, "fsck", "--strict", "--no-dangling")
        fsck = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{count} lessons in one tree: {mine:.2f} s, {mine / fsck:.2f} of git fsck's time, peak {peak} MB")
    print(f"root carries {len(root.live)} lessons (bars for 1000: 3 s, 150 MB)")


if __name__ == "__main__":
    main()
