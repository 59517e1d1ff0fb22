"""The success analyst: one question about runs that did their task, and at most one for corrections."""

from collections.abc import Sequence
from dataclasses import dataclass

from gitskill.analysts.desk import Desk, taught, valued
from gitskill.analysts.draft import Studied
from gitskill.analysts.rendering import BUDGET, fenced, skill_text, whole
from gitskill.analysts.shapes import Lessons, LessonShape, suggestion, suggestions
from gitskill.analysts.suggestion import Suggestion, Taught
from gitskill.model.request import Message


@dataclass(frozen=True, slots=True)
class Success:
    """Learns from what went well."""

    desk: Desk
    budget: int = BUDGET
    """Characters of a question that runs may take."""

    async def study(self, runs: Sequence[Studied], slot: str = "") -> Taught:
        """Say what these runs teach, or raise NoAnswer, ModelUnusable or Paused."""
        ids = [run.id for run in runs]

        def read(shape: LessonShape) -> Suggestion:
            return suggestion(shape, ids)

        asked = self.desk.question(self._messages(runs), Lessons, ids, slot)
        answer = await self.desk.model.ask(asked)
        told = valued(answer, Lessons)
        found = suggestions(told.lessons, read)
        return taught(await self.desk.corrected(asked, answer, found, read), told.reason)

    def _messages(self, runs: Sequence[Studied]) -> tuple[Message, Message]:
        """Put first what is the same for every run, so that endpoints read it once."""
        prompts, each = self.desk.prompts, self.budget // len(runs)
        rules, skill = prompts.text("analyst-rules.md"), skill_text(self.desk.skill)
        shown = [f"Run {number}:\n{fenced(whole(run.trace, each))}" for number, run in enumerate(runs, 1)]
        return (
            Message("system", prompts.text("analyst-success.md", rules=rules, skill=skill)),
            Message("user", prompts.text("analyst-success-task.md", runs="\n\n".join(shown))),
        )
