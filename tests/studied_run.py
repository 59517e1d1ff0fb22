"""A run as analysts leave it, written through the store: traces, a plan, fates and lessons; then consolidated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitskill.fate import Anomaly, Fate, LessonFate, State, TraceFate
from gitskill.ids import LessonId
from gitskill.lesson import Evidence, Lesson, TraceRef
from gitskill.outcome import Outcome, Status
from gitskill.plan import Material, Recipe, make
from gitskill.skill.edits import Edit, apply_edits
from gitskill.store.analyses import Finished, Ready, Writer, begin
from gitskill.store.locks import held
from gitskill.store.repository import Repository, Who
from gitskill.store.skills import SkillReader
from gitskill.store.traces import Collection, Entry
from gitskill.trace import Call, Observation, Origin, Step, Trace
from gitskill.trace_document import canonical, trace_id

WHO = Who("Ada", "ada@example.com", 1_700_000_000)


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
        run = begin(reader, plan, WHO)
        said = dict(zip((trace for trace, _ in ids), self.said, strict=True))
        with held(repository, run.id) as lock:
            writer = Writer(reader, run, lock, WHO)
            base = reader.read(run.base)
            done = []
            for each in plan.assignments:
                one = said[each.trace]
                lesson = LessonId(run.id, each.number, "a")
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
