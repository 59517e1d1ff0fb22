"""The first version of a skill, which a model writes from what it knows: no trace is read, nothing is stored."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict

from gitskill.analysts.desk import said, valued
from gitskill.checks.change import check_change
from gitskill.checks.finding import Finding, Level
from gitskill.checks.reach import reach_findings
from gitskill.checks.secrets import secrets_findings
from gitskill.errors import InvalidInput
from gitskill.model.request import Answer, Label, Message, Model, Question
from gitskill.prompts import DRAFT, Prompts
from gitskill.redact.redactor import Redactor
from gitskill.skill import frontmatter
from gitskill.skill.snapshot import SKILL_FILE, Skill

STAGE = "draft"
_NOTHING = Skill({})
"""What a draft is held against: all of it is new."""


class DraftShape(BaseModel):
    """A skill: when an agent should use it, and what it says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    body: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The skill that somebody wants."""

    name: str
    purpose: str
    """What it is for, in their words."""

    @property
    def run(self) -> str:
        """Name the bill: what was paid for this very wish before counts against its budget."""
        return f"draft-{hashlib.sha256(f'{self.name} {self.purpose}'.encode('utf-8', 'replace')).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft that passed the checks."""

    text: bytes
    """The SKILL.md."""
    by: str
    """Who wrote it, for the commit: the model and the hash of its prompts."""
    reach: tuple[Finding, ...]
    """The hosts, commands and the like that it names: for a person to look at."""


@dataclass(frozen=True, slots=True)
class Drafter:
    """Asks a model, which must be a Validated one."""

    model: Model
    name: str
    prompts: Prompts
    redactor: Redactor
    max_tokens: int = 8192

    async def draft(self, wanted: Wanted) -> Drafted:
        """Have a skill written. One that the checks refuse goes back once; refused again, InvalidInput says why."""
        asked = self._question(wanted)
        answer = await self.model.ask(asked)
        skill, problems = self._read(wanted, answer)
        if problems:
            told = self.prompts.text("draft-correction.md", problems="\n".join(problems))
            turns = (*asked.messages, said(answer), Message("user", told))
            skill, problems = self._read(wanted, await self.model.ask(replace(asked, messages=turns)))
        if problems:
            raise InvalidInput(
                f"the draft cannot be used: {problems[0]}" + (f", and {len(problems) - 1} more" * (len(problems) > 1)),
                hint="say in other words what the skill is for, choose another model, or leave --draft out",
            )
        by = f"{self.name} prompts:{self.prompts.hash_of(DRAFT)}"
        return Drafted(skill.files[SKILL_FILE], by, reach_findings(_NOTHING, skill))

    def _question(self, wanted: Wanted) -> Question:
        task = self.prompts.text("draft-task.md", called=wanted.name, purpose=wanted.purpose)
        return Question(
            model=self.name,
            messages=(Message("system", self.prompts.text("draft.md")), Message("user", task)),
            schema=DraftShape,
            max_tokens=self.max_tokens,
            label=Label(wanted.run, STAGE),
        )

    def _read(self, wanted: Wanted, answer: Answer) -> tuple[Skill, list[str]]:
        """Make a skill of an answer, and say what is wrong with it."""
        told = valued(answer, DraftShape)
        skill = _skill(wanted.name, told)
        return skill, [*_form(told), *self._refused(skill)]

    def _refused(self, skill: Skill) -> Iterator[str]:
        """Say what the checks of any change refuse, and what they would hold, but for reach: a person looks at that."""
        found = (*check_change(_NOTHING, skill), *secrets_findings(_NOTHING, skill, {}, self.redactor))
        for each in found:
            if each.level is not Level.WARNING:
                at = "" if each.line is None or f"line {each.line} " in each.message else f"line {each.line}: "
                yield at + each.message


def _skill(name: str, told: DraftShape) -> Skill:
    body = told.body.replace("\r\n", "\n").strip()
    title = "" if body.startswith("# ") else f"# {name.replace('-', ' ').capitalize()}\n\n"
    head = f"---\nname: {name}\ndescription: {frontmatter.quoted(told.description)}\n---\n"
    return Skill({SKILL_FILE: f"{head}\n{title}{body}\n".encode("utf-8", "replace")})


def _form(told: DraftShape) -> Iterator[str]:
    if not told.body.strip():
        yield "the body is empty"
    if told.body.lstrip().startswith("---"):
        yield "the body begins with ---: what stands there is written by others"
