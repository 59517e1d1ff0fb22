"""How often later runs taught what the skill says already."""

from collections.abc import Mapping
from contextlib import suppress

from gitskill.errors import InvalidInput
from gitskill.ids import LessonId, RunId
from gitskill.store.analyses import aside, plan_of
from gitskill.store.lessons import listed
from gitskill.store.nodes import NodeStore
from gitskill.store.runs import recorded


def taught_again(nodes: NodeStore, lesson: LessonId) -> Mapping[RunId, int]:
    """Count what later runs folded into a lesson. A trace that its own run studied, or another one, counts no more."""
    repository, known = nodes.reader.repository, set[str]()
    counted: dict[RunId, int] = {}
    for run in recorded(repository):
        with suppress(InvalidInput):  # a damaged record tells nothing, and is told elsewhere
            back = aside(repository, run).items() if run.id != lesson.run else ()
            said = {slot for slot, each in back if each.is_said and each.by == str(lesson)}
            taught = [nodes.lesson(one.commit).lesson for one in listed(repository, run.id) if one.id.short in said]
            if new := {ref.trace for each in taught for ref in each.traces} - known:
                counted[run.id] = len(new)
            plan = plan_of(repository, run) if new or run.id == lesson.run else None
            known |= {each.trace for each in (plan.assignments if plan else ())}
    return counted
