"""Whether a skill is too big: for the model that reads it, and for us."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitskill.checks.finding import Finding, Level
from gitskill.skill import frontmatter, tokens
from gitskill.skill.snapshot import SKILL_FILE, Skill

MAX_LINES = 500
MAX_TOKENS = 5000
MAX_FILE_BYTES = 256 * 1024
MAX_FILES = 500
MAX_SKILL_BYTES = 5 * 1024 * 1024
MAX_WORDS = 4000
"""Characters of each text that a lesson says outside the skill's files."""


@dataclass(frozen=True, slots=True)
class _Measure:
    path: str
    size: int
    limit: int
    unit: str
    new: Level
    """What it means when a change goes over this limit."""


def size_findings(skill: Skill, base: Skill | None = None) -> tuple[Finding, ...]:
    """Name every limit that `skill` is over; with `base`, those that it is over by more than `base` was.

    A whole skill only gets warnings: one in twelve real ones is over a budget.
    A change may go over what is advised for SKILL.md, not over what we handle.
    """
    before = {(m.path, m.unit): m.size for m in _measures(base)} if base else {}
    return tuple(
        Finding(
            "size",
            m.new if base else Level.WARNING,
            m.path,
            None,
            f"{repr(m.path) if m.path else 'the skill'} has {m.size:,} {m.unit}; the limit is {m.limit:,}",
        )
        for m in _measures(skill)
        if m.size > max(m.limit, before.get((m.path, m.unit), 0))
    )


def words_findings(texts: Mapping[str, str]) -> tuple[Finding, ...]:
    """Refuse texts that are too long for a commit's message; `texts` are those of a lesson by their names."""
    return tuple(
        Finding("size", Level.INVALID, "", None, f"the {name} has {len(text):,} characters; the limit is {MAX_WORDS:,}")
        for name, text in texts.items()
        if len(text) > MAX_WORDS
    )


def _measures(skill: Skill) -> Iterator[_Measure]:
    text = skill.text(SKILL_FILE)
    body = frontmatter.split(str(text)).body
    yield _Measure(SKILL_FILE, len(text.lines), MAX_LINES, "lines", Level.WARNING)
    yield _Measure(SKILL_FILE, tokens.estimate(body), MAX_TOKENS, "tokens", Level.WARNING)
    for path, data in sorted(skill.files.items()):
        yield _Measure(path, len(data), MAX_FILE_BYTES, "bytes", Level.INVALID)
    yield _Measure("", len(skill.files), MAX_FILES, "files", Level.INVALID)
    yield _Measure("", sum(map(len, skill.files.values())), MAX_SKILL_BYTES, "bytes", Level.INVALID)
