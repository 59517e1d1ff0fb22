"""Every run of a skill in a line: how far it came, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gitskill.errors import InvalidInput
from gitskill.fate import State
from gitskill.store.analyses import aside, fates
from gitskill.store.lessons import listed
from gitskill.store.lookup import find_candidate
from gitskill.store.nodes import NodeStore
from gitskill.store.releases import released_as
from gitskill.store.runs import Run, recorded
from gitskill.store.tags import Release, releases


class Stage(StrEnum):
    """How far a run came."""

    STUDYING = "studying"
    STUDIED = "studied"
    """Its lessons wait to be consolidated."""
    CANDIDATE = "candidate"
    RELEASED = "released"
    NOTHING = "nothing new"
    DAMAGED = "damaged"
    """Its record cannot be read."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run."""

    run: Run
    stage: Stage
    lessons: int
    """All that were proposed, whatever became of them."""
    released: str = ""
    """The tag of the version that it is."""


def report_runs(nodes: NodeStore) -> list[RunReport]:
    """List the runs of the skill that have a record here, newest first."""
    repository, folder = nodes.reader.repository, nodes.reader.folder
    known = releases(repository, folder)
    return [_report(nodes, run, known) for run in reversed(recorded(repository)) if run.folder == folder]


def _report(nodes: NodeStore, run: Run, known: Sequence[Release]) -> RunReport:
    repository = nodes.reader.repository
    try:
        found = fates(repository, run)
        back = aside(repository, run)
    except InvalidInput:
        return RunReport(run, Stage.DAMAGED, 0)
    slots = {one.slot: one.state for fate in found.values() for one in fate.lessons}
    by_hand = {item.id.short for item in listed(repository, run.id)} - slots.keys()
    count = len(slots) + len(by_hand)
    if tag := released_as(repository, run, known):
        return RunReport(run, Stage.RELEASED, count, tag.tag)
    if find_candidate(repository, run.id):
        return RunReport(run, Stage.CANDIDATE, count)
    if len(found) < run.planned:
        return RunReport(run, Stage.STUDYING, count)
    waits = {slot for slot, state in slots.items() if state is State.PROPOSED} | by_hand
    return RunReport(run, Stage.STUDIED if waits - back.keys() else Stage.NOTHING, count)
