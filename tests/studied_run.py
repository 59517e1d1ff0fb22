"""A run as analysts leave it, written through the store: traces, a plan, fates and lessons; then consolidated."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conftest import SKILL, WHO, commit_all, git
from gitskill.cli.main import run
from gitskill.fate import Anomaly, Fate, LessonFate, State, TraceFate
from gitskill.ids import LessonId
from gitskill.lesson import Evidence, Lesson, TraceRef
from gitskill.outcome import Outcome, Status
from gitskill.plan import Material, Recipe, make
from gitskill.skill.edits import AddSection, AppendToSection, Edit, ReplaceInSection, apply_edits
from gitskill.store.analyses import Finished, Ready, Writer, begin
from gitskill.store.locks import held
from gitskill.store.repository import Repository
from gitskill.store.skills import SkillReader
from gitskill.store.traces import Collection, Entry
from gitskill.trace import Call, Observation, Origin, Step, Trace
from gitskill.trace_document import canonical, trace_id


@dataclass(frozen=True)
class Said:
    """What one trace teaches. Without an edit its lesson is rejected; without a title it has none."""

    title: str
    edit: Edit | None = None
    cause: str = "the checker read a cached value"
    quote: str = "expected 2210, found None"
    around: str = "reading the target range\n{}\nthe run ends here"
    state: State = State.PROPOSED
    by: str = ""
    reason: str = ""
    rule: str = ""
    task: str = ""


@dataclass(frozen=True)
class Study:
    """A run: one trace for each thing that was said."""

    said: Sequence[Said]
    anomalies: Sequence[str] = ()
    fan_in: int = 4

    def write(self, repository: Repository, folder: str = "") -> None:
        """Store the traces, begin the run and write what became of each."""
        reader = SkillReader(repository, folder)
        store = Collection(repository)
        ids = [self._stored(store, number, one) for number, one in enumerate(self.said, start=1)]
        store.save("add traces", WHO)
        materials = [Material(trace, task, Status.FAILURE, 400) for trace, task in ids]
        plan = make(materials, Recipe(engine="qwen3.5-35b", fan_in=self.fan_in))
        begun = begin(reader, plan, WHO)
        said = dict(zip((trace for trace, _ in ids), self.said, strict=True))
        with held(repository, begun.id) as lock:
            writer = Writer(reader, begun, lock, WHO)
            base = reader.read(begun.base)
            done = []
            for each in plan.assignments:
                one = said[each.trace]
                lesson = LessonId(begun.id, each.number, "a")
                trace = TraceRef(each.trace, each.task, "failure")
                fate = LessonFate(lesson.short, one.title, one.state, "", one.by, one.reason, one.rule)
                evidence = (Evidence(each.trace, 2, one.quote),) if one.quote else ()
                if not one.title:
                    done.append(Finished(TraceFate(each.number, Fate.NO_LESSON, one.reason)))
                    continue
                found = TraceFate(each.number, Fate.LESSONS, "", (fate,))
                if one.edit is None:
                    rejected = replace(fate, state=State.REJECTED)
                    done.append(Finished(replace(found, lessons=(rejected,))))
                    continue
                made = Lesson(lesson, one.title, one.cause, "error qwen3.5-35b prompts:5e1c", (trace,), evidence)
                done.append(Finished(found, (Ready(made, apply_edits(base, (one.edit,)), fate),)))
            writer.save(done)
            writer.note([Anomaly(what) for what in self.anomalies])

    def _stored(self, store: Collection, number: int, one: Said) -> tuple[str, str]:
        task = one.task or f"sheet-{number}"
        told = one.around.format(one.quote)
        call = Call("bash", {"command": f"python check.py {number}"}, Observation(told, 1))
        steps = (Step(Origin.USER, f"Fill in sheet {number}."), Step(Origin.AGENT, "I look again.", calls=(call,)))
        data = canonical(Trace("gitskill", task, f"Fill in sheet {number}.", steps))
        found = trace_id(data)
        store.add(data, Entry(found, task, "gitskill", len(steps), Outcome(Status.FAILURE, source="test")))
        return found, task


NAME = "references/\"><img src=x onerror=ran('name')>.md"
PLANTED = "<script>ran('{0}')</script><img src=x onerror=\"ran('{0}')\"><a href=\"javascript:ran('{0}')\">{0}</a>"


def appended(section: str, text: str) -> Edit:
    return AppendToSection("SKILL.md", section, f"- {text}")


def replaced(text: str) -> Edit:
    return ReplaceInSection("SKILL.md", "- Save to a new file.", f"- {text}", "Writing")


RECALCULATE = appended("Writing", "Recalculate after writing; a cached value is stale.")
SAID = [
    Said("Recalculate after writing a formula", RECALCULATE),
    Said("Recalculate", RECALCULATE, quote="value: None"),
    Said("Save beside it", replaced("Save to a new file beside the old one."), task="sheet-9"),
    Said("Save next to it", replaced("Save to a new file beside the old one.")),
    Said("Save elsewhere", replaced("Never save over the input.")),
    Said("Names are short", AddSection("SKILL.md", "## Names\n\n- Keep names short.\n")),
    Said("Names are clear", AddSection("SKILL.md", "## Names\n\n- Keep names clear.\n")),
    Said(
        f"Title {PLANTED.format('title')}"[:190],
        appended("Dates", "Look at dates twice."),
        cause=PLANTED.format("cause"),
        quote=PLANTED.format("quote"),
        around=PLANTED.format("trace") + "</pre></script>\u202e\n{}\nafter \x1b[31m",
        task=PLANTED.format("task"),
    ),
    Said("Install a font", appended("Reading", "Run `apt-get install x`."), state=State.HELD, by="reach", reason="apt"),
    Said("Use the answer", by="leak", reason="names the task", rule=PLANTED.format("rule")),
    Said("", reason="no quotable error"),
]


def sample(place: Path) -> Path:
    """Make a repository with a run in which all happened that can happen to a lesson, once for each process."""
    folder = place / "report-sample" / "sheets"
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "SKILL.md").write_text(f"{SKILL}{PLANTED.format('skill')}\n")
    (folder / NAME).parent.mkdir()
    (folder / NAME).write_text(PLANTED.format("file"))
    commit_all(folder, "Base")
    git(folder, "tag", "-a", "v1.3.0", "-m", "x")
    Study(SAID, [PLANTED.format("anomaly")]).write(Repository.open(folder))
    assert run(["-C", str(folder), "consolidate", "--engine", "rules"], os.environ) == 0
    return folder
