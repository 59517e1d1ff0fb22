"""The algebra on which every merge rests."""

import random
from collections.abc import Sequence

from gitskill.skill.compose import apply_parts, overlapping
from gitskill.skill.diff import changes_between, line_spans
from gitskill.skill.hunks import Changes, Hunk, overlap
from gitskill.skill.snapshot import Skill
from hypothesis import given, settings
from hypothesis import strategies as st

LINES = st.sampled_from(["", "a", "b", "- c", "# H", "## H", "### S", "```", "---", "x\r", "  # in"])
TEXTS = st.builds(
    lambda lines, ends: "\n".join(lines) + ("\n" if lines and ends else ""), st.lists(LINES, max_size=12), st.booleans()
).map(str.encode)
SKILLS = st.dictionaries(st.sampled_from(["SKILL.md", "references/a.md", "scripts/x.py"]), TEXTS, max_size=3).map(Skill)


@given(SKILLS, SKILLS)
def test_changes_between_two_trees_turn_the_one_into_the_other(base: Skill, new: Skill) -> None:
    assert apply_parts(base, {1: changes_between(base, new)}) == new


@given(SKILLS, SKILLS)
def test_changes_are_in_normal_form(base: Skill, new: Skill) -> None:
    for path in base.files.keys() & new.files.keys():
        a = base.text(path).lines
        spans = line_spans(a, new.text(path).lines)
        for (_, end, _), (start, _, _) in zip(spans, spans[1:], strict=False):
            assert end < start
        for start, end, lines in spans:
            assert lines or start < end
            if start < end and lines:
                assert a[start] != lines[0]
                assert a[end - 1] != lines[-1]
