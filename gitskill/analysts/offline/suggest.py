"""What the offline analyst found, as lessons with edits to a skill."""

from collections.abc import Sequence

from gitskill.analysts.draft import HERE, Draft, Studied
from gitskill.analysts.offline.acts import run_of
from gitskill.analysts.offline.errors import failure, noise_of
from gitskill.analysts.offline.study import study
from gitskill.analysts.suggestion import Suggestion, Taught
from gitskill.errors import InvalidInput
from gitskill.skill.edits import AddSection, AppendToSection, Edit, apply_edits
from gitskill.skill.snapshot import SKILL_FILE, Skill


class Offline:
    """The analyst without a model: it has studied all runs together before it is asked about one."""

    def __init__(self, runs: Sequence[Studied], skill: Skill) -> None:
        found = study(runs)
        self.anomalies = found.anomalies
        self.suspects = found.suspects
        self._none = found.none
        self._lessons = found.lessons
        self._skill = skill

    async def study(self, runs: Sequence[Studied], _slot: str) -> Taught:
        """Give what was found in a run."""
        [run] = runs
        drafts = self._lessons.get(run.id, ())
        if not drafts:
            return Taught(nothing=self._none[run.id])
        return Taught(tuple(suggested(draft, self._skill) for draft in drafts))


def suggested(draft: Draft, skill: Skill) -> Suggestion:
    """Give a draft its edit: a bullet in the section that it belongs to, or that section with its first bullet."""
    cause = f"{draft.cause} It rests on how this environment behaves." if draft.scope == HERE else draft.cause
    return Suggestion(draft.title, cause, draft.rule, draft.evidence, (_edit(draft, skill),))


def _edit(draft: Draft, skill: Skill) -> Edit:
    bullet = f"- {draft.rule}"
    append = AppendToSection(SKILL_FILE, draft.section, bullet)
    try:
        apply_edits(skill, (append,))
    except InvalidInput:
        return AddSection(SKILL_FILE, f"## {draft.section}\n\n{bullet}\n")
    return append


def signature(run: Studied) -> str:
    """Name the error that recurs most in a run; empty where it shows none."""
    acts = run_of(run).acts
    noise = noise_of(acts)
    found = [wrong.signature for act in acts if (wrong := failure(act, noise))]
    return min(found, key=lambda name: (-found.count(name), name), default="")
