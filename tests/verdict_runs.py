"""A run whose lessons are for a person to decide on: one is held by a check, one by support, one has two parts."""

import os
from pathlib import Path

from conftest import SKILL, WHO, commit_all, git
from gitskill.cli.main import run as gitskill
from gitskill.fate import Fate, LessonFate, State, TraceFate
from gitskill.ids import LessonId
from gitskill.lesson import Evidence, Lesson, TraceRef
from gitskill.materials import materials
from gitskill.plan import Recipe, make
from gitskill.skill.edits import AppendToSection, Edit, ReplaceInSection, apply_edits
from gitskill.store.analyses import Finished, Ready, Writer, begin, fates
from gitskill.store.locks import held
from gitskill.store.repository import Repository
from gitskill.store.runs import recorded
from gitskill.store.skills import SkillReader
from gitskill.store.traces import documents, entries
from study_runs import runs


def bullet(text: str, section: str = "Writing") -> AppendToSection:
    return AppendToSection("SKILL.md", section, f"- {text}")


SAID: tuple[tuple[str, tuple[Edit, ...]], ...] = (
    ("Look first", (bullet("Look first."),)),
    ("Look first", (bullet("Look first."),)),
    ("Install it", (bullet("Install it with `sudo make`."),)),
    ("ISO dates", (ReplaceInSection("SKILL.md", "Store dates as dates.", "Store dates as ISO dates.", "Dates"),)),
    ("Count and keep", (bullet("Keep a copy."), bullet("Count the rows.", "Reading"))),
    ("Name it", (bullet("Name the sheet.", "Reading"),)),
)


def study(folder: Path, said: tuple[tuple[str, tuple[Edit, ...]], ...] = SAID, fan_in: int = 2) -> None:
    """Study a trace for each lesson and write what it taught, as analysts would."""
    place, labels = runs(folder.parent / "runs", good=len(said))
    assert gitskill(["-C", str(folder), "traces", "add", str(place), "--labels", str(labels)], os.environ) == 0
    repository = Repository.open(folder)
    reader = SkillReader(repository, "")
    plan = make(materials(documents(repository, entries(repository))), Recipe(fan_in=fan_in))
    run = begin(reader, plan, WHO)
    base = reader.read(run.base)
    done = []
    for each, (title, edits) in zip(plan.assignments, said, strict=True):
        slot = LessonId(run.id, each.number, "a")
        quote = Evidence(each.trace, 2, "rm: missing operand")
        lesson = Lesson(slot, title, "it broke", "offline", (TraceRef(each.trace, each.task, "success"),), (quote,))
        is_held = title == "Install it"
        state = (State.HELD, "", "reach", "new command: sudo") if is_held else (State.PROPOSED,)
        fate = LessonFate(slot.short, title, *state)
        done.append(
            Finished(
                TraceFate(each.number, Fate.LESSONS, "", (fate,)), (Ready(lesson, apply_edits(base, edits), fate),)
            )
        )
    with held(repository, run.id) as lock:
        writer = Writer(reader, run, lock, WHO)
        writer.save(done)
        writer.finish(fates(repository, recorded(repository)[-1]))


def consolidated(folder: Path) -> Path:
    """Make a repository with such a run, studied and consolidated."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "SKILL.md").write_text(SKILL)
    commit_all(folder, "Base")
    study(folder)
    assert gitskill(["-C", str(folder), "consolidate"], os.environ) == 0
    return folder
