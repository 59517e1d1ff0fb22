"""What both analysts that ask a model work with, and the one correction that both ask for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel

from gitskill.analysts.shapes import TOO_MANY, Lessons, LessonShape
from gitskill.analysts.suggestion import Problem, Suggestion, Taught
from gitskill.model.failures import NoAnswer, Why
from gitskill.model.request import Answer, Label, Message, Model, Question
from gitskill.prompts import Prompts
from gitskill.skill.snapshot import Skill

STAGE = "analyse"
UNASKED = "more lessons than were asked for"

Read = Callable[[LessonShape], Suggestion]
Value = TypeVar("Value", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Desk:
    """A model with its settings, the prompts, and the frozen skill that is to learn. The model is a Validated one."""

    model: Model
    name: str
    """The model's name."""
    prompts: Prompts
    skill: Skill
    problem: Problem
    run: str = ""
    """The id of the gitskill run, for the bill."""
    max_tokens: int = 4096
    temperature: float | None = None
    seed: int | None = None

    def question(
        self, messages: Sequence[Message], schema: type[BaseModel], about: Sequence[str], slot: str
    ) -> Question:
        """Ask for a `schema` about the traces `about`; `slot` names their lessons on the bill."""
        return Question(
            model=self.name,
            messages=tuple(messages),
            schema=schema,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            seed=self.seed,
            about=tuple(about),
            label=Label(self.run, STAGE, slot),
        )

    async def corrected(
        self, asked: Question, answer: Answer, suggestions: Sequence[Suggestion], read: Read
    ) -> tuple[Suggestion, ...]:
        """Give the suggestions; those with a problem go back once, together, and come back mended or as they were.

        Those that are too many do not go back: nothing that the model may change makes room for them.
        """
        asked_for = {at: each for at, each in enumerate(suggestions) if each.problem != TOO_MANY}
        found = {at: each.problem or await self.problem(each) for at, each in asked_for.items()}
        wrong = {at: problem for at, problem in found.items() if problem}
        if not wrong:
            return tuple(suggestions)
        lines = [
            f"{number}. {suggestions[at].title[:100]!r}: {problem}"
            for number, (at, problem) in enumerate(wrong.items(), 1)
        ]
        told = self.prompts.text("analyst-correction.md", problems="\n".join(lines))
        again = replace(asked, messages=(*asked.messages, said(answer), Message("user", told)), schema=Lessons)
        try:
            mended = [read(each) for each in valued(await self.model.ask(again), Lessons).lessons]
        except NoAnswer:
            return tuple(suggestions)
        right = {(each.title, each.rule) for at, each in enumerate(suggestions) if at not in wrong}
        mended = [each for each in mended if (each.title, each.rule) not in right]  # models repeat what was right
        # The checks say what is wrong with those that were not mended.
        placed = dict(zip(wrong, mended, strict=False))
        kept = [placed.get(at, each) for at, each in enumerate(suggestions)]
        return (*kept, *(replace(each, problem=UNASKED) for each in mended[len(wrong) :]))


def said(answer: Answer) -> Message:
    """Repeat to the model what it answered."""
    return Message("assistant", answer.text)


def valued(answer: Answer, kind: type[Value]) -> Value:
    """Give what an answer holds, or raise NoAnswer: a model may call tools that it was never given."""
    if isinstance(answer.value, kind):
        return answer.value
    raise NoAnswer(Why.INVALID, "it calls a tool instead of answering")


def taught(suggestions: Sequence[Suggestion], reason: str) -> Taught:
    """Hand in the suggestions, or the reason for having none."""
    if suggestions:
        return Taught(tuple(suggestions), remark=reason.strip())
    return Taught(nothing=reason.strip() or "the model gave no reason")
