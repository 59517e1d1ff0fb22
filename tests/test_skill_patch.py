"""A lesson as a diff that a person can edit, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitskill.errors import InvalidInput
from gitskill.skill.diffs import apply_diff
from gitskill.skill.patch import as_diff
from gitskill.skill.snapshot import Skill

TEXTS = st.lists(st.sampled_from(["a", "b", "", "- c", "+ d", "\\ e", "# f", "g\r"]), max_size=6).map("\n".join)


def skill(text: str, reference: str = "") -> Skill:
    return Skill({"SKILL.md": text.encode()} | ({"references/a.md": reference.encode()} if reference else {}))


@given(TEXTS, TEXTS, st.sampled_from(["", "# New\n", "# Open"]))
def test_the_diff_of_two_skills_makes_one_of_the_other(old: str, new: str, reference: str) -> None:
    before, after = skill(old or "x"), skill(new or "x\n", reference)

    if before != after:
        assert apply_diff(before, as_diff(before, after)) == after
        assert apply_diff(after, as_diff(after, before)) == before


def test_a_file_without_lines_is_named() -> None:
    with pytest.raises(InvalidInput, match="assets/x has no lines"):
        as_diff(skill("a\n"), skill("a\n").with_file("assets/x", b"\0"))
